"""库存同步: LingXing's stock becomes DSCO's, as far as it is free to be sold.

Top to bottom: orders first, read every mapped warehouse in full, compute targets, make updates where
DSCO was told something else (0 for what is not mapped any more), send them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from integrations import clock
from integrations.deliveries.states import IN_FLIGHT, State
from integrations.dsco import DscoClient
from integrations.flows import FlowContext, flow, flow_definitions, get_flow, run_flow
from integrations.flows.runner import FlowStopped
from integrations.lingxing import LingXingClient
from integrations.models import Flow, RunStatus
from integrations.sentences import gettext as _

from .. import due_updates, stock_levels
from ..mappings import SkuBook, WarehouseBook
from ..models import StockUpdate
from ..reservations import Reservations, larger_of, reserved_units
from ..retired import Retired, forget_what_dsco_lacks, retired
from ..targets import Levels, Quantities, targets

NAME = "sync_inventory"
PULL = "pull_orders"
ORDERS_ARE_FRESH = timedelta(minutes=15)
PATIENCE_SECONDS = 20.0
LOOK_EVERY_SECONDS = 0.25
MOST_NAMES = 50
MOST_UNSETTLED = 10_000


@flow(
    NAME, gettext_lazy("Synchronise stock"), interval_seconds=600, position=6, delivers=StockUpdate.KIND,
    by_order=False,
)  # fmt: skip
def sync_inventory(context: FlowContext) -> None:
    """Tell DSCO every synchronised item's quantities where they differ from what it last confirmed.

    For named items (``context.order_ids`` are DSCO SKUs here) only what ``inventory/by_hand.py`` made due is sent.
    """
    if context.order_ids:
        _send_named(context)
        return
    _pull_orders_first(context)
    warehouses, skus = WarehouseBook.load(), SkuBook.load()
    _settle(context)
    gone = _retired(context, skus, warehouses)
    if not warehouses.stock_wids() and not gone.selling:
        context.note(_("No warehouse is mapped for stock, so there is nothing to synchronise."))
        return
    reserved_before = reserved_units()
    levels = _read_stock(context, warehouses)
    reserved = Reservations(larger_of(reserved_before, reserved_units()), skus, warehouses)
    wanted = targets(skus, warehouses, levels, reserved)
    _tell_staff(context, skus, warehouses, levels, wanted)
    _make_updates(context, {**wanted, **{sku: {} for sku in gone.skus}})
    if context.deliver(StockUpdate.KIND).counts["due"]:
        context.deliver(StockUpdate.KIND)  # what was refused in a batch goes again alone, without waiting for a run


def _send_named(context: FlowContext) -> None:
    due = StockUpdate.objects.filter(item__dsco_sku__in=context.order_ids, status=State.DUE)
    ids = list(due.values_list("pk", flat=True))
    if ids and context.deliver(StockUpdate.KIND, ids=ids).counts["due"]:
        context.deliver(StockUpdate.KIND, ids=ids)  # what was refused in a batch goes again alone


def orders_read_at() -> datetime | None:
    """Return when all orders were last read from DSCO; None when they never were."""
    row = Flow.objects.filter(name=PULL).first()
    return _moment(row.cursor.get("last_complete_at")) if row else None


def _pull_orders_first(context: FlowContext) -> None:
    """Stock must know the orders: without a recent pull, sold units would be offered again."""
    if PULL not in {definition.name for definition in flow_definitions()}:
        return
    row = Flow.objects.filter(name=PULL).first()
    if row is not None:
        complete_at = _moment(row.cursor.get("last_complete_at"))
        if complete_at is not None and context.now - complete_at <= ORDERS_ARE_FRESH:
            return
        if row.paused:
            raise _not_pulled(_("order pulling is paused"))
    result = run_flow(PULL, trigger=NAME, budget_seconds=context.seconds_left)
    for released in result.released:
        context.release(released)
    if result.status == RunStatus.ALREADY_RUNNING:
        if not _wait_for_the_other_pull(context):
            raise _not_pulled(_("another pull is still under way"))
        return
    if result.status != RunStatus.SUCCEEDED:
        raise _not_pulled(result.error or RunStatus(result.status).label)


def _wait_for_the_other_pull(context: FlowContext) -> bool:
    """At the first start all schedules fire together: give the pull that runs already a little time to end."""
    deadline = clock.monotonic() + min(PATIENCE_SECONDS, context.seconds_left or PATIENCE_SECONDS)
    while clock.monotonic() < deadline:
        clock.sleep(LOOK_EVERY_SECONDS)
        row = Flow.objects.get(name=PULL)
        complete_at = _moment(row.cursor.get("last_complete_at"))
        if complete_at is not None and timezone.now() - complete_at <= ORDERS_ARE_FRESH:
            return True
        if not row.lease_token:
            return False
    return False


def _not_pulled(reason: str | Promise) -> FlowStopped:
    text = _(
        "Stock was not synchronised, because the orders are not up to date (see the runs of “%(flow)s”): %(reason)s"
    )
    return FlowStopped("pull_failed", text % {"reason": reason, "flow": get_flow(PULL).label})


def _moment(text: object) -> datetime | None:
    try:
        moment = parse_datetime(str(text))
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


def _settle(context: FlowContext) -> None:
    """Find out about what earlier runs left open, so that these items can get the new figures in this run."""
    unsettled = StockUpdate.objects.filter(status__in=IN_FLIGHT, due_at__lte=context.now).order_by("due_at")
    ids = list(unsettled.values_list("pk", flat=True)[:MOST_UNSETTLED])
    if ids:
        context.deliver(StockUpdate.KIND, ids=ids)


def _retired(context: FlowContext, skus: SkuBook, warehouses: WarehouseBook) -> Retired:
    """Find what DSCO was told of and nobody counts any more, and say of what it is told 0 now."""
    gone = retired(skus, warehouses)
    if gone.codes or gone.skus:
        forget_what_dsco_lacks(DscoClient.from_settings(), gone)
    if gone.selling:
        text = _("Told 0, because the mapping was removed or no longer synchronises stock: %s")
        context.note(text % _names(gone.selling))
    return gone


def _read_stock(context: FlowContext, warehouses: WarehouseBook) -> Levels:
    """Read all mapped warehouses; a read that is not complete raises and changes nothing."""
    client = LingXingClient.from_settings()
    rows = [row for page in client.inventory_pages(warehouses.stock_wids()) for row in page.rows]
    levels = stock_levels.add_up(rows)
    stock_levels.keep(levels, context.now)
    context.count("stock_rows", len(rows))
    return levels


def _make_updates(context: FlowContext, wanted: dict[str, Quantities | None]) -> None:
    plan = due_updates.update_deliveries(wanted, context.now)
    context.count("items", len(wanted))
    if plan.is_alarming:
        context.count(due_updates.STOCK_DROP, len(plan.dropping))
        text = _(
            "%(count)d of %(all)d items in stock would go to zero at once; nothing was sent. Check the stock in"
            " LingXing, then retry these stock updates under Needs attention if the zeros are right."
        )
        raise FlowStopped(due_updates.STOCK_DROP, text % {"count": len(plan.dropping), "all": plan.in_stock})
    context.count("changed", len(plan.owed))


def _tell_staff(
    context: FlowContext, skus: SkuBook, warehouses: WarehouseBook, levels: Levels, wanted: dict[str, Quantities | None]
) -> None:
    unmapped = {
        erp_sku
        for (_wid, erp_sku), level in levels.items()
        if (level.available > 0 or (level.third_party_sellable or 0) > 0) and not skus.knows_erp_sku(erp_sku)
    }
    unknown = [dsco_sku for dsco_sku, quantities in wanted.items() if quantities is None]
    if unmapped:
        context.count("unmapped_skus", len(unmapped))
        context.note(_("ERP SKUs in stock without a SKU mapping, not sent: %s") % _names(unmapped))
    if unknown:
        context.count("unknown_figures", len(unknown))
        context.note(_("Left out, because the third-party warehouse gave no sellable quantity: %s") % _names(unknown))
    for mapping in warehouses.counted_elsewhere:
        context.note(
            _("LingXing warehouse %(wid)s has several DSCO codes; its stock is not counted again for %(code)s.")
            % {"wid": mapping.wid, "code": mapping.dsco_code}
        )


def _names(found: Iterable[str]) -> str:
    names = sorted(found)
    shown = ", ".join(names[:MOST_NAMES])
    rest = len(names) - MOST_NAMES
    return _("%(names)s and %(count)d more.") % {"names": shown, "count": rest} if rest > 0 else f"{shown}."
