"""One raw DSCO order becomes an ``Order`` and its lines, or an ``Order`` with the reason why it can't be read.

Nothing is saved here. What does not fit its column never reaches the database: a description is cut, anything
that orders are told apart by (ids, SKUs, codes, amounts) makes the order unreadable instead.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import models

from integrations.dsco.schemas import DscoOrder, DscoOrderLine, UnreadableOrder, storable
from integrations.dsco.schemas.inbound import Inbound, Moment
from integrations.sentences import gettext as _
from integrations.sentences import joined

from .models import Order, OrderLine

DESCRIPTIONS = frozenset(
    {"title", "retailer_name", "ship_carrier", "ship_method", "order_type", "cancel_requested_code"}
)
LINE_TEXTS = ("dsco_item_id", "sku", "partner_sku", "upc", "ean", "title", "warehouse_code")
PRICES = ("expected_cost", "consumer_price", "retail_price")
# What can hold a quantity that nobody can read; without these the head of an order is always readable.
UNREADABLE_MEMBERS = ("lineItems", "packages")
CENT_FRACTION = Decimal("0.0001")
LARGEST_PRICE = Decimal(10) ** 10
# What an invoice's total holds, rounded or not.
LARGEST_TOTAL = Decimal(10) ** 11
LARGEST_NUMBER = 2**31 - 1


@dataclass(slots=True)
class RawOrder:
    """A raw order with what can be told without reading it in full."""

    dsco_order_id: str
    raw: dict[str, Any]
    updated_at: datetime | None
    payload_hash: str
    is_storable: bool = False  # every JSON column takes ``raw`` as it is: nearly all that DSCO sends


@dataclass(slots=True)
class OrderRow:
    """An order ready to be stored; ``lines`` is None when the payload could not be read in full."""

    order: Order
    lines: list[OrderLine] | None = field(default_factory=list)


def line_key(line: OrderLine | DscoOrderLine) -> tuple[int | None, str]:
    """What DSCO tells a line of an order by, whatever else of it changes, its place in the list included."""
    return line.line_number, _text(line.dsco_item_id) or _text(line.sku)


class _Stamp(Inbound):
    dsco_last_update: Moment = None


def raw_order(raw: Any) -> RawOrder | None:
    """Return the order with its key, or None when it has no dscoOrderId that could be one."""
    if not isinstance(raw, dict):
        return None
    value = raw.get("dscoOrderId")
    order_id = "" if isinstance(value, bool) or not isinstance(value, str | int) else str(value).strip()
    order_id = str(storable(order_id))
    if not order_id or len(order_id) > 64:
        return None
    canonical, is_storable = _canonical(raw)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return RawOrder(order_id, raw, _Stamp.model_validate(raw).dsco_last_update, digest, is_storable)


def _canonical(raw: dict[str, Any]) -> tuple[str, bool]:
    """Return the order as a text that is the same for equal orders, and whether ``storable`` would change nothing."""
    try:
        canonical = json.dumps(raw, sort_keys=True, separators=(",", ":"))
    except TypeError:  # a Decimal or a time
        return json.dumps(raw, sort_keys=True, separators=(",", ":"), default=str), False
    return canonical, "\\u0000" not in canonical and ("\\ud" not in canonical or _has_whole_characters(raw))


def _has_whole_characters(raw: dict[str, Any]) -> bool:
    try:
        json.dumps(raw, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half an emoji
        return False
    return True


def newest_of_each(orders: Iterable[RawOrder]) -> list[RawOrder]:
    """Return one raw order per id, the newest (the later one in the page at equal times), sorted by id."""
    newest: dict[str, RawOrder] = {}
    for candidate in orders:
        known = newest.get(candidate.dsco_order_id)
        if known is None or not is_older(candidate.updated_at, known.updated_at):
            newest[candidate.dsco_order_id] = candidate
    return [newest[order_id] for order_id in sorted(newest)]


def is_older(candidate: datetime | None, known: datetime | None) -> bool:
    """Return whether ``candidate`` is certainly older; without both times nobody knows."""
    return candidate is not None and known is not None and candidate < known


def read_order(raw: RawOrder, now: datetime, problem: str = "") -> OrderRow:
    """Read a raw order into rows. ``problem``: it is known already why it can't be read in full."""
    payload = raw.raw if raw.is_storable else storable(raw.raw)
    if not problem:
        try:
            read = DscoOrder.parse(payload)
            row = OrderRow(_order(raw, read, payload, now))
            row.lines = [_line(row.order, position, line) for position, line in enumerate(read.line_items)]
            problem = _what_does_not_fit(row)
        except UnreadableOrder as error:
            problem = str(error)
    if not problem:
        return row
    head = DscoOrder.parse({key: value for key, value in payload.items() if key not in UNREADABLE_MEMBERS})
    order = _order(raw, head, payload, now)
    _fit(order, cut_all=True)
    order.problem = problem
    return OrderRow(order, None)


def _order(raw: RawOrder, read: DscoOrder, payload: dict[str, Any], now: datetime) -> Order:
    return Order(
        dsco_order_id=raw.dsco_order_id,
        po_number=_text(read.po_number),
        consumer_order_number=_text(read.consumer_order_number),
        retailer_id=_text(read.dsco_retailer_id),
        retailer_name=_retailer_name(read),
        supplier_order_number=_text(read.supplier_order_number),
        order_type=_text(read.order_type),
        currency=_text(read.currency_code),
        test_order=read.test_flag,
        dsco_status=_text(read.dsco_status),
        dsco_lifecycle=_text(read.dsco_lifecycle),
        cancel_requested=read.cancel_requested,
        cancel_requested_code=_text(read.cancel_requested_code),
        warehouse_code=_text(read.requested_warehouse_code or read.ship_warehouse_code or read.dsco_warehouse_code),
        # The members without prefix are the final ones, which the supplier should use.
        service_level=_text(read.shipping_service_level_code or read.requested_shipping_service_level_code),
        ship_carrier=_text(read.ship_carrier or read.requested_ship_carrier),
        ship_method=_text(read.ship_method or read.requested_ship_method),
        acknowledge_by=_earliest(read, "acknowledge_by_date"),
        ship_by=_earliest(read, "ship_by_date"),
        invoice_by=_earliest(read, "invoice_by_date"),
        cancel_after=_earliest(read, "cancel_after_date"),
        dsco_created_at=read.dsco_create_date or read.retailer_create_date,
        dsco_updated_at=raw.updated_at,
        reported_tracking_numbers=_tracking_numbers(payload),
        payload=payload,
        payload_hash=raw.payload_hash,
        first_seen_at=now,
        read_at=now,
    )


def _tracking_numbers(payload: dict[str, Any]) -> list[str]:
    """The packages that DSCO knows of, also from a payload that is unreadable otherwise: none may be reported twice."""
    packages = payload.get("packages")
    entries = packages if isinstance(packages, list) else []
    numbers = [entry.get("trackingNumber") for entry in entries if isinstance(entry, dict)]
    return list(dict.fromkeys(str(number).strip() for number in numbers if number))


def _earliest(read: DscoOrder, member: str) -> datetime | None:
    """The first of the lines' dates: a line's own date wins, else the order's counts for it."""
    of_order: datetime | None = getattr(read, member)
    dates = [getattr(line, member) or of_order for line in read.line_items] or [of_order]
    return min((date for date in dates if date is not None), default=None)


def _line(order: Order, position: int, line: DscoOrderLine) -> OrderLine:
    return OrderLine(
        order=order,
        position=position,
        line_number=line.line_number,
        quantity=line.quantity,
        cancelled_quantity=_not_wanted(line),
        cancel_requested=line.cancel_requested,
        **{name: _text(getattr(line, name)) for name in LINE_TEXTS},
        **{name: _amount(getattr(line, name)) for name in PRICES},
    )


def _not_wanted(line: DscoOrderLine) -> int:
    """What will not be delivered: cancelled and rejected units.

    Without such a number a line's status counts for what was neither accepted nor shipped.
    """
    named = line.cancelled_quantity + line.rejected_quantity
    if not named and (line.status or "").lower() in ("cancelled", "canceled", "rejected"):
        named = line.quantity - max(line.accepted_quantity, line.shipped_quantity or 0)
    return max(0, min(named, line.quantity))


def _retailer_name(read: DscoOrder) -> str:
    """The trading partner's name, unless DSCO puts our own name there, as its samples do."""
    name = _text(read.dsco_trading_partner_name)
    return "" if name == _text(read.dsco_supplier_name) else name


def _text(value: str | None) -> str:
    return (value or "").strip()


def _amount(value: Decimal | None) -> Decimal | None:
    if value is None or abs(value) >= LARGEST_PRICE:
        return value  # too large: found by _what_does_not_fit
    return value.quantize(CENT_FRACTION, ROUND_HALF_UP)


def _what_does_not_fit(row: OrderRow) -> str:
    """Cut descriptions; return a sentence for staff about anything else that is too long or too large."""
    found = _fit(row.order)
    for line in row.lines or ():
        wrong = _fit(line)
        wrong += [name for name in PRICES if abs(getattr(line, name) or 0) >= LARGEST_PRICE]
        if abs(line.line_number or 0) > LARGEST_NUMBER or abs(line.quantity) > LARGEST_NUMBER:
            wrong.append("line_number/quantity")
        if wrong:
            where = _("line %(number)d: ") % {"number": line.position + 1}
            found += [joined([where, name], "") for name in wrong]
    if not found and sum(line.quantity * (line.expected_cost or 0) for line in row.lines or ()) >= LARGEST_TOTAL:
        found.append("quantity × expected_cost")
    if not found:
        return ""
    return _(
        "DSCO order %(order)s holds values that are too long or too large (%(fields)s). Ask DSCO support to correct it."
    ) % {"order": row.order.dsco_order_id, "fields": joined(found[:5], "; ")}


def _fit(instance: models.Model, *, cut_all: bool = False) -> list[str]:
    too_long = []
    for name, longest in _LENGTHS[type(instance)]:
        value = getattr(instance, name)
        if value and len(value) > longest:
            if cut_all or name in DESCRIPTIONS:
                setattr(instance, name, value[:longest])
            else:
                too_long.append(name)
    return too_long


def _lengths(model: type[models.Model]) -> list[tuple[str, int]]:
    fields = [field for field in model._meta.get_fields() if isinstance(field, models.CharField)]
    return [(field.name, field.max_length) for field in fields if field.max_length]


_LENGTHS = {Order: _lengths(Order), OrderLine: _lengths(OrderLine)}
