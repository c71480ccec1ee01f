"""What a running flow has at hand: threads, counts, its bookmark, the delivery engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.utils import timezone

from .. import clock
from ..calls import CallRecord, collect_calls
from ..deliveries.claims import save_calls
from ..deliveries.engine import DeliveryPass, PassResult
from ..deliveries.kinds import DeliveryKind, delivery_kinds
from ..deliveries.pool import CallPool
from ..deliveries.rehearsal import rehearse
from ..models import Flow, FlowRun

T = TypeVar("T")
R = TypeVar("R")
MOST_NOTES = 200
# How often, at most, a run writes down what it has counted so far.
PROGRESS_SECONDS = 2.0
# In the bookmark of a flow: when the look at everything began that a run had no time to finish.
LOOK_BEGUN = "look_begun"
# The flow's bookmark in shadow mode: the last delivery of which it was computed what would have been sent.
REHEARSED = "rehearsed"


class FlowContext:
    """One execution of a flow.

    ``ids`` (DSCO order ids) limits the run to these orders, where the flow can do so.
    """

    def __init__(
        self, flow: Flow, run: FlowRun, pool: CallPool, *, budget_seconds: float | None, order_ids: Iterable[str] = ()
    ) -> None:
        self.flow = flow
        self.run = run
        self.pool = pool
        self.order_ids = list(order_ids)
        self.counts: Counter[str] = Counter()
        self.notes: list[str] = []
        self.released: set[str] = set()
        self._passes: list[DeliveryPass[Any]] = []
        self._give_up_at = clock.monotonic() + budget_seconds if budget_seconds else None
        self._told_at = clock.monotonic()

    def count(self, what: str, number: int = 1) -> None:
        """Add to the run's counts."""
        self.counts[what] += number
        self._tell_progress()

    def note(self, text: str) -> None:
        """Add a sentence for staff to the run's record (at most MOST_NOTES are kept)."""
        if len(self.notes) < MOST_NOTES:
            self.notes.append(text)

    def release(self, flow_name: str) -> None:
        """This run made work for another flow: workers start it at once, the timer is only the safety net."""
        self.released.add(flow_name)

    @property
    def seconds_left(self) -> float | None:
        """Seconds of this run's budget that are left, or None without a budget."""
        return None if self._give_up_at is None else max(self._give_up_at - clock.monotonic(), 0.01)

    def look_at_all(
        self, next_portion: Callable[[datetime], Sequence[T]], look_at: Callable[[Sequence[T]], None]
    ) -> None:
        """Look at everything once: call ``look_at`` with what ``next_portion(begun)`` finds until it finds nothing.

        begun: when this look at everything began (UTC); what was looked at since then is done, so ``next_portion``
        marks what it takes: while one portion waits for a vendor, others are looked at (``CallPool.in_turns``). It
        takes at most half of the run's budget, the other half is for delivering: what is left then, a run that
        follows at once takes up.
        """
        self.pool.in_turns(self._portions(next_portion), look_at)

    def _portions(self, next_portion: Callable[[datetime], Sequence[T]]) -> Iterator[Sequence[T]]:
        half = None if self.seconds_left is None else clock.monotonic() + self.seconds_left / 2
        interrupted = "" if self.order_ids else self.flow.cursor.get(LOOK_BEGUN, "")
        begun = datetime.fromisoformat(interrupted) if interrupted else self.now
        while portion := next_portion(begun):
            yield portion
            if half is not None and clock.monotonic() >= half and not self.order_ids:
                self.save_cursor(**{LOOK_BEGUN: begun.isoformat()})
                self.release(self.flow.name)
                return
        if interrupted:
            self.save_cursor(**{LOOK_BEGUN: ""})

    def keep_calls(self, calls: Iterable[CallRecord]) -> None:
        """Write calls made while discovering to the call log."""
        save_calls(calls, self.run.pk)

    def save_cursor(self, **values: Any) -> None:
        """Move the flow's bookmark; what is not named stays."""
        self.flow.cursor = {**self.flow.cursor, **values}
        Flow.objects.filter(pk=self.flow.pk).update(cursor=self.flow.cursor)

    def deliver(self, kind_name: str, *, ids: Iterable[int] | None = None, to_the_end: bool = True) -> PassResult:
        """Carry out the due deliveries of a kind; raises the error that ended the pass early, after recording.

        to_the_end: no other pass follows in this run, so that what was accepted is waited for, and counted as such.
        Rows in shadow mode are not sent; what they would have sent is kept.
        """
        kind = delivery_kinds()[kind_name]
        delivery_pass = DeliveryPass(kind, self.pool, run_id=self.run.pk, recorded=self._tell_progress)
        self._passes.append(delivery_pass)
        try:
            result = delivery_pass.run(budget_seconds=self.seconds_left, ids=ids, settle=to_the_end)
        finally:
            self._passes.remove(delivery_pass)
            if not to_the_end:
                del delivery_pass.result.counts["accepted"]
            self.counts.update({what: number for what, number in delivery_pass.result.counts.items() if number})
        if result.stopped_by is not None:
            raise result.stopped_by
        self._rehearse(kind, ids)
        return result

    def _rehearse(self, kind: DeliveryKind[Any], ids: Iterable[int] | None) -> None:
        after = 0 if ids is not None else self.flow.cursor.get(REHEARSED, 0)
        if rehearsed := rehearse(kind, self.pool, run_id=self.run.pk, ids=ids, after=after):
            self.count("shadow", len(rehearsed))
            if ids is None:
                self.save_cursor(**{REHEARSED: rehearsed[-1]})

    def heartbeat(self) -> None:
        """Extend the leases of the passes under way (called from the heartbeat thread)."""
        for delivery_pass in list(self._passes):
            delivery_pass.heartbeat()

    def in_parallel(self, call: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Make reads in the run's HTTP threads; the first error is raised after all have ended.

        The calls made are kept in the call log either way.
        """
        calls: list[CallRecord] = []

        def collected(item: T) -> R:
            with collect_calls() as made:
                try:
                    return call(item)
                finally:
                    calls.extend(made)

        try:
            return self.pool.map(collected, items)
        finally:
            self.keep_calls(calls)

    def save_progress(self) -> None:
        """Write the counts so far to the run, so that staff see them while it runs."""
        self._told_at = clock.monotonic()
        counts = self.counts.copy()
        for delivery_pass in self._passes:
            counts.update({what: number for what, number in delivery_pass.result.counts.items() if number})
        FlowRun.objects.filter(pk=self.run.pk).update(counts=dict(counts), notes=self.notes)

    def _tell_progress(self) -> None:
        if clock.monotonic() - self._told_at >= PROGRESS_SECONDS:
            self.save_progress()

    @property
    def now(self) -> Any:
        """The present time (aware, UTC)."""
        return timezone.now()
