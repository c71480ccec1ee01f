"""A vendor that does not answer: noticed, left alone, asked by one, and then everything goes on in the right order."""

from __future__ import annotations

from datetime import timedelta

import pytest
import requests
import responses
from django.utils import timezone

from integrations import outages
from integrations.deliveries import kinds, staff
from integrations.deliveries.after_outage import bring_forward
from integrations.deliveries.engine import DeliveryPass
from integrations.deliveries.pool import CallPool
from integrations.errors import TransientError, VendorOut
from integrations.flows import run_flow
from integrations.http import HttpDoor
from integrations.models import Attempt, VendorOutage
from orders.models import Acknowledgement, Order

from .vendor import MemoryKind, MemoryVendor, make_due

pytestmark = pytest.mark.django_db
URL = "http://vendor.test"


@pytest.fixture(autouse=True)
def usual_delays(settings):
    settings.VERIFY_DELAY_SECONDS = 60
    settings.RETRY_BACKOFF_SCALE = 1.0
    settings.HTTP_THREADS = 0


@pytest.fixture
def vendor(monkeypatch):
    vendor = MemoryVendor()
    monkeypatch.setitem(kinds._kinds, "acknowledgement", MemoryKind(vendor))
    return vendor


def call(times=1, body=None):
    door = HttpDoor("dsco", URL)
    with responses.RequestsMock() as wire:
        for _number in range(times):
            wire.get(f"{URL}/", **(body or {"status": 200}))
        for _number in range(times):
            try:
                door.send("look", "GET", "/", writes=False)
            except TransientError as error:
                assert error.code == "connection_lost"  # noqa: PT017 - whatever the transport says


LOST = {"body": requests.ConnectionError("gone")}


def outage(*, hours=24.0, failed_probes=9, ended=False, vendor="dsco"):
    now = timezone.now()
    return VendorOutage.objects.create(
        vendor=vendor, began_at=now - timedelta(hours=hours), opened_at=now - timedelta(hours=hours), failures=5,
        last_failure_at=now, next_probe_at=now + timedelta(minutes=5), probe_seconds=300, failed_probes=failed_probes,
        ended_at=now if ended else None,
    )  # fmt: skip


def test_calls_without_an_answer_in_a_row_open_an_outage_and_then_nothing_is_sent():
    with outages.watching():
        call(2, LOST)
        call(2, {"status": 503})
        assert not outages.vendors_out()
        call(1, LOST)
        assert outages.vendors_out() == ["dsco"]
        with responses.RequestsMock(), pytest.raises(VendorOut) as refused:  # a request would raise another error
            HttpDoor("dsco", URL).send("look", "GET", "/", writes=False)
    assert refused.value.code == "vendor_out"
    assert "\n" not in str(refused.value)
    row = VendorOutage.objects.get()
    assert (row.failures, row.failed_probes, row.ended_at) == (5, 0, None)
    assert row.next_probe_at > timezone.now()


def test_failures_are_counted_over_several_runs_and_any_answer_ends_the_count():
    for _run in range(4):
        with outages.watching():
            call(1, LOST)
    assert VendorOutage.objects.get().failures == 4
    with outages.watching():
        call(1, {"status": 400})
    assert not VendorOutage.objects.exists()
    with outages.watching():
        call(4, LOST)
        assert not outages.vendors_out()


def test_failures_long_ago_do_not_count(clock):
    with outages.watching():
        call(4, LOST)
        clock.advance(2 * 3600 + 1)
        call(4, LOST)
        assert not outages.vendors_out()


def test_what_a_person_does_on_a_page_is_neither_refused_nor_counted():
    outage()
    call(1)
    call(6, LOST)
    assert VendorOutage.objects.get().failures == 5


def test_nothing_is_claimed_for_a_vendor_that_is_out_and_no_delivery_changes(vendor):
    make_due(3)
    outage()
    with outages.watching():
        result = DeliveryPass(MemoryKind(vendor), CallPool(0)).run()
    assert isinstance(result.stopped_by, VendorOut)
    assert vendor.calls == []
    assert set(Acknowledgement.objects.values_list("status", "attempts", "failures", "last_error")) == {
        ("due", 0, 0, "")
    }
    assert not Attempt.objects.exists()


def test_a_call_that_the_door_refuses_in_the_middle_of_a_pass_is_no_failure(vendor):
    make_due(2)

    def be_out(_keys):
        row = VendorOutage.objects.get()
        raise outages.out_error(row, "test")

    outage(vendor="lingxing")
    vendor.script = [be_out]
    with outages.watching():
        result = DeliveryPass(MemoryKind(vendor), CallPool(0)).run()
    assert result.stopped_by.code == "vendor_out"
    assert set(Acknowledgement.objects.values_list("status", "failures", "failing_since")) == {
        ("due", 0, None), ("succeeded", 0, None),
    }  # fmt: skip


def test_an_outage_of_the_other_vendor_holds_nothing_back(vendor):
    make_due(2)
    outage(vendor="lingxing")
    with outages.watching():
        DeliveryPass(MemoryKind(vendor), CallPool(0)).run()
    assert set(Acknowledgement.objects.values_list("status", flat=True)) == {"succeeded"}


class TestGivingUp:
    def fail_since(self, hours):
        (row,) = make_due(1)
        since = timezone.now() - timedelta(hours=hours)
        Acknowledgement.objects.update(failures=9, failing_since=since, last_attempt_at=since)
        return row

    def uncertain_since(self, hours, failures):
        (row,) = make_due(1)
        sent = timezone.now() - timedelta(hours=hours)
        Acknowledgement.objects.update(
            status="uncertain", maybe_sent=True, attempts=1, failures=failures, failing_since=sent, last_attempt_at=sent
        )
        return row

    def fail_again(self, vendor, row):
        vendor.script = [vendor.be_busy]
        DeliveryPass(MemoryKind(vendor), CallPool(0)).run()
        row.refresh_from_db()
        return row.status, row.reason_code

    def test_hours_of_an_outage_do_not_count(self, vendor):
        row = self.fail_since(30)
        outage(hours=28, ended=True)
        assert self.fail_again(vendor, row) == ("due", "http_503")

    def test_failures_in_a_row_to_which_the_vendor_answered_at_once_are_no_outage(self, vendor):
        row = self.fail_since(30)
        outage(hours=28, ended=True, failed_probes=0)
        assert self.fail_again(vendor, row) == ("failed", "gave_up")

    def test_nobody_could_tell_because_of_the_outage_is_not_for_a_person(self, vendor):
        row = self.uncertain_since(26, failures=1)
        outage(hours=25.5, ended=True)

        class Blind(MemoryKind):
            def plan_verify(self, deliveries):
                plan = super().plan_verify(deliveries)
                for one in plan.calls:
                    one.run = lambda: vendor.be_busy([])
                return plan

        DeliveryPass(Blind(vendor), CallPool(0)).run()
        row.refresh_from_db()
        assert row.status == "uncertain"

    def test_hours_in_which_nobody_of_ours_tried_do_not_count(self, vendor):
        (row,) = make_due(1)
        since = timezone.now() - timedelta(hours=30)
        Acknowledgement.objects.update(failures=3, failing_since=since, last_attempt_at=since + timedelta(hours=20))
        assert self.fail_again(vendor, row) == ("due", "http_503")

    def test_what_is_found_absent_after_a_long_silence_is_sent_once_more(self, vendor):
        """Nobody of ours asked for a day either, so no outage was noticed: then the answer says "absent"."""
        row = self.uncertain_since(26, failures=14)
        DeliveryPass(MemoryKind(vendor), CallPool(0)).run()
        row.refresh_from_db()
        assert (row.status, row.reason_code) == ("due", "")
        assert not row.maybe_sent

    def test_a_person_can_make_due_again_what_was_given_up(self, vendor):
        row = self.fail_since(30)
        assert self.fail_again(vendor, row) == ("failed", "gave_up")
        staff.retry("acknowledgement", [row.pk], "mei")
        row.refresh_from_db()
        assert (row.status, row.failures) == ("due", 0)


class TestGoingOn:
    def test_what_failed_in_the_outage_is_brought_forward_nearest_deadline_first(self, vendor, monkeypatch):
        from django.db.models import F

        monkeypatch.setattr("integrations.deliveries.queue_order.CHUNK", 1)
        monkeypatch.setattr(MemoryKind, "deadline", F("order__ship_by"))
        rows = make_due(4)
        now = timezone.now()
        for place, row in enumerate(rows):
            Order.objects.filter(pk=row.order_id).update(ship_by=now + timedelta(hours=4 - place))
        Acknowledgement.objects.filter(pk__in=[rows[0].pk, rows[3].pk]).update(
            failures=6, failing_since=now, due_at=now + timedelta(hours=1)
        )
        kind = MemoryKind(vendor)
        assert bring_forward(kind, outage(), timezone.now()) == 2
        DeliveryPass(kind, CallPool(0)).run()
        assert [keys[0] for keys in vendor.calls] == [row.key for row in reversed(rows)]

    def test_what_the_vendor_asked_to_wait_and_what_failed_before_stay_where_they_are(self, vendor):
        limited, before = make_due(2)
        later = timezone.now() + timedelta(minutes=30)
        Acknowledgement.objects.update(failures=3, due_at=later)
        Acknowledgement.objects.filter(pk=limited.pk).update(last_error_kind="rate_limited")
        Acknowledgement.objects.filter(pk=before.pk).update(changed_at=timezone.now() - timedelta(days=2))
        assert bring_forward(MemoryKind(vendor), outage(), timezone.now()) == 0
        assert set(Acknowledgement.objects.values_list("due_at", flat=True)) == {later}

    def test_what_is_uncertain_is_not_looked_at_before_the_vendor_can_show_it(self, vendor):
        fresh, old = make_due(2)
        now = timezone.now()
        Acknowledgement.objects.update(
            status="uncertain", maybe_sent=True, failures=2, due_at=now + timedelta(hours=1), last_attempt_at=now
        )
        Acknowledgement.objects.filter(pk=old.pk).update(last_attempt_at=now - timedelta(hours=2))
        assert bring_forward(MemoryKind(vendor), outage(), now) == 1
        fresh.refresh_from_db()
        assert fresh.due_at > now


class TestAsking:
    @pytest.fixture
    def asked(self, monkeypatch):
        from integrations.flows import probing

        asked = []
        answers = []

        def ask():
            asked.append(timezone.now())
            if not answers:
                raise TransientError("gone", vendor="dsco", operation="hello", code="connect_failed")
            if error := answers.pop():
                raise error

        monkeypatch.setitem(probing.QUESTIONS, "dsco", ask)
        self.answers = answers
        return asked

    def run(self, trigger="schedule"):
        return run_flow("pull_orders", trigger=trigger)

    def test_only_one_process_asks_and_later_each_time(self, asked, clock):
        outage(failed_probes=0)
        VendorOutage.objects.update(probe_seconds=15, next_probe_at=timezone.now())
        waits = []
        for _round in range(7):
            result = self.run()
            assert (result.status, result.error_code) == ("stopped", "vendor_out")
            assert self.run().status == "stopped"  # another one, at the same time: asks nothing
            row = VendorOutage.objects.get()
            waits.append(round((row.next_probe_at - timezone.now()).total_seconds()))
            clock.advance(waits[-1] + 1)
        assert len(asked) == 7
        assert waits == [30, 60, 120, 240, 300, 300, 300]

    def test_a_command_or_a_person_asks_at_once(self, asked, clock):
        outage()
        clock.advance(20)
        self.run("command")
        self.run("mei")  # a moment later: asked already
        assert len(asked) == 1
        clock.advance(20)
        self.run("mei")
        assert len(asked) == 2

    def test_who_dies_while_asking_is_followed_by_another(self, asked, clock):
        row = outage()
        assert outages.take_probe(row, timezone.now(), at_once=True)
        assert not outages.take_probe(row, timezone.now(), at_once=False)
        clock.advance(151)
        assert outages.take_probe(row, timezone.now(), at_once=False)

    def test_any_answer_ends_it_and_starts_the_flows_that_waited(self, asked, clock):
        from integrations.errors import ConfigurationError

        outage()
        make_due(1)
        clock.advance(20)
        self.answers.append(ConfigurationError("no", vendor="dsco", operation="hello", code="http_403"))
        result = self.run("command")
        row = VendorOutage.objects.get(opened_at__isnull=False, failed_probes=9)
        assert row.ended_at is not None
        assert result.error_code != "vendor_out"
        assert {"acknowledge_orders", "report_shipments", "report_invoices", "sync_inventory"} <= set(result.released)

    def test_an_outage_that_comes_back_at_once_is_asked_with_the_patience_of_the_one_before(self):
        row = outage(ended=True)
        VendorOutage.objects.filter(pk=row.pk).update(probe_seconds=60)
        with outages.watching():
            call(5, LOST)
        assert VendorOutage.objects.get(ended_at=None).probe_seconds == 120
