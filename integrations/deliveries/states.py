"""The states of a delivery and the only ways between them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    """Where a delivery stands. Staff see the labels; the words are explained in the README."""

    WAITING = "waiting", _("Waiting")
    DUE = "due", _("Due")
    IN_PROGRESS = "in_progress", _("In progress")
    ACCEPTED = "accepted", _("Accepted, outcome pending")
    UNCERTAIN = "uncertain", _("Uncertain, to be verified")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")
    NEEDS_ATTENTION = "needs_attention", _("Needs attention")
    SKIPPED = "skipped", _("Skipped")
    CANCELLED = "cancelled", _("Cancelled")


S = State
# Nothing happens to a row in these states without a person or a new fact.
PARKED = frozenset({S.FAILED, S.NEEDS_ATTENTION, S.SKIPPED})
FINISHED = frozenset({S.SUCCEEDED, S.SKIPPED, S.CANCELLED})
OPEN = frozenset(S) - FINISHED
# A call may be under way or may have had its effect: only the engine may touch these.
IN_FLIGHT = frozenset({S.IN_PROGRESS, S.ACCEPTED, S.UNCERTAIN})

TRANSITIONS: dict[State, frozenset[State]] = {
    S.WAITING: frozenset({S.DUE, S.NEEDS_ATTENTION, S.SKIPPED, S.CANCELLED, S.SUCCEEDED}),
    S.DUE: frozenset({S.IN_PROGRESS, S.WAITING, S.NEEDS_ATTENTION, S.SKIPPED, S.CANCELLED, S.SUCCEEDED}),
    S.IN_PROGRESS: frozenset(S) - {S.IN_PROGRESS},
    S.ACCEPTED: frozenset({S.ACCEPTED, S.SUCCEEDED, S.DUE, S.FAILED, S.UNCERTAIN, S.NEEDS_ATTENTION, S.SKIPPED}),
    S.UNCERTAIN: frozenset({S.UNCERTAIN, S.SUCCEEDED, S.DUE, S.ACCEPTED, S.FAILED, S.NEEDS_ATTENTION, S.SKIPPED}),
    S.FAILED: frozenset({S.DUE, S.UNCERTAIN, S.SKIPPED, S.CANCELLED, S.SUCCEEDED}),
    S.NEEDS_ATTENTION: frozenset({S.DUE, S.UNCERTAIN, S.WAITING, S.SKIPPED, S.CANCELLED, S.SUCCEEDED}),
    S.SKIPPED: frozenset({S.DUE, S.UNCERTAIN, S.WAITING, S.SUCCEEDED}),
    S.CANCELLED: frozenset({S.DUE, S.WAITING}),
    S.SUCCEEDED: frozenset(),
}


def may_change(before: str, after: str) -> bool:
    """Return whether a delivery may go from ``before`` to ``after``."""
    return State(after) in TRANSITIONS[State(before)]
