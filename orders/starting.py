"""Letting a flow go on at once for one order, because a person (or a program in his name) has just acted on it."""

from __future__ import annotations

from functools import partial

from django.conf import settings
from django.db import transaction
from django_q.tasks import async_task

from integrations.flows import flow_definitions
from integrations.models import Flow

RUN_FLOW_TASK = "integrations.flows.runner.run_flow"


def flow_of(kind: str) -> str:
    """Return the flow that carries out a kind of delivery, "" where none does."""
    return next((flow.name for flow in flow_definitions() if flow.delivers == kind), "")


def start_for_order(flow: str, dsco_order_id: str, trigger: str) -> bool:
    """Hand a flow to the workers for this order alone; they see it when the transaction is committed.

    trigger: the user name, or ``released``. Returns False, with nothing started, while people have the flow paused.
    A task that is lost loses nothing: what is due goes with the flow's next run.
    """
    if Flow.objects.filter(name=flow, paused=True).exists():
        return False
    name = f"{trigger}: {flow}"[:100]
    start = partial(async_task, RUN_FLOW_TASK, flow, trigger=trigger, order_ids=[dsco_order_id], task_name=name)
    if settings.REDIS_URL:
        transaction.on_commit(start)
    else:
        start()  # the queue is a table: the task is part of the transaction
    return True
