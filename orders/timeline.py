"""The timeline of one order: what the system did, what people did and said, what DSCO changed. Newest first."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.db import models
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from integrations.deliveries.models import Delivery
from integrations.models import ApiCall, Attempt, AttemptAction
from integrations.sentences import listed, titled

from .models import EventKind, OrderEvent, OrderVersion
from .order_story import Story
from .payload_words import said_of, subjects

MOST_NAMED = 8


class Group(models.TextChoices):
    """What the timeline can be filtered by."""

    SYSTEM = "system", gettext_lazy("By the system")
    STAFF = "staff", gettext_lazy("By staff")
    COMMENT = "comment", gettext_lazy("Comments")
    DSCO = "dsco", gettext_lazy("Changes at DSCO")


@dataclass(slots=True)
class Entry:
    """One thing that happened. ``outcome`` is the state that a delivery went to; ``actor`` is "" for the system."""

    at: datetime
    group: Group
    title: str
    text: str = ""
    actor: str = ""
    outcome: str = ""
    calls: list[ApiCall] = field(default_factory=list)
    version: OrderVersion | None = None


def timeline_of(story: Story) -> list[Entry]:
    """Return the entries, newest first; at the same moment what followed stands above what it followed from."""
    steps = {(delivery.KIND, delivery.pk): step_name(delivery) for delivery in story.deliveries}
    entries = [_of_version(version) for version in story.versions]
    entries += [
        _of_attempt(attempt, steps[attempt.kind, attempt.delivery_id], story.calls.get(attempt, []))
        for attempt in reversed(story.attempts)
    ]
    entries += [_of_event(event, story.calls.get(event, [])) for event in reversed(story.events)]
    oldest_version = story.versions[-1].received_at if story.versions else None
    if oldest_version is None or oldest_version > story.order.first_seen_at:
        entries.append(Entry(story.order.first_seen_at, Group.DSCO, _("First read from DSCO")))
    entries.sort(key=lambda entry: entry.at)
    return entries[::-1]


def step_name(delivery: Delivery) -> str:
    """Return the name of a step for staff: the kind, for cancellations which action, for later reports which one."""
    name = capfirst(str(delivery._meta.verbose_name))
    if getattr(delivery, "sequence", 1) > 1:
        return f"{name} {delivery.sequence}"  # type: ignore[attr-defined]
    display = getattr(delivery, "get_action_display", None)
    return titled(name, display()) if display else name


def _of_attempt(attempt: Attempt, step: str, calls: list[ApiCall]) -> Entry:
    by_staff = attempt.action == AttemptAction.STAFF
    return Entry(
        attempt.started_at, Group.STAFF if by_staff else Group.SYSTEM, f"{step} · {attempt.get_action_display()}",
        attempt.message, attempt.actor, attempt.outcome, calls,
    )  # fmt: skip


def _of_event(event: OrderEvent, calls: list[ApiCall]) -> Entry:
    groups = {EventKind.COMMENT: Group.COMMENT, EventKind.REMOTE: Group.DSCO}
    group = groups.get(EventKind(event.kind), Group.STAFF)
    return Entry(event.at, group, str(event.get_kind_display()), event.text, event.actor, calls=calls)


def _of_version(version: OrderVersion) -> Entry:
    number = len(version.changed)
    if not number:
        return Entry(version.received_at, Group.DSCO, _("First read from DSCO"), version=version)
    text = ngettext("%(n)d value changed", "%(n)d values changed", number) % {"n": number}
    named = subjects(map(str, version.changed))
    shown = listed([*named[:MOST_NAMED], "…"] if len(named) > MOST_NAMED else named)
    text = said_of(text, shown) if shown else text
    return Entry(version.received_at, Group.DSCO, _("Changed at DSCO"), text, version=version)
