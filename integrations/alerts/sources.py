"""What the infrastructure itself finds worth telling: new causes, overdue flows, vendors that are down, deliveries
that were given up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max
from django.urls import reverse
from django.utils.translation import gettext as _

from ..admin import words
from ..admin.flow_states import flow_label
from ..admin.kinds import delivery_models, kind_label
from ..admin.records import address_of, list_address
from ..deliveries.states import State
from ..flows import flow_definitions
from ..flows.overdue import overdue_flows
from ..models import AlertKind, ApiCall, Cause, Flow, FlowRun, RunStatus, Vendor, VendorStop
from .book import AlertSource, Finding, register_alerts
from .words import clock

LONGEST_MESSAGE = 160
# A vendor is down when the last runs of a flow were all stopped by it, or when all calls of a while failed.
RUNS_STOPPED = 3
RUNS_WITHIN = timedelta(hours=2)
CALLS_WITHIN = timedelta(minutes=10)
CALLS_FAILED = 3
# So many of the newest calls are looked at: the call log has no index on time.
NEWEST_CALLS = 50_000
GAVE_UP = "gave_up"


# --- New causes -----------------------------------------------------------------------------------


def new_causes(_now: datetime) -> Iterator[Finding]:
    """Find the causes that are open; one that comes back after it was closed is told again."""
    for cause in Cause.objects.filter(closed_at__isnull=True):
        facts = {"step": cause.kind, "code": cause.code, "message": cause.message[:LONGEST_MESSAGE]}
        yield Finding(cause.key, facts, address_of(cause))


def _describe_cause(facts: dict[str, Any]) -> str:
    text = f"{kind_label(facts['step'])}: {words.reason(facts['code'])}"
    return f"{text} – {facts['message']}" if facts.get("message") else text


# --- Overdue flows --------------------------------------------------------------------------------


def late_flows(now: datetime) -> Iterator[Finding]:
    """Find the flows that should have started long ago; the same rule as the health check's."""
    for flow in overdue_flows(now):
        since = flow.last_started_at.isoformat() if flow.last_started_at else ""
        yield Finding(flow.name, {"flow": flow.name, "since": since}, address_of(flow))


def _describe_flow(facts: dict[str, Any]) -> str:
    names = {"flow": flow_label(facts["flow"]), "time": clock(facts["since"])}
    if not facts["since"]:
        return _("%(flow)s has never run") % names
    return _("%(flow)s has not started since %(time)s") % names


# --- Vendors that are down ------------------------------------------------------------------------


def down_vendors(now: datetime) -> Iterator[Finding]:
    """Find the vendors that stop a flow again and again, or answer nobody."""
    stopped = _stopped_flows(now)
    for vendor in Vendor.values:
        if vendor in stopped:
            name, code = stopped[vendor]
            yield Finding(vendor, {"vendor": vendor, "flow": name, "code": code}, list_address(FlowRun, flow=name))
        elif _all_calls_failed(vendor, now):
            yield Finding(vendor, {"vendor": vendor}, list_address(ApiCall, vendor__exact=vendor))


def _stopped_flows(now: datetime) -> dict[str, tuple[str, str]]:
    """Return for each vendor a flow whose last runs it all stopped, and with which code."""
    found: dict[str, tuple[str, str]] = {}
    paused = set(Flow.objects.filter(paused=True).values_list("name", flat=True))
    for definition in flow_definitions():
        if definition.name in paused:
            continue
        runs = FlowRun.objects.filter(flow=definition.name, finished_at__isnull=False).order_by("-id")
        last = list(runs.only("status", "error", "error_code", "started_at")[:RUNS_STOPPED])
        vendors = {_vendor_that_stopped(run) for run in last if now - run.started_at <= RUNS_WITHIN}
        if len(last) == RUNS_STOPPED and len(vendors) == 1 and (vendor := vendors.pop()):
            found.setdefault(vendor, (definition.name, last[0].error_code))
    return found


def _vendor_that_stopped(run: FlowRun) -> str:
    """Return the vendor whose error ended the run early, or nothing. The record begins with its name."""
    name = run.error.partition(" ")[0] if run.status == RunStatus.STOPPED else ""
    return name if name in Vendor.values else ""


def _all_calls_failed(vendor: str, now: datetime) -> bool:
    """Return whether of the last minutes' calls none succeeded and several failed for the vendor's sake."""
    newest = ApiCall.objects.aggregate(newest=Max("pk"))["newest"] or 0
    calls = ApiCall.objects.filter(vendor=vendor, pk__gt=newest - NEWEST_CALLS, started_at__gte=now - CALLS_WITHIN)
    answered = calls.filter(status__lt=500).exclude(status__in=(401, 403, 429))
    if answered.order_by("-pk").exists():
        return False
    failed = calls.order_by("-pk").values_list("pk", flat=True)[:CALLS_FAILED]
    return len(failed) == CALLS_FAILED


def _describe_vendor(facts: dict[str, Any]) -> str:
    names = {"vendor": Vendor(facts["vendor"]).label}
    if "flow" not in facts:
        return _("%(vendor)s: no call got through for 10 minutes") % names
    names |= {"flow": flow_label(facts["flow"]), "reason": words.reason(facts["code"])}
    return _("%(vendor)s stopped the last runs of %(flow)s: %(reason)s") % names


# --- Emergency stops ------------------------------------------------------------------------------


def emergency_stops(_now: datetime) -> Iterator[Finding]:
    """Find the emergency stops that are open; the alert is over when the stop is ended."""
    for stop in VendorStop.objects.filter(ended_at__isnull=True):
        facts = {"vendor": stop.vendor, "who": stop.started_by, "reason": stop.reason[:LONGEST_MESSAGE]}
        yield Finding(str(stop.pk), facts, address_of(stop))


def _describe_stop(facts: dict[str, Any]) -> str:
    names = {**facts, "vendor": Vendor(facts["vendor"]).label}
    return _("%(who)s stopped all writes to %(vendor)s: %(reason)s") % names


# --- Given up -------------------------------------------------------------------------------------


def given_up(_now: datetime) -> Iterator[Finding]:
    """Find the deliveries that failed for so long that the machine has stopped trying."""
    for kind, model in delivery_models().items():
        rows = model._default_manager.filter(status=State.FAILED, reason_code=GAVE_UP)
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[0])
        for pk, key, error in rows.order_by("pk").values_list("pk", "key", "last_error"):
            facts = {"step": kind, "key": key, "message": error[:LONGEST_MESSAGE]}
            yield Finding(f"{kind}:{pk}", facts, address.replace("/0/", f"/{pk}/"))


def _describe_given_up(facts: dict[str, Any]) -> str:
    text = f"{kind_label(facts['step'])} {facts['key'].partition(':')[2] or facts['key']}"
    return f"{text} – {facts['message']}" if facts.get("message") else text


def _announce() -> None:
    sources: Iterable[tuple[AlertKind, AlertSource]] = (
        (AlertKind.VENDOR_STOP, AlertSource(emergency_stops, _describe_stop)),
        (AlertKind.VENDOR_DOWN, AlertSource(down_vendors, _describe_vendor)),
        (AlertKind.FLOW_OVERDUE, AlertSource(late_flows, _describe_flow)),
        (AlertKind.GAVE_UP, AlertSource(given_up, _describe_given_up)),
        (AlertKind.NEW_CAUSE, AlertSource(new_causes, _describe_cause)),
    )
    for kind, source in sources:
        register_alerts(kind, source)


_announce()
