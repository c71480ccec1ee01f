"""How a flow stands, in one word for staff."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import OuterRef, Subquery
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django_q.models import Schedule

from ..flows import flow_definitions
from ..flows.overdue import interval_of, is_overdue
from ..flows.runner import ensure_flow_row
from ..models import Flow, FlowRun, Heartbeat, RunStatus
from . import words

__all__ = [
    "FlowFacts",
    "ensure_flow_rows",
    "facts_of",
    "flow_label",
    "flow_state",
    "interval_of",
    "is_overdue",
    "is_running",
    "run_label",
    "workers_alive",
]

WORKER_SILENCE = timedelta(minutes=5)
RUN_TONES = {
    RunStatus.RUNNING: "info",
    RunStatus.SUCCEEDED: "success",
    RunStatus.STOPPED: "warning",
    RunStatus.FAILED: "danger",
    RunStatus.INTERRUPTED: "warning",
}


@dataclass(slots=True)
class FlowFacts:
    """What a list of flows needs beside the row: its last run and when it is scheduled next."""

    last_run: FlowRun | None = None
    schedule: Schedule | None = None


def ensure_flow_rows() -> None:
    """Make the rows of flows that never ran, so that staff see every flow."""
    known = set(Flow.objects.values_list("name", flat=True))
    for definition in flow_definitions():
        if definition.name not in known:
            ensure_flow_row(definition)


def facts_of(flows: list[Flow]) -> dict[str, FlowFacts]:
    """Return the facts of some flows by name: three queries, however many flows."""
    names = [flow.name for flow in flows]
    found = {name: FlowFacts() for name in names}
    newest = Subquery(FlowRun.objects.filter(flow=OuterRef("name")).order_by("-id").values("pk")[:1])
    run_ids = Flow.objects.filter(name__in=names).annotate(newest=newest).values_list("newest", flat=True)
    for run in FlowRun.objects.filter(pk__in=[pk for pk in run_ids if pk]):
        found[run.flow].last_run = run
    for schedule in Schedule.objects.filter(name__in=names):
        found[schedule.name].schedule = schedule
    return found


def flow_label(name: str) -> str:
    """Return a flow's name for staff."""
    labels = {definition.name: definition.label for definition in flow_definitions()}
    return str(labels.get(name, name))


def is_running(flow: Flow) -> bool:
    """Return whether some process holds the flow's lease."""
    return bool(flow.lease_token and flow.lease_until and flow.lease_until > timezone.now())


def flow_state(flow: Flow, last_run: FlowRun | None = None) -> SafeString:
    """Return a flow's state as a label."""
    if flow.paused:
        return words.label(_("Paused"), "warning", flow.pause_reason)
    if is_running(flow):
        return words.label(_("Running"), "info", flow.lease_holder)
    if is_overdue(flow):
        return words.label(_("Overdue") if flow.last_started_at else _("Never ran"), "danger")
    if last_run is not None and last_run.status in (RunStatus.STOPPED, RunStatus.FAILED):
        return words.label(last_run.get_status_display(), RUN_TONES[RunStatus(last_run.status)], last_run.error)
    return words.label(_("OK"), "success")


def run_label(run: FlowRun) -> SafeString:
    """Return a run's status as a label."""
    return words.label(run.get_status_display(), RUN_TONES.get(RunStatus(run.status), "plain"))


def workers_alive() -> bool:
    """Return whether some worker was seen lately."""
    return Heartbeat.objects.filter(seen_at__gte=timezone.now() - WORKER_SILENCE).exists()
