"""A plain DSCO caller for tests of the sandbox: requests and nothing of ours."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import requests

from integrations.sandbox.sandbox import Sandbox


class DscoCaller:
    """Sends what it is told, with a valid token and the headers that DSCO wants."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.session = requests.Session()
        self.session.trust_env = False
        form = {
            "grant_type": "client_credentials",
            "client_id": sandbox.dsco.client_id,
            "client_secret": sandbox.dsco.client_secret,
        }
        answer = self.session.post(f"{sandbox.dsco_url}/oauth2/token", data=form, timeout=10)
        self.session.headers.update(
            {
                "Authorization": f"bearer {answer.json()['access_token']}",
                "Accept": "application/json",
                "Content-Type": "application/json",
            }
        )

    def get(self, path: str, **params: Any) -> requests.Response:
        return self.session.get(self.sandbox.dsco_url + path, params=params, timeout=10)

    def post(self, path: str, body: Any, timeout: float = 10) -> requests.Response:
        return self.session.post(self.sandbox.dsco_url + path, json=body, timeout=timeout)

    def page(self, **params: Any) -> requests.Response:
        """An order page of everything that is at least 10 seconds old."""
        return self.get("/order/page", **{"ordersUpdatedSince": self.time(-86400), "until": self.time(-10), **params})

    def time(self, seconds: float = 0) -> str:
        """Sandbox time, shifted by seconds, in ISO 8601."""
        return datetime.fromtimestamp(self.sandbox.clock.now() + seconds, UTC).isoformat()

    def acknowledge(self, order: dict[str, Any]) -> str:
        """Acknowledge and return the requestId."""
        body = [{"id": order["dscoOrderId"], "type": "DSCO_ORDER_ID", "supplierOrderNumber": "SO-1"}]
        return self.post("/order/acknowledge", body).json()["requestId"]

    def log(self, request_id: str) -> dict[str, Any]:
        return self.get("/order/log", requestId=request_id).json()

    def settle(self) -> None:
        """Let asynchronous requests and delayed reads happen."""
        self.sandbox.clock.advance(
            self.sandbox.options.async_seconds + self.sandbox.options.visibility_delay_seconds + 1
        )
        self.sandbox.dsco.tick()

    def ready_to_ship(self, **fields: Any) -> dict[str, Any]:
        """An order that was acknowledged."""
        order = self.sandbox.dsco.add_order(**fields)
        self.acknowledge(order)
        self.settle()
        return order

    def shipped(self, **fields: Any) -> dict[str, Any]:
        """An order that was acknowledged and shipped in full."""
        order = self.ready_to_ship(**fields)
        assert self.post("/order/singleShipment", self.shipment(order)).status_code == 201
        self.settle()
        return order

    def shipment(self, order: dict[str, Any], tracking: str = "TRK-1", **fields: Any) -> dict[str, Any]:
        """A correct shipment of the whole order in one package."""
        lines = [
            {"sku": line["sku"], "lineNumber": line["lineNumber"], "quantity": line["quantity"]}
            for line in order["lineItems"]
        ]
        package = {
            "trackingNumber": tracking,
            "shipDate": self.time(-60),
            "shipCarrier": "FedEx",
            "shipMethod": "Home Delivery",
            "lineItems": lines,
        }
        return {"dscoOrderId": order["dscoOrderId"], "shipments": [package | fields]}

    def invoice(self, order: dict[str, Any], number: str = "INV-1", **fields: Any) -> dict[str, Any]:
        """A correct invoice for the whole order."""
        lines = [
            {
                "sku": line["sku"],
                "lineNumber": line["lineNumber"],
                "quantity": line["quantity"],
                "unitPrice": line["expectedCost"],
            }
            for line in order["lineItems"]
        ]
        total = round(sum(line["quantity"] * line["unitPrice"] for line in lines), 2)
        body = {"invoiceId": number, "dscoOrderId": order["dscoOrderId"], "totalAmount": total, "lineItems": lines}
        return body | fields
