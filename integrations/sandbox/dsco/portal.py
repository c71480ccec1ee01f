"""What the supplier's own people do by hand in DSCO's portal: the same effects, but nobody's call."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from .answers import Json, when
from .asynchronous import ChangeLog
from .fulfilment import take_shipments
from .inventory import put_stock
from .invoices import CENT, take_invoice
from .state import BACKDATE_SECONDS, DscoState

LINE_NAMES = ("lineNumber", "dscoItemId", "sku")


class Portal(DscoState):
    """The portal's buttons. What is done here stands in the change logs, never in the book of clients' effects."""

    _invoice_log: ChangeLog
    _inventory_log: ChangeLog

    def ship_in_portal(
        self, dsco_order_id: str, tracking: str = "PORTAL0001", quantities: Mapping[str, int] | None = None
    ) -> Json:
        """Report one package: everything that is open, or these units by SKU."""
        with self.lock:
            self.acknowledge_in_portal(dsco_order_id)
            order = self.orders[dsco_order_id]
            lines = [
                {name: line.get(name) for name in LINE_NAMES} | {"quantity": units}
                for line in order["lineItems"]
                if (units := line["remainingQuantity"] if quantities is None else quantities.get(line["sku"], 0))
            ]
            shipment = {
                "trackingNumber": tracking, "shipCarrier": "UPS", "shipMethod": "Ground",
                "shipDate": when(self.clock.now() - BACKDATE_SECONDS), "lineItems": lines,
            }  # fmt: skip
            take_shipments(self, {"dscoOrderId": dsco_order_id, "shipments": [shipment]})
            return self.orders[dsco_order_id]

    def acknowledge_in_portal(self, dsco_order_id: str) -> Json:
        """Accept the order."""

        def take(order: Json) -> None:
            for part in (order, *order["lineItems"]):
                if part["dscoLifecycle"] in ("received", "created"):
                    part["dscoLifecycle"] = "acknowledged"
            if order["dscoStatus"] == "created":
                order["dscoStatus"] = "shipment_pending"

        return self.rewrite(dsco_order_id, take)

    def remove_shipment(self, dsco_order_id: str, tracking: str) -> Json:
        """DSCO support takes a package away again (activity ``remove_shipment``)."""

        def take_away(order: Json) -> None:
            kept = [one for one in order["packages"] or [] if one["trackingNumber"] != tracking]
            for package in order["packages"] or []:
                if package["trackingNumber"] == tracking:
                    for item in package["items"]:
                        line = next(one for one in order["lineItems"] if one["dscoItemId"] == item["dscoItemId"])
                        line["shippedQuantity"] -= item["quantity"]
                        line["remainingQuantity"] += item["quantity"]
            order["packages"] = kept
            order["dscoStatus"], order["dscoLifecycle"] = "shipment_pending", "acknowledged"

        return self.rewrite(dsco_order_id, take_away)

    def invoice_in_portal(self, dsco_order_id: str, invoice_id: str = "BY-HAND-1") -> Json:
        """Make an invoice over everything that is shipped, at cost."""
        with self.lock:
            order = self.orders[dsco_order_id]
            lines: list[dict[str, Any]] = []
            for line in order["lineItems"]:
                units = line.get("shippedQuantity") or 0
                if units:
                    price = Decimal(str(line["expectedCost"])).quantize(CENT)
                    lines.append(
                        {name: line.get(name) for name in LINE_NAMES} | {"quantity": units, "unitPrice": price}
                    )
            total = sum(line["unitPrice"] * line["quantity"] for line in lines)
            body = {
                "invoiceId": invoice_id, "dscoOrderId": dsco_order_id, "totalAmount": total, "lineItems": lines,
            }  # fmt: skip
            invoice = take_invoice(self, body)
            self._invoice_log.note("portal", invoice, method="portal")
            return invoice

    def change_invoice(self, invoice_id: str, total: float) -> Json:
        """Correct an invoice's total."""
        with self.lock:
            invoice = {**self.invoices[invoice_id], "totalAmount": total}
            self.invoices[invoice_id] = invoice
            self._invoice_log.note("portal", invoice, method="portal")
            return invoice

    def set_stock_in_portal(self, sku: str, warehouses: Mapping[str, int]) -> Json:
        """Type an item's quantities."""
        with self.lock:
            stock = [{"code": code, "quantity": units} for code, units in warehouses.items()]
            body = {
                "sku": sku, "status": "in-stock" if sum(warehouses.values()) else "out-of-stock", "warehouses": stock,
            }  # fmt: skip
            put_stock(self, body)
            self._inventory_log.note("portal", body, method="portal")
            return self.items[sku]

    def lose_order(self, dsco_order_id: str) -> None:
        """The order is gone at DSCO: no read shows it any more."""
        with self.lock:
            del self.orders[dsco_order_id]
            self._visible.pop(dsco_order_id, None)
            self._due = [entry for entry in self._due if entry[2].order["dscoOrderId"] != dsco_order_id]
