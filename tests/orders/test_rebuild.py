"""``manage.py rebuild``: what was derived can be lost, and comes back equal from payloads and the vendors' truth."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core import serializers
from django.core.management import CommandError, call_command
from django.utils import timezone

from integrations.deliveries import staff
from integrations.deliveries.states import State
from integrations.flows import run_flow
from integrations.models import Heartbeat
from orders.models import (
    Acknowledgement,
    ErpOrder,
    ErpPush,
    Invoice,
    Order,
    OrderErpLink,
    OrderLine,
    Package,
    Shipment,
    Stage,
)
from orders.staff_cancellations import cancel_lines
from tests.conftest import STORE
from tests.end_to_end.journeys import assert_each_effect_once, audit_and_ship, run_all, stages, travel
from tests.orders.reconciling import list_in_parts

OF_ORDER = ("id", "first_seen_at", "read_at", "payload_hash", "dsco_order_id", "payload")
STEPS = (ErpPush, Acknowledgement, Shipment, Invoice)


def derived() -> dict[str, Any]:
    """Every derived table, by what its rows are known by and not by keys of the database."""
    orders = {}
    for order in Order.objects.prefetch_related("lines", "packages__lines", "erp_links__erp_order"):
        columns = [field.attname for field in Order._meta.concrete_fields if field.name not in OF_ORDER]
        lines = [{field.attname: getattr(line, field.attname) for field in OrderLine._meta.concrete_fields
                  if field.name not in ("id", "order")} for line in order.lines.all()]  # fmt: skip
        packages = [
            (package.wo_number, package.tracking_number, package.global_order_no, package.status, package.shipped,
             package.shipped_at, package.wid, package.carrier_name, package.ignored,
             sorted((line.erp_sku, line.quantity, line.order_line.position if line.order_line else None)
                    for line in package.lines.all()))
            for package in order.packages.all()
        ]  # fmt: skip
        links = sorted(
            (link.erp_order.global_order_no, link.erp_order.status, link.erp_order.store_id, link.erp_order.tracking_no,
             str(link.erp_order.items), link.ended_at is None)
            for link in order.erp_links.all()
        )  # fmt: skip
        orders[order.dsco_order_id] = ({name: getattr(order, name) for name in columns}, lines, packages, links)
    steps = {}
    for model in STEPS:
        for row in model.objects.select_related("order"):
            facts = [row.status, row.reason_code, row.remote_reference if row.status == State.SUCCEEDED else ""]
            if model is ErpPush:
                facts += [row.platform_order_no, row.store_id]
            if model is Invoice:
                facts += [row.invoice_id, row.total]
            steps[row.key] = facts
    return {"orders": orders, "steps": steps}


def lose_everything_derived() -> None:
    for model in (*STEPS, Package, OrderErpLink, ErpOrder, OrderLine):
        model.objects.all().delete()
    for order in Order.objects.all():
        bare = Order(**{name: getattr(order, name) for name in OF_ORDER})
        bare.save()


def rebuild(capsys: Any, *arguments: str) -> dict[str, int]:
    call_command("rebuild", *arguments)
    found: dict[str, int] = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    return found


def test_what_was_derived_comes_back_equal(world: Any, clock: Any, capsys: Any) -> None:
    world.dsco.add_orders(3)
    travel(world, clock)
    assert stages() == {Stage.INVOICED: 3}
    world.dsco.add_order(lines=[{"sku": "NOT-MAPPED", "quantity": 1}])
    run_all(world, clock, move=False)
    run_all(world, clock, move=False)
    before = derived()
    assert len(before["steps"]) == 16
    lose_everything_derived()
    assert derived() != before
    counts = rebuild(capsys)
    assert counts["steps_made"] == 16
    run_all(world, clock, move=False)  # the order without a mapping is parked by its flow, as it was
    run_all(world, clock, move=False)
    after = derived()
    assert after["steps"] == before["steps"]
    assert after["orders"] == before["orders"]


@pytest.mark.parametrize("length", [121, 201])
def test_long_invoice_numbers_that_begin_alike_are_not_cut_to_one(
    world: Any, clock: Any, capsys: Any, length: int
) -> None:
    orders = [str(order["dscoOrderId"]) for order in world.dsco.add_orders(2)]
    run_all(world, clock, move=False)
    for number, order_id in enumerate(orders):
        world.dsco.ship_in_portal(order_id, f"PORTAL{number}")
        world.dsco.invoice_in_portal(order_id, f"{'L' * (length - 1)}{number}")
    clock.advance(60)
    run_flow("pull_orders")
    rebuild(capsys)
    assert set(Invoice.objects.values_list("status", flat=True)) == {State.SUCCEEDED}
    truth = {invoice["invoiceId"] for invoice in world.dsco.invoices.values()}
    said = {text for row in Invoice.objects.values_list("invoice_id", "remote_reference") for text in row}
    assert len(truth) == 2
    assert said <= truth | {None, "", "…"}


def test_packages_reported_by_hand_come_back_too(world: Any, clock: Any, capsys: Any) -> None:
    order_id = str(world.dsco.add_order(lines=[{"sku": "HP-LAMP-01", "quantity": 3}])["dscoOrderId"])
    run_all(world, clock, move=False)
    world.dsco.ship_in_portal(order_id, "SAME1")
    world.dsco.rewrite(order_id, lambda order: list_in_parts(order, [1], [2]))
    clock.advance(60)
    run_flow("pull_orders")
    rebuild(capsys)
    assert Shipment.objects.get().status == State.SUCCEEDED
    package = Package.objects.get(tracking_number="SAME1")
    assert [line.quantity for line in package.lines.all()] == [3]


def test_rebuilding_what_is_whole_changes_nothing(world: Any, clock: Any, capsys: Any) -> None:
    world.dsco.add_orders(3)
    travel(world, clock, rounds=2)
    before = derived()
    counts = rebuild(capsys)
    assert counts["orders_corrected"] == counts["lines_corrected"] == counts["steps_made"] == 0
    assert derived()["orders"] == before["orders"]


def backed_up() -> str:
    """A backup of orders and their steps."""
    models = [Order, OrderLine, ErpOrder, OrderErpLink, Package, *STEPS]
    return serializers.serialize("json", [row for model in models for row in model.objects.all()])


def restore(backup: str) -> None:
    """Set the books back to a backup."""
    Order.objects.all().delete()
    ErpOrder.objects.all().delete()
    for row in serializers.deserialize("json", backup or "[]"):
        row.save()


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_after_an_old_backup_nothing_is_done_a_second_time(
    world: Any, clock: Any, capsys: Any, rounds: int, tmp_path: Any
) -> None:
    """The books are set back to an earlier hour, while the vendors have everything since."""
    orders = [str(order["dscoOrderId"]) for order in world.dsco.add_orders(4)]
    run_all(world, clock)
    backup = backed_up()
    for _each in range(rounds):
        audit_and_ship(world)
        run_all(world, clock)
    restore(backup)
    rebuild(capsys, "--since", (timezone.now() - timezone.timedelta(days=2)).date().isoformat())
    travel(world, clock, rounds=12)
    assert stages() == {Stage.INVOICED: 4}
    assert_each_effect_once(world, orders)
    assert world.violations == []


@pytest.mark.parametrize("backup", ["before_it_came", "before_the_push"])
def test_an_order_that_went_as_far_as_its_shipment_after_the_backup_is_invoiced(
    world: Any, clock: Any, capsys: Any, backup: str
) -> None:
    order_id = str(world.dsco.add_order(lines=[{"sku": "HP-LAMP-01", "quantity": 3}])["dscoOrderId"])
    day = (timezone.now() - timezone.timedelta(days=1)).date().isoformat()
    clock.advance(20)
    run_flow("pull_orders")
    kept = backed_up() if backup == "before_the_push" else ""
    for name in ("push_orders", "acknowledge_orders", "report_shipments"):
        run_flow(name)
        audit_and_ship(world)
        clock.advance(30)
    assert stages() == {Stage.SHIPPED: 1}
    restore(kept)
    rebuild(capsys, "--since", day)
    rebuild(capsys, "--since", day)  # it may be broken off and begun again
    travel(world, clock, rounds=6)
    assert stages() == {Stage.INVOICED: 1}
    assert_each_effect_once(world, [order_id])
    assert world.violations == []


@pytest.mark.parametrize("backup", ["before_it_came", "before_the_push"])
@pytest.mark.parametrize("asks", ["request_cancel", "cancel_by_retailer"])
def test_an_order_that_was_pushed_and_then_cancelled_after_the_backup_is_stopped_in_lingxing(
    world: Any, clock: Any, capsys: Any, backup: str, asks: str
) -> None:
    order_id = str(world.dsco.add_order(lines=[{"sku": "HP-LAMP-01", "quantity": 3}])["dscoOrderId"])
    clock.advance(20)
    run_flow("pull_orders")
    kept = backed_up() if backup == "before_the_push" else ""
    run_flow("push_orders")
    getattr(world.dsco, asks)(order_id)
    clock.advance(30)
    restore(kept)
    rebuild(capsys, "--since", (timezone.now() - timezone.timedelta(days=1)).date().isoformat())
    for _each in range(4):
        run_all(world, clock, move=False)
    assert [row["status"] for row in world.lingxing.by_platform(order_id)] == [7]
    assert world.dsco.orders[order_id]["dscoStatus"] == "cancelled"
    assert stages() == {Stage.CANCELLED: 1}


def test_what_was_given_up_on_purpose_stays_given_up(world: Any, clock: Any, capsys: Any) -> None:
    order_id = str(world.dsco.add_order(lines=[{"sku": "HP-LAMP-01", "quantity": 3}])["dscoOrderId"])
    clock.advance(20)
    run_flow("pull_orders")
    push = ErpPush.objects.get()
    staff.skip("erp_push", [push.pk], "mei", "handled in LingXing by hand")
    world.lingxing.create_by_hand(order_id, STORE, {"LX-HP-LAMP-01": 3})
    world.dsco.ship_in_portal(order_id)
    world.dsco.invoice_in_portal(order_id)
    clock.advance(60)
    run_flow("pull_orders")
    before = derived()
    rebuild(capsys)
    assert derived()["steps"] == before["steps"]
    assert stages() == {Stage.CLOSED: 1}


def test_a_cancellation_that_was_carried_out_after_the_backup_cancels_no_more_units(
    world: Any, clock: Any, capsys: Any
) -> None:
    raw = world.dsco.add_order(lines=[{"sku": "HP-LAMP-01", "quantity": 3}])
    clock.advance(20)
    run_flow("pull_orders")
    order = Order.objects.get()
    cancel_lines(order.pk, {0: 1}, "CXSS", "broken", "mei")
    backup = serializers.serialize("json", [order, *order.lines.all(), *order.cancellations.all()])
    run_flow("apply_cancellations")
    for row in serializers.deserialize("json", backup):
        row.save()
    rebuild(capsys)
    for _each in range(5):
        clock.advance(600)
        run_flow("apply_cancellations")
    assert world.dsco.orders[raw["dscoOrderId"]]["lineItems"][0]["cancelledQuantity"] == 1
    assert world.dsco.effect_count("cancellation", raw["dscoOrderId"]) == 1
    assert order.cancellations.get().status == State.SUCCEEDED


def test_it_refuses_beside_workers_that_could_send(world: Any) -> None:
    Heartbeat.objects.create(worker="office", seen_at=timezone.now())
    with pytest.raises(CommandError, match="Workers are running"):
        call_command("rebuild")


@pytest.mark.parametrize("day", ["soon", "2999-01-01", "0001-01-01"])
def test_a_day_that_cannot_be_that_of_a_backup_is_refused_and_nothing_changes(world: Any, day: str) -> None:
    before = list(ErpPush.objects.values_list("status", flat=True))
    with pytest.raises(CommandError, match="--since") as refused:
        call_command("rebuild", "--since", day)
    assert refused.value.returncode == 2
    assert list(ErpPush.objects.values_list("status", flat=True)) == before
