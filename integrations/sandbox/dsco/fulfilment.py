"""Acknowledgement, shipment and cancellation of orders, with the vendor's rules and some that are stricter."""

from __future__ import annotations

from collections import Counter

from .answers import Json, Refused, invalid, moment, plain, when
from .invented import activity
from .orders import line_index, order_by_typed_id, order_for_update
from .state import DscoState

SUPPLIER_CANCEL_CODES = ("CXSS", "CXSD", "CXSN", "CXSB", "CXSI", "CXST", "CXSC", "CXSO")
CLOCK_TOLERANCE_SECONDS = 5.0


def acknowledge(state: DscoState, body: Json) -> None:
    """Take note that the supplier has the order. A second acknowledgement is applied again: the vendor promises
    nothing else.
    """
    order = order_by_typed_id(state, body)
    order_id = order["dscoOrderId"]
    state.refuse_if_asked("acknowledgement", order_id)
    if order["dscoStatus"] == "cancelled":
        raise Refused(400, "order-cancelled", f"Order {order_id} is cancelled")
    for line in body.get("lineItems", []):
        line_index(order, line)

    def take(order: Json) -> None:
        if body.get("supplierOrderNumber"):
            order["supplierOrderNumber"] = body["supplierOrderNumber"]
        if order["dscoLifecycle"] in ("received", "created"):
            order["dscoLifecycle"] = "acknowledged"
        if order["dscoStatus"] == "created":
            order["dscoStatus"] = "shipment_pending"
        for line in order["lineItems"]:
            if line["dscoLifecycle"] in ("received", "created"):
                line["dscoLifecycle"] = "acknowledged"

    state.rewrite(order_id, take)
    state.book.add("acknowledgement", order_id, state.clock.now(), plain(body))


def ship(state: DscoState, body: Json) -> None:
    """Report packages. A tracking number that the order already has is doubled, as the vendor might do it. Raises
    Refused.
    """
    order_id = take_shipments(state, body)
    for shipment in body["shipments"]:
        state.book.add("shipment", order_id, state.clock.now(), plain(shipment))


def take_shipments(state: DscoState, body: Json) -> str:
    """Put packages on an order, whoever reports them; return its id. Raises Refused."""
    order = order_for_update(state, body)
    order_id = order["dscoOrderId"]
    for shipment in body["shipments"]:
        _check_shipment(state, shipment)
    _check_order_ships(state, order)
    state.refuse_if_asked("shipment", order_id)
    known = {package["trackingNumber"] for package in order["packages"] or []}
    repeated = all(shipment["trackingNumber"] in known for shipment in body["shipments"])
    quantities: Counter[int] = Counter()
    for shipment in body["shipments"]:
        for line in shipment["lineItems"]:
            quantities[line_index(order, line)] += line["quantity"]
    if not repeated:
        _check_open(order, quantities)
    now = state.clock.now()
    first_package = len(order["packages"] or []) + 1

    def send(order: Json) -> None:
        order["packages"] = (order["packages"] or []) + [
            _package(order, shipment, first_package + number) for number, shipment in enumerate(body["shipments"])
        ]
        if not repeated:
            for index, quantity in quantities.items():
                _move(state, order["lineItems"][index], "ship", quantity, body["shipments"][0]["trackingNumber"], now)

    state.rewrite(order_id, send)
    return str(order_id)


def _check_shipment(state: DscoState, shipment: Json) -> None:
    tracking = shipment["trackingNumber"]
    if not tracking.strip():
        raise invalid("trackingNumber must not be empty")
    carrier_and_method = shipment.get("shipCarrier") and shipment.get("shipMethod")
    if not carrier_and_method and not shipment.get("shippingServiceLevelCode"):
        raise invalid(f"shipment {tracking}: shipCarrier with shipMethod, or shippingServiceLevelCode, is required")
    if (
        shipment.get("shipDate")
        and moment(shipment["shipDate"], "shipDate") > state.clock.now() + CLOCK_TOLERANCE_SECONDS
    ):
        raise invalid(f"shipment {tracking}: shipDate is in the future")
    code = shipment.get("warehouseCode")
    if code and code not in state.warehouses:
        raise invalid(f"shipment {tracking}: unknown warehouseCode {code}")
    if any(line["quantity"] < 1 for line in shipment["lineItems"]):
        raise invalid(f"shipment {tracking}: quantities must be positive")


def _check_order_ships(state: DscoState, order: Json) -> None:
    order_id = order["dscoOrderId"]
    if order["dscoStatus"] == "cancelled":
        raise Refused(400, "order-cancelled", f"Order {order_id} is cancelled")
    if state.options.require_acknowledgement and order["dscoLifecycle"] in ("received", "created"):
        raise Refused(400, "order-not-acknowledged", f"Order {order_id} is not acknowledged yet")


def _check_open(order: Json, quantities: Counter[int]) -> None:
    for index, quantity in quantities.items():
        line = order["lineItems"][index]
        if quantity > line["remainingQuantity"]:
            place = f"order {order['dscoOrderId']} line {line['lineNumber']}"
            raise invalid(f"{place}: {quantity} units, but only {line['remainingQuantity']} are open")


def check_spans(order: Json, shipments: list[Json]) -> None:
    """A line in several packages needs packageSpanFlag in each of them. Raises Refused."""
    places: Counter[int] = Counter()
    flags: Counter[int] = Counter()
    for shipment in shipments:
        for line in shipment["lineItems"]:
            index = line_index(order, line)
            places[index] += 1
            flags[index] += bool(line.get("packageSpanFlag"))
    for index, number in places.items():
        if number > 1 and flags[index] < number:
            line = order["lineItems"][index]
            raise invalid(f"line {line['lineNumber']} is in {number} shipments: packageSpanFlag is needed in each")


def _package(order: Json, shipment: Json, number: int) -> Json:
    copied = {
        name: plain(value)
        for name, value in shipment.items()
        if name not in ("lineItems", "shipFrom", "shipTo", "packageDetails", "transaction")
    }
    items = []
    for line in shipment["lineItems"]:
        ordered = order["lineItems"][line_index(order, line)]
        names = ("lineNumber", "dscoItemId", "sku", "partnerSku", "upc")
        items.append(
            {name: ordered.get(name) for name in names}
            | {"quantity": line["quantity"], "packageSpanFlag": line.get("packageSpanFlag")}
        )
    return copied | {
        "dscoPackageId": int(order["dscoOrderId"]) % 100_000_000 * 100 + number,
        "returnedFlag": False,
        "items": items,
    }


def _move(state: DscoState, line: Json, action: str, quantity: int, reason: str, now: float) -> None:
    member = {"ship": "shippedQuantity", "cancel": "cancelledQuantity"}[action]
    line[member] = (line.get(member) or 0) + quantity
    line["remainingQuantity"] -= quantity
    line["activity"] = [*line["activity"], activity(state.randomness, action, quantity, reason, now)]


def cancel_items(state: DscoState, body: Json) -> None:
    """Cancel open quantities of lines at the supplier's wish. Raises Refused."""
    order = order_by_typed_id(state, body)
    order_id = order["dscoOrderId"]
    quantities: Counter[int] = Counter()
    for line in body["lineItems"]:
        if line["cancelCode"] not in SUPPLIER_CANCEL_CODES:
            raise invalid(f"cancelCode {line['cancelCode']} is not one of {', '.join(SUPPLIER_CANCEL_CODES)}")
        if line["cancelledQuantity"] < 1:
            raise invalid("cancelledQuantity must be positive")
        quantities[line_index(order, line)] += line["cancelledQuantity"]
    state.refuse_if_asked("cancellation", order_id)
    _check_open(order, quantities)
    now = state.clock.now()

    def cancel(order: Json) -> None:
        for line in body["lineItems"]:
            ordered = order["lineItems"][line_index(order, line)]
            _move(state, ordered, "cancel", line["cancelledQuantity"], line["cancelCode"], now)
            ordered |= {
                "status": "cancelled",
                "cancelCode": line["cancelCode"],
                "cancelledReason": line.get("cancelledReason"),
            }

    state.rewrite(order_id, cancel)
    state.book.add("cancellation", order_id, now, plain(body) | {"processedAt": when(now)})
