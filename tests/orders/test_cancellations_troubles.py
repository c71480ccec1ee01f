"""Cancelling when replies are lost, vendors refuse or workers die: one effect, and nothing lost."""

from __future__ import annotations

import pytest

from integrations.sandbox.faults import Fault
from orders.models import Cancellation, ErpPush

from .cancelling import (
    apply,
    apply_until_settled,
    ask,
    bring_in,
    confirmed,
    erp_statuses,
    made,
    pushed,
    read,
    rows,
)


@pytest.mark.parametrize("operation", ["cancel_orders", "list_orders"])
@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "timeout_after", "error_after", "html_after"])
def test_a_lost_reply_of_lingxing_ends_in_one_cancellation(sandbox, clock, operation, kind):
    raw = pushed(sandbox)
    ask(sandbox, raw)
    sandbox.faults.add(Fault("lingxing", operation, kind, seconds=3))
    apply_until_settled(clock)
    assert erp_statuses(sandbox, raw) == [7]
    assert rows(raw) == {"erp": ("succeeded", ""), "dsco": ("succeeded", "")}
    assert confirmed(sandbox, raw) == 1


@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "timeout_after", "error_after", "html_after"])
def test_a_lost_reply_of_dsco_ends_in_one_confirmation(sandbox, clock, kind):
    raw = bring_in(sandbox)
    ask(sandbox, raw)
    sandbox.faults.add(Fault("dsco", "cancel_items", kind, seconds=3))
    apply_until_settled(clock)
    assert confirmed(sandbox, raw) == 1
    assert rows(raw) == {"dsco": ("succeeded", "")}


def test_a_confirmation_that_dsco_queues_is_followed_up(sandbox, clock):
    raw = bring_in(sandbox)
    sandbox.options.cancel_answers_202 = True
    ask(sandbox, raw)
    apply_until_settled(clock, 3)
    assert confirmed(sandbox, raw) == 1
    assert rows(raw) == {"dsco": ("succeeded", "")}


def test_a_queued_confirmation_that_fails_shows_dscos_words(sandbox, clock):
    raw = bring_in(sandbox)
    sandbox.options.cancel_answers_202 = True
    sandbox.dsco.refuse_cancellation(raw["dscoOrderId"], "cancel-late", "Too late to cancel")
    ask(sandbox, raw)
    apply_until_settled(clock, 3)
    row = Cancellation.objects.get()
    assert (row.status, row.last_error_code) == ("failed", "cancel-late")
    assert "Too late to cancel" in row.last_error
    assert made(sandbox, raw) == 0


def test_a_crash_between_the_two_actions_loses_neither(sandbox):
    raw = pushed(sandbox)
    ask(sandbox, raw)
    sandbox.faults.add(Fault("dsco", "cancel_items", "error_before", times=0))
    apply()
    assert rows(raw)["erp"] == ("succeeded", "")
    assert rows(raw)["dsco"][0] in ("due", "uncertain")
    # As if the worker had died before it could release the second action.
    Cancellation.objects.filter(action="dsco").update(
        status="waiting", due_at=None, reason_code="waiting_for_erp", maybe_sent=False, lease_token=""
    )
    sandbox.faults.clear()
    apply()
    assert rows(raw) == {"erp": ("succeeded", ""), "dsco": ("succeeded", "")}
    assert confirmed(sandbox, raw) == 1


def test_an_interception_that_lingxing_refuses_needs_a_person(sandbox, clock):
    raw = pushed(sandbox)
    sandbox.lingxing.set_status(raw["dscoOrderId"], 9)
    ask(sandbox, raw)
    apply()
    assert rows(raw)["erp"] == ("needs_attention", "erp_refused")
    assert "订单状态不允许标记不发货" in Cancellation.objects.get(action="erp").last_error
    assert confirmed(sandbox, raw) == 0


def test_a_request_taken_back_after_the_erp_order_was_stopped_is_shown(sandbox, clock):
    raw = pushed(sandbox)
    ask(sandbox, raw)
    sandbox.faults.add(Fault("dsco", "cancel_items", "throttled", times=0, retry_after=3600))
    apply()
    assert rows(raw) == {"erp": ("succeeded", ""), "dsco": ("due", "http_429")}
    lines = [line | {"cancelRequested": False} for line in raw["lineItems"]]
    sandbox.dsco.change_order(raw["dscoOrderId"], cancelRequested=False, lineItems=lines)
    read(raw)
    sandbox.faults.clear()
    apply()
    assert rows(raw)["dsco"] == ("needs_attention", "withdrawn_too_late")
    assert confirmed(sandbox, raw) == 0


def test_the_retailers_own_operation_is_never_called(sandbox, clock):
    raws = [bring_in(sandbox), pushed(sandbox)]
    for raw in raws:
        ask(sandbox, raw)
    apply_until_settled(clock, 2)
    assert sandbox.requests["dsco", "request_cancel"] == 0


def test_one_run_can_be_limited_to_some_orders(sandbox):
    first, second = bring_in(sandbox), bring_in(sandbox)
    for raw in (first, second):
        ask(sandbox, raw)
    apply(order_ids=[first["dscoOrderId"]])
    assert (confirmed(sandbox, first), confirmed(sandbox, second)) == (1, 0)


def test_settled_cancellations_cost_no_further_calls(sandbox):
    raw = pushed(sandbox)
    ask(sandbox, raw)
    apply()
    read(raw)
    before = sum(sandbox.requests.values())
    apply()
    assert sum(sandbox.requests.values()) == before
    assert ErpPush.objects.get().status == "succeeded"
