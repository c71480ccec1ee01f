"""What is worth telling is raised once, and ends when it is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from integrations.alerts.book import describe
from integrations.alerts.tasks import tell_alerts
from integrations.machine import look
from integrations.models import Alert, AlertKind, ApiCall, Flow, FlowRun
from orders.models import Acknowledgement, ErpPush, Invoice, Order, Shipment

from .conftest import START, Time, cause

pytestmark = pytest.mark.django_db


def open_alerts(kind: str = "") -> list[Alert]:
    rows = Alert.objects.filter(ended_at__isnull=True).order_by("pk")
    return list(rows.filter(kind=kind) if kind else rows)


class TestCauses:
    def test_a_new_cause_is_raised_once_and_ends_when_it_closes(self, time: Time) -> None:
        row = cause()
        tell_alerts()
        time.minutes(1)
        tell_alerts()
        (alert,) = open_alerts()
        assert alert.kind == AlertKind.NEW_CAUSE
        assert "SKU … is unknown" in describe(alert)
        assert alert.path.startswith("/admin/integrations/cause/")

        row.closed_at = time.now
        row.save()
        time.minutes(1)
        tell_alerts()
        alert.refresh_from_db()
        assert alert.ended_at == time.now
        assert not open_alerts()

    def test_a_cause_that_comes_back_is_raised_again(self, time: Time) -> None:
        row = cause(closed_at=START)
        tell_alerts()
        assert not Alert.objects.exists()
        for closed in (None, time.now, None):
            row.closed_at = closed
            row.save()
            time.minutes(1)
            tell_alerts()
        assert Alert.objects.count() == 2
        assert len(open_alerts()) == 1


class TestFlows:
    def test_an_overdue_flow_is_raised_and_ends_when_it_runs(self, time: Time) -> None:
        flow = Flow.objects.create(name="push_orders", interval_seconds=120, last_started_at=START)
        time.minutes(9)
        tell_alerts()
        assert not open_alerts()
        time.minutes(2)
        tell_alerts()
        (alert,) = open_alerts(AlertKind.FLOW_OVERDUE)
        assert "2026-03-04 10:00" in describe(alert)
        Flow.objects.filter(pk=flow.pk).update(last_started_at=time.now)
        tell_alerts()
        assert not open_alerts()

    def test_a_paused_flow_is_not_overdue(self, time: Time) -> None:
        Flow.objects.create(name="push_orders", interval_seconds=120, last_started_at=START, paused=True)
        time.minutes(600)
        tell_alerts()
        assert not open_alerts()


class TestVendors:
    """The rule itself stands in ``integrations.machine``; the strip shows by the same."""

    def run(self, at: Any, status: str = "stopped", error: str = "lingxing create_orders: [http_503] busy") -> None:
        FlowRun.objects.create(
            flow="push_orders", status=status, started_at=at, finished_at=at, error=error, error_code="http_503"
        )

    def call(self, at: Any, status: int | None, vendor: str = "dsco") -> None:
        error = "" if status and status < 300 else f"http_{status}"
        ApiCall.objects.create(
            vendor=vendor, operation="x", method="GET", path="/", started_at=at, duration_ms=1, status=status,
            error=error,
        )  # fmt: skip

    @pytest.fixture(autouse=True)
    def flow(self, time: Time) -> Flow:
        return Flow.objects.create(
            name="push_orders", interval_seconds=120, last_started_at=START, last_success_at=START
        )

    def down(self) -> list[str]:
        tell_alerts()
        assert {health.vendor for health in look().vendors if health.needs_action(look().looked_at)} == {
            alert.key for alert in open_alerts(AlertKind.VENDOR_DOWN)
        }
        return [alert.key for alert in open_alerts(AlertKind.VENDOR_DOWN)]

    def test_a_vendor_that_keeps_a_flow_from_working_is_down_until_it_works(self, flow: Flow, time: Time) -> None:
        self.run(START + timedelta(minutes=8))
        time.minutes(9)
        assert self.down() == []
        time.minutes(2)
        self.run(time.now)
        assert self.down() == ["lingxing"]
        (alert,) = open_alerts(AlertKind.VENDOR_DOWN)
        assert alert.path.endswith("flow=push_orders")
        self.run(time.now, "succeeded", "")
        assert self.down() == []

    def test_a_paused_flow_and_an_error_of_ours_say_nothing_about_a_vendor(self, flow: Flow, time: Time) -> None:
        time.minutes(20)
        self.run(time.now, status="failed", error="ValueError: lingxing")
        assert self.down() == []
        self.run(time.now)
        Flow.objects.update(paused=True)
        assert self.down() == []

    def test_a_vendor_that_answers_nobody_for_ten_minutes_is_down(self, flow: Flow, time: Time) -> None:
        self.call(START, 200)
        self.call(START, 200, vendor="lingxing")
        for minutes, status in ((1, None), (9, 503)):
            self.call(START + timedelta(minutes=minutes), status)
        time.minutes(9)
        assert self.down() == []
        time.minutes(2)
        assert self.down() == ["dsco"]
        assert "2026-03-04 10:00" in describe(open_alerts(AlertKind.VENDOR_DOWN)[0])
        self.call(time.now, 404)
        assert self.down() == []

    def test_a_vendor_that_refuses_access_is_told_at_once(self, flow: Flow, time: Time) -> None:
        self.call(START, 200)
        time.minutes(1)
        self.call(time.now, 401)
        assert self.down() == ["dsco"]
        assert "refuses access" in describe(open_alerts(AlertKind.VENDOR_DOWN)[0])

    def test_a_few_failures_beside_successes_are_nothing(self, flow: Flow, time: Time) -> None:
        for status in (503, 503, 503, 200, 503):
            self.call(time.now, status)
        assert self.down() == []


class TestOrders:
    def order(self, **values: Any) -> Order:
        fields = {"dsco_order_id": "77", "po_number": "PO-7", "first_seen_at": START, "read_at": START} | values
        order = Order.objects.create(**fields)
        ErpPush.objects.create(order=order, key=f"p{order.pk}", platform_order_no="77")
        Acknowledgement.objects.create(order=order, key=f"a{order.pk}")
        Shipment.objects.create(order=order, key=f"s{order.pk}")
        Invoice.objects.create(order=order, key=f"i{order.pk}")
        return order

    def test_a_deadline_is_at_risk_four_hours_before_and_until_the_step_is_done(self, time: Time) -> None:
        order = self.order(ship_by=START + timedelta(hours=5))
        tell_alerts()
        assert not open_alerts()
        time.minutes(61)
        tell_alerts()
        (alert,) = open_alerts(AlertKind.DEADLINE)
        assert "77 (PO-7)" in describe(alert)
        assert "2026-03-04 15:00" in describe(alert)
        assert alert.path == f"/admin/orders/order/{order.pk}/change/"
        time.minutes(300)  # late now: the same alert
        tell_alerts()
        assert open_alerts() == [alert]
        Shipment.objects.update(status="succeeded")
        tell_alerts()
        assert not open_alerts()

    def test_each_deadline_counts_by_its_own_step(self, time: Time) -> None:
        soon = START + timedelta(hours=1)
        self.order(acknowledge_by=soon, ship_by=soon, invoice_by=soon, cancel_after=soon)
        Acknowledgement.objects.update(status="succeeded")
        tell_alerts()
        assert {alert.key.partition(":")[2] for alert in open_alerts()} == {"ship_by", "invoice_by", "cancel_after"}

    @pytest.mark.parametrize("values", [{"test_order": True}, {"stage": "cancelled"}, {"stage": "shipped"}])
    def test_orders_that_need_not_ship_are_not_at_risk(self, values: dict[str, Any], time: Time) -> None:
        self.order(ship_by=START, **values)
        tell_alerts()
        assert not open_alerts()

    def test_what_the_policy_switched_off_is_not_at_risk(self, time: Time) -> None:
        self.order(acknowledge_by=START)
        Acknowledgement.objects.update(reason_code="policy_off")
        tell_alerts()
        assert not open_alerts()

    def test_a_delivery_that_was_given_up_is_raised_until_somebody_acts(self, time: Time) -> None:
        order = self.order()
        ErpPush.objects.update(status="failed", reason_code="gave_up", last_error="商品不存在")
        tell_alerts()
        (alert,) = open_alerts(AlertKind.GAVE_UP)
        assert "商品不存在" in describe(alert)
        assert alert.path == f"/admin/orders/erppush/{order.erp_push.pk}/change/"
        ErpPush.objects.update(status="succeeded", reason_code="")
        tell_alerts()
        assert not open_alerts()

    def test_a_thousand_late_orders_cost_a_few_queries(self, time: Time, django_assert_max_num_queries: Any) -> None:
        orders = Order.objects.bulk_create(
            Order(dsco_order_id=str(n), first_seen_at=START, read_at=START, ship_by=START) for n in range(1000)
        )
        Shipment.objects.bulk_create(Shipment(order=order, key=str(order.pk)) for order in orders)
        with django_assert_max_num_queries(70):
            tell_alerts()
        assert len(open_alerts()) == 1000
        with django_assert_max_num_queries(60):
            tell_alerts()


def test_a_source_that_breaks_leaves_the_others(time: Time, monkeypatch: Any) -> None:
    from integrations.alerts import book

    def broken(_now: Any) -> Any:
        raise RuntimeError("bug")

    source = book.AlertSource(broken, lambda _facts: "")
    monkeypatch.setitem(book._sources, AlertKind.FLOW_OVERDUE, source)
    Alert.objects.create(kind=AlertKind.FLOW_OVERDUE, key="push_orders", subject="x", raised_at=START)
    cause()
    tell_alerts()
    assert {alert.kind for alert in open_alerts()} == {AlertKind.FLOW_OVERDUE, AlertKind.NEW_CAUSE}
