"""How a flow stands, in one word for staff."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import OuterRef, Subquery
from django.utils import timezone
from django.utils.html import format_html, strip_tags
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_q.models import Schedule

from ..flows import flow_definitions
from ..flows.overdue import interval_of, is_overdue
from ..flows.registry import flow_label
from ..flows.runner import ensure_flow_row
from ..models import Flow, FlowRun, Heartbeat, RunStatus
from ..sentences import told
from . import words
from .records import address_of

__all__ = [
    "FlowFacts",
    "counted",
    "ensure_flow_rows",
    "facts_of",
    "flow_label",
    "flow_state",
    "interval_of",
    "is_overdue",
    "is_running",
    "live_figures",
    "live_state",
    "run_label",
    "run_tone",
    "starter",
    "workers_alive",
]

WORKER_SILENCE = timedelta(minutes=5)
# Who starts a flow when no person does: ``FlowRun.trigger``.
STARTERS = {
    "schedule": gettext_lazy("the schedule"),
    "released": gettext_lazy("an order that may go on"),
    "command": gettext_lazy("a command"),
}
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


def starter(run: FlowRun) -> str:
    """Return who or what started a run: a person's name, or the machine's reason in words."""
    return str(STARTERS.get(run.trigger, flow_label(run.trigger))) or words.EMPTY


def is_running(flow: Flow) -> bool:
    """Return whether some process holds the flow's lease."""
    return flow.is_running()


def flow_state(flow: Flow, last_run: FlowRun | None = None) -> tuple[str, str, str]:
    """Return a flow's state in a word, its tone, and what there is to say beside it."""
    if flow.paused:
        return _("Paused"), "warning", flow.pause_reason
    if is_running(flow):
        return _("Running"), "info", flow.lease_holder
    if is_overdue(flow):
        return _("Overdue") if flow.last_started_at else _("Never ran"), "danger", ""
    if last_run is not None and last_run.status in (RunStatus.STOPPED, RunStatus.FAILED):
        return str(last_run.get_status_display()), RUN_TONES[RunStatus(last_run.status)], told(last_run.error)
    return _("OK"), "success", ""


def live_state(flow: Flow, last_run: FlowRun | None) -> SafeString:
    """Return the state as a label that the page's script keeps up to date."""
    text, tone, title = flow_state(flow, last_run)
    return format_html(
        '<span class="ob-label ob-{}" title="{}" data-show="{}.state" data-tone="{}.tone">{}</span>',
        tone, title, flow.name, flow.name, text,
    )  # fmt: skip


def counted(flow: Flow, last_run: FlowRun | None) -> str:
    """Return what the last run counted; of one under way what it has counted so far, and for how long it runs."""
    if last_run is None:
        return words.EMPTY
    if last_run.status != RunStatus.RUNNING or not is_running(flow):
        return words.counts(last_run.counts)
    length = _("for %(span)s so far") % {"span": words.span(timezone.now() - last_run.started_at)}
    return f"{length} · {words.counts(last_run.counts)}" if last_run.counts else length


def live_figures(flows: list[Flow]) -> dict[str, Any]:
    """Return what the list shows of each flow, for the page's script: four queries, however many flows."""
    figures: dict[str, Any] = {"open": True}
    for name, facts in facts_of(flows).items():
        flow = next(row for row in flows if row.name == name)
        text, tone, _title = flow_state(flow, facts.last_run)
        schedule = facts.schedule
        upcoming = words.EMPTY if flow.paused or schedule is None else words.upcoming(schedule.next_run)
        figures |= {
            f"{name}.state": text, f"{name}.tone": tone, f"{name}.counts": counted(flow, facts.last_run),
            f"{name}.success": strip_tags(words.ago(flow.last_success_at)), f"{name}.next": strip_tags(upcoming),
        }  # fmt: skip
        if (run := facts.last_run) is not None:
            figures |= {
                f"{name}.error": told(run.error) or words.EMPTY, f"{name}.run": address_of(run),
                f"{name}.result": run.get_status_display(), f"{name}.run_tone": run_tone(run),
            }  # fmt: skip
    return figures


def run_label(run: FlowRun) -> SafeString:
    """Return a run's status as a label."""
    return words.label(run.get_status_display(), run_tone(run))


def run_tone(run: FlowRun) -> str:
    """Return the tone of a run's status."""
    return RUN_TONES.get(RunStatus(run.status), "plain")


def workers_alive() -> bool:
    """Return whether some worker was seen lately."""
    return Heartbeat.objects.filter(seen_at__gte=timezone.now() - WORKER_SILENCE).exists()
