"""The vendors' limits, shared through the database: turns of a rate, places among the calls in flight."""

from __future__ import annotations

import itertools
import multiprocessing
import socket
import threading
import time
from bisect import bisect_left
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations import limits
from integrations.errors import RateLimited
from integrations.limits import Rate, push_back, slot, wait_turn
from integrations.models import RateLimit, Slot
from integrations.processes import current_holder, is_dead

NAMES = {"vendor": "dsco", "operation": "test"}
unique = itertools.count()


class Clock:
    """Stands in for ``time``: sleeping moves it on at once."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now
        self.slept = 0.0

    def time(self) -> float:
        return self.now

    monotonic = time

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(limits, "time", found)
    monkeypatch.setattr(limits, "clock", found)
    return found


def departures(rate: Rate, gaps: list[float]) -> list[float]:
    """Let callers arrive with these gaps between them, all waiting side by side; return when each may go."""
    name = f"rate-{next(unique)}"
    arrival, gone = 1_800_000_000.0, []
    for gap in gaps:
        arrival += gap
        clock = Clock(arrival)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(limits, "time", clock)
            patch.setattr(limits, "clock", clock)
            try:
                wait_turn(name, rate, **NAMES)
            except RateLimited:
                continue
        gone.append(clock.now)
    return sorted(gone)


def most_in_window(times: list[float], seconds: float) -> int:
    return max((bisect_left(times, start + seconds) - position for position, start in enumerate(times)), default=0)


rates = st.integers(1, 20).flatmap(
    lambda per_second: st.builds(Rate, st.just(per_second), st.integers(per_second * 3, per_second * 60))
)
gaps = st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.01, 0.2, 1.0, 7.0, 65.0]), min_size=1, max_size=150)


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rate=rates, gaps=gaps)
def test_no_second_and_no_minute_ever_exceeds_the_limit(rate: Rate, gaps: list[float]) -> None:
    times = departures(rate, gaps)

    assert most_in_window(times, 1.0) <= rate.per_second
    assert most_in_window(times, 60.0) <= rate.per_minute


@pytest.mark.django_db(transaction=True)
def test_callers_that_a_writer_made_late_do_not_meet_those_that_are_on_time() -> None:
    rate, gone = Rate(per_second=15, per_minute=1000), []
    wait_turn("late", rate, **NAMES)

    def call() -> None:
        try:
            wait_turn("late", rate, **NAMES)
            gone.append(time.monotonic())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(30) as pool:
        with transaction.atomic():
            RateLimit.objects.filter(name="late").update(name="late")
            calls = [pool.submit(call) for _number in range(30)]
            time.sleep(0.6)
        for one in calls:
            one.result()

    assert most_in_window(sorted(gone), 1.0) <= rate.per_second


@pytest.mark.django_db
def test_the_limit_is_also_used_and_not_only_kept() -> None:
    rate = Rate(per_second=10, per_minute=300)

    times = departures(rate, [0.0] * 280)

    assert times[-1] - times[0] < 70


@pytest.mark.django_db
@pytest.mark.parametrize("rate", [Rate(10, 500), Rate(15, 1000), Rate(15, 300), Rate(5, 300)], ids=str)
def test_a_long_queue_moves_at_95_percent_of_what_dsco_allows(rate: Rate) -> None:
    times = departures(rate, [0.0] * 400)

    per_minute = 60 * (len(times) - 1) / (times[-1] - times[0])
    assert per_minute >= 0.95 * min(rate.per_minute, 60 * rate.per_second)


@pytest.mark.django_db
def test_a_scaled_limit_is_that_much_faster(settings: Any, clock: Clock) -> None:
    settings.RATE_LIMIT_SCALE = 100
    for _ in range(300):  # a hundred at once, then a hundred a second, less the safety margin
        wait_turn("scaled", Rate(per_second=1, per_minute=60), **NAMES)

    assert 2 < clock.slept < 2.3


@pytest.mark.django_db
def test_a_queue_that_is_too_long_takes_no_further_turn(clock: Clock) -> None:
    rate = Rate(per_second=1, per_minute=60)
    wait_turn("queue", rate, **NAMES)
    RateLimit.objects.filter(name="queue").update(reserved_until=clock.now + 200)

    with pytest.raises(RateLimited) as caught:
        wait_turn("queue", rate, **NAMES)

    assert caught.value.code == "local_queue"
    assert 100 < caught.value.retry_after < 200
    assert RateLimit.objects.get(name="queue").reserved_until == pytest.approx(clock.now + 200)


@pytest.mark.django_db
def test_everybody_waits_when_the_vendor_asked_for_it(clock: Clock) -> None:
    rate = Rate(per_second=10, per_minute=600)
    wait_turn("pushed", rate, **NAMES)

    push_back("pushed", 30)
    push_back("pushed", 5)  # a shorter wish does not shorten the longer one
    wait_turn("pushed", rate, **NAMES)

    assert 30 <= clock.slept < 31


# --- Places ---------------------------------------------------------------------------------------------


def held(name: str, capacity: int, inside: Callable[[], None]) -> None:
    with slot(name, capacity, **NAMES):
        inside()


class Crowd:
    """Counts how many are inside at the same time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = 0
        self.most = 0

    def __call__(self) -> None:
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        time.sleep(0.02)
        with self.lock:
            self.inside -= 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("capacity", [1, 3])
def test_threads_share_the_places(capacity: int) -> None:
    crowd = Crowd()

    def enter(_: int) -> None:
        try:
            held("threads", capacity, crowd)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(enter, range(24)))

    assert crowd.most == capacity
    assert set(Slot.objects.values_list("held_until", "holder")) == {(0, "")}


def enter_in_process(spans: Any) -> None:
    connections.close_all()

    def note() -> None:
        start = time.monotonic()
        time.sleep(0.02)
        spans.put((start, time.monotonic()))

    for _ in range(5):
        held("processes", 1, note)
    connections.close_all()


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_processes_share_the_places() -> None:
    connections.close_all()
    context = multiprocessing.get_context("fork")
    spans = context.Queue()
    workers = [context.Process(target=enter_in_process, args=(spans,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    found = sorted(spans.get(timeout=60) for _ in range(15))
    for worker in workers:
        worker.join(60)

    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(found))


@pytest.mark.django_db
def test_the_place_of_a_dead_process_is_free_at_once(clock: Clock) -> None:
    dead = f"{socket.gethostname()}:{2**22 + 1}:1"
    assert is_dead(dead)
    held("dead", 1, lambda: None)
    Slot.objects.filter(name="dead").update(held_until=clock.now + 130, holder=dead, token="theirs")

    held("dead", 1, lambda: None)

    assert clock.slept < 1


@pytest.mark.django_db
@pytest.mark.parametrize("holder", [current_holder(), "another-machine:1:1"], ids=["this process", "elsewhere"])
def test_the_place_of_a_process_that_may_live_is_kept_until_its_time_is_up(clock: Clock, holder: str) -> None:
    held("alive", 1, lambda: None)
    Slot.objects.filter(name="alive").update(held_until=clock.now + 130, holder=holder, token="theirs")

    held("alive", 1, lambda: None)

    assert 130 <= clock.slept < 132


@pytest.mark.django_db
@pytest.mark.parametrize(("scale", "blocked"), [(1, 120.0), (10, 12.0)])
def test_an_abandoned_place_stays_blocked_for_the_vendors_two_minutes(
    clock: Clock, settings: Any, scale: float, blocked: float
) -> None:
    settings.RATE_LIMIT_SCALE = scale
    started = clock.now
    with slot("abandoned", 1, **NAMES) as place:
        clock.now += 5
        place.abandon()

    held("abandoned", 1, lambda: None)

    assert blocked <= clock.now - started < blocked + 1


@pytest.mark.django_db
def test_a_failing_call_gives_its_place_back(clock: Clock) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        held("failing", 1, fail)
    held("failing", 1, lambda: None)

    assert clock.slept < 0.1


@pytest.mark.django_db
def test_a_place_that_was_taken_over_is_not_given_back_by_its_former_holder(clock: Clock) -> None:
    with slot("taken", 1, **NAMES):
        clock.now += 200  # longer than any call may last
        with slot("taken", 1, **NAMES):
            pass
        Slot.objects.filter(name="taken").update(held_until=clock.now + 50, token="the new holder's")

    assert Slot.objects.get(name="taken").held_until == clock.now + 50


@pytest.mark.django_db
def test_waiting_for_a_place_ends_some_time(clock: Clock) -> None:
    held("stuck", 1, lambda: None)
    Slot.objects.filter(name="stuck").update(held_until=clock.now + 10_000, holder="another-machine:1:1")

    with pytest.raises(RateLimited) as caught:
        held("stuck", 1, lambda: None)

    assert caught.value.code == "local_queue"
    assert clock.slept >= limits.MAX_WAIT_SECONDS + limits.SLOT_HOLD_SECONDS
