"""Real processes: several at once, and killed at any moment."""

from __future__ import annotations

import random
import signal
import time

import pytest

from orders.models import Order, Stage

from .journeys import assert_each_effect_once, run_command, stages, start_command

pytestmark = pytest.mark.xdist_group("processes")
ORDERS = 30


def settle(sandbox, rounds=15):
    for _round in range(rounds):
        code, _output, errors = run_command(sandbox, "runflow", "--all")
        assert code == 0, errors
        if Order.objects.count() == ORDERS and stages() == {Stage.INVOICED: ORDERS}:
            return
        time.sleep(0.5)


@pytest.fixture
def busy_world(world):
    world.options.audit_after_seconds = 0
    world.options.ship_after_seconds = 0
    world.options.latency_seconds = 0.03
    world.orders = [str(order["dscoOrderId"]) for order in world.dsco.add_orders(ORDERS)]
    return world


def test_four_processes_at_once_have_each_effect_once(busy_world):
    for _round in range(4):
        processes = [start_command(busy_world, "runflow", "--all") for _process in range(4)]
        for process in processes:
            _output, errors = process.communicate(timeout=120)
            assert process.returncode == 0, errors
    settle(busy_world)
    assert stages() == {Stage.INVOICED: ORDERS}
    assert_each_effect_once(busy_world, busy_world.orders)


def test_processes_killed_at_any_moment_have_each_effect_once(busy_world):
    chance = random.Random(7)
    for _kill in range(12):
        process = start_command(busy_world, "runflow", "--all")
        time.sleep(chance.uniform(0.8, 3.0))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    settle(busy_world)
    assert stages() == {Stage.INVOICED: ORDERS}
    assert_each_effect_once(busy_world, busy_world.orders)
