"""Real processes: several at once, and killed at any moment."""

from __future__ import annotations

import random
import signal
import time

import pytest

from integrations.flows import flow_definitions
from integrations.models import FlowRun
from orders.models import Order, Stage

from .journeys import assert_each_effect_once, run_command, stages, start_command

pytestmark = pytest.mark.xdist_group("processes")
ORDERS = 30


def passes(number):
    """The arguments for several whole passes in one process: starting one takes longer than a pass."""
    return ["runflow", *[definition.name for definition in flow_definitions()] * number]


def settle(sandbox, rounds=8):
    for _round in range(rounds):
        if Order.objects.count() == ORDERS and stages() == {Stage.INVOICED: ORDERS}:
            return
        code, _output, errors = run_command(sandbox, *passes(3))
        assert code == 0, errors


def started(process, before, seconds=30):
    """Wait until the process is at work: it has put its first run on record."""
    deadline = time.monotonic() + seconds
    while FlowRun.objects.count() == before and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert FlowRun.objects.count() > before


@pytest.fixture
def busy_world(world):
    world.options.audit_after_seconds = 0
    world.options.ship_after_seconds = 0
    world.options.latency_seconds = 0.03
    world.orders = [str(order["dscoOrderId"]) for order in world.dsco.add_orders(ORDERS)]
    return world


def test_four_processes_at_once_have_each_effect_once(busy_world):
    processes = [start_command(busy_world, *passes(4)) for _process in range(4)]
    for process in processes:
        _output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    settle(busy_world)
    assert stages() == {Stage.INVOICED: ORDERS}
    assert_each_effect_once(busy_world, busy_world.orders)


def test_processes_killed_at_any_moment_have_each_effect_once(busy_world):
    chance = random.Random(7)
    for _kill in range(8):
        before = FlowRun.objects.count()
        process = start_command(busy_world, *passes(2))
        started(process, before)
        time.sleep(chance.uniform(0, 1.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    settle(busy_world)
    assert stages() == {Stage.INVOICED: ORDERS}
    assert_each_effect_once(busy_world, busy_world.orders)
