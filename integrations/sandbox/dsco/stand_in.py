"""DSCO's door: which operation a request is, whether its caller may come in, and who answers."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable

from ..http import Answer, Clock, Request, Violations
from ..options import SandboxOptions
from . import shapes
from .answers import Json, Refused, created, invalid, receipt, refusal
from .asynchronous import ChangeLog
from .fulfilment import acknowledge, cancel_items, check_spans, ship
from .invented import RETAILERS
from .inventory import get_item, set_stock
from .invoices import get_invoice, post_invoice
from .orders import get_order, get_orders, order_for_update
from .portal import Portal
from .scroll import Scrolls

OPERATIONS: dict[tuple[str, str], str] = {
    ("POST", "/oauth2/token"): "token",
    ("GET", "/hello"): "hello",
    ("GET", "/order/"): "get_order",
    ("GET", "/order/page"): "get_orders",
    ("GET", "/order/log"): "order_log",
    ("POST", "/order/acknowledge"): "acknowledge",
    ("POST", "/order/acknowledge/items"): "acknowledge_items",
    ("POST", "/order/singleShipment"): "single_shipment",
    ("POST", "/order/shipment/batch/small"): "shipment_batch",
    ("PUT", "/order/request/cancel"): "request_cancel",
    ("POST", "/order/item/cancel"): "cancel_items",
    ("POST", "/order/item/cancel/batch/small"): "cancel_items_batch",
    ("GET", "/invoice"): "get_invoice",
    ("POST", "/invoice"): "create_invoice",
    ("POST", "/invoice/batch/small"): "invoice_batch",
    ("GET", "/invoice/log"): "invoice_log",
    ("GET", "/inventory"): "get_inventory",
    ("POST", "/inventory/singleItem"): "single_item",
    ("POST", "/inventory/batch/small"): "inventory_batch",
    ("GET", "/inventory/log"): "inventory_log",
    ("GET", "/warehouse/page"): "warehouses",
    ("GET", "/tradingpartner"): "trading_partners",
}
WAREHOUSES_PER_PAGE = 100


class DscoStandIn(Portal):
    """A supplier's DSCO account behind HTTP. See DscoState for what tests can do with it."""

    name = "dsco"

    def __init__(
        self, options: SandboxOptions, clock: Clock, randomness: random.Random, violations: Violations
    ) -> None:
        super().__init__(options, clock, randomness, violations)
        self._order_pages = Scrolls(clock, "orders")
        self._warehouse_pages = Scrolls(clock, "warehouses")
        self._order_log = ChangeLog(self)
        self._invoice_log = ChangeLog(self)
        self._inventory_log = ChangeLog(self)
        self._handlers: dict[str, Callable[[Request], Answer]] = {
            "hello": lambda request: Answer(200, {"hello": "World!"}),
            "get_order": lambda request: get_order(self, request),
            "get_orders": lambda request: get_orders(self, self._order_pages, request),
            "order_log": self._order_log.answer,
            "acknowledge": self._acknowledge,
            "acknowledge_items": self._acknowledge_items,
            "single_shipment": self._single_shipment,
            "shipment_batch": self._shipment_batch,
            "request_cancel": self._request_cancel,
            "cancel_items": self._cancel_items,
            "cancel_items_batch": self._cancel_items_batch,
            "get_invoice": lambda request: get_invoice(self, request),
            "create_invoice": self._create_invoice,
            "invoice_batch": self._invoice_batch,
            "invoice_log": self._invoice_log.answer,
            "get_inventory": lambda request: get_item(self, request),
            "single_item": self._single_item,
            "inventory_batch": self._inventory_batch,
            "inventory_log": self._inventory_log.answer,
            "warehouses": self._warehouses,
            "trading_partners": self._trading_partners,
        }

    def operation(self, request: Request) -> str:
        """The operation's name, "unknown" for a path that does not exist."""
        return OPERATIONS.get((request.method, request.path), "unknown")

    def capacity(self, request: Request) -> int:
        """DSCO counts arrivals, not calls in flight."""
        return 0

    def answer(self, request: Request) -> Answer:
        """Carry out one request."""
        operation = self.operation(request)
        try:
            if operation == "token":
                return self._token(request)
            self._check_caller(request, operation)
            self.tick()
            return self._handlers[operation](request)
        except Refused as problem:
            if problem.violation:
                self.violations.add(f"dsco {operation}: {problem}")
            return refusal(problem, self.clock.now())
        except _Barred as barred:
            return barred.answer

    def tick(self) -> None:
        """Do what is due: asynchronous requests whose time has come."""
        for log in (self._order_log, self._invoice_log, self._inventory_log):
            log.process()

    # Coming in

    def _token(self, request: Request) -> Answer:
        form = request.form()
        if (
            request.content_type != "application/x-www-form-urlencoded"
            or form.get("grant_type") != "client_credentials"
        ):
            self.violations.add("dsco token: not a form with grant_type client_credentials")
            return Answer(
                400,
                {"error": "invalid_request", "error_description": "grant_type must be client_credentials, in a form"},
            )
        if (form.get("client_id"), form.get("client_secret")) != (self.client_id, self.client_secret):
            return Answer(401, {"error": "invalid_client", "error_description": "client authentication failed"})
        token = f"sandbox-{uuid.uuid4().hex}"
        with self.lock:
            self.tokens[token] = self.clock.now() + self.options.dsco_token_seconds
        return Answer(
            200, {"access_token": token, "token_type": "Bearer", "expires_in": self.options.dsco_token_seconds}
        )

    def _check_caller(self, request: Request, operation: str) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if operation == "unknown":
            self.violations.add(f"dsco unknown: {request.method} {request.path}")
            text = "Invalid key=value pair (missing equal-sign) in Authorization header"
            raise _Barred(Answer(403, {"message": text}))
        if scheme.lower() != "bearer" or not token:
            self.violations.add(f"dsco {operation}: no bearer token")
            raise _Barred(Answer(401, {"message": "Unauthorized"}))
        if self.tokens.get(token, 0) <= self.clock.now():
            raise _Barred(Answer(401, {"message": "The access token is unknown or has expired"}))
        for header in ("accept", "content-type"):
            if "application/json" not in request.headers.get(header, "").lower():
                raise invalid(f"header {header} must be application/json on every call")

    # Orders

    def _acknowledge(self, request: Request) -> Answer:
        bodies = [body | {"id": str(body["id"])} for body in shapes.many_of(shapes.ORDER_ID, request)]
        return self._order_log.submit("acknowledgeOrders", bodies, lambda body: acknowledge(self, body))

    def _acknowledge_items(self, request: Request) -> Answer:
        bodies = shapes.many_of(shapes.ORDER_ID_WITH_LINES, request)
        return self._order_log.submit("acknowledgeOrderItems", bodies, lambda body: acknowledge(self, body))

    def _single_shipment(self, request: Request) -> Answer:
        body = shapes.one_of(shapes.SHIPMENTS, request)
        with self.lock:
            check_spans(order_for_update(self, body), body["shipments"])
            ship(self, body | {"shipments": shapes.halved(body["shipments"], request)})
        return created()

    def _shipment_batch(self, request: Request) -> Answer:
        def apply(body: Json) -> None:
            check_spans(order_for_update(self, body), body["shipments"])
            ship(self, body)

        return self._order_log.submit("createShipments", shapes.many_of(shapes.SHIPMENTS, request), apply)

    def _request_cancel(self, request: Request) -> Answer:
        raise invalid("requests to cancel are made by retailers; a supplier cancels items")

    def _cancel_items(self, request: Request) -> Answer:
        body = shapes.one_of(shapes.ORDER_FOR_CANCEL, request)
        if self.options.cancel_answers_202:
            return self._order_log.submit("cancelOrderItem", [body], lambda one: cancel_items(self, one))
        with self.lock:
            cancel_items(self, body)
        return Answer(200, receipt("success", self.clock.now()))

    def _cancel_items_batch(self, request: Request) -> Answer:
        bodies = shapes.many_of(shapes.ORDER_FOR_CANCEL, request)
        return self._order_log.submit("cancelOrderItems", bodies, lambda body: cancel_items(self, body))

    # Invoices, stock, the rest

    def _create_invoice(self, request: Request) -> Answer:
        body = shapes.one_of(shapes.INVOICE, request)
        post_invoice(self, body)
        self._invoice_log.note("createInvoice", body)
        return created()

    def _invoice_batch(self, request: Request) -> Answer:
        bodies = shapes.many_of(shapes.INVOICE, request)
        return self._invoice_log.submit("createInvoices", bodies, lambda body: post_invoice(self, body))

    def _single_item(self, request: Request) -> Answer:
        body = shapes.one_of(shapes.ITEM_INVENTORY, request)
        set_stock(self, body)
        self._inventory_log.note("singleItem", body)
        return created()

    def _inventory_batch(self, request: Request) -> Answer:
        bodies = shapes.many_of(shapes.ITEM_INVENTORY, request)
        if request.one("skipItemsThatDontExist") == "true":
            bodies = [body for body in bodies if body["sku"] in self.items]
        return self._inventory_log.submit("updateInventory", bodies, lambda body: set_stock(self, body))

    def _warehouses(self, request: Request) -> Answer:
        with self.lock:
            if request.one("scrollId"):
                return self._warehouse_pages.next(request.one("scrollId"))
            found = list(self.warehouses.values())
            member = {"code": "code", "warehouseId": "warehouseId"}.get(request.one("idType"))
            if member:
                found = [one for one in found if one[member] == request.one("idValue")]
            for name in ("status", "name"):
                if request.one(name):
                    found = [one for one in found if one[name] == request.one(name)]
            return self._warehouse_pages.first(found, WAREHOUSES_PER_PAGE)

    def _trading_partners(self, request: Request) -> Answer:
        filters = [name for name in ("accountId", "tradingPartnerId", "status") if request.one(name)]
        if len(filters) > 1:
            raise invalid("at most one of accountId, tradingPartnerId and status may be given")
        partners = [
            {
                "accountId": number,
                "tradingPartnerId": f"TP-{number[-4:]}",
                "tradingPartnerName": name,
                "status": "active",
            }
            for number, name in RETAILERS.items()
        ]
        if filters:
            partners = [one for one in partners if one[filters[0]] in request.query[filters[0]]]
        return Answer(200, partners)


class _Barred(Exception):
    """The caller does not get in; the gateway in front of DSCO answers in its own form."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer
