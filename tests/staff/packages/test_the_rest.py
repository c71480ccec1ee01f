"""An order that was reported in part: the rest is reported later, once, by a shipment of its own."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from integrations.deliveries import outcomes, staff
from integrations.deliveries.states import State
from integrations.sandbox.faults import Fault
from orders.composing import ComposedPackage, NotConfirmed, confirm
from orders.deadlines import SHIP, at_risk
from orders.holds import hold, release_hold
from orders.models import Order, Package, Shipment
from orders.order_story import load_story, with_steps
from orders.shipment_kind import ShipmentKind
from orders.worklists import count_now
from tests.orders.journeys import order_of, run, run_in_trouble

from .test_end_to_end import effects, in_three_packages
from .world import address, fields_of, inputs, lines_of, make_order, operator

PART = {"partial": "1", "reason": "T-3 is still on the dock"}


def reports(order_id: str) -> list[Shipment]:
    return list(Shipment.objects.filter(order__dsco_order_id=order_id).order_by("sequence"))


def first_part(sandbox, client=None) -> str:
    """T-1 is reported, T-2 and T-3 are left out."""
    order_id = in_three_packages(sandbox)
    client = client or operator("mei")
    compose(sandbox, order_id, client, **PART, **{"p1-include": None, "p2-include": None})
    run("report_shipments")
    return order_id


def compose(sandbox, order_id: str, client, **changes) -> None:
    """Preview and confirm what the order's page offers."""
    row = reports(order_id)[-1]
    page = client.post(address(row), inputs(client, row, **changes) | {"action": "preview"})
    assert page.context["shown"].problems == []
    answer = client.post(address(row), fields_of(page) | {"action": "confirm"})
    assert answer.status_code == 302, [problem.message for problem in answer.context["shown"].problems]


class TestOnItsWay:
    def test_the_rest_waits_as_a_further_shipment_and_is_reported_when_a_person_says_so(self, sandbox):
        client = operator("mei")
        order_id = first_part(sandbox, client)
        one, two = reports(order_id)
        assert (one.status, one.remote_reference) == ("succeeded", "T-1")
        assert (two.sequence, two.key, two.chosen_by) == (2, f"shipment:{order_id}:2", "")
        for _pass in range(2):
            run("report_shipments")
        assert reports(order_id)[1].reason_code == "rest_to_report"
        assert "T-2, T-3" in reports(order_id)[1].last_error
        assert len(effects(sandbox, order_id)) == 1
        compose(sandbox, order_id, client)
        run("report_shipments")
        assert [row.status for row in reports(order_id)] == ["succeeded", "succeeded"]
        assert [one["trackingNumber"] for one in effects(sandbox, order_id)] == ["T-1", "T-2", "T-3"]
        assert sandbox.dsco.duplicates() == []
        assert sandbox.violations == []
        assert order_of(order_id).stage == "shipped"

    def test_the_rest_may_go_in_parts_again(self, sandbox):
        client = operator("mei")
        order_id = first_part(sandbox, client)
        compose(sandbox, order_id, client, **PART, **{"p2-include": None})
        run("report_shipments")
        assert [(row.sequence, row.status) for row in reports(order_id)] == [
            (1, "succeeded"), (2, "succeeded"), (3, "waiting"),
        ]  # fmt: skip
        compose(sandbox, order_id, client)
        run("report_shipments")
        assert [one["trackingNumber"] for one in effects(sandbox, order_id)] == ["T-1", "T-2", "T-3"]

    def test_the_rest_waits_for_the_warehouse_before_it_needs_a_person(self, sandbox):
        shipment_id = first_part(sandbox)
        Package.objects.filter(order__dsco_order_id=shipment_id).exclude(tracking_number="T-1").delete()
        for number in ("T-2", "T-3"):
            row = next(one for one in sandbox.lingxing.outbound.values() if one["tracking_no"] == number)
            row["status"] = 2
        run("report_shipments")
        row = reports(shipment_id)[1]
        assert (row.status, row.reason_code) == ("waiting", "waiting_for_rest")

    def test_a_lost_reply_of_the_rest_heals_without_a_second_effect(self, sandbox, clock):
        client = operator("mei")
        order_id = first_part(sandbox, client)
        compose(sandbox, order_id, client)
        sandbox.faults.add(Fault("dsco", "single_shipment", "reset_after"))
        run_in_trouble("report_shipments")
        assert reports(order_id)[1].status == "uncertain"
        for _pass in range(3):
            clock.advance(60)
            run("report_shipments")
        assert [row.status for row in reports(order_id)] == ["succeeded", "succeeded"]
        assert sandbox.dsco.duplicates() == []

    def test_what_was_reported_in_the_portal_meanwhile_leaves_nothing_to_report(self, sandbox, clock):
        order_id = first_part(sandbox)
        items = [
            {"sku": "LAMP", "quantity": 1, "lineNumber": 1, "packageSpanFlag": True},
            {"sku": "RUG", "quantity": 2, "lineNumber": 2},
        ]

        def by_hand(order) -> None:
            order["packages"].append({"trackingNumber": "PORTAL-9", "items": items, "lineItems": items})

        sandbox.dsco.rewrite(order_id, by_hand, backdate=60)
        clock.advance(15)
        run("pull_orders")
        run("report_shipments")
        assert (reports(order_id)[1].status, reports(order_id)[1].reason_code) == ("skipped", "nothing_left")
        assert order_of(order_id).stage == "shipped"


class TestTheInvoice:
    def test_it_waits_for_the_rest_and_has_everything(self, sandbox, clock):
        client = operator("mei")
        order_id = first_part(sandbox, client)
        run("report_invoices")
        assert order_of(order_id).invoice.status == "waiting"
        asked = sandbox.requests["dsco", "get_order"]
        run("report_invoices")
        assert sandbox.requests["dsco", "get_order"] == asked  # nobody is asked while the rest is open
        compose(sandbox, order_id, client)
        run("report_shipments")
        run("report_invoices")
        order = order_of(order_id)
        assert (order.invoice.status, order.stage) == ("succeeded", "invoiced")
        assert [line["quantity"] for line in order.invoice.body["lineItems"]] == [3, 2]

    def test_a_rest_that_is_given_up_brings_the_invoice_before_a_person(self, sandbox, clock):
        order_id = first_part(sandbox)
        staff.skip("shipment", [reports(order_id)[1].pk], "mei", "lost in the warehouse")
        assert order_of(order_id).stage == "shipped"
        run("report_invoices")
        assert order_of(order_id).invoice.reason_code == "partly_shipped"
        clock.advance(25 * 3600)
        run("report_invoices")
        assert order_of(order_id).invoice.status == "needs_attention"


class TestWhatItShows:
    def test_the_order_is_not_shipped_and_stays_in_the_lists(self, sandbox):
        order_id = first_part(sandbox)
        run("report_shipments")
        order = order_of(order_id)
        assert order.stage == "acknowledged"
        Order.objects.filter(pk=order.pk).update(ship_by=timezone.now())
        assert order in at_risk(SHIP, timezone.now() + timezone.timedelta(hours=1))
        assert count_now()["several_packages"] == 1

    def test_orderstatus_lists_both(self, sandbox):
        order_id = first_part(sandbox)
        out = StringIO()
        call_command("orderstatus", order_id, "--json", stdout=out)
        found = json.loads(out.getvalue())["deliveries"]
        assert [(row["kind"], row["status"]) for row in found if row["kind"] == "shipment"] == [
            ("shipment", "succeeded"), ("shipment", "waiting"),
        ]  # fmt: skip

    def test_the_order_page_counts_what_both_have_reported(self, sandbox):
        client = operator("mei")
        order_id = first_part(sandbox, client)
        story = load_story(with_steps(Order.objects.all()).get(dsco_order_id=order_id))
        assert [row.reported for row in story.quantities.values()] == [2, 0]
        compose(sandbox, order_id, client)
        run("report_shipments")
        story = load_story(with_steps(Order.objects.all()).get(dsco_order_id=order_id))
        assert [row.reported for row in story.quantities.values()] == [3, 2]

    def test_the_page_says_what_was_reported_before_and_what_is_left(self, sandbox):
        client = operator("mei")
        order_id = first_part(sandbox, client)
        page = client.get(address(reports(order_id)[1]))
        text = page.content.decode()
        assert "Reported before" in text
        assert "T-1" in text
        assert [(row.open, row.left) for row in page.context["grid"].lines] == [(1, 0), (2, 0)]
        assert [package["include"] for package in page.context["grid"].packages] == [False, True, True]

    def test_who_still_has_the_first_page_open_is_told_and_nothing_of_his_is_taken(self, sandbox):
        li = operator("li")
        order_id = in_three_packages(sandbox)
        row = reports(order_id)[0]
        stale = inputs(li, row) | {"report": str(row.pk)}
        Shipment.objects.filter(pk=row.pk).update(edited_by="", edited_at=None)
        compose(sandbox, order_id, operator("mei"), **PART, **{"p1-include": None, "p2-include": None})
        run("report_shipments")
        for action in ("save", "preview", "confirm"):
            page = li.post(address(row), stale | {"action": action})
            (problem,) = page.context["shown"].problems
            assert problem.message.startswith("mei has reported packages of this order meanwhile: T-1.")
            assert [package["include"] for package in page.context["grid"].packages] == [False, True, True]
        answer = li.post(f"{address(row)}draft/", stale)
        assert (answer.status_code, answer.json()["code"]) == (409, "other_report")
        assert reports(order_id)[1].draft == {}


@pytest.mark.django_db
class TestNeverTwice:
    def part_reported(self, *, first: str = "N-1") -> Shipment:
        """Two of three lamps are at DSCO under N-1; returns the shipment for the rest."""
        shipment = make_order()
        lamp, _rug = lines_of(shipment)
        confirm(shipment, [self.package(first, {lamp: 2})], "mei", partial=True, partial_reason="later")
        self.finish(shipment)
        return Shipment.objects.get(order=shipment.order, sequence=2)

    def package(self, number: str, quantities: dict[int, int]) -> ComposedPackage:
        return ComposedPackage(number, quantities, service_level="FEHD")

    def finish(self, shipment: Shipment) -> None:
        row = ShipmentKind().queryset().get(pk=shipment.pk)
        Shipment.objects.filter(pk=row.pk).update(status=State.SUCCEEDED, due_at=None, finished_at=timezone.now())
        row.refresh_from_db(fields=["status", "finished_at"])
        with transaction.atomic():
            ShipmentKind().recorded([(row, outcomes.succeeded("N-1"))], timezone.now())

    def refused(self, row: Shipment, *packages: ComposedPackage) -> list[str]:
        with pytest.raises(NotConfirmed) as refusal:
            confirm(row, packages, "mei", partial=True, partial_reason="later")
        return [problem.code for problem in refusal.value.problems]

    def test_more_than_is_left_is_refused(self):
        row = self.part_reported()
        lamp, rug = lines_of(row)
        assert self.refused(row, self.package("N-2", {lamp: 2, rug: 2})) == ["over_shipped"]
        confirm(row, [self.package("N-2", {lamp: 1, rug: 2})], "mei")

    def test_a_number_that_was_reported_is_refused(self):
        row = self.part_reported()
        lamp, _rug = lines_of(row)
        assert self.refused(row, self.package("n-1", {lamp: 1})) == ["already_reported"]

    def test_the_typed_numbers_of_the_first_report_stay_taken(self):
        row = self.part_reported()
        lamp, rug = lines_of(row)
        confirm(row, [self.package("N-2", {lamp: 1, rug: 2})], "mei")
        assert set(Package.objects.filter(ignored="by_staff").values_list("tracking_number", flat=True)) == {
            "N-1",
            "N-2",
        }

    @pytest.mark.parametrize("status", ["in_progress", "accepted", "uncertain"])
    def test_nothing_is_composed_while_another_report_is_under_way(self, status):
        row = self.part_reported()
        Shipment.objects.filter(order=row.order, sequence=1).update(status=status, due_at=timezone.now())
        lamp, _rug = lines_of(row)
        assert self.refused(row, self.package("N-2", {lamp: 1}))[0] in ("other_report", "in_flight", "uncertain")

    @pytest.mark.parametrize("status", ["in_progress", "accepted", "uncertain", "due"])
    def test_two_reports_of_an_order_never_go_at_the_same_time(self, status):
        row = self.part_reported()
        lamp, rug = lines_of(row)
        confirm(row, [self.package("N-2", {lamp: 1, rug: 2})], "mei")
        Shipment.objects.filter(order=row.order, sequence=1).update(status=status, due_at=timezone.now())
        rows = list(ShipmentKind().queryset().filter(order=row.order, status="due"))
        with transaction.atomic():
            found = ShipmentKind().check(rows, timezone.now())
        assert found[row.pk].code == "waiting_for_other_report"

    def test_a_first_report_that_is_retried_later_never_reports_the_same_again(self):
        row = self.part_reported()
        one = Shipment.objects.get(order=row.order, sequence=1)
        Shipment.objects.filter(pk=one.pk).update(status=State.FAILED)
        Shipment.objects.filter(pk=row.pk).update(status=State.SUCCEEDED, body=one.body, chosen_by="mei")
        staff.retry("shipment", [one.pk], "mei")
        with transaction.atomic():
            found = ShipmentKind().check(list(ShipmentKind().queryset().filter(pk=one.pk)), timezone.now())
        assert (found[one.pk].state, found[one.pk].code) == ("needs_attention", "reported_already")

    def test_the_rest_waits_with_a_held_order_and_goes_after_it(self):
        row = self.part_reported()
        lamp, rug = lines_of(row)
        hold([row.order_id], "address", "mei")
        assert confirm(row, [self.package("N-2", {lamp: 1, rug: 2})], "mei").waits.code == "held"
        release_hold([row.order_id], "mei")
        assert Shipment.objects.get(pk=row.pk).status == "due"

    def test_a_person_may_begin_the_rest_of_what_was_skipped_before(self):
        client = operator("mei")
        row = self.part_reported()
        Shipment.objects.filter(pk=row.pk).delete()
        page = client.get(address(row))
        assert page.context["may_report_rest"]
        assert client.post(address(row), {"action": "rest"}).status_code == 302
        assert Shipment.objects.filter(order=row.order, sequence=2, status="waiting").count() == 1
        assert not client.get(address(row)).context["may_report_rest"]
        client.post(address(row), {"action": "rest"})
        assert Shipment.objects.filter(order=row.order).count() == 2

    def test_a_whole_report_leaves_nothing(self):
        shipment = make_order()
        lamp, rug = lines_of(shipment)
        confirm(shipment, [self.package("N-1", {lamp: 3, rug: 2})], "mei")
        self.finish(shipment)
        assert Shipment.objects.filter(order=shipment.order).count() == 1


def test_many_reports_go_in_a_batch_and_the_rests_with_them(sandbox, settings, clock):
    settings.BATCH_FROM = 2
    client = operator("mei")
    ids = [in_three_packages(sandbox, mark) for mark in ("A", "B")]
    for order_id in ids:
        compose(sandbox, order_id, client, **PART, **{"p1-include": None, "p2-include": None})
    for _pass in range(3):
        run("report_shipments")
        clock.advance(30)
    for order_id in ids:
        compose(sandbox, order_id, client)
    for _pass in range(3):
        run("report_shipments")
        clock.advance(30)
    for order_id in ids:
        assert [row.status for row in reports(order_id)] == ["succeeded", "succeeded"]
        assert len(effects(sandbox, order_id)) == 3
    assert sandbox.dsco.duplicates() == []
