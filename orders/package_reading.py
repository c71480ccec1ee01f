"""LingXing's outbound orders of some orders become their packages: for the flow, and when a person asks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from integrations.lingxing import LingXingClient
from integrations.lingxing.rows import Rows
from integrations.lingxing.schemas import OutboundOrderRow

from .erp_reading import NUMBERS_PER_CALL
from .mappings import fill_erp_skus
from .models import ErpOrder, Order
from .packages import ErpNumbers, Packed, packages_of, store_packages
from .reading import Reads, read_in_chunks

# Without dates LingXing lists the outbound orders of the last month only.
RECENT = timedelta(days=25)


@dataclass(frozen=True, slots=True)
class Wanted:
    """An order (``erp_push`` and ``lines`` loaded) with its ERP orders that are alive."""

    order: Order
    erp_orders: Sequence[ErpOrder]

    @property
    def number(self) -> str:
        """Under which LingXing knows the order."""
        return self.order.erp_push.platform_order_no


@dataclass(slots=True)
class PackagesRead:
    """The packages by the order's primary key; an order with an unreadable row is not among them."""

    packed: dict[int, list[Packed]] = field(default_factory=dict)
    unreadable: int = 0


def read_packages(context: Reads, client: LingXingClient, wanted: Sequence[Wanted], now: datetime) -> PackagesRead:
    """Read the outbound orders of these orders and store their packages; what cannot be read is left out.

    Raises VendorError when nothing can be read; then nothing is stored.
    """
    if not wanted:
        return PackagesRead()
    fill_erp_skus([one.order for one in wanted])
    rows, unread = _outbound_rows(context, client, wanted, now)
    unreadable = {number for item in rows.unreadable for number in item.platform_order_nos} | unread
    packed = _pack([one for one in wanted if one.number not in unreadable], rows, now)
    store_packages([one for packages in packed.values() for one in packages])
    return PackagesRead(packed, len(rows.unreadable))


def _outbound_rows(
    context: Reads, client: LingXingClient, wanted: Sequence[Wanted], now: datetime
) -> tuple[Rows[OutboundOrderRow], set[str]]:
    """All outbound orders of these orders, deleted ones included, and the numbers that could not be read.

    Older orders are asked for with dates.
    """
    recent = [one for one in wanted if now - one.order.first_seen_at < RECENT]
    older = [one for one in wanted if now - one.order.first_seen_at >= RECENT]

    def read(chunk: Sequence[Wanted]) -> Rows[OutboundOrderRow]:
        numbers = sorted({one.number for one in chunk})
        first = min(one.order.first_seen_at for one in chunk)
        if now - first < RECENT:
            return client.outbound_orders(platform_order_nos=numbers)
        return client.outbound_orders(
            platform_order_nos=numbers,
            start_date=(first - timedelta(days=1)).date(),
            end_date=(now + timedelta(days=1)).date(),
        )

    result: Rows[OutboundOrderRow] = Rows()
    found: dict[str, OutboundOrderRow] = {}
    unread: set[str] = set()
    for group in (recent, older):
        pages = read_in_chunks(
            context, _of_numbers(read, group), sorted({one.number for one in group}), NUMBERS_PER_CALL
        )
        for rows in pages.answers:
            found.update((row.wo_number, row) for row in rows)
            result.unreadable.extend(rows.unreadable)
        unread |= set(pages.unread)
    result.extend(found.values())
    return result, unread


def _of_numbers(
    read: Callable[[Sequence[Wanted]], Rows[OutboundOrderRow]], group: Sequence[Wanted]
) -> Callable[[Sequence[str]], Rows[OutboundOrderRow]]:
    by_number = {one.number: one for one in group}
    return lambda numbers: read([by_number[number] for number in numbers])


def _pack(wanted: Sequence[Wanted], rows: Sequence[OutboundOrderRow], now: datetime) -> dict[int, list[Packed]]:
    by_number: Mapping[str, list[OutboundOrderRow]] = defaultdict(list)
    for row in rows:
        for number in row.platform_order_nos:
            by_number[number].append(row)
    live = {erp_order.global_order_no for one in wanted for erp_order in one.erp_orders}
    others = ErpOrder.objects.filter(global_order_no__in={row.order_number for row in rows} - live)
    reshipments = {number for number, of in others.values_list("global_order_no", "resend_of") if of}
    packed = {}
    for one in wanted:
        numbers = ErpNumbers({erp_order.global_order_no for erp_order in one.erp_orders}, reshipments)
        packed[one.order.pk] = packages_of(
            one.order, list(one.order.lines.all()), one.number, by_number.get(one.number, ()), numbers, now
        )
    return packed
