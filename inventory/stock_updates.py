"""Carrying out stock updates: absolute quantities of an item in all its DSCO warehouses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from django.db.models import QuerySet

from integrations.deliveries import outcomes
from integrations.deliveries.kinds import Call, Plan, register_kind
from integrations.deliveries.outcomes import Outcome
from integrations.deliveries.states import State
from integrations.dsco import DscoClient
from integrations.dsco.queued import QueuedKind, alone_or_together, batches, hand_in
from integrations.dsco.schemas import ChangeLog, LogEntry
from integrations.dsco.schemas.inventory import InventoryItem, InventoryWarehouse
from integrations.errors import Rejected
from integrations.sentences import gettext as _
from integrations.sentences import joined

from .models import StockItem, StockUpdate

BATCH_ITEMS = 2000


class StockUpdateKind(QueuedKind[StockUpdate]):
    """Sets quantities at DSCO. A figure is absolute: repeating it does no harm, so nothing needs to be read back.

    After a lost reply the next figure waits as long as DSCO may take to carry out the lost one, which would undo it.
    """

    name = StockUpdate.KIND
    model = StockUpdate
    claim_size = BATCH_ITEMS
    skip_is_final = True

    def queryset(self) -> QuerySet[StockUpdate]:
        return StockUpdate.objects.select_related("item")

    def check(self, deliveries: Sequence[StockUpdate], now: datetime) -> dict[int, Outcome]:
        """An older figure than the last one computed is never sent."""
        text = _("The figures have changed since; the next pass sends the new ones.")
        superseded = outcomes.cancelled("superseded", text)
        return {row.pk: superseded for row in deliveries if row.quantities != row.item.target}

    def plan_send(self, deliveries: Sequence[StockUpdate]) -> Plan[StockUpdate]:
        """A few are sent singly (their errors are clearer), many in batches that DSCO carries out later."""
        client = DscoClient.from_settings()
        alone, together = alone_or_together(deliveries)
        parts = batches(together, lambda row: _item(row).payload(), BATCH_ITEMS)
        calls = [Call(part, partial(_send_batch, client, part)) for part in parts]
        return Plan(calls + [Call([row], partial(_send_one, client, row)) for row in alone])

    def read_log(self, client: DscoClient, request_id: str) -> ChangeLog:
        """Stock has a change log of its own."""
        return client.inventory_log(request_id)

    def entry(self, log: ChangeLog, row: StockUpdate) -> LogEntry | None:
        """Return what the log says of the item."""
        return log.entry_for_sku(row.item.dsco_sku)

    def done(self, row: StockUpdate, entry: LogEntry) -> Outcome:
        """DSCO has the figures."""
        return outcomes.succeeded()

    def unmentioned(self, row: StockUpdate) -> Outcome:
        """Sent again, alone."""
        text = _("DSCO finished the batch without a word about this item; it is sent again alone.")
        return outcomes.retry("no_outcome", text, solo=True, retry_after=0)

    def plan_verify(self, deliveries: Sequence[StockUpdate]) -> Plan[StockUpdate]:
        """Whether it happened does not matter, once it can't happen any more: the newest figure is sent again."""
        return Plan(outcomes={row.pk: outcomes.absent() for row in deliveries})

    def recorded(self, pairs: Sequence[tuple[StockUpdate, Outcome]], now: datetime) -> None:
        """Remember what DSCO was told, and that nobody knows what it has after a lost reply."""
        items = []
        for row, _outcome in pairs:
            if row.status == State.SUCCEEDED:
                row.item.confirmed, row.item.confirmed_at = row.quantities, now
            elif row.status == State.UNCERTAIN:
                # What it may have been told of is not forgotten, else a warehouse that is unmapped now would keep it.
                row.item.confirmed = {**dict.fromkeys(row.quantities, 0), **row.item.confirmed}
                row.item.confirmed_at = None
            else:
                continue
            items.append(row.item)
        StockItem.objects.bulk_create(
            items, update_conflicts=True, unique_fields=["id"], update_fields=["confirmed", "confirmed_at"]
        )


def stock_item(dsco_sku: str, quantities: dict[str, int]) -> InventoryItem:
    """Return the body of an update: every warehouse of the item, the exact sum, the status that fits it."""
    total = sum(quantities.values())
    return InventoryItem(
        sku=dsco_sku,
        status="in-stock" if total else "out-of-stock",
        quantity_available=total,
        warehouses=[InventoryWarehouse(code=code, quantity=units) for code, units in sorted(quantities.items())],
    )


def _item(row: StockUpdate) -> InventoryItem:
    return stock_item(row.item.dsco_sku, row.quantities)


def _send_one(client: DscoClient, row: StockUpdate) -> dict[int, Outcome]:
    sku = row.item.dsco_sku
    try:
        client.update_inventory(_item(row))
    except Rejected as error:
        text = _(
            "DSCO refused the stock of %(sku)s: %(words)s Check in DSCO that the item exists under this SKU and has"
            " exactly the mapped warehouses, or switch its stock off in the SKU mapping; then retry."
        )
        return {row.pk: outcomes.rejected(error.code, text % {"sku": sku, "words": _sentence(error.message)})}
    return {row.pk: outcomes.succeeded()}


def _send_batch(client: DscoClient, rows: Sequence[StockUpdate]) -> dict[int, Outcome]:
    items = [_item(row) for row in rows]
    return hand_in(rows, lambda: client.inventory_batch(items))


def _sentence(words: str) -> str:
    return words if words.rstrip().endswith((".", "!", "?")) else joined([words, "."], "")


register_kind(StockUpdateKind())
