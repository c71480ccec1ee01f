"""The engine's promises, against a vendor with a memory."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.calls import CallRecord, note_call
from integrations.deliveries import kinds, outcomes, staff
from integrations.deliveries.engine import DeliveryPass
from integrations.deliveries.kinds import Call, Plan
from integrations.deliveries.pool import CallPool
from integrations.deliveries.releases import park, release
from integrations.deliveries.states import State
from integrations.models import ApiCall, Attempt, AttemptAction
from orders.models import Acknowledgement

from .vendor import MemoryKind, MemoryVendor, make_due

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def short_delays(settings):
    settings.VERIFY_DELAY_SECONDS = 60
    settings.RETRY_BACKOFF_SCALE = 1.0


@pytest.fixture
def vendor(monkeypatch):
    vendor = MemoryVendor()
    monkeypatch.setitem(kinds._kinds, "acknowledgement", MemoryKind(vendor))
    return vendor


def run_pass(kind):
    return DeliveryPass(kind, CallPool(0)).run()


def test_due_deliveries_are_carried_out_once_and_recorded(vendor):
    make_due(45)
    kind = MemoryKind(vendor, batch=7)
    first, second = run_pass(kind), run_pass(kind)
    assert first.counts["succeeded"] == 45
    assert second.counts == {}
    assert set(vendor.effects.values()) == {1}
    row = Acknowledgement.objects.get(key="acknowledgement:k3")
    assert (row.status, row.attempts, row.due_at, row.remote_reference) == ("succeeded", 1, None, f"R-{row.key}")
    assert Attempt.objects.filter(kind="acknowledgement", outcome="succeeded").count() == 45


def test_a_lost_reply_is_verified_after_the_delay_and_never_repeated(vendor, clock):
    (row,) = make_due(1)
    vendor.script = [vendor.lose_reply]
    kind = MemoryKind(vendor)
    run_pass(kind)
    row.refresh_from_db()
    assert row.status == State.UNCERTAIN
    assert row.maybe_sent
    run_pass(kind)
    assert vendor.verified == []  # too early: the vendor's reads may lag behind
    clock.advance(61)
    run_pass(kind)
    row.refresh_from_db()
    assert row.status == State.SUCCEEDED
    assert vendor.effects[row.key] == 1
    assert len(vendor.calls) == 1


def test_a_lost_request_is_found_absent_and_sent_again(vendor, clock):
    (row,) = make_due(1)
    vendor.script = [vendor.lose_request]
    kind = MemoryKind(vendor)
    run_pass(kind)
    clock.advance(61)
    run_pass(kind)
    row.refresh_from_db()
    assert row.status == State.DUE
    assert not row.maybe_sent
    clock.advance(1)
    run_pass(kind)
    row.refresh_from_db()
    assert (row.status, row.attempts, vendor.effects[row.key]) == ("succeeded", 2, 1)
    actions = list(Attempt.objects.order_by("id").values_list("action", flat=True))
    assert actions == [AttemptAction.SEND, AttemptAction.VERIFY, AttemptAction.SEND]


def test_absent_is_not_believed_while_the_vendor_may_still_have_the_call_queued(vendor, clock):
    (row,) = make_due(1)
    vendor.script = [vendor.lose_request]

    class QueuedKind(MemoryKind):
        absent_after_delays = 3

    kind = QueuedKind(vendor)
    run_pass(kind)
    clock.advance(61)
    run_pass(kind)
    row.refresh_from_db()
    assert row.status == State.UNCERTAIN  # looked for, not found, and not sent again
    assert len(vendor.verified) == len(vendor.calls) == 1
    clock.advance(121)
    run_pass(kind)
    row.refresh_from_db()
    assert row.status == State.DUE


def test_an_item_that_a_reply_does_not_mention_is_verified(vendor):
    rows = make_due(2)

    class ForgetfulKind(MemoryKind):
        def _send(self, group):
            outcomes_by_id = super()._send(group)
            return {pk: outcome for pk, outcome in outcomes_by_id.items() if pk != rows[1].pk}

    run_pass(ForgetfulKind(vendor, batch=2))
    assert [row.status for row in Acknowledgement.objects.order_by("id")] == [State.SUCCEEDED, State.UNCERTAIN]


def test_one_refused_item_of_a_batch_never_fails_its_neighbours(vendor, clock):
    rows = make_due(5)
    bad = rows[2].key

    def refuse_the_bad_one(keys):
        if bad in keys:
            vendor.refuse(keys)

    vendor.script = [refuse_the_bad_one] * 20
    kind = MemoryKind(vendor, batch=5)
    run_pass(kind)
    clock.advance(1)
    run_pass(kind)
    states = dict(Acknowledgement.objects.values_list("key", "status"))
    assert states.pop(bad) == State.FAILED
    assert set(states.values()) == {State.SUCCEEDED}
    failed = Acknowledgement.objects.get(key=bad)
    assert (failed.last_error_code, failed.last_error) == ("bad", "not like this")


def test_a_certain_failure_is_tried_again_with_growing_patience_and_given_up_after_a_day(vendor, clock):
    (row,) = make_due(1)
    vendor.script = [vendor.be_busy] * 100
    kind = MemoryKind(vendor)
    waits = []
    began = timezone.now()
    for _round in range(60):
        run_pass(kind)
        row.refresh_from_db()
        if row.status == State.FAILED:
            break
        assert row.status == State.DUE
        waits.append((row.due_at - timezone.now()).total_seconds() / 60)
        clock.advance(waits[-1] * 60 + 1)
    assert row.status == State.FAILED
    assert row.reason_code == "gave_up"
    assert [round(wait / expected, 0) for wait, expected in zip(waits, [1, 2, 4, 8, 16, 32, 60, 60], strict=False)] == [
        1
    ] * 8
    assert timedelta(hours=24) < row.changed_at - began < timedelta(hours=26)
    assert vendor.effects[row.key] == 0


def test_a_configuration_problem_stops_the_pass_and_blames_no_delivery(vendor):
    make_due(30)
    vendor.script = [vendor.be_misconfigured] * 30
    result = run_pass(MemoryKind(vendor))
    assert result.stopped_by is not None
    assert result.stopped_by.code == "3001002"
    assert set(Acknowledgement.objects.values_list("status", flat=True)) == {State.DUE}
    assert set(Acknowledgement.objects.values_list("failures", flat=True)) == {0}
    vendor.script = []
    run_pass(MemoryKind(vendor))
    assert set(Acknowledgement.objects.values_list("status", flat=True)) == {State.SUCCEEDED}


def test_a_vendor_that_is_down_ends_the_pass_early(vendor):
    make_due(60)
    vendor.script = [vendor.be_busy] * 60
    result = run_pass(MemoryKind(vendor))
    assert result.stopped_by is not None
    assert len(vendor.calls) <= 20


def test_conditions_are_checked_again_at_the_claim(vendor):
    rows = make_due(3)
    kind = MemoryKind(vendor)
    kind.blocked = {rows[0].key: outcomes.waiting("held"), rows[1].key: outcomes.cancelled("order_cancelled")}
    run_pass(kind)
    assert [row.status for row in Acknowledgement.objects.order_by("id")] == ["waiting", "cancelled", "succeeded"]
    assert list(vendor.effects) == [rows[2].key]


def test_an_expired_lease_means_uncertain_not_due(vendor, clock):
    (row,) = make_due(1)
    Acknowledgement.objects.update(
        status=State.IN_PROGRESS, lease_token="t", lease_holder="elsewhere:1:1", attempts=1,
        last_attempt_at=timezone.now(), due_at=timezone.now() + timedelta(seconds=120),
    )  # fmt: skip
    vendor.effects[row.key] = 1  # the dead worker's call had gone out
    kind = MemoryKind(vendor)
    run_pass(kind)
    row.refresh_from_db()
    assert row.status == State.IN_PROGRESS  # the lease still holds
    clock.advance(121)
    run_pass(kind)
    row.refresh_from_db()
    assert (row.status, row.last_error_code) == (State.UNCERTAIN, "lease_expired")
    clock.advance(61)
    run_pass(kind)
    row.refresh_from_db()
    assert (row.status, vendor.effects[row.key], vendor.calls) == (State.SUCCEEDED, 1, [])


def test_a_worker_whose_lease_was_taken_writes_nothing(vendor):
    (row,) = make_due(1)

    def somebody_else_takes_it(_keys):
        Acknowledgement.objects.update(lease_token="other")

    vendor.script = [somebody_else_takes_it]
    run_pass(MemoryKind(vendor))
    row.refresh_from_db()
    assert (row.status, row.lease_token) == (State.IN_PROGRESS, "other")


def test_a_call_for_rows_that_went_to_another_worker_is_in_the_call_log_all_the_same(vendor):
    make_due(1)

    def call_and_lose_the_lease(_keys):
        note_call(CallRecord("dsco", "acknowledge", "POST", "/order/acknowledge", timezone.now(), status=202))
        Acknowledgement.objects.update(lease_token="other")

    vendor.script = [call_and_lose_the_lease]
    run_pass(MemoryKind(vendor))
    assert ApiCall.objects.get().status == 202
    assert not Attempt.objects.exists()


def test_an_error_of_our_own_in_a_call_makes_the_delivery_uncertain_not_lost(vendor):
    (row,) = make_due(1)

    def break_down(_keys):
        raise ZeroDivisionError

    vendor.script = [break_down]
    run_pass(MemoryKind(vendor))
    row.refresh_from_db()
    assert (row.status, row.last_error_code) == (State.UNCERTAIN, "internal_error")


def busy_when_asked(vendor):
    class BlindKind(MemoryKind):
        def plan_verify(self, deliveries):
            plan = super().plan_verify(deliveries)
            for call in plan.calls:
                call.run = lambda: vendor.be_busy([])
            return plan

    return BlindKind(vendor)


def test_one_failed_verification_after_hours_without_workers_asks_no_person(vendor, clock):
    (row,) = make_due(1)
    vendor.script = [vendor.lose_reply]
    kind = MemoryKind(vendor)
    run_pass(kind)
    clock.advance(8 * 3600)  # nobody was there to ask
    run_pass(busy_when_asked(vendor))
    row.refresh_from_db()
    assert row.status == State.UNCERTAIN
    clock.advance(600)
    run_pass(kind)
    row.refresh_from_db()
    assert (row.status, vendor.effects[row.key]) == (State.SUCCEEDED, 1)


def test_a_verification_that_fails_keeps_the_delivery_uncertain(vendor, clock):
    (row,) = make_due(1)
    vendor.script = [vendor.lose_reply]
    kind = MemoryKind(vendor)
    run_pass(kind)
    for _round in range(3):
        clock.advance(3700)
        run_pass(busy_when_asked(vendor))
        row.refresh_from_db()
    assert row.status == State.NEEDS_ATTENTION  # nobody could tell for hours
    assert row.maybe_sent
    staff.retry("acknowledgement", [row.pk], "mei")
    row.refresh_from_db()
    assert row.status == State.UNCERTAIN  # a retry looks first
    run_pass(kind)
    row.refresh_from_db()
    assert (row.status, vendor.effects[row.key], len(vendor.calls)) == (State.SUCCEEDED, 1, 1)


@pytest.mark.parametrize("number", [1, 2])
def test_a_verification_that_the_vendor_refuses_says_nothing_and_sends_nothing(vendor, clock, number):
    rows = make_due(number)
    vendor.script = [vendor.lose_reply]
    run_pass(MemoryKind(vendor, batch=number))

    class RefusedKind(MemoryKind):
        def plan_verify(self, deliveries):
            return Plan([Call(deliveries, lambda: vendor.refuse([]))])

    for _round in range(2):
        clock.advance(600)
        run_pass(RefusedKind(vendor, batch=number))
    assert set(Acknowledgement.objects.values_list("status", "maybe_sent")) == {(State.UNCERTAIN, True)}
    clock.advance(4000)
    run_pass(MemoryKind(vendor, batch=number))
    assert set(Acknowledgement.objects.values_list("status", flat=True)) == {State.SUCCEEDED}
    assert [vendor.effects[row.key] for row in rows] == [1] * number


def test_a_question_about_what_was_accepted_that_the_vendor_refuses_leads_to_a_look(vendor, clock):
    rows = make_due(2)

    class AcceptingKind(MemoryKind):
        def _send(self, group):
            super()._send(group)
            return {row.pk: outcomes.accepted("R") for row in group}

        def plan_poll(self, deliveries):
            return Plan([Call(deliveries, lambda: vendor.refuse([]))])

    kind = AcceptingKind(vendor, batch=2)
    run_pass(kind)
    for _round in range(3):
        clock.advance(600)
        run_pass(kind)
    assert set(Acknowledgement.objects.values_list("status", flat=True)) == {State.SUCCEEDED}
    assert [vendor.effects[row.key] for row in rows] == [1, 1]


def test_staff_retry_is_recorded_with_who_and_leaves_running_rows_alone(vendor):
    failed, running = make_due(2)
    Acknowledgement.objects.filter(pk=failed.pk).update(status=State.FAILED, due_at=None)
    Acknowledgement.objects.filter(pk=running.pk).update(status=State.IN_PROGRESS, lease_token="x")
    result = staff.retry("acknowledgement", [failed.pk, running.pk], "mei")
    assert result.changed == 1
    assert list(result.refused) == [running.key]
    attempt = Attempt.objects.get(delivery_id=failed.pk)
    assert (attempt.action, attempt.actor, attempt.outcome) == (AttemptAction.STAFF, "mei", State.DUE)


def test_skip_and_mark_done_keep_their_reason(vendor):
    one, two = make_due(2)
    staff.skip("acknowledgement", [one.pk], "mei", "duplicate of another order")
    staff.mark_done("acknowledgement", [two.pk], "mei", "done in the portal")
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.status, one.last_error) == (State.SKIPPED, "duplicate of another order")
    assert two.status == State.SUCCEEDED
    assert run_pass(MemoryKind(vendor)).counts == {}


def test_parking_and_releasing_leave_work_in_flight_alone(vendor):
    waiting, flying = make_due(2)
    Acknowledgement.objects.filter(pk=flying.pk).update(status=State.IN_PROGRESS)
    rows = Acknowledgement.objects.all()
    assert park(rows, State.CANCELLED, "order_cancelled", "", timezone.now()) == 1
    assert release(rows, timezone.now()) == 1
    waiting.refresh_from_db()
    assert (waiting.status, waiting.reason_code) == (State.DUE, "")


@pytest.mark.parametrize(("together", "shown"), [(3, ["send", "look", "look"]), (21, ["send"])])
def test_pages_read_for_many_deliveries_are_not_kept_once_for_each_of_them(vendor, together, shown):
    class Reading(MemoryKind):
        def _send(self, group):
            for operation in ("send", "look", "look", "last"):
                note_call(CallRecord("dsco", operation, "GET", "/", timezone.now(), writes=operation == "send"))
            return super()._send(group)

    make_due(together)
    kind = Reading(vendor, batch=together)
    kind.claim_size = together
    run_pass(kind)
    for attempt in Attempt.objects.all():
        assert attempt.api_call.operation == "last"
        assert [call.operation for call in attempt.earlier_calls.order_by("pk")] == shown
