"""Keeping what a comparison found: new rows, rows seen again, rows that close by themselves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet

from integrations.deliveries.owners import lock_by_key

from ..models import Discrepancy, Source
from .words import SITUATIONS

Value = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: ``code`` names the situation; ours and theirs hold no personal data."""

    code: str
    subject: str
    order_id: int | None = None
    ours: Value = field(default_factory=dict)
    theirs: Value = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """What both sides say, in short: an accepted difference stays accepted while this stays."""
        text = json.dumps([self.ours, self.theirs], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(slots=True)
class Compared:
    """What one comparison looked at: orders (primary keys) or other subjects, what differs, what is undecided.

    undecided: orders with something that differs but is still on its way; their rows are neither opened nor closed.
    unread: why orders (DSCO ids) or other subjects could not be read; nothing is said about them.
    """

    source: Source
    order_ids: set[int] = field(default_factory=set)
    subjects: set[str] = field(default_factory=set)
    differences: list[Difference] = field(default_factory=list)
    undecided: set[int] = field(default_factory=set)
    unread: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Kept:
    """The open rows of this comparison's differences, and how many were new and how many closed."""

    open_rows: list[Discrepancy] = field(default_factory=list)
    opened: int = 0
    closed: int = 0


def keep(compared: Compared, now: datetime) -> Kept:
    """Bring the rows in step with a comparison: in one transaction, with a bounded number of statements."""
    kept = Kept()
    differences = {(one.code, one.subject): one for one in compared.differences}
    with transaction.atomic():
        before = {(row.code, row.subject): row for row in _open_rows(compared, differences.values())}
        again = [row for key, row in before.items() if key in differences]
        gone = [row.pk for key, row in before.items() if key not in differences and _is_covered(row, compared)]
        kept.closed = close(Discrepancy.objects.filter(pk__in=gone), now) if gone else 0
        _seen_again(again, differences, now)
        accepted = _accepted([one for key, one in differences.items() if key not in before])
        new = [
            _row(compared.source, one, now)
            for key, one in sorted(differences.items())  # as another comparison that finds them at this moment
            if key not in before and (*key, one.fingerprint) not in accepted
        ]
        Discrepancy.objects.bulk_create(new, ignore_conflicts=True)
        kept.opened = len(new)
        kept.open_rows = again + _stored(new)
    return kept


def close(rows: QuerySet[Discrepancy], now: datetime, *, by: str = "") -> int:
    """Close open rows; ``by`` is empty when they were found equal. Returns how many."""
    with transaction.atomic():
        return _locked(rows).update(closed_at=now, closed_by=by[:150])


def accept(rows: QuerySet[Discrepancy], actor: str, reason: str, now: datetime) -> int:
    """A person accepts differences as they are: they stay closed until one of the sides changes."""
    with transaction.atomic():
        return _locked(rows).update(closed_at=now, closed_by=actor[:150], accepted=True, result=reason[:1000])


def note_mended(rows: Iterable[Discrepancy], actor: str, result: str, now: datetime) -> None:
    """Record that a row's action was carried out; the next comparison closes it when both sides are equal."""
    wanted = Discrepancy.objects.filter(pk__in=[row.pk for row in rows])
    with transaction.atomic():
        lock_by_key(wanted)
        wanted.update(mended_at=now, mended_by=actor[:150], result=result)


def _locked(rows: QuerySet[Discrepancy]) -> QuerySet[Discrepancy]:
    """Lock the rows that are still open, in the order in which everybody does, and return them."""
    return Discrepancy.objects.filter(pk__in=lock_by_key(rows.filter(closed_at=None)))


def _open_rows(compared: Compared, differences: Collection[Difference]) -> list[Discrepancy]:
    about = Q(order__in=compared.order_ids) | Q(subject__in=compared.subjects | {one.subject for one in differences})
    rows = Discrepancy.objects.filter(about, source=compared.source, closed_at=None)
    return list(rows.order_by("pk").select_for_update())


def _is_covered(row: Discrepancy, compared: Compared) -> bool:
    if row.order_id is not None and row.order_id in compared.undecided:
        return False
    return row.order_id in compared.order_ids or row.subject in compared.subjects


def _seen_again(rows: Sequence[Discrepancy], differences: dict[tuple[str, str], Difference], now: datetime) -> None:
    changed = []
    for row in rows:
        one = differences[row.code, row.subject]
        if row.fingerprint != one.fingerprint:
            row.ours, row.theirs, row.fingerprint = one.ours, one.theirs, one.fingerprint
            changed.append(row)
    if changed:
        Discrepancy.objects.bulk_update(changed, ["ours", "theirs", "fingerprint"])
    if rows:
        Discrepancy.objects.filter(pk__in=[row.pk for row in rows]).update(
            last_seen_at=now, times_seen=F("times_seen") + 1
        )


def _accepted(differences: Sequence[Difference]) -> set[tuple[str, str, str]]:
    """The differences that a person has accepted, as long as both sides say the same."""
    if not differences:
        return set()
    rows = Discrepancy.objects.filter(subject__in={one.subject for one in differences}, accepted=True)
    return set(rows.values_list("code", "subject", "fingerprint"))


def _row(source: Source, one: Difference, now: datetime) -> Discrepancy:
    return Discrepancy(
        source=source, kind=SITUATIONS[one.code].kind, code=one.code, subject=one.subject[:200], order_id=one.order_id,
        ours=one.ours, theirs=one.theirs, fingerprint=one.fingerprint, first_seen_at=now, last_seen_at=now,
    )  # fmt: skip


def _stored(rows: Sequence[Discrepancy]) -> list[Discrepancy]:
    """Another run may have been first with one of them: the rows as they are stored."""
    if not rows:
        return []
    wanted = {(row.code, row.subject) for row in rows}
    found = Discrepancy.objects.filter(subject__in={subject for _code, subject in wanted}, closed_at=None)
    return [row for row in found if (row.code, row.subject) in wanted]
