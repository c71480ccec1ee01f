"""Everything that was derived, derived anew: from the stored payloads and from what both vendors show now.

For after a restored backup (the vendors are further than our books), and for when a release reads payloads in a new
way. History (attempts, events, calls) is what happened and can't be derived: it stays as it is. Writes to no vendor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from integrations.causes import refresh_causes
from integrations.deliveries import outcomes
from integrations.deliveries.outcomes import Outcome
from integrations.deliveries.releases import park
from integrations.deliveries.staff import record_found
from integrations.deliveries.states import State
from integrations.dsco import DscoClient
from integrations.dsco.errors import ScrollExpired
from integrations.lingxing import LingXingClient
from integrations.sentences import gettext as _
from inventory.due_updates import tell_again
from inventory.models import StockItem

from .conditions import SHIPPED_STATUSES
from .erp_creation import look_up
from .erp_reading import read_erp_orders
from .erp_state import live_orders
from .first_sight import FIRST_REASONS, FOLLOWING, create_deliveries, is_acknowledged
from .intake import LINE_COLUMNS, ORDER_COLUMNS, store_page
from .invoices import Coverage, shipped_at_dsco, to_cents
from .issued_invoices import certainly_for, shared_po_numbers, take_number
from .mappings import fill_erp_skus
from .models import Acknowledgement, Cancellation, ErpPush, Invoice, Order, OrderLine, Shipment
from .order_rows import raw_order, read_order
from .package_reading import Wanted, read_packages
from .rereading import DirectReads, calls_kept
from .shared_numbers import under_anothers_number
from .shipped_elsewhere import keep_packages
from .stages import refresh_stages

CHUNK = 200
# DSCO takes windows of any length; a day's is not larger than what a search of five minutes can carry.
WINDOW = timedelta(days=1)
TRIES_PER_WINDOW = 3
# DSCO refuses searches that end in the last seconds.
MARGIN = timedelta(seconds=10)
# Not derived from the payload, or the payload itself.
KEPT = {"payload", "payload_hash", "read_at"}
STEPS: tuple[type[Any], ...] = (ErpPush, Acknowledgement, Shipment, Invoice)
TO_BE_VERIFIED: tuple[type[Any], ...] = (*STEPS, Cancellation)
# Done, or given up while nothing can have been sent.
CLOSED = Q(status=State.SUCCEEDED) | Q(status__in=[State.SKIPPED, State.CANCELLED], maybe_sent=False)
# What an order and its steps are closed for when DSCO's page is read, without looking at LingXing.
CLOSED_WHEN_READ = frozenset({"already_shipped", "already_acknowledged", "order_cancelled", "cancel_requested"})
MADE_WITH_THE_ORDER = timedelta(hours=1)
FOUND = _("Found done at the vendor when the books were rebuilt.")


def rebuild(now: datetime, since: datetime | None, say: Callable[[str], None]) -> Counter[str]:
    """Rebuild what is derived of every order; returns counts. Raises VendorError: what was done so far stays done.

    since: from when on DSCO's orders are read first (None: stored payloads only). May be broken off and begun again.
    The workers must stand still, or both vendors be under an emergency stop: the caller sees to it.
    """
    counts: Counter[str] = Counter()
    with calls_kept():
        dsco, lingxing = DscoClient.from_settings(), LingXingClient.from_settings()
        if since is not None:
            counts["orders_read_from_dsco"] = _read_from_dsco(dsco, since, now - MARGIN, say)
        for ids in _chunks():
            orders, derived = derive(ids, now)
            counts.update(derived)
            counts.update(_settle(orders, dsco, lingxing, now, since or now))
            say(f"{counts['orders']} orders")
    counts["stock_items_to_be_told"] = tell_again(StockItem.objects.values_list("dsco_sku", flat=True))
    refresh_causes(now)
    return counts


def _chunks() -> Iterator[list[int]]:
    last = 0
    while chunk := list(Order.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        last = chunk[-1]
        yield chunk


def _read_from_dsco(dsco: DscoClient, since: datetime, until: datetime, say: Callable[[str], None]) -> int:
    """Store what DSCO shows of every order that changed since; a search that DSCO forgot starts again."""
    number = 0
    while since < until:
        end = min(since + WINDOW, until)
        for attempt in range(1, TRIES_PER_WINDOW + 1):
            try:
                for page in dsco.order_pages(since=since, until=end, by="updated"):
                    for part in page.portions():
                        store_page(part, until)
                        number += len(part)
                break
            except ScrollExpired:
                if attempt == TRIES_PER_WINDOW:
                    raise
        say(f"DSCO until {end:%Y-%m-%d %H:%M}: {number} orders")
        since = end
    return number


# --- From the payloads -------------------------------------------------------------------------------


@transaction.atomic
def derive(order_ids: Sequence[int], now: datetime) -> tuple[list[Order], Counter[str]]:
    """Read the stored payloads of orders as this release reads them; write what differs, and steps that are missing.

    Returns the orders and counts. They are locked: under an emergency stop the pull goes on beside this, and what a
    former payload said must not be written over what the present one says.
    """
    orders = list(Order.objects.filter(pk__in=order_ids).order_by("pk").select_for_update(no_key=True))
    columns = [name for name in ORDER_COLUMNS if name not in KEPT]
    changed, lines = [], []
    stored: dict[int, dict[int, OrderLine]] = {order.pk: {} for order in orders}
    for line in OrderLine.objects.filter(order__in=orders):
        stored[line.order_id][line.position] = line
    gone: list[int] = []
    for order in orders:
        raw = raw_order(order.payload)
        if raw is None:
            continue
        row = read_order(raw, order.read_at, order.problem if _could_not_be_stored(order) else "")
        if any(getattr(order, name) != getattr(row.order, name) for name in columns):
            for name in columns:
                setattr(order, name, getattr(row.order, name))
            changed.append(order)
        if row.lines is None:
            continue
        known = stored[order.pk]
        gone += [line.pk for position, line in known.items() if position >= len(row.lines)]
        for line in row.lines:
            line.order = order
            before = known.get(line.position)
            if before is None or any(getattr(before, name) != getattr(line, name) for name in LINE_COLUMNS):
                lines.append(line)
    Order.objects.bulk_update(changed, columns, batch_size=CHUNK)
    OrderLine.objects.filter(pk__in=gone).delete()
    OrderLine.objects.bulk_create(
        lines, update_conflicts=True, unique_fields=["order", "position"], update_fields=LINE_COLUMNS
    )
    made = _missing_steps(orders, now)
    return orders, Counter(
        orders=len(orders), orders_corrected=len(changed), lines_corrected=len(lines) + len(gone), steps_made=made
    )


def _could_not_be_stored(order: Order) -> bool:
    """A problem that came from the database and not from reading: reading would not find it again."""
    raw = raw_order(order.payload)
    return bool(order.problem) and raw is not None and not read_order(raw, order.read_at).order.problem


def _missing_steps(orders: Sequence[Order], now: datetime) -> int:
    """Make the four steps of orders that have none (their tables were lost); returns how many rows were made."""
    whole = Order.objects.filter(*(Exists(model._default_manager.filter(order=OuterRef("pk"))) for model in STEPS))
    complete = set(whole.filter(pk__in=[order.pk for order in orders]).values_list("pk", flat=True))
    bare = [order for order in orders if order.pk not in complete]
    if not bare:
        return 0
    partly = Order.objects.filter(pk__in=[order.pk for order in bare])
    for model in STEPS:
        # All four or none: what is left of half an order's steps says less than the vendors do.
        model._default_manager.filter(order__in=partly).delete()
    lines = _lines_of(bare)
    create_deliveries([(order, lines[order.pk]) for order in bare], now)
    return len(bare) * len(STEPS)


def _lines_of(orders: Sequence[Order]) -> dict[int, list[OrderLine]]:
    lines: dict[int, list[OrderLine]] = {order.pk: [] for order in orders}
    for line in OrderLine.objects.filter(order__in=orders).order_by("position"):
        lines[line.order_id].append(line)
    return lines


# --- From the vendors' truth --------------------------------------------------------------------------


def _settle(
    orders: Sequence[Order], dsco: DscoClient, lingxing: LingXingClient, now: datetime, since: datetime
) -> Counter[str]:
    """Record as done what the vendors have; what they do not show is checked by its flow before anything is sent."""
    pushes = list(
        ErpPush.objects.filter(order__in=orders).select_related("order").prefetch_related("order__lines").order_by("pk")
    )
    counts: Counter[str] = Counter()
    forgotten = _forgotten(pushes, since)
    found = _pushes_found([push for push in pushes if push.pk in forgotten or not _is_given_up(push)], lingxing)
    with transaction.atomic():
        _reopen([push for push in pushes if push.pk in forgotten and push.pk in found], now)
        counts["erp_pushes_found"] = _record("erp_push", found)
    pushed = list(
        ErpPush.objects.filter(order__in=orders, status=State.SUCCEEDED)
        .select_related("order").prefetch_related("order__lines")
    )  # fmt: skip
    _read_from_lingxing(pushed, lingxing, now)
    ids = [push.order_id for push in pushed]
    elsewhere = ErpPush.objects.filter(order__in=orders, status=State.SKIPPED, maybe_sent=False)
    handled_elsewhere = set(elsewhere.values_list("order_id", flat=True))
    ours = [order for order in orders if order.pk not in handled_elsewhere]
    counts["acknowledgements_found"] = _record("acknowledgement", _acknowledged(ours, ids))
    counts["shipments_found"] = _record("shipment", _shipped(ours, now))
    counts["invoices_found"] = _record("invoice", _invoiced(ours, dsco))
    counts["steps_to_be_verified"] = sum(_doubt(model, orders, now) for model in TO_BE_VERIFIED)
    refresh_stages([order.pk for order in orders])
    return counts


def _record(kind: str, found: dict[int, Outcome]) -> int:
    return record_found(kind, found, FOUND).changed if found else 0


def _forgotten(pushes: Sequence[ErpPush], since: datetime) -> set[int]:
    """Return the pushes (primary keys) that were closed when the books were read anew, as never tried.

    DSCO shows the order as shipped or cancelled, or the retailer asks to cancel it: but LingXing may have it from us.
    """
    return {
        push.pk
        for push in pushes
        if _is_given_up(push)
        and push.reason_code in CLOSED_WHEN_READ
        and ((push.finished_at is not None and push.finished_at >= since)
             or push.created_at > push.order.first_seen_at + MADE_WITH_THE_ORDER)
    }  # fmt: skip


def _is_given_up(push: ErpPush) -> bool:
    """Whether it was closed on purpose and certainly not sent: what was done by hand instead is not taken over."""
    return push.status in (State.SKIPPED, State.CANCELLED) and not push.maybe_sent


def _reopen(pushes: Sequence[ErpPush], now: datetime) -> None:
    """LingXing has these orders, so that what follows is owed, too; a cancellation is to stop them there first."""
    ids = [push.order_id for push in pushes]
    park(ErpPush.objects.filter(pk__in=[push.pk for push in pushes]), State.WAITING, "", "", now)
    for model in FOLLOWING:
        closed = model._default_manager.filter(order__in=ids, reason_code__in=CLOSED_WHEN_READ)
        park(closed, State.WAITING, FIRST_REASONS[model], "", now)


def _pushes_found(pushes: Sequence[ErpPush], lingxing: LingXingClient) -> dict[int, Outcome]:
    anothers = under_anothers_number(pushes)
    asked = [push for push in pushes if push.status != State.SUCCEEDED and push.pk not in anothers]
    verdicts = look_up(lingxing, asked) if asked else {}
    return {pk: verdict for pk, verdict in verdicts.items() if verdict.state == State.SUCCEEDED}


def _read_from_lingxing(pushes: Sequence[ErpPush], lingxing: LingXingClient, now: datetime) -> None:
    """Store the ERP orders and packages as LingXing shows them, and what a push fixes on its lines."""
    if not pushes:
        return
    fill_erp_skus([push.order for push in pushes])
    found = read_erp_orders(DirectReads(), lingxing, pushes)
    for push in pushes:
        stores = {erp_order.store_id for erp_order in found.get(push.order_id, ())}
        if not push.store_id and len(stores) == 1:
            push.store_id = stores.pop()
    ErpPush.objects.bulk_update(pushes, ["store_id"], batch_size=CHUNK)
    wanted = [Wanted(push.order, live) for push in pushes if (live := live_orders(found.get(push.order_id, [])))]
    read_packages(DirectReads(), lingxing, wanted, now)


def _acknowledged(orders: Sequence[Order], pushed: Sequence[int]) -> dict[int, Outcome]:
    """DSCO shows the order as taken, and LingXing has it: it was acknowledged with that number."""
    taken = {
        order.pk: order for order in orders
        if order.pk in pushed
        and (is_acknowledged(order) or order.dsco_lifecycle.lower() == "completed" or _is_shipped(order))
    }  # fmt: skip
    rows = Acknowledgement.objects.filter(order__in=taken).exclude(CLOSED)
    return {row.pk: outcomes.succeeded(taken[row.order_id].supplier_order_number) for row in rows}


def _is_shipped(order: Order) -> bool:
    return order.dsco_status.lower() in SHIPPED_STATUSES


def _shipped(orders: Sequence[Order], now: datetime) -> dict[int, Outcome]:
    """DSCO shows every unit as shipped: the order's one report is done, and its packages are kept.

    In parts, its flow and people look at it.
    """
    lines = _lines_of(orders)
    found: dict[int, Outcome] = {}
    open_rows: dict[int, list[Shipment]] = {}
    for row in Shipment.objects.filter(order__in=orders).exclude(CLOSED):
        open_rows.setdefault(row.order_id, []).append(row)
    for order in orders:
        shipped = shipped_at_dsco(order.payload, lines[order.pk])
        rows = open_rows.get(order.pk, [])
        if shipped.coverage == Coverage.FULL and len(rows) == 1:
            numbers = [package.tracking_number for package in shipped.packages if package.tracking_number]
            found[rows[0].pk] = outcomes.succeeded(",".join(numbers), confirmed=True)
            keep_packages(order, shipped, now)
    return found


def _invoiced(orders: Sequence[Order], dsco: DscoClient) -> dict[int, Outcome]:
    """DSCO has an invoice for a shipped order: ours is done, under its number and with its total."""
    rows = Invoice.objects.filter(order__in=orders, order__shipments__status=State.SUCCEEDED)
    found = {}
    shared = shared_po_numbers(order.po_number for order in orders)
    for row in rows.exclude(CLOSED).select_related("order").distinct():
        of_order = dsco.get_invoices_by_order(row.order.dsco_order_id, row.order.po_number)
        raws = certainly_for(of_order, row.order, shared, row.invoice_id)
        if not raws:
            continue
        number = str(raws[0].get("invoiceId") or "")
        if take_number(row, number) and row.total is None:
            Invoice.objects.filter(pk=row.pk).update(total=_amount(raws[0].get("totalAmount")))
        found[row.pk] = outcomes.succeeded(number)
    return found


def _amount(value: Any) -> Decimal | None:
    try:
        return to_cents(Decimal(str(value)))
    except InvalidOperation:
        return None


def _doubt(model: type[Any], orders: Sequence[Order], now: datetime) -> int:
    """Let what is due, or was tried, be verified first: between the backup and now it may have happened.

    No change of state by an outcome, but a restored row put into the state that fits what is known of it.
    """
    rows = model._default_manager.filter(order__in=orders, lease_token="")
    tried = Q(attempts__gt=0) | Q(maybe_sent=True)
    rows.filter(Q(status=State.FAILED) | Q(status=State.NEEDS_ATTENTION), tried).update(maybe_sent=True)
    number: int = rows.filter(status=State.DUE).update(status=State.UNCERTAIN, maybe_sent=True, due_at=now)
    return number
