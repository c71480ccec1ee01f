"""Stock of certain items told to DSCO because a person wants it: as computed from what was last read, or as given.

The same targets, updates and sending as in the flow ``sync_inventory``; only which items, and who asks, differ. Given
quantities hold until the next synchronisation computes its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max

from integrations.flows import get_flow
from integrations.flows.runner import ensure_flow_row
from integrations.jobs import start_for_orders
from integrations.models import Flow
from integrations.refusals import CannotDo
from integrations.sentences import gettext as _

from . import due_updates, stock_levels
from .flows.sync_inventory import NAME, ORDERS_ARE_FRESH, orders_read_at
from .mappings import SkuBook, WarehouseBook
from .models import StockItem, StockLevel
from .reservations import Reservations, reserved_units
from .targets import Quantities, targets, whole_target

LEVELS_ARE_FRESH = timedelta(minutes=30)
MOST_ITEMS = 1000


class CannotSynchronise(CannotDo):
    """Nothing is told to DSCO now; ``code`` and the message say why and what to do."""


@dataclass(frozen=True, slots=True)
class ItemFigures:
    """What an item should show at DSCO, and what DSCO last confirmed. target None: a figure is unknown."""

    dsco_sku: str
    target: Quantities | None
    confirmed: Quantities
    confirmed_at: datetime | None

    @property
    def changes(self) -> dict[str, int]:
        """By how much each warehouse's figure changes."""
        wanted = self.target or {}
        codes = sorted({*wanted, *self.confirmed})
        found = {code: wanted.get(code, 0) - self.confirmed.get(code, 0) for code in codes}
        return {code: units for code, units in found.items() if units}

    @property
    def differs(self) -> bool:
        """Whether DSCO is to be told: it shows another figure, or nobody knows what it shows."""
        return self.target is not None and (self.confirmed_at is None or self.confirmed != self.target)


def not_synchronised(dsco_skus: Collection[str]) -> list[str]:
    """Return which of these DSCO SKUs have no mapping with stock synchronisation."""
    book = SkuBook.load(dsco_skus)
    return [sku for sku in dsco_skus if not book.for_stock(sku)]


def computed(dsco_skus: Collection[str]) -> dict[str, Quantities | None]:
    """Return the targets of these DSCO SKUs from the stock as last read and the orders as they are now."""
    skus, warehouses = SkuBook.load(), WarehouseBook.load()
    wanted = SkuBook.load(dsco_skus)
    erp_skus = {mapping.erp_sku for sku in wanted.stock_skus() for mapping in wanted.for_stock(sku)}
    levels = stock_levels.stored(warehouses.stock_wids(), erp_skus)
    return targets(wanted, warehouses, levels, Reservations(reserved_units(), skus, warehouses))


def stale_because(now: datetime) -> str:
    """Return why figures computed from what was last read can't be trusted, or ""."""
    read_at = StockLevel.objects.aggregate(read_at=Max("read_at"))["read_at"]
    if read_at is None or now - read_at > LEVELS_ARE_FRESH:
        return _("The stock in LingXing was not read in the last 30 minutes. Run the flow “Synchronise stock” first.")
    orders_at = orders_read_at()
    if orders_at is None or now - orders_at > ORDERS_ARE_FRESH:
        return _("The orders were not read in the last 15 minutes. Run the flow “Pull orders from DSCO” first.")
    return ""


def figures_of(wanted: Mapping[str, Quantities | None]) -> list[ItemFigures]:
    """Return these targets beside what DSCO last confirmed, by DSCO SKU."""
    known = {item.dsco_sku: item for item in StockItem.objects.filter(dsco_sku__in=list(wanted))}
    found = []
    for sku, computed in sorted(wanted.items()):
        item = known.get(sku, StockItem(dsco_sku=sku))
        target = None if computed is None else whole_target(computed, item.confirmed)
        found.append(ItemFigures(sku, target, item.confirmed, item.confirmed_at))
    return found


def tell_dsco(wanted: Mapping[str, Quantities | None], actor: str, now: datetime, *, approved: bool) -> Sequence[str]:
    """Make the updates that these targets call for due, and start sending them. Returns the DSCO SKUs that are sent.

    approved: the actor wants what goes to zero. Raises CannotSynchronise; nothing has changed then.
    """
    with transaction.atomic():
        _require_free()
        plan = due_updates.update_deliveries(wanted, now, named_only=True, approved=approved)
        if plan.is_alarming:
            text = _(
                "%(count)d of %(all)d items in stock would go to zero at once. Say that it is right, or correct it."
            )
            raise CannotSynchronise(due_updates.STOCK_DROP, text % {"count": len(plan.dropping), "all": plan.in_stock})
        sent = [item.dsco_sku for item, _row in plan.owed]
        if sent:
            start_for_orders(NAME, actor, sent)
    return sent


def _require_free() -> None:
    """The flow must neither run nor be paused; its row stays locked, so that no run begins before this is stored."""
    ensure_flow_row(get_flow(NAME))
    row = Flow.objects.select_for_update().get(name=NAME)
    if row.is_running():
        text = _("The flow “Synchronise stock” is running. Wait until it has ended.")
        raise CannotSynchronise("already_running", text)
    if row.paused:
        text = _("The flow “Synchronise stock” is paused: %(reason)s")
        raise CannotSynchronise("flow_paused", text % {"reason": row.pause_reason})
