"""Where an order stands in one look: what each side has, what it waits for and why, what came back.

Nothing here knows a page or the API; both may show it. Times are aware, codes are the vendors' and ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import QuerySet

from integrations.deliveries.models import Delivery
from integrations.deliveries.states import FINISHED, State

from .explanations import CATALOGUE, explain
from .models import Cancellation, ErpOrder, ErpStatus, Order, Package
from .order_story import with_steps

# How far an ERP order is, least first. What is cancelled or hidden behind a merged one is no progress.
PROGRESS: Final = (
    ErpStatus.HIDDEN, ErpStatus.CANCELLED, ErpStatus.SYNCING, ErpStatus.SYNCED, ErpStatus.UNPAID, ErpStatus.TO_REVIEW,
    ErpStatus.TO_SHIP, ErpStatus.PLATFORM, ErpStatus.SHIPPED,
)  # fmt: skip
FOR_A_PERSON = (State.NEEDS_ATTENTION, State.FAILED)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A step that is not done: its row, why, and what a person does about it (nothing where nobody is needed)."""

    row: Delivery
    code: str
    why: str
    steps: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """One ERP order that carries the order, or a part of it, and the packages that left for it."""

    erp_order: ErpOrder
    packages: Sequence[Package]


@dataclass(slots=True)
class Standing:
    """One order. ``furthest``: how far the furthest of its parts is in LingXing, None before LingXing showed one."""

    order: Order
    parts: list[Part] = field(default_factory=list)
    reshipments: list[ErpOrder] = field(default_factory=list)
    furthest: ErpStatus | None = None
    waits: list[Waiting] = field(default_factory=list)
    cancellations: list[Cancellation] = field(default_factory=list)
    returned: list[dict[str, Any]] = field(default_factory=list)


def with_standing(orders: QuerySet[Order]) -> QuerySet[Order]:
    """Return orders with everything that ``standing_of`` reads: eight queries for any number."""
    return with_steps(orders).prefetch_related("cancellations", "packages", "erp_links__erp_order")


def standing_of(order: Order) -> Standing:
    """Return where an order (``with_standing``) stands."""
    found = Standing(order, cancellations=sorted(order.cancellations.all(), key=lambda row: row.pk))
    links = sorted(order.erp_links.all(), key=lambda link: link.pk)
    live = [link.erp_order for link in links if link.ended_at is None]
    packages = [package for package in order.packages.all() if not package.ignored]
    for erp_order in live:
        if erp_order.resend_of:
            found.reshipments.append(erp_order)
            continue
        its = [package for package in packages if package.global_order_no == erp_order.global_order_no]
        found.parts.append(Part(erp_order, its))
    found.furthest = furthest_of(part.erp_order for part in found.parts)
    found.waits = [_waiting(row) for row in _deliveries(order, found.cancellations) if row.status not in FINISHED]
    found.returned = _returned(order)
    return found


def furthest_of(erp_orders: Iterable[ErpOrder]) -> ErpStatus | None:
    """Return the furthest status among the parts of an order; a deleted part is none. None where nothing is left."""
    known = [ErpStatus(row.status) for row in erp_orders if row.status is not None and not row.deleted]
    return max(known, key=PROGRESS.index, default=None)


def _deliveries(order: Order, cancellations: list[Cancellation]) -> list[Delivery]:
    once = [getattr(order, name, None) for name in ("erp_push", "acknowledgement")]
    shipments = sorted(order.shipments.all(), key=lambda row: row.sequence)
    rows = [*once, *shipments, getattr(order, "invoice", None), *cancellations]
    return [row for row in rows if row is not None]


def _waiting(row: Delivery) -> Waiting:
    code = row.reason_code or row.last_error_code
    known = f"{row.KIND}:{code}" in CATALOGUE or code in CATALOGUE
    if row.status not in FOR_A_PERSON and not known:
        return Waiting(row, code, row.last_error)
    explanation = explain(row.KIND, code, verifying=row.status == State.UNCERTAIN)
    steps = [str(step) for step in explanation.steps] if row.status in FOR_A_PERSON else []
    return Waiting(row, code, row.last_error or str(explanation.meaning), steps)


def _returned(order: Order) -> list[dict[str, Any]]:
    """What DSCO marks as come back undeliverable."""
    payload = order.payload if isinstance(order.payload, dict) else {}
    packages = [raw for raw in payload.get("packages") or [] if isinstance(raw, dict) and raw.get("returnedFlag")]
    return [
        {
            "tracking_number": str(raw.get("trackingNumber") or ""), "returned_at": raw.get("returnDate"),
            "return_number": str(raw.get("returnNumber") or ""), "reason": str(raw.get("returnReason") or ""),
        }
        for raw in packages
    ]  # fmt: skip
