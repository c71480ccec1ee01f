"""Between the confirm and the sending things change: nothing is sent that would report units twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.deliveries.claims import claim
from integrations.deliveries.kinds import delivery_kinds
from orders.composing import ComposedPackage, confirm
from orders.models import Order, OrderLine, Package, PackageLine, Shipment

from .world import lines_of, make_order

pytestmark = pytest.mark.django_db


def confirmed(**fields) -> Shipment:
    """Both packages of LingXing, confirmed by a person."""
    shipment = make_order(**fields)
    lamp, rug = lines_of(shipment)
    number = shipment.order.dsco_order_id
    values = {"service_level": "FEHD", "ship_date": timezone.now() - timedelta(hours=1)}
    packages = [
        ComposedPackage(f"T{number}-1", {lamp: 2}, **values),
        ComposedPackage(f"T{number}-2", {lamp: 1, rug: 2}, **values),
    ]
    return confirm(shipment, packages, "mei").shipment


def claimed(shipment: Shipment) -> tuple[bool, str, str]:
    """Claim what is due; return whether the shipment would be sent, its state and its reason."""
    now = timezone.now()
    taken = claim(
        delivery_kinds()["shipment"], token="t", lease=timedelta(60), due_before=now, now=now, limit=10
    ).by_action
    row = Shipment.objects.get(pk=shipment.pk)
    return bool(taken), row.status, row.reason_code


def line_at_dsco(sku: str, quantity: int) -> dict[str, object]:
    return {"sku": sku, "quantity": quantity}


def test_what_is_as_it_was_is_sent():
    assert claimed(confirmed()) == (True, "in_progress", "")


def test_a_unit_that_was_cancelled_since_is_not_reported():
    shipment = confirmed()
    OrderLine.objects.filter(order=shipment.order, position=0).update(cancelled_quantity=1)
    assert claimed(shipment) == (False, "needs_attention", "quantities_differ")


@pytest.mark.parametrize("number", ["T9100001-1", "BY-HAND-1"])
def test_units_that_were_reported_in_the_portal_since_are_not_reported_again(number):
    shipment = confirmed()
    payload = {
        "dscoOrderId": "9100001",
        "lineItems": [line_at_dsco("LAMP", 3), line_at_dsco("RUG", 2)],
        "packages": [{"trackingNumber": number, "items": [line_at_dsco("LAMP", 2)]}],
    }
    Order.objects.filter(pk=shipment.order_id).update(payload=payload, reported_tracking_numbers=[number])
    assert claimed(shipment) == (False, "needs_attention", "reported_meanwhile")
    assert number in Shipment.objects.get(pk=shipment.pk).last_error


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ignored": "deleted"}, "does not count any more"),
        ({"shipped": False}, "is not shipped any more"),
        ({"tracking_number": "T-NEW"}, "another tracking number: T-NEW"),
    ],
)
def test_an_outbound_order_that_changed_in_lingxing_is_looked_at_again(change, words):
    shipment = confirmed()
    Package.objects.filter(wo_number="WO9100001-2").update(**change)
    assert claimed(shipment) == (False, "needs_attention", "packages_changed")
    assert words in Shipment.objects.get(pk=shipment.pk).last_error


def test_an_outbound_order_with_less_in_it_is_looked_at_again():
    shipment = confirmed()
    PackageLine.objects.filter(package__wo_number="WO9100001-2", erp_sku="LX-RUG").update(quantity=1)
    assert claimed(shipment) == (False, "needs_attention", "packages_changed")


def test_another_outbound_order_that_is_not_part_of_the_report_changes_nothing():
    shipment = confirmed()
    Package.objects.create(order=shipment.order, wo_number="WO-3", tracking_number="T-3", read_at=timezone.now())
    assert claimed(shipment) == (True, "in_progress", "")
