"""Portions that take turns: only the waiting for a vendor overlaps, nothing of ours runs side by side."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from integrations.deliveries.pool import MOST_AT_ONCE, CallPool


class Portions:
    """Works on numbers: something of ours, one call, something of ours again."""

    def __init__(self, pool: CallPool, *, call_seconds: float = 0.05, fails_at: int = -1) -> None:
        self.pool = pool
        self.call_seconds = call_seconds
        self.fails_at = fails_at
        self.at_work = threading.Lock()
        self.begun: list[int] = []
        self.done: list[int] = []
        self.calling = self.most_calling = 0

    def source(self, count: int) -> Iterator[list[int]]:
        for number in range(count):
            with self.alone():
                yield_this = [number]
            yield yield_this

    def alone(self) -> threading.Lock:
        assert not self.at_work.locked(), "two portions were worked on at the same time"
        return self.at_work

    def work(self, portion: list[int]) -> None:
        with self.alone():
            self.begun += portion
            time.sleep(0.002)
        self.pool.map(self.call, portion)
        with self.alone():
            time.sleep(0.002)
            if self.fails_at in portion:
                raise ValueError("broken")
            self.done += portion

    def call(self, _number: int) -> None:
        self.calling += 1
        self.most_calling = max(self.most_calling, self.calling)
        time.sleep(self.call_seconds)
        self.calling -= 1


def test_while_a_portion_waits_for_its_calls_others_are_worked_on() -> None:
    with CallPool(8) as pool:
        portions = Portions(pool)
        pool.in_turns(portions.source(12), portions.work)
    assert sorted(portions.done) == list(range(12))
    assert portions.begun == list(range(12))
    assert portions.most_calling == MOST_AT_ONCE


def test_a_single_portion_starts_no_thread() -> None:
    with CallPool(1) as pool:
        before = threading.active_count()
        portions = Portions(pool)
        pool.in_turns(portions.source(1), portions.work)
        assert threading.active_count() == before + 1  # the one that calls
    assert portions.done == [0]


def test_without_threads_portions_come_one_after_the_other() -> None:
    portions = Portions(CallPool(0), call_seconds=0)
    portions.pool.in_turns(portions.source(3), portions.work)
    assert (portions.done, portions.most_calling) == ([0, 1, 2], 1)


def test_after_an_error_no_portion_is_begun_and_those_under_way_are_ended() -> None:
    with CallPool(8) as pool:
        portions = Portions(pool, fails_at=1)
        with pytest.raises(ValueError, match="broken"):
            pool.in_turns(portions.source(50), portions.work)
    assert len(portions.begun) <= 1 + MOST_AT_ONCE + 1
    assert sorted([*portions.done, 1]) == sorted(portions.begun)


def test_pages_are_read_ahead_by_one_and_given_out_in_order() -> None:
    read: list[int] = []

    def pages() -> Iterator[int]:
        for number in range(4):
            read.append(number)
            yield number

    with CallPool(2) as pool:
        for page in pool.read_ahead(pages()):
            time.sleep(0.02)
            assert read[-1] == min(page + 1, 3)
    assert read == [0, 1, 2, 3]


def test_a_page_that_cannot_be_read_ends_the_reading_after_the_pages_before_it() -> None:
    def pages() -> Iterator[int]:
        yield 1
        raise ValueError("gone")

    seen = []
    with CallPool(2) as pool, pytest.raises(ValueError, match="gone"):
        seen.extend(pool.read_ahead(pages()))
    assert seen == [1]
