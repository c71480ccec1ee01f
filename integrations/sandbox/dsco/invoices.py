"""Invoices: measured against cost and against what was shipped, visible some time after they were posted."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from ..http import Answer, Request
from .answers import Json, Refused, invalid, not_found, plain, when
from .orders import line_index, order_for_update
from .state import DscoState

KEYS = ("dscoInvoiceId", "invoiceId", "poNumber", "supplierOrderNumber", "consumerOrderNumber", "trackingNumber")
CENT = Decimal("0.01")


def post_invoice(state: DscoState, body: Json) -> None:
    """Book an invoice that a client sends. Raises Refused."""
    with state.lock:
        invoice = take_invoice(state, body)
        state.book.add("invoice", invoice["dscoOrderId"], state.clock.now(), invoice)


def take_invoice(state: DscoState, body: Json) -> Json:
    """Book an invoice, whoever makes it, and return it. Raises Refused."""
    with state.lock:
        order = order_for_update(state, body)
        order_id = order["dscoOrderId"]
        if body["invoiceId"] in state.invoices:
            state.violations.add(f"dsco create_invoice: invoiceId {body['invoiceId']} was sent again")
            raise Refused(400, "duplicate-invoice", f"An invoice with invoiceId {body['invoiceId']} exists already")
        state.refuse_if_asked("invoice", order_id)
        quantities: Counter[int] = Counter()
        for line in body["lineItems"]:
            quantities[line_index(order, line)] += line["quantity"]
        _check_amounts(order, body)
        _check_available(state, order_id, quantities)
        return _store(state, order, body)


def _check_amounts(order: Json, body: Json) -> None:
    total = Decimal(0)
    for line in body["lineItems"]:
        ordered = order["lineItems"][line_index(order, line)]
        price = Decimal(line["unitPrice"])
        if line["quantity"] < 1:
            raise invalid("quantities must be positive")
        if ordered.get("expectedCost") is None or price != Decimal(str(ordered["expectedCost"])).quantize(CENT):
            cost = ordered.get("expectedCost")
            raise invalid(f"line {ordered['lineNumber']}: unitPrice {price} is not the expected cost {cost}")
        amount = price * line["quantity"]
        for member in ("subtotal", "extendedAmount"):
            if line.get(member) is not None and Decimal(line[member]) != amount:
                raise invalid(f"line {ordered['lineNumber']}: {member} {line[member]} is not {amount}")
        total += amount
    for member in ("totalAmount", "lineItemsSubtotal"):
        if body.get(member) is not None and Decimal(body[member]) != total:
            raise invalid(f"{member} {body[member]} is not the sum of the lines, {total}")
    if body.get("numberOfLineItems") not in (None, len(body["lineItems"])):
        raise invalid("numberOfLineItems is not the number of lines")


def _check_available(state: DscoState, order_id: str, quantities: Counter[int]) -> None:
    version = state.visible(order_id)
    if version is None:
        raise Refused(404, "notFound", f"No order with dscoOrderId {order_id}")
    lines = version.order["lineItems"]
    invoiced: Counter[int] = Counter()
    for invoice in state.invoices.values():
        if invoice["dscoOrderId"] == order_id:
            for line in invoice["lineItems"]:
                invoiced[line_index(version.order, line)] += line["quantity"]
    for index, quantity in quantities.items():
        available = (lines[index].get("shippedQuantity") or 0) - invoiced[index]
        if quantity > available:
            place = f"Line {lines[index]['lineNumber']}: quantity {quantity}"
            raise Refused(400, "VALIDATION_FAILED", f"{place}, but the quantity available to invoice is {available}")


def _store(state: DscoState, order: Json, body: Json) -> Json:
    now = state.clock.now()
    order_id = order["dscoOrderId"]
    expected = sum(Decimal(str(line["expectedCost"] or 0)) * line["quantity"] for line in order["lineItems"])
    lines = []
    for line in body["lineItems"]:
        ordered = order["lineItems"][line_index(order, line)]
        amount = Decimal(line["unitPrice"]) * line["quantity"]
        names = ("lineNumber", "dscoItemId", "sku", "partnerSku")
        lines.append(
            {**line, **{name: ordered.get(name) for name in names}, "subtotal": amount, "dscoExpectedAmount": amount}
            | {"dscoExpectedDifference": 0}
        )
    read_only = {
        "dscoOrderId": order_id,
        "poNumber": order["poNumber"],
        "supplierOrderNumber": order.get("supplierOrderNumber"),
        "consumerOrderNumber": order.get("consumerOrderNumber"),
        "dscoRetailerId": order["dscoRetailerId"],
        "dscoSupplierId": order["dscoSupplierId"],
        "dscoInvoiceId": str(8800001 + len(state.invoices)),
        "dscoExpectedOrderTotalAmount": expected,
        "dscoExpectedOrderTotalDifference": body["totalAmount"] - expected,
        "createDate": when(now),
        "lastUpdate": when(now),
        "exportDate": None,
        "lineItems": lines,
    }
    invoice: Json = plain({**body, **read_only})
    state.invoices[body["invoiceId"]] = invoice
    state.invoices_visible_at[body["invoiceId"]] = now + state.options.visibility_delay_seconds
    return invoice


def get_invoice(state: DscoState, request: Request) -> Answer:
    """GET /invoice: every visible invoice with that key; none is an empty list, or 404 by option. Raises Refused."""
    key, value = request.one("key"), request.one("value")
    if key not in KEYS or not value:
        raise invalid(f"key must be one of {', '.join(KEYS)}, with a value")
    now = state.clock.now()
    with state.lock:
        visible = [one for one in state.invoices.values() if state.invoices_visible_at[one["invoiceId"]] <= now]
    found = [one for one in visible if _key_of(one, key) == value]
    if not found and state.options.missing_invoice_is_404:
        raise not_found(f"No invoice with {key} {value}")
    return Answer(200, {"invoices": found})


def _key_of(invoice: Json, key: str) -> object:
    if key == "trackingNumber":  # only the one on top, as at the vendor
        return (invoice.get("ship") or {}).get("trackingNumber")
    return invoice.get(key)
