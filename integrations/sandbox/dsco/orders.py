"""Reading orders: one by a key, and pages of a search."""

from __future__ import annotations

from ..http import Answer, Request
from .answers import Json, Refused, invalid, moment, not_found
from .scroll import Scrolls
from .state import DscoState, Version

MEMBERS = {"dscoOrderId": "dscoOrderId", "poNumber": "poNumber", "supplierOrderNumber": "supplierOrderNumber"}
TYPES = {"DSCO_ORDER_ID": "dscoOrderId", "PO_NUMBER": "poNumber", "SUPPLIER_ORDER_NUMBER": "supplierOrderNumber"}
UNTIL_AGE_SECONDS = 5.0


def get_order(state: DscoState, request: Request) -> Answer:
    """GET /order/. Raises Refused."""
    key, value = request.one("orderKey"), request.one("value")
    if key not in MEMBERS or not value:
        raise invalid("orderKey must be dscoOrderId, poNumber or supplierOrderNumber, with a value")
    found = _visible_by(state, MEMBERS[key], value)
    if not found:
        raise not_found(f"No order with {key} {value}")
    return Answer(200, found if request.one("returnMultiple") == "true" else found[0])


def _visible_by(state: DscoState, member: str, value: str) -> list[Json]:
    if member == "dscoOrderId":
        version = state.visible(value)
        return [version.order] if version else []
    return [version.order for version in state.visible_versions() if version.order.get(member) == value]


def get_orders(state: DscoState, scrolls: Scrolls, request: Request) -> Answer:
    """GET /order/page. Raises Refused."""
    with state.lock:
        if request.one("scrollId"):
            return scrolls.next(request.one("scrollId"))
        size = request.one("ordersPerPage", "1000")
        if not size.isdigit() or not 10 <= int(size) <= 1000:
            raise invalid(f"ordersPerPage must be between 10 and 1000, not {size}")
        versions = [version for version in _searched(state, request) if _wanted(version.order, request)]
        versions.sort(key=lambda version: (version.updated_at, version.order["dscoOrderId"]))
        most = state.options.most_rows_per_page or int(size)
        return scrolls.first([version.order for version in versions], min(most, int(size)))


def _searched(state: DscoState, request: Request) -> list[Version]:
    versions = state.visible_versions()
    if request.one("consumerOrderNumber"):
        return [one for one in versions if one.order.get("consumerOrderNumber") == request.one("consumerOrderNumber")]
    created, updated = request.one("ordersCreatedSince"), request.one("ordersUpdatedSince")
    if bool(created) == bool(updated) or not request.one("until"):
        raise invalid("one of ordersCreatedSince and ordersUpdatedSince is required, and until")
    until = moment(request.one("until"), "until")
    if until > state.clock.now() - UNTIL_AGE_SECONDS:
        raise invalid("until must be at least 5 seconds in the past")
    if created:
        since = moment(created, "ordersCreatedSince")
        return [one for one in versions if since <= one.created_at < until]
    since = moment(updated, "ordersUpdatedSince")
    return [one for one in versions if since < one.updated_at < until]


def _wanted(order: Json, request: Request) -> bool:
    if order["testFlag"] and request.one("includeTestOrders") != "true":
        return False
    statuses = request.query.get("status")
    if statuses and order["dscoStatus"] not in statuses:
        return False
    returned = request.one("returnedOnly")
    return not returned or (returned == "true") == any(one.get("returnedFlag") for one in order["packages"] or [])


def order_named(state: DscoState, member: str, value: str) -> Json:
    """The order that a write names, as it really is. Raises Refused when none or several have that number."""
    if member == "dscoOrderId":
        order = state.orders.get(value)
        found = [order] if order else []
    else:
        found = [order for order in state.orders.values() if order.get(member) == value]
    if not found:
        raise Refused(404, "notFound", f"No order with {member} {value}")
    if len(found) > 1:
        raise invalid(f"{len(found)} orders have {member} {value}")
    return found[0]


def order_for_update(state: DscoState, body: Json) -> Json:
    """The order that a shipment or invoice names by one of three members. Raises Refused."""
    member = next(name for name in MEMBERS if body.get(name) is not None)
    return order_named(state, member, body[member])


def order_by_typed_id(state: DscoState, body: Json) -> Json:
    """The order that an acknowledgement or cancellation names by id and type. Raises Refused."""
    member = TYPES.get(body["type"])
    if member is None:
        raise invalid(f"type must be one of {', '.join(TYPES)}, not {body['type']}")
    if member == "dscoOrderId" and not str(body["id"]).isdigit():
        raise invalid(f"id must be numeric for DSCO_ORDER_ID, not {body['id']}")
    return order_named(state, member, str(body["id"]))


def line_index(order: Json, wanted: Json) -> int:
    """Which line of the order a line of a body means.

    As at the vendor: the first identifier present counts and the others are ignored; lineNumber tells lines with the
    same item apart. Raises Refused.
    """
    name = next(one for one in ("dscoItemId", "sku", "partnerSku", "upc", "ean") if wanted.get(one))
    same = [index for index, line in enumerate(order["lineItems"]) if line.get(name) == wanted[name]]
    number = wanted.get("lineNumber")
    if number is not None:
        same = [index for index in same if order["lineItems"][index].get("lineNumber") == number]
    if not same:
        raise invalid(
            f"order {order['dscoOrderId']} has no line {number or ''} with {name} {wanted[name]}".replace("  ", " ")
        )
    if len(same) > 1:
        raise invalid(f"several lines of order {order['dscoOrderId']} have {name} {wanted[name]}: lineNumber is needed")
    return same[0]
