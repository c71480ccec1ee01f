"""``manage.py qcluster``: django-q2's workers, with all schedules and a clock that ticks every second."""

from __future__ import annotations

import time
from typing import Any

import structlog
from django.db import DatabaseError, connection
from django_q.brokers import get_broker
from django_q.cluster import Cluster
from django_q.management.commands.qcluster import Command as ClusterCommand
from django_q.scheduler import scheduler

from integrations import shutdown
from integrations.flows.schedules import ensure_schedules

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
        """Make the missing schedules, start the cluster, tick until it ends."""
        ensure_schedules()
        connection.close()  # the workers are forked: no socket may be shared
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
