"""Wrong credentials, a vendor that is down, an address not allowed: the flow stops early, says so, blames no order."""

from __future__ import annotations

import json

import pytest
from django.apps import apps

from integrations.deliveries.models import Delivery
from integrations.flows import run_flow
from integrations.models import FlowRun, VendorToken
from integrations.sandbox.faults import Fault
from orders.models import ErpPush, Stage

from .journeys import assert_each_effect_once, run_command, stages, travel


def statuses_with_failure():
    kinds = [model for model in apps.get_models() if issubclass(model, Delivery)]
    return [row for model in kinds for row in model.objects.filter(status__in=["failed", "needs_attention"])]


def assert_stopped(result, *words):
    assert result.status == "stopped"
    assert "\n" not in result.error
    for word in words:
        assert word.lower() in result.error.lower()
    run = FlowRun.objects.filter(flow=result.flow).latest("id")
    assert (run.status, run.error) == ("stopped", result.error)
    assert statuses_with_failure() == []


@pytest.mark.parametrize(
    ("setting", "flow", "words"),
    [
        ("DSCO_CLIENT_SECRET", "pull_orders", ["DSCO_CLIENT_SECRET"]),
        ("LINGXING_APP_SECRET", "push_orders", ["LINGXING_APP_SECRET"]),
        ("LINGXING_APP_ID", "push_orders", ["LINGXING_APP_ID"]),
    ],
)
def test_wrong_credentials_stop_the_flow_and_are_named(world, clock, settings, setting, flow, words):
    right = getattr(settings, setting)
    orders = [str(order["dscoOrderId"]) for order in world.dsco.add_orders(3)]
    if flow != "pull_orders":
        run_flow("pull_orders")
    setattr(settings, setting, "x" * 16)
    assert_stopped(run_flow(flow), *words)
    setattr(settings, setting, right)
    travel(world, clock)
    assert_each_effect_once(world, orders)


@pytest.mark.parametrize("setting", ["DSCO_BASE_URL", "LINGXING_BASE_URL"])
def test_a_vendor_that_is_down_stops_the_flows_and_they_resume_by_themselves(world, clock, settings, setting):
    right = getattr(settings, setting)
    orders = [str(order["dscoOrderId"]) for order in world.dsco.add_orders(20)]
    run_flow("pull_orders")
    setattr(settings, setting, "http://127.0.0.1:9" + ("/api/v3" if "DSCO" in setting else ""))
    down = "pull_orders" if "DSCO" in setting else "push_orders"
    for _again in range(3):
        assert_stopped(run_flow(down))
        clock.advance(60)
    setattr(settings, setting, right)
    travel(world, clock)
    assert stages() == {Stage.INVOICED: 20}
    assert_each_effect_once(world, orders)


def test_an_address_that_is_not_allowed_stops_the_push(world, clock):
    orders = [str(order["dscoOrderId"]) for order in world.dsco.add_orders(5)]
    run_flow("pull_orders")
    world.faults.add(Fault(vendor="lingxing", operation="*", kind="forbidden_ip", times=0))
    assert_stopped(run_flow("push_orders"), "3001002")
    assert set(ErpPush.objects.values_list("status", flat=True)) == {"due"}
    world.faults.clear()
    travel(world, clock)
    assert_each_effect_once(world, orders)


@pytest.mark.parametrize("kind", ["throttled", "unauthorized"])
@pytest.mark.parametrize("vendor", ["dsco", "lingxing"])
def test_being_slowed_down_or_asked_for_a_new_token_is_no_failure(world, clock, vendor, kind):
    orders = [str(order["dscoOrderId"]) for order in world.dsco.add_orders(4)]
    world.faults.add(Fault(vendor=vendor, operation="*", kind=kind, times=6, probability=0.5))
    travel(world, clock, rounds=20)
    assert stages() == {Stage.INVOICED: 4}
    assert_each_effect_once(world, orders)


def test_a_stolen_token_is_healed(world, clock):
    orders = [str(order["dscoOrderId"]) for order in world.dsco.add_orders(3)]
    run_flow("pull_orders")
    run_flow("push_orders")
    world.lingxing.steal_token()
    travel(world, clock)
    assert_each_effect_once(world, orders)
    assert VendorToken.objects.get(vendor="lingxing").generation >= 2


def test_runflow_says_in_one_json_line_what_stopped_it_and_exits_0(world):
    world.faults.add(Fault(vendor="dsco", operation="token", kind="unauthorized", times=0))
    code, output, _errors = run_command(world, "runflow", "pull_orders")
    line = json.loads(output)
    assert code == 0
    assert (line["flow"], line["status"]) == ("pull_orders", "stopped")
    assert line["error"]
    assert line["seconds"] >= 0


def test_runflow_refuses_an_unknown_flow_and_runs_none(world):
    code, output, errors = run_command(world, "runflow", "pull_orders", "push_everything")
    assert (code, output) == (2, "")
    assert "push_everything" in errors
    assert not FlowRun.objects.exists()


def test_a_page_whose_reply_is_lost_loses_no_order(world, settings, monkeypatch):
    from integrations.dsco import client as dsco_client

    world.dsco.add_orders(25)
    real = dsco_client.DscoClient.order_pages
    monkeypatch.setattr(
        dsco_client.DscoClient, "order_pages", lambda self, **options: real(self, **{**options, "page_size": 10})
    )
    world.faults.add(Fault(vendor="dsco", operation="get_orders", kind="reset_after", times=1, after=1))
    result = run_flow("pull_orders")
    assert result.status == "succeeded"
    assert result.counts["new"] == 25
