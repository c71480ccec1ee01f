"""People and flows at the same delivery at the same moment: while a call is under way, and all at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from integrations.deliveries.states import State
from integrations.flows import run_flow
from integrations.sandbox.sandbox import Sandbox
from orders.models import Acknowledgement, Cancellation, ErpPush, Order, Stage
from tests.at_once import Gate, together
from tests.conftest import MovableClock
from tests.orders.journeys import line, order_of, place, pushed, run
from tests.orders.reconciling import findings, settle

from .conftest import Caller, caller_for

CANCEL = {"code": "CXSS", "reason": "broken"}
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def boss(world: Sandbox, settings: Any) -> Caller:
    """A caller with every right. No time-out of ours ends a call that is held up."""
    settings.HTTP_TIMEOUT_SECONDS = 60.0
    return caller_for(User.objects.create_superuser("boss"))


@pytest.fixture
def due(world: Sandbox, clock: MovableClock) -> str:
    """An order that is about to be pushed."""
    order_id = place(world, line("HP-LAMP-01", 2))
    clock.advance(15)
    run("pull_orders")
    assert push_of(order_id).status == State.DUE
    return order_id


def push_of(order_id: str) -> ErpPush:
    return ErpPush.objects.get(order__dsco_order_id=order_id)


def push_under_way(world: Sandbox, *, done: bool) -> Any:
    return Gate(world, "lingxing", "create_orders", done=done).while_under_way(lambda: run("push_orders"))


def step(order_id: str, what: str) -> str:
    return f"orders/{order_id}/deliveries/erp_push/{push_of(order_id).pk}/{what}/"


def created(world: Sandbox, order_id: str) -> int:
    return world.lingxing.effect_count("erp_order", order_id)


def cancelled_at_dsco(world: Sandbox, order_id: str) -> list[int]:
    return [one["cancelledQuantity"] for one in world.dsco.orders[order_id]["lineItems"]]


@pytest.mark.parametrize("done", [False, True], ids=["before it happens", "after it happened"])
class TestWhileAPushIsUnderWay:
    def test_a_hold_lets_it_end_and_stops_what_follows(
        self, world: Sandbox, boss: Caller, clock: MovableClock, due: str, done: bool
    ) -> None:
        with push_under_way(world, done=done):
            assert boss.post(f"orders/{due}/hold/", {"reason": "clarify"}).status_code == 200
        assert (push_of(due).status, created(world, due)) == (State.SUCCEEDED, 1)
        world.lingxing.audit(due)
        run("acknowledge_orders")
        assert world.dsco.effect_count("acknowledgement", due) == 0
        boss.post(f"orders/{due}/release/", {"reason": "clear"})
        run("acknowledge_orders")
        assert world.dsco.effect_count("acknowledgement", due) == 1

    @pytest.mark.parametrize("what", ["retry", "skip", "done"])
    def test_nobody_else_takes_it(self, world: Sandbox, boss: Caller, due: str, done: bool, what: str) -> None:
        with push_under_way(world, done=done):
            answer = boss.post(step(due, what), {} if what == "retry" else {"reason": "x"})
            assert answer.status_code == 409
            assert run_flow("push_orders").status == "already_running"
        run("push_orders")
        assert (push_of(due).status, created(world, due)) == (State.SUCCEEDED, 1)

    def test_staff_cannot_cancel_until_it_has_ended(
        self, world: Sandbox, boss: Caller, clock: MovableClock, due: str, done: bool
    ) -> None:
        with push_under_way(world, done=done):
            answer = boss.post(f"orders/{due}/cancel/", CANCEL)
            assert (answer.status_code, answer.json()["code"]) == (409, "push_under_way")
        assert boss.post(f"orders/{due}/cancel/", CANCEL).status_code == 200
        for _run in range(3):
            run("apply_cancellations")
            clock.advance(5)
        assert [row["status"] for row in world.lingxing.by_platform(due)] == [7]
        assert cancelled_at_dsco(world, due) == [2]

    def test_a_retailers_cancellation_waits_for_it_and_stops_it_in_lingxing(
        self, world: Sandbox, boss: Caller, clock: MovableClock, due: str, done: bool
    ) -> None:
        with push_under_way(world, done=done):
            world.dsco.request_cancel(due)
            clock.advance(15)
            run("pull_orders")
            run("apply_cancellations")
            assert cancelled_at_dsco(world, due) == [0]
        for _run in range(3):
            run("apply_cancellations")
            clock.advance(5)
        assert [row["status"] for row in world.lingxing.by_platform(due)] == [7]
        assert cancelled_at_dsco(world, due) == [2]
        clock.advance(15)
        run("pull_orders")
        run("apply_cancellations")
        assert order_of(due).stage == Stage.CANCELLED


class TestWhileTheVendorsAreCompared:
    def test_a_second_comparison_does_not_begin(self, world: Sandbox, boss: Caller, clock: MovableClock) -> None:
        order_id = pushed(world, line("HP-LAMP-01", 2))
        world.dsco.ship_in_portal(order_id, "PORTAL0001")
        settle(clock)
        with Gate(world, "dsco", "get_orders").while_under_way(lambda: run("reconcile")):
            assert run_flow("reconcile").status == "already_running"
            assert run_flow("reconcile", order_ids=(order_id,)).status == "already_running"
        assert findings() == {}
        assert findings(open_only=False) == {"shipped_by_hand": [order_id]}


class TestAllAtOnce:
    def test_every_order_ends_as_it_was_wanted_with_one_effect_each(
        self, world: Sandbox, boss: Caller, clock: MovableClock
    ) -> None:
        """The flows, somebody who holds and releases, one who retries, one who cancels, and retailers who ask."""
        ids = [place(world, line("HP-LAMP-01", 1)) for _number in range(12)]
        clock.advance(15)
        run("pull_orders")
        wanted, by_staff, by_retailer = set(ids[:4]), ids[4:8], ids[8:]
        for order_id in by_retailer:
            world.dsco.request_cancel(order_id)
        clock.advance(15)
        secret = boss.secret
        refused: set[str] = set()

        def flows(*names: str) -> None:
            for _time in range(3):
                for name in names:
                    run_flow(name)

        def holds() -> None:
            caller = Caller(secret)
            for order_id in ids:
                caller.post(f"orders/{order_id}/hold/", {"reason": "look"})
                caller.post(f"orders/{order_id}/release/", {"reason": "seen"})

        def retries() -> None:
            caller = Caller(secret)
            for order_id in reversed(ids):
                caller.post(step(order_id, "retry"))

        def cancels() -> None:
            caller = Caller(secret)
            for order_id in by_staff:
                if caller.post(f"orders/{order_id}/cancel/", CANCEL).status_code != 200:
                    refused.add(order_id)

        together(
            lambda: flows("push_orders"), lambda: flows("pull_orders", "apply_cancellations"),
            lambda: flows("reconcile"), holds, retries, cancels,
        )  # fmt: skip
        for _round in range(4):
            clock.advance(20)
            flows("pull_orders", "push_orders", "apply_cancellations")
        for order_id in ids:
            alive = [row for row in world.lingxing.by_platform(order_id) if row["status"] != 7]
            goes_on = order_id in wanted | refused
            assert (len(alive), cancelled_at_dsco(world, order_id)) == ((1, [0]) if goes_on else (0, [1])), order_id
            assert created(world, order_id) <= 1
        for model in (ErpPush, Cancellation, Acknowledgement):
            assert not model.objects.filter(status=State.IN_PROGRESS).exists()
        assert not Order.objects.filter(held=True).exists()
