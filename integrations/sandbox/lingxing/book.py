"""Orders and outbound orders with their history, so that lists can lag behind and still answer fast.

Rows are replaced, never changed in place, so a history costs references and no copies.
"""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]
KEPT_VERSIONS = 20


class Versions:
    """All rows of one kind by key, with the versions that a slow reader may still see."""

    def __init__(self) -> None:
        self.current: dict[str, Row] = {}
        self._history: dict[str, list[tuple[float, Row]]] = {}

    def put(self, key: str, row: Row, seen_from: float) -> Row:
        """Stores a row; readers without delay see it from the epoch second `seen_from` on."""
        self.current[key] = row
        history = self._history.setdefault(key, [])
        history.append((seen_from, row))
        del history[:-KEPT_VERSIONS]
        return row

    def drop(self, key: str) -> None:
        """Forgets a row and its history."""
        del self.current[key]
        del self._history[key]

    def visible(self, key: str, until: float) -> Row | None:
        """The newest version that a reader whose knowledge ends at `until` sees, None before the first."""
        return next((row for since, row in reversed(self._history[key]) if since <= until), None)


class Book:
    """The order book: orders by global_order_no, outbound orders by wo_number, and the indexes between them."""

    def __init__(self) -> None:
        self._orders = Versions()
        self._outbound = Versions()
        self._orders_of_platform: dict[str, dict[str, None]] = {}
        self._outbound_of_platform: dict[str, dict[str, None]] = {}
        self._outbound_of_order: dict[str, dict[str, None]] = {}

    @property
    def orders(self) -> dict[str, Row]:
        """Current orders by global_order_no."""
        return self._orders.current

    @property
    def outbound(self) -> dict[str, Row]:
        """Current outbound orders by wo_number."""
        return self._outbound.current

    def put_order(self, row: Row, at: float) -> Row:
        """Stores a new or changed order as of epoch second `at`."""
        number = row["global_order_no"]
        for info in row["platform_info"]:
            self._orders_of_platform.setdefault(info["platform_order_no"], {})[number] = None
        return self._orders.put(number, {**row, "update_time": int(at)}, at)

    def put_outbound(self, row: Row, seen_from: float) -> Row:
        """Stores a new or changed outbound order."""
        number = row["wo_number"]
        for platform_number in row["platform_order_no"]:
            self._outbound_of_platform.setdefault(platform_number, {})[number] = None
        self._outbound_of_order.setdefault(row["order_number"], {})[number] = None
        return self._outbound.put(number, row, seen_from)

    def orders_of(self, platform_number: str) -> list[Row]:
        """Current orders with this platform order number, oldest first."""
        return [self.orders[number] for number in self._orders_of_platform.get(platform_number, {})]

    def outbound_of(self, order_number: str) -> list[Row]:
        """Current outbound orders of a system order, oldest first."""
        return [self.outbound[number] for number in self._outbound_of_order.get(order_number, {})]

    def forget(self, platform_number: str) -> None:
        """No read knows the orders of this number any more."""
        for number in self._orders_of_platform.pop(platform_number, {}):
            self._orders.drop(number)

    def visible_orders(self, until: float, platform_numbers: list[str] | None) -> list[Row]:
        """Orders as a reader whose knowledge ends at `until` sees them, newest first."""
        if platform_numbers is None:
            keys = list(self.orders)
        else:
            keys = list(
                dict.fromkeys(key for name in platform_numbers for key in self._orders_of_platform.get(name, {}))
            )
        rows = (self._orders.visible(key, until) for key in reversed(keys))
        return [row for row in rows if row is not None]

    def visible_outbound(
        self, until: float, platform_numbers: list[str] | None, order_numbers: list[str] | None
    ) -> list[Row]:
        """Outbound orders as a reader whose knowledge ends at `until` sees them, newest first."""
        found = [
            {key for name in wanted for key in index.get(name, {})}
            for wanted, index in (
                (platform_numbers, self._outbound_of_platform),
                (order_numbers, self._outbound_of_order),
            )
            if wanted is not None
        ]
        # Numbers grow with age, so sorting the few found keys gives the order of creation.
        keys = sorted(set.intersection(*found)) if found else list(self.outbound)
        rows = (self._outbound.visible(key, until) for key in reversed(keys))
        return [row for row in rows if row is not None]
