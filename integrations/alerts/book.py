"""The book of alerts: what is the matter now becomes rows, and rows end when it is over."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from django.utils import translation

from ..models import Alert, AlertKind

log = structlog.get_logger(__name__)
LONGEST_KEY = 160
LONGEST_SUBJECT = 300


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is the matter now. ``key`` stays the same while it lasts; ``facts`` are JSON."""

    key: str
    facts: dict[str, Any] = field(default_factory=dict)
    path: str = ""


@dataclass(frozen=True, slots=True)
class AlertSource:
    """Where alerts of a kind come from.

    find: returns everything of the kind that is the matter at a time.
    describe: returns the facts as one line in the active language and time zone.
    """

    find: Callable[[datetime], Iterable[Finding]]
    describe: Callable[[dict[str, Any]], str]


_sources: dict[str, AlertSource] = {}


def register_alerts(kind: AlertKind, source: AlertSource) -> None:
    """Announce the source of a kind; business packages announce theirs."""
    _sources[kind] = source


def describe(alert: Alert) -> str:
    """Return an alert as one line in the active language and time zone."""
    source = _sources.get(alert.kind)
    if source is None:
        return alert.subject
    return " ".join(source.describe(alert.facts).split())


def evaluate(now: datetime) -> None:
    """Raise what is new and end what is over. A source that breaks leaves its kind as it was."""
    for kind, source in _sources.items():
        try:
            found = {finding.key[:LONGEST_KEY]: finding for finding in source.find(now)}
        except Exception:  # the other kinds must still be told
            log.exception("alert_source_broke", kind=kind)
            continue
        _write(kind, found, now)


def _write(kind: str, found: dict[str, Finding], now: datetime) -> None:
    known = dict(Alert.objects.filter(kind=kind, ended_at__isnull=True).values_list("key", "pk"))
    over = [pk for key, pk in known.items() if key not in found]
    for start in range(0, len(over), 500):
        Alert.objects.filter(pk__in=over[start : start + 500]).update(ended_at=now)
    new = [_row(kind, key, finding, now) for key, finding in sorted(found.items()) if key not in known]
    # Another process may be raising the same, in the same order: the constraint keeps one of the two.
    Alert.objects.bulk_create(new, ignore_conflicts=True, batch_size=500)


def _row(kind: str, key: str, finding: Finding, now: datetime) -> Alert:
    alert = Alert(kind=kind, key=key, facts=finding.facts, path=finding.path[:300], raised_at=now)
    with translation.override("en"):
        alert.subject = describe(alert)[:LONGEST_SUBJECT]
    return alert
