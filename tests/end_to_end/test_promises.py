"""Promises of the design that no single flow keeps: order of a whole pass, workers, limits, no secret anywhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from django.apps import apps
from django.core.serializers import serialize
from django_q.models import Schedule

from integrations.flows import flow_definitions
from integrations.flows.schedules import ensure_schedules
from integrations.models import VendorToken
from integrations.processes import current_holder, is_dead
from integrations.sandbox.faults import Fault
from orders.models import Order, Stage

from .journeys import assert_each_effect_once, run_command, stages, start_command, travel

WHOLE_PASS = [
    "pull_orders",
    "push_orders",
    "acknowledge_orders",
    "report_shipments",
    "report_invoices",
    "sync_inventory",
    "apply_cancellations",
    "reconcile",
]


def test_a_whole_pass_runs_the_flows_in_the_documented_order(world):
    code, output, errors = run_command(world, "runflow", "--all")
    assert code == 0, errors
    assert [json.loads(line)["flow"] for line in output.splitlines()] == WHOLE_PASS


@pytest.mark.parametrize("operation", ["acknowledge", "shipment_batch", "invoice_batch"])
def test_what_dsco_has_queued_is_not_sent_twice_when_its_receipt_got_lost(world, clock, settings, operation):
    settings.BATCH_FROM = 2
    settings.VERIFY_DELAY_SECONDS = 60
    orders = [str(order["dscoOrderId"]) for order in world.dsco.add_orders(3)]
    settings.SETTLE_SECONDS = 0
    world.options.async_seconds = 120  # longer than DSCO's reads lag behind its writes
    world.faults.add(Fault("dsco", operation, "reset_after"))
    for _pass in range(60):
        travel(world, clock, rounds=1)
        clock.advance(20)
        if stages() == {Stage.INVOICED: 3}:
            break
    assert stages() == {Stage.INVOICED: 3}
    assert_each_effect_once(world, orders)
    assert world.requests["dsco", operation] == 1


def secrets_of(world):
    """Everything that must stay where it belongs: credentials, tokens, and each signature that was sent."""
    found = {world.dsco.client_secret, world.lingxing.app_id, world.lingxing.app_secret}
    for row in VendorToken.objects.all():
        found |= {row.access_token, row.refresh_token} - {""}
    found |= {
        value for call in world.request_log for name in ("sign", "access_token") for value in call.query.get(name, [])
    }
    return found


def stored_text():
    """The whole database as text; the tokens' own table is where tokens are kept by design."""
    return "\n".join(
        serialize("json", model._default_manager.all()) for model in apps.get_models() if model is not VendorToken
    )


def test_a_journey_with_troubles_leaves_no_secret_in_the_database_or_in_the_logs(world, clock, caplog):
    caplog.set_level("DEBUG")
    world.dsco.add_orders(4)
    for vendor in ("dsco", "lingxing"):
        for kind in ("unauthorized", "html_after", "reset_after", "broken_json_before", "error_after"):
            world.faults.add(Fault(vendor=vendor, operation="*", kind=kind, times=2, after=3))
    travel(world, clock, rounds=20)
    assert stages() == {Stage.INVOICED: 4}
    secrets = secrets_of(world)
    text = stored_text()
    assert len(secrets) > 10
    assert "9100000001" in text
    assert [secret for secret in secrets if secret in text or secret in caplog.text] == []


def test_the_documented_limits_are_kept_by_waiting(world, clock, settings):
    world.options.enforce_limits = True
    world.options.limit_scale = settings.RATE_LIMIT_SCALE = 5
    orders = [str(order["dscoOrderId"]) for order in world.dsco.add_orders(25)]
    settings.BATCH_FROM = 1000  # one call for each shipment and invoice
    travel(world, clock)
    assert stages() == {Stage.INVOICED: 25}
    assert_each_effect_once(world, orders)
    assert world.violations == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(1, ("C", "* * * * * */1", None)), (30, ("C", "* * * * * */30", None)), (120, ("I", None, 2))],
)
def test_one_interval_of_the_environment_counts_for_every_schedule(settings, seconds, expected):
    ensure_schedules()
    settings.FLOW_INTERVAL_SECONDS = seconds
    ensure_schedules()
    for definition in flow_definitions():
        row = Schedule.objects.get(name=definition.name)
        assert (row.schedule_type, row.cron, row.minutes) == expected


def children_of(pid):
    found = []
    for entry in Path("/proc").iterdir():
        try:
            parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if entry.name.isdigit() and int(parent) == pid:
            found += [int(entry.name), *children_of(int(entry.name))]
    return found


def wait_until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.2)
    return condition()


@pytest.mark.xdist_group("processes")
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_the_workers_carry_orders_to_their_end_and_stop_when_the_main_process_is_told_to(world):
    world.options.audit_after_seconds = world.options.ship_after_seconds = 0
    orders = [str(order["dscoOrderId"]) for order in world.dsco.add_orders(5)]
    workers = start_command(world, "qcluster", FLOW_INTERVAL_SECONDS="1")
    try:
        assert wait_until(lambda: Order.objects.count() == 5 and stages() == {Stage.INVOICED: 5}, 60), stages()
        children = children_of(workers.pid)
        workers.send_signal(signal.SIGTERM)
        _output, errors = workers.communicate(timeout=30)
    finally:
        workers.kill()
    assert workers.returncode == 0, errors
    assert len(children) >= 4
    assert wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), 5)
    assert_each_effect_once(world, orders)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_killed_process_that_nobody_has_reaped_counts_as_dead():
    process = subprocess.Popen(["sleep", "60"])
    try:
        host = current_holder().partition(":")[0]
        started = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19]
        holder = f"{host}:{process.pid}:{started}"
        assert not is_dead(holder)
        process.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # ended, but left for its parent to take note of
        assert is_dead(holder)
    finally:
        process.wait()
