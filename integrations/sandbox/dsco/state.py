"""The account's state: orders with what is already visible of them, catalogue, warehouses, invoices and the book of
effects.
"""

from __future__ import annotations

import copy
import heapq
import random
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..http import Clock, Effect, Effects, Violations
from ..options import SandboxOptions
from . import invented
from .answers import Json, Refused, when

BACKDATE_SECONDS = 60.0


@dataclass
class Refusal:
    """A refusal that a test or the demo asked for. ``times`` 0 = until it is taken back."""

    code: str
    text: str
    times: int


@dataclass
class Version:
    """An order as reads show it, with its times as numbers."""

    order: Json
    created_at: float
    updated_at: float


class DscoState:
    """Everything the account holds, and the methods by which tests and the demo play the retailers' part.

    Orders are replaced, never changed in place: what a page has shown stays what it was. With a visibility delay,
    reads follow writes only after a while. Use the methods to change something; ``orders`` is for looking.
    """

    def __init__(
        self, options: SandboxOptions, clock: Clock, randomness: random.Random, violations: Violations
    ) -> None:
        self.options = options
        self.clock = clock
        self.randomness = randomness
        self.violations = violations
        self.lock = threading.RLock()
        self.client_id = "sandbox-supplier"
        self.client_secret = f"sandbox-{options.seed}-client-secret"
        self.tokens: dict[str, float] = {}
        self.orders: dict[str, Json] = {}
        self.items: dict[str, Json] = {}
        self.warehouses: dict[str, Json] = {}
        self.invoices: dict[str, Json] = {}
        self.invoices_visible_at: dict[str, float] = {}
        self.book = Effects()
        self.refusals: dict[tuple[str, str], Refusal] = {}
        self._visible: dict[str, Version] = {}
        self._due: list[tuple[float, int, Version]] = []
        self._latest: dict[str, float] = {}
        self._numbers = 0
        self._writes = 0

    # The book of effects

    @property
    def effects(self) -> list[Effect]:
        """Everything that clients made happen, oldest first."""
        return self.book.entries

    def effect_count(self, kind: str, key: str) -> int:
        """How often ``kind`` (acknowledgement, shipment, invoice, inventory, cancellation) was applied to ``key``."""
        return self.book.count(kind, key)

    def duplicates(self) -> list[str]:
        """Effects that happened more than once: acknowledgement of an order, shipment under one tracking number,
        invoice number.
        """
        counts: dict[tuple[str, ...], int] = {}
        for effect in list(self.book.entries):
            if effect.kind in ("acknowledgement", "shipment", "invoice"):
                what = (
                    effect.kind,
                    effect.key,
                    str(effect.detail.get("trackingNumber") or effect.detail.get("invoiceId") or ""),
                )
                counts[what] = counts.get(what, 0) + 1
        return [f"{' '.join(what).strip()}: {count} times" for what, count in counts.items() if count > 1]

    # What tests and the demo do

    def add_order(self, **fields: Any) -> Json:
        """Let a retailer place an order, and return it.

        ``po_number``, ``retailer``, ``warehouse``, ``service_level``, ``lifecycle``, ``status``, ``test``; ``lines``:
        a number, or a list of dicts with ``sku``, ``quantity`` and any other member of a line; ``age_seconds``: how
        long ago it came (60); every other name is a member of the order in DSCO's spelling. Unknown SKUs and
        warehouses are added to the account.
        """
        with self.lock:
            self._numbers += 1
            order_id = str(fields.pop("dsco_order_id", None) or 9100000000 + self._numbers)
            at = self.clock.now() - float(fields.pop("age_seconds", BACKDATE_SECONDS))
            wanted = {
                "po_number": fields.pop("po_number", None) or f"PO-{7000000 + self._numbers}",
                "retailer": str(fields.pop("retailer", invented.DEFAULT_RETAILER)),
                "warehouse": fields.pop("warehouse", invented.DEFAULT_WAREHOUSE),
                "service_level": fields.pop("service_level", invented.DEFAULT_SERVICE_LEVEL),
                "lifecycle": fields.pop("lifecycle", "created"),
                "status": fields.pop("status", "created"),
                "test": fields.pop("test", False),
            }
            if wanted["warehouse"]:
                self.add_warehouse(wanted["warehouse"])
            lines = self._lines(fields.pop("lines", None), at, wanted["lifecycle"])
            order = invented.order(self.randomness, order_id, lines, at, wanted) | fields
            if self.options.extra_attributes and self.randomness.random() < 0.25:
                order["newAttribute"] = {"introduced": "yesterday"}
            if self.options.order_bytes:
                order["retailerAttributes"] = invented.many_attributes(self.options.order_bytes)
            self._store(order, at, delay=0)
            return order

    def add_orders(self, count: int, **fields: Any) -> list[Json]:
        """Let retailers place ``count`` orders."""
        return [self.add_order(**copy.deepcopy(fields)) for _ in range(count)]

    def change_order(self, dsco_order_id: str, **changes: Any) -> Json:
        """Change members of an order as retailer or DSCO would; ``dscoLastUpdate`` moves."""
        return self.rewrite(dsco_order_id, lambda order: order.update(changes), backdate=BACKDATE_SECONDS)

    def request_cancel(self, dsco_order_id: str, code: str = "CXRR") -> Json:
        """The retailer asks to cancel the whole order."""

        def ask(order: Json) -> None:
            for part in (order, *order["lineItems"]):
                part |= {"cancelRequested": True, "cancelRequestedCode": code}

        return self.rewrite(dsco_order_id, ask, backdate=BACKDATE_SECONDS)

    def cancel_by_retailer(self, dsco_order_id: str) -> Json:
        """The retailer cancels everything that is still open."""

        def cancel(order: Json) -> None:
            for line in order["lineItems"]:
                line["cancelledQuantity"] += line["remainingQuantity"]
                line |= {"remainingQuantity": 0, "status": "cancelled", "cancelCode": "CXRR"}

        return self.rewrite(dsco_order_id, cancel, backdate=BACKDATE_SECONDS)

    def add_item(self, sku: str, **fields: Any) -> Json:
        """Put an item into the catalogue (once); ``warehouses`` is a list of codes, ``cost`` a number, the rest as
        DSCO spells it.
        """
        with self.lock:
            if sku not in self.items:
                title, cost = invented.PRODUCTS.get(sku, (f"Item {sku}", round(self.randomness.uniform(8, 60), 2)))
                number = 700000001 + len(self.items)
                self.items[sku] = {
                    "sku": sku,
                    "dscoItemId": str(number),
                    "partnerSku": f"R-{number % 100000}",
                    "upc": f"0{number}00",
                    "title": title,
                    "cost": cost,
                    "status": "out-of-stock",
                    "quantityAvailable": 0,
                    "warehouses": [],
                }
            item = self.items[sku]
            codes = fields.pop("warehouses", None) or []
            item.update(fields)
            for code in codes:
                self.add_warehouse(code)
                self._stock_in(item, code)
            return item

    def add_warehouse(self, code: str, **fields: Any) -> Json:
        """Add one of the supplier's warehouses (once); every item of the catalogue is kept in every warehouse."""
        with self.lock:
            if code not in self.warehouses:
                number = 5550001 + len(self.warehouses)
                warehouse = {
                    "warehouseId": str(number),
                    "code": code,
                    "supplierId": invented.SUPPLIER_ID,
                    "status": "active",
                }
                self.warehouses[code] = warehouse | {"name": f"Warehouse {code}", "retailerCode": f"R-{code}"}
                for item in self.items.values():
                    self._stock_in(item, code)
            self.warehouses[code].update(fields)
            return self.warehouses[code]

    def refuse_acknowledgement(
        self, dsco_order_id: str, code: str = "ack-refused", text: str = "", times: int = 0
    ) -> None:
        """Acknowledgements of the order fail later, in the change log."""
        self._refuse("acknowledgement", dsco_order_id, code, text or "The order cannot be acknowledged", times)

    def refuse_shipment(self, dsco_order_id: str, code: str = "ship-refused", text: str = "", times: int = 0) -> None:
        """Shipments of the order are refused."""
        self._refuse("shipment", dsco_order_id, code, text or "The shipment was refused by the retailer", times)

    def refuse_invoice(self, dsco_order_id: str, code: str = "invoice-refused", text: str = "", times: int = 0) -> None:
        """Invoices for the order are refused."""
        self._refuse("invoice", dsco_order_id, code, text or "The invoice was refused by the retailer", times)

    def refuse_cancellation(
        self, dsco_order_id: str, code: str = "cancel-refused", text: str = "", times: int = 0
    ) -> None:
        """Cancellations of the order's items are refused."""
        self._refuse("cancellation", dsco_order_id, code, text or "The items cannot be cancelled", times)

    def stop_refusing(self, dsco_order_id: str) -> None:
        """Take every refusal for the order back."""
        with self.lock:
            self.refusals = {what: refusal for what, refusal in self.refusals.items() if what[1] != dsco_order_id}

    def expire_tokens(self) -> None:
        """Every access token is refused from now on."""
        with self.lock:
            self.tokens.clear()

    # What the operations use

    def rewrite(self, dsco_order_id: str, change: Callable[[Json], object], backdate: float = 0) -> Json:
        """Replace an order by a changed copy; its summary members follow its lines. Reads see it after the visibility
        delay.

        ``backdate``: changes that come from outside are that many seconds old when they arrive, so that a client
        whose search window ends a few seconds in the past sees them at once; the time never goes back before the last
        one.
        """
        with self.lock:
            order = copy.deepcopy(self.orders[dsco_order_id])
            change(order)
            summarize(order)
            at = max(self.clock.now() - backdate, self._latest[dsco_order_id] + 0.001)
            self._store(order, at, self.options.visibility_delay_seconds)
            return order

    def refuse_if_asked(self, kind: str, dsco_order_id: str) -> None:
        """Raise the refusal that a test asked for, if any."""
        with self.lock:
            refusal = self.refusals.get((kind, dsco_order_id))
            if refusal is None:
                return
            if refusal.times:
                refusal.times -= 1
                if not refusal.times:
                    del self.refusals[kind, dsco_order_id]
        raise Refused(400, refusal.code, refusal.text)

    def visible(self, dsco_order_id: str) -> Version | None:
        """The order as reads show it now."""
        with self.lock:
            self._publish()
            return self._visible.get(dsco_order_id)

    def visible_versions(self) -> list[Version]:
        """All orders as reads show them now."""
        with self.lock:
            self._publish()
            return list(self._visible.values())

    def new_id(self) -> str:
        """A random UUID from the sandbox's seeded random numbers."""
        with self.lock:
            return str(uuid.UUID(int=self.randomness.getrandbits(128), version=4))

    def _lines(self, wanted: int | Sequence[Mapping[str, Any]] | None, at: float, lifecycle: str) -> list[Json]:
        if wanted is None or isinstance(wanted, int):
            known = list(self.items) or list(invented.PRODUCTS)
            wanted = [{"sku": sku} for sku in self.randomness.sample(known, min(wanted or 1, len(known)))]
        lines = []
        for index, one in enumerate(wanted):
            item = self.add_item(one["sku"], warehouses=[*self.warehouses])
            lines.append(invented.line(self.randomness, index + 1, item, {"dscoLifecycle": lifecycle, **one}, at))
        return lines

    def _stock_in(self, item: Json, code: str) -> None:
        if all(stock["code"] != code for stock in item["warehouses"]):
            item["warehouses"].append({"code": code, "quantity": 0})

    def _store(self, order: Json, at: float, delay: float) -> None:
        order_id = order["dscoOrderId"]
        order["dscoLastUpdate"] = when(at)
        self.orders[order_id] = order
        self._latest[order_id] = at
        known = self._visible.get(order_id)
        self._writes += 1
        version = Version(order, known.created_at if known else at, at)
        heapq.heappush(self._due, (self.clock.now() + delay, self._writes, version))
        self._publish()

    def _publish(self) -> None:
        now = self.clock.now()
        while self._due and self._due[0][0] <= now:
            version = heapq.heappop(self._due)[2]
            order_id = version.order["dscoOrderId"]
            known = self._visible.get(order_id)
            if known is None or known.updated_at <= version.updated_at:
                self._visible[order_id] = version

    def _refuse(self, kind: str, dsco_order_id: str, code: str, text: str, times: int) -> None:
        with self.lock:
            self.refusals[kind, dsco_order_id] = Refusal(code, text, times)


def summarize(order: Json) -> None:
    """Let status and lifecycle of an order follow what happened to its lines."""
    lines = order["lineItems"]
    shipped = sum(line.get("shippedQuantity") or 0 for line in lines)
    remaining = sum(line.get("remainingQuantity") or 0 for line in lines)
    cancelled = sum(line.get("cancelledQuantity") or 0 for line in lines)
    if shipped:
        order["dscoStatus"] = "shipped"
    elif cancelled and not remaining:
        order["dscoStatus"] = "cancelled"
    if not remaining and (shipped or cancelled):
        order["dscoLifecycle"] = "completed"
    for line in lines:
        if not line.get("remainingQuantity"):
            line["dscoLifecycle"] = "completed"
