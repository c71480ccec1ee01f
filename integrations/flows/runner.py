"""Running one flow: lease, record, heartbeat, and what a failure means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from .. import clock
from ..calls import collect_calls
from ..causes import refresh_causes
from ..deliveries.kinds import delivery_kinds
from ..deliveries.pool import CallPool
from ..errors import ErrorKind, Stopping, VendorError
from ..models import Flow, FlowRun, RunStatus
from ..outages import watching
from ..processes import current_holder
from ..sentences import gettext as _
from ..sentences import joined
from ..stops import open_stops, stop_text
from .context import FlowContext
from .lease import give_lease_back, heartbeat, lease
from .probing import ask_vendors, flows_of
from .registry import FlowDefinition, get_flow

# Who starts a flow when no person does.
BY_THEMSELVES = ("schedule", "released")
_GOES_ON = _("Nothing is to do: the next run goes on from here.")
_LOOKED_UP = _("What may have happened is looked up before anything is sent again; nothing is to do.")
_SETTLE_FIRST = _("Settle this first: until then every run ends here. What is due waits and is not lost.")
_SEE_THE_REFUSAL = _("The next run tries again; if it is refused again, tell the administrator.")
WHAT_NEXT = {
    ErrorKind.TRANSIENT: _GOES_ON,
    ErrorKind.RATE_LIMITED: _GOES_ON,
    ErrorKind.AUTHENTICATION: _SETTLE_FIRST,
    ErrorKind.CONFIGURATION: _SETTLE_FIRST,
    ErrorKind.REJECTED: _SEE_THE_REFUSAL,
    ErrorKind.UNCERTAIN: _LOOKED_UP,
}
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class FlowResult:
    """What one execution did; ``status`` as in RunStatus, ``seconds`` of wall time."""

    flow: str
    status: str
    seconds: float
    counts: dict[str, int] = field(default_factory=dict)
    error_code: str = ""
    error: str = ""
    notes: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    stopped_vendors: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the line that ``runflow`` prints."""
        line: dict[str, Any] = {"flow": self.flow, "status": self.status, "seconds": self.seconds, **self.counts}
        if self.error:
            line |= {"error_code": self.error_code, "error": self.error}
        if self.stopped_vendors:
            line["stopped_vendors"] = self.stopped_vendors
        if self.notes:
            line["notes"] = self.notes
        return line


class FlowStopped(Exception):
    """A flow ends its run early for a reason that staff must know; nothing failed for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def ensure_flow_row(definition: FlowDefinition) -> Flow:
    """Return the flow's row, made with its usual interval on first use."""
    interval = settings.FLOW_INTERVAL_SECONDS or definition.interval_seconds
    row, _made = Flow.objects.get_or_create(name=definition.name, defaults={"interval_seconds": int(interval)})
    return row


def run_flow(
    name: str, *, trigger: str = "command", budget_seconds: float | None = None, order_ids: Iterable[str] = ()
) -> FlowResult:
    """Run one pass of a flow in this process and record it.

    trigger: who started it (``schedule``, ``released``, ``command`` or a user name). Vendor errors,
    and errors of our own, end the run and stand in its record; they are not raised.
    Raises UnknownFlow.
    """
    definition = get_flow(name)
    started = clock.monotonic()
    row = ensure_flow_row(definition)
    if row.paused and trigger in BY_THEMSELVES:
        return FlowResult(name, RunStatus.PAUSED, 0.0)
    leased = lease(row)
    if leased is None:
        return FlowResult(name, RunStatus.ALREADY_RUNNING, 0.0)
    row, token, succeeded_at = leased, leased.lease_token, None
    try:
        asked = list(order_ids)
        run = FlowRun.objects.create(
            flow=name, trigger=trigger, holder=current_holder(), started_at=timezone.now(),
            orders_asked=len(asked) or None,
        )  # fmt: skip
        with CallPool(settings.HTTP_THREADS) as pool, structlog.contextvars.bound_contextvars(flow=name, run=run.pk):
            context = FlowContext(row, run, pool, budget_seconds=budget_seconds, order_ids=asked)
            with heartbeat(name, token, context.heartbeat):
                result = _execute(definition, context)
        result.seconds = round(clock.monotonic() - started, 3)
        now = timezone.now()
        _finish(run, result, now)
        succeeded_at = now if result.status == RunStatus.SUCCEEDED else None
        log.info("flow_ended", flow=name, run=run.pk, status=result.status, seconds=result.seconds, **_counted(result))
        _count_what_is_parked()
    finally:
        give_lease_back(name, token, succeeded_at=succeeded_at)
    return result


def _counted(result: FlowResult) -> dict[str, int]:
    """Return the counts under names that no other word of a log line has."""
    return {f"count_{name}": number for name, number in result.counts.items() if number}


def _count_what_is_parked() -> None:
    """Bring the inbox in step; the run itself is recorded already and does not fail for it."""
    try:
        refresh_causes(timezone.now())
    except DatabaseError:
        log.exception("causes_not_refreshed")


def _execute(definition: FlowDefinition, context: FlowContext) -> FlowResult:
    result = FlowResult(definition.name, RunStatus.SUCCEEDED, 0.0)
    with collect_calls() as calls, watching() as watch:
        try:
            back = ask_vendors(watch, at_once=context.run.trigger not in BY_THEMSELVES)
            context.released |= set(flows_of(back)) - {definition.name}
            definition.run(context)
        except FlowStopped as reason:
            result.status, result.error_code, result.error = RunStatus.STOPPED, reason.code, str(reason)
        except Stopping as error:
            result.status, result.error_code, result.error = RunStatus.STOPPED, error.code, error.message
        except VendorError as error:
            result.status, result.error_code = RunStatus.STOPPED, error.code
            result.error = joined([str(error), WHAT_NEXT[error.kind]])
        except Exception as error:
            log.exception("flow_broke")
            result.status, result.error_code = RunStatus.FAILED, "internal_error"
            text = _("Something broke in OrderBridge: %(error)s. Tell the administrator; the log has the details.")
            result.error = text % {"error": f"{type(error).__name__}: {error}"}
    context.keep_calls(calls)
    _tell_of_stops(definition, context, result)
    result.counts, result.notes = dict(context.counts), context.notes
    result.released = sorted(context.released)
    if result.error:
        log.warning("flow_stopped", status=result.status, code=result.error_code, reason=result.error)
    return result


def _tell_of_stops(definition: FlowDefinition, context: FlowContext, result: FlowResult) -> None:
    """Say that a vendor is under an emergency stop, where this flow would write to it."""
    kind = delivery_kinds().get(definition.delivers)
    stops = open_stops() if kind else {}
    for vendor, stop in stops.items():
        if kind and kind.writes_to(vendor):
            context.note(stop_text(stop))
            result.stopped_vendors.append(vendor)


def _finish(run: FlowRun, result: FlowResult, now: datetime) -> None:
    FlowRun.objects.filter(pk=run.pk).update(
        status=result.status,
        finished_at=now,
        counts=result.counts,
        error_code=result.error_code[:120],
        error=result.error,
        notes=result.notes,
    )
