"""The history of runs: every execution of every flow, what it counted, and what went wrong in it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..deliveries.states import State
from ..flows import flow_definitions
from ..models import ApiCall, Attempt, AttemptAction, FlowRun
from . import words
from .base import ChoicesCheckboxFilter, DropdownFilter, display
from .calls import StartedFilter, delivery_link, with_subjects
from .flow_states import flow_label, run_label, starter
from .kinds import kind_label
from .records import RecordAdmin, Section, facts, link_to, table

CALLS_SHOWN = 200
FAILURES_SHOWN = 100
# What an attempt may lead to that a person should look at.
WENT_WRONG = (State.FAILED, State.NEEDS_ATTENTION)


class FlowNameFilter(DropdownFilter):
    title = gettext_lazy("flow")
    parameter_name = "flow"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the flows."""
        return [(definition.name, definition.label) for definition in flow_definitions()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Limit the list to a flow."""
        return queryset.filter(flow=self.value()) if self.value() else queryset


class TroubleFilter(DropdownFilter):
    """Runs that ended early, or in which a delivery failed or was put before a person."""

    title = gettext_lazy("trouble")
    parameter_name = "trouble"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """An error of the run, or of deliveries in it."""
        return [("run", _("The run ended early")), ("deliveries", _("Deliveries failed in it"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Limit the list."""
        if self.value() == "run":
            return queryset.exclude(error="")
        counted = Q(counts__failed__gt=0) | Q(counts__needs_attention__gt=0)
        return queryset.filter(counted) if self.value() == "deliveries" else queryset


class ScopeFilter(DropdownFilter):
    title = gettext_lazy("orders")
    parameter_name = "scope"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """All orders, or only named ones."""
        return [("all", _("For all orders")), ("some", _("Only for certain orders"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Limit the list."""
        return queryset.filter(orders_asked__isnull=self.value() == "all") if self.value() else queryset


@admin.register(FlowRun)
class FlowRunAdmin(RecordAdmin):
    """Every execution of every flow."""

    list_display = ("started", "flow_title", "state", "started_by", "scope", "duration", "numbers", "error_text")
    list_display_links = ("started",)
    list_filter: ClassVar[Any] = (
        FlowNameFilter, ("status", ChoicesCheckboxFilter), TroubleFilter, ScopeFilter, StartedFilter,
    )  # fmt: skip
    sortable_by = ()

    @display(description=gettext_lazy("started"))
    def started(self, run: FlowRun) -> SafeString | str:
        """When it started."""
        return words.moment(run.started_at)

    @display(description=gettext_lazy("flow"))
    def flow_title(self, run: FlowRun) -> SafeString:
        """Which flow."""
        return format_html('<span class="ob-nowrap">{}</span>', flow_label(run.flow))

    @display(description=gettext_lazy("status"))
    def state(self, run: FlowRun) -> SafeString:
        """How it ended."""
        return run_label(run)

    @display(description=gettext_lazy("started by"))
    def started_by(self, run: FlowRun) -> str:
        """A person, or what started it by itself."""
        return starter(run)

    @display(description=gettext_lazy("orders"))
    def scope(self, run: FlowRun) -> str:
        """For how many named orders it ran."""
        return words.EMPTY if run.orders_asked is None else f"{run.orders_asked:,}"

    @display(description=gettext_lazy("duration"))
    def duration(self, run: FlowRun) -> SafeString | str:
        """How long it took."""
        if run.finished_at is None:
            return words.EMPTY
        return words.measured(f"{(run.finished_at - run.started_at).total_seconds():.1f}", "s")

    @display(description=gettext_lazy("counts"))
    def numbers(self, run: FlowRun) -> str:
        """What it counted."""
        return words.counts(run.counts)

    @display(description=gettext_lazy("error"))
    def error_text(self, run: FlowRun) -> str:
        """Why it ended early."""
        return words.shortened(run.error, 120)

    def sections(self, request: HttpRequest, record: FlowRun) -> list[Section]:
        """Return the run, its counts and notes, and the calls it made."""
        calls = list(
            ApiCall.objects.filter(flow_run=record).defer("request_excerpt", "response_excerpt")[: CALLS_SHOWN + 1]
        )
        rows = [
            [link_to(call, words.clock(call.started_at)), call.get_vendor_display(),
             words.operation(call.vendor, call.operation), call.status or call.error, f"{call.duration_ms} ms",
             call.vendor_request_id]
            for call in calls[:CALLS_SHOWN]
        ]  # fmt: skip
        headers = [_("started"), _("vendor"), _("what for"), _("answer"), _("duration"), _("vendor's request id")]
        calls_made = table(_("API calls, newest first"), headers, rows, _("This run made no call."))
        if len(calls) > CALLS_SHOWN:
            calls_made.note = _("Only the newest %(n)d are shown.") % {"n": CALLS_SHOWN}
        notes = table(
            _("Notes"), [_("what the run reports")], [[note] for note in record.notes], _("Nothing to report.")
        )
        return [
            facts(_("Run"), [
                (_("flow"), flow_label(record.flow)), (_("status"), run_label(record)),
                (_("error code"), record.error_code), (_("error"), record.error),
                (_("only for orders"), record.orders_asked),
            ]),
            facts(_("Time"), [
                (_("started by"), starter(record)), (_("started"), words.moment(record.started_at)),
                (_("finished"), words.moment(record.finished_at)), (_("duration"), self.duration(record)),
                (_("ran in"), record.holder),
            ]),
            facts(_("Counts"), [(words.reason(name), number) for name, number in record.counts.items()], wide=True),
            *_went_wrong(record),
            notes,
            calls_made,
        ]  # fmt: skip


def _went_wrong(run: FlowRun) -> list[Section]:
    """Return the deliveries that failed or were put before a person while it ran: a flow never runs twice at once."""
    kind = next((definition.delivers for definition in flow_definitions() if definition.name == run.flow), "")
    if not kind:
        return []
    until = run.finished_at or timezone.now()
    rows = Attempt.objects.filter(kind=kind, outcome__in=WENT_WRONG, started_at__gte=run.started_at)
    rows = rows.filter(started_at__lte=until).exclude(action=AttemptAction.STAFF).order_by("-started_at")
    found = with_subjects(list(rows[: FAILURES_SHOWN + 1]))
    if not found:
        return []
    cells = [
        [words.moment(row.started_at), delivery_link(row), words.state_label(row.outcome),
         words.reason(row.error_code) or words.EMPTY, row.message]
        for row in found[:FAILURES_SHOWN]
    ]  # fmt: skip
    title = _("What went wrong: %(step)s") % {"step": kind_label(kind)}
    section = table(title, [_("when"), _("delivery"), _("outcome"), _("reason"), _("message")], cells)
    if len(found) > FAILURES_SHOWN:
        section.note = _("Only the newest %(n)d are shown.") % {"n": FAILURES_SHOWN}
    return [section]
