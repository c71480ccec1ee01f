"""Flows, exceptions by cause, events since a cursor, order sources and shipping types."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone
from django_q.models import OrmQ

from integrations.causes import refresh_causes
from integrations.deliveries.states import State
from integrations.models import Attempt, Flow, LingXingEntry
from orders.events import comment
from orders.models import OrderEvent, Shipment, ShippingMapping, Store, StoreMapping
from tests.staff.packages.world import make_order

from .conftest import Caller, caller
from .test_actions import ok
from .test_tokens import problem

pytestmark = pytest.mark.django_db


class TestFlows:
    def test_every_flow_is_listed_in_the_order_of_a_whole_pass(self, boss: Caller) -> None:
        shown = ok(boss.get("flows/"))
        assert [row["name"] for row in shown["results"]][:2] == ["pull_orders", "push_orders"]
        assert shown["workers_alive"] is False
        assert ok(boss.get("flows/push_orders/"))["delivers"] == "erp_push"
        assert problem(boss.get("flows/nothing/"), 404)["code"] == "unknown_flow"
        assert ok(boss.get("flows/push_orders/runs/")) == {"results": [], "next_cursor": None}

    def test_pausing_and_resuming_stand_in_the_audit_trail_like_in_the_admin(self, boss: Caller) -> None:
        paused = ok(boss.post("flows/push_orders/pause/", {"reason": "stocktaking"}))
        assert (paused["paused"], paused["pause_reason"]) == (True, "stocktaking (boss)")
        assert problem(boss.post("flows/push_orders/pause/", {"reason": "x"}), 409)["code"] == "already_paused"
        assert not ok(boss.post("flows/push_orders/resume/"))["paused"]
        assert problem(boss.post("flows/push_orders/resume/"), 409)["code"] == "not_paused"
        said = [
            (entry.user.username, entry.change_message.split("\x1f")[0]) for entry in LogEntry.objects.order_by("pk")
        ]
        assert said == [("boss", "Paused. stocktaking"), ("boss", "Resumed.")]

    def test_a_run_is_handed_to_the_workers_unless_one_is_under_way(self, boss: Caller) -> None:
        assert boss.post("flows/push_orders/run/").status_code == 202
        assert boss.post("flows/push_orders/run/", {"order_ids": ["7000005"]}).status_code == 202
        assert OrmQ.objects.count() == 2
        assert problem(boss.post("flows/sync_inventory/run/", {"order_ids": ["1"]}), 400)["errors"]
        Flow.objects.update(lease_token="x", lease_holder="a", lease_until=timezone.now() + timedelta(minutes=1))
        assert problem(boss.post("flows/push_orders/run/"), 409)["code"] == "already_running"
        assert problem(caller("li", "view_flow").post("flows/push_orders/run/"), 403)


class TestExceptions:
    def test_a_cause_tells_what_to_do_and_is_settled_as_a_whole(self, boss: Caller) -> None:
        first, second = make_order("9100001"), make_order("9100002")
        refresh_causes(timezone.now())
        [cause] = ok(boss.get("exceptions/?kind=shipment"))["results"]
        assert (cause["code"], cause["open"]) == ("several_packages", 2)
        assert cause["what_to_do"]
        rows = ok(boss.get(f"exceptions/{cause['id']}/deliveries/"))["results"]
        assert [row["dsco_order_id"] for row in rows] == ["9100001", "9100002"]
        done = ok(boss.post(f"exceptions/{cause['id']}/skip/", {"ids": [first.pk], "reason": "portal"}))
        assert (done["changed"], done["left"]) == (1, 1)
        done = ok(boss.post(f"exceptions/{cause['id']}/retry/"))
        assert (done["changed"], done["left"]) == (1, 0)
        assert Shipment.objects.get(pk=second.pk).status == State.DUE
        assert ok(boss.get("exceptions/"))["results"] == []
        assert [row["id"] for row in ok(boss.get("exceptions/?tab=closed"))["results"]] == [cause["id"]]
        assert LogEntry.objects.count() == 2
        assert problem(boss.get("exceptions/999/deliveries/"), 404)["code"] == "unknown_cause"


class TestEvents:
    def test_a_reader_who_keeps_the_cursor_is_told_everything_once_and_in_order(self, boss: Caller, clock: Any) -> None:
        shipment = make_order()
        for number in range(5):
            comment(shipment.order_id, f"comment {number}", "mei")
            Attempt.objects.create(
                kind="shipment", delivery_id=shipment.pk, action="send", started_at=timezone.now(), outcome="failed"
            )
            clock.advance(1)
        assert ok(boss.get("events/"))["results"] == []  # not settled yet
        clock.advance(10)
        told, path, more = [], "events/?limit=3", True
        while more:
            page = ok(boss.get(path))
            told += page["results"]
            path, more = f"events/?limit=3&cursor={page['cursor']}", page["more"]
        assert len(told) == 10
        assert [one["at"] for one in told] == sorted(one["at"] for one in told)
        assert {one["dsco_order_id"] for one in told} == {shipment.order.dsco_order_id}
        assert {one["delivery_key"] for one in told if one["source"] == "delivery"} == {shipment.key}
        assert ok(boss.get(path))["results"] == []

    def test_what_committed_late_with_a_smaller_number_is_not_missed(self, boss: Caller, clock: Any) -> None:
        order = make_order().order
        comment(order.pk, "late", "mei")
        comment(order.pk, "early", "mei")
        late = OrderEvent.objects.get(text="late")
        OrderEvent.objects.filter(pk=late.pk).delete()  # its transaction has not committed yet …
        page = ok(boss.get("events/"))
        late.save(force_insert=True)  # … and does now
        clock.advance(11)
        assert [one["text"] for one in ok(boss.get(f"events/?cursor={page['cursor']}"))["results"]] == ["late", "early"]

    def test_a_foreign_cursor_is_refused(self, boss: Caller) -> None:
        for cursor in ("abc", "W10", "WzFd", "WyJhIiwxXQ"):
            assert problem(boss.get(f"events/?cursor={cursor}"), 400)["code"] == "bad_cursor"


class TestLists:
    def test_order_sources_are_the_retailers_with_their_stores(self, boss: Caller) -> None:
        make_order()
        make_order("9100002", retailer_id="R2", retailer_name="Alder Market")
        store = Store.objects.create(store_id="110000000000000001", name="DSCO store")
        StoreMapping.objects.create(retailer_id="R1", store=store)
        found = ok(boss.get("order-sources/"))["results"]
        assert [(one["name"], one["store_id"]) for one in found] == [
            ("Alder Market", None), ("Northgate Home", "110000000000000001"),
        ]  # fmt: skip

    def test_shipping_types_are_lingxings_with_the_codes_that_mean_them(self, boss: Caller) -> None:
        LingXingEntry.objects.create(list="logistics_types", code="825", name="Ground", read_at=timezone.now())
        ShippingMapping.objects.create(warehouse_code="EAST", service_level="*", logistics_type_id="825")
        [found] = ok(boss.get("shipping-types/"))["results"]
        assert found["mapped_from"] == [{"warehouse_code": "EAST", "service_level": None}]


@pytest.mark.parametrize("path", ["flows/", "exceptions/", "events/", "order-sources/", "shipping-types/"])
def test_lists_need_few_queries_however_long(path: str, boss: Caller, django_assert_max_num_queries: Any) -> None:
    from tests.admin.seed import seed

    seed(60)
    boss.get(path)
    with django_assert_max_num_queries(14):
        assert boss.get(path).status_code == 200
