"""A small signed caller for tests of the LingXing stand-in; it signs by hand, not with the stand-in's own code."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from integrations.sandbox.http import Answer, Clock, Request, Violations
from integrations.sandbox.lingxing import LingXingStandIn
from integrations.sandbox.options import SandboxOptions

STORE = "110000000000000001"
PATHS = {
    "create": "/pb/mp/order/v2/create",
    "list": "/pb/mp/order/v2/list",
    "cancel": "/pb/mp/order/v2/cancelOrder",
    "update": "/pb/mp/order/v2/updateOrder",
    "remark": "/pb/mp/order/setRemark",
    "edit": "/pb/mp/order/editOrder",
    "split": "/pb/mp/order/v2/splitOrder",
    "wms": "/erp/sc/routing/wms/order/wmsOrderList",
    "intercept": "/basicOpen/wmsOrder/cancel",
    "inventory": "/erp/sc/routing/data/local_inventory/inventoryDetails",
    "warehouses": "/erp/sc/data/local_inventory/warehouse",
    "stores": "/pb/mp/shop/v2/getSellerList",
    "pairs": "/pb/mp/listing/v2/getPairList",
    "logistics": "/erp/sc/routing/wms/WmsLogistics/listUsedLogisticsType",
}


class FixedClock(Clock):
    """A clock that only moves when told to."""

    def now(self) -> float:
        return 1_780_000_000 + self._ahead


def text(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def sign(parameters: dict[str, Any], app_id: str) -> str:
    plain = "&".join(f"{name}={text(parameters[name])}" for name in sorted(parameters) if parameters[name] != "")
    digest = hashlib.md5(plain.encode()).hexdigest().upper().encode()
    encryptor = Cipher(algorithms.AES(app_id.encode()), modes.ECB()).encryptor()
    return base64.b64encode(encryptor.update(digest + bytes([16]) * 16)).decode()


class Caller:
    """A stand-in with one store, two warehouses, products and logistics methods, and a client with a token."""

    def __init__(self, **options: Any) -> None:
        self.clock = FixedClock()
        self.violations = Violations()
        self.options = SandboxOptions(**options)
        self.lingxing = LingXingStandIn(self.options, self.clock, random.Random(1), self.violations)
        self.lingxing.add_store(STORE)
        self.lingxing.add_warehouse("50")
        self.lingxing.add_warehouse("51", 3)
        self.lingxing.add_logistics_type("825")
        self.lingxing.add_logistics_type("203450729659600896", provider_type=2, wid="51")
        self.lingxing.add_product("LX-A", {"50": 40}, msku="SKU-A")
        self.lingxing.add_product("LX-A-RED", {"50": 7})
        self.lingxing.add_product("LX-B", {"50": 20, "51": 15}, msku="SKU-B")
        self.lingxing.add_product("LX-SET", components={"LX-A": 1, "LX-B": 2})
        self.token = ""
        self.refresh = ""

    def form(self, path: str, **fields: str) -> dict[str, Any]:
        body = "".join(
            f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
        )
        headers = {"content-type": "multipart/form-data; boundary=x"}
        return self.send(Request("POST", path, {}, headers, f"{body}--x--\r\n".encode()))

    def fetch_token(self) -> dict[str, Any]:
        app = self.lingxing
        found = self.form("/api/auth-server/oauth/access-token", appId=app.app_id, appSecret=app.app_secret)
        self.token, self.refresh = found["data"]["access_token"], found["data"]["refresh_token"]
        return found

    def send(self, request: Request) -> dict[str, Any]:
        return json.loads(self.lingxing.answer(request).encoded())

    def request(self, path: str, body: dict[str, Any], **changes: Any) -> Request:
        if not self.token:
            self.fetch_token()
        common = {
            "access_token": self.token,
            "app_key": self.lingxing.app_id,
            "timestamp": str(int(self.clock.now())),
        } | changes
        query = {**common, "sign": sign({**body, **common}, self.lingxing.app_id)}
        return Request(
            "POST",
            PATHS.get(path, path),
            {name: [value] for name, value in query.items()},
            {"content-type": "application/json"},
            text(body).encode(),
        )

    def call(self, path: str, **body: Any) -> dict[str, Any]:
        return self.send(self.request(path, body))

    def raw(self, path: str, **body: Any) -> Answer:
        return self.lingxing.answer(self.request(path, body))

    def create(self, *numbers: str, **changes: Any) -> dict[str, Any]:
        orders = [new_order(number, **changes) for number in numbers]
        return self.call("create", platform_code=10009, store_id=STORE, orders=orders)

    def listed(self, *numbers: str, **body: Any) -> list[dict[str, Any]]:
        data = self.call("list", offset=0, length=20, platform_order_nos=list(numbers), **body)["data"]
        return data["list"] if data else []

    def outbound(self, *numbers: str, **body: Any) -> list[dict[str, Any]]:
        return self.call("wms", platform_order_no_arr=list(numbers), **body)["data"]


def new_order(number: str, **changes: Any) -> dict[str, Any]:
    order = {
        "platform_order_no": number,
        "receiver_name": "Ada Example",
        "receiver_country_code": "US",
        "city": "Exampleville",
        "address_line1": "1 Nowhere Rd",
        "state_or_region": "CA",
        "postal_code": "01234",
        "receiver_mobile": "555-0100",
        "wid": "50",
        "logistics_type_id": "825",
        "items": [
            {"sku": "LX-A", "quantity": 3, "unit_price": "12.50"},
            {"sku": "LX-B", "quantity": 2, "unit_price": "8.00"},
        ],
    }
    merged = {**order, **changes}
    return {name: value for name, value in merged.items() if value is not None}
