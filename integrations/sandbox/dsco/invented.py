"""Invented people, products and orders: complete, valid and nobody's."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from .answers import Json, when

SUPPLIER_ID = "1000090001"
SUPPLIER_NAME = "Harbor & Pine Trading"
RETAILERS = {"1000041001": "Northgate Home", "1000041002": "Larkspur Living", "1000041003": "Outfield Supply"}
DEFAULT_RETAILER = "1000041001"
DEFAULT_WAREHOUSE = "EAST"
DEFAULT_SERVICE_LEVEL = "FEHD"
SERVICE_LEVELS = {
    "FEHD": ("FedEx", "Home Delivery"),
    "FECG": ("FedEx", "Ground"),
    "UPSN": ("UPS", "Ground"),
    "USPM": ("USPS", "Priority Mail"),
}
PRODUCTS = {
    "HP-LAMP-01": ("Brass reading lamp", 21.5),
    "HP-LAMP-02": ("Ceramic bedside lamp", 17.25),
    "HP-RUG-90": ("Woven hallway rug", 34.0),
    "HP-STOOL-3": ("Three-legged oak stool", 28.75),
    "HP-TRAY-11": ("Lacquered serving tray", 12.4),
    "HP-VASE-07": ("Tall stoneware vase", 19.99),
    "HP-CLOCK-5": ("Quiet wall clock", 15.1),
    "HP-QUILT-Q": ("Quilt, queen size", 62.35),
}
PEOPLE = (
    "Maren Holloway",
    "Tobias Quill",
    "Zoë Brännström",
    "Íñigo Peñalver",
    "Adaeze Winterbourne",
    "林小雨",
    "Siobhán O'Dwyer",
    "Pavel Dvořák",
)
STREETS = ("Heron Lane", "Old Mill Road", "Sycamore Court", "Calle Olvera", "Lantern Street", "Quarry View", "Ålgatan")
PLACES = (
    ("Brookhaven Falls", "NJ", "07099"),
    ("San Arroyo", "CA", "90099"),
    ("Port Ellery", "WA", "98099"),
    ("Cedar Notch", "TX", "75099"),
    ("Montclair Bay", "FL", "32099"),
)
DAY = 86400.0


@cache
def many_attributes(size: int) -> Json:
    """Return attributes such as some retailers send: short texts, of ``size`` bytes as JSON."""
    return {f"attribute{number:04}": f"value {number} of many" for number in range(size // 42 + 1)}


def address(randomness: random.Random) -> Json:
    """Somewhere in the United States that does not exist. Deprecated members come only sometimes."""
    name = randomness.choice(PEOPLE)
    city, region, postal = randomness.choice(PLACES)
    lines = [f"{randomness.randint(2, 9800)} {randomness.choice(STREETS)}"]
    if randomness.random() < 0.4:
        lines.append(f"Unit {randomness.randint(1, 40)}")
    place: Json = {
        "name": name,
        "address": lines,
        "city": city,
        "region": region,
        "postal": postal,
        "country": "US",
        "phone": f"555-01{randomness.randint(10, 99)}",
        "email": randomness.choice([None, f"buyer{randomness.randint(1, 9999)}@example.com"]),
        "addressType": randomness.choice(["Residential", "Commercial", None]),
    }
    if randomness.random() < 0.5:
        first, _, last = name.partition(" ")
        place |= {"firstName": first, "lastName": last, "address1": lines[0], "state": region}
        place["address2"] = lines[1] if len(lines) > 1 else None
    return place


def line(randomness: random.Random, number: int, item: Mapping[str, Any], wanted: Mapping[str, Any], at: float) -> Json:
    """One line of an order for a catalogue item; ``wanted`` overrides any member."""
    quantity = int(wanted.get("quantity", randomness.randint(1, 3)))
    cost = item["cost"]
    made: Json = {
        "lineNumber": number,
        "quantity": quantity,
        "dscoItemId": item["dscoItemId"],
        "sku": item["sku"],
        "partnerSku": item["partnerSku"],
        "upc": randomness.choice([None, item["upc"]]),
        "title": item["title"],
        "expectedCost": cost,
        "consumerPrice": None if cost is None else round(cost * 2, 2),
        "retailPrice": None if cost is None else round(cost * 2.2, 2),
        "status": None,
        "acceptedQuantity": 0,
        "cancelledQuantity": 0,
        "rejectedQuantity": 0,
        "shippedQuantity": 0,
        "remainingQuantity": quantity,
        "cancelRequested": False,
        "dscoLifecycle": "created",
        "activity": [activity(randomness, "add", quantity, "order created", at)],
    }
    return made | {name: value for name, value in wanted.items() if name not in ("sku", "quantity") or value is None}


def activity(randomness: random.Random, action: str, quantity: int, reason: str, at: float) -> Json:
    """One entry of a line's history."""
    return {
        "action": action,
        "quantity": quantity,
        "formerStatus": None,
        "reason": reason,
        "uuid": str(uuid.UUID(int=randomness.getrandbits(128), version=4)),
        "activityDate": when(at),
    }


def order(
    randomness: random.Random, order_id: str, lines: Sequence[Json], at: float, wanted: Mapping[str, Any]
) -> Json:
    """A complete order as DSCO would give it. ``wanted`` needs po_number, retailer, warehouse and service_level."""
    service = wanted["service_level"]
    carrier, method = SERVICE_LEVELS.get(service, (None, None))
    warehouse = wanted["warehouse"]
    made: Json = {
        "dscoOrderId": order_id,
        "poNumber": wanted["po_number"],
        "consumerOrderNumber": f"C-{order_id[-6:]}",
        "dscoRetailerId": wanted["retailer"],
        "dscoSupplierId": SUPPLIER_ID,
        "dscoSupplierName": SUPPLIER_NAME,
        "dscoTradingPartnerId": f"TP-{wanted['retailer'][-4:]}",
        "dscoTradingPartnerName": RETAILERS.get(wanted["retailer"], "Unnamed retailer"),
        "testFlag": bool(wanted["test"]),
        "orderType": "Dropship",
        "currencyCode": "USD",
        "channel": randomness.choice(["web", "app", None]),
        "dscoStatus": wanted["status"],
        "dscoLifecycle": wanted["lifecycle"],
        "retailerCreateDate": when(at - 300),
        "dscoCreateDate": when(at),
        "dscoLastUpdate": when(at),
        "cancelRequested": False,
        "shipping": address(randomness),
        "shipCarrier": carrier,
        "shipMethod": method,
        "shippingServiceLevelCode": service,
        "requestedShipCarrier": carrier,
        "requestedShipMethod": method,
        "requestedShippingServiceLevelCode": service,
        "requestedWarehouseCode": warehouse,
        "dscoWarehouseCode": randomness.choice([None, warehouse]),
        "numberOfLineItems": len(lines),
        "packages": [],
        "lineItems": list(lines),
    }
    return made | _dates(randomness, at) | _extras(randomness)


def _dates(randomness: random.Random, at: float) -> Json:
    dates: Json = {
        "acknowledgeByDate": when(at + DAY),
        "shipByDate": when(at + 2 * DAY),
        "invoiceByDate": when(at + 9 * DAY),
        "cancelAfterDate": randomness.choice([None, when(at + 6 * DAY)]),
        "expectedDeliveryDate": randomness.choice([None, when(at + 6 * DAY)]),
        "requiredDeliveryDate": None,
        "dscoAcknowledgeLateDate": when(at + DAY),
        "dscoShipLateDate": when(at + 2 * DAY),
    }
    return dates


def _extras(randomness: random.Random) -> Json:
    choices: list[Json] = [
        {},
        {},
        {"giftFlag": True, "giftMessage": "Happy moving day — see you soon! 🎈"},
        {"signatureRequiredFlag": None, "giftFlag": None, "taxes": None, "coupons": None},
        {"shipInstructions": "Leave with the neighbour", "expediteFlag": False},
    ]
    return randomness.choice(choices)
