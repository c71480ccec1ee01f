"""Reading an order again, and comparing it live with both vendors."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from django_q.models import OrmQ

from integrations.dsco import DscoClient
from integrations.models import ApiCall
from integrations.sandbox.faults import Fault
from integrations.sandbox.sandbox import Sandbox
from orders.comparison import compare_live
from orders.intake import store_page
from orders.models import ErpOrder, Order, OrderEvent, Package
from orders.order_story import with_steps
from tests.orders.factories import raw_order, stored
from tests.orders.journeys import run

from .conftest import act, told

LINES = [{"sku": "HP-LAMP-01", "quantity": 2}]


@pytest.fixture
def order(world: Sandbox, clock: Any) -> Order:
    """An order that is in LingXing."""
    raw = world.dsco.add_order(lines=LINES)
    store_page([DscoClient.from_settings().get_order(raw["dscoOrderId"])], timezone.now())
    run("push_orders")
    clock.advance(15)
    return fresh(raw["dscoOrderId"])


def fresh(dsco_order_id: str) -> Order:
    return with_steps(Order.objects.all()).get(dsco_order_id=dsco_order_id)


def queued() -> list[dict[str, Any]]:
    """The flows that were handed to the workers."""
    return [{"name": task.task["args"][0]} for task in OrmQ.objects.all()]


def compared(order: Order) -> dict[str, tuple[str | None, ...]]:
    return {row.title: tuple(cell.text for cell in row.cells) for row in compare_live(order).rows}


def different(order: Order) -> dict[str, tuple[str | None, ...]]:
    return {row.title: tuple(cell.text for cell in row.cells) for row in compare_live(order).rows if row.differs}


def shown(browser: Client, order: Order, **headers: str) -> Any:
    return browser.post(reverse("admin:orders_order_compare", args=[order.pk]), headers=headers)


class TestReadingAgain:
    def test_from_dsco_takes_what_changed(self, world: Sandbox, order: Order, operator: Client) -> None:
        world.dsco.change_order(order.dsco_order_id, consumerOrderNumber="C-77")
        answer = act(operator, order, "reread-dsco")
        order.refresh_from_db()
        assert order.consumer_order_number == "C-77"
        assert "it had changed" in told(answer)
        event = OrderEvent.objects.get(order=order)
        assert (event.kind, event.actor, event.text) == ("staff", "mei", "Read again from DSCO: it had changed.")
        assert "consumerOrderNumber" in answer.text
        assert ApiCall.objects.filter(operation="get_order", flow_run=None).exists()

    def test_from_dsco_says_when_nothing_is_new(self, order: Order, operator: Client) -> None:
        act(operator, order, "reread-dsco")
        assert "nothing new" in told(act(operator, order, "reread-dsco"))

    def test_an_order_that_the_vendors_do_not_know_is_said(self, world: Sandbox, operator: Client) -> None:
        stranger = stored(raw_order())
        assert "DSCO does not know this order." in told(act(operator, stranger, "reread-dsco"))
        assert f"no order with the number {stranger.dsco_order_id}" in told(act(operator, stranger, "reread-lingxing"))

    def test_from_lingxing_takes_the_status(self, world: Sandbox, order: Order, operator: Client) -> None:
        world.lingxing.audit(order.dsco_order_id)
        answer = act(operator, order, "reread-lingxing")
        assert ErpOrder.objects.get().status == 5
        assert ErpOrder.objects.get().global_order_no in told(answer)
        assert OrderEvent.objects.get(order=order).actor == "mei"

    def test_from_lingxing_takes_outbound_orders_and_packages_and_says_what_changed(
        self, world: Sandbox, order: Order, operator: Client
    ) -> None:
        act(operator, order, "reread-lingxing")
        assert "Nothing has changed" in told(act(operator, order, "reread-lingxing"))
        world.lingxing.audit(order.dsco_order_id)
        world.lingxing.ship(order.dsco_order_id)
        text = told(act(operator, order, "reread-lingxing"))
        package = Package.objects.get(order=order)
        assert (package.shipped, package.lines.get().quantity) == (True, 2)
        assert f"New outbound order {package.wo_number}: {package.tracking_number}" in text
        assert "To be reviewed" in text
        assert "Shipped in LingXing" in text
        assert order.shipment.status == "waiting"  # what follows is left to the flow
        assert {task["name"] for task in queued()} == {"acknowledge_orders", "report_shipments", "apply_cancellations"}

    def test_a_deleted_outbound_order_no_longer_counts(self, world: Sandbox, order: Order, operator: Client) -> None:
        world.lingxing.audit(order.dsco_order_id)
        world.lingxing.ship(order.dsco_order_id)
        act(operator, order, "reread-lingxing")
        for row in world.lingxing.outbound.values():
            row["status"] = 4
        act(operator, order, "reread-lingxing")
        assert Package.objects.get(order=order).ignored == "deleted"

    def test_the_calls_that_it_made_stand_in_the_timeline(self, order: Order, operator: Client) -> None:
        page = act(operator, order, "reread-lingxing")
        entry, _state, calls = next(one for one in page.context["entries"] if one[0].actor == "mei")
        assert [call["call"].operation for call in calls] == ["orders_by_platform_numbers", "outbound_orders"]
        assert entry.text.startswith("Read again from LingXing")

    @pytest.mark.parametrize(
        ("name", "vendor", "operation"),
        [("reread-dsco", "dsco", "get_order"), ("reread-lingxing", "lingxing", "list_orders")],
    )
    def test_a_vendor_that_fails_changes_nothing_and_is_said(
        self, name: str, vendor: str, operation: str, world: Sandbox, order: Order, operator: Client
    ) -> None:
        world.faults.add(Fault(vendor, operation, "error_before", times=0))
        answer = act(operator, order, name)
        assert "Nothing was read" in told(answer)
        assert not OrderEvent.objects.exists()


class TestComparison:
    def test_what_agrees_has_no_differences(self, order: Order, operator: Client) -> None:
        act(operator, order, "reread-dsco")
        act(operator, order, "reread-lingxing")
        order = fresh(order.dsco_order_id)
        rows = compared(order)
        number = ErpOrder.objects.get().global_order_no
        assert rows["ERP order number"] == (number, None, number)
        assert rows["Line 1, HP-LAMP-01: to deliver"] == ("2", "2", "2")
        assert not {title for title in different(order) if title.startswith(("Line", "DSCO", "ERP", "Status"))}

    def test_an_order_that_was_split_and_read_again_agrees(
        self, world: Sandbox, order: Order, operator: Client
    ) -> None:
        world.lingxing.split(order.dsco_order_id)
        act(operator, order, "reread-lingxing")
        order = fresh(order.dsco_order_id)
        numbers = {row.global_order_no for row in ErpOrder.objects.filter(deleted=False)}
        assert len(numbers) > 1
        ours, _dsco, theirs = compared(order)["ERP order number"]
        assert set(ours.split(", ")) == set(theirs.split(", ")) == numbers
        assert "ERP order number" not in different(order)

    def test_what_differs_is_marked_against_ours(self, world: Sandbox, order: Order, operator: Client) -> None:
        world.dsco.change_order(order.dsco_order_id, poNumber="PO-OTHER")
        world.lingxing.audit(order.dsco_order_id)
        world.lingxing.ship(order.dsco_order_id)
        found = different(order)
        assert found["PO number"] == (order.po_number, "PO-OTHER", None)
        assert found["Status in LingXing"][2] == "Shipped in LingXing"
        assert found["Line 1, HP-LAMP-01: shipped"] == ("0", "0", "2")
        text = shown(operator, order).text
        assert text.count('class="ob-label ob-warning">differs<') == sum(
            cell.differs for row in compare_live(order).rows for cell in row.cells
        )

    def test_the_vendors_states_are_said_in_words_with_their_own_beside(self, order: Order, operator: Client) -> None:
        rows = {row.title: row for row in compare_live(order).rows}
        in_lingxing = rows["Status in LingXing"].lingxing
        assert (in_lingxing.text, in_lingxing.code) == ("To be reviewed", "4")
        assert (rows["DSCO status"].dsco.text, rows["DSCO status"].dsco.code) == ("Created", "created")
        with translation.override("zh-hans"):
            rows = {row.title: row for row in compare_live(order).rows}
            assert (rows["DSCO 状态"].dsco.text, rows["DSCO 状态"].dsco.code) == ("已创建", "created")
        assert 'Created <code class="ob-quiet">created</code>' in shown(operator, order).text

    def test_the_script_gets_the_part_and_others_a_page(self, order: Order, operator: Client) -> None:
        assert "<html" not in shown(operator, order, **{"X-Requested-With": "fetch"}).text
        assert "<html" in shown(operator, order).text
        assert operator.get(reverse("admin:orders_order_compare", args=[order.pk])).status_code == 405

    def test_a_vendor_that_fails_is_said_and_the_other_is_shown(
        self, world: Sandbox, order: Order, operator: Client
    ) -> None:
        world.faults.add(Fault("dsco", "get_order", "error_before", times=0))
        text = shown(operator, order).text
        assert "DSCO could not be read" in text
        comparison = compare_live(order)
        assert not comparison.lingxing_problem
        row = next(row for row in comparison.rows if row.title == "Line 1, HP-LAMP-01: to deliver")
        assert [cell.text for cell in row.cells] == ["2", None, "2"]

    def test_an_order_that_neither_knows(self, world: Sandbox, operator: Client) -> None:
        stranger = stored(raw_order())
        comparison = compare_live(fresh(stranger.dsco_order_id))
        assert comparison.dsco_problem == "DSCO does not know this order."
        assert "LingXing shows no order" in comparison.lingxing_problem
        assert comparison.different == 0
        assert "Nothing could be compared." in shown(operator, stranger).text

    def test_both_calls_stand_in_the_call_log(self, order: Order) -> None:
        before = ApiCall.objects.count()
        compare_live(order)
        made = ApiCall.objects.order_by("pk")[before:]
        assert {call.operation for call in made} >= {"get_order", "orders_by_platform_numbers", "outbound_orders"}

    def test_the_consumer_is_masked_for_viewers(self, order: Order, operator: Client, viewer: Client) -> None:
        name = order.payload["shipping"]["name"]
        assert name in shown(operator, order).text
        text = shown(viewer, order).text
        assert name not in text
        assert "***" in text

    def test_missing_credentials_are_a_sentence(self, order: Order, settings: Any) -> None:
        settings.DSCO_CLIENT_ID = ""
        assert "DSCO_CLIENT_ID is not set" in compare_live(order).dsco_problem
