"""Flow ``apply_cancellations``: what a retailer cancelled or asks to cancel is stopped, and confirmed to him.

Not in the ERP yet: it never gets there. In the ERP, not shipped: cancelled in LingXing, then confirmed to DSCO; two
rows, so that a crash between the two loses neither. Shipped, or cancelled in part: a person decides. What is done
to the rows stands in ``orders/cancellation_rows.py``, the kind of delivery in ``orders/cancellation_kind.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy

from integrations.deliveries.owners import lock_by_key
from integrations.deliveries.releases import park, release_as_read
from integrations.deliveries.states import IN_FLIGHT, State
from integrations.flows.context import FlowContext
from integrations.flows.registry import flow
from integrations.lingxing import LingXingClient

from .. import cancellations as words
from ..cancellation_rows import (
    CANCELLED_AGAIN,
    DSCO,
    ERP,
    OPEN_ROWS,
    Rows,
    ask_person,
    await_erp,
    cannot_repeat,
    close,
    close_following,
    has_shipped,
    is_refused,
    may_confirm,
    note_adjusted,
    owe,
    resume,
    withdraw,
)
from ..cancellations import (
    CANCEL_REQUESTED,
    ORDER_CANCELLED,
    WAITING_FOR_ERP,
    Wish,
    is_adjusted,
    original_orders,
    wish_of,
)
from ..conditions import CANCELLED_STATUSES, PASSING_REASONS, blocked
from ..models import OPEN_STAGES, Cancellation, ErpPush, Order, OrderLine, RetailerPolicy, Shipment, Stage
from ..policies import policies_for
from ..reading import read_in_chunks
from ..shared_numbers import under_anothers_number
from ..stages import refresh_stages

CHUNK = 200
# A cancellation of what has been shipped needs a person.
WATCHED_STAGES = (*OPEN_STAGES, Stage.SHIPPED)


@flow(
    "apply_cancellations",
    gettext_lazy("Apply cancellations"),
    interval_seconds=120,
    position=7,
    delivers="cancellation",
)
def apply_cancellations(context: FlowContext) -> None:
    """Find what is to be cancelled, park what must not happen any more, then carry out what is due."""
    orders = Order.objects.all()
    if context.order_ids:
        orders = orders.filter(dsco_order_id__in=context.order_ids)
    try:
        for chunk in _chunks(_concerned(orders)):
            _decide(context, chunk)
    finally:  # what is due already does not wait for LingXing
        _carry_out(context, orders)


def _carry_out(context: FlowContext, orders: QuerySet[Order]) -> None:
    rows = Cancellation.objects.filter(order__in=orders) if context.order_ids else Cancellation.objects.all()
    _release_unblocked(rows, context.now)
    for _round in (ERP, DSCO):
        # What the first round stopped in LingXing is confirmed to DSCO in the second one.
        ids = list(rows.values_list("pk", flat=True)) if context.order_ids else None
        context.deliver("cancellation", ids=ids)
    from ..pause_for_cancellation import settle  # noqa: PLC0415 - it acts by functions that need this package

    if ended := settle(orders if context.order_ids else None):
        context.count("questions_answered", ended)


def _concerned(orders: QuerySet[Order]) -> QuerySet[Order]:
    """Open orders of which something is cancelled or asked to be, and those whose cancellation is not at its end."""
    lines = OrderLine.objects.filter(Q(cancel_requested=True) | Q(cancelled_quantity__gt=0), order=OuterRef("pk"))
    unfinished = Cancellation.objects.filter(status__in=OPEN_ROWS).values("order")
    again = Shipment.objects.filter(status=State.NEEDS_ATTENTION, reason_code=CANCELLED_AGAIN).values("order")
    flagged = Q(cancel_requested=True) | Q(dsco_status__in=CANCELLED_STATUSES) | Exists(lines)
    return orders.filter(Q(stage__in=WATCHED_STAGES) & flagged | Q(pk__in=unfinished) | Q(pk__in=again))


def _chunks(orders: QuerySet[Order]) -> Iterable[list[int]]:
    last = 0
    while chunk := list(orders.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        yield chunk
        if len(chunk) < CHUNK:
            return
        last = chunk[-1]


def _locked(ids: Sequence[int]) -> list[Order]:
    """Lock orders (primary keys) until the end of the transaction and read them as they are now."""
    lock_by_key(Order.objects.filter(pk__in=ids))
    rows = Order.objects.filter(pk__in=ids).order_by("pk").select_related("erp_push").defer("payload")
    return list(rows.prefetch_related("lines", "cancellations"))


def _decide(context: FlowContext, ids: Sequence[int]) -> None:
    in_part = []
    with transaction.atomic():
        orders = _locked(ids)
        policies = policies_for(order.retailer_id for order in orders)
        for order in orders:
            if _decide_one(context, order, policies[order.retailer_id]):
                in_part.append(order)
        refresh_stages(ids)
    if in_part:
        _decide_in_part(context, in_part)


def _decide_one(context: FlowContext, order: Order, policy: RetailerPolicy) -> bool:
    """Create, release and park the rows of one order; True when LingXing must be asked what it holds."""
    wish = wish_of(order, list(order.lines.all()), order.cancellations.all())
    rows: Rows = {row.action: row for row in order.cancellations.all()}
    push = order.erp_push
    if wish is None:
        withdraw(context, order, rows)
        return False
    pushed = push.status == State.SUCCEEDED or bool(push.remote_reference)
    if not pushed and (push.status in IN_FLIGHT or push.maybe_sent or push.status == State.SKIPPED):
        return False  # its truth comes first; what is skipped is handled elsewhere
    if not wish.settled and is_refused(rows.get(DSCO)) and rows[DSCO].lines == wish.asked:
        return False
    if not pushed:
        _before_push(context, order, wish, rows, policy)
        return False
    if wish.whole:
        _after_push(context, order, wish, rows, policy)
        return False
    return _is_new_part(context, order, wish, rows)


# --- Not in the ERP -----------------------------------------------------------------------------------


def _before_push(context: FlowContext, order: Order, wish: Wish, rows: Rows, policy: RetailerPolicy) -> None:
    confirmation = rows.get(DSCO)
    if wish.settled:
        close(rows, "already_cancelled", context.now)
        if wish.whole:
            _stop_push(order, ORDER_CANCELLED, context.now)
        else:
            resume(order.pk, context.now)  # the push takes the quantities that are left
        return
    told = confirmation is not None and confirmation.status == State.SUCCEEDED
    again = told and confirmation is not None and words.goes_beyond(confirmation, wish, order.lines.all())
    if wish.whole:
        if not _stop_push(order, CANCEL_REQUESTED, context.now, for_good=not again):
            return
    else:
        park(_push_of(order), State.WAITING, CANCEL_REQUESTED, "", context.now)
    if again:
        cannot_repeat(order, context.now)
    if told:
        return
    owe(context, order, DSCO, wish.asked, policy, accepted=policy.accept_cancel_requests)


def _push_of(order: Order) -> QuerySet[ErpPush]:
    return ErpPush.objects.filter(order=order)


def _stop_push(order: Order, code: str, now: datetime, *, for_good: bool = True) -> bool:
    """Cancel the push and (``for_good``) what follows it; False when a worker has just taken it."""
    if order.erp_push.status != State.CANCELLED and not park(_push_of(order), State.CANCELLED, code, "", now):
        return False
    if for_good:
        close_following([order.pk], now)
    return True


# --- In the ERP ---------------------------------------------------------------------------------------


def _after_push(context: FlowContext, order: Order, wish: Wish, rows: Rows, policy: RetailerPolicy) -> None:
    stop, confirmation = rows.get(ERP), rows.get(DSCO)
    refused_before = wish.settled and confirmation is not None and is_refused(confirmation)
    if wish.settled and confirmation is not None:
        close({DSCO: confirmation}, "already_cancelled", context.now)
    if stop is not None and not refused_before and _is_settled(context, order, stop):
        if stop.status == State.SUCCEEDED and not stop.lines and not wish.settled and confirmation is None:
            owe(context, order, DSCO, wish.asked, policy, accepted=True)
        return
    if has_shipped(order):
        ask_person(context, order, stop, "cancelled_after_shipment", words.after_shipment_text(), [])
        return
    owe(context, order, ERP, [], policy, accepted=wish.settled or policy.accept_cancel_requests)
    if not wish.settled:
        await_erp(context, order, wish, policy, confirmation)


def _is_settled(context: FlowContext, order: Order, stop: Cancellation) -> bool:
    """Whether the ERP's row needs nothing more: under way, done or refused by a person."""
    if stop.status == State.SUCCEEDED and stop.lines:
        cannot_repeat(order, context.now)
    return stop.status in IN_FLIGHT | {State.SUCCEEDED} or (is_refused(stop) and not stop.lines)


def _is_new_part(context: FlowContext, order: Order, wish: Wish, rows: Rows) -> bool:
    stop = rows.get(ERP)
    if stop is None or stop.status == State.CANCELLED:
        return True
    if stop.lines == wish.reduced or stop.status in IN_FLIGHT:
        return False
    if stop.status == State.SUCCEEDED and wish.asked:
        cannot_repeat(order, context.now)
        return False
    return True


def _decide_in_part(context: FlowContext, asked: Sequence[Order]) -> None:
    """A part was cancelled or is asked to be: where LingXing holds more than is wanted, a person reduces it."""
    client = LingXingClient.from_settings()
    numbers = sorted({order.erp_push.platform_order_no for order in asked})
    pages = read_in_chunks(context, client.orders_by_platform_numbers, numbers, CHUNK)
    found = [row for page in pages.answers for row in page]
    unread = set(pages.unread) | {
        number for page in pages.answers for row in page.unreadable for number in row.platform_order_nos
    }
    if pages.unread:
        context.count("not_read", len(pages.unread))
        context.note(str(next(iter(pages.unread.values()))))
    with transaction.atomic():
        orders = _locked([order.pk for order in asked])
        policies = policies_for(order.retailer_id for order in orders)
        anothers = under_anothers_number(order.erp_push for order in orders)
        for order in orders:
            push, lines = order.erp_push, list(order.lines.all())
            listed = push.pk not in anothers  # else it is there under a number that nobody knows
            ours = [row for row in found if listed and push.platform_order_no in row.platform_order_nos]
            wish = wish_of(order, lines, order.cancellations.all())
            unseen = listed and not ours and not (wish and wish.asked)
            if push.platform_order_no in unread or wish is None or wish.whole or unseen:
                continue  # it has changed since LingXing was asked: the next run sees to it
            rows: Rows = {row.action: row for row in order.cancellations.all()}
            stop = rows.get(ERP)
            if stop is not None and stop.status in IN_FLIGHT:
                continue
            if ours and is_adjusted(original_orders(ours, push.store_id), push.platform_order_no, wish.reduced, lines):
                note_adjusted(order, stop, wish, context.now)
            elif stop is not None and stop.status == State.SUCCEEDED:
                cannot_repeat(order, context.now)
                continue
            elif has_shipped(order):
                ask_person(context, order, stop, "cancelled_after_shipment", words.after_shipment_text(), wish.reduced)
                continue
            else:
                text = words.partly_text(wish.reduced, lines)
                ask_person(context, order, stop, "partly_cancelled", text, wish.reduced)
            if wish.asked:
                await_erp(context, order, wish, policies[order.retailer_id], rows.get(DSCO))


# --- What waited -------------------------------------------------------------------------------------


def _release_unblocked(rows: QuerySet[Cancellation], now: datetime) -> None:
    """Rows that waited for the end of a hold, for the policy, or until nothing can be shipped any more."""
    waiting = rows.filter(status=State.WAITING, reason_code__in=PASSING_REASONS).select_related("order")
    waiting_rows = list(waiting.defer("order__payload"))
    policies = policies_for(row.order.retailer_id for row in waiting_rows)
    free = [
        row for row in waiting_rows if blocked(row.order, policies[row.order.retailer_id].cancellation_mode) is None
    ]
    release_as_read(free, now)
    after_erp = rows.filter(status=State.WAITING, reason_code=WAITING_FOR_ERP, action=DSCO)
    after_erp = after_erp.select_related("order__erp_push").defer("order__payload")
    release_as_read([row for row in after_erp.prefetch_related("order__cancellations") if may_confirm(row.order)], now)
