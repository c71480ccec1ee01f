"""Flows for pasted numbers: what was found, who may, the run with its result for each order."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django_q.models import OrmQ

from integrations.bulk import carry_out, prepare
from integrations.flows import run_flow
from integrations.flows.lease import take_lease
from integrations.flows.runner import ensure_flow_row, get_flow
from integrations.models import BulkResult, BulkRow, BulkRun, FlowRun
from integrations.sandbox.faults import Fault
from orders import flow_runs
from orders.models import ErpPush, Order

PAGE = "/admin/orders/order/run-flows/"


class TestPage:
    def test_it_shows_what_was_found_and_what_was_not(self, orders: list[Any], in_role: Any) -> None:
        lead = in_role("lead")
        numbers = f"{orders[0].dsco_order_id}, {orders[1].po_number}\nNOBODYS-1"
        text = lead.post(PAGE, {"numbers": numbers, "flows": ["push_orders"]}).content.decode()
        assert "2 orders were found" in text
        assert "1 number was not found:</strong> NOBODYS-1" in text
        assert orders[0].dsco_order_id in text
        assert "Run for 2 orders" in text
        assert not BulkRun.objects.exists()

    def test_confirmed_it_goes_to_the_workers(self, orders: list[Any], in_role: Any) -> None:
        lead = in_role("lead")
        data = {"numbers": orders[0].dsco_order_id, "flows": ["push_orders", "acknowledge_orders"]}
        answer = lead.post(PAGE, data | {"confirmed": "1", "previewed": "1"}, follow=True)
        run = BulkRun.objects.get()
        assert (run.action, run.total, run.parameters["flows"]) == ("run_flows", 1, data["flows"])
        text = answer.content.decode()
        assert "1 pasted number" in text
        assert "Push orders to LingXing, Acknowledge orders" in text

    def test_nothing_runs_for_another_number_of_orders_than_was_shown(self, orders: list[Any], browser: Any) -> None:
        data = {"numbers": orders[0].dsco_order_id, "flows": ["push_orders"], "confirmed": "1", "previewed": "5"}
        assert "Run for 1 order" in browser.post(PAGE, data).content.decode()
        assert not BulkRun.objects.exists()

    def test_flows_and_numbers_are_asked_for(self, orders: list[Any], browser: Any) -> None:
        assert browser.post(PAGE, {"numbers": "x"}).content.decode().count("This field is required") == 1
        many = " ".join(f"N{number}" for number in range(501))
        assert "at most 500" in browser.post(PAGE, {"numbers": many, "flows": ["push_orders"]}).content.decode()
        assert "sync_inventory" not in browser.get(PAGE).content.decode(), "stock cannot be limited to orders"

    def test_a_flow_can_be_chosen_beforehand(self, browser: Any) -> None:
        form = browser.get(f"{PAGE}?flow=report_invoices").context["form"]
        assert form["flows"].value() == ["report_invoices"]

    @pytest.mark.parametrize("role", ["viewer", "operator"])
    def test_others_may_not(self, role: str, orders: list[Any], in_role: Any) -> None:
        browser = in_role(role)
        data = {"numbers": orders[0].dsco_order_id, "flows": ["push_orders"], "confirmed": "1", "previewed": "1"}
        assert browser.get(PAGE).status_code == 403
        assert browser.post(PAGE, data).status_code == 403
        assert PAGE not in browser.get("/admin/integrations/flow/").content.decode()

    def test_its_cost_does_not_grow(self, orders: list[Any], browser: Any, django_assert_max_num_queries: Any) -> None:
        numbers = " ".join(order.dsco_order_id for order in orders)
        with django_assert_max_num_queries(30):
            assert (
                "60 orders were found"
                in browser.post(PAGE, {"numbers": numbers, "flows": ["push_orders"]}).content.decode()
            )


class TestRun:
    def run(self, orders: Any, *flows: str) -> dict[str, tuple[str, str]]:
        boss = User.objects.create_superuser("lin", "lin@example.com", "not-a-real-password")
        run = prepare("run_flows", "order", orders, {"flows": list(flows)}, boss)
        assert carry_out(run.pk) == "finished"
        return {row.label: (row.result, row.message) for row in BulkRow.objects.filter(run=run)}

    def test_only_these_orders_and_a_word_about_each(self, world: Any, clock: Any) -> None:
        ids = [str(order["dscoOrderId"]) for order in world.dsco.add_orders(4)]
        clock.advance(15)
        run_flow("pull_orders")
        chosen = Order.objects.filter(dsco_order_id__in=ids[:2])
        results = self.run(chosen, "push_orders", "acknowledge_orders")
        assert set(results) == set(ids[:2])
        for result, message in results.values():
            assert result == BulkResult.CHANGED
            assert "ERP push: Succeeded" in message
        assert ErpPush.objects.filter(status="succeeded").count() == 2
        assert ErpPush.objects.filter(status="due").count() == 2
        run = FlowRun.objects.filter(flow="push_orders").latest("pk")
        assert (run.orders_asked, run.trigger) == (2, "lin")

        again = BulkRun.objects.get()
        second = prepare("run_flows", "order", chosen, {"flows": ["push_orders"]}, again.created_by)
        carry_out(second.pk)
        messages = set(BulkRow.objects.filter(run=second).values_list("result", "message"))
        (only,) = messages
        assert only[0] == BulkResult.LEFT_OUT
        assert only[1].startswith("nothing changed. acknowledgement: Waiting")

    def test_a_vendor_in_trouble_is_told_on_the_rows(self, world: Any, clock: Any) -> None:
        world.dsco.add_orders(1)
        clock.advance(15)
        run_flow("pull_orders")
        world.faults.add(Fault(vendor="lingxing", operation="*", kind="forbidden_ip", times=0))
        ((result, message),) = self.run(Order.objects.all(), "push_orders").values()
        assert result == BulkResult.FAILED
        assert "3001002" in message

    def test_a_flow_that_runs_for_all_is_waited_for(self, world: Any, clock: Any, monkeypatch: Any) -> None:
        monkeypatch.setattr(flow_runs, "PATIENCE_SECONDS", 0.1)
        monkeypatch.setattr(flow_runs, "LOOK_EVERY_SECONDS", 0.05)
        world.dsco.add_orders(1)
        clock.advance(15)
        run_flow("pull_orders")
        ensure_flow_row(get_flow("push_orders"))
        assert take_lease("push_orders")
        ((result, message),) = self.run(Order.objects.all(), "push_orders").values()
        assert result == BulkResult.FAILED
        assert "try again when that run has ended" in message


def test_no_task_is_made_by_looking(orders: list[Any], browser: Any) -> None:
    before = OrmQ.objects.count()
    browser.get(PAGE)
    assert OrmQ.objects.count() == before
