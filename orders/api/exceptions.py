"""REST: what needs a person, by cause, and settling many deliveries of one cause at once. As the admin's inbox."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.admin.models import CHANGE, LogEntry
from django.utils import timezone
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import inbox
from integrations.admin.words import reason as words_of
from integrations.api.idempotency import once
from integrations.api.paging import PageQuery, by_id, newest_first
from integrations.api.problems import Problem
from integrations.api.schema import described, page_of
from integrations.api.views import ApiView, Strict, checked_body, checked_query
from integrations.bulk import bulk_action
from integrations.causes import deliveries_of, refresh_causes
from integrations.deliveries.kinds import delivery_kinds
from integrations.models import ApiScope, Cause, Vendor
from integrations.sentences import from_label, joined, packed, told

from ..explanations import explain
from .examples import CAUSES, SETTLED
from .shapes import STATES, moment, words

ACTIONS = ("retry", "skip", "mark_done")
MOST_AT_ONCE = 1000


class CauseShape(s.Serializer[Any]):
    """Why deliveries need a person: one cause of many."""

    id = s.IntegerField()
    kind = s.CharField(help_text="Kind of delivery.")
    vendor = words()
    code = words()
    title = words()
    meaning = words()
    what_to_do = s.ListField(child=s.CharField())
    message = words("The vendor's or our words, without particulars.")
    open = s.IntegerField()
    verifying = s.IntegerField(help_text="Of these, uncertain ones that are being verified.")
    first_seen_at = s.DateTimeField()
    opened_at = s.DateTimeField()
    last_seen_at = s.DateTimeField()
    oldest_deadline = moment()
    closed_at = moment()
    assigned_to = s.CharField(allow_null=True)
    note = words()


class ParkedShape(s.Serializer[Any]):
    """A delivery that is parked for a cause."""

    kind = s.CharField()
    id = s.IntegerField()
    key = s.CharField()
    dsco_order_id = s.CharField(allow_null=True, help_text="null: of no order (stock).")
    status = s.ChoiceField(STATES)
    last_error = words()
    changed_at = s.DateTimeField()


class CausesQuery(PageQuery):
    """Which causes."""

    tab = s.ChoiceField(list(inbox.TABS), required=False, default=inbox.OPEN)
    kind = s.ChoiceField(sorted(delivery_kinds()), required=False)
    vendor = s.ChoiceField([str(value) for value in Vendor.values], required=False)


class CauseView(ApiView):
    """An address below the exceptions."""

    to_read: ClassVar[str] = "integrations.view_cause"
    scope: ClassVar[str] = ApiScope.ORDERS
    group: ClassVar[str] = "exceptions"

    def cause(self, pk: int) -> Cause:
        """Return the cause of the address. Raises Problem."""
        found = Cause.objects.select_related("assigned_to").filter(pk=pk).first() if pk < 2**63 else None
        if found is None:
            raise Problem("not_found", f"There is no cause {pk}.", code="unknown_cause")
        return found


class Causes(CauseView):
    """Causes."""

    @described("Exceptions by cause", page_of(CauseShape), example=CAUSES, query=CausesQuery)
    def get(self, request: Request) -> Response:
        """What needs a person (`open`), what is being verified, or what closed lately; newest first."""
        query = checked_query(request, CausesQuery)
        now = timezone.now()
        refresh_causes(now)
        tab = query["tab"]
        rows = inbox.causes_in(tab, now, kind=query.get("kind", ""), vendor=query.get("vendor", ""))
        page, cursor = newest_first(rows, "closed_at" if tab == inbox.CLOSED else "opened_at", query)
        return Response({"results": [_cause(cause) for cause in page], "next_cursor": cursor})


class CauseDeliveries(CauseView):
    """The deliveries of a cause."""

    @described("Deliveries of a cause", page_of(ParkedShape), query=PageQuery, problems=["not_found"])
    def get(self, request: Request, pk: int) -> Response:
        """Oldest first."""
        query = checked_query(request, PageQuery)
        rows = deliveries_of(self.cause(pk), timezone.now())
        has_order = any(column.name == "order" for column in rows.model._meta.get_fields())
        page, cursor = by_id(rows.select_related("order") if has_order else rows, query)
        return Response({"results": [_parked(row, has_order=has_order) for row in page], "next_cursor": cursor})


class SettleBody(Strict):
    """Which deliveries of the cause."""

    ids = s.ListField(
        child=s.IntegerField(min_value=1, max_value=2**63 - 1), required=False, allow_empty=False,
        max_length=MOST_AT_ONCE, help_text=f"Left out: all of the cause, at most {MOST_AT_ONCE} in one call.",
    )  # fmt: skip


class SettleWithReason(SettleBody):
    """Which deliveries of the cause, and why."""

    reason = s.CharField(max_length=300)


class RefusedShape(s.Serializer[Any]):
    """A delivery that was left as it is."""

    key = s.CharField()
    state = s.CharField()


class SettledShape(s.Serializer[Any]):
    """What was done."""

    changed = s.IntegerField()
    refused = RefusedShape(many=True)
    left = s.IntegerField(help_text="How many of the cause are left: repeat with a new key.")


class Settle(CauseView):
    """Acting on the deliveries of a cause."""

    action: ClassVar[str] = ""

    def settle(self, pk: int, body: dict[str, Any]) -> Response:
        """Carry out the action as the inbox does, and keep it in the audit trail."""
        cause, action, reason = self.cause(pk), bulk_action(self.action), body.get("reason", "")
        rows = deliveries_of(cause, timezone.now())
        if "ids" in body:
            rows = rows.filter(pk__in=body["ids"])
        ids = list(rows.values_list("pk", flat=True)[:MOST_AT_ONCE])
        result = inbox.act(self.action, cause.kind, ids, self.actor, reason)
        message = joined([from_label(action.label), f"× {result.changed}", reason])
        LogEntry.objects.log_actions(self.user.pk, [cause], CHANGE, packed(message), single_object=True)
        return Response(
            {
                "changed": result.changed,
                "refused": [{"key": key, "state": told(state)} for key, state in result.refused.items()],
                "left": deliveries_of(cause, timezone.now()).count(),
            }
        )


class RetryCause(Settle):
    """Retrying."""

    action = "retry"
    to_write: ClassVar[str] = "orders.retry_delivery"

    @described(
        "Retry a cause's deliveries",
        SettledShape,
        example=SETTLED,
        body=SettleBody,
        problems=["not_found"],
        send={"ids": [17]},
    )
    @once
    def post(self, request: Request, pk: int) -> Response:
        """They become due now; what may have happened already is verified first."""
        return self.settle(pk, checked_body(request, SettleBody))


class SkipCause(Settle):
    """Skipping."""

    action = "skip"
    to_write: ClassVar[str] = "orders.skip_delivery"

    @described(
        "Skip a cause's deliveries", SettledShape, example=SETTLED, body=SettleWithReason, problems=["not_found"],
        send={"ids": [17], "reason": "Settled with the retailer"},
    )  # fmt: skip
    @once
    def post(self, request: Request, pk: int) -> Response:
        """Nothing is sent for them any more."""
        return self.settle(pk, checked_body(request, SettleWithReason))


class CauseDone(Settle):
    """Marking as done elsewhere."""

    action = "mark_done"
    to_write: ClassVar[str] = "orders.skip_delivery"

    @described(
        "Mark a cause's deliveries as done elsewhere", SettledShape, example=SETTLED,
        body=SettleWithReason, problems=["not_found"],
        send={"reason": "Entered in the portal"},
    )  # fmt: skip
    @once
    def post(self, request: Request, pk: int) -> Response:
        """Only for what was done by hand in the vendor's own screens."""
        return self.settle(pk, checked_body(request, SettleWithReason))


def _cause(cause: Cause) -> dict[str, Any]:
    explanation = explain(cause.kind, cause.code, verifying=cause.verifying_count >= cause.open_count > 0)
    names = ("id", "kind", "vendor", "code", "note", "first_seen_at", "opened_at", "last_seen_at", "oldest_deadline",
             "closed_at")  # fmt: skip
    return {name: getattr(cause, name) for name in names} | {
        "title": words_of(cause.code), "meaning": str(explanation.meaning), "message": told(cause.message),
        "what_to_do": [str(step) for step in explanation.steps], "open": cause.open_count,
        "verifying": cause.verifying_count,
        "assigned_to": cause.assigned_to.get_username() if cause.assigned_to else None,
    }  # fmt: skip


def _parked(row: Any, *, has_order: bool) -> dict[str, Any]:
    return {
        "kind": row.KIND, "id": row.pk, "key": row.key, "status": row.status, "last_error": told(row.last_error),
        "dsco_order_id": row.order.dsco_order_id if has_order else None, "changed_at": row.changed_at,
    }  # fmt: skip
