"""Packages, stock and master data at the LingXing stand-in."""

from __future__ import annotations

import pytest

from .lingxing_caller import STORE, Caller


@pytest.fixture
def caller():
    return Caller()


def valid(caller, wid, sku):
    rows = caller.lingxing.stock[wid, sku]
    return tuple(sum(row[name] for row in rows) for name in ("product_valid_num", "product_lock_num", "product_total"))


def products(out):
    return [(row["sku"], int(row["count"]), int(row["bundle_type"])) for row in out["product_info"]]


def test_audit_brings_an_outbound_order_without_tracking_number(caller):
    caller.create("1")
    assert caller.outbound("1") == []
    caller.lingxing.audit("1")
    (out,) = caller.outbound("1")
    assert int(out["status"]) == 1
    assert out["tracking_no"] in ("", None)
    assert out["delivered_at"] in ("", None, "0000-00-00 00:00:00")


def test_a_label_is_not_a_shipment(caller):
    caller.create("1")
    caller.lingxing.label_only("1", "TRK1")
    (out,) = caller.outbound("1")
    assert (int(out["status"]), out["tracking_no"]) == (2, "TRK1")
    assert int(caller.listed("1")[0]["status"]) == 5
    assert caller.listed("1")[0]["logistics_info"]["tracking_no"] == "TRK1"
    assert caller.lingxing.ship("1") == ["TRK1"]


def test_shipping_sets_tracking_number_and_times_in_utc_8(caller):
    caller.create("1")
    (tracking,) = caller.lingxing.ship("1")
    (out,) = caller.outbound("1")
    assert (int(out["status"]), out["tracking_no"]) == (3, tracking)
    assert out["delivered_at"] == "2026-05-29 04:26:40"  # 2026-05-28T20:26:40Z
    assert products(out) == [("LX-A", 3, 0), ("LX-B", 2, 0)]
    (row,) = caller.listed("1")
    assert int(row["status"]) == 6
    assert int(row["global_delivery_time"]) == int(caller.clock.now())


def test_several_packages_of_one_order(caller):
    caller.create("1")
    packages = [
        {"lines": {"LX-A": 2}, "tracking": "T1"},
        {
            "lines": {"LX-A": 1, "LX-B": 2},
            "tracking": "T2",
            "delivered_at": "",
            "stock_delivered_at": "2026-05-01 00:00:00",
        },
    ]
    assert sorted(caller.lingxing.ship("1", packages)) == ["T1", "T2"]
    second, first = caller.outbound("1")
    assert products(first) == [("LX-A", 2, 0)]
    assert products(second) == [("LX-A", 1, 0), ("LX-B", 2, 0)]
    assert second["delivered_at"] in ("", None, "0000-00-00 00:00:00")
    assert second["stock_delivered_at"] == "2026-05-01 00:00:00"
    assert int(caller.listed("1")[0]["status"]) == 6


def test_an_incomplete_shipment_leaves_the_order_waiting(caller):
    caller.create("1")
    caller.lingxing.ship("1", [{"lines": {"LX-A": 3}}])
    assert int(caller.listed("1")[0]["status"]) == 5
    caller.lingxing.ship("1", [{"lines": {"LX-B": 2}}])
    assert int(caller.listed("1")[0]["status"]) == 6
    assert {int(out["status"]) for out in caller.outbound("1")} == {3}


def test_tracking_numbers_in_odd_places(caller):
    caller.create("1", "2")
    caller.lingxing.ship("1", [{"tracking": "", "waybill": "W1"}])
    caller.lingxing.ship("2", [{"tracking": "A,B"}])
    assert caller.outbound("1")[0]["waybill_no"] == "W1"
    assert caller.outbound("1")[0]["tracking_no"] in ("", None)
    assert caller.outbound("2")[0]["tracking_no"] == "A,B"


def test_an_outbound_order_can_be_late(caller):
    caller.lingxing.outbound_delay_seconds = 60
    caller.create("1")
    caller.lingxing.ship("1")
    assert int(caller.listed("1")[0]["status"]) == 6
    assert caller.outbound("1") == []
    caller.clock.advance(60)
    assert int(caller.outbound("1")[0]["status"]) == 3


def test_a_deleted_outbound_order_keeps_its_tracking_number(caller):
    caller.create("1")
    caller.lingxing.label_only("1", "OLD")
    caller.lingxing.delete_outbound(caller.lingxing.outbound_of("1")[0]["wo_number"])
    caller.lingxing.ship("1", [{"tracking": "NEW"}])
    assert [(int(out["status"]), out["tracking_no"]) for out in caller.outbound("1")] == [(3, "NEW"), (4, "OLD")]


def test_a_bundle_comes_with_its_components_and_takes_their_stock(caller):
    caller.create("1", items=[{"sku": "LX-SET", "quantity": 2, "unit_price": "30.00"}])
    assert int(caller.listed("1")[0]["item_info"][0]["is_bundled"]) == 1
    assert valid(caller, "50", "LX-B") == (16, 4, 20)
    caller.lingxing.ship("1")
    (out,) = caller.outbound("1")
    assert products(out) == [("LX-SET", 2, 1), ("LX-A", 2, 2), ("LX-B", 4, 2)]
    assert {str(row["bundle_wod_id"]) for row in out["product_info"][1:]} == {str(out["product_info"][0]["wod_id"])}
    assert valid(caller, "50", "LX-B") == (16, 0, 16)


def test_an_interception_takes_its_time(caller):
    caller.options.async_seconds = 60
    caller.create("1", "2")
    caller.lingxing.label_only("1")
    number, unaudited = (caller.lingxing.by_platform(name)[0]["global_order_no"] for name in ("1", "2"))
    accepted = caller.call("intercept", orderNumbers=[number], tagType="3-5")
    assert str(accepted["code"]) == "0"
    assert accepted["data"] is None
    again = caller.call("intercept", orderNumbers=[number, unaudited], tagType="3-5")["data"]
    assert (again["successNum"], again["failedNum"]) == (0, 2)
    assert again["failedReason"][0]["message"] == "该单号正在截单中"
    assert int(caller.listed("1")[0]["status"]) == 5
    caller.clock.advance(60)
    assert int(caller.listed("1")[0]["status"]) == 7
    assert int(caller.outbound("1")[0]["status"]) == 4


def test_what_left_in_the_meantime_is_not_called_back(caller):
    caller.options.async_seconds = 60
    caller.create("1")
    caller.lingxing.label_only("1")
    number = caller.lingxing.by_platform("1")[0]["global_order_no"]
    caller.call("intercept", orderNumbers=[number], tagType="3-17", orderComment="retailer cancelled")
    caller.lingxing.ship("1")
    caller.clock.advance(60)
    assert int(caller.listed("1")[0]["status"]) == 6
    refused = caller.call("intercept", orderNumbers=[number], tagType="3-5")["data"]
    assert int(refused["failedNum"]) == 1


def test_outbound_orders_older_than_a_month_need_dates(caller):
    caller.create("1")
    caller.lingxing.ship("1")
    caller.clock.advance(40 * 86400)
    caller.fetch_token()
    assert caller.outbound("1") == []
    assert len(caller.outbound("1", start_date="2026-05-28", end_date="2026-06-01")) == 1
    assert len(caller.outbound("1", start_date="2026-05-28", end_date="2026-05-30", time_type="delivered_at")) == 1
    assert caller.outbound("1", start_date="2026-05-28", end_date="2026-05-29") == []


def test_outbound_filters_and_pages(caller):
    caller.create(*[str(n) for n in range(5)])
    for n in range(5):
        caller.lingxing.ship(str(n)) if n else caller.lingxing.audit("0")
    assert len(caller.call("wms", status_arr=[3])["data"]) == 4
    page = caller.call("wms", page=2, page_size=3)
    assert (len(page["data"]), int(page["total"])) == (2, 5)
    number = caller.lingxing.by_platform("2")[0]["global_order_no"]
    assert [str(out["order_number"]) for out in caller.call("wms", order_number_arr=[number])["data"]] == [number]


def test_stock_is_locked_shipped_and_given_back(caller):
    caller.create("1", "2")
    assert valid(caller, "50", "LX-A") == (34, 6, 40)
    caller.lingxing.ship("1")
    assert valid(caller, "50", "LX-A") == (34, 3, 37)
    caller.lingxing.cancel("2")
    assert valid(caller, "50", "LX-A") == (37, 0, 37)


def test_an_order_without_warehouse_gets_one_at_its_audit(caller):
    caller.create("1", wid=None, logistics_type_id=None)
    assert valid(caller, "50", "LX-A") == (40, 0, 40)
    caller.lingxing.audit("1")
    assert valid(caller, "50", "LX-A") == (37, 3, 40)
    assert str(caller.listed("1")[0]["wid"]) == "50"


def test_inventory_is_fuzzy_paged_and_has_several_rows_per_sku(caller):
    caller.lingxing.set_stock("50", "LX-A", 3, seller_id="104", bad=1)
    answer = caller.call("inventory", wid="50,51", sku="lx-a", offset=0, length=800)
    assert [(row["sku"], int(row["product_valid_num"])) for row in answer["data"]] == [
        ("LX-A", 40),
        ("LX-A", 3),
        ("LX-A-RED", 7),
    ]
    assert int(answer["data"][1]["product_total"]) == 4
    page = caller.call("inventory", wid="50, 51", offset=1, length=2)
    assert (len(page["data"]), int(page["total"])) == (2, 5)
    assert len(caller.call("inventory", wid="51", length=20)["data"]) == 1


def test_overseas_stock_has_the_third_partys_figures(caller):
    (row,) = caller.call("inventory", wid="51", length=20)["data"]
    assert row["third_inventory"]["qty_sellable"] == 15
    assert caller.call("inventory", wid="50", length=20)["data"][0]["third_inventory"] == []


def test_master_data_lists(caller):
    assert [str(row["wid"]) for row in caller.call("warehouses")["data"]] == ["50"]
    assert [str(row["wid"]) for row in caller.call("warehouses", type=3)["data"]] == ["51"]
    (store,) = caller.call("stores", offset=0, length=20)["data"]["list"]
    assert (str(store["store_id"]), store["sid"]) == (STORE, "")
    (method,) = caller.call("logistics", param={"provider_type": 2, "page": 1, "length": 20})["data"]
    assert str(method["type_id"]) == "203450729659600896"


def test_pairs_by_offset_and_by_cursor(caller):
    for n in range(30):
        caller.lingxing.pair(f"M{n}", "LX-A", STORE)
    page = caller.call("pairs", offset=20, length=20)["data"]
    assert (len(page["list"]), int(page["total"])) == (12, 32)
    first = caller.call("pairs", use_cursor=True, cursor_id=0, length=20)["data"]
    assert first["has_next"] is True
    last = caller.call("pairs", use_cursor=True, cursor_id=first["next_cursor_id"], length=20)["data"]
    assert (len(first["list"]) + len(last["list"]), last["has_next"]) == (32, False)
    assert [pair["sku"] for pair in caller.call("pairs", length=20, msku=["SKU-B"])["data"]["list"]] == ["LX-B"]
