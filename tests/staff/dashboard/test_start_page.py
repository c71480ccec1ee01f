"""The start page tells the truth, its numbers open what they count, and it costs few queries."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from integrations.deliveries.states import State
from integrations.models import Cause, Flow, FlowRun, StaffPreference, VendorOutage, VendorStop
from inventory.models import StockItem
from orders.deadlines import DEADLINES, Range, counts, in_range
from orders.models import Acknowledgement, Invoice, Order, Shipment

from .conftest import as_user, staff

HOME = "/admin/"
# All figures worked out anew, and none of them.
MOST_QUERIES_COLD = 26
MOST_QUERIES_WARM = 9


def listed(browser: Any, address: str) -> int:
    """Return how many rows a list shows."""
    page = browser.get(address)
    assert page.status_code == 200, address
    return page.context["cl"].result_count


@pytest.mark.usefixtures("seeded")
class TestToday:
    def test_each_step_of_the_funnel_opens_the_orders_it_counts(self, orders: list[Any], browser: Any) -> None:
        steps = browser.get(HOME).context["funnel"]
        assert [step.number for step in steps] == sorted((step.number for step in steps), reverse=True)
        for step in steps:
            assert listed(browser, step.address) == step.number
            if step.done is not None:
                assert listed(browser, step.done_address) == step.done

    def test_today_begins_at_midnight_of_the_staffs_time_zone(self, orders: list[Any], boss: Any) -> None:
        Order.objects.update(first_seen_at=datetime(2026, 3, 10, 20, 0, tzinfo=UTC))  # the 11th in Shanghai
        with time_machine.travel(datetime(2026, 3, 11, 3, 0, tzinfo=UTC), tick=False):
            browser = as_user(boss)
            for zone, number in (("Asia/Shanghai", 60), ("UTC", 0), ("America/Los_Angeles", 60)):
                StaffPreference.objects.update_or_create(user=boss, defaults={"time_zone": zone})
                assert browser.get(HOME).context["funnel"][0].number == number, zone

    def test_cancelled_orders_stand_beside_the_funnel(self, orders: list[Any], browser: Any) -> None:
        Order.objects.filter(pk__in=[order.pk for order in orders[:2]]).update(stage="cancelled")
        (left,) = browser.get(HOME).context["left"]
        assert left["number"] == listed(browser, left["address"]) == 2


@pytest.mark.usefixtures("seeded")
class TestDeadlines:
    @pytest.fixture
    def deadlines(self, orders: list[Any]) -> None:
        now = timezone.now()
        for number, order in enumerate(orders):
            at = now + timedelta(minutes=[-30, 60, 60 * 9, 60 * 30][number % 4])
            Order.objects.filter(pk=order.pk).update(acknowledge_by=at, ship_by=at, invoice_by=at, cancel_after=at)

    def test_each_number_opens_the_list_it_counts(self, deadlines: None, browser: Any) -> None:
        rows = browser.get(HOME).context["deadlines"]
        assert sum(cell["number"] for row in rows for cell in row["cells"]) > 0
        for row in rows:
            for cell in row["cells"]:
                assert listed(browser, cell["address"]) == cell["number"], (row["title"], cell["reach"])

    def test_a_step_that_is_done_is_never_late(self, deadlines: None) -> None:
        for step in (Acknowledgement, Shipment, Invoice):
            step.objects.update(status=State.SUCCEEDED, due_at=None)
        assert all(not number for row in counts(timezone.now()).values() for number in row.values())

    def test_what_the_policy_switches_off_is_never_late(self, deadlines: None) -> None:
        for step in (Acknowledgement, Shipment, Invoice):
            step.objects.update(status=State.WAITING, due_at=None, reason_code="policy_off")
        assert all(not number for row in counts(timezone.now()).values() for number in row.values())

    def test_an_unknown_range_in_an_address_limits_nothing(self, orders: list[Any], browser: Any) -> None:
        for value in ("ship:never", "nothing", ":", "ship"):
            address = reverse("admin:orders_order_changelist") + f"?due={value}"
            assert browser.get(address).status_code in (200, 302)

    def test_late_and_soon_do_not_overlap(self, deadlines: None) -> None:
        now = timezone.now()
        for deadline in DEADLINES:
            late = set(in_range(deadline, Range.LATE, now).values_list("pk", flat=True))
            soon = set(in_range(deadline, Range.SOON, now).values_list("pk", flat=True))
            assert not late & soon


class TestVerdict:
    def test_when_all_is_well_it_says_so_and_when_the_last_and_next_run_are(self, calm: None, browser: Any) -> None:
        from django_q.models import Schedule

        Schedule.objects.update(next_run=timezone.now() + timedelta(minutes=2))
        cache.clear()
        page = browser.get(HOME)
        verdict = page.context["verdict"]
        assert verdict.tone == "success"
        assert "All is well" in verdict.text
        assert re.search(r"Last run: .+, \d\d:\d\d\. Next run: .+, \d\d:\d\d\.", verdict.detail)
        assert "heartbeat" not in verdict.detail, "a chore of the machine"

    def test_it_names_what_is_wrong(self, orders: list[Any], browser: Any) -> None:
        verdict = browser.get(HOME).context["verdict"]
        assert verdict.tone == "danger"
        assert "need a person" in verdict.text
        assert "Missed deadlines" in verdict.text

    def test_an_overdue_flow_is_named(self, calm: None, browser: Any) -> None:
        Flow.objects.filter(name="push_orders").update(last_started_at=timezone.now() - timedelta(hours=5))
        assert "Push orders" in browser.get(HOME).context["verdict"].text

    def test_an_empty_system_says_how_to_begin(self, browser: Any) -> None:
        page = browser.get(HOME)
        assert "Nothing has run yet" in page.context["verdict"].text
        assert "qcluster" in page.content.decode()


@pytest.mark.usefixtures("seeded")
class TestParts:
    def test_causes_stand_newest_first_and_lead_to_their_page(self, orders: list[Any], browser: Any) -> None:
        newest = Cause.objects.order_by("pk").first()
        Cause.objects.filter(pk=newest.pk).update(opened_at=timezone.now() + timedelta(seconds=5))
        causes = browser.get(HOME).context["causes"]
        assert causes[0]["address"] == reverse("admin:integrations_cause_change", args=[newest.pk])
        assert browser.get(causes[0]["address"]).status_code == 200

    def test_flows_show_state_last_success_and_next_run(self, calm: None, browser: Any) -> None:
        Flow.objects.filter(name="report_invoices").update(paused=True, pause_reason="Month end")
        now = timezone.now()
        FlowRun.objects.create(flow="push_orders", status="stopped", started_at=now, finished_at=now, error="dsco: 503")
        cache.clear()
        flows = {flow["title"]: flow for flow in browser.get(HOME).context["flows"]}
        assert "Paused" in flows["Report invoices to DSCO"]["state"]
        assert flows["Report invoices to DSCO"]["error"] == "Month end"
        assert "Stopped early" in flows["Push orders to LingXing"]["state"]
        assert "dsco: 503" in flows["Push orders to LingXing"]["error"]
        assert "ago" in flows["Pull orders from DSCO"]["last_success"]

    def test_a_vendor_that_is_out_says_since_when_and_when_it_is_asked_again(
        self, orders: list[Any], browser: Any
    ) -> None:
        now = timezone.now()
        VendorOutage.objects.create(
            vendor="lingxing", began_at=now - timedelta(hours=2), opened_at=now, last_failure_at=now, next_probe_at=now
        )
        cache.clear()
        page = browser.get(HOME)
        dsco, lingxing = page.context["vendors"]
        assert not dsco["out"]
        assert lingxing["out"].startswith("no answer since ")
        assert lingxing["out"] in page.content.decode()
        assert [chip.text for chip in page.context["health_strip"].chips][1] == "LingXing down"

    def test_vendors_show_token_limits_and_stop_but_never_the_token(self, orders: list[Any], browser: Any) -> None:
        VendorStop.objects.create(vendor="dsco", reason="Wrong price", started_by="mei", started_at=timezone.now())
        page = browser.get(HOME)
        dsco, lingxing = page.context["vendors"]
        assert dsco["stop"] == "Wrong price"
        assert "valid for" in lingxing["token"]
        assert "SECRET" not in page.content.decode()

    def test_stock_differences_open_the_items(self, orders: list[Any], browser: Any) -> None:
        item = StockItem.objects.first()
        StockItem.objects.filter(pk=item.pk).update(target=item.confirmed)
        stock = browser.get(HOME).context["stock"]
        assert stock["differing"] == listed(browser, stock["differing_address"]) == 2
        assert stock["parked"] == listed(browser, stock["parked_address"]) == 1
        assert stock["waiting"] == listed(browser, stock["waiting_address"]) == 1

    def test_the_week_counts_orders_and_failures_by_day(self, orders: list[Any], browser: Any) -> None:
        page = browser.get(HOME)
        week = page.context["week"]
        assert len(week["rows"]) == 7
        assert sum(row["orders"] for row in week["rows"]) == 60
        assert sum(row["failures"] for row in week["rows"]) > 0
        text = unescape(page.content.decode())
        assert "data-value=" in text
        assert "Orders and failures by day" in text


class TestRights:
    def test_people_see_only_the_parts_they_may_see(self, orders: list[Any]) -> None:
        page = as_user(staff("packer", "view_shipment")).get(HOME)
        assert page.status_code == 200
        assert not page.context.get("funnel")
        assert not page.context["flows"]
        assert not page.context["vendors"]
        assert not page.context["causes"]
        assert [step["title"] for step in page.context["steps"]] == ["Shipment"]


@pytest.mark.usefixtures("seeded")
class TestSpeed:
    def test_queries_of_the_start_page_are_pinned(
        self, orders: list[Any], browser: Any, django_assert_max_num_queries: Any
    ) -> None:
        browser.get(HOME)
        cache.clear()
        with django_assert_max_num_queries(MOST_QUERIES_COLD):
            browser.get(HOME)
        with django_assert_max_num_queries(MOST_QUERIES_WARM):
            browser.get(HOME)

    def test_it_opens_in_chinese(self, orders: list[Any], browser: Any) -> None:
        browser.cookies["django_language"] = "zh-hans"
        assert "订单" in browser.get(HOME).content.decode()

    def test_figures_kept_for_all_hold_no_words_of_a_language(self, orders: list[Any], boss: Any) -> None:
        browser = as_user(boss)
        browser.cookies["django_language"] = "zh-hans"
        browser.get(HOME)
        browser.cookies["django_language"] = "en"
        text = browser.get(HOME).content.decode()
        assert "已进入领星" not in text
        assert "In ERP" in text
