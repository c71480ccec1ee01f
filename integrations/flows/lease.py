"""A flow never runs twice at once: the lease on its row, and the thread that keeps it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

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
    now = timezone.now()
    token = uuid.uuid4().hex
    with transaction.atomic():
        row = Flow.objects.select_for_update().get(name=name)
        held = row.lease_token and row.lease_until and row.lease_until > now and not is_dead(row.lease_holder)
        if held:
            return None
        if row.lease_token:
            FlowRun.objects.filter(flow=name, status=RunStatus.RUNNING).update(
                status=RunStatus.INTERRUPTED, finished_at=now
            )
        row.lease_token, row.lease_holder, row.lease_until = token, current_holder(), now + LEASE
        row.last_started_at = now
        row.save(update_fields=["lease_token", "lease_holder", "lease_until", "last_started_at"])
    return row


def give_lease_back(name: str, token: str) -> None:
    """End the lease, if it is still ours."""
    Flow.objects.filter(name=name, lease_token=token).update(lease_token="", lease_holder="", lease_until=None)


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
