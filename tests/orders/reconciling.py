"""Helpers for the tests of ``reconcile``: time passes, the flow compares, the findings are looked at."""

from __future__ import annotations

from typing import Any

from integrations.flows import FlowResult
from integrations.sandbox.sandbox import Sandbox
from orders.models import Discrepancy
from tests.conftest import MovableClock

from .journeys import place, push, run

# Longer than the time for which a difference is none yet (the tests' delays are a thousandth).
LATER = 60.0


def settle(clock: MovableClock) -> None:
    """Let so much time pass that nothing is on its way any more."""
    clock.advance(LATER)


def compare(clock: MovableClock, *, status: str = "succeeded", order_ids: tuple[str, ...] = ()) -> FlowResult:
    """Let time pass and compare."""
    settle(clock)
    return run("reconcile", status=status, order_ids=order_ids)


def findings(*, open_only: bool = True) -> dict[str, list[str]]:
    """Return ``{situation: [subjects]}``."""
    found: dict[str, list[str]] = {}
    rows = Discrepancy.objects.order_by("pk")
    for row in rows.filter(closed_at=None) if open_only else rows:
        found.setdefault(row.code, []).append(row.subject)
    return found


def finding(code: str) -> Discrepancy:
    """Return the only row of this situation."""
    return Discrepancy.objects.get(code=code)


def invoiced(sandbox: Sandbox, clock: MovableClock, *lines: dict[str, Any], **fields: Any) -> str:
    """An order that has gone the whole way."""
    order_id = shipped(sandbox, clock, *lines, **fields)
    run("report_invoices")
    assert sandbox.dsco.effect_count("invoice", order_id) == 1
    return order_id


def shipped(sandbox: Sandbox, clock: MovableClock, *lines: dict[str, Any], **fields: Any) -> str:
    """An order that is reported as shipped, and that DSCO shows so."""
    order_id = place(sandbox, *lines, **fields)
    push(sandbox)
    sandbox.lingxing.audit(order_id)
    run("acknowledge_orders")
    clock.advance(20)
    sandbox.lingxing.ship(order_id)
    clock.advance(20)
    run("report_shipments")
    assert sandbox.dsco.effect_count("shipment", order_id) == 1
    clock.advance(20)
    run("pull_orders")
    return order_id


def list_in_parts(order: dict[str, Any], *parts: list[int]) -> None:
    """Make DSCO list the only package of an order as several entries; each with these units of the lines, in turn."""
    (package,) = order["packages"]
    order["packages"] = [
        package
        | {"items": [item | {"quantity": units} for item, units in zip(package["items"], part, strict=True) if units]}
        for part in parts
    ]


def effects(sandbox: Sandbox, order_id: str) -> dict[str, int]:
    """What our calls brought about for an order, by kind."""
    kinds = ("acknowledgement", "shipment", "invoice")
    return {kind: sandbox.dsco.effect_count(kind, order_id) for kind in kinds} | {
        "erp_order": sandbox.lingxing.effect_count("erp_order", order_id)
    }
