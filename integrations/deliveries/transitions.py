"""The one function that changes the state of a delivery in memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.conf import settings

from ..causes import cause_for
from ..models import AttemptAction
from ..sentences import gettext as _
from . import backoff, references
from .models import Delivery
from .outcomes import Outcome
from .states import State, may_change

log = structlog.get_logger(__name__)
FOR_A_PERSON = (State.FAILED, State.NEEDS_ATTENTION)
# So often a verification must have failed, besides the hours, before a person is asked.
QUESTIONS_IN_VAIN = 3
# So often it must have failed, besides the hours, before a delivery is given up: two dozen times in an ordinary day.
TRIES_IN_VAIN = 10


class IllegalTransition(Exception):
    """A delivery was to go where its state does not lead: a bug, never an ordinary outcome."""


def _never_out(_since: datetime, _until: datetime) -> timedelta:
    return timedelta()


def apply_outcome(
    delivery: Delivery, outcome: Outcome, now: datetime, action: AttemptAction,
    vendor_out: Callable[[datetime, datetime], timedelta] = _never_out,
) -> None:  # fmt: skip
    """Move ``delivery`` to the outcome's state and set every field that follows from it. Saves nothing.

    vendor_out: for how long between two times the vendor could not be reached; that time is not held against it.
    """
    target = _refine(delivery, outcome, now, action, vendor_out)
    if target != delivery.status and not may_change(delivery.status, target):
        raise IllegalTransition(f"{delivery.key}: {delivery.status} -> {target}")
    before = delivery.status
    delivery.lease_token = ""
    delivery.lease_holder = ""
    delivery.reason_code = outcome.code[:60] if target != State.SUCCEEDED else ""
    delivery.finished_at = now if target in (State.SUCCEEDED, State.SKIPPED, State.CANCELLED) else None
    delivery.remote_request_id = outcome.request_id or delivery.remote_request_id
    delivery.remote_reference = references.kept(outcome.reference) or delivery.remote_reference
    _note_error(delivery, outcome, target)
    if _is_failure(before, outcome, action):
        delivery.failures += 1
        delivery.failing_since = delivery.failing_since or now
    delivery.status = target
    delivery.due_at = _next_time(delivery, outcome, now, before, action)
    if target == State.UNCERTAIN:
        delivery.maybe_sent = True
    elif target in (State.SUCCEEDED, State.CANCELLED) or (target == State.DUE and action != AttemptAction.STAFF):
        delivery.maybe_sent = False
    if outcome.solo:
        delivery.solo = True
    if target == State.DUE and action != AttemptAction.STAFF and _gave_up(delivery, now, vendor_out):
        delivery.status, delivery.due_at = State.FAILED, None
        delivery.reason_code = "gave_up"
    delivery.cause = cause_for(delivery)
    if delivery.status in FOR_A_PERSON and delivery.status != before:
        log.warning("delivery_needs_people", delivery=delivery.key, state=delivery.status, code=delivery.reason_code)


def _refine(
    delivery: Delivery, outcome: Outcome, now: datetime, action: AttemptAction,
    vendor_out: Callable[[datetime, datetime], timedelta],
) -> State:  # fmt: skip
    """An unanswered question keeps the state it was asked in, until a person should know."""
    target = outcome.state
    asked = action in (AttemptAction.VERIFY, AttemptAction.POLL)
    if action == AttemptAction.POLL and target == State.UNCERTAIN and outcome.code:
        return target  # the answer is there, and says nothing about this delivery
    if asked and (target == State.UNCERTAIN or (target == State.DUE and outcome.error_kind and not outcome.solo)):
        asked_since = delivery.last_attempt_at or now
        waiting_for = now - asked_since - vendor_out(asked_since, now)
        patience = settings.GIVE_UP_AFTER_HOURS if outcome.working else settings.ATTENTION_AFTER_HOURS
        if waiting_for < timedelta(hours=patience) or _asked_too_seldom(delivery, outcome, waiting_for):
            return State(delivery.status)
        return State.UNCERTAIN if delivery.status == State.ACCEPTED else State.NEEDS_ATTENTION
    return target


def _asked_too_seldom(delivery: Delivery, outcome: Outcome, waiting_for: timedelta) -> bool:
    """Whether hours have passed in which nobody of ours was there to ask: then one failed question says nothing yet.

    Each send and each failed question counts as a failure, so that the difference is the questions before this one.
    """
    asked_before = delivery.failures - delivery.attempts
    return (
        delivery.status == State.UNCERTAIN and bool(outcome.error_kind) and asked_before < QUESTIONS_IN_VAIN - 1
        and waiting_for < timedelta(hours=settings.GIVE_UP_AFTER_HOURS)
    )  # fmt: skip


def _note_error(delivery: Delivery, outcome: Outcome, target: State) -> None:
    if target == State.SUCCEEDED:
        delivery.last_error_kind = delivery.last_error_code = delivery.last_error = ""
    elif outcome.code or outcome.message:
        delivery.last_error_kind = outcome.error_kind
        delivery.last_error_code = outcome.code[:120]
        delivery.last_error = outcome.message
    if target == State.NEEDS_ATTENTION and outcome.state != State.NEEDS_ATTENTION:
        delivery.reason_code = delivery.last_error_code = "outcome_unknown"
        delivery.last_error = _(
            "Nobody could tell for hours whether this was carried out. Look at the vendor's screen, then retry (it is"
            " checked again first) or skip."
        )


def _is_failure(before: str, outcome: Outcome, action: AttemptAction) -> bool:
    if action in (AttemptAction.VERIFY, AttemptAction.POLL) and outcome.state in (State.UNCERTAIN, State.DUE):
        return bool(outcome.error_kind) and outcome.counted and before == State.UNCERTAIN
    return outcome.counted and outcome.state in (State.DUE, State.UNCERTAIN)


def _next_time(
    delivery: Delivery, outcome: Outcome, now: datetime, before: str, action: AttemptAction
) -> datetime | None:
    match delivery.status:
        case State.ACCEPTED:
            sent_at = delivery.last_attempt_at or now
            return now + backoff.poll_delay(now - sent_at)
        case State.UNCERTAIN:
            asked_in_vain = before == State.UNCERTAIN and action == AttemptAction.VERIFY
            return now + (backoff.retry_delay(delivery.failures) if asked_in_vain else backoff.verify_delay())
        case State.DUE if action == AttemptAction.VERIFY and not outcome.error_kind:
            # Found absent: at once after a single lost reply, with patience when replies keep getting lost.
            return now + (backoff.retry_delay(delivery.failures - 1) if delivery.failures > 1 else timedelta())
        case State.DUE:
            if outcome.retry_after is not None:
                return now + timedelta(seconds=outcome.retry_after * settings.RETRY_BACKOFF_SCALE)
            return now + backoff.retry_delay(delivery.failures)
    return None


def _gave_up(delivery: Delivery, now: datetime, vendor_out: Callable[[datetime, datetime], timedelta]) -> bool:
    """Whether it was still being tried when its hours were over; what was waited for an answer does not count.

    So what is found absent after a long silence is sent once more at least, and hours in which nobody of ours tried
    say nothing.
    """
    since, tried = delivery.failing_since, delivery.last_attempt_at or now
    if since is None or delivery.failures < TRIES_IN_VAIN:
        return False
    return tried - since - vendor_out(since, tried) > timedelta(hours=settings.GIVE_UP_AFTER_HOURS)
