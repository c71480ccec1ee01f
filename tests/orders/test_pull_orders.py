"""The flow ``pull_orders`` against the sandbox: windows, bookmark, named orders, and what goes wrong."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from integrations.flows import run_flow
from integrations.models import Flow
from integrations.sandbox.faults import Fault
from orders.flows import pull_orders as flow_module
from orders.models import ErpPush, Order

DAY = 86_400


def pull(**options):
    """Run one pass."""
    return run_flow("pull_orders", **options)


def bookmark(name="updated_until"):
    """The flow's saved time."""
    return datetime.fromisoformat(Flow.objects.get(name="pull_orders").cursor[name])


def searches(sandbox):
    """The windows that DSCO was asked for: (since, until)."""
    calls = [call for call in sandbox.request_log if call.operation == "get_orders"]
    found = [(call.query.get("ordersUpdatedSince"), call.query.get("until")) for call in calls]
    return [(parse(since), parse(until)) for since, until in found if since]


def parse(value):
    """Read a query value, be it a list or a text."""
    return datetime.fromisoformat(value[0] if isinstance(value, list) else value)


def test_orders_of_the_last_week_are_pulled_at_first(sandbox):
    recent = sandbox.dsco.add_order(age_seconds=6.5 * DAY)
    sandbox.dsco.add_order(age_seconds=8 * DAY)
    result = pull()
    assert result.status == "succeeded"
    assert list(Order.objects.values_list("dsco_order_id", flat=True)) == [recent["dscoOrderId"]]
    assert (result.counts["pulled"], result.counts["new"]) == (1, 1)
    assert result.released == ["push_orders"]


def test_the_second_pull_starts_where_the_first_ended(sandbox, clock):
    sandbox.dsco.add_orders(3)
    pull()
    first_end = bookmark()
    clock.advance(60)
    sandbox.dsco.add_orders(2)
    clock.advance(70)
    sandbox.request_log.clear()
    result = pull()
    assert (result.counts["new"], result.counts["unchanged"], result.counts["changed"]) == (2, 3, 0)
    assert Order.objects.count() == ErpPush.objects.count() == 5
    assert bookmark() > first_end
    assert timezone.now() - bookmark("last_complete_at") < timedelta(seconds=10)


def test_a_change_at_dsco_is_seen(sandbox, clock):
    order = sandbox.dsco.add_order()
    pull()
    clock.advance(120)
    sandbox.dsco.cancel_by_retailer(order["dscoOrderId"])
    clock.advance(120)
    result = pull()
    assert result.counts["changed"] == 1
    assert ErpPush.objects.get().reason_code == "order_cancelled"


def test_a_long_time_is_read_in_windows_of_a_day_that_overlap(sandbox, settings):
    settings.ORDER_BACKFILL_DAYS = 3
    pull()
    windows = searches(sandbox)
    assert len(windows) == 4
    assert all(until - since <= timedelta(days=1) for since, until in windows)
    overlaps = [before[1] - after[0] for before, after in itertools.pairwise(windows)]
    assert all(overlap == timedelta(minutes=10) for overlap in overlaps)


def test_all_pages_of_a_window_are_read(sandbox, monkeypatch):
    sandbox.dsco.add_orders(35)
    pages = flow_module.DscoClient.order_pages
    monkeypatch.setattr(flow_module.DscoClient, "order_pages", lambda self, **names: pages(self, page_size=10, **names))
    assert pull().counts["new"] == 35


def test_the_bookmark_stays_when_a_window_is_not_complete(sandbox):
    sandbox.dsco.add_order()
    pull()
    before = bookmark()
    sandbox.faults.add(Fault("dsco", "get_orders", "error_before", times=0))
    result = pull()
    assert result.status == "stopped"
    assert bookmark() == before


def test_windows_that_were_complete_before_the_failure_are_not_read_again(sandbox, settings):
    settings.ORDER_BACKFILL_DAYS = 3
    sandbox.faults.add(Fault("dsco", "get_orders", "forbidden_ip", times=0, after=2))
    assert pull().status == "stopped"
    assert timedelta(days=0.5) < timezone.now() - bookmark() < timedelta(days=2)
    assert "last_complete_at" not in Flow.objects.get(name="pull_orders").cursor


def test_a_search_that_dsco_forgot_starts_again(sandbox, monkeypatch):
    from integrations.dsco.errors import ScrollExpired

    sandbox.dsco.add_orders(5)
    pages, failures = flow_module.DscoClient.order_pages, iter([True, True])

    def forgetful(self, **names):
        yield from pages(self, **names)
        if next(failures, False):
            raise ScrollExpired("order_pages")

    monkeypatch.setattr(flow_module.DscoClient, "order_pages", forgetful)
    result = pull()
    assert (result.status, result.counts["new"]) == ("succeeded", 5)
    assert result.counts["windows_restarted"] == 2


def test_a_search_forgotten_again_and_again_stops_the_run_and_says_so(sandbox, monkeypatch):
    from integrations.dsco.errors import ScrollExpired

    def forgetful(self, **names):
        raise ScrollExpired("order_pages")
        yield

    monkeypatch.setattr(flow_module.DscoClient, "order_pages", forgetful)
    result = pull()
    assert (result.status, result.error_code) == ("stopped", "scroll_expired")
    assert "3 times" in result.error


def test_named_orders_are_pulled_alone_and_the_bookmark_stays(sandbox):
    wanted, _other = sandbox.dsco.add_orders(2)
    result = pull(order_ids=[wanted["dscoOrderId"], "404404"])
    assert list(Order.objects.values_list("dsco_order_id", flat=True)) == [wanted["dscoOrderId"]]
    assert (result.counts["new"], result.counts["unknown"]) == (1, 1)
    assert "404404" in result.notes[0]
    assert Flow.objects.get(name="pull_orders").cursor == {}


def test_test_orders_are_stored_and_skipped(sandbox):
    sandbox.dsco.add_order(test=True)
    pull()
    assert ErpPush.objects.get().reason_code == "test_order"


@pytest.mark.parametrize("kind", ["reset_before", "error_before", "throttled", "broken_json_before"])
def test_a_single_failure_is_made_up_for_by_the_next_run(sandbox, kind):
    sandbox.dsco.add_orders(3)
    sandbox.faults.add(Fault("dsco", "get_orders", kind))
    pull()
    pull()
    assert Order.objects.count() == 3
