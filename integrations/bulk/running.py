"""Carrying out a bulk run: chunk by chunk under a lease, so that a run whose worker died goes on where it stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta

import structlog
from django.db import OperationalError, transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce
from django.utils import timezone, translation

from .. import clock, jobs
from ..errors import VendorError
from ..models import BulkResult, BulkRow, BulkRun, BulkStatus
from ..sentences import gettext as _
from ..shutdown import asked as asked_to_stop
from .actions import BulkAction, RowResult, bulk_action, may_run
from .delivery_actions import gone

log = structlog.get_logger(__name__)

# Long enough for a chunk that reads two hundred orders at a vendor's pace.
LEASE = timedelta(seconds=180)
# A worker works so long on one run, then hands it back to the queue: others want to go on, too.
BUDGET_SECONDS = 240.0
TASK = "integrations.tasks.carry_out_bulk_run"
UNFINISHED = (BulkStatus.RUNNING, BulkStatus.STOPPING)


def start(run: BulkRun) -> None:
    """Hand a prepared run to the workers."""
    if BulkRun.objects.filter(pk=run.pk, status=BulkStatus.PREPARED).update(
        status=BulkStatus.RUNNING, started_at=timezone.now()
    ):
        transaction.on_commit(lambda: _enqueue(run.pk, run.action))


def _enqueue(run_id: int, action: str) -> None:
    jobs.start(TASK, run_id, name=f"bulk {run_id}: {action}")


def ask_to_stop(run_id: int) -> bool:
    """Ask a run to end after the chunk in work; one that nobody works on ends at once. Returns whether it was open."""
    now = timezone.now()
    runs = BulkRun.objects.filter(pk=run_id)
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    if runs.filter(free, status__in=[BulkStatus.PREPARED, *UNFINISHED]).update(
        status=BulkStatus.STOPPED, finished_at=now, lease_until=None
    ):
        return True
    return bool(runs.filter(status__in=UNFINISHED).update(status=BulkStatus.STOPPING))


def resume_abandoned() -> int:
    """Hand runs back to the workers whose worker died (the lease has ended). Returns how many."""
    overdue = timezone.now() - LEASE
    waiting = Q(lease_until__lt=timezone.now()) | Q(lease_until__isnull=True, started_at__lt=overdue)
    found = list(BulkRun.objects.filter(waiting, status__in=UNFINISHED).values_list("pk", "action"))
    for pk, action in found:
        _enqueue(pk, action)
    return len(found)


def carry_out(run_id: int, budget_seconds: float | None = None) -> str:
    """Act on the rows of a run that are still open. Returns the status that it has then.

    budget_seconds: end after that long with the run still RUNNING, for another call to go on. A run that another
    worker holds, or that is not to be run, is left alone.
    """
    lease = _take(run_id)
    if lease is None:
        return str(BulkRun.objects.values_list("status", flat=True).get(pk=run_id))
    run = BulkRun.objects.select_related("created_by").get(pk=run_id)
    with translation.override(run.parameters.get("language") or "en"):
        return _work(run, lease, None if budget_seconds is None else clock.monotonic() + budget_seconds)


def _work(run: BulkRun, lease: datetime, give_up_at: float | None) -> str:
    action = bulk_action(run.action)
    if run.created_by is None or not run.created_by.is_active or not may_run(run.created_by, action):
        return _refuse(run, lease)
    while True:
        rows = list(BulkRow.objects.filter(run=run, result=BulkResult.OPEN).order_by("pk")[: action.chunk])
        if not rows:
            action.finished(run.subject)
            return _finish(run, lease, BulkStatus.FINISHED)
        next_lease = _act(run, action, rows, lease)
        if next_lease is None:
            return str(BulkRun.objects.values_list("status", flat=True).get(pk=run.pk))
        lease = next_lease
        if BulkRun.objects.filter(pk=run.pk, status=BulkStatus.STOPPING).exists():
            return _finish(run, lease, BulkStatus.STOPPED)
        if asked_to_stop() or (give_up_at is not None and clock.monotonic() > give_up_at):
            BulkRun.objects.filter(pk=run.pk, lease_until=lease).update(lease_until=None)
            _enqueue(run.pk, run.action)
            return BulkStatus.RUNNING


def _act(run: BulkRun, action: BulkAction, rows: Sequence[BulkRow], lease: datetime) -> datetime | None:
    """Act on a chunk and keep its results; None when the lease was lost to another worker (nothing is kept then)."""
    actor = run.created_by.get_username() if run.created_by else ""
    if not action.atomic:  # it talks to a vendor: no transaction is open meanwhile
        return _keep(run, rows, _perform(run, action, rows, actor), lease)
    with transaction.atomic():
        held = _renew(run, lease, Counter())  # locks the run's row: nobody takes it over before this is kept
        return None if held is None else _keep(run, rows, _perform(run, action, rows, actor), held)


def _keep(run: BulkRun, rows: Sequence[BulkRow], results: dict[int, RowResult], lease: datetime) -> datetime | None:
    counts = Counter({"done": len(rows)})
    for row in rows:
        result = results.get(row.object_id, RowResult(BulkResult.LEFT_OUT, gone()))
        row.result, row.message = result.result, result.message
        counts[str(result.result)] += 1
    with transaction.atomic():
        renewed = _renew(run, lease, counts)
        if renewed is not None:
            BulkRow.objects.bulk_create(
                rows, update_conflicts=True, unique_fields=["run", "object_id"], update_fields=["result", "message"]
            )
    return renewed


def _perform(run: BulkRun, action: BulkAction, rows: Sequence[BulkRow], actor: str) -> dict[int, RowResult]:
    """Act on a chunk; when that breaks, on each row by itself, so that one row never stops its neighbours."""
    ids = [row.object_id for row in rows]
    try:
        with transaction.atomic() if action.atomic else nullcontext():
            return action.perform(run.subject, ids, run.parameters, actor)
    except OperationalError:
        raise  # the database itself: the run goes on when it is back
    except VendorError as error:
        return {pk: RowResult(BulkResult.FAILED, str(error)) for pk in ids}
    except Exception as error:
        log.exception("bulk_chunk_broke", run=run.pk, action=action.name, rows=len(rows))
        if len(rows) == 1:
            text = _("Something broke in OrderBridge: %(error)s. Tell the administrator; the log has the details.")
            return {ids[0]: RowResult(BulkResult.FAILED, text % {"error": type(error).__name__})}
    found: dict[int, RowResult] = {}
    for row in rows:
        found |= _perform(run, action, [row], actor)
    return found


def _take(run_id: int) -> datetime | None:
    """Take the run for this worker; the end of the lease is also the token of who holds it."""
    now = timezone.now()
    until = now + LEASE
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    runs = BulkRun.objects.filter(free, pk=run_id)
    if runs.filter(status=BulkStatus.STOPPING).update(status=BulkStatus.STOPPED, finished_at=now, lease_until=None):
        return None
    open_runs = runs.filter(status__in=[BulkStatus.PREPARED, BulkStatus.RUNNING])
    taken = open_runs.update(
        lease_until=until, status=BulkStatus.RUNNING, started_at=Coalesce("started_at", Value(now))
    )
    return until if taken else None


def _renew(run: BulkRun, lease: datetime, counts: Counter[str]) -> datetime | None:
    """Extend the lease and add to the counts; None when it is not ours any more."""
    until = max(timezone.now() + LEASE, lease + timedelta(microseconds=1))
    kept = BulkRun.objects.filter(pk=run.pk, lease_until=lease).update(
        lease_until=until,
        done=F("done") + counts["done"],
        changed=F("changed") + counts[BulkResult.CHANGED.value],
        left_out=F("left_out") + counts[BulkResult.LEFT_OUT.value],
        failed=F("failed") + counts[BulkResult.FAILED.value],
    )
    return until if kept else None


def _finish(run: BulkRun, lease: datetime, status: BulkStatus) -> str:
    BulkRun.objects.filter(pk=run.pk, lease_until=lease).update(
        status=status, finished_at=timezone.now(), lease_until=None
    )
    return str(status)


def _refuse(run: BulkRun, lease: datetime) -> str:
    """Whoever made the run has lost the right to it since: nothing more is done."""
    text = _("not done: whoever started this may not do it any more")
    with transaction.atomic():
        number = BulkRow.objects.filter(run=run, result=BulkResult.OPEN).update(
            result=BulkResult.LEFT_OUT, message=text
        )
        renewed = _renew(run, lease, Counter({"done": number, BulkResult.LEFT_OUT.value: number}))
        return _finish(run, renewed or lease, BulkStatus.STOPPED)
