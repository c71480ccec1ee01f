"""Our process dies at any moment, or sleeps in the middle of a call until others have done its work."""

from __future__ import annotations

from contextlib import suppress

import pytest

from integrations.flows import run_flow
from orders.models import Acknowledgement, ErpPush, Stage
from tests.simulation.deaths import Died, interruption, sudden_death

from .journeys import assert_each_effect_once, audit_and_ship, stages, travel


@pytest.fixture(autouse=True)
def one_thread(settings):
    settings.HTTP_THREADS = 0
    settings.VERIFY_DELAY_SECONDS = 60


def others_run(clock, *flows):
    def take_over():
        for _round in range(6):
            clock.advance(200)
            for flow in flows:
                run_flow(flow)

    return take_over


@pytest.mark.parametrize("calls", [1, 2, 3, 4])
def test_an_acknowledgement_that_others_have_sent_meanwhile_is_not_sent_again(world, clock, calls):
    (order,) = (str(one["dscoOrderId"]) for one in world.dsco.add_orders(1))
    run_flow("pull_orders")
    run_flow("push_orders")
    world.lingxing.audit(order)
    world.dsco.expire_tokens()  # so that the process has something to wait for between claim and write
    with interruption(calls, others_run(clock, "acknowledge_orders")):
        run_flow("acknowledge_orders")
    clock.advance(10)
    world.dsco.tick()  # DSCO applies what it has queued
    assert world.dsco.effect_count("acknowledgement", order) == 1
    assert Acknowledgement.objects.get().status == "succeeded"


@pytest.mark.parametrize("calls", [1, 2, 3])
def test_an_order_that_others_have_created_meanwhile_is_not_created_again(world, clock, calls):
    world.lingxing.allow_duplicates = True
    orders = [str(one["dscoOrderId"]) for one in world.dsco.add_orders(2)]
    run_flow("pull_orders")
    with interruption(calls, others_run(clock, "push_orders")):
        run_flow("push_orders")
    assert [world.lingxing.effect_count("erp_order", order) for order in orders] == [1, 1]
    assert set(ErpPush.objects.values_list("status", flat=True)) == {"succeeded"}
    travel(world, clock)
    assert_each_effect_once(world, orders)


FLOWS = ("push_orders", "acknowledge_orders", "report_shipments", "report_invoices")


@pytest.mark.parametrize("flow", FLOWS)
def test_a_death_at_any_moment_of_a_flow_loses_and_doubles_nothing(world, clock, flow):
    """Each order's run ends one database statement or call later than the one before."""
    orders = [str(one["dscoOrderId"]) for one in world.dsco.add_orders(45)]
    for earlier in ("pull_orders", *FLOWS[: FLOWS.index(flow)]):
        run_flow(earlier)
        audit_and_ship(world)
        clock.advance(20)
    for steps, order in enumerate(orders, 1):
        with suppress(Died), sudden_death(steps, after_the_step=True):
            run_flow(flow, order_ids=[order])
        clock.advance(300)
    travel(world, clock)
    assert stages() == {Stage.INVOICED: len(orders)}
    assert_each_effect_once(world, orders)
