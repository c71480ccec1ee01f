"""The start page: today's orders, what needs a person, what is late, whether the machine runs.

Each user sees the parts that he may see the lists of. The figures come from ``dashboard.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django_q.models import Schedule

from integrations.admin import words
from integrations.admin.flow_states import flow_label
from integrations.admin.kinds import kind_label, tallies
from integrations.admin.records import address_of, list_address
from integrations.causes import NEEDS_A_PERSON
from integrations.deliveries.states import State
from integrations.flows import flow_definitions
from integrations.limit_figures import LimitFigures, limit_figures
from integrations.machine import FlowHealth, Machine, Reach, VendorHealth
from integrations.models import Cause, Flow
from integrations.recent import recent
from integrations.sentences import listed
from inventory.models import StockItem, StockUpdate
from orders.admin.cause_page import message_of, title_of
from orders.admin.inbox_rows import mark_of
from orders.models import DifferenceKind, Discrepancy, Reconciliation

from . import dashboard
from .health_strip import machine, stop_address, vendor_name

COLUMNS = (State.NEEDS_ATTENTION, State.FAILED, State.UNCERTAIN, State.DUE, State.IN_PROGRESS, State.ACCEPTED)
REACH_TONES = {Reach.UP: "success", Reach.DOWN: "warning", Reach.REFUSED: "danger", Reach.UNKNOWN: "plain"}
# A queue for turns shorter than this is the ordinary pace.
SHORT_WAIT = timedelta(seconds=5)


@dataclass(slots=True)
class Verdict:
    """The sentence on top: ``tone`` success, warning or danger, what is the matter, and what runs when."""

    tone: str
    text: str
    detail: str = ""


def environment(_request: HttpRequest) -> list[str] | None:
    """Return the label beside the site's name when this is not the real thing."""
    if urlsplit(settings.DSCO_BASE_URL).hostname in ("127.0.0.1", "localhost", "::1"):
        return [_("Demo: vendors are stand-ins"), "warning"]
    return [_("Debug mode"), "danger"] if settings.DEBUG else None


def context(request: HttpRequest, page: dict[str, Any]) -> dict[str, Any]:
    """Add what the start page shows."""
    may = request.user.has_perm
    state = machine()
    next_runs = recent("next_runs", dashboard.FRESH, _next_runs)
    steps = [_step(kind, tally) for kind, tally in tallies(request).items() if _may_see(request, tally.model)]
    rows = dashboard.deadline_rows() if may("orders.view_order") else []
    causes = dashboard.open_causes() if may("integrations.view_cause") else None
    stock = _stock() if may("inventory.view_stockitem") else None
    shown: dict[str, Any] = {
        "steps": steps,
        "step_columns": [State(column).label for column in COLUMNS],
        "deadlines": rows,
        "causes": [_cause(cause) for cause in causes.newest] if causes else [],
        "sees_causes": causes is not None,
        "more_causes": max(causes.number - len(causes.newest), 0) if causes else 0,
        "inbox": list_address(Cause),
        "stock": stock,
        "differences": _differences() if may("orders.view_discrepancy") else None,
        "flows": [_flow(flow, next_runs.get(flow.name)) for flow in state.flows if may("integrations.view_flow")],
        "flows_address": list_address(Flow),
        "vendors": _vendors(request, state) if may("integrations.view_flow") else [],
        "workers_alive": state.workers_alive,
        "has_run": state.last_success is not None,
        "last_worker": words.ago(state.workers_seen_at),
    }
    if may("orders.view_order"):
        shown |= {"funnel": dashboard.funnel(), "left": dashboard.left_the_way(), "week": dashboard.week()}
    return page | shown | {"verdict": _verdict(state, next_runs, steps, rows, causes)}


# --- The sentence on top -----------------------------------------------------------------------------------


def _verdict(
    state: Machine, next_runs: dict[str, datetime], steps: list[Any], rows: list[Any], causes: dashboard.Causes | None
) -> Verdict:
    """Say that all is well, or what is not."""
    parts = []
    if problems := sum(step["problems"] for step in steps):
        parts.append(_("Steps that need a person: %(n)d.") % {"n": problems})
    elif causes and causes.number:
        parts.append(_("Causes in the inbox: %(n)d.") % {"n": causes.number})
    if late := dashboard.late_orders(rows):
        parts.append(_("Missed deadlines: %(n)d.") % {"n": late})
    bad = [flow for flow in state.flows if _is_bad(flow, state)]
    if bad:
        parts.append(_("Flows that do not get on: %(flows)s.") % {"flows": listed(flow_label(f.name) for f in bad)})
    cut_off = [vendor for vendor in state.vendors if vendor.needs_action(state.looked_at)]
    parts += [f"{vendor_name(vendor.vendor)}: {reach_words(vendor)}." for vendor in cut_off]
    detail = _when(state, next_runs)
    if parts:
        return Verdict("danger", " ".join(parts), detail)
    if not state.last_success:
        start = _("Start the workers (manage.py qcluster): orders then come.")
        return Verdict("warning", _("Nothing has run yet."), start)
    return Verdict("success", _("All is well: nothing needs a person."), detail)


def _when(state: Machine, next_runs: dict[str, datetime]) -> str:
    last = state.last_success
    if last is None or last.last_success_at is None:
        return ""
    names = {"flow": flow_label(last.name), "time": _short(last.last_success_at, state.looked_at)}
    text = _("Last run: %(flow)s, %(time)s.") % names
    waiting = {name: at for name, at in next_runs.items() if at > state.looked_at}
    if waiting:
        name = min(waiting, key=lambda each: waiting[each])
        names = {"flow": flow_label(name), "time": _short(waiting[name], state.looked_at)}
        text += " " + _("Next run: %(flow)s, %(time)s.") % names
    return text


def _short(moment: datetime, now: datetime) -> str:
    """Return a time as 09:42, with the date when it is not today."""
    local = timezone.localtime(moment)
    return local.strftime("%H:%M" if local.date() == timezone.localdate(now) else "%Y-%m-%d %H:%M")


# --- Parts -------------------------------------------------------------------------------------------------


def _step(kind: str, tally: Any) -> dict[str, Any]:
    cells = [(tally.numbers.get(state, 0), tally.address_of(state), state) for state in COLUMNS]
    problems = sum(tally.numbers.get(state, 0) for state in NEEDS_A_PERSON)  # uncertain ones verify themselves
    return {"title": kind_label(kind), "address": list_address(tally.model), "cells": cells, "problems": problems}


def _cause(cause: Cause) -> dict[str, Any]:
    return {
        "title": title_of(cause), "kind": kind_label(cause.kind), "message": message_of(cause),
        "number": cause.open_count - cause.verifying_count, "address": address_of(cause),
        "since": words.ago(cause.opened_at), "mark": mark_of(cause),
        "deadline": words.deadline(cause.oldest_deadline) if cause.oldest_deadline else "",
    }  # fmt: skip


def _next_runs() -> dict[str, datetime]:
    """Return when each flow is scheduled next; the machine's own chores are nobody's news."""
    names = [definition.name for definition in flow_definitions()]
    return dict(Schedule.objects.filter(name__in=names).exclude(next_run=None).values_list("name", "next_run"))


def _is_bad(flow: FlowHealth, state: Machine) -> bool:
    return not flow.paused and (flow.overdue or flow.broken or flow.stuck(state.looked_at))


def _flow(flow: FlowHealth, next_run: datetime | None) -> dict[str, Any]:
    """Return a line of the table of flows."""
    return {
        "title": flow_label(flow.name), "address": reverse("admin:integrations_flow_change", args=[flow.pk]),
        "state": _flow_state(flow), "last_success": words.ago(flow.last_success_at),
        "next_run": words.EMPTY if flow.paused else words.upcoming(next_run),
        "error": flow.pause_reason if flow.paused else (flow.last_error if flow.stopped or flow.broken else ""),
    }  # fmt: skip


def _flow_state(flow: FlowHealth) -> Any:
    if flow.paused:
        return words.label(_("Paused"), "warning", flow.pause_reason)
    if flow.running:
        return words.label(_("Running"), "info")
    if flow.overdue:
        return words.label(_("Overdue") if flow.last_started_at else _("Never ran"), "danger")
    if flow.broken:
        return words.label(_("Failed"), "danger", flow.last_error)
    if flow.stopped:
        return words.label(_("Stopped early"), "warning", flow.last_error)
    return words.label(_("OK"), "success")


def _vendors(request: HttpRequest, state: Machine) -> list[dict[str, Any]]:
    limits = recent("limits", 5.0, lambda: limit_figures(timezone.now()))
    return [_vendor(request, vendor, limits[vendor.vendor], state) for vendor in state.vendors]


def _vendor(request: HttpRequest, vendor: VendorHealth, limits: LimitFigures, state: Machine) -> dict[str, Any]:
    tone = "danger" if vendor.needs_action(state.looked_at) else REACH_TONES[vendor.reach]
    waits = limits.waits_until - timezone.now() if limits.waits_until else timedelta()
    queued = _("%(span)s of calls are queued")
    failure = words.reason(vendor.last_failure_code) if vendor.last_failure_code else ""
    return {
        "name": vendor_name(vendor.vendor), "reach": words.label(reach_words(vendor), tone),
        "last_success": words.ago(vendor.last_success_at), "last_failure": words.ago(vendor.last_failure_at),
        "failure": failure, "token": _token(limits),
        "waiting": queued % {"span": words.span(waits)} if waits > SHORT_WAIT else _("nothing is queued"),
        "in_flight": limits.calls_in_flight,
        "out": _outage(vendor), "stop": vendor.stop_reason if vendor.stopped_at else "",
        "stopped_by": vendor.stopped_by, "stopped": words.ago(vendor.stopped_at), "stop_address": stop_address(request),
    }  # fmt: skip


def reach_words(vendor: VendorHealth) -> str:
    """Return whether the vendor can be reached; where that is not the trouble, which flow it keeps from working."""
    if vendor.reach == Reach.UP and vendor.stuck_flow:
        return _("reachable, but “%(flow)s” gets no further") % {"flow": flow_label(vendor.stuck_flow)}
    return str(vendor.reach.label)


def _outage(vendor: VendorHealth) -> str:
    """Return since when the vendor has not answered and when it is asked again, "" while it answers."""
    if vendor.out_since is None or vendor.asked_again_at is None:
        return ""
    times = {"since": words.clock(vendor.out_since), "next": words.clock(vendor.asked_again_at)}
    return _("no answer since %(since)s; asked again %(next)s") % times


def _token(limits: LimitFigures) -> Any:
    if not limits.token:
        return _("none; the next call fetches one")
    if limits.token_until is None:
        return _("valid")
    if limits.token_until <= timezone.now():
        return _("expired; the next call renews it")
    return _("valid for %(span)s") % {"span": words.span(limits.token_until - timezone.now())}


def _stock() -> dict[str, Any]:
    figures = dashboard.stock()
    return {
        "items": figures.items, "differing": figures.differing, "waiting": figures.waiting, "parked": figures.parked,
        "computed": words.ago(figures.computed_at),
        "differing_address": list_address(StockItem, differs="yes"),
        "waiting_address": list_address(StockUpdate, status__exact=[State.DUE.value, State.IN_PROGRESS.value]),
        "parked_address": list_address(StockUpdate, status__exact=[State.FAILED.value, State.NEEDS_ATTENTION.value]),
    }  # fmt: skip


def _differences() -> dict[str, Any]:
    figures = dashboard.differences()
    labels = dict(DifferenceKind.choices)
    return {
        "number": figures.number, "address": list_address(Discrepancy, state="open"),
        "kinds": " · ".join(f"{labels.get(kind, kind)} {number}" for kind, number in figures.by_kind.items()),
        "oldest": words.ago(figures.oldest), "compared": words.ago(figures.compared_at) if figures.compared_at else "",
        "runs_address": list_address(Reconciliation),
    }  # fmt: skip


def _may_see(request: HttpRequest, model: Any) -> bool:
    return request.user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")
