"""SIGTERM: what is under way ends, nothing new leaves, what was claimed is handed back, and the next start goes on."""

from __future__ import annotations

import os
import signal
import time

import pytest
from django.apps import apps

from integrations import shutdown
from integrations.deliveries.models import Delivery
from integrations.flows import run_flow
from integrations.models import Flow, Slot
from orders.models import ErpPush
from tests.simulation.deaths import interruption

from .journeys import assert_each_effect_once, start_command, travel

KINDS = [model for model in apps.get_models() if issubclass(model, Delivery)]


def what_is_held():
    rows = [row.key for model in KINDS for row in model.objects.exclude(lease_token="")]
    flows = list(Flow.objects.exclude(lease_token="").values_list("name", flat=True))
    return rows + flows + list(Slot.objects.exclude(holder="").values_list("name", flat=True))


@pytest.fixture
def pulled(world, settings):
    settings.PUSH_BATCH_SIZE = 1
    world.orders = [str(order["dscoOrderId"]) for order in world.dsco.add_orders(12)]
    run_flow("pull_orders")
    return world


def test_a_flow_that_is_asked_to_stop_hands_back_what_it_has_not_sent(pulled, settings, clock):
    settings.HTTP_THREADS = 0
    with shutdown.not_asked():
        with interruption(6, shutdown.ask):
            result = run_flow("push_orders")
        assert run_flow("pull_orders").error_code == "stopping"
    assert (result.status, result.error_code) == ("stopped", "stopping")
    assert what_is_held() == []
    states = set(ErpPush.objects.values_list("status", "failures"))
    assert ("due", 0) in states
    assert states <= {("due", 0), ("succeeded", 0)}
    travel(pulled, clock)
    assert_each_effect_once(pulled, pulled.orders)


@pytest.mark.xdist_group("processes")
@pytest.mark.parametrize("command", [("runflow", "push_orders"), ("qcluster",)], ids=["runflow", "qcluster"])
def test_a_process_that_gets_sigterm_ends_soon_and_leaves_no_lease(pulled, clock, command):
    pulled.options.latency_seconds = 0.4
    process = start_command(
        pulled, *command, PUSH_BATCH_SIZE="1", HTTP_THREADS="2", HTTP_TIMEOUT_SECONDS="5", WORKERS="2",
        FLOW_INTERVAL_SECONDS="1",
    )  # fmt: skip
    deadline = time.monotonic() + 40
    while not pulled.lingxing.effects and time.monotonic() < deadline:
        time.sleep(0.05)
    assert pulled.lingxing.effects
    told_at = time.monotonic()
    os.kill(process.pid, signal.SIGTERM)
    _output, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert time.monotonic() - told_at < 20
    assert what_is_held() == []
    assert len(pulled.lingxing.effects) < len(pulled.orders)
    pulled.options.latency_seconds = 0
    travel(pulled, clock, rounds=20)
    assert_each_effect_once(pulled, pulled.orders)
