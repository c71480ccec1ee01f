"""The LingXing stand-in: the vendor's API for clients, and direct methods for tests, the demo and the control API."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..http import Answer, Clock, Effect, Effects, Request, Violations
from ..options import SandboxOptions
from . import entrance
from .answers import Envelopes, LooseTypes
from .book import Book
from .catalogue import Catalogue
from .floor import Floor
from .order_service import OrderService
from .staff import Staff
from .token_service import TokenService
from .warehouse_service import WarehouseService

LISTS_OF_ITEMS = ("orders", "order_list", "orderNumbers")


class LingXingStandIn(Staff):
    """LingXing ERP as far as OrderBridge uses it, stricter than the vendor.

    Calls that break the contract are refused and noted in the sandbox's violations. The moves of LingXing's users and
    warehouses are the methods of Staff. Further rules can be switched on the object: `allow_duplicates`,
    `drop_optional_fields`, `old_token_lives_seconds`, `outbound_delay_seconds`.
    """

    name = "lingxing"
    app_id = "ak_SandboxApp001"
    app_secret = "sandbox/Secret+with=signs&more%20"  # noqa: S105  invented, and awkward on purpose

    def __init__(
        self,
        options: SandboxOptions,
        clock: Clock,
        randomness: random.Random,
        violations: Violations,
    ) -> None:
        self.outbound_delay_seconds = 0.0
        loose = LooseTypes(randomness, options)
        envelopes = Envelopes(loose, randomness)
        book_of_effects = Effects()
        floor = Floor(Book(), Catalogue(), lambda: self.outbound_delay_seconds)

        def page_size(wanted: int) -> int:
            return min(wanted, options.most_rows_per_page or wanted)

        orders = OrderService(floor, envelopes, loose, book_of_effects, violations.add, page_size=page_size)
        warehouse = WarehouseService(floor, envelopes, loose, book_of_effects, violations.add, page_size=page_size)
        super().__init__(clock, options, floor, orders)
        self._effects = book_of_effects
        self._warehouse_service = warehouse
        self._token_service = TokenService(
            self.app_id, self.app_secret, randomness, violations.add, lambda: options.lingxing_token_seconds
        )
        self._handlers: dict[str, Callable[[dict[str, Any], float], Answer]] = {
            "create_orders": orders.create_orders,
            "cancel_orders": orders.cancel_orders,
            "update_order": orders.update_order,
            "set_remark": orders.set_remark,
            "edit_order": orders.edit_order,
            "split_order": orders.split_order,
            "intercept_outbound": warehouse.intercept_outbound,
            "inventory_details": warehouse.inventory_details,
            "warehouses": warehouse.warehouses,
            "stores": warehouse.stores,
            "pairs": warehouse.pairs,
            "logistics_types": warehouse.logistics_types,
        }
        self._gateway = entrance.Gateway(self.app_id, self._token_service.tokens, violations.add, envelopes.invalid)

    # What the server asks.

    def operation(self, request: Request) -> str:
        """The operation's name, "unknown" for an unknown path."""
        return entrance.operation(request)

    def capacity(self, request: Request) -> int:
        """How many calls of this path may be in flight at once (100, 10 or 1)."""
        return entrance.capacity(request)

    def answer(self, request: Request) -> Answer:
        """Carries out one call. Thread-safe."""
        with self._lock:
            now = self.clock.now()
            self.tick()
            try:
                return self._answered(request, now)
            except entrance.Refused as refused:
                return refused.answer

    def _answered(self, request: Request, now: float) -> Answer:
        name = self.operation(request)
        if name in entrance.TOKEN_OPERATIONS:
            self._gateway.check_path(request, now)
            return self._token_service.answer(name, request, now)
        body = self._gateway.admit(request, now)
        if request.first_half_only:
            body = {key: _first_half(value) if key in LISTS_OF_ITEMS else value for key, value in body.items()}
        known_until = now - self.options.visibility_delay_seconds
        if name == "list_orders":
            return self._order_service.list_orders(body, now, known_until)
        if name == "outbound_orders":
            return self._warehouse_service.outbound_orders(body, now, known_until)
        return self._handlers[name](body, now)

    # Tokens.

    @property
    def old_token_lives_seconds(self) -> float:
        """How long a replaced access token still works (0: not at all)."""
        return self._token_service.old_token_lives

    @old_token_lives_seconds.setter
    def old_token_lives_seconds(self, seconds: float) -> None:
        self._token_service.old_token_lives = seconds

    def steal_token(self) -> None:
        """Another program fetches a token with our AppID: ours is refused with 2001005 from now on."""
        with self._lock:
            self._token_service.issue(self.clock.now())

    def expire_token(self) -> None:
        """The current access token is over (2001003)."""
        with self._lock:
            self._token_service.tokens.expire_access()

    def expire_refresh_token(self) -> None:
        """The current refresh token is over (2001008)."""
        with self._lock:
            self._token_service.tokens.expire_refresh()

    # What clients brought about.

    @property
    def effects(self) -> list[Effect]:
        """Everything that clients brought about, oldest first: erp_order, erp_cancellation, interception."""
        return self._effects.entries

    def effect_count(self, kind: str, platform_order_no: str) -> int:
        """How often this kind of effect happened to this platform order number."""
        return self._effects.count(kind, platform_order_no)

    def duplicates(self) -> list[str]:
        """Platform order numbers that were created more than once in one store."""
        counts: dict[tuple[str, str], int] = {}
        for effect in self._effects.of("erp_order"):
            place = (effect.detail["store_id"], effect.key)
            counts[place] = counts.get(place, 0) + 1
        return sorted({number for (_, number), times in counts.items() if times > 1})

    def state(self) -> dict[str, Any]:
        """Counts for the control API."""
        with self._lock:
            statuses: dict[str, int] = {}
            for row in self.orders.values():
                name = "deleted" if row["is_delete"] else str(row["status"])
                statuses[name] = statuses.get(name, 0) + 1
            return {
                "orders": len(self.orders),
                "orders_by_status": statuses,
                "outbound_orders": len(self.outbound),
                "products": len(self._catalogue.products),
                "duplicates": self.duplicates(),
            }

    def move(self, name: str, arguments: Mapping[str, Any]) -> object:
        """Carries out a move of MOVES by name, with JSON arguments. ValueError for an unknown one."""
        if name not in MOVES:
            raise ValueError(f"LingXing has no move {name}; it has {', '.join(sorted(MOVES))}")
        method: Callable[..., object] = getattr(self, name)
        return method(**arguments)


MOVES = frozenset(
    {
        "add_store",
        "add_warehouse",
        "add_product",
        "add_logistics_type",
        "pair",
        "set_stock",
        "audit",
        "ship",
        "label_only",
        "split",
        "merge",
        "cancel",
        "resend",
        "set_status",
        "delete",
        "delete_outbound",
        "refuse_order",
        "create_by_hand",
        "edit_tracking",
        "edit_quantity",
        "vanish",
        "steal_token",
        "expire_token",
        "expire_refresh_token",
    }
)


def _first_half(items: Sequence[object]) -> list[object]:
    return list(items[: max(1, len(items) // 2)])
