"""The DSCO stand-in: what writes do, what they are refused for, and how every effect is counted."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from integrations.sandbox.dsco import shapes
from tests import contracts

SPEC = "dsco-openapi.yaml"


def read(dsco, order):
    return dsco.get("/order/", orderKey="dscoOrderId", value=order["dscoOrderId"]).json()


def refused(answer, text):
    assert answer.status_code == 400, answer.text
    assert text in str(answer.json()["messages"])
    contracts.validator(SPEC, "ObservedErrorBody").validate(answer.json())


# Acknowledgement and the change log


def test_an_acknowledgement_is_processing_and_then_has_one_entry_per_order(dsco):
    order = dsco.sandbox.dsco.add_order()
    body = [
        {"id": order["dscoOrderId"], "type": "DSCO_ORDER_ID", "supplierOrderNumber": "SO-1"},
        {"id": 99, "type": "DSCO_ORDER_ID"},
    ]
    contracts.request_schema(SPEC, "post", "/order/acknowledge").validate(body)
    answer = dsco.post("/order/acknowledge", body)
    assert answer.status_code == 202
    contracts.validator(SPEC, "SyncUpdateResponse").validate(answer.json())
    request_id = answer.json()["requestId"]
    assert dsco.log(request_id) == {"status": "PROCESSING", "logs": []}
    assert dsco.sandbox.dsco.effects == []
    dsco.settle()
    log = dsco.log(request_id)
    contracts.validator(SPEC, "OrderChangeLogResponse").validate(log)
    assert log["status"] == "COMPLETED"
    assert [(entry["status"], entry["payload"]["id"]) for entry in log["logs"]] == [
        ("success", order["dscoOrderId"]),
        ("failure", "99"),
    ]
    now = read(dsco, order)
    assert (now["dscoLifecycle"], now["dscoStatus"], now["supplierOrderNumber"]) == (
        "acknowledged",
        "shipment_pending",
        "SO-1",
    )


def test_a_refused_acknowledgement_fails_in_the_log_as_often_as_asked(dsco):
    order = dsco.sandbox.dsco.add_order()
    dsco.sandbox.dsco.refuse_acknowledgement(order["dscoOrderId"], "E1", "not now", times=1)
    first, second = dsco.acknowledge(order), dsco.acknowledge(order)
    dsco.settle()
    assert dsco.log(first)["logs"][0]["results"][0]["code"] == "E1"
    assert dsco.log(second)["logs"][0]["status"] == "success"


def test_a_second_acknowledgement_counts_and_is_flagged(dsco):
    order = dsco.sandbox.dsco.add_order()
    dsco.acknowledge(order)
    dsco.settle()
    assert dsco.sandbox.dsco.duplicates() == []
    dsco.acknowledge(order)
    dsco.settle()
    assert dsco.sandbox.dsco.effect_count("acknowledgement", order["dscoOrderId"]) == 2
    assert dsco.sandbox.dsco.duplicates() == [f"acknowledgement {order['dscoOrderId']}: 2 times"]


def test_acknowledging_items_names_lines_that_exist(dsco):
    order = dsco.sandbox.dsco.add_order()
    line = {"sku": order["lineItems"][0]["sku"], "lineNumber": 1, "acknowledged": True}
    body = [{"id": order["dscoOrderId"], "type": "DSCO_ORDER_ID", "lineItems": [line]}]
    request_id = dsco.post("/order/acknowledge/items", body).json()["requestId"]
    dsco.settle()
    assert dsco.log(request_id)["logs"][0]["status"] == "success"


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        [{"id": "1"}],
        [{"id": "1", "type": "DSCO_ORDER_ID", "orderNumber": "x"}],
        [{"id": "1", "type": "DSCO_ORDER_ID", "supplierOrderNumber": 5}],
    ],
)
def test_a_body_outside_the_contract_is_refused_at_once(dsco, body):
    refused(dsco.post("/order/acknowledge", body), "")
    assert dsco.sandbox.violations


def test_the_log_answers_nothing_for_an_unknown_request_and_windows_for_dates(dsco):
    assert dsco.log("unknown") == {"logs": []}
    assert dsco.get("/order/log").status_code == 400
    for _ in range(3):
        dsco.acknowledge(dsco.sandbox.dsco.add_order())
    dsco.post("/order/acknowledge", [{"id": "99", "type": "DSCO_ORDER_ID"}])
    dsco.settle()
    window = {"startDate": dsco.time(-100), "endDate": dsco.time()}
    assert len(dsco.get("/order/log", **window).json()["logs"]) == 4
    assert len(dsco.get("/order/log", **window, status="failure").json()["logs"]) == 1


def test_a_long_log_comes_in_pages(dsco):
    orders = dsco.sandbox.dsco.add_orders(130)
    body = [{"id": order["dscoOrderId"], "type": "DSCO_ORDER_ID"} for order in orders]
    request_id = dsco.post("/order/acknowledge", body).json()["requestId"]
    dsco.settle()
    first = dsco.log(request_id)
    second = dsco.get("/order/log", scrollId=first["scrollId"]).json()
    assert len(first["logs"]) + len(second["logs"]) == 130


# Shipment


def test_a_shipment_shows_up_in_the_order(dsco):
    order = dsco.ready_to_ship(lines=2)
    body = dsco.shipment(order)
    contracts.request_schema(SPEC, "post", "/order/singleShipment").validate(body)
    answer = dsco.post("/order/singleShipment", body)
    assert (answer.status_code, answer.json()) == (201, {"success": True})
    now = read(dsco, order)
    contracts.validator(SPEC, "Order").validate(now)
    assert (now["dscoStatus"], now["dscoLifecycle"]) == ("shipped", "completed")
    assert now["packages"][0]["trackingNumber"] == "TRK-1"
    assert [line["remainingQuantity"] for line in now["lineItems"]] == [0, 0]
    assert dsco.sandbox.dsco.effects[-1].detail["trackingNumber"] == "TRK-1"
    assert dsco.sandbox.violations == []


def test_reads_follow_writes_only_after_the_visibility_delay(dsco):
    order = dsco.ready_to_ship()
    dsco.sandbox.options.visibility_delay_seconds = 30
    dsco.post("/order/singleShipment", dsco.shipment(order))
    assert read(dsco, order)["packages"] == []
    assert dsco.sandbox.dsco.orders[order["dscoOrderId"]]["packages"]
    dsco.sandbox.clock.advance(31)
    assert read(dsco, order)["packages"]


def test_a_part_leaves_the_order_open(dsco):
    order = dsco.ready_to_ship(lines=[{"sku": "A", "quantity": 3}])
    body = dsco.shipment(order)
    body["shipments"][0]["lineItems"][0]["quantity"] = 2
    assert dsco.post("/order/singleShipment", body).status_code == 201
    now = read(dsco, order)
    assert (now["dscoStatus"], now["dscoLifecycle"]) == ("shipped", "acknowledged")
    assert (now["lineItems"][0]["shippedQuantity"], now["lineItems"][0]["remainingQuantity"]) == (2, 1)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"shipCarrier": None}, "shippingServiceLevelCode"),
        ({"shipMethod": None}, "shippingServiceLevelCode"),
        ({"warehouseCode": "NOWHERE"}, "NOWHERE"),
        ({"shipDate": "2099-01-01T00:00:00Z"}, "future"),
        ({"shipDate": "today"}, "ISO 8601"),
        ({"trackingNumber": " "}, "trackingNumber"),
        ({"carrier": "FedEx"}, "not a known member"),
        ({"lineItems": []}, "at least one element"),
        ({"lineItems": [{"sku": "A"}]}, "quantity"),
        ({"lineItems": [{"sku": "A", "quantity": "1"}]}, "whole"),
        ({"lineItems": [{"sku": "A", "quantity": 4}]}, "only 3 are open"),
        ({"lineItems": [{"sku": "A", "quantity": 0}]}, "positive"),
        ({"lineItems": [{"sku": "B", "quantity": 1}]}, "no line"),
        ({"lineItems": [{"lineNumber": 1, "quantity": 1}]}, "one of dscoItemId"),
        ({"lineItems": [{"dscoItemId": "1", "sku": "A", "quantity": 1}]}, "dscoItemId 1"),
    ],
)
def test_a_faulty_shipment_is_refused_and_noted(dsco, change, text):
    order = dsco.ready_to_ship(lines=[{"sku": "A", "quantity": 3}])
    body = dsco.shipment(order)
    body["shipments"][0] |= change
    refused(dsco.post("/order/singleShipment", body), text)
    assert dsco.sandbox.dsco.effect_count("shipment", order["dscoOrderId"]) == 0
    assert len(dsco.sandbox.violations) == 1


def test_a_shipment_names_its_order_once(dsco):
    order = dsco.ready_to_ship()
    body = dsco.shipment(order) | {"poNumber": order["poNumber"]}
    refused(dsco.post("/order/singleShipment", body), "exactly one")


def test_an_order_is_acknowledged_before_it_ships(dsco):
    order = dsco.sandbox.dsco.add_order()
    refused(dsco.post("/order/singleShipment", dsco.shipment(order)), "not acknowledged")
    dsco.sandbox.options.require_acknowledgement = False
    assert dsco.post("/order/singleShipment", dsco.shipment(order)).status_code == 201


def test_the_same_tracking_number_again_is_doubled_and_flagged(dsco):
    order = dsco.ready_to_ship()
    for _ in range(2):
        assert dsco.post("/order/singleShipment", dsco.shipment(order)).status_code == 201
    assert dsco.sandbox.dsco.duplicates() == [f"shipment {order['dscoOrderId']} TRK-1: 2 times"]
    refused(dsco.post("/order/singleShipment", dsco.shipment(order, "TRK-2")), "open")


def two_packages(dsco, order, span):
    body = dsco.shipment(order)
    first = body["shipments"][0]
    line = first["lineItems"][0]
    first["lineItems"] = [line | {"quantity": 2} | span]
    body["shipments"].append(first | {"trackingNumber": "TRK-2", "lineItems": [line | {"quantity": 1} | span]})
    return body


def test_a_line_in_two_packages_needs_the_span_flag(dsco):
    order = dsco.ready_to_ship(lines=[{"sku": "A", "quantity": 3}])
    refused(dsco.post("/order/singleShipment", two_packages(dsco, order, {})), "packageSpanFlag")
    assert dsco.post("/order/singleShipment", two_packages(dsco, order, {"packageSpanFlag": True})).status_code == 201
    assert [package["trackingNumber"] for package in read(dsco, order)["packages"]] == ["TRK-1", "TRK-2"]
    assert dsco.sandbox.dsco.effect_count("shipment", order["dscoOrderId"]) == 2
    assert dsco.sandbox.dsco.duplicates() == []


def test_lines_with_the_same_item_are_told_apart_by_their_number(dsco):
    order = dsco.ready_to_ship(lines=[{"sku": "A", "quantity": 1}, {"sku": "A", "quantity": 2}])
    body = dsco.shipment(order)
    for line in body["shipments"][0]["lineItems"]:
        del line["lineNumber"]
    refused(dsco.post("/order/singleShipment", body), "lineNumber is needed")
    assert dsco.post("/order/singleShipment", dsco.shipment(order)).status_code == 201


def test_a_batch_of_shipments_fails_and_succeeds_one_by_one(dsco):
    good, bad = dsco.ready_to_ship(), dsco.sandbox.dsco.add_order()
    answer = dsco.post("/order/shipment/batch/small", [dsco.shipment(good), dsco.shipment(bad)])
    dsco.settle()
    log = dsco.log(answer.json()["requestId"])
    contracts.validator(SPEC, "OrderChangeLogResponse").validate(log)
    assert [entry["status"] for entry in log["logs"]] == ["success", "failure"]


# Cancellation


def cancellation(order, **change):
    line = {"sku": order["lineItems"][0]["sku"], "lineNumber": 1, "cancelledQuantity": 1, "cancelCode": "CXSC"}
    return {"id": order["dscoOrderId"], "type": "DSCO_ORDER_ID", "lineItems": [line | change]}


def test_items_are_cancelled_at_once(dsco):
    order = dsco.sandbox.dsco.add_order(lines=[{"sku": "A", "quantity": 1}])
    body = cancellation(order)
    contracts.request_schema(SPEC, "post", "/order/item/cancel").validate(body)
    answer = dsco.post("/order/item/cancel", body)
    assert (answer.status_code, answer.json()["status"]) == (200, "success")
    now = read(dsco, order)
    assert (now["dscoStatus"], now["dscoLifecycle"]) == ("cancelled", "completed")
    assert dsco.sandbox.dsco.effect_count("cancellation", order["dscoOrderId"]) == 1
    refused(dsco.post("/order/item/cancel", body), "open")


def test_a_cancellation_may_be_answered_202_and_done_later(dsco):
    dsco.sandbox.options.cancel_answers_202 = True
    order = dsco.sandbox.dsco.add_order(lines=[{"sku": "A", "quantity": 1}])
    answer = dsco.post("/order/item/cancel", cancellation(order))
    assert answer.status_code == 202
    assert read(dsco, order)["dscoStatus"] == "created"
    dsco.settle()
    assert dsco.log(answer.json()["requestId"])["logs"][0]["status"] == "success"
    assert read(dsco, order)["dscoStatus"] == "cancelled"


@pytest.mark.parametrize("change", [{"cancelCode": "CXRR"}, {"cancelledQuantity": 2}, {"cancelledQuantity": 0}])
def test_a_supplier_cancels_with_his_own_codes_and_open_quantities(dsco, change):
    order = dsco.sandbox.dsco.add_order(lines=[{"sku": "A", "quantity": 1}])
    refused(dsco.post("/order/item/cancel", cancellation(order, **change)), "")


def test_requests_to_cancel_are_the_retailers(dsco):
    answer = dsco.session.put(f"{dsco.sandbox.dsco_url}/order/request/cancel", json={}, timeout=10)
    refused(answer, "retailers")
    assert dsco.sandbox.violations


# Invoice


def test_an_invoice_is_stored_with_what_dsco_adds(dsco):
    order = dsco.shipped(lines=2)
    body = dsco.invoice(order)
    contracts.request_schema(SPEC, "post", "/invoice").validate(body)
    assert dsco.post("/invoice", body).status_code == 201
    answer = dsco.get("/invoice", key="invoiceId", value="INV-1").json()
    contracts.validator(SPEC, "GetInvoicesByIdResponse").validate(answer)
    assert answer["invoices"][0]["dscoExpectedOrderTotalDifference"] == 0
    assert dsco.get("/invoice", key="poNumber", value=order["poNumber"]).json() == answer
    assert dsco.sandbox.dsco.effect_count("invoice", order["dscoOrderId"]) == 1
    assert dsco.sandbox.violations == []


def test_an_invoice_can_be_read_after_the_visibility_delay(dsco):
    order = dsco.shipped()
    dsco.sandbox.options.visibility_delay_seconds = 30
    dsco.post("/invoice", dsco.invoice(order))
    assert dsco.get("/invoice", key="invoiceId", value="INV-1").json() == {"invoices": []}
    dsco.sandbox.options.missing_invoice_is_404 = True
    assert dsco.get("/invoice", key="invoiceId", value="INV-1").status_code == 404
    dsco.sandbox.clock.advance(31)
    assert dsco.get("/invoice", key="invoiceId", value="INV-1").json()["invoices"]


def test_an_invoice_before_its_shipment_is_visible_finds_nothing(dsco):
    order = dsco.ready_to_ship()
    dsco.sandbox.options.visibility_delay_seconds = 30
    dsco.post("/order/singleShipment", dsco.shipment(order))
    refused(dsco.post("/invoice", dsco.invoice(order)), "available to invoice is 0")
    dsco.sandbox.clock.advance(31)
    assert dsco.post("/invoice", dsco.invoice(order)).status_code == 201


def test_nothing_is_invoiced_twice(dsco):
    order = dsco.shipped()
    dsco.post("/invoice", dsco.invoice(order))
    refused(dsco.post("/invoice", dsco.invoice(order)), "exists already")
    refused(dsco.post("/invoice", dsco.invoice(order, "INV-2")), "available to invoice is 0")
    assert dsco.sandbox.dsco.effect_count("invoice", order["dscoOrderId"]) == 1


@pytest.mark.parametrize(
    ("change", "line_change", "text"),
    [
        ({"totalAmount": 20.01}, {}, "sum of the lines"),
        ({"lineItemsSubtotal": 1}, {}, "sum of the lines"),
        ({"numberOfLineItems": 2}, {}, "number of lines"),
        ({"trackingNumber": "T"}, {}, "not a known member"),
        ({"dscoInvoiceId": "1"}, {}, "not a known member"),
        ({"lineItems": None}, {}, "lineItems"),
        ({}, {"unitPrice": 21}, "expected cost"),
        ({}, {"unitPrice": "10.00"}, "number"),
        ({}, {"subtotal": 1}, "subtotal"),
        ({"shipTo": {"city": "X"}}, {}, "postal"),
    ],
)
def test_an_invoice_that_does_not_add_up_is_refused_and_noted(dsco, change, line_change, text):
    order = dsco.shipped(lines=[{"sku": "A", "quantity": 2, "expectedCost": 10.0}])
    body = dsco.invoice(order)
    body["lineItems"][0] |= line_change
    refused(dsco.post("/invoice", body | change), text)
    assert len(dsco.sandbox.violations) == 1


def test_a_retailer_can_refuse_invoices(dsco):
    order = dsco.shipped()
    dsco.sandbox.dsco.refuse_invoice(order["dscoOrderId"], "NOPE", "come back later")
    refused(dsco.post("/invoice", dsco.invoice(order)), "come back later")
    dsco.sandbox.dsco.stop_refusing(order["dscoOrderId"])
    assert dsco.post("/invoice", dsco.invoice(order)).status_code == 201
    assert dsco.sandbox.violations == []


def test_a_batch_of_invoices_has_its_own_log(dsco):
    order = dsco.shipped()
    answer = dsco.post("/invoice/batch/small", [dsco.invoice(order), dsco.invoice(order, "INV-2")])
    dsco.settle()
    log = dsco.get("/invoice/log", requestId=answer.json()["requestId"]).json()
    contracts.validator(SPEC, "InvoiceChangeLogResponse").validate(log)
    assert [entry["status"] for entry in log["logs"]] == ["success", "failure"]


# Inventory


def stock(sku="A", east=3, west=0, **change):
    warehouses = [{"code": "EAST", "quantity": east}, {"code": "WEST", "quantity": west}]
    body = {"sku": sku, "status": "in-stock", "warehouses": warehouses, "quantityAvailable": east + west}
    return body | change


@pytest.fixture
def catalogue(dsco):
    dsco.sandbox.dsco.add_item("A", warehouses=["EAST", "WEST"])
    return dsco


def test_stock_is_overwritten_and_read_back(catalogue):
    contracts.request_schema(SPEC, "post", "/inventory/singleItem").validate(stock())
    assert catalogue.post("/inventory/singleItem", stock()).status_code == 201
    item = catalogue.get("/inventory", itemKey="sku", value="A").json()
    contracts.validator(SPEC, "ItemInventory").validate(item)
    assert (item["quantityAvailable"], item["warehouses"][0]) == (3, {"code": "EAST", "quantity": 3})
    assert catalogue.sandbox.dsco.effect_count("inventory", "A") == 1
    assert catalogue.get("/inventory", itemKey="sku", value="B").status_code == 404


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"sku": "B"}, "not in the catalog"),
        ({"quantityAvailable": 4}, "sum"),
        ({"status": None}, "status"),
        ({"status": "plenty"}, "status"),
        ({"status": "out-of-stock"}, "does not fit"),
        ({"warehouses": [{"code": "EAST", "quantity": 3}]}, "missing"),
        ({"warehouses": [{"code": "EAST"}, {"code": "WEST", "quantity": 3}]}, "quantity"),
        ({"partnerSku": "x"}, "not a known member"),
    ],
)
def test_incomplete_stock_is_refused(catalogue, change, text):
    refused(catalogue.post("/inventory/singleItem", stock(**change)), text)
    assert catalogue.sandbox.dsco.effect_count("inventory", "A") == 0


def test_a_batch_of_stock_has_one_entry_per_item_and_can_skip_unknown_ones(catalogue):
    bodies = [stock(), stock("B")]
    answer = catalogue.post("/inventory/batch/small", bodies)
    skipping = f"{catalogue.sandbox.dsco_url}/inventory/batch/small?skipItemsThatDontExist=true"
    skipped = catalogue.session.post(skipping, json=bodies, timeout=10)
    catalogue.settle()
    log = catalogue.get("/inventory/log", requestId=answer.json()["requestId"]).json()
    contracts.validator(SPEC, "ItemInventoryChangeLogResponse").validate(log)
    assert [entry["status"] for entry in log["logs"]] == ["success", "failure"]
    log = catalogue.get("/inventory/log", requestId=skipped.json()["requestId"]).json()
    assert [entry["payload"]["sku"] for entry in log["logs"]] == ["A"]


def test_a_body_above_five_megabytes_is_refused(catalogue):
    bodies = [stock()] * 40_000
    refused(catalogue.post("/inventory/batch/small", bodies), "5 MB")


@pytest.mark.contracts
@pytest.mark.parametrize(
    ("shape", "schema"),
    [
        (shapes.ORDER_ID, "OrderId"),
        (shapes.ORDER_ID_WITH_LINES, "OrderIdLineItems"),
        (shapes.ACKNOWLEDGED_LINE, "OrderLineItemAck"),
        (shapes.ORDER_FOR_CANCEL, "OrderForCancel"),
        (shapes.CANCELLED_LINE, "OrderLineItemForCancel"),
        (shapes.SHIPMENTS, "ShipmentsForUpdate"),
        (shapes.SHIPMENT, "ShipmentForUpdate"),
        (shapes.SHIPPED_LINE, "ShipmentLineItemForUpdate"),
        (shapes.INVOICE, "Invoice"),
        (shapes.INVOICED_LINE, "InvoiceLineItem"),
        (shapes.INVOICE_SHIP, "InvoiceShipInfo"),
        (shapes.INVOICE_PARTY, "InvoiceShipFromTo"),
        (shapes.STOCKED_WAREHOUSE, "ItemWarehouse"),
    ],
)
def test_the_stand_in_knows_every_member_that_a_client_may_send(shape, schema):
    members = contracts.document(SPEC)["components"]["schemas"][schema]["properties"]
    writable = {name for name, rules in members.items() if not rules.get("readOnly")}
    assert writable - set(shape.members) <= {"retailerCodes"}
    assert set(shape.members) <= set(members)


@pytest.mark.contracts
@pytest.mark.parametrize(
    ("shape", "sample"),
    [
        (shapes.ORDER_ID, "dsco-ack-request.json"),
        (shapes.ORDER_FOR_CANCEL, "dsco-cancel-items-request.json"),
        (shapes.SHIPMENTS, "dsco-single-shipment-request.json"),
        (shapes.SHIPMENTS, "dsco-multi-package-shipment-request.json"),
        (shapes.INVOICE, "dsco-invoice-request.json"),
        (shapes.ITEM_INVENTORY, "dsco-inventory-single-item-request.json"),
    ],
)
def test_the_contracts_samples_are_accepted(shape, sample):
    body = json.loads(contracts.sample_bytes(sample), parse_float=Decimal)
    for one in body if isinstance(body, list) else [body]:
        assert shape.problems(one) == []
