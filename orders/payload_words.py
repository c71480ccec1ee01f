"""The members of DSCO's order in the words of staff: what a change at DSCO was about."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# Members that hold others.
PARTS: Final[dict[str, str | Promise]] = {
    "lineItems": gettext_lazy("lines"),
    "packages": gettext_lazy("packages"),
    "shipping": gettext_lazy("ship to"),
}
WORDS: Final[dict[str, str | Promise]] = {
    "acceptedQuantity": gettext_lazy("accepted quantity"),
    "acknowledgeByDate": gettext_lazy("acknowledge by"),
    "activity": gettext_lazy("DSCO's record of what was done"),
    "address": gettext_lazy("address"),
    "address1": gettext_lazy("address"),
    "address2": gettext_lazy("address"),
    "addressType": gettext_lazy("kind of address"),
    "attention": gettext_lazy("attention"),
    "cancelAfterDate": gettext_lazy("cancel after"),
    "cancelCode": gettext_lazy("cancel code"),
    "cancelRequested": gettext_lazy("cancellation requested"),
    "cancelRequestedCode": gettext_lazy("code of the cancellation request"),
    "cancelledQuantity": gettext_lazy("cancelled quantity"),
    "cancelledReason": gettext_lazy("reason of the cancellation"),
    "city": gettext_lazy("city"),
    "company": gettext_lazy("company"),
    "consumerOrderNumber": gettext_lazy("consumer order number"),
    "consumerPrice": gettext_lazy("consumer price"),
    "country": gettext_lazy("country"),
    "currencyCode": gettext_lazy("currency"),
    "dscoAcknowledgeLateDate": gettext_lazy("acknowledge by"),
    "dscoInvoiceLateDate": gettext_lazy("invoice by"),
    "dscoLastUpdate": gettext_lazy("last changed at DSCO"),
    "dscoLifecycle": gettext_lazy("lifecycle"),
    "dscoShipLateDate": gettext_lazy("ship by"),
    "dscoStatus": gettext_lazy("status"),
    "dscoWarehouseCode": gettext_lazy("warehouse code"),
    "email": gettext_lazy("e-mail address"),
    "expectedCost": gettext_lazy("expected cost"),
    "expectedDeliveryDate": gettext_lazy("expected delivery"),
    "extendedExpectedCostTotal": gettext_lazy("total of the expected cost"),
    "firstName": gettext_lazy("name"),
    "invoiceByDate": gettext_lazy("invoice by"),
    "lastName": gettext_lazy("name"),
    "name": gettext_lazy("name"),
    "orderTotalAmount": gettext_lazy("total of the order"),
    "partnerSku": gettext_lazy("retailer's SKU"),
    "phone": gettext_lazy("phone"),
    "poNumber": gettext_lazy("PO number"),
    "postal": gettext_lazy("postal code"),
    "quantity": gettext_lazy("quantity"),
    "region": gettext_lazy("region"),
    "rejectedQuantity": gettext_lazy("rejected quantity"),
    "remainingQuantity": gettext_lazy("remaining quantity"),
    "requestedShipCarrier": gettext_lazy("requested carrier"),
    "requestedShipMethod": gettext_lazy("requested shipping method"),
    "requestedShippingServiceLevelCode": gettext_lazy("requested service level"),
    "requestedWarehouseCode": gettext_lazy("requested warehouse"),
    "requiredDeliveryDate": gettext_lazy("required delivery"),
    "retailPrice": gettext_lazy("retail price"),
    "returnedFlag": gettext_lazy("returned to the sender"),
    "shipByDate": gettext_lazy("ship by"),
    "shipCarrier": gettext_lazy("carrier"),
    "shipDate": gettext_lazy("ship date"),
    "shipInstructions": gettext_lazy("instructions for shipping"),
    "shipMethod": gettext_lazy("shipping method"),
    "shipWarehouseCode": gettext_lazy("warehouse code"),
    "packageShipDate": gettext_lazy("ship date"),
    "shippedQuantity": gettext_lazy("shipped quantity"),
    "shippingServiceLevelCode": gettext_lazy("service level"),
    "sku": gettext_lazy("SKU"),
    "state": gettext_lazy("region"),
    "status": gettext_lazy("status"),
    "storeNumber": gettext_lazy("store number"),
    "supplierOrderNumber": gettext_lazy("our number at DSCO"),
    "testFlag": gettext_lazy("test order"),
    "title": gettext_lazy("title"),
    "trackingNumber": gettext_lazy("tracking number"),
    "untracked": gettext_lazy("without a tracking number"),
    "warehouseCode": gettext_lazy("warehouse code"),
}  # fmt: skip
# Changes with every change and says nothing by itself.
ALWAYS: Final = "dscoLastUpdate"
_STEP = re.compile(r"([^.\[\]]+)(?:\[(\d+)\])?")


def said_of(where: str, what: str) -> str:
    """Return what is said of something, with the colon of the reader's language."""
    return where + _(": ") + what


def path_in_words(path: str) -> str:
    """Return what ``lineItems[0].shippedQuantity`` is about: Lines 1: shipped quantity; "" for what has no words."""
    steps = _STEP.findall(path)
    part, index = steps[0] if steps else ("", "")
    if part not in PARTS:
        return capfirst(str(WORDS.get(part, "")))
    where = f"{capfirst(str(PARTS[part]))} {int(index) + 1}" if index else capfirst(str(PARTS[part]))
    names = [str(WORDS[name]) for name, _index in steps[1:] if name in WORDS]
    if len(steps) > 1 and not names:
        return ""
    return said_of(where, names[-1]) if names else where


def subjects(paths: Iterable[str]) -> list[str]:
    """Return what a change was about, each thing once however many lines it concerns; unknown members as they are."""
    found: dict[str, None] = {}
    for path in paths:
        if path == ALWAYS:
            continue
        steps = [name for name, _index in _STEP.findall(path)]
        words = [str(WORDS[name]) for name in steps if name in WORDS]
        if steps and steps[0] in PARTS:
            part = str(PARTS[steps[0]])
            known = words or len(steps) == 1
            said = said_of(part, words[-1]) if words else part
            found[said if known else path] = None
        else:
            found[words[-1] if words else path] = None
    return list(found)
