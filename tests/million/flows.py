"""What the flows cost beside many stored rows, and bulk actions on many of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from config.management.commands.bench import sandbox_process
from integrations.bulk import bulk_action, carry_out, prepare, preview
from integrations.deliveries.claims import claim
from integrations.deliveries.kinds import delivery_kinds
from integrations.deliveries.states import State
from integrations.flows import run_flow
from integrations.models import BulkRun
from orders.models import ErpPush, Order

from .measuring import Measurements, timed

DUE = 500
ORDER_KINDS = ("erp_push", "acknowledgement", "shipment", "invoice")
IDLE_FLOWS = ("pull_orders", "push_orders", "acknowledge_orders", "report_shipments", "report_invoices")


def measure_flows(measurements: Measurements, new_orders: int) -> None:
    """Claims of so many due rows (undone again), runs that find nothing due, and the intake of new orders."""
    measurements.title(f"Flows: {DUE} due rows are claimed")
    for name in ORDER_KINDS:
        measurements.take(name, lambda name=name: _claim(name), around=lambda name=name: _due(name))
    with sandbox_process(0, []):
        measurements.title("Flows: runs that find nothing new (ship asks LingXing for every open order)")
        for name in IDLE_FLOWS:
            measurements.take(name, lambda name=name: _run(name), times=3)
    with sandbox_process(new_orders, []):
        print()
        with timed(f"intake of {new_orders:,} new orders", new_orders):
            _run("pull_orders")


@contextmanager
def _due(name: str) -> Iterator[None]:
    """So many rows are due, as after an outage; undone at the end."""
    model: Any = delivery_kinds()[name].model
    with transaction.atomic():
        open_rows = model.objects.filter(status=State.WAITING).order_by("-pk").values_list("pk", flat=True)[:DUE]
        model.objects.filter(pk__in=list(open_rows)).update(status=State.UNCERTAIN, due_at=timezone.now())
        yield
        transaction.set_rollback(True)


def _claim(name: str) -> None:
    kind: Any = delivery_kinds()[name]
    now = timezone.now()
    assert claim(kind, token="measured", lease=timedelta(minutes=1), due_before=now, now=now, limit=DUE).seen


def _run(name: str) -> None:
    result = run_flow(name, trigger="bench")
    assert not result.error, (name, result.error)


def measure_bulk_actions(user: User) -> None:
    """Preview and preparation of a bulk action on 100,000 orders; 20,000 retries carried out, which stay."""
    print()
    rows = Order.objects.order_by("pk")[:100_000]
    rows = Order.objects.filter(pk__lte=rows[rows.count() - 1].pk)
    with timed("preview of a hold", 100_000):
        preview(bulk_action("hold"), "order", rows, user)
    with timed("preparation of a hold", 100_000):
        prepare("hold", "order", rows, {"reason": "Measured"}, user)
    last = ErpPush.objects.order_by("pk")[min(20_000, ErpPush.objects.count()) - 1]
    pushes = ErpPush.objects.filter(pk__lte=last.pk)
    pushes.filter(status=State.SUCCEEDED).update(status=State.FAILED, due_at=None)
    run = prepare("retry", "erp_push", pushes, {}, user)
    with timed("retries carried out", run.total):
        carry_out(run.pk)
    print(f"{BulkRun.objects.get(pk=run.pk).changed:,} rows changed")
