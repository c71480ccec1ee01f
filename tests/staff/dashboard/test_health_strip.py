"""The line on top of every page: red only when somebody must act, two queries at most, kept for ten seconds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from config.health_strip import machine
from integrations.machine import Reach, look
from integrations.models import Flow, FlowRun, Heartbeat, VendorStop

from .conftest import as_user, call, staff

PREFERENCES = "/admin/preferences/"


def chips(browser: Any) -> dict[str, str]:
    cache.clear()
    strip = browser.get(PREFERENCES).context["health_strip"]
    return {chip.text: chip.tone for chip in strip.chips}


class TestTone:
    def test_all_is_well(self, calm: None, browser: Any) -> None:
        assert chips(browser) == {"DSCO up": "success", "LingXing up": "success", "Flows OK": "success"}

    def test_a_vendor_that_refuses_an_order_is_up(self, calm: None, browser: Any) -> None:
        call("dsco", timezone.now(), status=400, error="rejected")
        assert chips(browser)["DSCO up"] == "success"

    def test_a_short_outage_is_no_alarm_a_long_one_is(self, calm: None, browser: Any) -> None:
        now = timezone.now()
        call("dsco", now + timedelta(seconds=1), status=None, error="timeout")
        assert chips(browser)["DSCO down"] == "warning"
        from integrations.models import ApiCall

        ApiCall.objects.filter(vendor="dsco", error="").update(started_at=now - timedelta(minutes=30))
        assert chips(browser)["DSCO down"] == "danger"

    def test_refused_access_needs_somebody_at_once(self, calm: None, browser: Any) -> None:
        call("lingxing", timezone.now() + timedelta(seconds=1), status=401, error="unauthorized")
        assert chips(browser)["LingXing access refused"] == "danger"

    def test_an_overdue_flow_is_red_a_paused_one_is_not(self, calm: None, browser: Any) -> None:
        Flow.objects.filter(name="push_orders").update(last_started_at=timezone.now() - timedelta(hours=5))
        assert chips(browser)["1 flow overdue"] == "danger"
        Flow.objects.filter(name="push_orders").update(paused=True)
        assert chips(browser)["1 flow paused"] == "plain"

    def test_a_flow_stopped_once_is_amber_and_stopped_for_long_is_red(self, calm: None, browser: Any) -> None:
        now = timezone.now()
        FlowRun.objects.create(flow="push_orders", status="stopped", started_at=now, finished_at=now)
        assert chips(browser)["1 flow stopped early"] == "warning"
        Flow.objects.filter(name="push_orders").update(last_success_at=now - timedelta(hours=5))
        assert chips(browser)["1 flow stopped early"] == "danger"

    def test_a_vendor_that_answers_and_keeps_a_flow_from_working_is_not_called_up_in_red(
        self, calm: None, browser: Any
    ) -> None:
        now = timezone.now()
        FlowRun.objects.create(
            flow="push_orders", status="stopped", started_at=now, finished_at=now, error_code="http_503",
            error="lingxing create_orders: [http_503] Service unavailable",
        )  # fmt: skip
        Flow.objects.filter(name="push_orders").update(last_success_at=now - timedelta(hours=5))
        assert chips(browser)["LingXing up, but a flow gets no further"] == "danger"
        assert "LingXing: reachable, but “Push orders" in browser.get("/admin/").text

    def test_no_worker_is_red(self, calm: None, browser: Any) -> None:
        Heartbeat.objects.all().delete()
        assert chips(browser)["No worker is running"] == "danger"

    def test_a_vendor_that_was_never_called_is_no_alarm(self, browser: Any) -> None:
        assert {vendor.reach for vendor in look().vendors} == {Reach.UNKNOWN}
        assert chips(browser)["DSCO not called yet"] == "plain"


class TestEmergencyStop:
    @pytest.fixture
    def stop(self, calm: None) -> VendorStop:
        return VendorStop.objects.create(
            vendor="dsco", reason="Wrong <b>price</b> file", started_by="mei", started_at=timezone.now()
        )

    @pytest.mark.parametrize("path", ["/admin/", PREFERENCES, "/admin/orders/order/", "/admin/words/"])
    def test_its_reason_stands_on_every_page(self, stop: VendorStop, browser: Any, path: str) -> None:
        text = browser.get(path).content.decode()
        assert "Emergency stop: nothing is written to DSCO." in text
        assert "Wrong &lt;b&gt;price&lt;/b&gt; file" in text
        assert "mei" in text

    def test_it_is_gone_when_it_has_ended(self, stop: VendorStop, browser: Any) -> None:
        VendorStop.objects.update(ended_at=timezone.now())
        assert "Emergency stop:" not in browser.get(PREFERENCES).content.decode()

    def test_everybody_sees_it_with_or_without_rights(self, stop: VendorStop) -> None:
        assert "Emergency stop:" in as_user(staff("nobody")).get("/admin/").content.decode()


class TestCost:
    def test_it_costs_two_queries_and_then_none(self, calm: None, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(2):
            machine()
        with django_assert_num_queries(0):
            machine()

    def test_the_log_in_page_and_popups_do_without(self, calm: None, client: Any, browser: Any) -> None:
        assert "ob-strip" not in client.get("/admin/login/").content.decode()
        popup = reverse("admin:orders_store_changelist") + "?_popup=1"
        assert 'class="ob-strip' not in browser.get(popup).content.decode()
