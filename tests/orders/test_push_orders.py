"""The flow ``push_orders`` against the sandbox: one LingXing order per DSCO order, whatever happens."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.utils import timezone

from integrations.deliveries import staff
from integrations.flows import run_flow
from integrations.models import ApiCall, Attempt
from integrations.sandbox.faults import Fault
from orders.holds import hold, release_hold
from orders.intake import store_page
from orders.mapping_files import MappingFile, save_mappings
from orders.models import Cancellation, ErpOrder, ErpPush, Order, OrderErpLink, OrderLine, RetailerPolicy

from .factories import map_everything


def bring_in(sandbox, *raws: dict[str, Any]) -> None:
    """Store orders of the sandbox as a pull would."""
    store_page(list(raws), timezone.now())


def push(**options):
    """Run one pass."""
    return run_flow("push_orders", **options)


def push_until_settled(clock, passes: int = 8) -> None:
    """Run passes with time between them, as the scheduler would."""
    for _ in range(passes):
        push()
        clock.advance(300)


def row(raw) -> ErpPush:
    """The push of an order as it stands."""
    return ErpPush.objects.select_related("order").get(order__dsco_order_id=raw["dscoOrderId"])


def sent_orders(sandbox) -> list[dict[str, Any]]:
    """The orders in the bodies of all creating calls."""
    calls = [call for call in sandbox.request_log if call.operation == "create_orders"]
    return [order for call in calls for order in json.loads(call.body)["orders"]]


def made(sandbox, raw) -> int:
    """How many LingXing orders were created for an order."""
    return sandbox.lingxing.effect_count("erp_order", raw["dscoOrderId"])


@pytest.fixture
def orders(sandbox):
    """Four orders, mapped and stored."""
    raws = sandbox.dsco.add_orders(4)
    map_everything(sandbox)
    bring_in(sandbox, *raws)
    return raws


def test_orders_are_created_once_with_everything_lingxing_needs(sandbox, orders):
    result = push()
    push()
    assert result.status == "succeeded"
    assert result.released == ["acknowledge_orders"]
    assert [made(sandbox, raw) for raw in orders] == [1, 1, 1, 1]
    first = row(orders[0])
    created = sandbox.lingxing.by_platform(orders[0]["dscoOrderId"])[0]
    assert (first.status, first.remote_reference) == ("succeeded", str(created["global_order_no"]))
    assert first.order.stage == "in_erp"
    assert first.store_id
    link = OrderErpLink.objects.select_related("erp_order").get(order=first.order)
    assert link.erp_order.global_order_no == first.remote_reference
    assert all(OrderLine.objects.values_list("erp_sku", flat=True))
    assert sandbox.violations == []


def test_the_created_order_carries_address_prices_and_shipping(sandbox):
    raw = sandbox.dsco.add_order(
        lines=[{"sku": "HP-LAMP-01", "quantity": 3, "consumerPrice": 41.5}, {"sku": "HP-RUG-90", "quantity": 1}],
        shipping={
            "name": "林小雨 🌿", "address": ["1 A", "2 B", "3 C", "4 D"], "city": "Åby", "region": "NJ",
            "postal": "07099", "country": "US", "phone": "555-0101", "addressType": "Commercial",
        },
    )  # fmt: skip
    map_everything(sandbox)
    bring_in(sandbox, raw)
    push()
    order = sent_orders(sandbox)[0]
    assert order["receiver_name"] == "林小雨 🌿"
    assert (order["address_line1"], order["address_line2"], order["address_line3"]) == ("1 A", "2 B", "3 C, 4 D")
    assert order["address_type"] == 2
    assert order["items"][0]["quantity"] == 3
    assert order["items"][0]["unit_price"] == "41.50"
    assert order["remark"] == f"DSCO {raw['dscoOrderId']} PO {raw['poNumber']}"
    assert order["wid"]
    assert order["logistics_type_id"]


def test_a_cancelled_part_is_left_out(sandbox):
    lines = [
        {"sku": "HP-LAMP-01", "quantity": 3, "cancelledQuantity": 1},
        {"sku": "HP-RUG-90", "quantity": 1, "cancelledQuantity": 1},
    ]
    raw = sandbox.dsco.add_order(lines=lines)
    map_everything(sandbox)
    bring_in(sandbox, raw)
    push()
    assert [item["quantity"] for item in sent_orders(sandbox)[0]["items"]] == [2]


@pytest.mark.parametrize("kind", ["timeout_after", "reset_after", "error_after", "broken_json_after", "html_after"])
def test_a_lost_reply_never_doubles_an_order(sandbox, orders, clock, kind):
    sandbox.lingxing.allow_duplicates = True  # our own look-up must suffice
    sandbox.faults.add(Fault("lingxing", "create_orders", kind, seconds=3))
    push_until_settled(clock)
    assert [made(sandbox, raw) for raw in orders] == [1, 1, 1, 1]
    assert {row(raw).status for raw in orders} == {"succeeded"}
    assert OrderErpLink.objects.count() == 4


@pytest.mark.parametrize("kind", ["timeout_before", "reset_before", "error_before", "throttled", "unauthorized"])
def test_a_request_that_never_arrived_is_repeated(sandbox, orders, clock, kind):
    sandbox.faults.add(Fault("lingxing", "create_orders", kind, seconds=3))
    push_until_settled(clock)
    assert [made(sandbox, raw) for raw in orders] == [1, 1, 1, 1]
    assert {row(raw).status for raw in orders} == {"succeeded"}


def test_a_batch_applied_by_half_is_completed_and_not_doubled(sandbox, orders, clock):
    sandbox.faults.add(Fault("lingxing", "create_orders", "partial_apply"))
    push_until_settled(clock)
    assert [made(sandbox, raw) for raw in orders] == [1, 1, 1, 1]


def test_an_order_that_exists_in_lingxing_is_adopted(sandbox, orders):
    push()
    sandbox.lingxing.allow_duplicates = True  # our own look-up must suffice
    ErpPush.objects.update(status="due", due_at=timezone.now(), remote_reference="")
    ErpOrder.objects.all().delete()
    push()
    assert [made(sandbox, raw) for raw in orders] == [1, 1, 1, 1]
    assert row(orders[0]).remote_reference
    assert OrderErpLink.objects.count() == 4


@pytest.mark.parametrize("end", ["cancel", "delete"])
def test_an_order_that_lingxing_cancelled_or_deleted_is_not_created_a_second_time(sandbox, orders, end):
    push()
    number = orders[0]["dscoOrderId"]
    getattr(sandbox.lingxing, end)(number)
    sandbox.lingxing.allow_duplicates = True
    ErpPush.objects.update(status="due", due_at=timezone.now(), remote_reference="")
    push()
    assert (row(orders[0]).status, row(orders[0]).reason_code) == ("needs_attention", "exists_cancelled")
    assert row(orders[1]).status == "succeeded"
    assert made(sandbox, orders[0]) == 1


def test_an_order_that_the_reply_does_not_mention_is_verified_and_not_doubled(sandbox, orders, clock, monkeypatch):
    from integrations.lingxing import LingXingClient

    create = LingXingClient.create_orders

    def forgetful(self, store_id, bodies):
        result = create(self, store_id, bodies)
        result.created.pop(orders[0]["dscoOrderId"], None)
        return result

    sandbox.lingxing.allow_duplicates = True
    monkeypatch.setattr(LingXingClient, "create_orders", forgetful)
    push()
    assert (row(orders[0]).status, row(orders[0]).last_error_code) == ("uncertain", "not_in_reply")
    push_until_settled(clock)
    assert [made(sandbox, raw) for raw in orders] == [1, 1, 1, 1]
    assert {row(raw).status for raw in orders} == {"succeeded"}


def test_one_refused_order_fails_alone_with_the_vendors_words(sandbox, orders):
    sandbox.lingxing.refuse_order(orders[1]["dscoOrderId"], "仓库不支持该地址")
    push()
    bad = row(orders[1])
    assert (bad.status, bad.last_error_code) == ("failed", "refused")
    assert "仓库不支持该地址" in bad.last_error
    assert [row(raw).status for raw in (orders[0], *orders[2:])] == ["succeeded"] * 3


def test_an_order_refused_after_a_doubtful_attempt_is_verified_once_more(sandbox, orders, clock):
    sandbox.faults.add(Fault("lingxing", "create_orders", "reset_before"))
    push()
    assert row(orders[1]).status == "uncertain"
    sandbox.lingxing.refuse_order(orders[1]["dscoOrderId"])
    push_until_settled(clock)
    assert (row(orders[1]).status, row(orders[1]).last_error_code) == ("failed", "refused")
    seen = Attempt.objects.filter(kind="erp_push", delivery_id=row(orders[1]).pk, error_code="refused_maybe_duplicate")
    assert seen.exists()
    assert row(orders[0]).status == "succeeded"


def test_a_missing_mapping_parks_the_order_and_adding_it_releases_it(sandbox):
    raw = sandbox.dsco.add_order(lines=[{"sku": "RARE", "quantity": 1}])
    other = sandbox.dsco.add_order(lines=[{"sku": "HP-RUG-90", "quantity": 1}])
    map_everything(sandbox, without_skus=("RARE",))
    bring_in(sandbox, raw, other)
    push()
    parked = row(raw)
    assert (parked.status, parked.reason_code) == ("needs_attention", "unmapped_sku")
    assert "RARE" in parked.last_error
    assert row(other).status == "succeeded"
    assert push().counts["released"] == 0
    map_everything(sandbox)
    assert push().counts["released"] == 1
    assert row(raw).status == "succeeded"


def test_every_missing_mapping_is_named(sandbox):
    raw = sandbox.dsco.add_order()
    bring_in(sandbox, raw)
    push()
    parked = row(raw)
    assert parked.reason_code == "unmapped_store"
    for code in (raw["dscoRetailerId"], raw["lineItems"][0]["sku"], "EAST"):
        assert code in parked.last_error
    assert ApiCall.objects.count() == 0


@pytest.mark.parametrize(
    ("shipping", "missing"),
    [
        ({"country": None}, "country"),
        ({"city": " "}, "city"),
        ({"address": [], "address1": None, "address2": None}, "street"),
        ({"name": None, "firstName": None, "lastName": "\n"}, "name"),
    ],
)
def test_an_incomplete_address_needs_attention_and_nothing_is_invented(sandbox, shipping, missing):
    raw = sandbox.dsco.add_order()
    raw["shipping"] |= shipping
    map_everything(sandbox)
    bring_in(sandbox, raw)
    push()
    assert row(raw).reason_code == "missing_address"
    assert missing in row(raw).last_error
    assert made(sandbox, raw) == 0


def test_a_line_without_any_price_needs_attention(sandbox):
    prices = {"consumerPrice": None, "retailPrice": None, "expectedCost": None}
    raw = sandbox.dsco.add_order(lines=[{"sku": "HP-LAMP-01", "quantity": 1}, {"sku": "HP-RUG-90", "quantity": 1}])
    raw["lineItems"][1] |= prices
    map_everything(sandbox)
    bring_in(sandbox, raw)
    push()
    assert row(raw).reason_code == "missing_price"
    assert "Line 2 (SKU HP-RUG-90)" in row(raw).last_error


def test_the_price_field_of_the_policy_comes_first(sandbox):
    line = {"sku": "HP-LAMP-01", "quantity": 1, "expectedCost": 9.25, "consumerPrice": 50}
    raw = sandbox.dsco.add_order(lines=[line])
    RetailerPolicy.objects.create(retailer_id=raw["dscoRetailerId"], price_field="expected_cost")
    map_everything(sandbox)
    bring_in(sandbox, raw)
    push()
    assert sent_orders(sandbox)[0]["items"][0]["unit_price"] == "9.25"


def test_a_held_order_waits_and_goes_when_the_hold_ends(sandbox, orders):
    ids = list(Order.objects.filter(dsco_order_id=orders[0]["dscoOrderId"]).values_list("pk", flat=True))
    hold(ids, "address check", "mei")
    push()
    assert (row(orders[0]).status, row(orders[0]).reason_code) == ("waiting", "held")
    assert row(orders[1]).status == "succeeded"
    release_hold(ids, "mei")
    push()
    assert row(orders[0]).status == "succeeded"


@pytest.mark.parametrize(("mode", "reason"), [("off", "policy_off"), ("shadow", "shadow")])
def test_a_retailer_that_is_switched_off_waits_until_it_is_live(sandbox, orders, mode, reason):
    policy = RetailerPolicy.objects.create(retailer_id=orders[0]["dscoRetailerId"], push_mode=mode)
    push()
    assert {row(raw).reason_code for raw in orders} == {reason}
    assert sandbox.requests["lingxing", "create_orders"] == 0
    policy.push_mode = "live"
    policy.save()
    assert push().counts["released"] == 4
    assert {row(raw).status for raw in orders} == {"succeeded"}


def test_a_cancellation_known_before_the_call_wins(sandbox, orders):
    Order.objects.filter(dsco_order_id=orders[0]["dscoOrderId"]).update(cancel_requested=True)
    Order.objects.filter(dsco_order_id=orders[1]["dscoOrderId"]).update(dsco_status="shipped")
    push()
    assert (row(orders[0]).status, row(orders[0]).reason_code) == ("cancelled", "cancel_requested")
    assert (row(orders[1]).status, row(orders[1]).reason_code) == ("skipped", "already_shipped")
    assert made(sandbox, orders[0]) == made(sandbox, orders[1]) == 0


def test_an_order_whose_cancel_request_was_refused_is_pushed(sandbox, orders):
    order = Order.objects.get(dsco_order_id=orders[0]["dscoOrderId"])
    Order.objects.filter(pk=order.pk).update(cancel_requested=True)
    Cancellation.objects.create(order=order, action="dsco", key="c:1", status="skipped", reason_code="staff")
    push()
    assert row(orders[0]).status == "succeeded"


def test_two_orders_with_one_po_number_in_one_store_need_a_person(sandbox, settings):
    settings.LINGXING_ORDER_NUMBER_FIELD = "po_number"
    raws = [sandbox.dsco.add_order(po_number="SAME") for _ in range(2)] + [sandbox.dsco.add_order()]
    elsewhere = sandbox.dsco.add_order(po_number="SAME", retailer="1000041002")
    map_everything(sandbox)
    bring_in(sandbox, *raws, elsewhere)
    push()
    assert [row(raw).reason_code for raw in raws] == ["same_order_number", "same_order_number", ""]
    assert row(elsewhere).status == "succeeded"
    staff.skip("erp_push", [row(raws[0]).pk], "mei", "made by hand")
    staff.retry("erp_push", [row(raws[1]).pk], "mei")
    push()
    assert row(raws[1]).status == "succeeded"
    assert row(raws[1]).remote_reference != row(elsewhere).remote_reference


def test_wrong_credentials_stop_the_flow_and_blame_no_order(sandbox, orders):
    sandbox.faults.add(Fault("lingxing", "*", "forbidden_ip", times=0))
    result = push()
    assert result.status == "stopped"
    assert {row(raw).status for raw in orders} == {"due"}


def test_a_store_of_its_own_gets_a_call_of_its_own(sandbox, settings):
    settings.PUSH_BATCH_SIZE = 3
    raws = [*sandbox.dsco.add_orders(5), sandbox.dsco.add_order(retailer="1000041002")]
    map_everything(sandbox)
    bring_in(sandbox, *raws)
    push()
    assert sandbox.requests["lingxing", "create_orders"] == 3
    assert ErpPush.objects.filter(status="succeeded").count() == 6


def test_an_order_with_four_hundred_lines_goes(sandbox):
    raw = sandbox.dsco.add_order(lines=[{"sku": f"BULK-{number}", "quantity": 1} for number in range(400)])
    map_everything(sandbox)
    bring_in(sandbox, raw)
    push()
    assert row(raw).status == "succeeded"


def test_only_the_named_orders_are_pushed(sandbox, orders):
    push(order_ids=[orders[2]["dscoOrderId"]])
    assert [row(raw).status for raw in orders] == ["due", "due", "succeeded", "due"]


def test_an_order_without_warehouse_is_left_to_lingxings_rules(sandbox):
    raw = sandbox.dsco.add_order(warehouse=None)
    raw |= dict.fromkeys([name for name in raw if name.lower().endswith("warehousecode")])
    map_everything(sandbox)
    bring_in(sandbox, raw)
    push()
    assert row(raw).status == "succeeded"


def test_a_row_that_lingxing_garbles_is_never_taken_for_absence(sandbox, orders, monkeypatch):
    from integrations.lingxing import LingXingClient

    look_up = LingXingClient.orders_by_platform_numbers

    def garbled(self, numbers, **options):
        rows = look_up(self, numbers, **options)
        from integrations.lingxing.rows import UnreadableRow

        rows.unreadable.append(UnreadableRow("global_order_no: missing", "", (orders[0]["dscoOrderId"],)))
        return rows

    monkeypatch.setattr(LingXingClient, "orders_by_platform_numbers", garbled)
    push()
    assert (row(orders[0]).status, row(orders[0]).last_error_code) == ("due", "incomplete_look_up")
    assert made(sandbox, orders[0]) == 0
    assert row(orders[1]).status == "succeeded"


def test_the_mappings_of_a_file_release_what_waited_for_them(sandbox):
    raw = sandbox.dsco.add_order()
    bring_in(sandbox, raw)
    push()
    save_mappings(MappingFile(stores={raw["dscoRetailerId"]: 1}))
    assert push().counts["released"] == 0
    map_everything(sandbox)
    assert push().counts["released"] == 1
