"""The emergency stop in the engine: nothing is sent, questions go on, the end releases everything once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.causes import cause_of
from integrations.deliveries import kinds
from integrations.deliveries.engine import DeliveryPass
from integrations.deliveries.pool import CallPool
from integrations.deliveries.releases import park
from integrations.deliveries.states import State
from integrations.errors import Uncertain, VendorStopped
from integrations.http import HttpDoor
from integrations.models import Attempt, VendorStop
from integrations.stopping import CannotStop, end_stop, held_back, stop_vendor
from integrations.stops import refuse_if_stopped
from orders.models import Acknowledgement, Cancellation, Order

from .vendor import MemoryKind, MemoryVendor, make_due

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def short_delays(settings):
    settings.VERIFY_DELAY_SECONDS = 0
    settings.RETRY_BACKOFF_SCALE = 0


@pytest.fixture
def vendor(monkeypatch):
    vendor = MemoryVendor()
    monkeypatch.setitem(kinds._kinds, "acknowledgement", MemoryKind(vendor))
    return vendor


def run_pass(kind):
    return DeliveryPass(kind, CallPool(0)).run()


def states():
    return sorted({(row.status, row.reason_code) for row in Acknowledgement.objects.all()})


def test_nothing_is_claimed_for_a_stopped_vendor_and_the_rows_say_why(vendor):
    make_due(5)
    stop_vendor("dsco", "wrong prices", "mei")
    run_pass(MemoryKind(vendor))
    assert not vendor.calls
    assert states() == [("waiting", "vendor_stopped")]
    row = Acknowledgement.objects.first()
    assert "DSCO" in row.last_error
    assert "wrong prices" in row.last_error
    assert row.attempts == 0


def test_a_stop_of_the_other_vendor_holds_nothing_back(vendor):
    make_due(2)
    stop_vendor("lingxing", "stocktaking", "mei")
    run_pass(MemoryKind(vendor))
    assert states() == [("succeeded", "")]


def test_the_end_releases_all_at_once_nearest_deadline_first(vendor, monkeypatch):
    monkeypatch.setattr("integrations.deliveries.queue_order.CHUNK", 1)
    rows = make_due(3)
    now = timezone.now()
    for place, row in enumerate(rows):
        Order.objects.filter(pk=row.order_id).update(ship_by=now + timedelta(hours=3 - place))
    monkeypatch.setattr(MemoryKind, "deadline", kinds.delivery_kinds()["acknowledgement"].deadline or _ship_by())
    stop = stop_vendor("dsco", "wrong prices", "mei")
    kind = MemoryKind(vendor)
    run_pass(kind)
    ended = end_stop(stop.pk, "prices are right again", "lin")
    assert (ended.released, ended.ended_by, ended.end_note) == (3, "lin", "prices are right again")
    assert states() == [("due", "")]
    assert not Acknowledgement.objects.exclude(last_error="").exists()
    run_pass(kind)
    assert [call[0] for call in vendor.calls] == [row.key for row in reversed(rows)]
    assert set(vendor.effects.values()) == {1}


def _ship_by():
    from django.db.models import F

    return F("order__ship_by")


def test_conditions_that_end_a_row_still_count_during_a_stop(vendor):
    from integrations.deliveries import outcomes

    first, _second = make_due(2)
    kind = MemoryKind(vendor)
    kind.blocked[first.key] = outcomes.cancelled("order_cancelled")
    stop_vendor("dsco", "wrong prices", "mei")
    run_pass(kind)
    first.refresh_from_db()
    assert first.status == State.CANCELLED


def test_questions_about_what_was_sent_before_go_on(vendor, clock):
    (row,) = make_due(1)
    vendor.script = [vendor.lose_reply]
    kind = MemoryKind(vendor)
    run_pass(kind)
    stop_vendor("dsco", "wrong prices", "mei")
    clock.advance(1)
    run_pass(kind)
    row.refresh_from_db()
    assert row.status == State.SUCCEEDED
    assert vendor.verified == [row.key]


def test_what_is_found_absent_waits_instead_of_being_sent_again(vendor, clock):
    (row,) = make_due(1)
    vendor.script = [vendor.lose_request]
    kind = MemoryKind(vendor)
    run_pass(kind)
    stop = stop_vendor("dsco", "wrong prices", "mei")
    for _again in range(3):
        clock.advance(1)
        run_pass(kind)
    row.refresh_from_db()
    assert (row.status, row.reason_code, row.maybe_sent) == ("waiting", "vendor_stopped", False)
    end_stop(stop.pk, "done", "mei")
    run_pass(kind)
    assert vendor.effects[row.key] == 1


def test_a_stop_between_claim_and_call_is_a_certain_non_send(vendor):
    """The row was claimed before the stop; the door refuses the call."""
    (row,) = make_due(1)

    def stopped_meanwhile(_keys):
        stop_vendor("dsco", "wrong prices", "mei")
        refuse_if_stopped("dsco", "test")

    vendor.script = [stopped_meanwhile]
    result = run_pass(MemoryKind(vendor))
    row.refresh_from_db()
    assert (row.status, row.reason_code, row.maybe_sent, row.failures) == ("waiting", "vendor_stopped", False, 0)
    assert not vendor.effects
    assert result.stopped_by is None
    assert Attempt.objects.get().outcome == "waiting"


def test_a_stop_that_ended_before_the_refusal_is_recorded_leaves_nothing_waiting(vendor):
    (row,) = make_due(1)

    def stopped_for_a_moment(_keys):
        stop = stop_vendor("dsco", "wrong prices", "mei")
        try:
            refuse_if_stopped("dsco", "test")
        finally:
            end_stop(stop.pk, "a mistake", "mei")

    vendor.script = [stopped_for_a_moment]
    kind = MemoryKind(vendor)
    run_pass(kind)
    row.refresh_from_db()
    assert row.status == State.DUE
    run_pass(kind)
    assert vendor.effects[row.key] == 1


def test_the_door_lets_no_write_out_but_reads(db):
    door = HttpDoor("dsco", "http://127.0.0.1:9")
    stop_vendor("dsco", "wrong prices", "mei")
    with pytest.raises(VendorStopped) as refused:
        door.send("acknowledge", "POST", "/order/acknowledge", writes=True, body=b"{}")
    assert refused.value.code == "vendor_stopped"
    with pytest.raises(Exception) as failed:  # noqa: PT011 - nobody listens there
        door.send("get_order", "GET", "/order/", writes=False)
    assert not isinstance(failed.value, VendorStopped | Uncertain)
    with pytest.raises(Exception) as other:  # noqa: PT011
        HttpDoor("lingxing", "http://127.0.0.1:9").send("create_orders", "POST", "/x", writes=True)
    assert other.value.code == "connect_failed"


def test_a_call_whose_first_write_had_left_is_verified(vendor, clock):
    from integrations.calls import CallRecord, note_call

    (row,) = make_due(1)

    def two_writes(_keys):
        note_call(CallRecord("dsco", "first", "POST", "/first", timezone.now(), writes=True))
        stop_vendor("dsco", "wrong prices", "mei")
        refuse_if_stopped("dsco", "second")

    vendor.script = [two_writes]
    kind = MemoryKind(vendor)
    run_pass(kind)
    row.refresh_from_db()
    assert row.status == State.UNCERTAIN


def test_a_stop_needs_a_reason_and_there_is_one_per_vendor():
    with pytest.raises(CannotStop):
        stop_vendor("dsco", "  ", "mei")
    stop = stop_vendor("dsco", "wrong prices", "mei")
    with pytest.raises(CannotStop, match="already"):
        stop_vendor("dsco", "again", "lin")
    with pytest.raises(CannotStop):
        end_stop(stop.pk, "", "lin")
    end_stop(stop.pk, "fine", "lin")
    with pytest.raises(CannotStop, match="ended"):
        end_stop(stop.pk, "fine", "lin")
    assert VendorStop.objects.filter(ended_at=None).count() == 0


def cancellation(action: str, number: int, **fields) -> Cancellation:
    now = timezone.now()
    order = Order.objects.create(dsco_order_id=f"c{number}", first_seen_at=now, read_at=now)
    due = {"status": "due", "due_at": now} | fields
    return Cancellation.objects.create(key=f"cancellation:{number}:{action}", order=order, action=action, **due)


def test_a_cancellation_writes_to_the_vendor_of_its_action(vendor):
    make_due(4)
    cancellation("erp", 1)
    cancellation("dsco", 2)
    cancellation("dsco", 3)
    numbers = {found.kind: found.due for found in held_back("dsco")}
    assert (numbers["acknowledgement"], numbers["cancellation"]) == (4, 2)
    assert "erp_push" not in numbers
    assert {found.kind: found.due for found in held_back("lingxing")} == {"erp_push": 0, "cancellation": 1}


def test_the_cause_of_a_cancellation_names_the_vendor_of_its_row():
    at_erp, at_dsco = cancellation("erp", 1), cancellation("dsco", 2)
    park(Cancellation.objects.all(), State.NEEDS_ATTENTION, "cancel_requested", "", timezone.now())
    at_erp.refresh_from_db()
    at_dsco.refresh_from_db()
    assert at_erp.cause == cause_of("cancellation", "lingxing", "cancel_requested", "")
    assert at_dsco.cause == cause_of("cancellation", "dsco", "cancel_requested", "")


def test_a_pass_asks_for_stops_once_a_claim(vendor, django_assert_max_num_queries):
    make_due(20)
    with django_assert_max_num_queries(50) as captured:
        run_pass(MemoryKind(vendor, batch=20))
    assert sum("vendorstop" in query["sql"] for query in captured.captured_queries) == 1
