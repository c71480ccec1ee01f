"""What staff may do with many orders at once: hold, release, read again from DSCO, cancel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy

from integrations.bulk import BulkAction, Obstacle, RowResult, register_bulk_action
from integrations.bulk.delivery_actions import FINISHED_ALREADY, IN_PROGRESS, start_flow_of
from integrations.calls import CallRecord, collect_calls
from integrations.deliveries.claims import save_calls
from integrations.deliveries.pool import CallPool
from integrations.deliveries.states import IN_FLIGHT
from integrations.dsco import DscoClient
from integrations.errors import VendorError
from integrations.jobs import start_released
from integrations.models import BulkResult
from integrations.sentences import gettext as _

from .events import record_events
from .holds import FINISHED_STAGES, KINDS, hold, release_hold
from .intake import store_page
from .models import Cancellation, ErpPush, EventKind, Order, OrderLine, Stage
from .staff_cancellations import CannotCancel, cancel_lines

CLOSED_STAGES = (Stage.CANCELLED, Stage.CLOSED)
GONE_STAGES = (Stage.SHIPPED, Stage.INVOICED)


class OrderAction(BulkAction):
    """An action on orders."""

    def handles(self, subject: str) -> bool:
        """Orders only."""
        return subject == "order"

    def rows(self, subject: str) -> QuerySet[Any]:
        """All orders, without their payloads."""
        return Order.objects.defer("payload", "reported_tracking_numbers")

    def label_column(self, subject: str) -> str:
        """Orders are known by DSCO's id."""
        return "dsco_order_id"

    def group_columns(self, subject: str) -> tuple[str, str]:
        """The stage says it all."""
        return "stage", ""


class Hold(OrderAction):
    name = "hold"
    label = gettext_lazy("Hold …")
    advice = gettext_lazy("Nothing is sent for a held order, to LingXing or to the retailer. What is under way ends.")
    permission = "orders.hold_order"
    asks = ("reason",)

    def obstacles(self, subject: str) -> Sequence[Obstacle]:
        """Held already, or over."""
        return [
            Obstacle(Q(held=True), gettext_lazy("held already")),
            Obstacle(Q(stage__in=FINISHED_STAGES), FINISHED_ALREADY),
        ]

    def perform(self, subject: str, ids: Sequence[int], parameters: dict[str, Any], actor: str) -> dict[int, RowResult]:
        """Hold those that are not held yet."""
        state = dict(Order.objects.filter(pk__in=ids).values_list("pk", "held"))
        hold(ids, str(parameters["reason"]), actor)
        already = RowResult(BulkResult.LEFT_OUT, _("held already"))
        return {pk: already if held else RowResult(BulkResult.CHANGED) for pk, held in state.items()}


class Release(OrderAction):
    name = "release"
    label = gettext_lazy("Release")
    advice = gettext_lazy("The hold ends; what waited for it is due at once.")
    permission = "orders.hold_order"

    def obstacles(self, subject: str) -> Sequence[Obstacle]:
        """Not held."""
        return [Obstacle(Q(held=False), gettext_lazy("not held"))]

    def perform(self, subject: str, ids: Sequence[int], parameters: dict[str, Any], actor: str) -> dict[int, RowResult]:
        """Release those that are held."""
        state = dict(Order.objects.filter(pk__in=ids).values_list("pk", "held"))
        release_hold(ids, actor)
        free = RowResult(BulkResult.LEFT_OUT, _("not held"))
        return {pk: RowResult(BulkResult.CHANGED) if held else free for pk, held in state.items()}

    def finished(self, subject: str) -> None:
        """What waited for the release goes now."""
        for kind in KINDS:
            start_flow_of(kind.KIND)


class Reread(OrderAction):
    name = "reread"
    label = gettext_lazy("Read again from DSCO")
    advice = gettext_lazy("Each order is read from DSCO as it is now, and stored. Nothing is sent.")
    permission = "orders.view_order"
    atomic = False
    chunk = 50

    def obstacles(self, subject: str) -> Sequence[Obstacle]:
        """Every order can be read."""
        return []

    def perform(self, subject: str, ids: Sequence[int], parameters: dict[str, Any], actor: str) -> dict[int, RowResult]:
        """Read them side by side, store what came at once; an order that cannot be read never stops the others."""
        orders = list(Order.objects.filter(pk__in=ids).only("pk", "dsco_order_id", "payload_hash"))
        client = DscoClient.from_settings()
        calls: list[CallRecord] = []

        def read(order: Order) -> dict[str, Any] | VendorError | None:
            with collect_calls() as made:
                try:
                    return client.get_order(order.dsco_order_id)
                except VendorError as error:
                    return error
                finally:
                    calls.extend(made)

        try:
            with CallPool(settings.HTTP_THREADS) as pool:
                answers = dict(zip([order.pk for order in orders], pool.map(read, orders), strict=True))
        finally:
            save_calls(calls, None)
        return self._store(orders, answers, actor)

    def _store(self, orders: list[Order], answers: dict[int, Any], actor: str) -> dict[int, RowResult]:
        stored = store_page([raw for raw in answers.values() if isinstance(raw, dict)], timezone.now())
        for flow_name in stored.released:
            start_released(flow_name)
        after = dict(Order.objects.filter(pk__in=answers).values_list("pk", "payload_hash"))
        found: dict[int, RowResult] = {}
        for order in orders:
            raw = answers[order.pk]
            if isinstance(raw, VendorError):
                found[order.pk] = RowResult(BulkResult.FAILED, str(raw))
            elif raw is None:
                found[order.pk] = RowResult(BulkResult.FAILED, _("DSCO does not know this order."))
            elif after.get(order.pk) != order.payload_hash:
                found[order.pk] = RowResult(BulkResult.CHANGED, _("Read again from DSCO: it had changed."))
            else:
                found[order.pk] = RowResult(BulkResult.LEFT_OUT, _("Read again from DSCO: nothing new."))
        changed = [pk for pk, row in found.items() if row.result == BulkResult.CHANGED]
        record_events(changed, EventKind.STAFF, _("Read again from DSCO: it had changed."), actor, timezone.now())
        return found


class Cancel(OrderAction):
    name = "cancel"
    label = gettext_lazy("Cancel …")
    advice = gettext_lazy(
        "Every open unit of these orders is cancelled: stopped in LingXing, then reported to the retailer with the"
        " code."
    )
    permission = "orders.cancel_order"
    asks = ("cancel_code", "reason")
    chunk = 50

    def obstacles(self, subject: str) -> Sequence[Obstacle]:
        """Over, shipped, being created in LingXing, a cancellation under way."""
        pushing = ErpPush.objects.filter(status__in=sorted(IN_FLIGHT)).values("order_id")
        cancelling = Cancellation.objects.filter(status__in=sorted(IN_FLIGHT)).values("order_id")
        return [
            Obstacle(Q(stage__in=CLOSED_STAGES), FINISHED_ALREADY),
            Obstacle(Q(stage__in=GONE_STAGES), gettext_lazy("has left the warehouse")),
            Obstacle(Q(pk__in=pushing) | Q(pk__in=cancelling), IN_PROGRESS),
        ]

    def perform(self, subject: str, ids: Sequence[int], parameters: dict[str, Any], actor: str) -> dict[int, RowResult]:
        """Cancel what is open of each order, each by itself."""
        known = Order.objects.filter(pk__in=ids).order_by("pk").values_list("pk", flat=True)
        open_units: dict[int, dict[int, int]] = {pk: {} for pk in known}
        for line in OrderLine.objects.filter(order__in=list(open_units)):
            if line.open_quantity:
                open_units[line.order_id][line.position] = line.open_quantity
        found: dict[int, RowResult] = {}
        for pk, quantities in open_units.items():
            try:
                cancel_lines(pk, quantities, str(parameters["cancel_code"]), str(parameters["reason"]), actor)
                found[pk] = RowResult(BulkResult.CHANGED)
            except CannotCancel as reason:
                found[pk] = RowResult(BulkResult.LEFT_OUT, str(reason))
        return found

    def finished(self, subject: str) -> None:
        """The flow that cancels need not wait for its timer."""
        start_flow_of(Cancellation.KIND)


for _action in (Hold, Release, Reread, Cancel):
    register_bulk_action(_action())
