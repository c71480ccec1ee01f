"""LingXing's gateway: which operation a path is, and what is refused before any service sees it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from ..http import Answer, Request
from .answers import gateway_error
from .request_shapes import REQUEST_SHAPES
from .shapes import problem
from .signing import canonical_json, signature
from .tokens import Tokens

PATHS = {
    "/api/auth-server/oauth/access-token": "access_token",
    "/api/auth-server/oauth/refresh": "refresh_token",
    "/pb/mp/order/v2/create": "create_orders",
    "/pb/mp/order/v2/list": "list_orders",
    "/pb/mp/order/v2/cancelOrder": "cancel_orders",
    "/pb/mp/order/v2/updateOrder": "update_order",
    "/pb/mp/order/setRemark": "set_remark",
    "/pb/mp/order/editOrder": "edit_order",
    "/pb/mp/order/v2/splitOrder": "split_order",
    "/erp/sc/routing/wms/order/wmsOrderList": "outbound_orders",
    "/basicOpen/wmsOrder/cancel": "intercept_outbound",
    "/erp/sc/routing/data/local_inventory/inventoryDetails": "inventory_details",
    "/erp/sc/data/local_inventory/warehouse": "warehouses",
    "/pb/mp/shop/v2/getSellerList": "stores",
    "/pb/mp/listing/v2/getPairList": "pairs",
    "/erp/sc/routing/wms/WmsLogistics/listUsedLogisticsType": "logistics_types",
}
# Paths of the contract that this appId was not granted.
UNGRANTED = {
    "/erp/sc/routing/data/local_inventory/inventoryBinDetails": "bin_details",
    "/erp/sc/data/local_inventory/channelList": "first_leg_channels",
    "/basicOpen/multiplatform/shippingList/delivery": "deliver_shipping_list",
    "/basicOpen/selfShipmentOrder/deliveryGoods": "deliver_orders",
    "/erp/sc/routing/amzod/order/afterSaleList": "amazon_after_sales",
    "/pb/mp/returns/workOrder/list": "work_orders",
    "/basicOpen/customerService/rmaManage/list": "rma",
    "/pb/mp/returns/v2/list": "sales_returns",
}
ONE_AT_A_TIME = frozenset(
    {
        "outbound_orders",
        "intercept_outbound",
        "inventory_details",
        "warehouses",
        "logistics_types",
        *(set(UNGRANTED.values()) - {"work_orders", "sales_returns"}),
    }
)
TOKEN_OPERATIONS = ("access_token", "refresh_token")
SIGNED_QUERY = ("access_token", "app_key", "timestamp", "sign")
SIGNATURE_SECONDS = 120
NOT_ALLOWED_PAGE = "<html><head><title>405 Not Allowed</title></head><body><h1>405 Not Allowed</h1></body></html>"


class Refused(Exception):
    """The gateway or the service refuses the call with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


def operation(request: Request) -> str:
    """The operation's name, "unknown" for a path that LingXing does not have."""
    return PATHS.get(request.path) or UNGRANTED.get(request.path) or "unknown"


def capacity(request: Request) -> int:
    """How many calls of this path may be in flight at once."""
    name = operation(request)
    if name in TOKEN_OPERATIONS:
        return 100
    return 1 if name in ONE_AT_A_TIME else 10


@dataclass
class Gateway:
    """Checks a business call: path, query, token, signature, permission, and the body against the contract."""

    app_id: str
    tokens: Tokens
    violation: Callable[[str], None]
    invalid: Callable[[float, str], Answer]

    def admit(self, request: Request, now: float) -> dict[str, Any]:
        """The body of an acceptable call. Raises Refused otherwise."""
        self.check_path(request, now)
        body = self._read_body(request, now)
        self._check_query(request, body, now)
        name = operation(request)
        if name in UNGRANTED.values():
            raise Refused(gateway_error("2001004", now))
        found = problem(body, REQUEST_SHAPES[name], "body")
        if found:
            self.invalid_call(name, found, now)
        return body

    def check_path(self, request: Request, now: float) -> None:
        """Wrong methods and paths get what a proxy, not a service, would say."""
        if request.method != "POST" or "//" in request.path:
            self.violation(f"lingxing: {request.method} {request.path} is not allowed")
            raise Refused(Answer(status=405, body=NOT_ALLOWED_PAGE, content_type="text/html"))
        if operation(request) == "unknown":
            self.violation(f"lingxing: no such path {request.path}")
            raise Refused(gateway_error("500", now, "404 NOT_FOUND"))

    def invalid_call(self, name: str, text: str, now: float) -> NoReturn:
        """Refuses with code 102 and notes that the client broke the contract."""
        self.violation(f"lingxing {name}: {text}")
        raise Refused(self.invalid(now, f"参数不合法: {text}"))

    def _read_body(self, request: Request, now: float) -> dict[str, Any]:
        name = operation(request)
        if request.content_type != "application/json":
            self.invalid_call(name, "Content-Type must be application/json", now)
        try:
            body = json.loads(request.body.decode("utf-8"))
        except ValueError:
            body = None
        if not isinstance(body, dict):
            self.invalid_call(name, "the body is no JSON object", now)
        return body

    def _check_query(self, request: Request, body: dict[str, Any], now: float) -> None:
        name = operation(request)
        query = {key: values[0] for key, values in request.query.items() if values and values[0] != ""}
        if any(key not in query for key in SIGNED_QUERY):
            self.violation(f"lingxing {name}: a query parameter of the signature is missing")
            raise Refused(gateway_error("3001001", now))
        if query["app_key"] != self.app_id:
            raise Refused(gateway_error("2001001", now))
        code = self.tokens.refuse_access(query["access_token"], now)
        if code:
            raise Refused(gateway_error(code, now))
        if not (query["timestamp"].isdigit() and len(query["timestamp"]) == 10):
            self.violation(f"lingxing {name}: timestamp is not 10 digits")
            raise Refused(gateway_error("2001007", now))
        # A client in another process can't know that a test has moved the sandbox's clock.
        if min(abs(clock - int(query["timestamp"])) for clock in (now, time.time())) > SIGNATURE_SECONDS:
            raise Refused(gateway_error("2001007", now))
        common = {key: query[key] for key in ("access_token", "app_key", "timestamp")}
        if signature({**body, **common}, self.app_id) != query["sign"]:
            self.violation(f"lingxing {name}: wrong signature")
            raise Refused(gateway_error("2001006", now))
        self._check_form(request, query, body, name, now)

    def _check_form(self, request: Request, query: dict[str, str], body: dict[str, Any], name: str, now: float) -> None:
        surplus = sorted(set(query) - set(SIGNED_QUERY))
        if surplus:
            self.invalid_call(name, f"query parameter {surplus[0]} belongs into the body", now)
        if request.body != canonical_json(body).encode():
            # Works here, but no document promises that the server would have read it the same way.
            self.violation(f"lingxing {name}: the bytes sent are not the bytes signed")
