"""Sending shipments: lost replies, batches, refusals, and what happens between composing and calling."""

from __future__ import annotations

import pytest

from integrations.deliveries import staff
from integrations.sandbox.faults import Fault
from orders.holds import hold, release_hold
from orders.models import Order, RetailerPolicy, Shipment, ShippingMapping, Stage

from .journeys import acknowledged, line, order_of, place, push, run, run_in_trouble, shipment_of

LOST_AFTER = ("reset_after", "error_after", "html_after", "broken_json_after", "timeout_after")
LOST_BEFORE = ("reset_before", "error_before", "timeout_before")


def shipped(sandbox, count: int = 1, **fields) -> list[str]:
    """Acknowledged orders that have left the warehouse."""
    ids = [place(sandbox, line("LAMP", 1), **fields) for _number in range(count)]
    push(sandbox)
    for order_id in ids:
        sandbox.lingxing.audit(order_id)
    run("acknowledge_orders")
    for order_id in ids:
        sandbox.lingxing.ship(order_id)
    return ids


def statuses(ids: list[str]) -> set[str]:
    return set(Shipment.objects.filter(order__dsco_order_id__in=ids).values_list("status", flat=True))


@pytest.mark.parametrize("kind", LOST_AFTER + LOST_BEFORE)
def test_a_lost_reply_heals_with_exactly_one_shipment(sandbox, clock, settings, kind):
    settings.VERIFY_DELAY_SECONDS = 20
    sandbox.options.visibility_delay_seconds = 10
    clock.advance(15)
    order_id = acknowledged_visibly(sandbox, clock)
    sandbox.faults.add(Fault("dsco", "single_shipment", kind, seconds=2))
    run_in_trouble("report_shipments")
    assert shipment_of(order_id).status == "uncertain"
    run("report_shipments")
    assert shipment_of(order_id).status == "uncertain"  # not before the vendor's delay
    for _pass in range(3):
        clock.advance(30)
        run("report_shipments")
    assert shipment_of(order_id).status == "succeeded"
    assert sandbox.dsco.effect_count("shipment", order_id) == 1
    assert (shipment_of(order_id).confirmed_at is not None) == kind.endswith("_after")


def acknowledged_visibly(sandbox, clock) -> str:
    """Like ``acknowledged``, while reads lag behind writes."""
    order_id = place(sandbox, line("LAMP", 1))
    clock.advance(20)
    push(sandbox)
    sandbox.lingxing.audit(order_id)
    clock.advance(20)
    run("acknowledge_orders")
    sandbox.lingxing.ship(order_id)
    clock.advance(20)
    return order_id


class TestBatches:
    def test_many_go_together_and_dsco_itself_confirms_them(self, sandbox, settings):
        settings.BATCH_FROM = 5
        ids = shipped(sandbox, 8)
        run("report_shipments")
        assert statuses(ids) == {"succeeded"}
        assert sandbox.requests["dsco", "shipment_batch"] == 1
        assert sandbox.requests["dsco", "single_shipment"] == 0
        assert all(shipment_of(order_id).confirmed_at for order_id in ids)
        assert sandbox.dsco.duplicates() == []

    def test_one_refused_item_is_repeated_alone_and_hears_the_reason(self, sandbox, settings):
        settings.BATCH_FROM = 5
        ids = shipped(sandbox, 8)
        sandbox.dsco.refuse_shipment(ids[2], "bad-carrier", "This carrier is not allowed")
        run("report_shipments")
        refused = shipment_of(ids[2])
        assert (refused.status, refused.last_error_code, refused.solo) == ("failed", "bad-carrier", True)
        assert "not allowed" in refused.last_error
        assert statuses([order_id for order_id in ids if order_id != ids[2]]) == {"succeeded"}
        assert sandbox.requests["dsco", "single_shipment"] == 1

    def test_a_batch_that_is_still_processed_is_not_done(self, sandbox, settings, clock):
        settings.BATCH_FROM = 2
        ids = shipped(sandbox, 3)
        sandbox.options.async_seconds = 600
        run("report_shipments")
        assert statuses(ids) == {"accepted"}
        clock.advance(700)
        run("report_shipments")
        assert statuses(ids) == {"succeeded"}

    def test_a_lost_reply_to_a_batch_heals_with_one_shipment_each(self, sandbox, settings, clock):
        settings.BATCH_FROM = 2
        ids = shipped(sandbox, 4)
        sandbox.faults.add(Fault("dsco", "shipment_batch", "reset_after"))
        run_in_trouble("report_shipments")
        assert statuses(ids) == {"uncertain"}
        clock.advance(1)
        sandbox.dsco.tick()
        run("report_shipments")
        assert statuses(ids) == {"succeeded"}
        assert sandbox.dsco.duplicates() == []

    def test_a_batch_of_which_half_was_applied_heals(self, sandbox, settings, clock):
        settings.BATCH_FROM = 2
        ids = shipped(sandbox, 6)
        sandbox.faults.add(Fault("dsco", "shipment_batch", "partial_apply"))
        for _pass in range(4):
            run_in_trouble("report_shipments")
            clock.advance(1)
            sandbox.dsco.tick()
        assert statuses(ids) == {"succeeded"}
        assert all(sandbox.dsco.effect_count("shipment", order_id) == 1 for order_id in ids)

    @pytest.mark.parametrize("status", [404, 405, 403])
    def test_an_account_without_the_batch_address_reports_one_by_one(self, sandbox, settings, status):
        settings.BATCH_FROM = 2
        ids = shipped(sandbox, 3)
        sandbox.faults.add(Fault("dsco", "shipment_batch", "error_before", status=status, times=0))
        run("report_shipments")
        assert statuses(ids) == {"succeeded"}
        assert sandbox.requests["dsco", "single_shipment"] == 3


class TestBetweenComposingAndCalling:
    def composed(self, sandbox) -> str:
        """An order whose shipment is due but could not be sent."""
        [order_id] = shipped(sandbox)
        sandbox.faults.add(Fault("dsco", "single_shipment", "forbidden_ip"))
        run("report_shipments", status="stopped")
        row = shipment_of(order_id)
        assert row.status == "due"
        assert row.body
        return order_id

    def test_a_hold_wins_and_its_end_lets_the_shipment_go(self, sandbox):
        order_id = self.composed(sandbox)
        hold([order_of(order_id).pk], "customer called", "mei")
        run("report_shipments")
        assert (shipment_of(order_id).status, shipment_of(order_id).reason_code) == ("waiting", "held")
        release_hold([order_of(order_id).pk], "mei")
        run("report_shipments")
        assert shipment_of(order_id).status == "succeeded"

    def test_a_cancellation_wins_and_a_person_is_told(self, sandbox, clock):
        order_id = self.composed(sandbox)
        sandbox.dsco.cancel_by_retailer(order_id)
        clock.advance(15)
        run("pull_orders")
        run("report_shipments")
        row = shipment_of(order_id)
        assert (row.status, row.reason_code) == ("needs_attention", "cancelled_after_shipment")
        assert sandbox.dsco.effect_count("shipment", order_id) == 0

    def test_a_cancel_request_is_left_to_a_person_who_may_refuse_it(self, sandbox, clock):
        order_id = self.composed(sandbox)
        sandbox.dsco.request_cancel(order_id)
        clock.advance(15)
        run("pull_orders")
        run("report_shipments")
        row = shipment_of(order_id)
        assert (row.status, row.reason_code) == ("needs_attention", "cancel_requested")
        row.order.cancellations.create(
            key=f"cancellation:dsco:{order_id}", action="dsco", status="skipped", reason_code="staff"
        )
        run("report_shipments")
        assert shipment_of(order_id).status == "succeeded"

    def test_a_line_cancelled_meanwhile_is_never_over_reported(self, sandbox, clock):
        order_id = acknowledged(sandbox, line("LAMP", 2))
        sandbox.lingxing.ship(order_id)
        sandbox.faults.add(Fault("dsco", "single_shipment", "forbidden_ip"))
        run("report_shipments", status="stopped")

        def cancel_one(order) -> None:
            order["lineItems"][0] |= {"cancelledQuantity": 1, "remainingQuantity": 1}

        sandbox.dsco.rewrite(order_id, cancel_one, backdate=60)
        clock.advance(15)
        run("pull_orders")
        run("report_shipments")
        assert shipment_of(order_id).reason_code == "quantities_differ"
        assert sandbox.dsco.effect_count("shipment", order_id) == 0

    def test_shadow_mode_composes_and_sends_nothing(self, sandbox):
        policy = RetailerPolicy.objects.create(retailer_id="1000041001", shipment_mode="shadow")
        [order_id] = shipped(sandbox)
        run("report_shipments")
        row = shipment_of(order_id)
        assert (row.status, row.reason_code, row.attempts) == ("waiting", "shadow", 0)
        assert row.body[0]["trackingNumber"]
        policy.shipment_mode = "live"
        policy.save()
        run("report_shipments")
        assert shipment_of(order_id).status == "succeeded"

    def test_a_held_order_composes_and_waits(self, sandbox):
        [order_id] = shipped(sandbox)
        hold([order_of(order_id).pk], "wait", "mei")
        run("report_shipments")
        assert shipment_of(order_id).reason_code == "held"
        assert sandbox.requests["dsco", "single_shipment"] == 0


def test_a_refused_shipment_shows_the_vendors_words_and_can_be_retried(sandbox):
    [order_id] = shipped(sandbox)
    sandbox.dsco.refuse_shipment(order_id, "bad-code", "GCG is not allowed on shipments")
    run("report_shipments")
    row = shipment_of(order_id)
    assert (row.status, row.last_error_code) == ("failed", "bad-code")
    assert "GCG" in row.last_error
    sandbox.dsco.stop_refusing(order_id)
    staff.retry("shipment", [row.pk], "mei")
    run("report_shipments")
    assert shipment_of(order_id).status == "succeeded"


def test_a_retry_after_a_refusal_sends_what_was_corrected(sandbox):
    [order_id] = shipped(sandbox)
    sandbox.dsco.refuse_shipment(order_id, "no-carrier", "Ship carrier is required", times=1)
    Order.objects.update(ship_carrier="", ship_method="")
    run("report_shipments")
    assert shipment_of(order_id).status == "failed"
    RetailerPolicy.objects.create(retailer_id="1000041001", require_carrier=True)
    ShippingMapping.objects.update(report_carrier="FedEx", report_method="Home Delivery")
    staff.retry("shipment", [shipment_of(order_id).pk], "mei")
    run("report_shipments")
    row = shipment_of(order_id)
    assert row.status == "succeeded"
    assert row.body[0]["shipCarrier"] == "FedEx"
    assert sandbox.dsco.effect_count("shipment", order_id) == 1


def test_an_order_cancelled_in_lingxing_after_its_acknowledgement_needs_a_person(sandbox):
    order_id = acknowledged(sandbox, line("LAMP", 2))
    sandbox.lingxing.cancel(order_id)
    run("report_shipments")
    row = shipment_of(order_id)
    assert (row.status, row.reason_code) == ("needs_attention", "cancelled_in_erp")
    sandbox.lingxing.set_status(order_id, 5)
    run("report_shipments")
    assert shipment_of(order_id).status == "waiting"


def test_a_package_of_an_order_that_was_cancelled_before_is_left_to_a_person(sandbox, clock):
    order_id = acknowledged(sandbox, line("LAMP", 2))
    sandbox.dsco.cancel_by_retailer(order_id)
    clock.advance(15)
    run("pull_orders")
    sandbox.lingxing.ship(order_id)
    run("report_shipments")
    assert shipment_of(order_id).reason_code == "cancelled_after_shipment"


def test_a_retry_of_a_parked_shipment_looks_at_its_packages_again(sandbox):
    order_id = acknowledged(sandbox, line("LAMP", 2))
    sandbox.lingxing.ship(order_id, [{"tracking": "T-1,T-2"}])
    run("report_shipments")
    staff.retry("shipment", [shipment_of(order_id).pk], "mei")
    run("report_shipments")
    assert shipment_of(order_id).reason_code == "several_packages"
    assert sandbox.dsco.effect_count("shipment", order_id) == 0


def test_an_order_whose_acknowledgement_failed_is_not_reported(sandbox):
    order_id = place(sandbox, line("LAMP", 1))
    push(sandbox)
    sandbox.lingxing.audit(order_id)
    sandbox.dsco.refuse_acknowledgement(order_id)
    run("acknowledge_orders")
    sandbox.lingxing.ship(order_id)
    run("report_shipments")
    assert shipment_of(order_id).status == "waiting"


def test_a_shipment_marked_as_done_counts_as_shipped(sandbox):
    order_id = acknowledged(sandbox, line("LAMP", 2))
    sandbox.lingxing.ship(order_id, [{"tracking": "T-1,T-2"}])
    run("report_shipments")
    staff.mark_done("shipment", [shipment_of(order_id).pk], "mei", "reported in the portal")
    assert order_of(order_id).stage == Stage.SHIPPED


def test_two_hundred_shipments_stay_within_the_database_budget(sandbox, django_assert_max_num_queries, settings):
    settings.HTTP_TIMEOUT_SECONDS = 30  # a batch of 200 on a busy machine is no lost reply
    ids = shipped(sandbox, 200)
    with django_assert_max_num_queries(400):
        run("report_shipments")
    assert statuses(ids) == {"succeeded"}
