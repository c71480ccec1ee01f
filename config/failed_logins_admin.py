"""Failed log-ins in the admin: who is locked, and ending a lock. Removing a person's second factor."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations import sentences
from integrations.admin import words
from integrations.admin.base import ReadOnlyAdmin, action, display

from .login_lock import open_locks, unlock
from .models import FailedLogin
from .second_factor import remove_second_factor


@admin.register(FailedLogin)
class FailedLoginAdmin(ReadOnlyAdmin):
    """Failed log-ins of the last minutes, by account and address. What was typed as a password is never kept."""

    list_display = ("account", "address", "failures", "when", "locked")
    search_fields = ("username", "ip_address")
    ordering = ("-attempt_time",)
    sortable_by = ()
    list_filter_submit = False
    fields: ClassVar[Any] = ("account", "address", "browser", "failures", "when")
    actions = ("end_lock",)

    def prepare_page(self, _request: HttpRequest, _rows: list[FailedLogin]) -> None:
        """Read once what is locked."""
        locks = open_locks()
        self._accounts = {lock.account for lock in locks if lock.account}
        self._addresses = {lock.address for lock in locks if lock.address}

    @display(description=gettext_lazy("account"))
    def account(self, row: FailedLogin) -> str:
        """The name that was entered."""
        return row.username or words.EMPTY

    @display(description=gettext_lazy("address"))
    def address(self, row: FailedLogin) -> str:
        """Where it came from."""
        return row.ip_address or words.EMPTY

    @display(description=gettext_lazy("browser"))
    def browser(self, row: Any) -> str:
        """What the browser calls itself."""
        return str(row.user_agent)

    @display(description=gettext_lazy("failures"))
    def failures(self, row: FailedLogin) -> int:
        """How often it failed."""
        return row.failures_since_start

    @display(description=gettext_lazy("last failure"))
    def when(self, row: FailedLogin) -> SafeString | str:
        """When it failed last."""
        return words.ago(row.attempt_time)

    @display(description=gettext_lazy("state"))
    def locked(self, row: FailedLogin) -> SafeString | str:
        """Whether the account or the address is locked now."""
        if row.username in self._accounts:
            return words.label(_("account locked"), "danger")
        return words.label(_("address locked"), "danger") if row.ip_address in self._addresses else words.EMPTY

    @action(description=gettext_lazy("Unlock: account and address may log in again"), permissions=["operate"])
    def end_lock(self, request: HttpRequest, queryset: QuerySet[FailedLogin]) -> None:
        """Forget the failures of these accounts and addresses."""
        rows = list(queryset)
        for row in rows:
            self.log_change(request, row, sentences.gettext("Unlocked."))
        for account, address in {(row.username, row.ip_address) for row in rows}:
            unlock(account=account or "", address=address or "")
        names = ", ".join(sorted({str(row.username or row.ip_address) for row in rows}))
        self.message_user(request, _("%(names)s: may log in again.") % {"names": names}, messages.SUCCESS)


@action(description=gettext_lazy("Remove second factor (they log in with the password alone)"), permissions=["change"])
def drop_second_factor(modeladmin: Any, request: HttpRequest, queryset: QuerySet[User]) -> None:
    """For people who lost phone and codes. Nobody but a superuser does it to a superuser."""
    done = []
    for user in queryset:
        if modeladmin.has_change_permission(request, user) and remove_second_factor(user):
            modeladmin.log_change(request, user, sentences.gettext("Second factor removed."))
            done.append(user.get_username())
    if done:
        text = _("Second factor removed: %(names)s.") % {"names": ", ".join(done)}
        modeladmin.message_user(request, text, messages.SUCCESS)
    else:
        modeladmin.message_user(request, _("None of these people has a second factor."), messages.WARNING)
