"""Which stock updates are owed: targets compared with what DSCO last confirmed, one open update per item."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from integrations.causes import cause_for
from integrations.deliveries.owners import lock_by_key
from integrations.deliveries.releases import park
from integrations.deliveries.states import FINISHED, IN_FLIGHT, State
from integrations.sentences import gettext as _
from integrations.stops import STOPPED_CODE

from .models import StockItem, StockUpdate
from .targets import Quantities, whole_target

CHUNK = 2000
REFRESH_AFTER = timedelta(hours=24)
PARKED_FOR = timedelta(hours=1)
STOCK_DROP = "stock_drop"
ITEM_FIELDS = ["target", "target_at"]
UPDATE_FIELDS = [
    "quantities", "drop_approved", "status", "due_at", "reason_code", "last_error_code", "last_error", "failures",
    "failing_since", "maybe_sent", "changed_at", "cause",
]  # fmt: skip


@dataclass(slots=True)
class Plan:
    """What is to be written; ``dropping`` are the items that would go to zero without anybody's consent."""

    owed: list[tuple[StockItem, StockUpdate | None]] = field(default_factory=list)
    obsolete: list[StockUpdate] = field(default_factory=list)
    dropping: list[tuple[StockItem, StockUpdate | None]] = field(default_factory=list)
    in_stock: int = 0

    @property
    def is_alarming(self) -> bool:
        """More than STOCK_DROP_LIMIT_PERCENT of the items in stock would go to zero; a single one always may."""
        share = self.in_stock * settings.STOCK_DROP_LIMIT_PERCENT / 100
        return len(self.dropping) > max(1, share)


def update_deliveries(
    targets: Mapping[str, Quantities | None], now: datetime, *, named_only: bool = False, approved: bool = False
) -> Plan:
    """Store the targets and make the updates that they call for, in one transaction.

    A warehouse that an item was told of and that its target does not name is told 0. A target without any warehouse
    ({}) makes that of the whole item; it is told once, and not again every day.
    named_only: the items that ``targets`` does not name are left as they are, else they are owed nothing any more.
    approved: a person wants what goes to zero.

    When the plan is alarming only the updates of the dropping items are written, parked for a person;
    the caller must then send nothing.
    """
    with transaction.atomic():
        items = _items(targets, now, named_only=named_only)
        unfinished = StockUpdate.objects.exclude(status__in=FINISHED).order_by("pk").select_for_update()
        if named_only:
            unfinished = unfinished.filter(item__in=items)
        open_rows = {row.item_id: row for row in unfinished}
        plan = Plan()
        for item in items:
            _sort(plan, item, targets.get(item.dsco_sku), open_rows.get(item.pk), now, approved=approved)
        if plan.is_alarming:
            _park_drops(plan, now)
        else:
            _write(plan.owed, now, approved=approved)
            _cancel(plan.obsolete, now)
    return plan


def tell_again(dsco_skus: Iterable[str]) -> int:
    """Nobody knows what DSCO has of these items: the next pass tells it their figures. Returns how many items."""
    return StockItem.objects.filter(dsco_sku__in=list(dsco_skus)).update(confirmed_at=None)


def _items(targets: Mapping[str, Quantities | None], now: datetime, *, named_only: bool) -> list[StockItem]:
    """Return all (or the named) items with their targets stored, those of new SKUs made."""
    rows = StockItem.objects.filter(dsco_sku__in=list(targets)) if named_only else StockItem.objects.all()
    lock_by_key(rows)  # as everybody does who changes updates: the items first
    known = set(rows.values_list("dsco_sku", flat=True))
    new = [StockItem(dsco_sku=sku) for sku in targets if sku not in known]
    StockItem.objects.bulk_create(new, batch_size=CHUNK, ignore_conflicts=True)
    items = list(rows.order_by("id"))
    changed = []
    for item in items:
        target = whole_target(targets.get(item.dsco_sku), item.confirmed)
        if item.target != target:
            item.target, item.target_at = target, now
            changed.append(item)
    StockItem.objects.bulk_create(
        changed, batch_size=CHUNK, update_conflicts=True, unique_fields=["id"], update_fields=ITEM_FIELDS
    )
    return items


def _sort(
    plan: Plan, item: StockItem, computed: Quantities | None, row: StockUpdate | None, now: datetime, *, approved: bool
) -> None:
    """Decide what one item needs. Rows in flight belong to the engine; the next pass sees to them."""
    before, target = sum(item.confirmed.values()), item.target
    plan.in_stock += before > 0 and computed is not None
    if row is not None and row.status in IN_FLIGHT:
        return
    if not target or not _is_owed(item, now, daily=bool(computed)):
        if row is not None:
            plan.obsolete.append(row)
        return
    if before > 0 and sum(target.values()) == 0 and not (approved or _is_approved(row)):
        plan.dropping.append((item, row))
    if row is None or _may_go(row, target, now):
        plan.owed.append((item, row))


def _is_owed(item: StockItem, now: datetime, *, daily: bool) -> bool:
    """Differences, what DSCO was never told (or nobody knows whether it was), and (``daily``) all of it once a day."""
    maybe_told = item.confirmed_at is None and bool(item.confirmed)
    shown = maybe_told or sum(item.confirmed.values()) > 0
    if not settings.STOCK_INCLUDE_ZERO and not sum(item.target.values()) and not shown:
        # An item that DSCO may still show as available is told all the same: silence would sell what is not there.
        return False
    if item.confirmed_at is None:
        return True
    return item.confirmed != item.target or (daily and now - item.confirmed_at > REFRESH_AFTER)


def _is_approved(row: StockUpdate | None) -> bool:
    """Whether a person has made a parked drop due again; the mark stays until the item has stock again."""
    return row is not None and (row.drop_approved or (row.status == State.DUE and row.last_error_code == STOCK_DROP))


def _may_go(row: StockUpdate, target: Quantities, now: datetime) -> bool:
    """Whether an open update should be written anew; a parked one when its figures changed or after an hour."""
    if row.status == State.NEEDS_ATTENTION and row.last_error_code == STOCK_DROP and not sum(target.values()):
        return False  # only a person lets it go, or new stock
    if row.quantities != target or _is_approved(row) != row.drop_approved:
        return True
    if _is_stopped(row):
        return False
    parked_at = row.last_attempt_at or row.changed_at
    return row.status != State.DUE and now - parked_at > PARKED_FOR


def _is_stopped(row: StockUpdate) -> bool:
    """Whether the row waits for the end of an emergency stop: it keeps the newest figures, and goes with them then."""
    return row.status == State.WAITING and row.reason_code == STOPPED_CODE


def _write(owed: list[tuple[StockItem, StockUpdate | None]], now: datetime, *, approved: bool) -> None:
    new = [
        _new(item, State.DUE, now, drop_approved=approved and not sum(item.target.values()))
        for item, row in owed if row is None
    ]  # fmt: skip
    StockUpdate.objects.bulk_create(new, batch_size=CHUNK, ignore_conflicts=True)
    renewed = []
    for item, row in owed:
        if row is None:
            continue
        row.drop_approved = (approved or _is_approved(row)) and not sum(item.target.values())
        if not _is_stopped(row) and (row.quantities != item.target or row.status != State.DUE):
            row.due_at = now
        row.quantities, row.changed_at = item.target, now
        if row.status != State.DUE and not _is_stopped(row):
            row.status, row.reason_code, row.maybe_sent, row.cause = State.DUE, "", False, ""
            row.failures, row.failing_since = 0, None
        if row.last_error_code == STOCK_DROP:
            row.last_error_code = row.last_error = ""
        renewed.append(row)
    _save(renewed)


def _park_drops(plan: Plan, now: datetime) -> None:
    """Put the updates of the dropping items before a person; what is failed stays where it is."""
    message = _(
        "The last stock read would set %(count)d of the %(all)d items that DSCO shows in stock to zero at once, so"
        " nothing was sent. Check these warehouses' stock in LingXing. If the zeros are right, retry these rows; if"
        " not, mend the stock there and the next run goes on by itself."
    ) % {"count": len(plan.dropping), "all": plan.in_stock}
    facts = {"reason_code": STOCK_DROP, "last_error_code": STOCK_DROP, "last_error": message}
    new, parked = [], []
    for item, row in plan.dropping:
        if row is None:
            new.append(_new(item, State.NEEDS_ATTENTION, now, **facts))
        elif row.status != State.FAILED:
            row.quantities, row.status, row.due_at, row.changed_at = item.target, State.NEEDS_ATTENTION, None, now
            row.reason_code, row.last_error_code, row.last_error = STOCK_DROP, STOCK_DROP, message
            row.cause = cause_for(row)
            parked.append(row)
    StockUpdate.objects.bulk_create(new, batch_size=CHUNK, ignore_conflicts=True)
    _save(parked)


def _cancel(rows: list[StockUpdate], now: datetime) -> None:
    ids = [row.pk for row in rows]
    for start in range(0, len(ids), CHUNK):
        park(StockUpdate.objects.filter(pk__in=ids[start : start + CHUNK]), State.CANCELLED, "not_owed", "", now)


def _new(item: StockItem, state: State, now: datetime, **facts: Any) -> StockUpdate:
    key = f"stock:{item.dsco_sku[:100]}:{item.pk}:{now:%Y%m%dT%H%M%S%f}"
    due_at = now if state == State.DUE else None
    return StockUpdate(item=item, key=key, status=state, due_at=due_at, quantities=item.target, **facts)


def _save(rows: list[StockUpdate]) -> None:
    StockUpdate.objects.bulk_create(
        rows, batch_size=CHUNK, update_conflicts=True, unique_fields=["id"], update_fields=UPDATE_FIELDS
    )
