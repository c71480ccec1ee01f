"""What the tests of cancellations share: orders before and after the push, and the retailers' part."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from integrations.dsco import DscoClient
from integrations.flows import run_flow
from orders.intake import store_page
from orders.models import Cancellation, Order

from .factories import map_everything

LINES = [{"sku": "HP-LAMP-01", "quantity": 3}, {"sku": "HP-VASE-02", "quantity": 2}]


def apply(**options: Any):
    """Run one pass."""
    return run_flow("apply_cancellations", **options)


def apply_until_settled(clock, passes: int = 5) -> None:
    """Run passes with time between them, as the scheduler would."""
    for _ in range(passes):
        apply()
        clock.advance(300)


def read(raw) -> None:
    """Store the order as DSCO shows it now, as a pull would."""
    store_page([DscoClient.from_settings().get_order(raw["dscoOrderId"])], timezone.now())


def bring_in(sandbox, **fields: Any) -> dict[str, Any]:
    """An order that was pulled, not pushed yet."""
    raw = sandbox.dsco.add_order(**({"lines": LINES} | fields))
    map_everything(sandbox)
    read(raw)
    return raw


def pushed(sandbox, **fields: Any) -> dict[str, Any]:
    """An order that is in the ERP."""
    raw = bring_in(sandbox, **fields)
    run_flow("push_orders")
    assert made(sandbox, raw) == 1
    return raw


def made(sandbox, raw) -> int:
    """How many ERP orders were created."""
    return sandbox.lingxing.effect_count("erp_order", raw["dscoOrderId"])


def confirmed(sandbox, raw) -> int:
    """How often DSCO was told."""
    return sandbox.dsco.effect_count("cancellation", raw["dscoOrderId"])


def ask(sandbox, raw) -> None:
    """The retailer asks to cancel everything, and we read it."""
    sandbox.dsco.request_cancel(raw["dscoOrderId"])
    read(raw)


def ask_for_line(sandbox, raw, position: int, asked: bool = True) -> None:
    """The retailer asks to cancel one line, and we read it."""
    lines = [dict(line) for line in sandbox.dsco.orders[raw["dscoOrderId"]]["lineItems"]]
    lines[position]["cancelRequested"] = asked
    sandbox.dsco.change_order(raw["dscoOrderId"], lineItems=lines)
    read(raw)


def rows(raw) -> dict[str, tuple[str, str]]:
    """The order's cancellation rows: {action: (status, reason)}."""
    found = Cancellation.objects.filter(order__dsco_order_id=raw["dscoOrderId"])
    return {row.action: (row.status, row.reason_code) for row in found}


def order_of(raw) -> Order:
    """The order as it stands."""
    return Order.objects.select_related("erp_push", "acknowledgement", "invoice").get(dsco_order_id=raw["dscoOrderId"])


def erp_statuses(sandbox, raw) -> list[int]:
    """The statuses of the order's ERP orders."""
    return [row["status"] for row in sandbox.lingxing.by_platform(raw["dscoOrderId"])]
