"""The call log and the attempts: read-only."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..deliveries.states import State
from ..models import ApiCall, Attempt, ShadowCall
from . import words
from .base import ChoicesCheckboxFilter, DropdownFilter, display
from .filters import SinceFilter
from .kinds import delivery_models, delivery_subjects, kind_label
from .personal import as_allowed
from .records import RecordAdmin, Section, facts, link_to, raw, table
from .search import numbers_in

ATTEMPTS_SHOWN = 200


class StatusClassFilter(DropdownFilter):
    title = gettext_lazy("answer")
    parameter_name = "answer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return what an answer can be."""
        return [
            ("2", gettext_lazy("Success (2xx)")), ("4", gettext_lazy("Refused (4xx)")),
            ("5", gettext_lazy("Vendor's fault (5xx)")), ("none", gettext_lazy("No answer")),
        ]  # fmt: skip

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Limit the list to one class of answers."""
        value = self.value()
        if value == "none":
            return queryset.filter(status__isnull=True)
        if value in ("2", "4", "5"):
            return queryset.filter(status__gte=int(value) * 100, status__lt=int(value) * 100 + 100)
        return queryset


class StartedFilter(SinceFilter):
    title = gettext_lazy("started")
    parameter_name = "since"
    column = "started_at"


@admin.register(ApiCall)
class ApiCallAdmin(RecordAdmin):
    """One HTTP exchange; bodies were redacted before they were stored."""

    list_display = (
        "started", "vendor", "what_for", "answer", "duration", "vendor_request_id", "error", "run",
    )  # fmt: skip
    list_display_links = ("what_for",)
    list_filter: ClassVar[Any] = (("vendor", ChoicesCheckboxFilter), StatusClassFilter, StartedFilter)
    search_fields = ("operation__exact", "vendor_request_id__exact")
    search_help_text = gettext_lazy("Operation or vendor's request id")
    list_select_related = ("flow_run",)
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave the bodies out of the list."""
        rows = super().get_queryset(request)
        return rows if request.resolver_match and "object_id" in request.resolver_match.kwargs else rows.defer(
            "request_excerpt", "response_excerpt", "flow_run__counts", "flow_run__notes"
        )  # fmt: skip

    @display(description=gettext_lazy("started"))
    def started(self, call: ApiCall) -> SafeString | str:
        """When the call was made."""
        return words.moment(call.started_at)

    @display(description=gettext_lazy("what for"))
    def what_for(self, call: ApiCall) -> SafeString:
        """What it was for, in words, with the operation's name for those who look it up."""
        return words.operation(call.vendor, call.operation)

    @display(description=gettext_lazy("answer"))
    def answer(self, call: ApiCall) -> SafeString:
        """The HTTP status, coloured."""
        if call.status is None:
            return words.label(_("no answer"), "danger")
        return words.label(call.status, "success" if call.status < 400 and not call.error else "warning")

    @display(description=gettext_lazy("duration"))
    def duration(self, call: ApiCall) -> SafeString:
        """How long it took."""
        return words.measured(call.duration_ms, "ms")

    @display(description=gettext_lazy("flow run"))
    def run(self, call: ApiCall) -> SafeString | str:
        """The run in which it was made."""
        return link_to(call.flow_run)

    def sections(self, request: HttpRequest, record: ApiCall) -> list[Section]:
        """Return the call, what was sent, what came back, and the deliveries it was made for."""
        made_for = record.attempts.order_by().union(record.earlier_attempts.order_by())
        attempts = with_subjects(list(made_for.order_by("-id")[:ATTEMPTS_SHOWN]))
        return [
            facts(_("Call"), [
                (_("vendor"), record.get_vendor_display()),
                (_("what for"), words.operation(record.vendor, record.operation)),
                (_("request"), f"{record.method} {record.path}"), (_("answer"), self.answer(record)),
                (_("error"), record.error), (_("vendor's request id"), record.vendor_request_id),
            ]),
            facts(_("Time"), [
                (_("started"), words.moment(record.started_at)), (_("duration"), self.duration(record)),
                (_("flow run"), link_to(record.flow_run)),
            ]),
            raw(_("Request"), as_allowed(request, record.request_excerpt), collapsed=False),
            raw(_("Response"), as_allowed(request, record.response_excerpt), collapsed=False),
            table(
                _("Made for"), [_("delivery"), _("action"), _("outcome"), _("message")],
                [[delivery_link(attempt), attempt.get_action_display(), words.state_label(attempt.outcome),
                  attempt.message]
                 for attempt in attempts],
                _("No delivery: the flow was reading."),
            ),
        ]  # fmt: skip


class KindFilter(DropdownFilter):
    title = gettext_lazy("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the kinds of delivery."""
        return [(kind, kind_label(kind)) for kind in delivery_models()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Limit the list to a kind."""
        return queryset.filter(kind=self.value()) if self.value() else queryset


class OutcomeFilter(DropdownFilter):
    title = gettext_lazy("outcome")
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the states that an attempt can lead to."""
        return list(State.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Limit the list to an outcome."""
        return queryset.filter(outcome=self.value()) if self.value() else queryset


@admin.register(Attempt)
class AttemptAdmin(RecordAdmin):
    """Every step in the life of every delivery."""

    list_display = ("started", "kind_name", "delivery", "action_name", "result", "error_code", "text", "actor", "call")
    list_display_links = ("started",)
    list_filter: ClassVar[Any] = (KindFilter, ("action", ChoicesCheckboxFilter), OutcomeFilter, StartedFilter)
    search_fields = ("vendor_request_id__exact",)
    search_help_text = gettext_lazy("Vendor's request id, or a delivery's number")
    list_select_related = ("api_call",)
    sortable_by = ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find by the vendor's request id, or by the number of a delivery."""
        if not search_term:
            return queryset, False
        numbers = [int(number) for number in numbers_in(search_term) if number.isdigit() and len(number) < 18]
        if numbers:
            return queryset.filter(delivery_id__in=numbers, kind__in=delivery_models()), False
        return queryset.filter(vendor_request_id__in=numbers_in(search_term)), False

    def prepare_page(self, _request: HttpRequest, rows: list[Attempt]) -> None:
        """Read what the deliveries of the page are for, at once."""
        with_subjects(rows)

    @display(description=gettext_lazy("when"))
    def started(self, attempt: Attempt) -> SafeString | str:
        """When it was made."""
        return words.moment(attempt.started_at)

    @display(description=gettext_lazy("kind"))
    def kind_name(self, attempt: Attempt) -> str:
        """The kind of delivery."""
        return kind_label(attempt.kind)

    @display(description=gettext_lazy("delivery"))
    def delivery(self, attempt: Attempt) -> SafeString | str:
        """A link to the delivery."""
        return delivery_link(attempt)

    @display(description=gettext_lazy("action"))
    def action_name(self, attempt: Attempt) -> str:
        """What was done."""
        return str(attempt.get_action_display())

    @display(description=gettext_lazy("outcome"))
    def result(self, attempt: Attempt) -> SafeString:
        """The state it led to."""
        return words.state_label(attempt.outcome)

    @display(description=gettext_lazy("message"))
    def text(self, attempt: Attempt) -> str:
        """The message, shortened."""
        return words.shortened(attempt.message, 100)

    @display(description=gettext_lazy("API call"))
    def call(self, attempt: Attempt) -> SafeString | str:
        """A link to the call."""
        return (
            link_to(call, words.operation(call.vendor, call.operation)) if (call := attempt.api_call) else words.EMPTY
        )

    def called(self, row: Any) -> str:
        """Return the step, and what it is for."""
        with_subjects([row])
        return f"{kind_label(row.kind)} {row.subject}"

    def sections(self, request: HttpRequest, record: Attempt) -> list[Section]:
        """Return the attempt in full."""
        return [
            facts(_("Attempt"), [
                (_("kind"), kind_label(record.kind)), (_("delivery"), delivery_link(record)),
                (_("action"), record.get_action_display()), (_("outcome"), words.state_label(record.outcome)),
                (_("by"), record.actor or _("system")), (_("API call"), self.call(record)),
            ]),
            facts(_("Result"), [
                (_("when"), words.moment(record.started_at)), (_("duration"), f"{record.duration_ms} ms"),
                (_("error class"), record.get_error_kind_display() if record.error_kind else ""),
                (_("error code"), record.error_code), (_("message"), record.message),
                (_("vendor's request id"), record.vendor_request_id),
            ]),
        ]  # fmt: skip


def with_subjects(attempts: list[Any]) -> list[Any]:
    """Write to each attempt what its delivery is for (``subject``), read for all of them at once."""
    found = delivery_subjects((attempt.kind, attempt.delivery_id) for attempt in attempts)
    for attempt in attempts:
        attempt.subject = found.get((attempt.kind, attempt.delivery_id), f"#{attempt.delivery_id}")
    return attempts


def delivery_link(attempt: Attempt | ShadowCall) -> SafeString | str:
    """Return a link to the delivery of an attempt (or of a call in shadow mode), called by what it is for.

    That is read by ``with_subjects``; without, the link is called by the delivery's number.
    """
    model: Any = delivery_models().get(attempt.kind)
    subject = str(getattr(attempt, "subject", f"#{attempt.delivery_id}"))
    if model is None:
        return f"{kind_label(attempt.kind)} {subject}"
    return link_to(model(id=attempt.delivery_id), subject)
