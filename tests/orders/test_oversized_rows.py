"""Rows of LingXing with values that do not fit our tables cost only themselves: no other order waits for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from integrations.flows import run_flow
from integrations.sandbox.sandbox import Sandbox
from orders.models import ErpOrder, Stage
from tests.conftest import MovableClock

from .journeys import line, order_of, packages_of, pushed, shipment_of

LONG_ID, VERY_MANY = "7" * 60, ",".join(f"1Z999AA101234567{number:02}" for number in range(14))
Spoil = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda row: row["logistics_info"].update(tracking_no=VERY_MANY),
        lambda row: row["logistics_info"].update(tracking_no="7" * 300),
        lambda row: row["logistics_info"].update(logistics_type_id=LONG_ID),
        lambda row: row.update(status=-1),
        lambda row: row.update(status=99_999),
        lambda row: row.update(split_type=-1),
        lambda row: row.update(wid=LONG_ID),
        lambda row: row.update(store_id=LONG_ID),
    ],
)
def test_an_order_row(world: Sandbox, clock: MovableClock, spoil: Spoil) -> None:
    odd, other = (pushed(world, line("HP-LAMP-01", 2)) for _each in range(2))
    for order_id in (odd, other):
        world.lingxing.audit(order_id)
    spoil(world.lingxing.by_platform(odd)[0])
    travel_on(world, clock, other)
    assert order_of(other).stage == Stage.INVOICED


@pytest.mark.parametrize(
    "spoil",
    [
        lambda out: out.update(wo_number="W" * 90),
        lambda out: out.update(logistics_type_id=LONG_ID),
        lambda out: out.update(wid=LONG_ID),
        lambda out: out.update(status=-1),
        lambda out: out["product_info"][0].update(count=2**40),
    ],
)
def test_a_row_of_an_outbound_order(world: Sandbox, clock: MovableClock, spoil: Spoil) -> None:
    odd, other = (pushed(world, line("HP-LAMP-01", 2)) for _each in range(2))
    for order_id in (odd, other):
        world.lingxing.audit(order_id)
        world.lingxing.ship(order_id)
    spoil(world.lingxing.outbound_of(odd)[0])
    travel_on(world, clock)
    assert order_of(other).stage == Stage.INVOICED
    assert shipment_of(odd).body == []


def test_very_many_tracking_numbers_in_one_field_are_for_a_person(world: Sandbox, clock: MovableClock) -> None:
    order_id = pushed(world, line("HP-LAMP-01", 2))
    world.lingxing.audit(order_id)
    world.lingxing.ship(order_id)
    world.lingxing.edit_tracking(order_id, VERY_MANY)
    travel_on(world, clock)
    assert shipment_of(order_id).status == "needs_attention"
    (package,) = packages_of(order_id)
    assert VERY_MANY.startswith(package.tracking_number + ",")
    assert ErpOrder.objects.get().tracking_no == package.tracking_number


def travel_on(world: Sandbox, clock: MovableClock, ships: str = "") -> None:
    """Let the flows run for some time; this order is shipped after the first round."""
    for number in range(4):
        clock.advance(30)
        for name in ("acknowledge_orders", "report_shipments", "pull_orders", "report_invoices", "reconcile"):
            run_flow(name)
        if ships and not number:
            world.lingxing.ship(ships)
