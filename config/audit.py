"""The audit trail: who did what when, put together from every record of staff actions that there is.

Nothing is written here; each source is read newest first, the page merges them. Sources: attempts made by staff,
events of orders, Django's own log of the admin, the history of mappings and policies, flows started by a person,
emergency stops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any, Final

from django.apps import apps
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.models import Group
from django.db.models import Model, Q, QuerySet
from django.urls import NoReverseMatch, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from simple_history.models import registered_models

from integrations.admin.flow_states import flow_label
from integrations.admin.history_words import logged_change
from integrations.admin.kinds import delivery_models, delivery_subjects, kind_label
from integrations.admin.mappings import change_reason
from integrations.admin.people import group_label
from integrations.admin.records import address_of
from integrations.admin.technical import vendor_text
from integrations.deliveries.states import State
from integrations.flows import flow_definitions
from integrations.models import Attempt, AttemptAction, Flow, FlowRun, VendorStop, VendorToken
from integrations.sentences import titled
from orders.models import OrderEvent

# Rows that Django's log names by a code: how pages call them.
SPOKEN: Final[dict[Any, Callable[[str], str]]] = {Flow: flow_label, Group: group_label, VendorToken: vendor_text}
# Who starts flows when no person does.
MACHINES = ["", "schedule", "released", "command"]  # as in the index on flow runs


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that a person did: when, who, what, to what (with its page), and the details."""

    at: datetime
    who: str
    what: str
    subject: str
    address: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: of one person or of all, within a time (``until`` is excluded), at most ``most``."""

    person: str = ""
    since: datetime | None = None
    until: datetime | None = None
    most: int = 100

    def rows(self, queryset: QuerySet[Any], moment: str, person: str) -> list[Any]:
        """Return the newest rows; ``moment`` and ``person`` name the columns."""
        wanted = Q()
        if self.person:
            wanted &= Q(**{person: self.person})
        if self.since:
            wanted &= Q(**{f"{moment}__gte": self.since})
        if self.until:
            wanted &= Q(**{f"{moment}__lt": self.until})
        return list(queryset.filter(wanted).order_by(f"-{moment}", "-pk")[: self.most])


def entries(wanted: Wanted) -> list[Entry]:
    """Return the newest entries of all sources together, at most ``wanted.most``."""
    logged = list(_admin_log(wanted))
    said = {(entry.who, entry.what, entry.subject, int(entry.at.timestamp()) // 10) for entry in logged}
    # A change made in the admin is in its log and in the history: told once.
    histories = [
        entry for entry in _histories(wanted)
        if (entry.who, entry.what, entry.subject, int(entry.at.timestamp()) // 10) not in said
    ]  # fmt: skip
    found = [*(source(wanted) for source in SOURCES), logged, histories]
    newest_first = [sorted(source, key=_moment, reverse=True) for source in found]
    return list(islice(merge(*newest_first, key=_moment, reverse=True), wanted.most))


def _moment(entry: Entry) -> datetime:
    return entry.at


def _attempts(wanted: Wanted) -> Iterable[Entry]:
    rows = wanted.rows(Attempt.objects.filter(action=AttemptAction.STAFF), "started_at", "actor")
    subjects = delivery_subjects((row.kind, row.delivery_id) for row in rows)
    for row in rows:
        kind_model = delivery_models().get(row.kind)
        address = _address(kind_model, row.delivery_id)
        what = _("%(step)s: now %(state)s") % {"step": kind_label(row.kind), "state": State(row.outcome).label}
        subject = subjects.get((row.kind, row.delivery_id), f"#{row.delivery_id}")
        yield Entry(row.started_at, row.actor, what, subject, address, row.message)


def _order_events(wanted: Wanted) -> Iterable[Entry]:
    rows = OrderEvent.objects.exclude(actor="").select_related("order")
    shown = rows.only("kind", "at", "text", "actor", "order__dsco_order_id", "order__po_number")
    for row in wanted.rows(shown, "at", "actor"):
        yield Entry(row.at, row.actor, row.get_kind_display(), str(row.order), address_of(row.order), row.text)


def _admin_log(wanted: Wanted) -> Iterable[Entry]:
    verbs = {ADDITION: _("Added"), CHANGE: _("Changed"), DELETION: _("Deleted")}
    rows = LogEntry.objects.select_related("user", "content_type")
    for row in wanted.rows(rows, "action_time", "user__username"):
        model = row.content_type.model_class() if row.content_type else None
        kind = capfirst(str(model._meta.verbose_name)) if model else ""
        verb = verbs.get(row.action_flag, "")
        what = titled(kind, verb) if kind else verb
        yield Entry(
            row.action_time, row.user.get_username(), what, SPOKEN.get(model, str)(row.object_repr),
            "" if row.action_flag == DELETION else _address(model, row.object_id), logged_change(row),
        )  # fmt: skip


def _histories(wanted: Wanted) -> Iterable[Entry]:
    """Changes of mappings and policies that the admin's log does not have: imports, commands, the API."""
    verbs = {"+": _("Added"), "~": _("Changed"), "-": _("Deleted")}
    for model in registered_models.values():
        history = apps.get_model(model._meta.app_label, f"historical{model._meta.model_name}")
        rows = history._default_manager.filter(history_user__isnull=False).select_related("history_user")
        for row in wanted.rows(rows, "history_date", "history_user__username"):
            what = titled(capfirst(str(model._meta.verbose_name)), verbs.get(row.history_type, ""))
            yield Entry(
                row.history_date, row.history_user.get_username(), what, str(row.instance),
                "" if row.history_type == "-" else _address(model, getattr(row, model._meta.pk.attname)),
                change_reason(row),
            )  # fmt: skip


def _flow_runs(wanted: Wanted) -> Iterable[Entry]:
    labels = {definition.name: str(definition.label) for definition in flow_definitions()}
    rows = FlowRun.objects.exclude(trigger__in=MACHINES).exclude(trigger__in=list(labels)).defer("notes")
    for row in wanted.rows(rows, "started_at", "trigger"):
        detail = row.error or str(row.get_status_display())
        yield Entry(
            row.started_at, row.trigger, _("Flow started"), labels.get(row.flow, row.flow), address_of(row), detail
        )


def _stops(wanted: Wanted) -> Iterable[Entry]:
    for row in wanted.rows(VendorStop.objects.all(), "started_at", "started_by"):
        vendor = str(row.get_vendor_display())
        yield Entry(row.started_at, row.started_by, _("Emergency stop"), vendor, address_of(row), row.reason)
    for row in wanted.rows(VendorStop.objects.filter(ended_at__isnull=False), "ended_at", "ended_by"):
        vendor, note = str(row.get_vendor_display()), row.end_note or row.reason
        yield Entry(row.ended_at, row.ended_by, _("Emergency stop ended"), vendor, address_of(row), note)


def _address(model: type[Model] | None, pk: Any) -> str:
    """Return the address of a record's page, or nothing where it has none."""
    if model is None or not pk:
        return ""
    try:
        return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[pk])
    except NoReverseMatch:
        return ""


SOURCES: tuple[Callable[[Wanted], Iterable[Entry]], ...] = (_attempts, _order_events, _flow_runs, _stops)
