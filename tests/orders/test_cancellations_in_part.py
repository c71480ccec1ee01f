"""A part of an order is cancelled: the rest always goes on, whatever came first and whoever waited for whom."""

from __future__ import annotations

import pytest

from integrations.deliveries import staff
from integrations.flows import run_flow
from integrations.sandbox.faults import Fault
from orders.holds import hold, release_hold
from orders.models import Cancellation, ErpPush
from orders.staff_cancellations import cancel_lines

from .cancelling import (
    apply,
    apply_until_settled,
    ask_for_line,
    bring_in,
    confirmed,
    made,
    order_of,
    pushed,
    read,
    rows,
)


def acknowledge(sandbox, raw) -> str:
    """Review the order in LingXing, acknowledge it; return the state of the acknowledgement."""
    sandbox.lingxing.audit(raw["dscoOrderId"])
    run_flow("acknowledge_orders")
    return order_of(raw).acknowledgement.status


def test_a_part_asked_for_while_the_order_was_held_does_not_wait_for_the_push_that_waits_for_it(sandbox):
    raw = bring_in(sandbox)
    order = order_of(raw)
    hold([order.pk], "address?", "mei")
    run_flow("push_orders")
    ask_for_line(sandbox, raw, 0)
    apply()
    release_hold([order.pk], "mei")
    for _round in range(3):
        apply()
        run_flow("push_orders")
    assert confirmed(sandbox, raw) == 1
    read(raw)
    apply()
    run_flow("push_orders")
    assert made(sandbox, raw) == 1
    assert acknowledge(sandbox, raw) == "succeeded"


@pytest.mark.parametrize("status", ["failed", "needs_attention"])
def test_a_part_of_an_order_whose_push_is_parked_is_confirmed(sandbox, status):
    raw = bring_in(sandbox)
    ErpPush.objects.update(status=status, due_at=None, reason_code="refused")
    ask_for_line(sandbox, raw, 0)
    apply()
    apply()
    assert (confirmed(sandbox, raw), rows(raw)) == (1, {"dsco": ("succeeded", "")})
    read(raw)
    apply()
    staff.retry("erp_push", [ErpPush.objects.get().pk], "mei")
    run_flow("push_orders")
    assert made(sandbox, raw) == 1


def test_an_outcome_heard_of_after_the_pull_that_shows_it_holds_nothing_back(sandbox, clock):
    raw = bring_in(sandbox)
    ask_for_line(sandbox, raw, 0)
    sandbox.faults.add(Fault("dsco", "cancel_items", "reset_after"))
    apply()
    assert rows(raw)["dsco"][0] == "uncertain"
    read(raw)
    apply_until_settled(clock, 2)
    assert rows(raw) == {"dsco": ("succeeded", "")}
    run_flow("push_orders")
    assert made(sandbox, raw) == 1
    assert acknowledge(sandbox, raw) == "succeeded"


def test_units_that_staff_cancelled_hold_nothing_back_once_dsco_shows_them(sandbox, clock):
    raw = bring_in(sandbox)
    cancel_lines(order_of(raw).pk, {0: 1}, "CXSN", "one is broken", "mei")
    sandbox.faults.add(Fault("dsco", "cancel_items", "reset_after"))
    apply()
    read(raw)
    apply_until_settled(clock, 2)
    run_flow("push_orders")
    assert made(sandbox, raw) == 1
    assert acknowledge(sandbox, raw) == "succeeded"


def test_a_second_part_that_was_settled_by_hand_lets_the_rest_be_shipped(sandbox):
    raw = pushed(sandbox)
    number = raw["dscoOrderId"]
    ask_for_line(sandbox, raw, 0)
    apply()
    sandbox.lingxing.edit_quantity(number, "LX-HP-LAMP-01", 0)
    staff.mark_done("cancellation", [Cancellation.objects.get(action="erp").pk], "mei", "taken out")
    apply()
    read(raw)
    assert acknowledge(sandbox, raw) == "succeeded"
    lines = [dict(line) for line in sandbox.dsco.orders[number]["lineItems"]]
    lines[1] |= {"cancelledQuantity": 1, "remainingQuantity": 1}
    sandbox.dsco.change_order(number, lineItems=lines)
    read(raw)
    apply()
    assert (order_of(raw).shipment.status, order_of(raw).shipment.reason_code) == ("needs_attention", "cancelled_again")
    sandbox.lingxing.edit_quantity(number, "LX-HP-VASE-02", 1)
    apply()
    apply()
    assert order_of(raw).shipment.status == "waiting"
    sandbox.lingxing.ship(number, [{"lines": {"LX-HP-VASE-02": 1}}], status=6)
    run_flow("report_shipments")
    run_flow("report_shipments")
    assert order_of(raw).shipment.status == "succeeded"
