"""Orders at the LingXing stand-in: created once, listed loosely, changed by staff, cancelled while that is possible."""

from __future__ import annotations

import time

import pytest

from .lingxing_caller import STORE, Caller, new_order


@pytest.fixture
def caller():
    return Caller()


def refused(answer):
    return {str(entry["platform_order_no"]): entry["error_message"] for entry in answer["data"]["error_details"]}


def test_a_created_order_is_listed_in_status_4(caller):
    created = caller.create("9100000001")
    (row,) = caller.listed("9100000001")
    assert str(created["data"]["success_details"][0]["global_order_no"]) == str(row["global_order_no"])
    assert int(row["status"]) == 4
    assert row["address_info"]["postal_code"] == "01234"
    assert [line["local_sku"] for line in row["item_info"]] == ["LX-A", "LX-B"]
    assert row["item_info"][0]["item_price_amount"] == "37.50"
    assert caller.lingxing.effect_count("erp_order", "9100000001") == 1


def test_nothing_found_is_an_empty_list_in_place_of_an_object(caller):
    assert caller.call("list", offset=0, length=20, platform_order_nos=["1"])["data"] == []


def test_a_platform_number_is_taken_once_per_store(caller):
    caller.create("1")
    assert list(refused(caller.create("1", "2"))) == ["1"]
    assert list(refused(caller.create("3", "3"))) == ["3"]
    assert caller.lingxing.duplicates() == []
    assert len(caller.lingxing.by_platform("1")) == 1


def test_allowed_duplicates_are_told(caller):
    caller.lingxing.allow_duplicates = True
    caller.create("1")
    caller.create("1")
    assert caller.lingxing.effect_count("erp_order", "1") == 2
    assert caller.lingxing.duplicates() == ["1"]


def test_every_order_is_judged_alone(caller):
    bad = [{"sku": "NOPE", "quantity": 1, "unit_price": "1"}]
    orders = [new_order("1", items=bad), new_order("2"), new_order("3", wid="99"), new_order("4", city=" ")]
    caller.lingxing.refuse_order("5", "不行")
    orders.append(new_order("5"))
    answer = caller.call("create", platform_code=10009, store_id=STORE, orders=orders)
    assert set(refused(answer)) == {"1", "3", "4", "5"}
    assert [str(entry["platform_order_no"]) for entry in answer["data"]["success_details"]] == ["2"]


def test_only_half_of_a_batch_is_applied_when_the_connection_breaks(caller):
    body = {"platform_code": 10009, "store_id": STORE, "orders": [new_order(str(n)) for n in range(4)]}
    request = caller.request("create", body)
    request.first_half_only = True
    caller.lingxing.answer(request)
    assert sorted(effect.key for effect in caller.lingxing.effects) == ["0", "1"]


def test_an_unknown_store_is_refused(caller):
    answer = caller.call("create", platform_code=10009, store_id="1", orders=[new_order("1")])
    assert answer["code"] == 102
    assert caller.violations.entries == []


def test_a_store_sku_finds_its_local_sku(caller):
    caller.create("1", items=[{"msku": "SKU-A", "quantity": 1, "unit_price": 5}])
    assert caller.lingxing.by_platform("1")[0]["item_info"][0]["local_sku"] == "LX-A"


def test_an_unpaired_store_sku_holds_the_order_until_it_is_paired(caller):
    caller.options.audit_after_seconds = 10
    caller.create("1", items=[{"msku": "NEW", "quantity": 1, "unit_price": "5"}])
    assert caller.listed("1")[0]["order_tag"][0]["tag_no"] == "3-8"
    caller.clock.advance(100)
    assert int(caller.listed("1")[0]["status"]) == 4
    with pytest.raises(ValueError, match="without local SKU"):
        caller.lingxing.audit("1")
    caller.lingxing.pair("NEW", "LX-A", STORE)
    caller.clock.advance(10)
    assert int(caller.listed("1")[0]["status"]) == 5


def test_optional_fields_vanish_without_the_permission(caller):
    caller.lingxing.drop_optional_fields = True
    caller.create("1")
    address = caller.listed("1")[0]["address_info"]
    assert address["postal_code"] == address["state_or_region"] == address["receiver_mobile"] == ""
    assert address["city"] == "Exampleville"


def test_types_change_from_row_to_row(caller):
    caller.create(*[str(910000 + n) for n in range(30)])
    body = {"offset": 0, "length": 50, "platform_order_nos": [str(910000 + n) for n in range(30)]}
    rows = caller.call("list", **body)["data"]["list"]
    for name in ("status", "split_type", "global_order_no", "update_time", "wid", "global_delivery_time"):
        assert {type(row[name]) for row in rows} >= {int, str}, name
    assert {type(row["platform_info"][0]["platform_order_no"]) for row in rows} == {int, str}
    assert {row["logistics_info"]["tracking_no"] for row in rows} == {"", None}
    assert any("newAttribute" in row for row in rows)


def test_no_surprising_attributes_when_switched_off(caller):
    caller.options.extra_attributes = False
    caller.create(*[str(n) for n in range(30)])
    rows = caller.call("list", offset=0, length=50, platform_order_nos=[str(n) for n in range(30)])["data"]["list"]
    assert not any("newAttribute" in row for row in rows)


def test_windows_exclude_both_ends(caller):
    caller.create("1")
    now = int(caller.clock.now())

    def found(start, end):
        body = {"offset": 0, "length": 20, "date_type": "update_time", "start_time": start, "end_time": end}
        return bool(caller.call("list", **body)["data"])

    assert found(now - 1, now + 1)
    assert not found(now, now + 1)
    assert not found(now - 1, now)


def test_lists_lag_behind(caller):
    caller.options.visibility_delay_seconds = 30
    caller.create("1")
    assert caller.listed("1") == []
    caller.clock.advance(30)
    caller.lingxing.audit("1")
    assert int(caller.listed("1")[0]["status"]) == 4
    assert caller.outbound("1") == []
    caller.clock.advance(30)
    assert int(caller.listed("1")[0]["status"]) == 5
    assert len(caller.outbound("1")) == 1


def test_orders_move_by_the_clock_at_their_own_times(caller):
    caller.options.audit_after_seconds = 10
    caller.options.ship_after_seconds = 20
    caller.create("1")
    created = caller.clock.now()
    caller.clock.advance(15)
    assert int(caller.listed("1")[0]["status"]) == 5
    caller.clock.advance(100)
    (row,) = caller.listed("1")
    assert int(row["status"]) == 6
    assert int(row["global_delivery_time"]) == created + 30
    assert row["logistics_info"]["tracking_no"]


def test_split_keeps_the_number_on_the_first_part(caller):
    caller.create("1")
    caller.lingxing.audit("1")
    first, second = caller.lingxing.split("1", [{"LX-A": 2}, {"LX-A": 1, "LX-B": 2}])
    rows = {str(row["global_order_no"]): row for row in caller.listed("1")}
    assert set(rows) == {first, second}
    assert {int(row["split_type"]) for row in rows.values()} == {3}
    assert [int(line["quantity"]) for line in rows[second]["item_info"]] == [1, 2]
    live = [out for out in caller.outbound("1") if int(out["status"]) != 4]
    assert {str(out["order_number"]) for out in live} == {first, second}
    caller.lingxing.ship(second)
    assert {str(row["global_order_no"]): int(row["status"]) for row in caller.listed("1")} == {first: 5, second: 6}


def test_split_refuses_parts_that_are_not_the_order(caller):
    caller.create("1")
    with pytest.raises(ValueError, match="whole order"):
        caller.lingxing.split("1", [{"LX-A": 2}, {"LX-B": 2}])


def test_merge_makes_one_row_of_several_platform_orders(caller):
    caller.create("1", "2")
    merged = caller.lingxing.merge(["1", "2"])
    (row,) = caller.listed("2")
    assert str(row["global_order_no"]) == merged
    assert [str(info["platform_order_no"]) for info in row["platform_info"]] == ["1", "2"]
    assert int(row["split_type"]) == 2
    assert len(caller.listed("2", include_delete=True)) == 2
    caller.lingxing.ship("1")
    assert [str(name) for name in caller.outbound("2")[0]["platform_order_no"]] == ["1", "2"]


def test_an_order_is_not_merged_with_itself(caller):
    caller.create("1")
    with pytest.raises(ValueError, match="two or more"):
        caller.lingxing.merge(["1", "1"])


def test_what_is_shipped_can_not_be_cancelled_by_staff(caller):
    caller.create("1")
    caller.lingxing.ship("1")
    with pytest.raises(ValueError, match="no open order"):
        caller.lingxing.cancel("1")


def test_resend_is_a_new_row_that_names_the_original(caller):
    caller.create("1")
    caller.lingxing.ship("1")
    again = caller.lingxing.resend("1", ship=True)
    newest, original = caller.listed("1")
    assert str(newest["global_order_no"]) == again
    assert newest["original_global_order_no"] == [str(original["global_order_no"])]
    assert str(caller.outbound("1")[0]["order_number"]) == again
    assert caller.lingxing.effect_count("erp_order", "1") == 1


def test_deleted_orders_show_only_when_asked_for(caller):
    caller.create("1")
    caller.lingxing.delete("1")
    assert caller.listed("1") == []
    assert int(caller.listed("1", include_delete=True)[0]["is_delete"]) == 1
    assert list(refused(caller.create("1"))) == ["1"]


def test_cancel_works_until_the_warehouse_has_a_label(caller):
    caller.create("1", "2", "3")
    caller.lingxing.audit("2")
    caller.lingxing.label_only("3")
    numbers = [caller.lingxing.by_platform(name)[0]["global_order_no"] for name in ("1", "2", "3")]
    data = caller.call("cancel", order_list=[*numbers, "5"])["data"]
    assert (data["success_num"], data["fail_num"]) == (2, 2)
    assert [entry["global_order_no"] for entry in data["failure_info"]] == [numbers[2], "5"]
    assert int(caller.listed("1")[0]["status"]) == 7
    assert int(caller.outbound("2")[0]["status"]) == 4
    assert caller.lingxing.effect_count("erp_cancellation", "1") == 1


def test_changes_answer_with_their_own_success_codes(caller):
    caller.create("1", "2")
    caller.lingxing.audit("2")
    one, two = (int(caller.lingxing.by_platform(name)[0]["global_order_no"]) for name in ("1", "2"))
    edits = [{"global_order_no": n, "address_info": {"city": "Elsewhere"}, "order_item_list": []} for n in (one, two)]
    assert str(caller.call("update", order_list=edits[:1])["code"]) == "10002"
    assert str(caller.call("update", order_list=edits)["code"]) == "10001"
    assert str(caller.call("update", order_list=edits[1:])["code"]) == "10000"
    assert caller.lingxing.orders[str(one)]["address_info"]["city"] == "Elsewhere"
    remark = caller.call("remark", orders=[{"global_order_no": str(one), "remark": "hello"}])
    assert str(remark["code"]) == "10002"
    move = {"global_order_no": one, "logistics": {"logistics_type_id": 825, "sys_wid": 51}}
    assert str(caller.call("edit", order_list=[move])["code"]) == "0"
    assert caller.lingxing.orders[str(one)]["wid"] == "51"


def test_staff_moves_by_name(caller):
    caller.create("1")
    caller.lingxing.move("ship", {"platform_order_no": "1", "packages": [{"tracking": "T1"}]})
    assert caller.outbound("1")[0]["tracking_no"] == "T1"
    with pytest.raises(ValueError, match="no move"):
        caller.lingxing.move("answer", {})
    assert caller.lingxing.state()["orders_by_status"] == {"6": 1}


def test_ten_thousand_orders_are_no_burden(caller):
    line = [{"sku": "LX-A", "quantity": 1, "unit_price": "1"}]
    started = time.perf_counter()
    for start in range(0, 10_000, 500):
        caller.create(*[str(n) for n in range(start, start + 500)], items=line)
        caller.options.audit_after_seconds = caller.options.ship_after_seconds = 1
        caller.clock.advance(1)
    for number in range(0, 10_000, 200):
        caller.call("list", offset=0, length=200, platform_order_nos=[str(n) for n in range(number, number + 200)])
        caller.call("wms", page=1, page_size=200, platform_order_no_arr=[str(n) for n in range(number, number + 200)])
    assert time.perf_counter() - started < 30
