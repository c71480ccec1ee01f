"""The delivery engine: claim, call, record. One implementation for every kind of delivery.

    claim (transaction, conditions checked again) -> plan calls -> HTTP threads -> record (transaction)

No database transaction is open during an HTTP call. The main thread claims and records; HTTP
threads only call. A worker may die at any point: its rows come back by their lease as *uncertain*.
"""

from __future__ import annotations

import queue
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from .. import clock
from ..calls import CallRecord, collect_calls
from ..errors import ConfigurationError, NothingSent, Rejected, VendorError, VendorStopped
from ..http import writing_only_while
from ..models import AttemptAction, Vendor
from ..outages import error_while_out, vendors_out
from ..sentences import gettext as _
from ..shutdown import asked as asked_to_stop
from . import backoff, claims, outcomes
from .claims import Claimed, Result
from .kinds import Call, DeliveryKind, Plan, broken_inside
from .models import Delivery
from .outcomes import Outcome
from .pool import CallPool

D = TypeVar("D", bound=Delivery)
# So many calls for each thread are claimed at most: one under way, one ready.
CALLS_READY = 2
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Answer:
    """What an HTTP thread brings back."""

    outcomes: dict[int, Outcome]
    calls: list[CallRecord]
    started_at: datetime
    duration_ms: int
    error: VendorError | None = None


@dataclass(slots=True)
class InFlight(Generic[D]):
    call: Call[D]
    action: AttemptAction


@dataclass(slots=True)
class PassResult:
    """What one pass did: counts by resulting state, and the error that ended it early, if any."""

    counts: Counter[str] = field(default_factory=Counter)
    stopped_by: VendorError | None = None


class DeliveryPass(Generic[D]):
    """One pass over the due deliveries of one kind."""

    def __init__(
        self, kind: DeliveryKind[D], pool: CallPool, *, run_id: int | None = None,
        recorded: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        """``recorded`` is called in the main thread, outside any transaction, whenever results were recorded."""
        self.kind = kind
        self.pool = pool
        self.run_id = run_id
        self._recorded = recorded
        self.token = uuid.uuid4().hex
        self.lease = backoff.lease_length(kind.read_timeout_seconds)
        self.result = PassResult()
        self._done: queue.SimpleQueue[tuple[InFlight[D], Future[Answer]]] = queue.SimpleQueue()
        self._in_flight = 0
        self._failed_in_a_row = 0
        self._to_repeat_alone = False
        self._any_answer = False
        self._last_state: dict[int, str] = {}
        self._last_failure: VendorError | None = None
        # Until when the rows in flight are certainly still leased to this pass.
        self._ours_until = timezone.now()

    def run(
        self, *, budget_seconds: float | None = None, ids: Iterable[int] | None = None, settle: bool = True
    ) -> PassResult:
        """Carry out what is due now; ``budget_seconds`` limits the time in which new rows are claimed.

        settle: wait some seconds for the outcomes of what was accepted.
        """
        if claims.anything_to_do(self.kind, timezone.now()):
            self._carry_out_all(budget_seconds, list(ids) if ids is not None else None, settle=settle)
        # What of this kind could not even be claimed is told as well.
        written_to = [vendor for vendor in Vendor.values if self.kind.writes_to(vendor)]
        self.result.stopped_by = self.result.stopped_by or error_while_out(written_to, self.kind.name)
        return self.result

    def _carry_out_all(self, budget_seconds: float | None, wanted: list[int] | None, *, settle: bool) -> None:
        claims.release_dead(self.kind, timezone.now())
        started = timezone.now()
        give_up_at = clock.monotonic() + budget_seconds if budget_seconds else None
        self._drain_due(started, give_up_at, wanted)
        if settle:
            self._settle(give_up_at, wanted)
        if self._to_repeat_alone:
            self._drain_due(timezone.now(), give_up_at, wanted)
        if not self._any_answer:
            self.result.stopped_by = self.result.stopped_by or self._last_failure

    def heartbeat(self) -> None:
        """Extend the leases of this pass; called from the flow's heartbeat thread.

        Leases that have ended stay ended: other workers may have taken the rows over, so nothing more is sent.
        """
        now = timezone.now()
        if now < self._ours_until:
            claims.extend_leases(self.kind, self.token, self.lease, now)
        if timezone.now() < self._ours_until:
            self._ours_until = now + self.lease

    def _work_is_ours(self) -> bool:
        return timezone.now() < self._ours_until

    def _drain_due(self, due_before: datetime, give_up_at: float | None, ids: list[int] | None) -> None:
        more = True  # a claim that is not full has taken all that was due
        while True:
            # While all threads call, the calls of the next claim lie ready: no thread waits for the database.
            while more and self._in_flight < CALLS_READY * self.pool.size and self._may_claim(give_up_at):
                claimed = self._claim(due_before, ids)
                more = claimed.seen >= self.kind.claim_size
                self._start(claimed)
                self._record_finished(wait=False)
            if not self._in_flight:
                return
            self._record_finished(wait=True)

    def _settle(self, give_up_at: float | None, ids: list[int] | None) -> None:
        """Ask for the outcomes of what was accepted in this pass, for a few seconds."""
        deadline = clock.monotonic() + settings.SETTLE_SECONDS
        while self.result.counts["accepted"] and self._may_claim(give_up_at) and clock.monotonic() < deadline:
            accepted = self.kind.model._default_manager.filter(status="accepted", lease_token="")
            if ids is not None:
                accepted = accepted.filter(pk__in=ids)
            next_at = accepted.order_by("due_at").values_list("due_at", flat=True).first()
            if next_at is None:
                return
            pause = (next_at - timezone.now()).total_seconds()
            if pause > deadline - clock.monotonic():
                return
            clock.sleep(max(pause, 0))
            self._drain_due(timezone.now(), give_up_at, ids)

    def _may_claim(self, give_up_at: float | None) -> bool:
        if self.result.stopped_by is not None or asked_to_stop():
            return False
        return give_up_at is None or clock.monotonic() < give_up_at

    def _claim(self, due_before: datetime, ids: list[int] | None) -> Claimed[D]:
        now = timezone.now()
        if not self._in_flight:
            self._ours_until = now + self.lease
        return claims.claim(
            self.kind,
            token=self.token,
            lease=self.lease,
            due_before=due_before,
            now=now,
            limit=self.kind.claim_size,
            ids=ids,
            without=vendors_out(),
        )

    def _start(self, claimed: Claimed[D]) -> None:
        for action, deliveries in claimed.by_action.items():
            started = timezone.now()
            plan = self._plan(action, deliveries)
            by_id = {delivery.pk: delivery for delivery in deliveries}
            known = {pk: self._believed(by_id[pk], action, outcome) for pk, outcome in plan.outcomes.items()}
            self._record([Result(by_id[pk], outcome, action, started) for pk, outcome in known.items()])
            for call in plan.calls:
                self._submit(InFlight(call, action))

    def _plan(self, action: AttemptAction, deliveries: list[D]) -> Plan[D]:
        """Plan the calls; a delivery that cannot even be planned goes to a person and stops no other."""
        try:
            return self.kind.plan(action, deliveries)
        except Exception:
            if len(deliveries) == 1:
                log.exception("delivery_not_planned", delivery=deliveries[0].key)
                return Plan(outcomes={deliveries[0].pk: broken_inside()})
        whole: Plan[D] = Plan()
        for delivery in deliveries:
            single = self._plan(action, [delivery])
            whole.calls += single.calls
            whole.outcomes |= single.outcomes
        return whole

    def _submit(self, item: InFlight[D]) -> None:
        self._in_flight += 1
        future = self.pool.submit(lambda: _carry_out(item.call, self._work_is_ours))
        future.add_done_callback(lambda done: self._done.put((item, done)))

    def _record_finished(self, *, wait: bool) -> None:
        """Record finished calls, together. wait: until there is one."""
        finished = []
        if wait:
            with self.pool.others_turn():
                finished.append(self._done.get())
        while not self._done.empty():
            finished.append(self._done.get())
        self._in_flight -= len(finished)
        self._record([result for item, future in finished for result in self._results(item, future.result())])

    def _results(self, item: InFlight[D], answer: Answer) -> list[Result[D]]:
        self._watch_health(answer)
        results = []
        for delivery in item.call.deliveries:
            outcome = answer.outcomes.get(delivery.pk) or outcomes.unknown(
                "no_outcome", _("The vendor's reply did not mention this delivery; its outcome is being verified.")
            )
            if item.action != AttemptAction.SEND and isinstance(answer.error, Rejected):
                # The question was refused, not the delivery: nobody knows more than before.
                outcome = outcomes.unknown(answer.error.code, answer.error.message)
            elif outcome.state == "failed" and answer.error and len(item.call.deliveries) > 1:
                # The batch was refused as a whole: each item gets its own verdict, alone.
                outcome = outcomes.retry(outcome.code, outcome.message, solo=True, retry_after=0)
            outcome = self._believed(delivery, item.action, outcome)
            results.append(Result(delivery, outcome, item.action, answer.started_at, answer.duration_ms, answer.calls))
        return results

    def _believed(self, delivery: D, action: AttemptAction, outcome: Outcome) -> Outcome:
        """What an outcome proves: "absent" nothing while the vendor may still carry out the last attempt."""
        absent = action == AttemptAction.VERIFY and outcomes.says_absent(outcome)
        return outcomes.still_pending() if absent and self._may_be_queued(delivery) else outcome

    def _may_be_queued(self, delivery: D) -> bool:
        sent_at = delivery.last_attempt_at
        return sent_at is not None and timezone.now() < sent_at + self.kind.absent_after_delays * backoff.verify_delay()

    def _watch_health(self, answer: Answer) -> None:
        error = answer.error
        if isinstance(error, VendorStopped):
            return  # says nothing about the vendor's health
        if isinstance(error, NothingSent):
            self.result.stopped_by = self.result.stopped_by or error
            return
        if isinstance(error, ConfigurationError):
            self.result.stopped_by = error
        elif error is not None and not isinstance(error, Rejected):
            self._failed_in_a_row += 1
            self._last_failure = error
            # The outage of a vendor is noticed at the HTTP door; this also ends a pass in which everything is refused
            # for another reason that says nothing about the orders.
            limit = 1 if error.code in ("connect_failed", "local_queue") else settings.OUTAGE_AFTER_FAILURES
            if self._failed_in_a_row >= limit:
                self.result.stopped_by = self.result.stopped_by or error
        else:
            self._failed_in_a_row = 0
            self._any_answer = True

    def _record(self, results: list[Result[D]]) -> None:
        if not results:
            return
        try:
            lost = claims.record(self.kind, results, token=self.token, now=timezone.now(), run_id=self.run_id)
        except Exception as error:
            if len(results) == 1:
                # Left to its lease: the row becomes uncertain and is verified.
                log.exception("outcome_not_recorded", kind=self.kind.name, delivery=results[0].delivery.key)
                self.result.counts["not_recorded"] += 1
                return
            if isinstance(error, DatabaseError) and not connection.in_atomic_block:
                connection.close()
            for result in results:
                result.delivery.refresh_from_db(fields=claims.OUTCOME_FIELDS)
                self._record([result])
            return
        if lost:
            log.warning("lease_lost", kind=self.kind.name, rows=lost)
        for result in results:
            # A delivery counts once, as what it is now, however often it was asked about in this pass.
            if before := self._last_state.get(result.delivery.pk):
                self.result.counts[before] -= 1
            self._last_state[result.delivery.pk] = result.delivery.status
            self.result.counts[result.delivery.status] += 1
        self._to_repeat_alone |= any(result.outcome.solo for result in results)
        if self._recorded:
            self._recorded()


def _carry_out(call: Call[D], work_is_ours: Callable[[], bool]) -> Answer:
    """Run one call in an HTTP thread; every error becomes outcomes. Nothing is sent once the work is not ours."""
    started_at, started = timezone.now(), clock.monotonic()
    error: VendorError | None = None
    with collect_calls() as calls, writing_only_while(work_is_ours):
        try:
            found = call.run()
        except NothingSent as problem:
            error = problem
            # Refused at the door, unless the call's first write had left before.
            part = any(made.writes for made in calls)
            outcome = outcomes.unknown(problem.code, problem.message) if part else outcomes.from_error(problem)
            found = {delivery.pk: outcome for delivery in call.deliveries}
        except VendorError as problem:
            error = problem
            found = {delivery.pk: outcomes.from_error(problem) for delivery in call.deliveries}
        except Exception as problem:
            log.exception("call_broke", deliveries=[delivery.key for delivery in call.deliveries])
            found = {
                delivery.pk: outcomes.unknown(
                    "internal_error", _("%(error)s in OrderBridge; see the log.") % {"error": type(problem).__name__}
                )
                for delivery in call.deliveries
            }
    return Answer(found, calls, started_at, round((clock.monotonic() - started) * 1000), error)
