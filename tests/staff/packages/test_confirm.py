"""The one confirm: what it stores, and everything that keeps it from storing anything."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.deliveries.states import State
from integrations.models import Attempt
from orders.compose_drafts import save_draft, start_editing
from orders.compose_facts import facts_for, shipment_for, snapshot
from orders.compose_preview import stored_packages
from orders.composing import ComposedPackage, NotConfirmed, confirm, report_elsewhere
from orders.deciding import READY, decide
from orders.finding import find
from orders.models import Order, OrderEvent, OrderLine, Package, Shipment

from .world import lines_of, make_order

pytestmark = pytest.mark.django_db


def both(shipment: Shipment, first: str = "N-1", second: str = "N-2", **fields) -> list[ComposedPackage]:
    lamp, rug = lines_of(shipment)
    values = {"service_level": "FEHD", "ship_date": timezone.now() - timedelta(hours=1)} | fields
    return [ComposedPackage(first, {lamp: 2}, **values), ComposedPackage(second, {lamp: 1, rug: 2}, **values)]


def refused(shipment: Shipment, packages, actor: str = "mei", **arguments) -> list[str]:
    before = Shipment.objects.values().get(pk=shipment.pk)
    with pytest.raises(NotConfirmed) as refusal:
        confirm(shipment, packages, actor, **arguments)
    assert Shipment.objects.values().get(pk=shipment.pk) == before
    return [problem.code for problem in refusal.value.problems]


def test_a_confirm_stores_body_and_person_and_makes_it_due():
    shipment = make_order()
    result = confirm(shipment, both(shipment), "mei")
    row = Shipment.objects.get(pk=shipment.pk)
    assert (row.status, row.chosen_by, row.reason_code, row.last_error) == ("due", "mei", "", "")
    assert row.due_at <= timezone.now()
    assert [one["trackingNumber"] for one in row.body] == ["N-1", "N-2"]
    assert [[item.get("packageSpanFlag") for item in one["lineItems"]] for one in row.body] == [[True], [True, None]]
    assert result.waits is None
    attempt = Attempt.objects.get(kind="shipment", delivery_id=row.pk)
    assert (attempt.actor, attempt.outcome) == ("mei", "due")
    assert "N-1, N-2" in OrderEvent.objects.get(order=row.order).text


def test_typed_numbers_find_the_order_and_are_taken_from_then_on():
    shipment = make_order()
    confirm(shipment, both(shipment, second=f"T{shipment.order.dsco_order_id}-2"), "mei")
    assert find(["N-1"]).ids == [shipment.order_id]
    assert Package.objects.filter(ignored="by_staff").count() == 1
    other = make_order("9100002")
    assert refused(other, both(other, "n-1", "N-9")) == ["tracking_number_used"]


def test_a_new_confirm_before_sending_replaces_the_first():
    shipment = make_order()
    confirm(shipment, both(shipment), "mei")
    confirm(shipment, both(shipment, "M-1", "M-2"), "li")
    row = Shipment.objects.get(pk=shipment.pk)
    assert row.chosen_by == "li"
    assert set(Package.objects.filter(ignored="by_staff").values_list("tracking_number", flat=True)) == {"M-1", "M-2"}


@pytest.mark.parametrize("status", ["in_progress", "accepted", "uncertain", "succeeded", "skipped", "cancelled"])
def test_what_is_under_way_or_over_is_never_sent_again(status):
    shipment = make_order()
    Shipment.objects.filter(pk=shipment.pk).update(status=status, due_at=timezone.now())
    expected = {"in_progress": "in_flight", "accepted": "in_flight"}.get(status, status)
    assert refused(shipment, both(shipment)) == [expected]


def test_what_may_have_been_sent_is_not_sent_again_even_when_it_needs_attention():
    shipment = make_order()
    Shipment.objects.filter(pk=shipment.pk).update(maybe_sent=True)
    assert refused(shipment, both(shipment)) == ["uncertain"]


def test_a_due_row_that_a_worker_has_claimed_is_not_touched():
    shipment = make_order(status=State.DUE)
    Shipment.objects.filter(pk=shipment.pk).update(lease_token="worker")
    assert refused(shipment, both(shipment)) == ["in_flight"]


def test_what_dsco_refused_may_be_corrected_and_sent():
    shipment = make_order(status=State.FAILED)
    confirm(shipment, both(shipment), "mei")
    assert Shipment.objects.get(pk=shipment.pk).status == "due"


def test_an_order_that_is_not_in_the_erp_has_nothing_to_report():
    shipment = make_order()
    shipment.order.erp_push.__class__.objects.update(status=State.WAITING)
    assert refused(shipment, both(shipment)) == ["not_in_erp"]


def test_numbers_of_other_orders_are_refused_wherever_they_stand():
    other = make_order("9100002")
    Shipment.objects.filter(pk=other.pk).update(body=[{"trackingNumber": "BODY-1", "lineItems": []}])
    shipment = make_order()
    assert refused(shipment, both(shipment, first="T9100002-1")) == ["tracking_number_used"]
    assert refused(shipment, both(shipment, first="t9100002-1")) == ["tracking_number_used"]
    assert refused(shipment, both(shipment, first="BODY-1")) == ["tracking_number_used"]
    Package.objects.filter(order=other.order).update(ignored="deleted")
    confirm(shipment, both(shipment, first="T9100002-1"), "mei")


def test_an_outbound_order_that_carries_two_orders_is_one_package_of_both():
    other = make_order("9100002")
    shipment = make_order()
    Package.objects.filter(order__in=[other.order, shipment.order], wo_number__endswith="-1").update(
        wo_number="WO-MERGED", tracking_number="SHARED"
    )
    Shipment.objects.filter(pk=other.pk).update(body=[{"trackingNumber": "SHARED", "lineItems": []}])
    confirm(shipment, both(shipment, first="SHARED"), "mei")


def test_a_part_is_kept_with_its_reason():
    shipment = make_order()
    part = both(shipment)[:1]
    assert refused(shipment, part) == ["partial"]
    confirm(shipment, part, "mei", partial=True, partial_reason="two rugs are lost")
    assert "two rugs are lost" in OrderEvent.objects.get(order=shipment.order).text


def test_a_held_order_is_stored_and_says_why_it_waits():
    shipment = make_order(held=True, hold_reason="address")
    result = confirm(shipment, both(shipment), "mei")
    assert result.waits.code == "held"
    assert Shipment.objects.get(pk=shipment.pk).chosen_by == "mei"


class TestWhatChangedMeanwhile:
    def seen(self, shipment) -> dict:
        row = shipment_for(shipment.order_id)
        return snapshot(row, facts_for(row, []))

    def test_nothing_changed(self):
        shipment = make_order()
        confirm(shipment, both(shipment), "mei", seen=self.seen(shipment), version=0)

    def test_a_line_was_cancelled(self):
        shipment = make_order()
        seen = self.seen(shipment)
        shipment.order.lines.filter(sku="RUG").update(cancelled_quantity=1)
        with pytest.raises(NotConfirmed, match=r"#2 RUG: 2 units could be reported before, 1 now"):
            confirm(shipment, both(shipment), "mei", seen=seen)

    def test_lingxing_corrected_a_package(self):
        shipment = make_order()
        seen = self.seen(shipment)
        shipment.order.packages.filter(wo_number__endswith="-2").update(tracking_number="CORRECTED")
        with pytest.raises(NotConfirmed, match=r"WO9100001-2 was: T9100001-2 .* now: CORRECTED"):
            confirm(shipment, both(shipment), "mei", seen=seen)

    def test_somebody_else_confirmed(self):
        shipment = make_order()
        seen = self.seen(shipment)
        confirm(shipment, both(shipment), "li")
        with pytest.raises(NotConfirmed, match=r"li has confirmed packages meanwhile: N-1, N-2"):
            confirm(shipment, both(shipment, "M-1", "M-2"), "mei", seen=seen)

    def test_the_draft_was_changed(self):
        shipment = make_order()
        content = {"packages": [], "partial": False, "reason": ""}
        save_draft(shipment.pk, "mei", content, 0, {}, timezone.now())
        assert refused(shipment, both(shipment), version=0) == ["draft_changed"]
        confirm(shipment, both(shipment), "mei", version=1)


class TestOneAtATime:
    def test_whoever_edits_is_named_and_the_other_cannot_confirm(self):
        shipment = make_order()
        assert start_editing(shipment.pk, "li", timezone.now()) is None
        editor = start_editing(shipment.pk, "mei", timezone.now())
        assert editor.name == "li"
        assert refused(shipment, both(shipment), "mei") == ["being_edited"]
        confirm(shipment, both(shipment), "li")

    def test_after_five_minutes_of_silence_the_next_one_may(self):
        shipment = make_order()
        start_editing(shipment.pk, "li", timezone.now() - timedelta(minutes=5, seconds=1))
        assert start_editing(shipment.pk, "mei", timezone.now()) is None
        confirm(shipment, both(shipment), "mei")

    def test_since_when_stays_while_the_mark_is_renewed(self):
        shipment = make_order()
        start = timezone.now() - timedelta(minutes=8)
        start_editing(shipment.pk, "li", start)
        start_editing(shipment.pk, "li", start + timedelta(minutes=4))
        editor = start_editing(shipment.pk, "mei", start + timedelta(minutes=8))
        assert (editor.since, editor.seen_at) == (start, start + timedelta(minutes=4))

    def test_taking_over_makes_the_other_page_out_of_date(self):
        shipment = make_order()
        start_editing(shipment.pk, "li", timezone.now())
        assert start_editing(shipment.pk, "mei", timezone.now(), take_over=True) is None
        assert refused(shipment, both(shipment), "li", version=0) == ["being_edited"]
        Shipment.objects.update(edited_at=timezone.now() - timedelta(minutes=6))
        assert refused(shipment, both(shipment), "li", version=0) == ["draft_changed"]


class TestReportedElsewhere:
    def test_it_is_done_with_reason_and_person(self):
        shipment = make_order()
        report_elsewhere(shipment, "mei", "in the portal at noon")
        row = Shipment.objects.get(pk=shipment.pk)
        assert (row.status, row.body) == ("succeeded", [])
        assert Order.objects.get().stage == "shipped"
        assert Attempt.objects.get().message == "in the portal at noon"

    def test_not_without_a_reason(self):
        shipment = make_order()
        with pytest.raises(NotConfirmed):
            report_elsewhere(shipment, "mei", " ")

    @pytest.mark.parametrize("status", ["in_progress", "accepted", "uncertain", "succeeded"])
    def test_not_while_the_engine_has_it(self, status):
        shipment = make_order()
        Shipment.objects.filter(pk=shipment.pk).update(status=status, due_at=timezone.now())
        with pytest.raises(NotConfirmed):
            report_elsewhere(shipment, "mei", "portal")
        assert Shipment.objects.get(pk=shipment.pk).status == status


@pytest.mark.parametrize("status", ["due", "needs_attention", "waiting"])
def test_a_flow_that_read_the_row_before_the_confirm_does_not_overwrite_it(status):
    shipment = make_order(status=status)
    read_before = list(Shipment.objects.all())
    confirm(shipment, both(shipment), "mei")
    body = Shipment.objects.get(pk=shipment.pk).body
    decide(read_before, {shipment.pk: READY}, timezone.now(), {shipment.pk: {"body": [{"trackingNumber": "MACHINE"}]}})
    row = Shipment.objects.get(pk=shipment.pk)
    assert (row.body, row.chosen_by, row.status) == (body, "mei", "due")


def test_what_is_stored_is_told_in_words():
    shipment = make_order()
    shipped = timezone.now() - timedelta(hours=1)
    confirm(shipment, both(shipment, ship_date=shipped), "mei")
    first, second = stored_packages(Shipment.objects.get(pk=shipment.pk).body)
    assert (first.tracking_number, first.service_level, first.carrier) == ("N-1", "FEHD", "")
    assert first.ship_date is not None
    assert abs(first.ship_date - shipped) < timedelta(seconds=1)
    assert [text.partition(" ")[0] for text in first.contents] == ["2"]
    assert [text.partition(" ")[0] for text in second.contents] == ["1", "2"]
    assert OrderLine.objects.get(pk=lines_of(shipment)[0]).sku in first.contents[0]
    assert stored_packages([]) == []
