"""Mappings in bulk; stock levels, differences, and telling DSCO the stock of certain items."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.flows import run_flow
from integrations.models import Flow
from integrations.sandbox.sandbox import Sandbox
from inventory.models import SkuMapping, StockItem, StockLevel, StockUpdate, WarehouseMapping
from tests.inventory.conftest import sell_out, shown, told

from .conftest import Caller, caller
from .test_actions import ok
from .test_tokens import problem

pytestmark = pytest.mark.django_db
LAMP = "HP-LAMP-01"


class TestMappings:
    def test_they_are_counted_in_a_dry_run_and_written_as_a_whole_with_the_users_name(self, boss: Caller) -> None:
        body = {"skus": {"A": "LX-A", "B": "LX-B"}, "warehouses": {"EAST": "50"}, "stores": {"R1": "11"}}
        counted = ok(boss.post("mappings/", body | {"dry_run": True}))
        assert counted["skus"] == {"created": 2, "updated": 0, "unchanged": 0}
        assert not SkuMapping.objects.exists()
        assert ok(boss.post("mappings/", body))["skus"]["created"] == 2
        assert ok(boss.post("mappings/", {"skus": {"A": "LX-A2", "B": "LX-B"}}))["skus"] == {
            "created": 0, "updated": 1, "unchanged": 1,
        }  # fmt: skip
        row = SkuMapping.objects.get(dsco_sku="A")
        assert {entry.history_user.username for entry in row.history.all()} == {"boss"}
        assert "token of boss" in row.history.first().history_change_reason
        assert ok(boss.get("mappings/skus/"))["results"][0] == {"code": "A", "id": "LX-A2"}
        assert ok(boss.get("mappings/stores/"))["results"] == [{"code": "R1", "id": "11"}]

    def test_one_bad_entry_refuses_all_and_every_problem_is_named(self, boss: Caller) -> None:
        told = problem(boss.post("mappings/", {"skus": {"A": 1.5, "B": ""}, "shipping": {"X": "1"}}), 400)
        assert len(told["errors"]) == 3
        assert problem(boss.post("mappings/", {"sku": {}}), 400)["errors"][0]["code"] == "unknown"
        assert not SkuMapping.objects.exists()

    def test_each_section_needs_the_permissions_that_the_admin_asks_for(self) -> None:
        li = caller("li", "add_skumapping", "change_skumapping", "view_skumapping")
        ok(li.post("mappings/", {"skus": {"A": "LX-A"}}))
        body = {"skus": {"B": "LX-B"}, "warehouses": {"EAST": "50"}}
        assert "warehousemapping" in problem(li.post("mappings/", body), 403)["detail"]
        assert SkuMapping.objects.count() == 1
        assert problem(li.get("mappings/warehouses/"), 403)

    def test_what_could_mean_two_things_is_refused(self, boss: Caller) -> None:
        for content in ('{"skus": {"A": "1", "A": "2"}}', '{"skus": {"A": NaN}}', '{"skus": "\\u0000"}',
                        '{"skus": {"\\ud800": "1"}}', "[" * 100_000, "{", '"text"', "3"):  # fmt: skip
            answer = boss.client.post(
                "/api/v1/mappings/", content, content_type="application/json",
                headers={"Authorization": f"Bearer {boss.secret}", "Idempotency-Key": "k"},
            )  # fmt: skip
            assert problem(answer, 400), content
        large = '{"skus": {"A": "%s"}}' % ("x" * 5_000_000)
        answer = boss.client.post(
            "/api/v1/mappings/", large, content_type="application/json",
            headers={"Authorization": f"Bearer {boss.secret}", "Idempotency-Key": "k"},
        )  # fmt: skip
        assert problem(answer, 413)


class TestReading:
    def test_levels_are_limited_by_warehouse_sku_and_date(self, boss: Caller) -> None:
        now = timezone.now()
        for wid, sku in (("50", "LX-A"), ("51", "LX-A"), ("50", "LX-B")):
            StockLevel.objects.create(wid=wid, erp_sku=sku, available=3, read_at=now)
        WarehouseMapping.objects.create(dsco_code="EAST", wid="50")
        assert len(ok(boss.get("stock/levels/"))["results"]) == 3
        assert len(ok(boss.get("stock/levels/?warehouse_id=50"))["results"]) == 2
        assert len(ok(boss.get("stock/levels/?warehouse_code=EAST&erp_sku=LX-B"))["results"]) == 1
        assert ok(boss.get("stock/levels/?read_until=2001-01-01T00:00:00Z"))["results"] == []

    def test_only_differences_are_told_unless_all_are_asked_for(self, boss: Caller) -> None:
        now = timezone.now()
        for sku, confirmed, confirmed_at in (
            ("SAME", {"EAST": 1, "WEST": 2}, now), ("LESS", {"EAST": 4, "WEST": 2}, now), ("NEVER", {}, None),
        ):  # fmt: skip
            StockItem.objects.create(
                dsco_sku=sku, target={"EAST": 1, "WEST": 2}, confirmed=confirmed, confirmed_at=confirmed_at,
                target_at=now,
            )  # fmt: skip
        rows = {row["dsco_sku"]: row for row in ok(boss.get("stock/differences/"))["results"]}
        assert set(rows) == {"LESS", "NEVER"}
        assert rows["LESS"]["changes"] == {"EAST": -3}
        assert [row["dsco_sku"] for row in ok(boss.get("stock/differences/?warehouse_code=WEST"))["results"]] == [
            "NEVER"
        ]
        assert len(ok(boss.get("stock/differences/?all=true"))["results"]) == 3


class TestSync:
    @pytest.fixture
    def ready(self, world: Sandbox) -> Sandbox:
        """Everything was synchronised a moment ago."""
        assert run_flow("sync_inventory").status == "succeeded"
        return world

    def send(self) -> Any:
        """What the workers do with the task that was handed to them."""
        return run_flow("sync_inventory", trigger="boss", order_ids=[LAMP])

    def test_it_is_a_dry_run_unless_said_otherwise(self, boss: Caller, ready: Sandbox) -> None:
        StockLevel.objects.filter(erp_sku=f"LX-{LAMP}", wid="50").update(available=7)
        shown_ = ok(boss.post("stock/sync/", {"skus": [LAMP]}))
        assert shown_["dry_run"]
        assert shown_["items"][0]["changes"] == {"EAST": -93}
        assert shown_["sending"] == []
        assert StockItem.objects.get(dsco_sku=LAMP).target["EAST"] == 100

    def test_named_skus_are_told_as_computed_and_others_are_left_alone(self, boss: Caller, ready: Sandbox) -> None:
        StockLevel.objects.filter(wid="50").update(available=7)
        before = len(told(ready))
        assert ok(boss.post("stock/sync/", {"skus": [LAMP], "dry_run": False}))["sending"] == [LAMP]
        assert StockUpdate.objects.filter(status="due").count() == 1
        self.send()
        assert shown(ready, LAMP) == {"EAST": 7, "WEST": 100}
        assert told(ready)[before:] == [LAMP]

    def test_given_quantities_are_told_once_and_hold_until_the_next_synchronisation(
        self, boss: Caller, ready: Sandbox
    ) -> None:
        item = {"dsco_sku": LAMP, "quantities": {"EAST": 2, "WEST": 0}}
        ok(boss.post("stock/sync/", {"items": [item], "dry_run": False}, key="one"))
        ok(boss.post("stock/sync/", {"items": [item], "dry_run": False}, key="one"))
        self.send()
        assert shown(ready, LAMP) == {"EAST": 2, "WEST": 0}
        assert StockUpdate.objects.filter(item__dsco_sku=LAMP).count() == 2
        run_flow("sync_inventory")
        assert shown(ready, LAMP) == {"EAST": 100, "WEST": 100}

    def test_while_the_flow_runs_or_is_paused_nothing_is_taken(self, boss: Caller, ready: Sandbox) -> None:
        body = {"skus": [LAMP], "dry_run": False}
        soon = timezone.now() + timedelta(minutes=1)
        Flow.objects.filter(name="sync_inventory").update(lease_token="x", lease_holder="a", lease_until=soon)
        running = problem(boss.post("stock/sync/", body), 409)
        assert (running["code"], running["type"]) == ("already_running", "/api/problems/already_running/")
        Flow.objects.filter(name="sync_inventory").update(lease_token="", paused=True, pause_reason="stocktaking")
        paused = problem(boss.post("stock/sync/", body), 409)
        assert (paused["code"], paused["type"]) == ("flow_paused", "/api/problems/not_possible/")

    def test_figures_from_an_old_read_are_not_told(self, boss: Caller, ready: Sandbox, clock: Any) -> None:
        clock.advance(16 * 60)
        body = {"skus": [LAMP], "dry_run": False}
        assert "orders" in problem(boss.post("stock/sync/", body), 409)["detail"]
        assert "orders" in ok(boss.post("stock/sync/", {"skus": [LAMP]}))["remarks"][0]
        clock.advance(16 * 60)
        assert problem(boss.post("stock/sync/", body), 409)["code"] == "stale"

    def test_very_many_zeros_need_a_persons_word(self, boss: Caller, ready: Sandbox) -> None:
        skus = list(SkuMapping.objects.order_by("pk").values_list("dsco_sku", flat=True)[:3])
        items = [{"dsco_sku": sku, "quantities": {"EAST": 0, "WEST": 0}} for sku in skus]
        body = {"items": items, "dry_run": False}
        assert problem(boss.post("stock/sync/", body), 409)["code"] == "stock_drop"
        assert not StockUpdate.objects.exclude(status="succeeded").exists()
        ok(boss.post("stock/sync/", body | {"approve_zero": True}))
        assert StockUpdate.objects.filter(status="due", drop_approved=True).count() == 3
        sell_out(ready, *skus)

    def test_mistakes_are_named_and_a_thousand_items_are_the_most(self, boss: Caller, ready: Sandbox) -> None:
        [fault] = problem(boss.post("stock/sync/", {"skus": [LAMP, "nothing"]}), 400)["errors"]
        assert (fault["where"], fault["code"]) == ("/skus/1", "unknown_sku")
        assert problem(boss.post("stock/sync/", {"skus": [LAMP, LAMP]}), 400)["errors"][0]["code"] == "sku_twice"
        one = {"dsco_sku": LAMP, "quantities": {"EAST": 1}}
        assert problem(boss.post("stock/sync/", {"items": [one]}), 400)["errors"][0]["code"] == "warehouses"
        assert problem(boss.post("stock/sync/", {}), 400)
        assert problem(boss.post("stock/sync/", {"skus": [f"S{n}" for n in range(1001)]}), 400)
