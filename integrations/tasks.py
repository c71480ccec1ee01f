"""What django-q2 calls. These never raise: a task that fails would tell staff nothing."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from . import exports
from .bulk import BUDGET_SECONDS as BULK_BUDGET_SECONDS
from .bulk import carry_out, resume_abandoned
from .flows import run_flow
from .jobs import start_released
from .lingxing import lists
from .models import Flow, Heartbeat
from .processes import current_holder
from .retention import tidy
from .shutdown import asked as asked_to_stop

# A scheduled run stops claiming after this long and leaves the rest to the next one.
BUDGET_SECONDS = 300.0
TIDY_SECONDS = 120.0
# Ticks can queue up for about so long; a run that a person started in the evening does not replace the nightly one.
QUEUED_UP_SECONDS = 600.0


def run_scheduled_flow(name: str, trigger: str = "schedule") -> str:
    """Run a flow and start at once whatever flows it made work for. Returns its status."""
    if asked_to_stop():
        return "stopping"  # the next timer, or the next start, runs it
    if trigger == "schedule" and _ran_just_now(name):
        return "fresh"
    result = run_flow(name, trigger=trigger, budget_seconds=BUDGET_SECONDS)
    for released in result.released:
        start_released(released)
    heartbeat()
    return str(result.status)


def _ran_just_now(name: str) -> bool:
    """Ticks that queued up behind a long run are worth one run, not many."""
    row = Flow.objects.filter(name=name).first()
    if row is None or row.last_started_at is None:
        return False
    interval = float(settings.FLOW_INTERVAL_SECONDS or row.interval_seconds)
    return timezone.now() - row.last_started_at < timedelta(seconds=min(interval / 2, QUEUED_UP_SECONDS))


def heartbeat() -> None:
    """Say that this machine's workers are alive."""
    worker = current_holder().partition(":")[0]
    Heartbeat.objects.update_or_create(worker=worker, defaults={"seen_at": timezone.now()})


def carry_out_bulk_run(run_id: int) -> str:
    """Work on a bulk run; a long one is handed back to the queue in between."""
    return carry_out(run_id, budget_seconds=BULK_BUDGET_SECONDS)


def make_export(export_id: int) -> str:
    """Write an export's file."""
    return exports.make(export_id)


def tidy_up() -> str:
    """Once an hour: remove what was kept long enough, for a few minutes at most."""
    return str(tidy(timezone.now(), budget_seconds=TIDY_SECONDS))


def read_lists() -> str:
    """Once a day, and when a person asks: read LingXing's stores, warehouses, shipping methods and pairs."""
    return ", ".join(f"{name}: {result}" for name, result in lists.read_lists().items())


def sweep() -> str:
    """Once a minute: take up what a dead worker left behind, and remove files that were kept long enough."""
    resumed = resume_abandoned()
    return f"resumed {resumed}, removed {exports.sweep()}"
