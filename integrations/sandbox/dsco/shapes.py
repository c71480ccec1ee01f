"""What a request body may contain. Stricter than the vendor: unknown members and wrong types are refused.

A member's type is written as a word: text, whole, number, time, flag, list, object or id (text or whole number);
``?`` after it allows null. A nested shape is given by itself, a list of shapes as a list with one element.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Union

from ..http import Request
from .answers import invalid, moment

Type = Union[str, "Shape", list["Shape"]]
MAX_BODY_BYTES = 5 * 1024 * 1024


@dataclass
class Shape:
    """The members of a JSON object, which of them must be there, and groups of which exactly / at least one must be
    there.
    """

    members: Mapping[str, Type]
    required: tuple[str, ...] = ()
    exactly_one: tuple[str, ...] = ()
    at_least_one: tuple[str, ...] = field(default=())

    def problems(self, value: Any, where: str = "body") -> list[str]:
        """Everything that is wrong with ``value``."""
        if not isinstance(value, dict):
            return [f"{where} must be an object"]
        found = [f"{where}.{name} is not a known member" for name in value if name not in self.members]
        found += [f"{where}.{name} is required" for name in self.required if value.get(name) is None]
        if self.exactly_one and sum(value.get(name) is not None for name in self.exactly_one) != 1:
            found.append(f"{where} must have exactly one of {', '.join(self.exactly_one)}")
        if self.at_least_one and not any(value.get(name) not in (None, "") for name in self.at_least_one):
            found.append(f"{where} must have one of {', '.join(self.at_least_one)}")
        for name, type_ in self.members.items():
            if name in value:
                found += _member_problems(value[name], type_, f"{where}.{name}", name in self.required)
        return found


def _member_problems(value: Any, type_: Type, where: str, required: bool) -> list[str]:
    if isinstance(type_, Shape):
        if value is None and not required:
            return []
        return type_.problems(value, where)
    if isinstance(type_, list):
        if not isinstance(value, list) or (required and not value):
            return [f"{where} must be a list{' with at least one element' * required}"]
        return [text for index, one in enumerate(value) for text in type_[0].problems(one, f"{where}[{index}]")]
    if value is None:
        return [] if type_.endswith("?") else [f"{where} must not be null"]
    return (
        [] if _has_type(value, type_.rstrip("?")) else [f"{where} must be of type {type_.rstrip('?')}, not {value!r}"]
    )


def _has_type(value: Any, type_: str) -> bool:
    if type_ == "time":
        return isinstance(value, str) and moment(value, "time") > 0
    if type_ == "number":
        return isinstance(value, int | Decimal) and not isinstance(value, bool)
    if type_ == "whole":
        return isinstance(value, int) and not isinstance(value, bool)
    if type_ == "id":
        return isinstance(value, int | str) and not isinstance(value, bool)
    return isinstance(value, {"text": str, "flag": bool, "object": dict, "list": list}[type_])


def body_of(request: Request) -> Any:
    """The JSON body with decimals kept exact. Raises Refused."""
    if len(request.body) > MAX_BODY_BYTES:
        raise invalid("the body is larger than 5 MB")
    try:
        return json.loads(request.body, parse_float=Decimal)
    except ValueError:
        raise invalid("the body is not JSON") from None


def one_of(shape: Shape, request: Request) -> dict[str, Any]:
    """The body as one object of ``shape``. Raises Refused."""
    body = body_of(request)
    problems = shape.problems(body)
    if problems:
        raise invalid(*problems)
    assert isinstance(body, dict)  # noqa: S101 (the shape has checked it)
    return body


def many_of(shape: Shape, request: Request) -> list[dict[str, Any]]:
    """The body as a list of objects of ``shape``; only the first half of it when a fault wants that. Raises Refused."""
    body = body_of(request)
    if not isinstance(body, list) or not body:
        raise invalid("the body must be a list with at least one element")
    problems = [text for index, one in enumerate(body) for text in shape.problems(one, f"[{index}]")]
    if problems:
        raise invalid(*problems)
    return halved(body, request)


def halved(items: list[dict[str, Any]], request: Request) -> list[dict[str, Any]]:
    """The items to apply: all, or the first half (at least one) under the fault ``partial_apply``."""
    return items[: max(1, len(items) // 2)] if request.first_half_only else items


def _members(**groups: str) -> dict[str, Type]:
    """Members by type: ``text="a b c"`` and so on; a trailing underscore stands for "or null"."""
    return {name: type_.replace("_", "?") for type_, names in groups.items() for name in names.split()}


ITEM_IDS = ("dscoItemId", "sku", "partnerSku", "upc", "ean")

ORDER_ID = Shape(
    {**_members(id="id", text="type supplierOrderNumber", object="poAcknowledgement")}, required=("id", "type")
)

ACKNOWLEDGED_LINE = Shape(
    _members(
        flag="acknowledged",
        time="estimatedShipDate",
        whole="cancelledQuantity backOrderQuantity acceptedQuantity lineNumber",
        text="cancelledReason cancelCode acceptedReason dscoItemId sku partnerSku upc ean",
    ),
    at_least_one=ITEM_IDS,
)
ORDER_ID_WITH_LINES = Shape(
    {**_members(id="id", text="type supplierOrderNumber"), "lineItems": [ACKNOWLEDGED_LINE]},
    required=("id", "type", "lineItems"),
)

CANCELLED_LINE = Shape(
    _members(
        whole="cancelledQuantity",
        whole_="lineNumber",
        text="cancelCode",
        text_="dscoSupplierId dscoTradingPartnerId dscoTradingPartnerParentId dscoItemId sku upc ean partnerSku "
        "cancelledReason transactionId",
        time_="transactionDate",
    ),
    required=("cancelledQuantity", "cancelCode"),
    at_least_one=ITEM_IDS,
)
ORDER_FOR_CANCEL = Shape(
    {**_members(text="id type"), "lineItems": [CANCELLED_LINE]}, required=("id", "type", "lineItems")
)

SHIPPED_LINE = Shape(
    _members(
        whole="quantity",
        whole_="lineNumber",
        text="dscoItemId",
        text_="sku partnerSku upc gtin isbn mpn ean departmentId departmentName merchandisingAccountId "
        "merchandisingAccountName title notes",
        flag_="packageSpanFlag",
        list_="retailerItemIds serialNumbers",
        object="titleI18n",
    ),
    required=("quantity",),
    at_least_one=ITEM_IDS,
)
SHIPMENT = Shape(
    {
        **_members(
            text="trackingNumber carrierManifestId referenceNumberQualifier",
            text_="trackingUrl currencyCode shipCarrier shipMethod shippingServiceLevelCode shipWeightUnits "
            "warehouseCode warehouseRetailerCode warehouseDscoId ssccBarcode transactionId vendorInvoiceNumber",
            time_="shipDate transactionDate",
            number_="shipCost shipWeight balanceDue",
            whole_="numberOfLineItems",
            flag="untracked",
            object="transaction packageDetails",
            object_="shipFrom shipTo",
        ),
        "lineItems": [SHIPPED_LINE],
    },
    required=("trackingNumber", "lineItems"),
)
ORDER_KEYS = ("dscoOrderId", "poNumber", "supplierOrderNumber")
SHIPMENTS = Shape(
    {**_members(text_=" ".join(ORDER_KEYS)), "shipments": [SHIPMENT]}, required=("shipments",), exactly_one=ORDER_KEYS
)

INVOICED_LINE = Shape(
    _members(
        number="unitPrice amountOfSalesTaxCollected taxableAmountOfSale",
        whole="quantity",
        whole_="lineNumber dscoPackageId",
        text_="dscoItemId sku upc ean mpn isbn gtin partnerSku title basisOfUnitPrice unitOfMeasure trackingNumber "
        "shipCarrier shipMethod shippingServiceLevelCode promotionReference shipWeightUnits warehouseCode "
        "warehouseRetailerCode warehouseDscoId ssccBarcode shipReferenceNumberQualifier shipTransportationMethodCode "
        "shipUnitOfMeasure shipUnitOfMeasurementCode carrierManifestId storeNumber carbCertifierId "
        "carbFormaldehydeComplianceCode",
        number_="extendedAmount handlingAmount shipAmount promotionAmount taxAmount subtotal shipWeight msrp",
        time_="shipDate",
        object="titleI18n",
        list="serialNumbers taxes",
    ),
    required=("quantity", "unitPrice"),
    at_least_one=ITEM_IDS,
)
INVOICE_SHIP = Shape(
    _members(
        whole_="numberOfUnitsShipped",
        text_="unitOfMeasure unitOfMeasurementCode weightUnits trackingNumber carrier method serviceLevelCode "
        "transportationMethodCode referenceNumberQualifier warehouseCode warehouseRetailerCode warehouseDscoId "
        "ssccBarcode carrierManifestId storeNumber",
        number_="weight",
        time_="date",
    )
)
INVOICE_PARTY = Shape(
    _members(
        text="address1 country postal city",
        text_="firstName lastName company address2 region locationCode attention email phone storeNumber name "
        "customerNumber addressType taxExemptNumber taxRegistrationNumber",
        list_="address",
    ),
    required=("city", "postal", "country"),
    at_least_one=("address", "address1"),
)
INVOICE = Shape(
    {
        **_members(
            text="invoiceId",
            number="totalAmount amountOfSalesTaxCollected taxableAmountOfSale",
            text_="dscoOrderId poNumber supplierOrderNumber currencyCode buyerId sellerId sellerInvoiceNumber "
            "consumerOrderNumber externalBatchId orderType dscoTradingPartnerName dscoTradingPartnerParentId",
            number_="lineItemsSubtotal subtotalExcludingLineItems handlingAmount freightAmount salesTaxAmount "
            "expectedOrderTotalAmount expectedOrderTotalDifference",
            whole_="numberOfLineItems originId",
            time_="invoiceDate",
            list_="charges",
            list="credits taxes",
            object_="terms",
            flag_="flsaComplianceFlag",
        ),
        **dict.fromkeys(("shipFrom", "shipTo", "buyer", "remitTo", "seller"), INVOICE_PARTY),
        "ship": INVOICE_SHIP,
        "lineItems": [INVOICED_LINE],
    },
    required=("invoiceId", "totalAmount", "lineItems"),
    exactly_one=ORDER_KEYS,
)

STOCKED_WAREHOUSE = Shape(
    _members(
        text="code dscoId status",
        whole="quantity",
        whole_="quantityOnOrder",
        number_="cost",
        time_="estimatedAvailabilityDate",
        list_="inventoryByContext",
    ),
    required=("code", "quantity"),
)
ITEM_INVENTORY = Shape(
    {
        **_members(
            text="sku status currencyCode dscoItemId",
            text_="upc ean mpn isbn gtin departmentId activeFulfillmentModel",
            whole_="quantityAvailable quantityOnOrder",
            number_="cost msrp",
            time_="estimatedAvailabilityDate",
            object_="listingPrices",
            object="retailModelRules backstop",
            list_="inventoryByContext requestedFulfillmentModels",
            list="partnerSkuMap",
        ),
        "warehouses": [STOCKED_WAREHOUSE],
    },
    required=("sku", "status", "warehouses"),
)
