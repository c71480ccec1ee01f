"""What people can do on an order's page: only what its state and their rights allow, and with their name kept."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from integrations.deliveries.states import State
from integrations.models import Attempt, Flow
from orders.models import Acknowledgement, ErpPush, Order, OrderEvent
from tests.orders.factories import raw_order, stored

from .conftest import RIGHTS, act, act_address, address, page, person, told


@pytest.fixture
def operator(db: None) -> Client:
    return person("mei", *RIGHTS)


@pytest.fixture
def viewer(db: None) -> Client:
    return person("viewer")


@pytest.fixture
def order(db: None) -> Order:
    return stored(raw_order())


@pytest.fixture
def failed(order: Order) -> ErpPush:
    ErpPush.objects.filter(order=order).update(
        status=State.FAILED, due_at=None, reason_code="20001", last_error="Refused", attempts=1
    )
    return ErpPush.objects.get(order=order)


def events(order: Order) -> list[tuple[str, str, str]]:
    return [(event.kind, event.text, event.actor) for event in OrderEvent.objects.filter(order=order).order_by("pk")]


def queued() -> list[tuple[Any, Any]]:
    tasks = [SignedPackage.loads(job.payload) for job in OrmQ.objects.order_by("pk")]
    return [(task["args"], task["kwargs"]) for task in tasks]


class TestHold:
    def test_hold_asks_for_a_reason_and_release_ends_it(self, order: Order, operator: Client) -> None:
        asked = operator.get(act_address(order, "hold"))
        assert "Reason" in asked.text
        assert "This field is required" in act(operator, order, "hold").text
        answer = act(operator, order, "hold", reason="Address is being checked")
        assert answer.redirect_chain[-1][0] == address(order)
        order.refresh_from_db()
        assert (order.held, order.held_by) == (True, "mei")
        assert act_address(order, "release") in answer.text
        assert act_address(order, "hold") not in answer.text
        act(operator, order, "release")
        order.refresh_from_db()
        assert not order.held
        assert events(order) == [("hold", "Address is being checked", "mei"), ("release", "", "mei")]

    @pytest.mark.parametrize("stage", ["invoiced", "cancelled", "closed"])
    def test_a_finished_order_is_not_held(self, stage: str, order: Order, operator: Client) -> None:
        Order.objects.filter(pk=order.pk).update(stage=stage)
        assert act_address(order, "hold") not in page(operator, order).text
        assert "not possible any more" in told(act(operator, order, "hold", reason="too late"))
        assert events(order) == []

    def test_holding_twice_is_said_and_changes_nothing(self, order: Order, operator: Client) -> None:
        act(operator, order, "hold", reason="first")
        assert "not possible any more" in told(act(operator, order, "hold", reason="second"))
        assert events(order) == [("hold", "first", "mei")]


class TestComments:
    def test_a_comment_stands_in_the_timeline(self, order: Order, operator: Client) -> None:
        answer = act(operator, order, "comment", text="  Called the retailer.\nAsk again tomorrow.  ")
        assert events(order) == [("comment", "Called the retailer.\nAsk again tomorrow.", "mei")]
        assert "Called the retailer.<br>Ask again tomorrow." in answer.text

    def test_an_empty_comment_is_none(self, order: Order, operator: Client) -> None:
        act(operator, order, "comment", text="   ")
        assert events(order) == []


class TestSteps:
    def test_retry_makes_it_due_and_starts_its_flow_for_this_order(self, failed: ErpPush, operator: Client) -> None:
        act(operator, failed.order, "retry", failed)
        failed.refresh_from_db()
        assert failed.status == State.DUE
        attempt = Attempt.objects.get(kind="erp_push", delivery_id=failed.pk)
        assert (attempt.action, attempt.actor) == ("staff", "mei")
        expected = {"trigger": "mei", "order_ids": [failed.order.dsco_order_id]}
        assert queued() == [(("push_orders",), expected)]

    def test_retry_of_a_paused_flow_waits_for_it(self, failed: ErpPush, operator: Client) -> None:
        Flow.objects.create(name="push_orders", interval_seconds=60, paused=True)
        assert "paused" in told(act(operator, failed.order, "retry", failed))
        assert queued() == []

    def test_skip_and_done_need_a_reason_and_keep_it(self, failed: ErpPush, operator: Client) -> None:
        order = failed.order
        act(operator, order, "skip", failed)
        failed.refresh_from_db()
        assert failed.status == State.FAILED
        act(operator, order, "skip", failed, reason="Sold out")
        failed.refresh_from_db()
        assert failed.status == State.SKIPPED
        answer = act(operator, order, "done", failed, reason="Made it by hand")
        failed.refresh_from_db()
        assert failed.status == State.SUCCEEDED
        kept = Attempt.objects.filter(kind="erp_push", delivery_id=failed.pk).order_by("pk")
        assert [(row.message, row.actor) for row in kept] == [("Sold out", "mei"), ("Made it by hand", "mei")]
        assert "Made it by hand" in answer.text

    def test_only_what_the_state_allows_is_offered_and_done(self, order: Order, operator: Client) -> None:
        push = order.erp_push
        ErpPush.objects.filter(pk=push.pk).update(status=State.SUCCEEDED, due_at=None)
        text = page(operator, order).text
        for name in ("retry", "skip", "done"):
            assert act_address(order, name, push) not in text
            assert "not possible any more" in told(act(operator, order, name, push, reason="x"))
        push.refresh_from_db()
        assert push.status == State.SUCCEEDED

    def test_what_a_worker_is_carrying_out_is_left_alone(self, failed: ErpPush, operator: Client) -> None:
        ErpPush.objects.filter(pk=failed.pk).update(lease_token="t")
        act(operator, failed.order, "retry", failed)
        failed.refresh_from_db()
        assert failed.status == State.FAILED

    def test_a_step_of_another_order_is_not_found(self, failed: ErpPush, operator: Client) -> None:
        other = stored(raw_order())
        assert operator.post(act_address(other, "retry", failed)).status_code == 404

    def test_unknown_actions_are_not_found(self, order: Order, operator: Client) -> None:
        assert operator.post(act_address(order, "explode")).status_code == 404
        assert operator.post(act_address(order, "explode", order.erp_push)).status_code == 404


class TestRights:
    @pytest.mark.parametrize(
        ("name", "codename"),
        [("hold", "hold_order"), ("comment", "comment_order"), ("cancel", "cancel_order"),
         ("reread-dsco", "retry_delivery"), ("reread-lingxing", "retry_delivery")],
    )  # fmt: skip
    def test_an_action_on_the_order_needs_its_own_right(self, name: str, codename: str, order: Order) -> None:
        everything_else = person("almost", *(right for right in RIGHTS if right != codename))
        assert act_address(order, name) not in page(everything_else, order).text
        assert everything_else.post(act_address(order, name), {"reason": "x", "text": "x"}).status_code == 403
        assert everything_else.get(act_address(order, name)).status_code == 403
        assert act_address(order, name) in page(person("allowed", codename), order).text

    @pytest.mark.parametrize(
        ("name", "codename"), [("retry", "retry_delivery"), ("skip", "skip_delivery"), ("done", "skip_delivery")]
    )
    def test_an_action_on_a_step_needs_its_own_right(self, name: str, codename: str, failed: ErpPush) -> None:
        everything_else = person("almost", *(right for right in RIGHTS if right != codename))
        assert act_address(failed.order, name, failed) not in page(everything_else, failed.order).text
        assert everything_else.post(act_address(failed.order, name, failed), {"reason": "x"}).status_code == 403
        assert act_address(failed.order, name, failed) in page(person("allowed", codename), failed.order).text

    def test_a_viewer_has_no_buttons_at_all(self, failed: ErpPush, viewer: Client) -> None:
        assert "/act/" not in page(viewer, failed.order).text

    def test_strangers_see_nothing(self, order: Order, operator: Client) -> None:
        from django.contrib.auth.models import Permission, User

        user = User.objects.create_user("stranger", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename="hold_order"))
        browser = Client()
        browser.force_login(user)
        assert browser.get(address(order)).status_code == 403
        assert browser.post(act_address(order, "hold"), {"reason": "x"}).status_code == 403
        assert Client().post(act_address(order, "hold"), {"reason": "x"}).status_code == 302

    def test_a_forged_form_does_nothing(self, order: Order, operator: Client) -> None:
        browser = Client(enforce_csrf_checks=True)
        browser.cookies = operator.cookies
        assert browser.post(act_address(order, "hold"), {"reason": "x"}).status_code == 403
        order.refresh_from_db()
        assert not order.held

    def test_asking_never_acts(self, failed: ErpPush, operator: Client) -> None:
        for name in ("retry", "skip", "done"):
            assert operator.get(act_address(failed.order, name, failed)).status_code == 200
        for name in ("hold", "cancel", "reread-dsco", "comment"):
            assert operator.get(act_address(failed.order, name)).status_code == 200
        failed.refresh_from_db()
        assert (failed.status, failed.order.held, events(failed.order)) == (State.FAILED, False, [])
        assert Acknowledgement.objects.get(order=failed.order).status == State.WAITING
