"""A flow never runs twice at once: the lease on its row, and the thread that keeps it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from .. import clock
from ..models import Flow, FlowRun, RunStatus
from ..processes import current_holder, is_dead

LEASE = timedelta(seconds=60)
HEARTBEAT_SECONDS = 15.0
log = structlog.get_logger(__name__)


def take_lease(name: str) -> Flow | None:
    """Take the lease of a flow; return its row with the token, or None while another process runs the flow.

    The lease of a process that died on this machine is taken over at once, any other forgotten one
    when it ends. The run that was under way is recorded as interrupted.
    """
    return lease(Flow.objects.get(name=name))


def lease(row: Flow) -> Flow | None:
    """Take the lease of a flow as it was read just now; see ``take_lease``."""
    now = timezone.now()
    if row.lease_token and row.lease_until and row.lease_until > now and not is_dead(row.lease_holder):
        return None
    before = {"lease_token": row.lease_token, "lease_until": row.lease_until, "last_started_at": row.last_started_at}
    changes = {
        "lease_token": uuid.uuid4().hex, "lease_holder": current_holder(), "lease_until": now + LEASE,
        "last_started_at": now,
    }  # fmt: skip
    with transaction.atomic():
        # Nobody has taken it since it was read, has had it in between (the bookmark is as it was read, too), or has
        # come back to life and extended what had run out.
        if not Flow.objects.filter(pk=row.pk, **before).update(**changes):
            return None
        if row.lease_token:
            FlowRun.objects.filter(flow=row.name, status=RunStatus.RUNNING).update(
                status=RunStatus.INTERRUPTED, finished_at=now
            )
    for column, value in changes.items():
        setattr(row, column, value)
    return row


def give_lease_back(name: str, token: str, *, succeeded_at: datetime | None = None) -> None:
    """End the lease, if it is still ours. succeeded_at: when the run ended well, if it did."""
    done = {"last_success_at": succeeded_at} if succeeded_at else {}
    Flow.objects.filter(name=name, lease_token=token).update(lease_token="", lease_holder="", lease_until=None, **done)


def heartbeat(name: str, token: str, beat: Callable[[], None]) -> AbstractContextManager[None]:
    """Extend a flow's lease, and whatever else ``beat`` extends, during the block and beside it."""

    def extend() -> None:
        try:
            Flow.objects.filter(name=name, lease_token=token).update(lease_until=timezone.now() + LEASE)
            beat()
        except DatabaseError:
            # The next beat tries again; if none succeeds, the leases end and others verify our work.
            log.exception("heartbeat_failed", flow=name)
            connection.close()

    return clock.repeating(HEARTBEAT_SECONDS, extend, f"heartbeat-{name}")
