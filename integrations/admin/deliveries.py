"""What all kinds of delivery share in the admin: list, filters, actions, the record's page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ..causes import refresh_causes
from ..deliveries import staff
from ..deliveries.models import Delivery, subject_of
from ..deliveries.staff import StaffResult
from ..models import ApiCall, Attempt
from . import words
from .base import ChoicesCheckboxFilter, action, chunks, display
from .bulk_step import bulk_step, from_a_page, may_use
from .exports import export_step, may_export
from .filters import ErrorCodeFilter, ErrorKindFilter, LastAttemptFilter, SucceededFilter
from .kinds import kind_label
from .reasons import ask, come_back
from .records import RecordAdmin, Section, action_button, facts, link_to, raw, table
from .shadow import shadow_sections

MOST_REFUSED_SHOWN = 10
MOST_ATTEMPTS = 200
RETRY, SKIP = "orders.retry_delivery", "orders.skip_delivery"


class DeliveryAdmin(RecordAdmin):
    """A kind of delivery. ``subject`` (what it is for) and the search belong to the subclass."""

    list_display: Any = (
        "subject", "state", "why", "error", "attempts", "last_attempt", "next_attempt", "remote_reference",
    )  # fmt: skip
    list_display_links = ("state",)
    list_filter: ClassVar[Any] = (
        ("status", ChoicesCheckboxFilter), ErrorKindFilter, ErrorCodeFilter, LastAttemptFilter, SucceededFilter,
    )  # fmt: skip
    sortable_by = ()
    ordering = ("-id",)
    actions = ("retry_now", "skip", "mark_done", "export_csv", "export_xlsx")

    @display(description=gettext_lazy("state"))
    def state(self, delivery: Delivery) -> SafeString:
        """The state as a coloured label."""
        return words.state_label(delivery.status)

    @display(description=gettext_lazy("reason"))
    def why(self, delivery: Delivery) -> SafeString | str:
        """Why it stands there, in words; the code in the tooltip."""
        code = delivery.reason_code or delivery.last_error_code
        if not code:
            return words.EMPTY
        return format_html('<span title="{}">{}</span>', code, words.reason(code))

    @display(description=gettext_lazy("last error"))
    def error(self, delivery: Delivery) -> SafeString | str:
        """The last error's words, shortened."""
        return words.error_text(delivery)

    @display(description=gettext_lazy("last attempt"))
    def last_attempt(self, delivery: Delivery) -> SafeString | str:
        """How long ago the last attempt was."""
        return words.ago(delivery.last_attempt_at)

    @display(description=gettext_lazy("next attempt"))
    def next_attempt(self, delivery: Delivery) -> SafeString | str:
        """In how long the machine will act on it by itself."""
        return words.upcoming(delivery.next_attempt_at)

    # --- Actions --------------------------------------------------------------------------------

    @action(description=gettext_lazy("Retry now"), permissions=["retry"])
    def retry_now(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Make the selected deliveries due now; what may have happened already is verified first."""
        if not from_a_page(request):
            return bulk_step(self, request, queryset, "retry", self._kind, "retry_now")
        actor = request.user.get_username()
        self._report(request, self._for_all(queryset, lambda ids: staff.retry(self._kind, ids, actor)), _retried)
        return come_back(request)

    @action(description=gettext_lazy("Skip …"), permissions=["skip"])
    def skip(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Give the selected deliveries up, with a reason."""
        if not from_a_page(request):
            return bulk_step(self, request, queryset, "skip", self._kind)
        answer = ask(
            self, request, queryset, "skip", title=_("Skip: %(kind)s") % {"kind": kind_label(self._kind)},
            advice=_("Nothing is sent for these any more. A skipped one can be retried later."), button=_("Skip"),
        )  # fmt: skip
        if isinstance(answer, TemplateResponse):
            return answer
        actor = request.user.get_username()
        result = self._for_all(queryset, lambda ids: staff.skip(self._kind, ids, actor, answer["reason"]))
        self._report(request, result, _skipped)
        return come_back(request)

    @action(description=gettext_lazy("Mark as done elsewhere …"), permissions=["skip"])
    def mark_done(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Record that a person did the selected deliveries by hand, with a reason."""
        if not from_a_page(request):
            return bulk_step(self, request, queryset, "mark_done", self._kind)
        answer = ask(
            self, request, queryset, "mark_done",
            title=_("Mark as done elsewhere: %(kind)s") % {"kind": kind_label(self._kind)},
            advice=_("Only when you did it by hand in the vendor's own screens: the next steps then follow."),
            button=_("Mark as done"),
        )  # fmt: skip
        if isinstance(answer, TemplateResponse):
            return answer
        actor = request.user.get_username()
        result = self._for_all(queryset, lambda ids: staff.mark_done(self._kind, ids, actor, answer["reason"]))
        self._report(request, result, _done)
        return come_back(request)

    @action(description=gettext_lazy("Export as CSV"), permissions=["export"])
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        """Make a CSV file of the selected deliveries."""
        return export_step(request, self._kind, "csv")

    @action(description=gettext_lazy("Export as XLSX"), permissions=["export"])
    def export_xlsx(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        """Make a workbook of the selected deliveries."""
        return export_step(request, self._kind, "xlsx")

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever sees this kind and may retry or skip."""
        sees = request.user.has_perm(f"{self.opts.app_label}.view_{self.opts.model_name}")
        return bool(sees and (request.user.has_perm(RETRY) or request.user.has_perm(SKIP)))

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Retry: for one delivery its own right, for many the right to bulk actions, too."""
        return may_use(request, "retry")

    def has_skip_permission(self, request: HttpRequest) -> bool:
        """Skip and mark as done: the same."""
        return may_use(request, "skip")

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Export the list."""
        return may_export(request, self._kind)

    @property
    def _kind(self) -> str:
        return str(self.model.KIND)

    def _for_all(self, queryset: QuerySet[Any], act: Callable[[list[int]], StaffResult]) -> StaffResult:
        total = StaffResult()
        for ids in chunks(queryset):
            result = act(ids)
            total.changed += result.changed
            total.refused |= result.refused
        refresh_causes(timezone.now())
        return total

    def _report(self, request: HttpRequest, result: StaffResult, sentence: Callable[[int], str]) -> None:
        if result.changed:
            self.message_user(request, sentence(result.changed), messages.SUCCESS)
        if result.refused:
            named = list(result.refused.items())[:MOST_REFUSED_SHOWN]
            shown = "; ".join(f"{subject_of(key)} ({why})" for key, why in named)
            left = len(result.refused)
            text = ngettext("%(n)d was left as it is: %(which)s", "%(n)d were left as they are: %(which)s", left)
            self.message_user(request, text % {"n": left, "which": shown}, messages.WARNING)
        if not result.changed and not result.refused:
            self.message_user(request, _("Nothing was changed."), messages.INFO)

    # --- The record's page ------------------------------------------------------------------------

    def buttons(self, request: HttpRequest, record: Delivery) -> list[SafeString]:
        """Return the buttons that this delivery's state allows."""
        return delivery_buttons(request, record)

    def sections(self, request: HttpRequest, record: Delivery) -> list[Section]:
        """Return state and error, schedule, the kind's own facts, every attempt, the calls."""
        attempts = attempts_of([record])
        return [
            facts(_("State"), [
                (_("for"), self.subject(record)),
                (_("state"), words.state_label(record.status)),
                (_("reason"), self.why(record)),
                (_("error class"), record.get_last_error_kind_display() if record.last_error_kind else ""),
                (_("error code"), record.last_error_code),
                (_("last error"), record.last_error),
                (_("vendor's request id"), record.remote_request_id),
                (_("vendor's reference"), record.remote_reference),
                *self.own_facts(record),
            ]),
            facts(_("Schedule"), [
                (_("attempts"), record.attempts),
                (_("failures in a row"), record.failures),
                (_("failing since"), words.moment(record.failing_since)),
                (_("last attempt"), words.moment(record.last_attempt_at)),
                (_("next attempt"), words.moment(record.next_attempt_at)),
                (_("created"), words.moment(record.created_at)),
                (_("last changed"), words.moment(record.changed_at)),
                (_("finished"), words.moment(record.finished_at)),
                (_("idempotency key"), record.key),
                (_("running in"), record.lease_holder),
            ]),
            *shadow_sections(request, record),
            attempts_section(attempts),
            *self.own_sections(record),
        ]  # fmt: skip

    def own_facts(self, record: Any) -> Iterable[tuple[Any, Any]]:
        """Return the facts that only this kind has."""
        return ()

    def own_sections(self, record: Any) -> Iterable[Section]:
        """Return the sections that only this kind has."""
        return ()

    def subject(self, delivery: Any) -> Any:
        """Return what the delivery is for: a link where the kind has one, else its key."""
        return subject_of(delivery.key)


def _retried(number: int) -> str:
    return ngettext(
        "%(n)d is due now; the next run of its flow carries it out (what may have happened is checked first).",
        "%(n)d are due now; the next run of their flow carries them out (what may have happened is checked first).",
        number,
    ) % {"n": number}


def _skipped(number: int) -> str:
    return ngettext("%(n)d was skipped.", "%(n)d were skipped.", number) % {"n": number}


def _done(number: int) -> str:
    return ngettext("%(n)d was marked as done.", "%(n)d were marked as done.", number) % {"n": number}


def delivery_buttons(request: HttpRequest, delivery: Delivery) -> list[SafeString]:
    """Return the buttons for one delivery, as its state allows them."""
    buttons = []
    if delivery.status in staff.RETRYABLE and request.user.has_perm(RETRY):
        buttons.append(action_button(request, delivery, "retry_now", _("Retry now"), look="primary"))
    if delivery.status in staff.SKIPPABLE and request.user.has_perm(SKIP):
        buttons.append(action_button(request, delivery, "skip", _("Skip …")))
        buttons.append(action_button(request, delivery, "mark_done", _("Done elsewhere …")))
    return buttons


def attempts_of(deliveries: Iterable[Delivery]) -> list[Attempt]:
    """Return the attempts of some deliveries with their calls, newest first: one query for each kind."""
    ids: dict[str, list[int]] = {}
    for delivery in deliveries:
        ids.setdefault(delivery.KIND, []).append(delivery.pk)
    found: list[Attempt] = []
    for kind, pks in ids.items():
        rows = Attempt.objects.filter(kind=kind, delivery_id__in=pks).select_related("api_call")
        found += rows.defer("api_call__request_excerpt", "api_call__response_excerpt")[:MOST_ATTEMPTS]
    return sorted(found, key=lambda attempt: (attempt.started_at, attempt.pk), reverse=True)


def attempts_section(attempts: Iterable[Attempt], *, with_kind: bool = False) -> Section:
    """Return the table of attempts, each with its API call."""
    headers = [_("when"), _("action"), _("outcome"), _("message"), _("duration"), _("by"), _("API call")]
    rows = [
        [
            words.moment(attempt.started_at),
            attempt.get_action_display(),
            words.state_label(attempt.outcome),
            attempt.message or words.reason(attempt.error_code) or words.EMPTY,
            f"{attempt.duration_ms} ms" if attempt.duration_ms else words.EMPTY,
            attempt.actor or _("system"),
            link_to(attempt.api_call, call_text(attempt.api_call)) if attempt.api_call else words.EMPTY,
        ]
        for attempt in attempts
    ]
    if with_kind:
        headers.insert(1, _("step"))
        for row, attempt in zip(rows, attempts, strict=True):
            row.insert(1, kind_label(attempt.kind))
    return table(_("Attempts, newest first"), headers, rows, _("Nothing was attempted yet."))


def call_text(call: ApiCall) -> str:
    """Return a call in a few words: what it was for, and the answer."""
    return " · ".join(filter(None, [words.purpose_text(call.vendor, call.operation), str(call.status or call.error)]))


def body_section(title: Any, body: Any) -> list[Section]:
    """Return what is (or was) sent, when there is anything."""
    return [raw(title, body)] if body else []
