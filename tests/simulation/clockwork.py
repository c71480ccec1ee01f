"""Simulated time: days pass in a moment, and what is to happen meanwhile happens in its order."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

import time_machine

from integrations.clock import use_clock

START = 1_790_000_000.0  # 2026-09-21 14:13:20 UTC
LONGEST_STEP_SECONDS = 15.0


class SimulatedClock:
    """The one time of our side and of the vendors; it moves only when somebody waits. See ``simulated_time``."""

    def __init__(self, traveller: time_machine.Traveller) -> None:
        self.now = START
        self.on_the_way: Callable[[], None] = lambda: None
        self._traveller = traveller
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._asleep: set[int] = set()
        self._beating: set[int] = set()

    def monotonic(self) -> float:
        """Seconds since 1970: as good as any other moment."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Somebody of ours waits: time passes."""
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass, with all that happens meanwhile."""
        end = self.now + max(seconds, 0)
        step = max(LONGEST_STEP_SECONDS, seconds / 20)
        while self.now < end:
            until = min(end, self.now + step)
            if self._events and self._events[0][0] <= until:
                at, _number, act = heapq.heappop(self._events)
                self._move(max(at, self.now))
                act()
            else:
                self._move(until)
            self.on_the_way()

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Let ``act`` happen in ``seconds``."""
        heapq.heappush(self._events, (self.now + seconds, next(self._numbers), act))

    @contextmanager
    def repeating(self, seconds: float, act: Callable[[], None], name: str) -> Iterator[None]:
        """Call ``act`` every ``seconds`` of the block, except while its process is asleep."""
        me = next(self._numbers)

        def beat() -> None:
            if me in self._beating:
                self.later(seconds, beat)
                if me not in self._asleep:
                    act()

        self._beating.add(me)
        self.later(seconds, beat)
        try:
            yield
        finally:
            self._beating.discard(me)

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """Who is at work now does not notice the block: his heart does not beat."""
        before = self._asleep
        self._asleep = before | self._beating
        try:
            yield
        finally:
            self._asleep = before

    def _move(self, at: float) -> None:
        self.now = at
        self._traveller.move_to(at)


@contextmanager
def simulated_time() -> Iterator[SimulatedClock]:
    """Let the process live in simulated time during the block."""
    with time_machine.travel(START, tick=False) as traveller:
        clock = SimulatedClock(traveller)
        before = use_clock(clock)
        try:
            yield clock
        finally:
            use_clock(before)
