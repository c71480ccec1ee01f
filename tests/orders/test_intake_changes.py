"""What a change at DSCO means for what we owe."""

from __future__ import annotations

import pytest
from django.utils import timezone

from orders.models import Cancellation, ErpPush, Order, OrderLine

from .factories import later, push_of, raw_line, raw_order, states, store, stored

pytestmark = pytest.mark.django_db


def put(raw, status, reason="", **columns):
    """Put the ERP push of a stored order into a state."""
    due_at = timezone.now() if status in ("due", "in_progress", "accepted", "uncertain") else None
    ErpPush.objects.filter(order__dsco_order_id=raw["dscoOrderId"]).update(
        status=status, reason_code=reason, due_at=due_at, **columns
    )


@pytest.mark.parametrize("status", ["waiting", "due", "failed", "needs_attention"])
def test_an_order_cancelled_before_it_was_pushed_is_never_pushed(status):
    raw = raw_order()
    store(raw)
    put(raw, status)
    result = store(later(raw, dscoStatus="cancelled"))
    assert states(raw) == dict.fromkeys(
        ("erp_push", "acknowledgement", "shipment", "invoice"), ("cancelled", "order_cancelled")
    )
    assert "apply_cancellations" in result.released


def test_a_cancel_request_before_the_push_stops_it_and_starts_the_cancellation_flow():
    raw = raw_order()
    store(raw)
    result = store(later(raw, cancelRequested=True))
    assert states(raw)["erp_push"] == ("cancelled", "cancel_requested")
    assert states(raw)["acknowledgement"] == ("waiting", "waiting_for_erp")
    assert result.released == {"apply_cancellations"}


@pytest.mark.parametrize("status", ["in_progress", "uncertain", "succeeded"])
def test_a_push_under_way_or_done_is_left_to_the_cancellation_flow(status):
    raw = raw_order()
    store(raw)
    put(raw, status)
    result = store(later(raw, dscoStatus="cancelled"))
    assert push_of(raw).status == status
    assert "apply_cancellations" in result.released


def test_a_push_that_may_have_happened_is_not_cancelled_by_a_change():
    raw = raw_order()
    store(raw)
    put(raw, "needs_attention", "outcome_unknown", maybe_sent=True)
    store(later(raw, cancelRequested=True))
    assert push_of(raw).status == "needs_attention"


def test_a_line_cancelled_at_dsco_starts_the_cancellation_flow():
    raw = raw_order(lineItems=[raw_line(1), raw_line(2)])
    store(raw)
    put(raw, "succeeded")
    result = store(later(raw, lineItems=[raw_line(1), raw_line(2, cancelledQuantity=1)]))
    assert result.released == {"apply_cancellations"}


def test_an_order_that_becomes_ready_is_due():
    raw = raw_order(dscoLifecycle="received")
    store(raw)
    result = store(later(raw, dscoLifecycle="created"))
    assert states(raw)["erp_push"] == ("due", "")
    assert "push_orders" in result.released


def test_a_status_that_becomes_known_is_due():
    raw = raw_order(dscoStatus="brand_new_status")
    store(raw)
    store(later(raw, dscoStatus="created"))
    assert states(raw)["erp_push"] == ("due", "")


def test_what_a_line_was_pushed_with_goes_with_it_when_dsco_lists_the_lines_in_another_order():
    raw = raw_order(lineItems=[raw_line(1), raw_line(2)])
    order = stored(raw)
    for line in order.lines.all():
        OrderLine.objects.filter(pk=line.pk).update(erp_sku=f"LX-{line.sku}")
    store(later(raw, lineItems=[raw_line(2), raw_line(1)]))
    pairs = list(OrderLine.objects.order_by("position").values_list("sku", "erp_sku"))
    assert pairs == [("SKU-2", "LX-SKU-2"), ("SKU-1", "LX-SKU-1")]


@pytest.mark.parametrize("numbers", [[2], [2, 3], [3, 1, 2], [2, 1, 3]])
def test_what_a_line_was_pushed_with_never_goes_to_another_line_when_lines_come_and_go(numbers):
    raw = raw_order(lineItems=[raw_line(1), raw_line(2)])
    order = stored(raw)
    for line in order.lines.all():
        OrderLine.objects.filter(pk=line.pk).update(erp_sku=f"LX-{line.sku}")
    store(later(raw, lineItems=[raw_line(number) for number in numbers]))
    pairs = list(OrderLine.objects.order_by("position").values_list("sku", "erp_sku"))
    assert pairs == [(f"SKU-{number}", f"LX-SKU-{number}" if number < 3 else "") for number in numbers]


def test_a_line_of_which_only_an_identifier_changed_stays_what_it_is():
    raw = raw_order(lineItems=[raw_line(1, dscoItemId=None), raw_line(2)])
    order = stored(raw)
    OrderLine.objects.filter(order=order, position=0).update(erp_sku="LX-1")
    store(later(raw, lineItems=[raw_line(1), raw_line(3)]))
    assert list(order.lines.order_by("position").values_list("dsco_item_id", "erp_sku")) == [
        ("701", "LX-1"),
        ("703", ""),
    ]


@pytest.mark.parametrize("reason", ["missing_address", "missing_price", "unmapped_sku", "unmapped_store"])
@pytest.mark.parametrize("status", ["needs_attention", "failed"])
def test_a_corrected_order_is_tried_again(status, reason):
    raw = raw_order()
    store(raw)
    put(raw, status, reason)
    store(later(raw, shipping={**raw["shipping"], "city": "Elsewhere"}))
    assert push_of(raw).status == "due"


@pytest.mark.parametrize(
    ("status", "reason"),
    [("failed", "refused"), ("needs_attention", "exists_cancelled"), ("skipped", "staff"), ("waiting", "held")],
)
def test_a_change_does_not_undo_other_decisions(status, reason):
    raw = raw_order()
    store(raw)
    put(raw, status, reason)
    store(later(raw, poNumber="other"))
    assert states(raw)["erp_push"] == (status, reason)


def test_an_order_with_its_cancellation_withdrawn_is_pushed_after_all():
    raw = raw_order()
    store(raw)
    asked = later(raw, cancelRequested=True)
    store(asked)
    result = store(later(asked, cancelRequested=False))
    assert states(raw)["erp_push"] == ("due", "")
    assert "push_orders" in result.released


def test_an_order_reopened_by_the_retailer_owes_everything_again():
    raw = raw_order()
    store(raw)
    gone = later(raw, dscoStatus="cancelled")
    store(gone)
    store(later(gone, dscoStatus="created"))
    assert states(raw) == {
        "erp_push": ("due", ""),
        "acknowledgement": ("waiting", "waiting_for_erp"),
        "shipment": ("waiting", "waiting_for_acknowledgement"),
        "invoice": ("waiting", "waiting_for_shipment"),
    }


def test_a_withdrawal_that_comes_after_our_own_cancellation_changes_nothing():
    raw = raw_order()
    order = stored(raw)
    asked = later(raw, cancelRequested=True)
    store(asked)
    Cancellation.objects.create(order=order, action="dsco", key=f"c:{order.pk}", status="succeeded")
    store(later(asked, cancelRequested=False))
    assert states(raw)["erp_push"] == ("cancelled", "cancel_requested")


def test_an_order_shipped_elsewhere_before_the_push_is_closed():
    raw = raw_order()
    store(raw)
    store(later(raw, dscoStatus="shipped", packages=[{"trackingNumber": "1Z1"}]))
    assert states(raw)["erp_push"] == ("skipped", "already_shipped")
    assert states(raw)["invoice"] == ("skipped", "already_shipped")
    order = Order.objects.get()
    assert (order.stage, order.reported_tracking_numbers) == ("closed", ["1Z1"])


def test_packages_at_dsco_are_kept_after_the_push():
    raw = raw_order()
    store(raw)
    put(raw, "succeeded")
    packages = [{"trackingNumber": "1Z1"}, {"trackingNumber": "1Z2"}, {"trackingNumber": "1Z1"}]
    store(later(raw, dscoStatus="shipped", packages=packages))
    assert Order.objects.get().reported_tracking_numbers == ["1Z1", "1Z2"]
    assert states(raw)["shipment"][0] == "waiting"


def test_a_part_that_is_asked_to_be_cancelled_holds_the_push_back_until_it_is_taken_back():
    raw = raw_order(lineItems=[raw_line(1), raw_line(2)])
    store(raw)
    asked = later(raw, lineItems=[raw_line(1), raw_line(2, cancelRequested=True)])
    result = store(asked)
    assert states(raw)["erp_push"] == ("waiting", "cancel_requested")
    assert "apply_cancellations" in result.released
    store(later(asked, lineItems=[raw_line(1), raw_line(2)]))
    assert states(raw)["erp_push"] == ("due", "")


def test_a_request_that_a_person_refused_does_not_stop_the_push_again():
    raw = raw_order()
    order = stored(raw)
    asked = later(raw, cancelRequested=True)
    store(asked)
    Cancellation.objects.create(order=order, action="dsco", key=f"c:{order.pk}", status="skipped", reason_code="staff")
    put(raw, "due")
    store(later(asked, poNumber="other"))
    assert states(raw)["erp_push"] == ("due", "")
