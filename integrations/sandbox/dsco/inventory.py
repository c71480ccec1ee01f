"""The catalogue's stock: plain overwrites, checked for completeness."""

from __future__ import annotations

from ..http import Answer, Request
from .answers import Json, Refused, invalid, not_found, when
from .state import DscoState

STATUSES = ("in-stock", "out-of-stock", "discontinued", "hidden")
KEYS = ("dscoItemId", "sku", "partnerSku", "upc", "ean", "mpn", "isbn", "gtin")


def set_stock(state: DscoState, body: Json) -> None:
    """Overwrite an item's quantities at a client's wish. Raises Refused."""
    with state.lock:
        stock = put_stock(state, body)
        state.book.add("inventory", body["sku"], state.clock.now(), {"status": body["status"], "warehouses": stock})


def put_stock(state: DscoState, body: Json) -> dict[str, int]:
    """Overwrite an item's quantities, whoever wants it; return them by warehouse. Raises Refused."""
    with state.lock:
        item = state.items.get(body["sku"])
        if item is None:
            raise Refused(
                400,
                "VALIDATION_FAILED",
                f"Sku {body['sku']} is not in the catalog: upc, ean or gtin is required for a new item",
            )
        _check(item, body)
        now = state.clock.now()
        stock = {one["code"]: one["quantity"] for one in body["warehouses"]}
        item["warehouses"] = [{"code": code, "quantity": quantity} for code, quantity in stock.items()]
        item["quantityAvailable"] = sum(stock.values())
        item["status"] = body["status"]
        item["dscoLastQuantityUpdateDate"] = when(now)
        return stock


def _check(item: Json, body: Json) -> None:
    sku = body["sku"]
    codes = [one["code"] for one in body["warehouses"]]
    known = {one["code"] for one in item["warehouses"]}
    total = sum(one["quantity"] for one in body["warehouses"])
    if len(set(codes)) != len(codes):
        raise invalid(f"{sku}: a warehouse occurs twice")
    if set(codes) - known:
        raise invalid(f"{sku}: unknown warehouses {', '.join(sorted(set(codes) - known))}")
    if known - set(codes):
        raise invalid(
            f"{sku}: warehouses {', '.join(sorted(known - set(codes)))} are missing, their stock would be undefined"
        )
    if any(one["quantity"] < 0 for one in body["warehouses"]):
        raise invalid(f"{sku}: quantities must not be negative")
    if body.get("quantityAvailable") not in (None, total):
        raise invalid(f"{sku}: quantityAvailable {body['quantityAvailable']} is not the sum of the warehouses, {total}")
    if body["status"] not in STATUSES:
        raise invalid(f"{sku}: unknown status {body['status']}")
    if (body["status"] == "in-stock" and not total) or (body["status"] == "out-of-stock" and total):
        raise invalid(f"{sku}: status {body['status']} does not fit the quantity {total}")


def get_item(state: DscoState, request: Request) -> Answer:
    """GET /inventory. Raises Refused."""
    key, value = request.one("itemKey"), request.one("value")
    if key not in KEYS or not value:
        raise invalid(f"itemKey must be one of {', '.join(KEYS)}, with a value")
    if key == "partnerSku" and not (request.one("dscoRetailerId") or request.one("dscoTradingPartnerId")):
        raise invalid("partnerSku needs dscoRetailerId or dscoTradingPartnerId")
    with state.lock:
        if key == "sku":
            found = [state.items[value]] if value in state.items else []
        else:
            found = [item for item in state.items.values() if item.get(key) == value]
        if not found:
            raise not_found(f"No item with {key} {value}")
        copies = [{**item, "warehouses": [dict(one) for one in item["warehouses"]]} for item in found]
    return Answer(200, copies if request.one("returnMultiple") == "true" else copies[0])
