"""How the machine stands: flows, vendors, workers, emergency stops. Read by every page, so it costs two queries,
and one more for each emergency stop that is open.

"Reachable" is told by the call log: a vendor that answers, even by refusing an order, is up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .flows import flow_definitions
from .flows.overdue import OVERDUE_INTERVALS, interval_of, is_overdue
from .models import ApiCall, Flow, FlowRun, Heartbeat, RunStatus, Vendor, VendorOutage, VendorStop
from .stopping import held_back

WORKER_SILENCE = timedelta(minutes=5)
# A vendor that is silent for so long does not come back in the next minute: somebody should look.
LONG_OUTAGE = timedelta(minutes=10)


class Reach(models.TextChoices):
    """Whether a vendor can be reached, as far as the last calls tell."""

    UP = "up", _("Reachable")
    DOWN = "down", _("Not reachable")
    REFUSED = "refused", _("Access refused")
    UNKNOWN = "unknown", _("Not called yet")


@dataclass(slots=True)
class FlowHealth:
    """One flow: what its row and its last finished run say."""

    name: str
    pk: int
    interval: timedelta
    paused: bool
    pause_reason: str
    running: bool
    overdue: bool
    last_started_at: datetime | None
    last_success_at: datetime | None
    last_status: str
    last_error: str
    last_error_code: str
    last_finished_at: datetime | None

    @property
    def broken(self) -> bool:
        """Return whether the last run broke on an error of our own."""
        return self.last_status == RunStatus.FAILED

    @property
    def stopped(self) -> bool:
        """Return whether the last run ended early; the next one tries again."""
        return self.last_status in (RunStatus.STOPPED, RunStatus.INTERRUPTED)

    @property
    def stopped_by(self) -> str:
        """Return the vendor whose error ended the last run early, or nothing. The record begins with its name."""
        name = self.last_error.partition(" ")[0] if self.last_status == RunStatus.STOPPED else ""
        return name if name in Vendor.values else ""

    def stuck(self, now: datetime) -> bool:
        """Return whether it has ended early for so long that the next run will hardly heal it."""
        patience = max(OVERDUE_INTERVALS * self.interval, LONG_OUTAGE)
        return self.stopped and (self.last_success_at is None or now - self.last_success_at > patience)


@dataclass(slots=True)
class VendorHealth:
    """One vendor: its last calls, a flow that it keeps from working, its outage and emergency stop if there is one.

    ``out_since``: it does not answer, and is asked again at ``asked_again_at``.
    ``held_back``: how many deliveries wait for the end of the stop.
    """

    vendor: str
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    last_failure_code: str = ""
    last_failure_status: int | None = None
    stuck_flow: str = ""
    stuck_code: str = ""
    out_since: datetime | None = None
    asked_again_at: datetime | None = None
    stop_id: int | None = None
    stop_reason: str = ""
    stopped_by: str = ""
    stopped_at: datetime | None = None
    held_back: int = 0

    @property
    def reach(self) -> Reach:
        """Return whether it can be reached."""
        if self.out_since:
            return Reach.DOWN
        if self.last_failure_at is None or (self.last_success_at and self.last_success_at >= self.last_failure_at):
            return Reach.UP if self.last_success_at else Reach.UNKNOWN
        if self.last_failure_status in (401, 403):
            return Reach.REFUSED
        answered = self.last_failure_status is not None and self.last_failure_status < 500
        return Reach.UP if answered else Reach.DOWN

    def needs_action(self, now: datetime) -> bool:
        """Return whether a person should do something: access refused, silence for long, or a flow stuck on it.

        The one rule of strip, start page and alerts.
        """
        since = self.last_success_at
        silent = self.reach == Reach.DOWN and (since is None or now - since > LONG_OUTAGE)
        return silent or self.reach == Reach.REFUSED or bool(self.stuck_flow)


@dataclass(slots=True)
class Machine:
    """Everything at one time."""

    looked_at: datetime
    flows: list[FlowHealth] = field(default_factory=list)
    vendors: list[VendorHealth] = field(default_factory=list)
    workers_seen_at: datetime | None = None

    @property
    def workers_alive(self) -> bool:
        """Return whether a worker was seen lately."""
        return self.workers_seen_at is not None and self.looked_at - self.workers_seen_at < WORKER_SILENCE

    @property
    def last_success(self) -> FlowHealth | None:
        """Return the flow that ended well last."""
        ended = [flow for flow in self.flows if flow.last_success_at]
        return max(ended, key=lambda flow: flow.last_success_at or self.looked_at, default=None)


def look(now: datetime | None = None) -> Machine:
    """Return how everything stands: one query over the flows, one over the emergency stops."""
    now = now or timezone.now()
    machine = Machine(now, vendors=[VendorHealth(vendor) for vendor in Vendor.values])
    rows = {row.name: row for row in _flows_with_facts()}
    for definition in flow_definitions():
        if definition.name in rows:
            machine.flows.append(_flow_health(rows[definition.name], now))
    if rows:
        _read_calls(machine, next(iter(rows.values())))
    _note_stuck_flows(machine)
    for stop in VendorStop.objects.filter(ended_at=None):
        for vendor in machine.vendors:
            if vendor.vendor == stop.vendor:
                vendor.stop_reason, vendor.stopped_by = stop.reason, stop.started_by
                vendor.stopped_at, vendor.stop_id = stop.started_at, stop.pk
                vendor.held_back = sum(row.held + row.due for row in held_back(vendor.vendor))
    return machine


def _flows_with_facts() -> QuerySet[Any]:
    """Return the flows, each with its last finished run, and with the newest calls (the same on every row)."""
    runs = FlowRun.objects.filter(flow=OuterRef("name")).exclude(status=RunStatus.RUNNING).order_by("-id")
    facts: dict[str, Any] = {
        "run_status": Subquery(runs.values("status")[:1]),
        "run_error_code": Subquery(runs.values("error_code")[:1]),
        "run_error": Subquery(runs.values("error")[:1]),
        "run_finished_at": Subquery(runs.values("finished_at")[:1]),
        "workers_seen_at": Subquery(Heartbeat.objects.order_by("-seen_at").values("seen_at")[:1]),
    }
    for vendor in Vendor.values:
        calls = ApiCall.objects.filter(vendor=vendor).order_by("-id")
        facts[f"{vendor}_success_at"] = Subquery(calls.filter(error="").values("started_at")[:1])
        failed = calls.filter(error__gt="")
        for name in ("started_at", "error", "status"):
            facts[f"{vendor}_failed_{name}"] = Subquery(failed.values(name)[:1])
        outages = VendorOutage.objects.filter(vendor=vendor, ended_at=None, opened_at__isnull=False)
        for name in ("began_at", "next_probe_at"):
            facts[f"{vendor}_outage_{name}"] = Subquery(outages.values(name)[:1])
    return Flow.objects.annotate(**facts)


def _flow_health(row: Any, now: datetime) -> FlowHealth:
    return FlowHealth(
        name=row.name, pk=row.pk, interval=interval_of(row), paused=row.paused, pause_reason=row.pause_reason,
        running=bool(row.lease_token and row.lease_until and row.lease_until > now),
        overdue=not row.paused and is_overdue(row, now),
        last_started_at=row.last_started_at, last_success_at=row.last_success_at,
        last_status=row.run_status or "", last_error=row.run_error or "",
        last_error_code=row.run_error_code or "", last_finished_at=row.run_finished_at,
    )  # fmt: skip


def _read_calls(machine: Machine, row: Any) -> None:
    machine.workers_seen_at = row.workers_seen_at
    for vendor in machine.vendors:
        vendor.last_success_at = getattr(row, f"{vendor.vendor}_success_at")
        vendor.last_failure_at = getattr(row, f"{vendor.vendor}_failed_started_at")
        vendor.last_failure_code = getattr(row, f"{vendor.vendor}_failed_error") or ""
        vendor.last_failure_status = getattr(row, f"{vendor.vendor}_failed_status")
        vendor.out_since = getattr(row, f"{vendor.vendor}_outage_began_at")
        vendor.asked_again_at = getattr(row, f"{vendor.vendor}_outage_next_probe_at")


def _note_stuck_flows(machine: Machine) -> None:
    """Note at each vendor the first flow that it has stopped for too long."""
    for flow in reversed(machine.flows):
        if not flow.paused and flow.stuck(machine.looked_at):
            for vendor in machine.vendors:
                if vendor.vendor == flow.stopped_by:
                    vendor.stuck_flow, vendor.stuck_code = flow.name, flow.last_error_code
