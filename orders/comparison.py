"""One order as we, DSCO and LingXing have it at this moment, side by side (reads both vendors; stores nothing)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from integrations.calls import CallRecord, collect_calls
from integrations.deliveries.claims import save_calls
from integrations.deliveries.pool import CallPool
from integrations.dsco import DscoClient
from integrations.dsco.schemas import DscoOrder, UnreadableOrder
from integrations.errors import VendorError
from integrations.lingxing import LingXingClient
from integrations.lingxing.schemas import ErpOrderRow, OutboundOrderRow
from integrations.sentences import gettext as _
from integrations.sentences import joined

from .cancellations import original_orders
from .comparison_rows import Row, Sides, compare
from .models import Order
from .packages import BUNDLE_COMPONENT, DELETED, SHIPPED

# Without dates LingXing lists the outbound orders of the last month only.
RECENT = timedelta(days=25)


@dataclass(slots=True)
class Comparison:
    """The rows, and for each vendor that could not be read a sentence for staff."""

    rows: list[Row] = field(default_factory=list)
    dsco_problem: str = ""
    lingxing_problem: str = ""

    @property
    def different(self) -> int:
        """Return how many rows differ."""
        return sum(row.differs for row in self.rows)


@dataclass(slots=True)
class _Answer:
    value: Any = None
    problem: str = ""
    calls: list[CallRecord] = field(default_factory=list)


def compare_live(order: Order) -> Comparison:
    """Read the order from both vendors and compare. Never raises for a vendor: what failed is said in the result.

    The calls are kept in the call log.
    """
    number = order.erp_push.platform_order_no
    since = order.first_seen_at - timedelta(days=1)
    store_id = order.erp_push.store_id
    with CallPool(2) as pool:
        asked = [
            pool.submit(lambda: _asked("DSCO", lambda: _dsco(order.dsco_order_id))),
            pool.submit(lambda: _asked("LingXing", lambda: _lingxing(number, store_id, since))),
        ]
        dsco, lingxing = [future.result() for future in asked]
    save_calls([*dsco.calls, *lingxing.calls], None)
    sides = Sides(order, list(order.lines.all()))
    if not dsco.problem:
        sides.dsco = dsco.value
    if not lingxing.problem:
        sides.erp_orders, sides.outbound = lingxing.value
        sides.erp_units, sides.shipped_units = _erp_units(sides.erp_orders), _shipped_units(sides.outbound, number)
    return Comparison(compare(sides), dsco.problem, lingxing.problem)


def _asked(vendor: str, read: Callable[[], Any]) -> _Answer:
    with collect_calls() as calls:
        try:
            answer = _Answer(read())
        except VendorError as error:
            answer = _Answer(problem=_sentence(vendor, error))
        except _NotThere as reason:
            answer = _Answer(problem=str(reason))
    answer.calls = calls
    return answer


class _NotThere(Exception):
    """The vendor answered, and does not have the order (or not readably)."""


def _dsco(dsco_order_id: str) -> DscoOrder:
    raw = DscoClient.from_settings().get_order(dsco_order_id)
    if raw is None:
        raise _NotThere(_("DSCO does not know this order."))
    try:
        return DscoOrder.parse(raw)
    except UnreadableOrder as error:
        raise _NotThere(str(error)) from error


def _lingxing(number: str, store_id: str, since: datetime) -> tuple[list[ErpOrderRow], list[OutboundOrderRow]]:
    client = LingXingClient.from_settings()
    found = client.orders_by_platform_numbers([number])
    if found.unreadable:
        raise _NotThere(_("LingXing answered with a row that cannot be read."))
    rows = original_orders(found, store_id)
    if not rows:
        raise _NotThere(_("LingXing shows no order with the number %(number)s.") % {"number": number})
    now = timezone.now()
    recent = now - since < RECENT
    outbound = client.outbound_orders(
        platform_order_nos=[number],
        start_date=None if recent else since.date(),
        end_date=None if recent else (now + timedelta(days=1)).date(),
    )
    ours = {row.global_order_no for row in rows}
    return rows, [row for row in outbound if row.order_number in ours and row.status != DELETED]


def _sentence(vendor: str, error: VendorError) -> str:
    tail = _("Their request id: {id}.").format(id=error.request_id) if error.request_id else ""
    text = _("{vendor} could not be read ({code}): {message}")
    return joined([text.format(vendor=vendor, message=error.message, code=error.code), tail])


def _erp_units(rows: Sequence[ErpOrderRow]) -> Counter[str]:
    """Units by ERP SKU in the ERP orders that will be delivered."""
    units: Counter[str] = Counter()
    for row in rows:
        if row.is_deleted or row.status in (7, 8):
            continue
        for item in row.items:
            if not item.is_deleted:
                units[item.local_sku] += item.quantity
    return units


def _shipped_units(rows: Iterable[OutboundOrderRow], number: str) -> Counter[str]:
    units: Counter[str] = Counter()
    for row in rows:
        if row.status != SHIPPED:
            continue
        for product in row.products:
            foreign = product.platform_order_no and product.platform_order_no != number
            if product.bundle_type != BUNDLE_COMPONENT and not foreign:
                units[product.sku] += product.count
    return units
