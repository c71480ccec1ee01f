"""``manage.py qcluster``: django-q2's workers, with all schedules and a clock that ticks every second."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import CommandError
from django.db import DatabaseError, connection
from django_q.brokers import get_broker
from django_q.cluster import Cluster
from django_q.management.commands.qcluster import Command as ClusterCommand
from django_q.scheduler import scheduler

from integrations import shutdown
from integrations.flows.schedules import ensure_schedules
from integrations.memory import give_large_blocks_back
from integrations.redaction import redact_text
from integrations.worker_queues import use_kill_safe_queues

TICK_SECONDS = 1.0
log = structlog.get_logger(__name__)


class StoppableCluster(Cluster):  # type: ignore[misc]
    """A cluster whose workers hear at once that it stops: they end their calls and hand back what they claimed."""

    def stop(self) -> bool:
        """Tell the workers, then wait for them."""
        shutdown.ask()
        return bool(super().stop())


class Command(ClusterCommand):  # type: ignore[misc]
    """Start the workers. django-q2 alone looks at its schedules only every 30 seconds."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the missing schedules, start the cluster, tick until it ends; exit 1 when nobody asked it to."""
        give_large_blocks_back()
        ensure_schedules()
        connection.close()  # the workers are forked: no socket may be shared
        require_broker()
        use_kill_safe_queues()
        cluster = StoppableCluster()
        cluster.start()
        if options.get("run_once"):
            cluster.stop()
            return
        broker = get_broker()
        while cluster.sentinel.is_alive():
            try:
                scheduler(broker=broker)
            except DatabaseError:
                log.exception("clock_missed_a_tick")
                connection.close()
            time.sleep(TICK_SECONDS)
        if not shutdown.asked():
            end_orphans()
            text = "The process that guards the workers has ended: start the workers again. Nothing is lost."
            raise CommandError(text, returncode=1)


def require_broker() -> None:
    """Raise CommandError when the queue of the jobs cannot be reached."""
    if not settings.REDIS_URL:
        return
    from redis.exceptions import RedisError  # noqa: PLC0415 - only where it is the broker

    try:
        get_broker().ping()
    except RedisError as error:
        text = f"Redis (REDIS_URL) cannot be used: {redact_text(str(error))} Start it, or leave REDIS_URL out."
        raise CommandError(text, returncode=1) from None


def end_orphans() -> None:
    """End the workers that their guard has left behind; nobody would restart or stop them."""
    if os.getpgrp() == os.getpid():  # the group is ours alone
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(os.getpgrp(), signal.SIGTERM)
