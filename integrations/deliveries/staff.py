"""What people may do with deliveries, singly or many at once. Every step is kept as an attempt with who and when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from ..models import Attempt, AttemptAction
from ..sentences import from_label
from ..sentences import gettext as _
from . import outcomes
from .claims import OUTCOME_FIELDS
from .kinds import delivery_kinds
from .models import Delivery
from .outcomes import Outcome
from .owners import lock_owners
from .states import PARKED, State
from .transitions import apply_outcome

RETRYABLE = PARKED | {State.UNCERTAIN, State.DUE, State.ACCEPTED}
SKIPPABLE = frozenset({State.WAITING, State.DUE, State.FAILED, State.NEEDS_ATTENTION, State.UNCERTAIN})


FINDABLE = SKIPPABLE - {State.UNCERTAIN} | {State.SKIPPED}


@dataclass(slots=True)
class StaffResult:
    """How many rows were changed, and the keys of those that could not be, with the state they are in."""

    changed: int = 0
    refused: dict[str, str] = field(default_factory=dict)


def retry(kind_name: str, ids: Iterable[int], actor: str) -> StaffResult:
    """Make rows due now. What may already have happened is verified first; rows in progress are left alone."""

    def outcome_of(row: Delivery) -> Outcome:
        if row.status == State.ACCEPTED:
            return Outcome(State.ACCEPTED, counted=False)
        if row.maybe_sent or row.status == State.UNCERTAIN:
            return Outcome(State.UNCERTAIN, counted=False)
        return Outcome(State.DUE, counted=False, retry_after=0)

    def soon(row: Delivery, now: datetime) -> None:
        row.due_at = now
        row.failures = 0
        row.failing_since = None
        row.reason_code = ""

    return _act(kind_name, ids, actor, RETRYABLE, outcome_of, "", soon)


def skip(kind_name: str, ids: Iterable[int], actor: str, reason: str) -> StaffResult:
    """Give rows up, with a reason."""
    return _act(kind_name, ids, actor, SKIPPABLE, lambda _row: outcomes.skipped("staff", reason), reason)


def mark_done(kind_name: str, ids: Iterable[int], actor: str, reason: str) -> StaffResult:
    """Mark rows as done elsewhere (by hand, in the vendor's screens), with a reason."""
    return _act(kind_name, ids, actor, SKIPPABLE | {State.SKIPPED}, lambda _row: outcomes.succeeded(), reason)


def record_found(kind_name: str, found: Mapping[int, Outcome], message: str, actor: str = "") -> StaffResult:
    """Record what was found done at the vendor without our doing, whoever found it (``actor`` "": the system).

    found: an outcome by primary key, with the vendor's reference. Rows in flight are left to their verification.
    """
    action = AttemptAction.STAFF if actor else AttemptAction.VERIFY
    return _act(kind_name, found, actor, FINDABLE, lambda row: found[row.pk], message, action=action)


def _act(
    kind_name: str,
    ids: Iterable[int],
    actor: str,
    allowed: frozenset[State],
    outcome_of: Callable[[Delivery], Outcome],
    message: str,
    afterwards: Callable[[Delivery, datetime], None] | None = None,
    action: AttemptAction = AttemptAction.STAFF,
) -> StaffResult:
    kind = delivery_kinds()[kind_name]
    now = timezone.now()
    result = StaffResult()
    with transaction.atomic():
        chosen = kind.queryset().filter(pk__in=list(ids))
        lock_owners(chosen)
        rows: Sequence[Delivery] = list(chosen.select_for_update(of=("self",)).order_by("pk"))
        changed: list[tuple[Delivery, Outcome]] = []
        for row in rows:
            final = kind.skip_is_final and row.status == State.SKIPPED
            if row.status not in allowed or row.lease_token or final:
                result.refused[row.key] = _("in progress") if row.lease_token else from_label(State(row.status).label)
                continue
            outcome = outcome_of(row)
            apply_outcome(row, outcome, now, action)
            if afterwards:
                afterwards(row, now)
            row.changed_at = now
            changed.append((row, outcome))
        if changed:
            kind.model._default_manager.bulk_create(
                [row for row, _outcome in changed],
                update_conflicts=True,
                unique_fields=["id"],  # type: ignore[misc] # the abstract model has no id yet
                update_fields=OUTCOME_FIELDS,
            )
            Attempt.objects.bulk_create(
                Attempt(
                    kind=kind.name, delivery_id=row.pk, action=action, started_at=now,
                    outcome=row.status, message=message, actor=actor[:150],
                )
                for row, _outcome in changed
            )  # fmt: skip
            kind.recorded(changed, now)
    result.changed = len(changed)
    return result
