"""Our side of a comparison: what orders and their steps say, a page at a time in one query, without payloads."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Q

from integrations.deliveries.references import names_all, numbers_in
from integrations.deliveries.states import IN_FLIGHT, State

from ..models import Order, Shipment, Stage

# For so long two sides may differ: a vendor's reads follow its writes, and what changed here is still on its way.
GRACE_SECONDS = 900.0
# DSCO refuses a search that ends less than 5 s ago.
LEAST_GRACE_SECONDS = 10.0
# Nothing of these is compared with LingXing or expected at DSCO any more.
GONE = frozenset({Stage.CANCELLED, Stage.CLOSED})


def grace() -> timedelta:
    """Return for how long a difference is none yet (RETRY_BACKOFF_SCALE multiplies it, as every delay)."""
    seconds = GRACE_SECONDS * settings.RETRY_BACKOFF_SCALE
    return timedelta(seconds=max(seconds, float(settings.VERIFY_DELAY_SECONDS), LEAST_GRACE_SECONDS))


@dataclass(frozen=True, slots=True)
class Step:
    """One delivery of an order, as far as a comparison needs it."""

    pk: int
    status: str
    reason: str
    changed_at: datetime
    finished_at: datetime | None
    maybe_sent: bool

    @property
    def done(self) -> bool:
        """Whether the vendor has it, as far as we know."""
        return self.status == State.SUCCEEDED

    def settles(self, horizon: datetime) -> bool:
        """Whether it is under way, about to go, or changed after ``horizon``: what it says now proves nothing.

        What may have been sent is looked up before it goes again; not what staff have given up.
        """
        doubtful = self.maybe_sent and self.status != State.SKIPPED
        return self.status in IN_FLIGHT or self.status == State.DUE or doubtful or self.changed_at > horizon


@dataclass(frozen=True, slots=True)
class Facts:
    """One order of ours with its steps."""

    pk: int
    dsco_order_id: str
    po_number: str
    retailer_id: str
    stage: str
    dsco_status: str
    dsco_lifecycle: str
    tracking_at_dsco: tuple[str, ...]
    dsco_updated_at: datetime | None
    first_seen_at: datetime
    push: Step
    platform_order_no: str
    store_id: str
    erp_number: str
    acknowledgement: Step
    shipment: Step
    reported: tuple[str, ...]
    invoice: Step
    invoice_id: str
    invoice_total: Decimal | None


_STEP = ("pk", "status", "reason_code", "changed_at", "finished_at", "maybe_sent")
_COLUMNS = (
    "pk", "dsco_order_id", "po_number", "retailer_id", "stage", "dsco_status", "dsco_lifecycle",
    "reported_tracking_numbers", "dsco_updated_at", "first_seen_at",
    *(f"erp_push__{name}" for name in _STEP),
    "erp_push__platform_order_no", "erp_push__store_id", "erp_push__remote_reference",
    *(f"acknowledgement__{name}" for name in _STEP), *(f"shipments__{name}" for name in _STEP),
    "shipments__remote_reference", *(f"invoice__{name}" for name in _STEP), "invoice__invoice_id", "invoice__total",
)  # fmt: skip


def facts_of(condition: Q) -> list[Facts]:
    """Return the orders that match, in the order of their keys: two queries."""
    orders = Order.objects.filter(condition, erp_push__isnull=False, shipments__sequence=1)
    found = [_facts(row) for row in orders.order_by("pk").values_list(*_COLUMNS)]
    return _with_the_rest(found) if found else found


def _with_the_rest(found: list[Facts]) -> list[Facts]:
    """Where an order was reported in parts: all numbers that were told, and the part that is not done yet."""
    parts: dict[int, list[tuple[Step, str]]] = {}
    rows = Shipment.objects.filter(order__in=[facts.pk for facts in found], sequence__gt=1).order_by("sequence")
    for row in rows.values_list("order_id", *_STEP, "remote_reference"):
        parts.setdefault(row[0], []).append((Step(*row[1:-1]), row[-1]))
    whole = []
    for facts in found:
        step, told = facts.shipment, facts.reported
        for part, reference in parts.get(facts.pk, ()):
            told += _reported(reference or "")
            step = part if step.done else step
        whole.append(replace(facts, shipment=step, reported=told))
    return whole


def by_id(dsco_order_ids: Iterable[str]) -> list[Facts]:
    """Return the orders with these DSCO ids."""
    return facts_of(Q(dsco_order_id__in=list(dsco_order_ids)))


def by_key(pks: Iterable[int]) -> list[Facts]:
    """Return the orders with these primary keys."""
    return facts_of(Q(pk__in=list(pks)))


def by_platform_number(numbers: Collection[str]) -> dict[str, list[Facts]]:
    """Return the orders behind LingXing's platform order numbers; a PO number may belong to several."""
    found: dict[str, list[Facts]] = {}
    for facts in facts_of(Q(erp_push__platform_order_no__in=list(numbers))):
        found.setdefault(facts.platform_order_no, []).append(facts)
    return found


def _facts(row: tuple[Any, ...]) -> Facts:
    step = len(_STEP)
    push, rest = Step(*row[10 : 10 + step]), row[10 + step :]
    number, store, erp_number, rest = rest[0], rest[1], rest[2], rest[3:]
    acknowledgement, rest = Step(*rest[:step]), rest[step:]
    shipment, reported, rest = Step(*rest[:step]), rest[step], rest[step + 1 :]
    invoice, invoice_id, total = Step(*rest[:step]), rest[step], rest[step + 1]
    return Facts(
        row[0], row[1], row[2], row[3], row[4], row[5], row[6], tuple(_plain(row[7])), row[8], row[9],
        push, number, store, erp_number, acknowledgement, shipment,
        _reported(reported or ""), invoice, invoice_id or "", total,
    )  # fmt: skip


def _reported(reference: str) -> tuple[str, ...]:
    """The tracking numbers that were reported; a reference that does not name all of them says nothing."""
    return tuple(numbers_in(reference)) if names_all(reference) else ()


def _plain(numbers: Iterable[Any]) -> list[str]:
    return [text for number in numbers or () if (text := str(number).strip())]


def same_numbers(one: Iterable[str], other: Iterable[str]) -> set[str]:
    """Return the tracking numbers of ``one`` that ``other`` has too, whatever the case."""
    there = {number.casefold() for number in other}
    return {number for number in one if number.casefold() in there}
