"""The demo's world: a connected account, orders that travel by themselves, and one order for each trouble staff exist
for.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from .dsco.invented import PRODUCTS, RETAILERS, SERVICE_LEVELS
from .sandbox import Sandbox

WAREHOUSES = ("EAST", "WEST")
UNMAPPED_SKU = "HP-MIRROR-9"
STOCK = 250


def erp_sku(dsco_sku: str) -> str:
    """The ERP's SKU for a DSCO item of the sandbox."""
    return f"LX-{dsco_sku}"


def store_id(retailer: str) -> str:
    """The ERP's store for a retailer: 18 digits, as a text."""
    return f"11033300{zlib.crc32(retailer.encode()):010d}"


def warehouse_id(code: str) -> str:
    """The ERP's warehouse for a DSCO warehouse code."""
    return str(10000 + zlib.crc32(code.encode()) % 1_000_000)


def logistics_type(warehouse: str, service_level: str) -> str:
    """The ERP's shipping method for a warehouse and service level: 18 digits, as a text."""
    return f"22088800{zlib.crc32(f'{warehouse}|{service_level}'.encode()):010d}"


def demo_mappings() -> dict[str, dict[str, str]]:
    """The file for ``loadmappings`` that fits the demo. The SKU of the order with the missing mapping is left out."""
    return _mappings(RETAILERS, WAREHOUSES, PRODUCTS, SERVICE_LEVELS)


def connect(sandbox: Sandbox, without_skus: Collection[str] = (), stock: int = STOCK) -> dict[str, dict[str, str]]:
    """Give the ERP everything that the DSCO account and its orders name so far, and return the mappings between both.

    ``stock``: units of every product in every warehouse. Meant for tests: add the orders first, then connect.
    """
    orders = list(sandbox.dsco.orders.values())
    mappings = _mappings(
        {*RETAILERS, *(order["dscoRetailerId"] for order in orders)},
        {*WAREHOUSES, *sandbox.dsco.warehouses},
        {*PRODUCTS, *sandbox.dsco.items} - set(without_skus),
        {*SERVICE_LEVELS, *(order["shippingServiceLevelCode"] for order in orders)} - {None},
    )
    furnish(sandbox, mappings, stock)
    return mappings


def _mappings(
    retailers: Iterable[str], warehouses: Iterable[str], skus: Iterable[str], service_levels: Iterable[str]
) -> dict[str, dict[str, str]]:
    codes, services = sorted(warehouses), sorted(service_levels)
    return {
        "stores": {retailer: store_id(retailer) for retailer in sorted(retailers)},
        "store_sids": {},
        "warehouses": {code: warehouse_id(code) for code in codes},
        "skus": {sku: erp_sku(sku) for sku in sorted(skus)},
        "shipping": {f"{code}|{service}": logistics_type(code, service) for code in codes for service in services},
    }


def furnish(sandbox: Sandbox, mappings: Mapping[str, Mapping[str, str]], stock: int) -> None:
    """Give the ERP the stores, warehouses, products with stock and shipping methods that ``mappings`` name."""
    erp = sandbox.lingxing
    for retailer, store in mappings["stores"].items():
        erp.add_store(store, name=RETAILERS.get(retailer, f"Store of {retailer}"))
    for code, wid in mappings["warehouses"].items():
        erp.add_warehouse(wid, name=f"Warehouse {code}")
    for sku, erp_name in mappings["skus"].items():
        available = dict.fromkeys(mappings["warehouses"].values(), stock)
        erp.add_product(erp_name, available=available, msku=erp_name, name=PRODUCTS.get(sku, (f"Item {sku}", 0))[0])
    for place, type_id in mappings["shipping"].items():
        erp.add_logistics_type(type_id, name=place.replace("|", " by "))


def stock_dsco(sandbox: Sandbox) -> None:
    """Give the DSCO account its warehouses, and a catalogue in which every product lies in each of them."""
    for code in WAREHOUSES:
        sandbox.dsco.add_warehouse(code, name={"EAST": "Newark", "WEST": "Reno"}[code])
    for sku in PRODUCTS:
        sandbox.dsco.add_item(sku, warehouses=list(WAREHOUSES))


def seed_demo(sandbox: Sandbox) -> dict[str, str]:
    """Fill both stand-ins: master data, normal orders and the cast of troubles. Returns dscoOrderId by trouble."""
    dsco = sandbox.dsco
    stock_dsco(sandbox)
    dsco.add_item(UNMAPPED_SKU, title="Round hallway mirror", cost=44.0, warehouses=list(WAREHOUSES))
    furnish(sandbox, demo_mappings(), STOCK)
    # In LingXing the product of the missing mapping exists and is paired: the page of unmapped codes proposes it.
    stock = dict.fromkeys(demo_mappings()["warehouses"].values(), STOCK)
    sandbox.lingxing.add_product(erp_sku(UNMAPPED_SKU), available=stock, msku=UNMAPPED_SKU, name="Round hallway mirror")
    _normal_orders(sandbox)
    cast = _cast(sandbox)
    sandbox.scenes += _scenes(sandbox, cast)
    return cast


def _normal_orders(sandbox: Sandbox) -> None:
    retailers, services, skus = list(RETAILERS), list(SERVICE_LEVELS), list(PRODUCTS)
    for number in range(12):
        picks = range(number, number + 1 + number % 3)
        lines = [_line(skus[pick % len(skus)], 1 + pick % 3) for pick in picks]
        sandbox.dsco.add_order(
            lines=lines,
            retailer=retailers[number % len(retailers)],
            service_level=services[number % len(services)],
            warehouse=WAREHOUSES[number % 2],
        )


def _cast(sandbox: Sandbox) -> dict[str, str]:
    dsco = sandbox.dsco
    lamp, rug, vase, tray = "HP-LAMP-01", "HP-RUG-90", "HP-VASE-07", "HP-TRAY-11"
    no_cost = {"expectedCost": None}
    no_price = no_cost | {"consumerPrice": None, "retailPrice": None}
    orders: dict[str, dict[str, Any]] = {
        "two packages": dsco.add_order(lines=[_line(lamp, 2), _line(rug)]),
        "split in the ERP": dsco.add_order(lines=[_line(vase), _line(tray, 2)]),
        "missing SKU mapping": dsco.add_order(lines=[_line(UNMAPPED_SKU)]),
        "missing shipping mapping": dsco.add_order(lines=[_line(rug)], service_level="WHITEGLOVE"),
        "refused invoice": dsco.add_order(lines=[_line("HP-CLOCK-5", 2)]),
        "refused acknowledgement": dsco.add_order(lines=[_line("HP-STOOL-3")]),
        "cancellation asked at once": dsco.add_order(lines=[_line("HP-LAMP-02")]),
        "cancellation asked too late": dsco.add_order(lines=[_line("HP-QUILT-Q")]),
        "cancelled by the retailer": dsco.add_order(lines=[_line(tray, 3)]),
        "missing price": dsco.add_order(lines=[_line(vase) | no_price]),
        "missing cost": dsco.add_order(lines=[_line(vase) | no_cost]),
        "no country": dsco.add_order(lines=[_line(lamp)]),
        "test order": dsco.add_order(lines=[_line(lamp)], test=True),
        "already shipped": dsco.add_order(lines=[_line(rug)], status="shipped", lifecycle="completed"),
        "shared PO number": dsco.add_order(lines=[_line(lamp)], po_number="PO-1000"),
        "PO number of another retailer": dsco.add_order(
            lines=[_line(rug)], po_number="PO-1000", retailer=list(RETAILERS)[1]
        ),
    }
    cast = {trouble: str(order["dscoOrderId"]) for trouble, order in orders.items()}
    dsco.refuse_invoice(cast["refused invoice"], "INVOICE_NOT_ALLOWED", "This retailer takes invoices after delivery")
    dsco.refuse_acknowledgement(cast["refused acknowledgement"], "ACK_NOT_ALLOWED", "The order is under review")
    dsco.request_cancel(cast["cancellation asked at once"])
    dsco.cancel_by_retailer(cast["cancelled by the retailer"])
    dsco.change_order(cast["no country"], shipping={**orders["no country"]["shipping"], "country": None})
    return cast


def _line(sku: str, quantity: int = 1) -> dict[str, Any]:
    return {"sku": sku, "quantity": quantity}


def _scenes(sandbox: Sandbox, cast: dict[str, str]) -> list[Callable[[], None]]:
    """What happens once an order has reached the ERP: each scene is played once."""
    return [
        _when(sandbox, cast["two packages"], 5, lambda order_id: _ship_in_two(sandbox, order_id)),
        _when(sandbox, cast["split in the ERP"], 4, sandbox.lingxing.split),
        _when(sandbox, cast["cancellation asked too late"], 6, sandbox.dsco.request_cancel),
    ]


def _when(sandbox: Sandbox, order_id: str, status: int, play: Callable[[str], object]) -> Callable[[], None]:
    played = False

    def scene() -> None:
        nonlocal played
        if not played and any(row["status"] == status for row in sandbox.lingxing.by_platform(order_id)):
            played = True
            play(order_id)

    return scene


def _ship_in_two(sandbox: Sandbox, order_id: str) -> None:
    packages = [
        {"lines": {erp_sku("HP-LAMP-01"): 1}},
        {"lines": {erp_sku("HP-LAMP-01"): 1, erp_sku("HP-RUG-90"): 1}},
    ]
    sandbox.lingxing.ship(order_id, packages=packages)
