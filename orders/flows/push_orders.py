"""Flow ``push_orders`` and the delivery kind ``erp_push``: DSCO orders become LingXing orders, once each.

The calls themselves stand in ``orders/erp_creation.py``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import ClassVar

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy

from integrations.causes import refresh_causes
from integrations.deliveries.kinds import Call, DeliveryKind, Plan, register_kind
from integrations.deliveries.outcomes import Outcome
from integrations.deliveries.releases import release_as_read
from integrations.deliveries.states import State
from integrations.flows.context import FlowContext
from integrations.flows.registry import flow
from integrations.lingxing import LingXingClient
from integrations.models import Attempt

from ..conditions import PASSING_REASONS, blocked, undecided_requests
from ..erp_creation import SharedLookUp, create, look_up, record_erp_orders
from ..first_sight import push_state
from ..mappings import MappingBook, UnmappedCodes
from ..models import ErpPush, OrderLine
from ..new_erp_orders import CannotBuild, NewOrder, build
from ..policies import policies_for
from ..shared_numbers import GONE_OUT, beside_one_made_by_hand, same_number
from ..stages import refresh_stages

LOOK_UP_SIZE = 100
RELEASE_CHUNK = 500


@flow("push_orders", gettext_lazy("Push orders to LingXing"), interval_seconds=60, position=2, delivers="erp_push")
def push_orders(context: FlowContext) -> None:
    """Release the pushes whose obstacle is gone, then carry out what is due."""
    pushes = ErpPush.objects.all()
    if context.order_ids:
        pushes = pushes.filter(order__dsco_order_id__in=context.order_ids)
    context.count("released", _release_mapped(pushes, context.now) + _release_unblocked(pushes, context.now))
    ids = list(pushes.values_list("pk", flat=True)) if context.order_ids else None
    try:
        context.deliver("erp_push", ids=ids)
    finally:
        if context.counts["succeeded"]:
            context.release("acknowledge_orders")


def release_mapped(now: datetime) -> int:
    """Make pushes due that waited for a mapping which exists now; return how many. Causes solved by it close."""
    number = _release_mapped(ErpPush.objects.all(), now)
    if number:
        refresh_causes(now)
    return number


def _release_mapped(pushes: QuerySet[ErpPush], now: datetime) -> int:
    parked = pushes.filter(status=State.NEEDS_ATTENTION, reason_code__startswith="unmapped_")
    return sum(release_as_read(_resolvable(chunk), now) for chunk in _chunks(parked))


def _resolvable(pushes: Sequence[ErpPush]) -> list[ErpPush]:
    book = MappingBook.load([push.order for push in pushes])
    found = []
    for push in pushes:
        try:
            book.resolve(push.order, [line for line in push.order.lines.all() if line.open_quantity])
        except UnmappedCodes:
            continue
        found.append(push)
    return found


def _release_unblocked(pushes: QuerySet[ErpPush], now: datetime) -> int:
    """Pushes that waited for the end of a hold or for the policy."""
    count = 0
    for chunk in _chunks(pushes.filter(status=State.WAITING, reason_code__in=PASSING_REASONS)):
        stopped = _conditions(chunk)
        count += release_as_read([push for push in chunk if push.pk not in stopped], now)
    return count


def _chunks(pushes: QuerySet[ErpPush]) -> Iterable[list[ErpPush]]:
    """The rows with order and lines, a bounded number at a time."""
    last = 0
    while True:
        rows = pushes.filter(pk__gt=last).order_by("pk").select_related("order").defer("order__payload")
        chunk = list(rows.prefetch_related("order__lines")[:RELEASE_CHUNK])
        if chunk:
            yield chunk
        if len(chunk) < RELEASE_CHUNK:
            return
        last = chunk[-1].pk


def _conditions(pushes: Sequence[ErpPush]) -> dict[int, Outcome]:
    """Return why each of these may not be pushed now; what may is not in the answer."""
    policies = policies_for(push.order.retailer_id for push in pushes)
    undecided = undecided_requests(push.order for push in pushes)
    stopped = {}
    for push in pushes:
        policy, lines = policies[push.order.retailer_id], list(push.order.lines.all())
        wanted = push_state(push.order, lines, policy, request_answered=push.order_id not in undecided)
        if wanted.state != State.DUE:
            stopped[push.pk] = Outcome(wanted.state, wanted.reason, wanted.message, counted=False)
        elif reason := blocked(push.order, policy.push_mode):
            stopped[push.pk] = reason
    return stopped


class ErpPushKind(DeliveryKind[ErpPush]):
    """推单: one LingXing order for one DSCO order."""

    name: ClassVar[str] = "erp_push"
    vendor: ClassVar[str] = "lingxing"
    model = ErpPush
    claim_size: ClassVar[int] = 200
    deadline = Coalesce("order__acknowledge_by", "order__ship_by")

    def queryset(self) -> QuerySet[ErpPush]:
        """Return pushes with their orders and lines."""
        return ErpPush.objects.select_related("order").prefetch_related("order__lines")

    def check(self, deliveries: Sequence[ErpPush], now: datetime) -> dict[int, Outcome]:
        """Held, cancelled, shipped elsewhere, a test order, switched off: nothing is created."""
        return _conditions(deliveries)

    def plan_send(self, deliveries: Sequence[ErpPush]) -> Plan[ErpPush]:
        """Build the LingXing orders and group them by store; what cannot be built needs a person."""
        plan: Plan[ErpPush] = Plan()
        orders = _buildable(deliveries, plan)
        for push_id, number in _doubled(orders):
            plan.outcomes[push_id] = same_number(number)
        going = [order for order in orders if order.push.pk not in plan.outcomes]
        _fix_before_sending(going)
        doubtful = _ever_uncertain([order.push for order in going])
        if not going:
            return plan
        client = LingXingClient.from_settings()
        pushes = [order.push for order in going]
        never_sent = [push for push in pushes if push.pk not in doubtful]
        together = SharedLookUp(client, pushes, beside_one_made_by_hand(never_sent))
        for group in _groups(going):
            pushes = [order.push for order in group]
            plan.calls.append(Call(pushes, partial(create, client, group, doubtful, together)))
        return plan

    def plan_verify(self, deliveries: Sequence[ErpPush]) -> Plan[ErpPush]:
        """Look the numbers up in LingXing."""
        client = LingXingClient.from_settings()
        plan: Plan[ErpPush] = Plan()
        for start in range(0, len(deliveries), LOOK_UP_SIZE):
            chunk = deliveries[start : start + LOOK_UP_SIZE]
            plan.calls.append(Call(chunk, lambda chunk=chunk: look_up(client, chunk)))  # type: ignore[misc]
        return plan

    def recorded(self, pairs: Sequence[tuple[ErpPush, Outcome]], now: datetime) -> None:
        """Keep the ERP orders of what succeeded, and the stages that follow."""
        record_erp_orders(pairs, now)
        refresh_stages(push.order_id for push, _outcome in pairs)


register_kind(ErpPushKind())


def _buildable(deliveries: Sequence[ErpPush], plan: Plan[ErpPush]) -> list[NewOrder]:
    book = MappingBook.load([push.order for push in deliveries])
    policies = policies_for(push.order.retailer_id for push in deliveries)
    orders = []
    for push in deliveries:
        try:
            orders.append(build(push, list(push.order.lines.all()), book, policies[push.order.retailer_id]))
        except CannotBuild as reason:
            plan.outcomes[push.pk] = reason.outcome
    return orders


def _doubled(orders: Sequence[NewOrder]) -> list[tuple[int, str]]:
    """Return (push, number) of orders whose number another DSCO order uses in the same store."""
    here = Counter((order.store_id, order.push.platform_order_no) for order in orders)
    others = ErpPush.objects.filter(
        GONE_OUT, platform_order_no__in={order.push.platform_order_no for order in orders}
    ).exclude(pk__in=[order.push.pk for order in orders])
    elsewhere = set(others.values_list("store_id", "platform_order_no")) if orders else set()
    return [
        (order.push.pk, order.push.platform_order_no)
        for order in orders
        if here[key := (order.store_id, order.push.platform_order_no)] > 1 or key in elsewhere
    ]


def _fix_before_sending(orders: Sequence[NewOrder]) -> None:
    """Store what is about to be sent where a later verification or flow needs it: the store and the ERP SKUs."""
    by_store: dict[str, list[ErpPush]] = defaultdict(list)
    lines = []
    for order in orders:
        if order.push.store_id != order.store_id:
            order.push.store_id = order.store_id
            by_store[order.store_id].append(order.push)
        for line in order.push.order.lines.all():
            erp_sku = order.erp_skus.get(line.position, "")
            if line.erp_sku != erp_sku:
                line.erp_sku = erp_sku
                lines.append(line)
    for store_id, pushes in by_store.items():
        ErpPush.objects.filter(pk__in=[push.pk for push in pushes]).update(store_id=store_id)
    if lines:
        OrderLine.objects.bulk_create(lines, update_conflicts=True, unique_fields=["id"], update_fields=["erp_sku"])


def _ever_uncertain(pushes: Sequence[ErpPush]) -> frozenset[int]:
    """Return the pushes of which some earlier attempt may have reached LingXing."""
    repeated = [push.pk for push in pushes if push.attempts > 1]
    if not repeated:
        return frozenset()
    attempts = Attempt.objects.filter(kind="erp_push", delivery_id__in=repeated, outcome=State.UNCERTAIN)
    return frozenset(attempts.values_list("delivery_id", flat=True))


def _groups(orders: Sequence[NewOrder]) -> list[list[NewOrder]]:
    """One call each: the orders of one store in chunks; alone what has to go alone."""
    groups = [[order] for order in orders if order.push.solo]
    by_store: dict[str, list[NewOrder]] = defaultdict(list)
    for order in orders:
        if not order.push.solo:
            by_store[order.store_id].append(order)
    size = settings.PUSH_BATCH_SIZE
    for of_store in by_store.values():
        groups += [of_store[start : start + size] for start in range(0, len(of_store), size)]
    return groups
