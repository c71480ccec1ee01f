"""The direct side of the stand-in, for tests, demo and control API: master data, and the moves of LingXing's users."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from ..http import Clock
from ..options import SandboxOptions
from . import rearranging
from .floor import Floor
from .order_rows import UNPAIRED_TAG, Row, with_quantity
from .order_service import OrderService


class Staff:
    """The direct side of the stand-in. Thread-safe; moves name orders by platform order number or by global_order_no.

    A move on a platform number reaches all its live orders. KeyError when there is none, ValueError when LingXing would
    not allow it. Rows are replaced when they change: look them up again after a move.
    """

    def __init__(self, clock: Clock, options: SandboxOptions, floor: Floor, order_service: OrderService) -> None:
        self.clock = clock
        self.options = options
        self._floor = floor
        self._catalogue = floor.catalogue
        self._order_service = order_service
        self._lock = threading.RLock()

    def tick(self) -> None:
        """Lets everything happen that the clock has made due: audits, shipments, interceptions."""
        with self._lock:
            self._floor.catch_up(
                self.clock.now(),
                self.options.audit_after_seconds,
                self.options.ship_after_seconds,
                self.options.async_seconds,
            )

    def _now(self) -> float:
        """The time of a move, after everything that was due before it."""
        self.tick()
        return self.clock.now()

    # Rules that can be switched.

    @property
    def allow_duplicates(self) -> bool:
        """Whether a second create of a platform number makes a second order instead of being refused."""
        return self._order_service.allow_duplicates

    @allow_duplicates.setter
    def allow_duplicates(self, allowed: bool) -> None:
        self._order_service.allow_duplicates = allowed

    @property
    def drop_optional_fields(self) -> bool:
        """Whether the permission for state, postal code, phone and the like is missing: they vanish without a word."""
        return self._order_service.drop_optional_fields

    @drop_optional_fields.setter
    def drop_optional_fields(self, dropped: bool) -> None:
        self._order_service.drop_optional_fields = dropped

    def refuse_order(self, platform_order_no: str, text: str = "示例：订单被拒绝") -> None:
        """Creates of this number are refused with this text from now on; an empty text lifts the ban."""
        with self._lock:
            self._order_service.refusals.pop(platform_order_no, None)
            if text:
                self._order_service.refusals[platform_order_no] = text

    # Master data.

    def add_store(
        self, store_id: str, sid: str = "", name: str = "", platform_code: int = 10009, currency: str = "USD"
    ) -> None:
        """Adds a store; `sid` is "" for custom platforms."""
        with self._lock:
            self._catalogue.add_store(str(store_id), str(sid), name, platform_code, currency)

    def add_warehouse(self, wid: str | int, type: int = 1, name: str = "", deleted: bool = False) -> None:
        """Adds a warehouse of type 1 (local), 3 (overseas), 4 (Amazon) or 6 (AWD)."""
        with self._lock:
            self._catalogue.add_warehouse(str(wid), type, name, deleted)

    def add_logistics_type(
        self,
        type_id: str | int,
        name: str = "",
        provider_type: int = 0,
        wid: str | int = "",
        carrier: str = "Sandbox Carrier",
    ) -> None:
        """Adds a logistics method; `provider_type` 0 API, 1 custom, 2 overseas (then with `wid`), 4 platform."""
        with self._lock:
            self._catalogue.add_logistics_type(str(type_id), name, provider_type, str(wid), carrier)

    def add_product(
        self,
        sku: str,
        available: Mapping[str, int] | None = None,
        msku: str | Sequence[str] | None = None,
        components: Mapping[str, int] | None = None,
        name: str = "",
    ) -> None:
        """Adds a product: stock (wid → units), store SKUs (paired in every store), components if it is a bundle."""
        with self._lock:
            self._catalogue.add_product(sku, name, components or {})
            for wid, units in (available or {}).items():
                self.set_stock(wid, sku, units)
            for store_sku in [msku] if isinstance(msku, str) else msku or []:
                for store_id in list(self._catalogue.stores):
                    self.pair(store_sku, sku, store_id)

    def pair(self, msku: str, sku: str, store_id: str) -> None:
        """Pairs a store SKU; orders that waited for it lose their tag and can be audited."""
        with self._lock:
            now = self._now()
            self._catalogue.pair(store_id, msku, sku, now)
            for row in list(self.orders.values()):
                if row["store_id"] == store_id and UNPAIRED_TAG in row["order_tag"]:
                    self._pair_lines(row, msku, sku, now)

    def _pair_lines(self, row: Row, msku: str, sku: str, now: float) -> None:
        lines = [
            {**line, "local_sku": sku} if line["msku"] == msku and not line["local_sku"] else line
            for line in row["item_info"]
        ]
        tags = [] if all(line["local_sku"] for line in lines) else row["order_tag"]
        changed = self._floor.change(row, now, item_info=lines, order_tag=tags)
        if changed["wid"] != "0":
            self._floor.lock(changed)
        if not tags:
            self._floor.awaiting_audit.append((now, row["global_order_no"]))

    def set_stock(
        self,
        wid: str | int,
        sku: str,
        available: int,
        seller_id: str = "0",
        bad: int = 0,
        in_inspection: int = 0,
        third_party: Mapping[str, int] | None = None,
    ) -> None:
        """Sets this seller's stock row. `third_party` are the overseas warehouse's own figures (qty_sellable …)."""
        with self._lock:
            known = self._catalogue.products.get(sku)
            product_id = known.product_id if known else 0
            overseas = str(wid) in self._catalogue.warehouses and self._catalogue.warehouses[str(wid)].type == 3
            if third_party is None and overseas:
                third_party = {"qty_sellable": available, "qty_reserved": 0}
            self._catalogue.stock.set_level(
                str(wid), sku, product_id, available, seller_id, bad, in_inspection, third_party
            )

    # What there is.

    @property
    def orders(self) -> dict[str, Row]:
        """Orders by global_order_no, in plain types (ids texts, counts and epochs numbers)."""
        return self._floor.book.orders

    @property
    def outbound(self) -> dict[str, Row]:
        """Outbound orders by wo_number, in plain types."""
        return self._floor.book.outbound

    @property
    def stock(self) -> dict[tuple[str, str], list[Row]]:
        """Stock rows by (wid, sku), in plain types."""
        return self._catalogue.stock.rows

    def by_platform(self, platform_order_no: str) -> list[Row]:
        """All orders with this platform order number, deleted ones too, oldest first."""
        with self._lock:
            self.tick()
            return self._floor.book.orders_of(platform_order_no)

    def outbound_of(self, number: str) -> list[Row]:
        """All outbound orders of these orders, deleted ones too, oldest first."""
        with self._lock:
            self.tick()
            rows = [self.orders[number]] if number in self.orders else self._floor.book.orders_of(number)
            return [out for row in rows for out in self._floor.book.outbound_of(row["global_order_no"])]

    # Moves.

    def audit(self, platform_order_no: str) -> None:
        """Status 4 → 5: an outbound order in status 1 appears."""
        with self._lock:
            now = self._now()
            for row in self._floor.find(platform_order_no):
                self._floor.audit(row, now)

    def label_only(self, platform_order_no: str, tracking: str | None = None) -> None:
        """The tracking number is there, the goods have not left: outbound status 2, order status 5."""
        with self._lock:
            now = self._now()
            for row in self._open(platform_order_no):
                self._floor.label(row, now, tracking)

    def ship(
        self, platform_order_no: str, packages: Sequence[Mapping[str, Any]] | None = None, status: int | None = None
    ) -> list[str]:
        """Ships, after an audit if need be. Returns the tracking numbers.

        One package per entry, by default one with everything. A package may carry `lines` (local SKU → units),
        `tracking` ("A,B" puts two numbers into one field), `waybill` (default: the tracking number), `status` (3),
        `delivered_at` and `stock_delivered_at` (epoch seconds, or a text as it shall appear, "" for none). The order
        reaches 6 when all its units are out, else 5; `status` says otherwise. With several open orders behind the
        number, packages belong to the first.
        """
        with self._lock:
            now = self._now()
            open_orders = self._open(platform_order_no)
            targets = open_orders if packages is None else open_orders[:1]
            before = set(self._shipped_outbound(targets))
            for row in targets:
                self._floor.ship(row, now, packages, status)
            new = [name for name in self._shipped_outbound(targets) if name not in before]
            return [self.outbound[name]["tracking_no"] or self.outbound[name]["waybill_no"] for name in new]

    def _shipped_outbound(self, rows: Sequence[Row]) -> list[str]:
        return [out["wo_number"] for row in rows for out in self._floor.live_outbound(row) if out["status"] == 3]

    def _open(self, platform_order_no: str) -> list[Row]:
        found = [row for row in self._floor.find(platform_order_no) if row["status"] in (4, 5)]
        if not found:
            raise ValueError(f"LingXing has no open order {platform_order_no}")
        return found

    def split(self, platform_order_no: str, parts: Sequence[Mapping[str, int]] | None = None) -> list[str]:
        """Splits into parts (local SKU → units; default: first line, rest). Returns their numbers, the old first."""
        with self._lock:
            now = self._now()
            row = self._open(platform_order_no)[0]
            made = rearranging.split(self._floor, row, parts, now, self._order_service.next_number)
            return [str(part["global_order_no"]) for part in made]

    def merge(self, platform_order_nos: Sequence[str]) -> str:
        """Merges open orders into a new one, whose global_order_no is returned; the originals are deleted."""
        with self._lock:
            now = self._now()
            found = [row for number in platform_order_nos for row in self._open(number)]
            rows = {row["global_order_no"]: row for row in found}
            merged = rearranging.merge(self._floor, list(rows.values()), now, self._order_service.next_number)
            return str(merged["global_order_no"])

    def resend(self, platform_order_no: str, ship: bool = False) -> str:
        """Sends the order again (at once with `ship`). Returns the new global_order_no."""
        with self._lock:
            now = self._now()
            row = self._floor.find(platform_order_no)[0]
            again = rearranging.resend(self._floor, row, now, self._order_service.next_number)
            if ship:
                self.ship(again["global_order_no"])
            return str(again["global_order_no"])

    def create_by_hand(self, platform_order_no: str, store_id: str, items: Mapping[str, int]) -> str:
        """Staff type an order (local SKU → units) under this platform number. Returns its global_order_no."""
        with self._lock:
            sent = {
                "platform_order_no": platform_order_no, "receiver_name": "Sample Person", "city": "Sampleton",
                "receiver_country_code": "US", "address_line1": "1 Sample Street",
                "items": [{"sku": sku, "quantity": units, "unit_price": "1"} for sku, units in items.items()],
            }  # fmt: skip
            return self._order_service.enter(sent, str(store_id), self._now())

    def edit_tracking(self, number: str, tracking: str) -> None:
        """Another tracking number is written on the order's outbound orders, for example after the label was redone."""
        with self._lock:
            now = self._now()
            for row in self._floor.find(number):
                for out in self._floor.live_outbound(row):
                    changed = {**out, "tracking_no": tracking, "waybill_no": tracking}
                    self._floor.book.put_outbound(changed, now)
                logistics = {**row["logistics_info"], "tracking_no": tracking, "waybill_no": tracking}
                self._floor.change(row, now, logistics_info=logistics)

    def edit_quantity(self, platform_order_no: str, sku: str, quantity: int) -> None:
        """Other units of a product (local SKU) are written on the order."""
        with self._lock:
            now = self._now()
            row = self._floor.find(platform_order_no)[0]
            lines = [with_quantity(line, quantity) if line["local_sku"] == sku else line for line in row["item_info"]]
            self._floor.change(row, now, item_info=lines)

    def vanish(self, platform_order_no: str) -> None:
        """The order is gone: not even the list with deleted orders shows it."""
        with self._lock:
            self._floor.book.forget(platform_order_no)

    def cancel(self, platform_order_no: str) -> None:
        """Staff mark what is still open of the order as not to ship: status 7."""
        with self._lock:
            now = self._now()
            for row in self._open(platform_order_no):
                self._floor.cancel(row, now)

    def set_status(self, platform_order_no: str, status: int) -> None:
        """Puts the order into any status, without anything that would go with it."""
        with self._lock:
            now = self._now()
            for row in self._floor.find(platform_order_no):
                self._floor.change(row, now, status=status)

    def delete(self, platform_order_no: str) -> None:
        """Deletes the order: only lists with include_delete still show it."""
        with self._lock:
            now = self._now()
            for row in self._floor.find(platform_order_no):
                self._floor.remove(row, now)

    def delete_outbound(self, wo_number: str) -> None:
        """Withdraws an outbound order: status 4, its tracking number stays visible."""
        with self._lock:
            now = self._now()
            self._floor.delete_outbound(self.outbound[wo_number], now)
