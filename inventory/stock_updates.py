"""Carrying out stock updates: absolute quantities of an item in all its DSCO warehouses."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from integrations.deliveries import outcomes
from integrations.deliveries.kinds import Call, DeliveryKind, Plan, register_kind
from integrations.deliveries.outcomes import Outcome
from integrations.deliveries.states import State
from integrations.dsco import DscoClient
from integrations.dsco.schemas import LogEntry
from integrations.dsco.schemas.inventory import InventoryItem, InventoryWarehouse
from integrations.errors import Rejected

from .models import StockItem, StockUpdate

BATCH_ITEMS = 2000
BATCH_BYTES = 4_500_000  # DSCO takes 5 MB; the rest is for commas and surprises


class StockUpdateKind(DeliveryKind[StockUpdate]):
    """Sets quantities at DSCO. A figure is absolute: repeating it does no harm, so nothing needs to be read back."""

    name = StockUpdate.KIND
    vendor = "dsco"
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
        alone = [row for row in deliveries if row.solo]
        others = [row for row in deliveries if not row.solo]
        if len(others) < settings.BATCH_FROM:
            alone, others = [*alone, *others], []
        calls = [Call(batch, partial(_send_batch, client, batch)) for batch in _batches(others)]
        return Plan(calls + [Call([row], partial(_send_one, client, row)) for row in alone])

    def plan_poll(self, deliveries: Sequence[StockUpdate]) -> Plan[StockUpdate]:
        """One question per request, whatever number of items was in it."""
        client = DscoClient.from_settings()
        by_request: dict[str, list[StockUpdate]] = {}
        for row in deliveries:
            by_request.setdefault(row.remote_request_id, []).append(row)
        return Plan([Call(rows, partial(_ask, client, request_id, rows)) for request_id, rows in by_request.items()])

    def plan_verify(self, deliveries: Sequence[StockUpdate]) -> Plan[StockUpdate]:
        """Whether it happened does not matter: the newest figure is sent again."""
        return Plan(outcomes={row.pk: outcomes.absent() for row in deliveries})

    def recorded(self, pairs: Sequence[tuple[StockUpdate, Outcome]], now: datetime) -> None:
        """Remember what DSCO was told, and that nobody knows what it has after a lost reply."""
        items = []
        for row, _outcome in pairs:
            if row.status == State.SUCCEEDED:
                row.item.confirmed, row.item.confirmed_at = row.quantities, now
            elif row.status == State.UNCERTAIN:
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


def _batches(rows: Iterable[StockUpdate]) -> list[list[StockUpdate]]:
    batches: list[list[StockUpdate]] = []
    size = 0
    for row in rows:
        length = len(json.dumps(stock_item(row.item.dsco_sku, row.quantities).payload()))
        if not batches or len(batches[-1]) >= BATCH_ITEMS or size + length > BATCH_BYTES:
            batches.append([])
            size = 0
        batches[-1].append(row)
        size += length
    return batches


def _send_one(client: DscoClient, row: StockUpdate) -> dict[int, Outcome]:
    sku = row.item.dsco_sku
    try:
        client.update_inventory(stock_item(sku, row.quantities))
    except Rejected as error:
        text = _(
            "DSCO refused the stock of %(sku)s: %(words)s Check in DSCO that the item exists under this SKU and has"
            " exactly the mapped warehouses, or switch its stock off in the SKU mapping; then retry."
        )
        return {row.pk: outcomes.rejected(error.code, text % {"sku": sku, "words": _sentence(error.message)})}
    return {row.pk: outcomes.succeeded()}


def _send_batch(client: DscoClient, rows: Sequence[StockUpdate]) -> dict[int, Outcome]:
    answer = client.inventory_batch([stock_item(row.item.dsco_sku, row.quantities) for row in rows])
    return {row.pk: outcomes.accepted(answer.request_id) for row in rows}


def _ask(client: DscoClient, request_id: str, rows: Sequence[StockUpdate]) -> dict[int, Outcome]:
    log = client.inventory_log(request_id)
    # By SKU in one go: the log of a large batch is as long as the batch. A final entry outranks a pending one.
    entries: dict[str, LogEntry] = {}
    for entry in log.entries:
        sku = str(entry.payload.get("sku"))
        if sku not in entries or entry.status != "pending":
            entries[sku] = entry
    return {row.pk: _verdict(entries.get(row.item.dsco_sku), log.completed) for row in rows}


def _verdict(entry: LogEntry | None, completed: bool) -> Outcome:
    """A refused item is repeated alone, because the answer to a single call says clearly what is wrong."""
    if entry is not None and entry.status == "success":
        return outcomes.succeeded()
    if entry is not None and entry.status == "failure":
        return outcomes.retry(entry.code or "refused", entry.messages_text, solo=True, retry_after=0)
    if completed and entry is None:
        text = _("DSCO finished the batch without a word about this item; it is sent again alone.")
        return outcomes.retry("no_outcome", text, solo=True, retry_after=0)
    return outcomes.still_pending()


def _sentence(words: str) -> str:
    words = words.strip()
    return words if words.endswith((".", "!", "?")) else f"{words}."


register_kind(StockUpdateKind())
