"""Differences with the vendors: the list, one difference side by side with what mends it, and the ranges compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from django.contrib import admin, messages
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext, pgettext_lazy

from integrations import sentences
from integrations.admin import words
from integrations.admin.base import ChoicesCheckboxFilter, DropdownFilter, action, display
from integrations.admin.filters import SinceFilter
from integrations.admin.flows import start_flow
from integrations.admin.reasons import ask, come_back
from integrations.admin.records import RecordAdmin, Section, action_button, facts, link_to, table
from integrations.errors import VendorError
from integrations.inbox import is_running_by_schedule
from integrations.sentences import from_label, joined, told

from ..events import record_events
from ..models import Discrepancy, ErpStatus, EventKind, Stage
from ..reconciling.findings import accept
from ..reconciling.mends import mend
from ..reconciling.ranges import BadRequest, last_compared, request_orders
from ..reconciling.words import SITUATIONS
from ..rereading import DirectReads, calls_kept
from ..status_dictionary import DSCO_LIFECYCLES, DSCO_STATUSES

MOST_AT_ONCE = 50
STATES = ("open", "closed", "accepted")
TONES = {"open": "danger", "mended": "info", "accepted": "muted", "closed": "success"}
MENDS = {
    "fetch": gettext_lazy("Fetch it again from DSCO"),
    "take_over": gettext_lazy("Take the ERP order over …"),
    "push_again": gettext_lazy("Make a new push …"),
    "adopt_acknowledgement": gettext_lazy("Take the acknowledgement over …"),
    "adopt_shipment": gettext_lazy("Take the packages over …"),
    "adopt_invoice": gettext_lazy("Take the invoice over …"),
    "send_stock": gettext_lazy("Send the stock again …"),
    "stop": gettext_lazy("Start the cancellations …"),
}
NAMES = {
    "status": gettext_lazy("status"),
    "updated": gettext_lazy("updated at DSCO"),
    "tracking": gettext_lazy("tracking numbers"),
    "carrier": gettext_lazy("carrier"),
    "method": gettext_lazy("shipping method"),
    "reason": gettext_lazy("reason"),
    "units": gettext_lazy("units"),
    "price": gettext_lazy("unit price"),
    "numbers": gettext_lazy("numbers"),
    "totals": gettext_lazy("total"),
    "erp_status": gettext_lazy("status in LingXing"),
    "deleted": gettext_lazy("deleted"),
    "store": gettext_lazy("store"),
}
# What each side calls the status of an order. Ours is mostly a stage, and DSCO's own word where nothing was done yet.
THEIRS: Final[dict[str, Any]] = {code: label for code, (label, _meaning) in (DSCO_LIFECYCLES | DSCO_STATUSES).items()}
OURS: Final[dict[str, Any]] = THEIRS | dict(Stage.choices)


class StateFilter(DropdownFilter):
    """Open, closed because both sides are equal, or accepted by a person."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the states."""
        return [("open", _("Open")), ("closed", _("Closed: equal again")), ("accepted", _("Accepted as it is"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Limit the list to one state."""
        match self.value():
            case "open":
                return queryset.filter(closed_at=None)
            case "closed":
                return queryset.filter(closed_at__isnull=False, accepted=False)
            case "accepted":
                return queryset.filter(accepted=True)
        return queryset


class FirstSeenFilter(SinceFilter):
    title = gettext_lazy("first seen")
    parameter_name = "seen"
    column = "first_seen_at"


@admin.register(Discrepancy)
class DiscrepancyAdmin(RecordAdmin):
    """What differs between a vendor and us, open ones first."""

    list_display = ("title", "about", "compared_with", "ours_text", "theirs_text", "age", "state")
    list_display_links = ("title",)
    list_filter: ClassVar[Any] = (
        StateFilter, ("kind", ChoicesCheckboxFilter), ("source", ChoicesCheckboxFilter), FirstSeenFilter,
    )  # fmt: skip
    list_before_template = "admin/reconcile/before_list.html"
    list_select_related = ("order",)
    search_fields = ("subject__exact", "order__dsco_order_id__exact", "order__po_number__exact")
    search_help_text = gettext_lazy("Order, PO or platform order number, or SKU")
    sortable_by = ()
    actions = ("mend", "compare_again", "accept")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave the orders' payloads out."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.select_related("order").defer("order__payload", "order__reported_tracking_numbers")

    def get_ordering(self, request: HttpRequest) -> Any:
        """Open ones first, the newest of each on top."""
        return (F("closed_at").desc(nulls_first=True), "-first_seen_at", "-id")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Say when was compared what."""
        return super().changelist_view(request, {**(extra_context or {}), **when_compared(request)})

    # --- Columns ----------------------------------------------------------------------------------

    @display(description=gettext_lazy("difference"))
    def title(self, row: Discrepancy) -> str:
        """What is the matter."""
        return title_of(row)

    @display(description=gettext_lazy("what it is about"))
    def about(self, row: Discrepancy) -> SafeString | str:
        """The order, or what else it is about."""
        return link_to(row.order) if row.order else row.subject

    @display(description=gettext_lazy("compared with"))
    def compared_with(self, row: Discrepancy) -> str:
        """Which vendor's list."""
        return str(row.get_source_display())

    @display(description=gettext_lazy("what we have"))
    def ours_text(self, row: Discrepancy) -> SafeString | str:
        """Our side in short."""
        return _short(row.ours, OURS)

    @display(description=gettext_lazy("what the vendor has"))
    def theirs_text(self, row: Discrepancy) -> SafeString | str:
        """The other side in short."""
        return _short(row.theirs, THEIRS)

    @display(description=pgettext_lazy("trouble", "first seen"))
    def age(self, row: Discrepancy) -> SafeString | str:
        """How long it has been there."""
        return words.ago(row.first_seen_at)

    @display(description=gettext_lazy("state"))
    def state(self, row: Discrepancy) -> SafeString:
        """Open, mended, closed or accepted."""
        if row.accepted:
            return words.label(_("Accepted as it is"), "muted", row.result)
        if row.closed_at is not None:
            return words.label(_("Closed: equal again"), "success", row.result)
        if row.mended_at is not None:
            return words.label(_("Mended; to be compared again"), "info", row.result)
        return words.label(_("Open"), "danger")

    # --- The page ---------------------------------------------------------------------------------

    def sections(self, request: HttpRequest, record: Discrepancy) -> list[Section]:
        """Both sides, what to do, and the history of this difference."""
        names = list(dict.fromkeys([*record.ours, *record.theirs]))
        rows = [
            [capfirst(str(NAMES.get(name, name))), _value(name, record.ours, OURS), _value(name, record.theirs, THEIRS)]
            for name in names
        ]
        vendor = record.get_source_display()
        before = Discrepancy.objects.filter(code=record.code, subject=record.subject).exclude(pk=record.pk)[:20]
        history = [
            [link_to(one, words.moment(one.first_seen_at)), self.state(one), words.moment(one.closed_at),
             one.closed_by or words.EMPTY, one.result or words.EMPTY]
            for one in before
        ]  # fmt: skip
        return [
            facts(title_of(record), [
                (_("what to do"), SITUATIONS[record.code].advice), (_("what it is about"), self.about(record)),
                (_("kind"), record.get_kind_display()), (_("state"), self.state(record)),
                (_("result"), record.result), (_("mended by"), _who(record.mended_at, record.mended_by)),
                (_("closed by"), _who(record.closed_at, record.closed_by)),
            ]),
            facts(_("Time"), [
                (pgettext("trouble", "first seen"), words.moment(record.first_seen_at)),
                (pgettext("trouble", "last seen"), words.moment(record.last_seen_at)),
                (_("times seen"), record.times_seen),
                (_("mended at"), words.moment(record.mended_at)), (_("closed at"), words.moment(record.closed_at)),
            ]),
            table(_("Side by side"), ["", _("what we have"), vendor], rows, _("Neither side says more.")),
            table(
                _("Earlier differences of this kind"),
                [pgettext("trouble", "first seen"), _("state"), _("closed at"), _("closed by"), _("result")], history,
                _("This is the first one."),
            ),
        ]  # fmt: skip

    def buttons(self, request: HttpRequest, record: Discrepancy) -> list[SafeString]:
        """What mends it, comparing again, accepting it."""
        if record.closed_at is not None:
            return []
        mending = SITUATIONS[record.code].mend
        found = [action_button(request, record, "mend", MENDS[mending], look="primary")] if mending else []
        return [
            *found,
            action_button(request, record, "compare_again", _("Compare again")),
            action_button(request, record, "accept", _("Accept as it is …")),
        ]

    # --- Actions ----------------------------------------------------------------------------------

    @action(description=gettext_lazy("Mend …"), permissions=["operate"])
    def mend(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Carry out what mends the selected differences, with a reason."""
        rows = list(queryset.filter(closed_at=None)[: MOST_AT_ONCE + 1])
        if len(rows) > MOST_AT_ONCE:
            self.message_user(request, _("At most %(n)d at once.") % {"n": MOST_AT_ONCE}, messages.ERROR)
            return come_back(request)
        answer = ask(
            self, request, queryset, "mend", title=_("Mend differences"), button=_("Mend"),
            advice=_("The vendor is asked first. What exists there is taken over, never made a second time."),
        )  # fmt: skip
        if isinstance(answer, TemplateResponse):
            return answer
        actor = request.user.get_username()
        try:
            with calls_kept():
                done = mend(DirectReads(), rows, actor, timezone.now())
        except VendorError as error:
            self.message_user(request, str(error), messages.ERROR)
            return come_back(request)
        for row in rows:
            if row.pk not in done.refused:
                self.log_change(request, row, joined([from_label(SITUATIONS[row.code].title), answer["reason"]], ": "))
        for name in sorted(done.released):
            if is_running_by_schedule(name):
                start_flow(name, actor)
        self._tell(request, rows, done.number, done.refused)
        return come_back(request)

    def _tell(self, request: HttpRequest, rows: Sequence[Discrepancy], number: int, refused: dict[int, str]) -> None:
        if number:
            text = ngettext("%(n)d difference was mended.", "%(n)d differences were mended.", number)
            self.message_user(request, text % {"n": number}, messages.SUCCESS)
        named = {row.pk: row.subject for row in rows}
        for pk, why in list(refused.items())[:10]:
            self.message_user(request, f"{named[pk]}: {told(why)}", messages.WARNING)

    @action(description=gettext_lazy("Compare again"), permissions=["operate"])
    def compare_again(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Let the workers compare the orders of the selected differences now."""
        ids = queryset.filter(order__isnull=False).values_list("order__dsco_order_id", flat=True).distinct()
        actor = request.user.get_username()
        try:
            request_orders(list(ids.order_by()[:501]), actor)
        except BadRequest as problem:
            self.message_user(request, str(problem), messages.ERROR)
            return come_back(request)
        start_flow("reconcile", actor)
        text = _("Handed to the workers. What is equal closes by itself; reload this page in a moment.")
        self.message_user(request, text, messages.SUCCESS)
        return come_back(request)

    @action(description=gettext_lazy("Accept as it is …"), permissions=["operate"])
    def accept(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Close the selected differences for as long as both sides stay as they are, with a reason."""
        answer = ask(
            self, request, queryset, "accept", title=_("Accept differences"), button=_("Accept"),
            advice=_("They are closed and not shown again while both sides stay as they are. Nothing is sent."),
        )  # fmt: skip
        if isinstance(answer, TemplateResponse):
            return answer
        actor = request.user.get_username()
        rows = list(queryset.filter(closed_at=None).order_by("pk"))
        now = timezone.now()
        number = accept(Discrepancy.objects.filter(pk__in=[row.pk for row in rows]), actor, answer["reason"], now)
        for row in rows:
            self.log_change(request, row, joined([sentences.gettext("Accepted as it is."), answer["reason"]]))
            if row.order_id:
                event = sentences.gettext("%(what)s: accepted as it is (%(reason)s)") % {
                    "what": from_label(SITUATIONS[row.code].title), "reason": answer["reason"],
                }  # fmt: skip
                record_events([row.order_id], EventKind.STAFF, event, actor, now)
        text = ngettext("%(n)d difference was accepted.", "%(n)d differences were accepted.", number) % {"n": number}
        self.message_user(request, text, messages.SUCCESS)
        return come_back(request)


def title_of(row: Discrepancy) -> str:
    """Return what is the matter, in words."""
    return str(SITUATIONS[row.code].title)


def when_compared(request: HttpRequest) -> dict[str, Any]:
    """Return what the list says about the last comparison."""
    last = last_compared()
    return {
        "last_compared": last,
        "compared_at": words.ago(last.finished_at) if last else "",
        "compared_from": words.moment(last.since) if last else "",
        "compared_to": words.moment(last.until) if last else "",
        "may_ask": request.user.has_perm("integrations.run_flow"),
    }


def _who(moment: Any, name: str) -> str:
    return (name or _("by itself")) if moment is not None else ""


def _value(name: str, side: dict[str, Any], statuses: Mapping[str, Any]) -> SafeString | str:
    if name not in side:
        return words.EMPTY
    value = side[name]
    if isinstance(value, dict):
        lines = [f"{key}: {units}" for key, units in sorted(value.items())]
    else:
        lines = [_one(name, one, statuses) for one in (value if isinstance(value, list) else [value])]
    return _over_lines(lines)


def _one(name: str, value: Any, statuses: Mapping[str, Any]) -> str:
    if name == "status" and value in statuses:
        return f"{statuses[value]} {value}"
    if name == "erp_status" and value in ErpStatus.values:
        return f"{value} {ErpStatus(value).label}"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name == "updated" and value:
        return words.clock(datetime.fromisoformat(value))
    return words.EMPTY if value in (None, "") else str(value)


def _short(side: dict[str, Any], statuses: Mapping[str, Any]) -> SafeString | str:
    if not side:
        return words.EMPTY
    values = [_value(name, side, statuses) for name in list(side)[:2]]
    return _over_lines([value for value in values if value != words.EMPTY])


def _over_lines(values: Sequence[SafeString | str]) -> SafeString | str:
    return format_html_join(mark_safe("<br>"), "{}", ((value,) for value in values)) or words.EMPTY
