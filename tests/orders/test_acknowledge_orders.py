"""Acknowledging: when LingXing has reviewed an order, once, and done only when DSCO's log says so."""

from __future__ import annotations

import pytest

from integrations.clock import MachineClock, use_clock
from integrations.deliveries import staff
from integrations.flows import run_flow
from integrations.sandbox.faults import Fault
from orders.flows.acknowledge_orders import AcknowledgementKind
from orders.holds import hold, release_hold
from orders.models import Acknowledgement, ErpOrder, RetailerPolicy, Stage
from orders.staff_cancellations import cancel_lines

from .factories import map_everything
from .journeys import acknowledgement_of, line, order_of, place, push, pushed, run, run_in_trouble

LOST_AFTER = ("reset_after", "error_after", "html_after", "broken_json_after", "timeout_after")
LOST_BEFORE = ("reset_before", "error_before", "timeout_before")


def test_an_order_is_acknowledged_with_our_number_once_it_is_reviewed(sandbox):
    order_id = pushed(sandbox)
    run("acknowledge_orders")
    assert acknowledgement_of(order_id).status == "waiting"
    sandbox.lingxing.audit(order_id)
    result = run("acknowledge_orders")
    row = acknowledgement_of(order_id)
    number = sandbox.lingxing.by_platform(order_id)[0]["global_order_no"]
    assert (row.status, row.remote_reference) == ("succeeded", number)
    assert sandbox.dsco.orders[order_id]["supplierOrderNumber"] == number
    assert order_of(order_id).stage == Stage.ACKNOWLEDGED
    assert "report_shipments" in result.released
    assert sandbox.violations == []


def test_running_again_acknowledges_nothing_twice(sandbox):
    order_id = pushed(sandbox)
    sandbox.lingxing.audit(order_id)
    for _time in range(3):
        run("acknowledge_orders")
    assert sandbox.dsco.effect_count("acknowledgement", order_id) == 1


def test_many_orders_go_in_one_call_and_one_refusal_does_not_touch_the_others(sandbox):
    ids = [place(sandbox) for _number in range(12)]
    push(sandbox)
    for order_id in ids:
        sandbox.lingxing.audit(order_id)
    sandbox.dsco.refuse_acknowledgement(ids[3], "not-yours", "The order belongs to another supplier")
    run("acknowledge_orders")
    refused = acknowledgement_of(ids[3])
    assert (refused.status, refused.last_error_code) == ("failed", "not-yours")
    assert "another supplier" in refused.last_error
    assert Acknowledgement.objects.filter(status="succeeded").count() == 11
    assert sandbox.requests["dsco", "acknowledge"] == 1


def test_the_log_of_each_request_is_read_once_also_where_more_waits_for_it_than_is_asked_about_together(
    sandbox, clock, settings, monkeypatch
):
    settings.SETTLE_SECONDS = 0.0
    for order_id in [place(sandbox) for _number in range(12)]:
        push(sandbox)
        sandbox.lingxing.audit(order_id)
    monkeypatch.setattr(AcknowledgementKind, "claim_size", 4)
    run("acknowledge_orders")
    assert sandbox.requests["dsco", "acknowledge"] == 3
    assert Acknowledgement.objects.filter(status="accepted").count() == 12
    monkeypatch.setattr(AcknowledgementKind, "claim_size", 6)
    sandbox.forget_requests()
    clock.advance(60)
    run("acknowledge_orders")
    assert sandbox.requests["dsco", "order_log"] == 3
    assert Acknowledgement.objects.filter(status="succeeded").count() == 12


def test_one_run_looks_at_all_that_wait_some_at_a_time(sandbox, monkeypatch):
    monkeypatch.setattr("orders.flows.acknowledge_orders.CHECKED_TOGETHER", 2)
    ids = [place(sandbox) for _number in range(5)]
    push(sandbox)
    sandbox.lingxing.audit(ids[-1])
    result = run("acknowledge_orders")
    assert (result.counts["checked"], result.released) == (5, ["report_shipments"])


class HastyClock(MachineClock):
    """A tenth of a second passes with each look at it: every run is over its time at once, on any machine."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        self.now += 0.1
        return self.now


def test_what_a_run_has_no_time_to_look_at_is_taken_up_by_the_next_which_follows_at_once(sandbox, monkeypatch):
    monkeypatch.setattr("orders.flows.acknowledge_orders.CHECKED_TOGETHER", 2)
    for _number in range(5):
        place(sandbox)
    push(sandbox)
    before = use_clock(HastyClock())
    try:
        results = [run_flow("acknowledge_orders", budget_seconds=0.05) for _time in range(4)]
    finally:
        use_clock(before)
    looked = [(result.counts.get("checked", 0), "acknowledge_orders" in result.released) for result in results]
    assert looked == [(2, True), (2, True), (1, True), (0, False)]
    assert Acknowledgement.objects.filter(checked_at=None).count() == 0
    assert run("acknowledge_orders").counts["checked"] == 5


def test_a_queued_acknowledgement_is_not_done(sandbox, settings):
    settings.SETTLE_SECONDS = 0.3
    order_id = pushed(sandbox)
    sandbox.lingxing.audit(order_id)
    sandbox.options.async_seconds = 3600
    run("acknowledge_orders")
    assert acknowledgement_of(order_id).status == "accepted"
    assert order_of(order_id).stage == Stage.IN_ERP


def test_every_part_of_a_split_order_must_be_reviewed(sandbox):
    order_id = pushed(sandbox, line("LAMP", 1), line("RUG", 1))
    first, second = sandbox.lingxing.split(order_id)
    sandbox.lingxing.audit(first)
    run("acknowledge_orders")
    assert acknowledgement_of(order_id).status == "waiting"
    sandbox.lingxing.audit(second)
    run("acknowledge_orders")
    row = acknowledgement_of(order_id)
    assert (row.status, row.remote_reference) == ("succeeded", first)


def test_a_cancelled_part_of_a_split_order_does_not_hold_it_up(sandbox):
    order_id = pushed(sandbox, line("LAMP", 1), line("RUG", 1))
    first, second = sandbox.lingxing.split(order_id)
    sandbox.lingxing.cancel(first)
    sandbox.lingxing.audit(second)
    run("acknowledge_orders")
    row = acknowledgement_of(order_id)
    assert (row.status, row.remote_reference) == ("succeeded", second)


def test_merged_orders_are_each_acknowledged(sandbox):
    ids = [place(sandbox, line("LAMP", 1)), place(sandbox, line("RUG", 1))]
    push(sandbox)
    merged = sandbox.lingxing.merge(ids)
    sandbox.lingxing.audit(merged)
    run("acknowledge_orders")
    assert [acknowledgement_of(order_id).remote_reference for order_id in ids] == [merged, merged]
    assert all(sandbox.dsco.effect_count("acknowledgement", order_id) == 1 for order_id in ids)


def test_an_order_cancelled_in_lingxing_needs_a_person_and_heals_when_it_is_restored(sandbox):
    order_id = pushed(sandbox)
    sandbox.lingxing.cancel(order_id)
    run("acknowledge_orders")
    row = acknowledgement_of(order_id)
    assert (row.status, row.reason_code) == ("needs_attention", "cancelled_in_erp")
    assert order_id in row.last_error
    sandbox.lingxing.set_status(order_id, 5)
    run("acknowledge_orders")
    assert acknowledgement_of(order_id).status == "succeeded"


def test_the_rest_of_an_order_cancelled_in_part_needs_a_person_when_lingxing_cancels_it(sandbox, clock):
    order_id = place(sandbox, line("LAMP", 1), line("RUG", 1))
    run("pull_orders")
    cancel_lines(order_of(order_id).pk, {0: 1}, "CXSS", "broken", "staff")
    run("apply_cancellations")
    clock.advance(15)
    run("pull_orders")
    run("apply_cancellations")
    push(sandbox)
    sandbox.lingxing.cancel(order_id)
    run("acknowledge_orders")
    row = acknowledgement_of(order_id)
    assert (row.status, row.reason_code) == ("needs_attention", "cancelled_in_erp")


def test_an_order_that_lingxing_does_not_show_waits_an_hour_before_it_needs_a_person(sandbox, clock):
    order_id = pushed(sandbox)
    sandbox.options.visibility_delay_seconds = 10**6
    clock.advance(600)
    run("acknowledge_orders")
    assert acknowledgement_of(order_id).status == "waiting"
    clock.advance(3600)
    run("acknowledge_orders")
    assert acknowledgement_of(order_id).reason_code == "missing_in_erp"
    sandbox.options.visibility_delay_seconds = 0
    sandbox.lingxing.audit(order_id)
    run("acknowledge_orders")
    assert acknowledgement_of(order_id).status == "succeeded"


def test_the_policy_says_which_status_is_enough(sandbox):
    order_id = pushed(sandbox)
    RetailerPolicy.objects.create(retailer_id=order_of(order_id).retailer_id, acknowledge_statuses=[4, 5, 6])
    run("acknowledge_orders")
    assert acknowledgement_of(order_id).status == "succeeded"


@pytest.mark.parametrize("mode", ["off", "shadow"])
def test_a_switched_off_retailer_waits_and_goes_when_he_is_switched_on(sandbox, mode):
    order_id = pushed(sandbox)
    sandbox.lingxing.audit(order_id)
    policy = RetailerPolicy.objects.create(retailer_id=order_of(order_id).retailer_id, acknowledge_mode=mode)
    run("acknowledge_orders")
    row = acknowledgement_of(order_id)
    assert (row.status, row.attempts) == ("waiting", 0)
    assert row.reason_code in ("policy_off", "shadow")
    policy.acknowledge_mode = "live"
    policy.save()
    run("acknowledge_orders")
    assert acknowledgement_of(order_id).status == "succeeded"


def test_a_held_order_goes_after_the_hold_but_not_before_its_review(sandbox):
    reviewed, fresh = place(sandbox), place(sandbox)
    push(sandbox)
    sandbox.lingxing.audit(reviewed)
    pks = [order_of(reviewed).pk, order_of(fresh).pk]
    hold(pks, "address check", "mei")
    run("acknowledge_orders")
    assert acknowledgement_of(reviewed).reason_code == "held"
    release_hold(pks, "mei")
    run("acknowledge_orders")
    assert acknowledgement_of(reviewed).status == "succeeded"
    assert acknowledgement_of(fresh).status == "waiting"


def test_a_hold_between_release_and_call_wins(sandbox):
    order_id = pushed(sandbox)
    sandbox.lingxing.audit(order_id)
    sandbox.faults.add(Fault("dsco", "acknowledge", "forbidden_ip"))
    run("acknowledge_orders", status="stopped")
    assert acknowledgement_of(order_id).status == "due"
    hold([order_of(order_id).pk], "stop", "mei")
    run("acknowledge_orders")
    assert acknowledgement_of(order_id).reason_code == "held"
    assert sandbox.dsco.effect_count("acknowledgement", order_id) == 0


def test_a_retailer_who_wants_to_cancel_gets_no_acknowledgement(sandbox, clock):
    asking, cancelled = place(sandbox), place(sandbox)
    push(sandbox)
    for order_id in (asking, cancelled):
        sandbox.lingxing.audit(order_id)
    sandbox.dsco.request_cancel(asking)
    sandbox.dsco.cancel_by_retailer(cancelled)
    clock.advance(15)
    run("pull_orders")
    run("acknowledge_orders")
    assert acknowledgement_of(asking).reason_code == "cancel_requested"
    assert acknowledgement_of(cancelled).status == "cancelled"
    assert sandbox.requests["dsco", "acknowledge"] == 0


def test_an_order_acknowledged_by_hand_is_left_alone(sandbox, clock):
    order_id = pushed(sandbox)
    sandbox.dsco.change_order(order_id, dscoLifecycle="acknowledged", dscoStatus="shipment_pending")
    clock.advance(15)
    run("pull_orders")
    sandbox.lingxing.audit(order_id)
    run("acknowledge_orders")
    row = acknowledgement_of(order_id)
    assert (row.status, row.reason_code) == ("skipped", "already_acknowledged")
    assert sandbox.requests["dsco", "acknowledge"] == 0


@pytest.mark.parametrize("kind", LOST_AFTER + LOST_BEFORE)
def test_a_lost_reply_heals_with_exactly_one_acknowledgement(sandbox, clock, settings, kind):
    settings.VERIFY_DELAY_SECONDS = 20
    sandbox.options.visibility_delay_seconds = 10
    ids = [place(sandbox), place(sandbox)]
    push(sandbox)
    clock.advance(15)
    for order_id in ids:
        sandbox.lingxing.audit(order_id)
    clock.advance(15)
    sandbox.faults.add(Fault("dsco", "acknowledge", kind, seconds=2))
    run_in_trouble("acknowledge_orders")
    assert {acknowledgement_of(order_id).status for order_id in ids} == {"uncertain"}
    clock.advance(1)
    sandbox.dsco.tick()  # DSCO works its queue off soon, not when we ask again
    for _pass in range(4):
        clock.advance(30)
        run("acknowledge_orders")
    assert {acknowledgement_of(order_id).status for order_id in ids} == {"succeeded"}
    assert sandbox.dsco.duplicates() == []
    assert all(sandbox.dsco.effect_count("acknowledgement", order_id) == 1 for order_id in ids)


def test_a_lost_reply_after_an_earlier_refusal_is_not_answered_by_the_old_log(sandbox, clock):
    order_id = pushed(sandbox)
    sandbox.lingxing.audit(order_id)
    sandbox.dsco.refuse_acknowledgement(order_id, times=1)
    run("acknowledge_orders")
    row = acknowledgement_of(order_id)
    assert row.status == "failed"
    staff.retry("acknowledgement", [row.pk], "mei")
    sandbox.faults.add(Fault("dsco", "acknowledge", "reset_after"))
    for _pass in range(3):
        run_in_trouble("acknowledge_orders")
        clock.advance(1)
    assert acknowledgement_of(order_id).status == "succeeded"
    assert sandbox.dsco.effect_count("acknowledgement", order_id) == 1


def test_an_acknowledgement_whose_receipt_got_lost_is_found_though_the_retailer_cancelled_since(sandbox, clock):
    order_id = pushed(sandbox)
    sandbox.lingxing.audit(order_id)
    sandbox.faults.add(Fault("dsco", "acknowledge", "reset_after"))
    run_in_trouble("acknowledge_orders")
    clock.advance(1)
    sandbox.dsco.tick()
    sandbox.dsco.cancel_by_retailer(order_id)
    for _pass in range(2):
        run_in_trouble("acknowledge_orders")
        clock.advance(1)
    assert sandbox.dsco.effect_count("acknowledgement", order_id) == 1
    assert acknowledgement_of(order_id).status == "succeeded"


def test_what_is_due_goes_out_while_lingxing_is_down(sandbox):
    order_id = pushed(sandbox)
    sandbox.lingxing.audit(order_id)
    other = pushed(sandbox)
    sandbox.faults.add(Fault("dsco", "acknowledge", "forbidden_ip"))
    run("acknowledge_orders", status="stopped")
    sandbox.faults.add(Fault("lingxing", "*", "error_before", times=0))
    run("acknowledge_orders", status="stopped")
    assert acknowledgement_of(order_id).status == "succeeded"
    assert acknowledgement_of(other).status == "waiting"


def test_dropped_address_fields_are_noted(sandbox):
    sandbox.lingxing.drop_optional_fields = True
    order_id = pushed(sandbox)
    result = run("acknowledge_orders")
    assert any("postal_code" in note for note in result.notes)
    assert "state_or_region" in ErpOrder.objects.get(orders__dsco_order_id=order_id).dropped_fields


def test_a_run_for_one_order_leaves_the_others(sandbox):
    ids = [place(sandbox), place(sandbox)]
    map_everything(sandbox)
    push(sandbox)
    for order_id in ids:
        sandbox.lingxing.audit(order_id)
    run("acknowledge_orders", order_ids=(ids[0],))
    assert [acknowledgement_of(order_id).status for order_id in ids] == ["succeeded", "waiting"]


def test_two_hundred_orders_stay_within_the_database_budget(sandbox, django_assert_max_num_queries, settings):
    settings.HTTP_TIMEOUT_SECONDS = 30  # a batch of 200 on a busy machine is no lost reply
    ids = [place(sandbox) for _number in range(200)]
    push(sandbox)
    for order_id in ids:
        sandbox.lingxing.audit(order_id)
    with django_assert_max_num_queries(200):
        run("acknowledge_orders")
    assert Acknowledgement.objects.filter(status="succeeded").count() == 200


@pytest.mark.parametrize("kind", LOST_AFTER)
def test_what_dsco_still_works_on_is_not_sent_twice_when_its_receipt_got_lost(sandbox, clock, settings, kind):
    settings.VERIFY_DELAY_SECONDS = 60
    order_id = pushed(sandbox)
    sandbox.lingxing.audit(order_id)
    sandbox.options.async_seconds = 120  # longer than DSCO's reads lag behind its writes
    sandbox.faults.add(Fault("dsco", "acknowledge", kind, seconds=3))
    run_in_trouble("acknowledge_orders")
    for _look in range(4):
        clock.advance(70)
        run("acknowledge_orders")
    assert acknowledgement_of(order_id).status == "succeeded"
    assert sandbox.dsco.effect_count("acknowledgement", order_id) == 1
    assert sandbox.requests["dsco", "acknowledge"] == 1


def test_what_dsco_has_not_worked_through_for_hours_is_not_sent_a_second_time(sandbox, clock, settings):
    settings.SETTLE_SECONDS = 0.3
    order_id = pushed(sandbox)
    sandbox.lingxing.audit(order_id)
    sandbox.options.async_seconds = 6 * 3600
    run("acknowledge_orders")
    for _look in range(14):
        clock.advance(1800)
        run("acknowledge_orders")
    assert sandbox.requests["dsco", "acknowledge"] == 1
    assert sandbox.dsco.effect_count("acknowledgement", order_id) == 1
    row = acknowledgement_of(order_id)
    if row.status != "succeeded":
        assert row.status == "needs_attention"
        staff.retry("acknowledgement", [row.pk], "mei")
        run("acknowledge_orders")
    assert acknowledgement_of(order_id).status == "succeeded"
    assert sandbox.requests["dsco", "acknowledge"] == 1
