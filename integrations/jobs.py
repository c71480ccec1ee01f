"""Handing jobs to the workers. A job that is lost loses nothing: what is due goes with its flow's next run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import transaction
from django_q.tasks import async_task

RUN_FLOW: Final = "integrations.flows.runner.run_flow"
RUN_SCHEDULED_FLOW: Final = "integrations.tasks.run_scheduled_flow"
log = structlog.get_logger(__name__)


def start(task: str, *arguments: Any, name: str, **options: Any) -> None:
    """Hand a job (a function's dotted name) to the workers; they see it when the transaction is committed.

    A Redis broker that is away is logged and never raised: what the caller has stored stands.
    """
    name = name[:100]
    if settings.REDIS_URL:
        transaction.on_commit(partial(_hand_over, task, arguments, name, options))
    else:  # the queue is a table: the job is part of the transaction
        async_task(task, *arguments, task_name=name, **options)


def start_released(flow: str) -> None:
    """Let a flow run at once, because there is work for it."""
    start(RUN_SCHEDULED_FLOW, flow, "released", name=f"released: {flow}")


def start_for_orders(flow: str, actor: str, order_ids: Sequence[str]) -> None:
    """Let a flow run at once for these orders (or items) alone, in the name of ``actor``; also while it is paused."""
    start(RUN_FLOW, flow, trigger=actor, order_ids=list(order_ids), name=f"{actor}: {flow}")


def _hand_over(task: str, arguments: Sequence[Any], name: str, options: dict[str, Any]) -> None:
    from redis.exceptions import RedisError  # noqa: PLC0415 - only where it is the broker

    try:
        async_task(task, *arguments, task_name=name, **options)
    except RedisError as error:
        log.warning("job_not_queued", job=name, error=type(error).__name__)
