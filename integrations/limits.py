"""The vendors' limits, shared by all processes through the database and kept by waiting.

Rates (DSCO): one row per operation holds the time until which it is reserved. A caller moves it
forward by one interval in a single UPDATE and sleeps until its own turn, so waiting is fair and
costs one statement. Slots (LingXing): one row per call that may be in flight at the same time.
"""

from __future__ import annotations

import os
import random
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from . import clock
from .errors import RateLimited
from .processes import current_holder, is_dead
from .sentences import gettext as _
from .shutdown import refuse_when_asked

# A vendor counts arrivals, we count departures: stay this far below the limit for the jitter between.
SAFETY = 0.96
# A second, as the vendor may see it: our departures need not arrive at the distances at which they left.
LONG_SECOND = 1.03
# How long a caller may queue for its turn before the delivery is handed back for later.
MAX_WAIT_SECONDS = 90.0
# The longest sleep of a caller who knows when a place becomes free.
LONGEST_PAUSE_SECONDS = 5.0
# How often who stands in line behind other threads of this process looks for himself.
LINE_SECONDS = 0.5
# LingXing gives a slot back when the call ends or after this long, whichever comes first.
SLOT_HOLD_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Rate:
    """A documented limit: calls per second and calls per minute of one operation."""

    per_second: float
    per_minute: float

    def pace(self) -> tuple[float, float]:
        """Return (interval in seconds, burst in calls) such that no second and no minute exceeds the limit.

        With rate r and burst b: b + r <= per_second and b + 60 r <= per_minute. A burst is taken off every minute
        of a long queue, so it is kept to a hundredth of the minute's calls.
        """
        scale = float(settings.RATE_LIMIT_SCALE)
        burst = max(1.0, min((60 * self.per_second - self.per_minute) / 59, self.per_minute / 100))
        rate = min(self.per_second - (burst if burst > 1 else 0), (self.per_minute - burst) / 60) * SAFETY
        return 1 / (rate * scale), burst * scale


def wait_turn(name: str, rate: Rate, *, vendor: str, operation: str) -> None:
    """Reserve the next turn of ``name`` and sleep until it comes.

    Raises RateLimited, having reserved nothing, when the queue is longer than MAX_WAIT_SECONDS.
    """
    interval, burst = rate.pace()
    turn = _reserve(name, time.time(), interval, burst)
    wait = turn - time.time()  # the reservation may have had to wait for a writer
    if wait > MAX_WAIT_SECONDS:
        _move(name, -interval)
        raise RateLimited(
            _("%(n)d s of calls are queued already; this one goes later.") % {"n": round(wait)},
            vendor=vendor,
            operation=operation,
            code="local_queue",
            retry_after=wait - MAX_WAIT_SECONDS / 2,
        )
    while wait > 0:
        refuse_when_asked(vendor, operation)
        clock.sleep(min(wait, LONGEST_PAUSE_SECONDS))
        wait -= LONGEST_PAUSE_SECONDS
    late = _departures.wait_after_those_before(name, round(rate.per_second * float(settings.RATE_LIMIT_SCALE)))
    if late > 0:
        clock.sleep(late)


class Departures:
    """When this process's calls left: those that missed their turn must not meet those that keep theirs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: dict[str, deque[float]] = {}

    def wait_after_those_before(self, name: str, most: int) -> float:
        """Note one more departure; return the seconds that it must wait so that no second has more than ``most``."""
        with self._lock:
            now = time.time()
            left = self._left.get(name)
            set_back = left and left[-1] > now + MAX_WAIT_SECONDS
            if left is None or left.maxlen != most or set_back:
                left = self._left[name] = deque(maxlen=most)
            left.append(max(now, left[0] + LONG_SECOND) if len(left) == most else now)
            return left[-1] - now


_departures = Departures()


def push_back(name: str, seconds: float) -> None:
    """Let every process wait ``seconds`` before the next call of ``name`` (the vendor said 429)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE integrations_ratelimit SET reserved_until ="
            " CASE WHEN reserved_until > %s THEN reserved_until ELSE %s END WHERE name = %s",
            [time.time() + seconds] * 2 + [name],
        )


def _reserve(name: str, now: float, interval: float, burst: float) -> float:
    """Move the reservation on by one interval; return the time at which this caller may go."""
    oldest = now - burst * interval  # unused time is kept as burst, up to this far back
    with connection.cursor() as cursor:
        for _attempt in range(2):
            cursor.execute(
                "UPDATE integrations_ratelimit SET reserved_until ="
                " (CASE WHEN reserved_until > %s THEN reserved_until ELSE %s END) + %s"
                " WHERE name = %s RETURNING reserved_until",
                [oldest, oldest, interval, name],
            )
            row = cursor.fetchone()
            if row:
                return float(row[0])
            cursor.execute(
                "INSERT INTO integrations_ratelimit (name, reserved_until) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                [name, oldest],
            )
    raise RuntimeError(f"The rate limit row {name} cannot be made.")


def _move(name: str, seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE integrations_ratelimit SET reserved_until = reserved_until + %s WHERE name = %s", [seconds, name]
        )


@dataclass(slots=True)
class Slot:
    """One place among the calls that may be in flight at the same time."""

    id: int
    token: str
    taken_at: float
    abandoned: bool = False

    def abandon(self) -> None:
        """We stopped waiting for the reply: the vendor counts the call until its own time is up, so do we."""
        self.abandoned = True


@contextmanager
def slot(name: str, capacity: int, *, vendor: str, operation: str) -> Iterator[Slot]:
    """Hold one of ``capacity`` places of ``name`` during the block, waiting for one to become free.

    The place of a process that has died on this machine is free at once, any other forgotten
    place after the vendor's two minutes; an abandoned call's after two minutes from its start
    (divided by RATE_LIMIT_SCALE). Raises RateLimited after waiting MAX_WAIT_SECONDS + SLOT_HOLD_SECONDS.
    """
    line = _lines.setdefault(f"{name}:{capacity}", threading.Semaphore(capacity))
    held, in_line = _wait_for_slot(name, capacity, line, _Waiter(vendor, operation))
    try:
        yield held
    finally:
        free_at = held.taken_at + SLOT_HOLD_SECONDS / float(settings.RATE_LIMIT_SCALE) if held.abandoned else 0
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE integrations_slot SET held_until = %s, holder = '' WHERE id = %s AND token = %s",
                    [free_at, held.id, held.token],
                )
        finally:
            if in_line:
                line.release()


@dataclass(slots=True)
class _Waiter:
    """Who waits for a place, and for how long at most."""

    vendor: str
    operation: str
    deadline: float = field(default_factory=lambda: clock.monotonic() + MAX_WAIT_SECONDS + SLOT_HOLD_SECONDS)

    def go_on(self) -> None:
        """Raise when this process should end, or when the time is over."""
        refuse_when_asked(self.vendor, self.operation)
        if clock.monotonic() > self.deadline:
            raise RateLimited(
                _("No call slot became free in time."),
                vendor=self.vendor,
                operation=self.operation,
                code="local_queue",
                retry_after=SLOT_HOLD_SECONDS,
            )


# As many threads of this process ask for a place as there are places; the others stand in line, where they hear at
# once that one of them is done, and seldom ask the database meanwhile.
_lines: dict[str, threading.Semaphore] = {}
os.register_at_fork(after_in_child=_lines.clear)


def _wait_for_slot(name: str, capacity: int, line: threading.Semaphore, waiter: _Waiter) -> tuple[Slot, bool]:
    """Return the place, and whether this thread holds a turn of ``line`` to give back."""
    pause, first = 0.01, False
    try:
        while True:
            first = first or line.acquire(timeout=LINE_SECONDS)
            held = _take_slot(name, capacity)
            if isinstance(held, Slot):
                return held, first
            waiter.go_on()
            if first:
                spread = pause * random.uniform(0.5, 1.5)  # noqa: S311 - spreading, not secrecy
                # Calls that were given up end at a known time; until then there is nothing to look for.
                clock.sleep(max(spread, min(held - time.time(), LONGEST_PAUSE_SECONDS)) if held else spread)
                pause = min(pause * 1.5, 0.25)
    except BaseException:
        if first:
            line.release()
        raise


def _take_slot(name: str, capacity: int) -> Slot | float:
    """Take a free place; else return when the first one is given back (epoch seconds), 0 when that is not known."""
    now = time.time()
    # Longer than any read time-out, so that a call in flight never loses its place.
    held_until = now + max(SLOT_HOLD_SECONDS, float(settings.HTTP_TIMEOUT_SECONDS or 0)) + 10
    token = uuid.uuid4().hex
    lock = "FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE integrations_slot SET held_until = %s, token = %s, holder = %s WHERE id = ("  # noqa: S608
            "SELECT id FROM integrations_slot WHERE name = %s AND position < %s AND held_until < %s"
            f" ORDER BY position LIMIT 1 {lock}) RETURNING id",
            [held_until, token, current_holder(), name, capacity, now],
        )
        row = cursor.fetchone()
        if row:
            return Slot(row[0], token, now)
    with transaction.atomic(), connection.cursor() as cursor:
        return _make_or_free_slots(cursor, name, capacity)


def _make_or_free_slots(cursor: CursorWrapper, name: str, capacity: int) -> float:
    """No place was free: make the rows on first use, and free those whose holder died on this machine.

    Returns when the first place is free if all are calls that were given up, else 0.
    """
    cursor.execute("SELECT id, position, holder, held_until FROM integrations_slot WHERE name = %s", [name])
    rows = cursor.fetchall()
    known = {position for _id, position, _holder, _until in rows}
    for position in sorted(set(range(capacity)) - known):
        cursor.execute(
            "INSERT INTO integrations_slot (name, position, token, holder, held_until) VALUES (%s, %s, '', '', 0)"
            " ON CONFLICT DO NOTHING",
            [name, position],
        )
    for slot_id, _position, holder, _until in rows:
        if holder and is_dead(holder):
            cursor.execute(
                "UPDATE integrations_slot SET held_until = 0, holder = '' WHERE id = %s AND holder = %s",
                [slot_id, holder],
            )
    given_up = len(known) == len(rows) >= capacity and not any(holder for _id, _position, holder, _until in rows)
    return float(min(until for _id, _position, _holder, until in rows)) if given_up else 0.0
