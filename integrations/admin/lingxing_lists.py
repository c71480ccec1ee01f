"""LingXing's lists on the screen: what was read, when, the button that reads them, and entries for input fields."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from .. import jobs
from ..lingxing.lists import list_states, suggestions
from ..models import LingXingEntry, ListName
from . import words
from .base import ChoicesCheckboxFilter, ReadOnlyAdmin, display
from .flow_states import workers_alive
from .records import list_address

TASK = "integrations.tasks.read_lists"
READ_PERMISSION = "integrations.change_lingxinglist"
# LingXing's numbers (models/lingxing_lists.py).
WAREHOUSE_TYPES: dict[int, str | Promise] = {
    1: gettext_lazy("own warehouse"), 3: gettext_lazy("overseas warehouse"), 4: gettext_lazy("Amazon warehouse"),
    6: gettext_lazy("Amazon AWD warehouse"),
}  # fmt: skip


@admin.register(LingXingEntry)
class LingXingEntryAdmin(ReadOnlyAdmin):
    """What LingXing has: stores, warehouses, shipping methods, pairs, as last read."""

    list_display = ("code", "name", "listed", "sku", "owner", "type_in_words", "in_use", "seen")
    list_filter = (("list", ChoicesCheckboxFilter),)
    search_fields = ("code", "name", "sku", "owner")
    ordering = ("list", "code", "id")
    list_before_template = "admin/mappings/lists_state.html"
    fields = ("listed", "code", "name", "sku", "owner", "type_in_words", "sid", "third_party_code", "in_use", "seen")

    @display(description=gettext_lazy("list"), ordering="list")
    def listed(self, row: LingXingEntry) -> str:
        """Which list it stands in."""
        return str(ListName(row.list).label)

    @display(description=gettext_lazy("type"))
    def type_in_words(self, row: LingXingEntry) -> str:
        """A store's platform, a warehouse's type; of the rest the number says nothing to anybody."""
        if row.list == ListName.STORES and row.kind:
            return _("platform %(code)s") % {"code": row.kind}
        known = WAREHOUSE_TYPES.get(row.kind or 0) if row.list == ListName.WAREHOUSES else None
        return str(known or words.EMPTY)

    @display(description=gettext_lazy("in use"), boolean=True)
    def in_use(self, row: LingXingEntry) -> bool:
        """Whether LingXing has it switched on."""
        return row.usable

    @display(description=gettext_lazy("last read"))
    def seen(self, row: LingXingEntry) -> SafeString | str:
        """When it was read."""
        return words.ago(row.read_at)

    def get_urls(self) -> list[URLPattern]:
        """Add the button's address."""
        own = path("read-now/", self.admin_site.admin_view(read_now), name="integrations_lingxingentry_read")
        return [own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show above the entries when each list was read."""
        rows = [
            {
                "name": state.name.label, "read": words.ago(state.read_at) if state.read_at else "",
                "certain": state.certain, "complete": state.complete, "error": state.error,
            }
            for state in list_states().values()
        ]  # fmt: skip
        return super().changelist_view(request, {**(extra_context or {}), "lists": rows})


@require_POST
def read_now(request: HttpRequest) -> HttpResponse:
    """Have a worker read LingXing's lists at once, and go back to where the button was pressed."""
    if not request.user.has_perm(READ_PERMISSION):
        raise PermissionDenied
    jobs.start(TASK, name=f"{request.user.get_username()}: LingXing lists")
    text = _("LingXing's lists are being read now; it takes a minute. Load this page again after that.")
    messages.success(request, text)
    if not workers_alive():
        text = _("No worker was seen in the last five minutes: nothing runs until one is started (manage.py qcluster).")
        messages.warning(request, text)
    address = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(address if ours else list_address(LingXingEntry))


@require_safe
def suggest(request: HttpRequest) -> JsonResponse:
    """Answer with entries of a list (``list``) for what was typed (``q``): ``[{"value", "label"}]``."""
    if not request.user.has_perm("integrations.view_lingxingentry"):
        raise PermissionDenied
    if request.GET.get("list") not in ListName.values:
        raise Http404
    name = ListName(request.GET["list"])
    found = suggestions(name, request.GET.get("q", "").strip()[:100])
    if name != ListName.PAIRS:
        entries = {entry.code: entry.name for entry in found}
    else:
        entries = {entry.sku: " · ".join(filter(None, [entry.name, f"MSKU {entry.code}"])) for entry in found}
    return JsonResponse({"entries": [{"value": value, "label": label} for value, label in entries.items()]})
