"""Letting a flow go on at once for one order, because a person (or a program in his name) has just acted on it."""

from __future__ import annotations

from integrations.flows import flow_definitions
from integrations.jobs import start_for_orders
from integrations.models import Flow


def flow_of(kind: str) -> str:
    """Return the flow that carries out a kind of delivery, "" where none does."""
    return next((flow.name for flow in flow_definitions() if flow.delivers == kind), "")


def start_for_order(flow: str, dsco_order_id: str, trigger: str) -> bool:
    """Hand a flow to the workers for this order alone; they see it when the transaction is committed.

    trigger: the user name, or ``released``. Returns False, with nothing started, while people have the flow paused.
    """
    if Flow.objects.filter(name=flow, paused=True).exists():
        return False
    start_for_orders(flow, trigger, [dsco_order_id])
    return True
