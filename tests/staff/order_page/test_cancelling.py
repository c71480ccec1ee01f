"""Staff cancel lines: stopped here, then in LingXing, then told to DSCO, once each, with the code they chose."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from integrations.deliveries.states import State
from integrations.flows import run_flow
from integrations.sandbox.faults import Fault
from integrations.sandbox.sandbox import Sandbox
from orders.models import ErpPush, Order, OrderEvent, Stage
from orders.staff_cancellations import CannotCancel, cancel_lines
from tests.orders.cancelling import (
    LINES,
    apply,
    apply_until_settled,
    bring_in,
    confirmed,
    erp_statuses,
    made,
    order_of,
    pushed,
    read,
    rows,
)

from .conftest import act, act_address, page, told

WHOLE = {"everything": "on", "code": "CXSS", "reason": "Sold out"}


def at_dsco(sandbox: Sandbox, raw: dict[str, Any]) -> list[tuple[int, str | None]]:
    lines = sandbox.dsco.orders[raw["dscoOrderId"]]["lineItems"]
    return [(line.get("cancelledQuantity") or 0, line.get("cancelCode")) for line in lines]


class TestBeforeTheErp:
    def test_the_whole_order_never_gets_there(self, sandbox: Sandbox, clock: Any, operator: Client) -> None:
        raw = bring_in(sandbox)
        order = order_of(raw)
        answer = act(operator, order, "cancel", **WHOLE)
        assert "under way" in told(answer)
        assert order_of(raw).erp_push.status == State.CANCELLED
        run_flow("push_orders")
        apply_until_settled(clock)
        assert (made(sandbox, raw), confirmed(sandbox, raw)) == (0, 1)
        assert at_dsco(sandbox, raw) == [(3, "CXSS"), (2, "CXSS")]
        assert order_of(raw).stage == Stage.CANCELLED

    def test_without_the_button_the_page_says_why(self, sandbox: Sandbox, operator: Client) -> None:
        order = order_of(bring_in(sandbox))
        assert "Lines cannot be cancelled now" not in page(operator, order).text
        ErpPush.objects.filter(order=order).update(status=State.SKIPPED, due_at=None)
        assert "Lines cannot be cancelled now: The ERP push was skipped" in page(operator, order).text

    def test_it_stands_in_the_timeline_with_who_and_why(self, sandbox: Sandbox, operator: Client) -> None:
        order = order_of(bring_in(sandbox))
        answer = act(operator, order, "cancel", **WHOLE)
        event = OrderEvent.objects.get(order=order)
        assert (event.kind, event.actor) == ("staff", "mei")
        assert event.text == "Cancelled 3 × HP-LAMP-01, 2 × HP-VASE-02 with code CXSS. Sold out"
        assert event.text in answer.text

    def test_the_rest_is_pushed_when_dsco_has_the_part(self, sandbox: Sandbox, clock: Any, operator: Client) -> None:
        raw = bring_in(sandbox)
        act(operator, order_of(raw), "cancel", units_0="1", code="CXSN", reason="Two left")
        run_flow("push_orders")
        assert made(sandbox, raw) == 0
        apply_until_settled(clock)
        assert at_dsco(sandbox, raw) == [(1, "CXSN"), (0, None)]
        run_flow("push_orders")
        assert made(sandbox, raw) == 0
        read(raw)
        apply_until_settled(clock)
        run_flow("push_orders")
        assert (made(sandbox, raw), confirmed(sandbox, raw)) == (1, 1)
        (erp_order,) = sandbox.lingxing.by_platform(raw["dscoOrderId"])
        assert sorted(item["quantity"] for item in erp_order["item_info"]) == [2, 2]

    def test_a_change_at_dsco_meanwhile_does_not_push_it(self, sandbox: Sandbox, clock: Any, operator: Client) -> None:
        raw = bring_in(sandbox)
        act(operator, order_of(raw), "cancel", **WHOLE)
        sandbox.dsco.change_order(raw["dscoOrderId"], consumerOrderNumber="other")
        read(raw)
        run_flow("push_orders")
        assert made(sandbox, raw) == 0
        apply_until_settled(clock)
        assert confirmed(sandbox, raw) == 1

    def test_skipping_the_cancellation_lets_the_order_go(self, sandbox: Sandbox, operator: Client) -> None:
        raw = bring_in(sandbox)
        order = order_of(raw)
        act(operator, order, "cancel", **WHOLE)
        act(operator, order, "skip", order.cancellations.get(), reason="We found some more")
        apply()
        run_flow("push_orders")
        assert (made(sandbox, raw), confirmed(sandbox, raw)) == (1, 0)


class TestInTheErp:
    def test_the_whole_order_is_stopped_there_first(self, sandbox: Sandbox, clock: Any, operator: Client) -> None:
        raw = pushed(sandbox)
        act(operator, order_of(raw), "cancel", **WHOLE)
        assert rows(raw) == {"erp": ("due", ""), "dsco": ("waiting", "waiting_for_erp")}
        apply_until_settled(clock)
        assert erp_statuses(sandbox, raw) == [7]
        assert confirmed(sandbox, raw) == 1
        assert at_dsco(sandbox, raw) == [(3, "CXSS"), (2, "CXSS")]

    def test_a_part_is_reduced_by_hand_then_confirmed(self, sandbox: Sandbox, clock: Any, operator: Client) -> None:
        raw = pushed(sandbox)
        order = order_of(raw)
        act(operator, order, "cancel", units_1="2", code="CXSD", reason="No longer made")
        assert rows(raw) == {"erp": ("needs_attention", "partly_cancelled"), "dsco": ("waiting", "waiting_for_erp")}
        apply()
        assert confirmed(sandbox, raw) == 0
        act(operator, order, "done", order.cancellations.get(action="erp"), reason="Reduced in LingXing")
        apply_until_settled(clock)
        assert at_dsco(sandbox, raw) == [(0, None), (2, "CXSD")]
        assert confirmed(sandbox, raw) == 1

    def test_a_lost_reply_does_not_cancel_twice(self, sandbox: Sandbox, clock: Any, operator: Client) -> None:
        raw = bring_in(sandbox)
        act(operator, order_of(raw), "cancel", units_0="1", code="CXSN", reason="One is broken")
        sandbox.faults.add(Fault("dsco", "cancel_items", "reset_after"))
        apply()
        read(raw)
        apply_until_settled(clock)
        assert at_dsco(sandbox, raw)[0] == (1, "CXSN")
        assert confirmed(sandbox, raw) == 1


class TestWhatIsRefused:
    def test_what_has_shipped_is_not_offered(self, sandbox: Sandbox, operator: Client) -> None:
        raw = pushed(sandbox)
        order = order_of(raw)
        Order.objects.filter(pk=order.pk).update(stage=Stage.SHIPPED)
        assert act_address(order, "cancel") not in page(operator, order).text
        with pytest.raises(CannotCancel, match="left the warehouse"):
            cancel_lines(order.pk, {0: 1}, "CXSS", "", "mei")

    def test_an_order_that_is_being_created_must_wait(self, sandbox: Sandbox, operator: Client) -> None:
        order = order_of(bring_in(sandbox))
        ErpPush.objects.filter(order=order).update(status=State.UNCERTAIN, maybe_sent=True)
        assert act_address(order, "cancel") not in page(operator, order).text
        with pytest.raises(CannotCancel, match="being created"):
            cancel_lines(order.pk, {0: 1}, "CXSS", "", "mei")

    def test_a_second_cancellation_is_refused_with_what_to_do(self, sandbox: Sandbox, operator: Client) -> None:
        raw = bring_in(sandbox)
        order = order_of(raw)
        act(operator, order, "cancel", units_0="1", code="CXSS", reason="x")
        before = rows(raw)
        with pytest.raises(CannotCancel, match="skip it first"):
            cancel_lines(order.pk, {1: 1}, "CXSS", "", "mei")
        assert rows(raw) == before

    @pytest.mark.parametrize(
        ("quantities", "code", "words"),
        [({}, "CXSS", "how many units"), ({0: 4}, "CXSS", "More units"), ({0: -1}, "CXSS", "More units"),
         ({9: 1}, "CXSS", "More units"), ({0: 1}, "NOPE", "cancel codes")],
    )  # fmt: skip
    def test_impossible_wishes(self, quantities: dict[int, int], code: str, words: str, sandbox: Sandbox) -> None:
        raw = bring_in(sandbox, lines=LINES)
        with pytest.raises(CannotCancel, match=words):
            cancel_lines(order_of(raw).pk, quantities, code, "", "mei")
        assert rows(raw) == {}
        assert not OrderEvent.objects.exists()

    def test_the_form_says_what_is_missing(self, sandbox: Sandbox, operator: Client) -> None:
        order = order_of(bring_in(sandbox))
        assert "how many units" in act(operator, order, "cancel", code="CXSS", reason="x").text
        assert "less than or equal to 3" in act(operator, order, "cancel", units_0="4", code="CXSS", reason="x").text
        assert "This field is required" in act(operator, order, "cancel", units_0="1", code="CXSS").text
