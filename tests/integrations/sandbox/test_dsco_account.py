"""The DSCO stand-in: coming in, reading orders, warehouses and partners."""

from __future__ import annotations

from decimal import Decimal

import pytest
import requests

from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.sandbox import Sandbox
from tests import contracts

from .callers import DscoCaller

SPEC = "dsco-openapi.yaml"


def test_a_token_is_given_for_the_right_credentials_only(sandbox):
    form = {"grant_type": "client_credentials", "client_id": sandbox.dsco.client_id, "client_secret": "wrong"}
    address = f"{sandbox.dsco_url}/oauth2/token"
    assert requests.post(address, data=form, timeout=10).json()["error"] == "invalid_client"
    assert requests.post(address, json=form, timeout=10).status_code == 400
    form["client_secret"] = sandbox.dsco.client_secret
    answer = requests.post(address, data=form, timeout=10).json()
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)


def test_several_tokens_are_valid_at_once_and_each_expires(sandbox):
    first, second = DscoCaller(sandbox), DscoCaller(sandbox)
    assert first.get("/hello").status_code == second.get("/hello").status_code == 200
    sandbox.clock.advance(3601)
    assert first.get("/hello").status_code == 401
    assert sandbox.violations == []


@pytest.mark.parametrize("header", ["Accept", "Content-Type"])
def test_both_json_headers_are_wanted_on_reads_too(dsco, header):
    dsco.session.headers[header] = "text/plain"
    answer = dsco.get("/hello")
    assert answer.status_code == 400
    assert answer.json()["messages"][0]["code"] == "VALIDATION_FAILED"
    assert dsco.sandbox.violations


def test_no_token_is_401_and_an_unknown_path_403(dsco):
    assert dsco.get("/orders").status_code == 403
    assert "key=value" in dsco.get("/order").json()["message"]
    del dsco.session.headers["Authorization"]
    assert dsco.get("/hello").status_code == 401


def test_invented_orders_fit_the_contract(sandbox):
    check = contracts.validator(SPEC, "Order")
    for order in sandbox.dsco.add_orders(40, lines=3):
        check.validate(order)


def test_the_same_seed_invents_the_same_orders():
    def names() -> list[str]:
        with Sandbox(SandboxOptions(seed=3)) as sandbox:
            return [order["shipping"]["name"] for order in sandbox.dsco.add_orders(10)]

    assert names() == names()


def test_an_order_is_found_by_each_of_its_keys(dsco):
    order = dsco.ready_to_ship(po_number="PO-77")
    for key, value in [("dscoOrderId", order["dscoOrderId"]), ("poNumber", "PO-77"), ("supplierOrderNumber", "SO-1")]:
        assert dsco.get("/order/", orderKey=key, value=value).json()["dscoOrderId"] == order["dscoOrderId"]
    missing = dsco.get("/order/", orderKey="poNumber", value="none")
    assert (missing.status_code, missing.json()["messages"][0]["code"]) == (404, "notFound")
    assert dsco.get("/order/", orderKey="sku", value="x").status_code == 400


def test_two_retailers_can_use_the_same_po_number(dsco):
    one = dsco.sandbox.dsco.add_order(po_number="PO-1", retailer="1000041001")
    two = dsco.sandbox.dsco.add_order(po_number="PO-1", retailer="1000041002")
    found = dsco.get("/order/", orderKey="poNumber", value="PO-1", returnMultiple="true").json()
    assert [order["dscoOrderId"] for order in found] == [one["dscoOrderId"], two["dscoOrderId"]]
    body = dsco.shipment(one)
    body["poNumber"] = body.pop("dscoOrderId") and "PO-1"
    assert dsco.post("/order/singleShipment", body).status_code == 400


@pytest.mark.parametrize(
    "params",
    [
        {"ordersUpdatedSince": None},
        {"until": None},
        {"ordersPerPage": 9},
        {"ordersPerPage": 1001},
        {"ordersUpdatedSince": "yesterday"},
        {"ordersUpdatedSince": "2026-01-01T00:00:00"},
    ],
)
def test_a_search_without_its_rules_is_refused(dsco, params):
    assert dsco.page(**params).status_code == 400


def test_until_must_be_five_seconds_old(dsco):
    assert dsco.page(until=dsco.time(-4)).status_code == 400
    assert dsco.page(until=dsco.time(-6)).status_code == 200


def test_updated_since_is_exclusive_and_created_since_inclusive(dsco):
    order = dsco.sandbox.dsco.add_order(age_seconds=100)
    version = dsco.sandbox.dsco.visible(order["dscoOrderId"])
    version.created_at = version.updated_at = int(version.updated_at)
    exact = dsco.time(version.updated_at - dsco.sandbox.clock.now())[:19] + "+00:00"
    assert dsco.page(ordersUpdatedSince=exact).json()["orders"] == []
    assert len(dsco.page(ordersUpdatedSince=None, ordersCreatedSince=exact).json()["orders"]) == 1


def test_test_orders_and_other_statuses_are_shown_when_asked_for(dsco):
    dsco.sandbox.dsco.add_order()
    dsco.sandbox.dsco.add_order(test=True)
    dsco.sandbox.dsco.add_order(status="shipment_pending", lifecycle="acknowledged")
    assert len(dsco.page().json()["orders"]) == 2
    assert len(dsco.page(includeTestOrders="true").json()["orders"]) == 3
    assert len(dsco.page(status="shipment_pending").json()["orders"]) == 1
    assert len(dsco.page(status=["shipment_pending", "created"]).json()["orders"]) == 2


def test_pages_follow_a_scroll_id_until_an_empty_one(dsco):
    dsco.sandbox.dsco.add_orders(20)
    check = contracts.validator(SPEC, "PagedOrderResult")
    page = dsco.page(ordersPerPage=10).json()
    scroll_id, seen = page["scrollId"], [order["dscoOrderId"] for order in page["orders"]]
    dsco.sandbox.dsco.add_order()  # comes too late for this search
    page = dsco.get("/order/page", scrollId=scroll_id, ordersPerPage=3).json()
    check.validate(page)
    assert page["scrollId"] == scroll_id
    seen += [order["dscoOrderId"] for order in page["orders"]]
    assert len(set(seen)) == 20
    assert dsco.get("/order/page", scrollId=scroll_id).json() == {"orders": []}


def test_a_scroll_id_dies_after_five_minutes_without_a_fetch(dsco):
    dsco.sandbox.dsco.add_orders(40)
    scroll_id = dsco.page(ordersPerPage=10).json()["scrollId"]
    dsco.sandbox.clock.advance(299)
    assert dsco.get("/order/page", scrollId=scroll_id).status_code == 200
    dsco.sandbox.clock.advance(299)
    assert dsco.get("/order/page", scrollId=scroll_id).status_code == 200
    dsco.sandbox.clock.advance(301)
    assert dsco.get("/order/page", scrollId=scroll_id).status_code == 404


def test_a_change_by_the_retailer_moves_the_last_update(dsco):
    order = dsco.sandbox.dsco.add_order(age_seconds=3600)
    asked = dsco.sandbox.dsco.request_cancel(order["dscoOrderId"])
    assert asked["dscoLastUpdate"] > order["dscoLastUpdate"]
    found = dsco.page(ordersUpdatedSince=dsco.time(-600)).json()["orders"]
    assert [(one["cancelRequested"], one["lineItems"][0]["cancelRequestedCode"]) for one in found] == [(True, "CXRR")]
    cancelled = dsco.sandbox.dsco.cancel_by_retailer(order["dscoOrderId"])
    assert (cancelled["dscoStatus"], cancelled["dscoLifecycle"]) == ("cancelled", "completed")


def test_amounts_in_orders_are_exact_to_the_cent(sandbox):
    for order in sandbox.dsco.add_orders(30, lines=3):
        for line in order["lineItems"]:
            assert Decimal(str(line["expectedCost"])) == round(Decimal(str(line["expectedCost"])), 2)


def test_warehouses_and_trading_partners_fit_the_contract(dsco):
    for number in range(120):
        dsco.sandbox.dsco.add_warehouse(f"W{number}")
    page = dsco.get("/warehouse/page").json()
    contracts.validator(SPEC, "PagedWarehouseResult").validate(page)
    rest = dsco.get("/warehouse/page", scrollId=page["scrollId"]).json()
    assert len(page["warehouses"]) + len(rest["warehouses"]) == 120
    assert dsco.get("/warehouse/page", idType="code", idValue="W3").json()["warehouses"][0]["code"] == "W3"
    partners = dsco.get("/tradingpartner").json()
    for partner in partners:
        contracts.validator(SPEC, "TradingPartner").validate(partner)
    assert dsco.get("/tradingpartner", accountId="1000041002").json() == [partners[1]]
    assert dsco.get("/tradingpartner", accountId="1", status="active").status_code == 400


def test_ten_thousand_orders_are_read_in_pages(dsco):
    dsco.sandbox.options.enforce_limits = False
    dsco.sandbox.dsco.add_orders(10_000)
    page = dsco.page().json()
    seen = len(page["orders"])
    while page.get("scrollId"):
        page = dsco.get("/order/page", scrollId=page["scrollId"]).json()
        seen += len(page["orders"])
    assert seen == 10_000
