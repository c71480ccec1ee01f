"""What LingXing's staff and warehouses do to orders: audit, ship, cancel, intercept, delete.

`at` always is the epoch second at which the move happens: what was due an hour ago is dated an hour ago.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

from .answers import moment_text
from .book import Book
from .catalogue import Catalogue
from .order_rows import UNPAIRED_TAG
from .outbound_rows import outbound_row, product_rows, with_status

Row = dict[str, Any]
OPEN_STATUSES = (4, 5)
DELETED = 4
SHIPPED = 3


class Floor:
    """Moves orders through their statuses and keeps stock and outbound orders in step."""

    def __init__(self, book: Book, catalogue: Catalogue, outbound_delay: Callable[[], float]) -> None:
        self.book = book
        self.catalogue = catalogue
        self._outbound_delay = outbound_delay
        self._numbers = count(1)
        self._line_ids = count(6900, 10)
        self._tracking = count(1)
        self.awaiting_audit: deque[tuple[float, str]] = deque()
        self.awaiting_shipment: deque[tuple[float, str]] = deque()
        self._interceptions: dict[str, float] = {}

    def find(self, number: str) -> list[Row]:
        """Live orders by platform order number, or the one with this global_order_no. KeyError when there is none."""
        rows = [self.book.orders[number]] if number in self.book.orders else self.book.orders_of(number)
        live = [row for row in rows if not row["is_delete"]]
        if not live:
            raise KeyError(f"LingXing has no live order {number}")
        return live

    def change(self, row: Row, at: float, **changes: Any) -> Row:
        """Stores an order with these changes."""
        return self.book.put_order({**row, **changes}, at)

    def enter(self, row: Row, at: float) -> Row:
        """A new order in status 4: its stock is locked as soon as its warehouse is known."""
        stored = self.book.put_order(row, at)
        if row["wid"] != "0":
            self.lock(stored)
        self.awaiting_audit.append((at, row["global_order_no"]))
        return stored

    def lock(self, row: Row) -> None:
        """Locks the order's stock anew."""
        self.catalogue.stock.release(row["global_order_no"])
        self.catalogue.stock.lock(row["global_order_no"], row["wid"], self.catalogue.needs(_units(row)))

    def live_outbound(self, row: Row) -> list[Row]:
        """The order's outbound orders that are not deleted."""
        return [out for out in self.book.outbound_of(row["global_order_no"]) if out["status"] != DELETED]

    def audit(self, row: Row, at: float) -> Row:
        """4 → 5: the order gets an outbound order, and a warehouse if need be. ValueError while a line is unpaired."""
        if row["status"] != 4:
            return row
        if UNPAIRED_TAG in row["order_tag"]:
            raise ValueError(f"Order {row['global_order_no']} has a line without local SKU: pair it first")
        if row["wid"] == "0":
            row = {**row, "wid": self.catalogue.default_warehouse()}
            self.lock(row)
        method = self.catalogue.logistics_types.get(row["logistics_info"]["logistics_type_id"])
        logistics = {**row["logistics_info"], "status": 1}
        if method:
            logistics["logistics_type_name"] = method.name
            logistics["logistics_provider_id"] = method.provider_id
            logistics["logistics_provider_name"] = method.provider_name
        row = self.change(row, at, status=5, global_review_time=int(at), logistics_info=logistics)
        self.new_outbound(row, at)
        self.awaiting_shipment.append((at, row["global_order_no"]))
        return row

    def new_outbound(self, row: Row, at: float, lines: Mapping[str, int] | None = None) -> Row:
        """A new outbound order in status 1, for everything or for these lines (local SKU → units)."""
        products = product_rows(row, lines, next(self._line_ids), self.catalogue)
        out = outbound_row(next(self._numbers), row, products, at, self.catalogue)
        return self.book.put_outbound(out, at + self._outbound_delay())

    def label(self, row: Row, at: float, tracking: str | None) -> Row:
        """The label is there, the goods still are too: tracking number set, outbound status 2, order status 5."""
        row = self.audit(row, at)
        number = tracking if tracking is not None else self.next_tracking()
        for out in self.live_outbound(row) or [self.new_outbound(row, at)]:
            labelled = with_status(out, 2, 5, at, tracking_no=number, waybill_no=number)
            self.book.put_outbound(labelled, at + self._outbound_delay())
        logistics = {**row["logistics_info"], "status": 2, "tracking_no": number, "waybill_no": number}
        return self.change(row, at, logistics_info=logistics)

    def next_tracking(self) -> str:
        """A fresh tracking number."""
        return f"SBXTRK{next(self._tracking):08d}"

    def ship(self, row: Row, at: float, packages: Sequence[Mapping[str, Any]] | None, status: int | None) -> Row:
        """Ships the packages (default: one with everything); 6 when all units are out, or the given order status."""
        row = self.audit(row, at)
        waiting = [out for out in self.live_outbound(row) if out["status"] != SHIPPED]
        first_tracking = ""
        for package in packages if packages is not None else [{}]:
            out = self._packed(row, waiting.pop(0) if waiting else None, package, at)
            first_tracking = first_tracking or out["tracking_no"] or out["waybill_no"]
            if out["status"] == SHIPPED:
                needs = self.catalogue.needs(_sent_units([out]))
                self.catalogue.stock.take(row["global_order_no"], row["wid"], needs)
        complete = self._complete(row)
        reached = status if status is not None else (6 if complete else 5)
        row = self._with_tracking(row, first_tracking)
        delivered = int(at) if reached == 6 else 0
        if reached == 6:
            self.catalogue.stock.release(row["global_order_no"])
            # What was planned but never packed is not waiting any more.
            self._drop_outbound(row, at, keep_shipped=True)
        return self.change(row, at, status=reached, global_delivery_time=delivered, global_distribution_time=int(at))

    def _packed(self, row: Row, out: Row | None, package: Mapping[str, Any], at: float) -> Row:
        lines: Mapping[str, int] | None = package.get("lines")
        if out is None:
            out = self.new_outbound(row, at, lines)
        elif lines is not None:
            out = {**out, "product_info": product_rows(row, lines, next(self._line_ids), self.catalogue)}
        status = int(package.get("status", SHIPPED))
        tracking = package.get("tracking", out["tracking_no"] or self.next_tracking())
        moments = {}
        if status == SHIPPED:
            moments["delivered_at"] = _moment(package.get("delivered_at", at))
            moments["stock_delivered_at"] = _moment(package.get("stock_delivered_at", at + 3))
        out = with_status(
            out, status, 5, at, tracking_no=tracking, waybill_no=package.get("waybill", tracking), **moments
        )
        return self.book.put_outbound(out, at + self._outbound_delay())

    def _complete(self, row: Row) -> bool:
        sent = _sent_units([out for out in self.live_outbound(row) if out["status"] == SHIPPED])
        return all(sent.get(sku, 0) >= units for sku, units in _units(row).items())

    def _with_tracking(self, row: Row, tracking: str) -> Row:
        if not tracking or row["logistics_info"]["tracking_no"]:
            return row
        logistics = {**row["logistics_info"], "status": 2, "tracking_no": tracking, "waybill_no": tracking}
        return {**row, "logistics_info": logistics}

    def _drop_outbound(self, row: Row, at: float, keep_shipped: bool) -> None:
        for out in self.live_outbound(row):
            if not (keep_shipped and out["status"] == SHIPPED):
                self.delete_outbound(out, at)

    def delete_outbound(self, out: Row, at: float) -> Row:
        """The outbound order is withdrawn (status 4); its tracking number stays in the row."""
        return self.book.put_outbound(with_status(out, DELETED, 43, at), at)

    def cancel(self, row: Row, at: float) -> Row:
        """→ 7: stock is free again, outbound orders are withdrawn."""
        self._drop_outbound(row, at, keep_shipped=True)
        self.catalogue.stock.release(row["global_order_no"])
        return self.change(row, at, status=7, global_cancel_time=int(at))

    def remove(self, row: Row, at: float, **changes: Any) -> Row:
        """Deletes the order: only `include_delete` still shows it."""
        self._drop_outbound(row, at, keep_shipped=False)
        self.catalogue.stock.release(row["global_order_no"])
        return self.change(row, at, is_delete=1, **changes)

    def intercepting(self, number: str) -> bool:
        """Whether an interception of this order is under way."""
        return number in self._interceptions

    def intercept(self, row: Row, at: float) -> None:
        """Asks the warehouse to stop; `catch_up` finishes it."""
        self._interceptions[row["global_order_no"]] = at

    def catch_up(self, now: float, audit_after: float | None, ship_after: float | None, intercept_after: float) -> None:
        """Does everything that has become due since the last call, in the order and at the time it was due."""
        while True:
            due: list[tuple[float, Callable[[float], None]]] = []
            if audit_after is not None and self.awaiting_audit:
                due.append((self.awaiting_audit[0][0] + audit_after, self._audit_next))
            if ship_after is not None and self.awaiting_shipment:
                due.append((self.awaiting_shipment[0][0] + ship_after, self._ship_next))
            if self._interceptions:
                due.append((min(self._interceptions.values()) + intercept_after, self._intercept_next))
            if not due:
                return
            at, move = min(due, key=lambda pair: pair[0])
            if at > now:
                return
            move(at)

    def _audit_next(self, at: float) -> None:
        row = self.book.orders[self.awaiting_audit.popleft()[1]]
        if row["status"] == 4 and not row["is_delete"] and UNPAIRED_TAG not in row["order_tag"]:
            self.audit(row, at)

    def _ship_next(self, at: float) -> None:
        row = self.book.orders[self.awaiting_shipment.popleft()[1]]
        if row["status"] == 5 and not row["is_delete"]:
            self.ship(row, at, None, None)

    def _intercept_next(self, at: float) -> None:
        number = min(self._interceptions, key=lambda name: self._interceptions[name])
        del self._interceptions[number]
        row = self.book.orders[number]
        # Goods that left in the meantime can't be called back.
        if row["status"] in OPEN_STATUSES and not row["is_delete"]:
            self.cancel(row, at)


def _units(row: Row) -> dict[str, int]:
    units: dict[str, int] = {}
    for line in row["item_info"]:
        if line["local_sku"]:
            units[line["local_sku"]] = units.get(line["local_sku"], 0) + line["quantity"]
    return units


def _sent_units(packages: Sequence[Row]) -> dict[str, int]:
    units: dict[str, int] = {}
    for product in (product for out in packages for product in out["product_info"]):
        if product["bundle_type"] != 2:
            units[product["sku"]] = units.get(product["sku"], 0) + product["count"]
    return units


def _moment(value: float | str) -> str:
    return value if isinstance(value, str) else moment_text(value)
