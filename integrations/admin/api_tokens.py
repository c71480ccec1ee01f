"""Tokens of the REST API: whose they are, what they may, when they were used; and ending them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import sentences
from ..api.tokens import revoke_token
from ..models import ApiScope, ApiToken
from . import words
from .base import ReadOnlyAdmin, action, display


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """They are made by ``manage.py apitoken create``, which shows the secret once; nothing here can."""

    keeps_history = True
    list_display = ("name", "user", "start", "allowed", "state", "expires", "used")
    list_select_related = ("user",)
    search_fields = ("name", "user__username")
    fields: ClassVar[Any] = (
        "name",
        "user",
        "start",
        "allowed",
        "state",
        "created_at",
        "expires_at",
        "revoked_at",
        "used",
    )
    actions = ("revoke",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Not even the hash of a secret is read."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.defer("secret_hash")

    @display(description=gettext_lazy("scopes"))
    def allowed(self, token: ApiToken) -> str:
        """What it may be used for."""
        labels = {str(value): str(label) for value, label in ApiScope.choices}
        return " · ".join(labels.get(scope, scope) for scope in token.scopes)

    @display(description=gettext_lazy("state"))
    def state(self, token: ApiToken) -> SafeString:
        """Valid, expired or revoked."""
        if token.revoked_at is not None:
            return words.label(_("revoked"), "plain", words.clock(token.revoked_at))
        if not token.is_valid(timezone.now()):
            return words.label(_("expired"), "warning", words.clock(token.expires_at))
        return words.label(_("valid"), "success")

    @display(description=gettext_lazy("expires"))
    def expires(self, token: ApiToken) -> SafeString | str:
        """When it ends."""
        return words.moment(token.expires_at)

    @display(description=gettext_lazy("last used"))
    def used(self, token: ApiToken) -> SafeString | str:
        """When it was used last, to the minute."""
        return words.ago(token.last_used_at)

    @action(description=gettext_lazy("Revoke: every call with it is refused at once"), permissions=["operate"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """End the tokens. They cannot be brought back."""
        ended = [token for token in queryset if revoke_token(token)]
        for token in ended:
            self.log_change(request, token, sentences.gettext("API token revoked."))
        self.message_user(request, _("%(n)d revoked.") % {"n": len(ended)}, messages.SUCCESS)
