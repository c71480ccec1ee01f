"""Sending stock: single calls, batches, lost replies, refusals, and drops that a person must confirm."""

from __future__ import annotations

import pytest

from integrations.deliveries import staff
from integrations.deliveries.states import State
from integrations.models import RunStatus
from integrations.sandbox.dsco.invented import PRODUCTS
from integrations.sandbox.faults import Fault
from inventory.models import SkuMapping, StockItem, StockUpdate
from inventory.stock_updates import StockUpdateKind, stock_item

from .conftest import sell_out, shown, told

LAMP, RUG, STOOL = "HP-LAMP-01", "HP-RUG-90", "HP-STOOL-3"
ALL = list(PRODUCTS)


def latest(sku: str) -> StockUpdate:
    return StockUpdate.objects.filter(item__dsco_sku=sku).latest("id")


def test_many_updates_go_in_one_batch(world, synchronise, settings):
    settings.BATCH_FROM = 5
    result = synchronise()
    assert result.counts["succeeded"] == len(PRODUCTS)
    assert world.requests["dsco", "inventory_batch"] == 1
    assert world.requests["dsco", "single_item"] == 0
    assert sorted(told(world)) == sorted(PRODUCTS)
    assert StockItem.objects.get(dsco_sku=LAMP).confirmed == {"EAST": 100, "WEST": 100}


def test_an_item_refused_in_a_batch_is_repeated_alone_in_the_same_run(world, synchronise, settings):
    settings.BATCH_FROM = 5
    SkuMapping.objects.create(dsco_sku="NOT-AT-DSCO", erp_sku="LX-EXTRA")
    world.lingxing.add_product("LX-EXTRA", available={"50": 4})

    result = synchronise()

    assert result.counts["succeeded"] == len(PRODUCTS)
    refused = latest("NOT-AT-DSCO")
    assert (refused.status, refused.solo) == (State.FAILED, True)
    assert refused.last_error_code == "VALIDATION_FAILED"
    assert "not in the catalog" in refused.last_error
    assert "then retry" in refused.last_error
    assert world.requests["dsco", "single_item"] == 1


def test_a_refused_item_is_tried_again_when_its_figures_change_or_after_an_hour(world, synchronise, clock):
    SkuMapping.objects.create(dsco_sku="LATE", erp_sku="LX-EXTRA")
    world.lingxing.add_product("LX-EXTRA", available={"50": 4})
    synchronise()
    world.forget_requests()
    synchronise()
    assert world.requests["dsco", "single_item"] == 0

    world.lingxing.set_stock("50", "LX-EXTRA", 5)
    synchronise()
    assert world.requests["dsco", "single_item"] == 1

    world.dsco.add_item("LATE", warehouses=["EAST", "WEST"])
    clock.advance(3700)
    synchronise()
    assert shown(world, "LATE") == {"EAST": 5, "WEST": 0}
    assert StockUpdate.objects.filter(item__dsco_sku="LATE").count() == 1


@pytest.mark.parametrize("trouble", ["reset_after", "reset_before", "error_after", "html_after"])
def test_after_a_lost_reply_the_newest_figure_is_sent_again(world, synchronise, clock, trouble):
    world.faults.add(Fault("dsco", "single_item", trouble, contains=LAMP))
    synchronise()
    assert latest(LAMP).status == State.UNCERTAIN
    assert StockItem.objects.get(dsco_sku=LAMP).confirmed_at is None

    world.lingxing.set_stock("50", f"LX-{LAMP}", 1)
    clock.advance(1)
    synchronise()

    assert latest(LAMP).status == State.SUCCEEDED
    assert shown(world, LAMP) == {"EAST": 1, "WEST": 100}
    assert StockUpdate.objects.filter(item__dsco_sku=LAMP).count() == 1


def test_after_a_lost_reply_the_former_figure_is_sent_too(world, synchronise, clock):
    """DSCO may hold the figure of the lost call: what it confirmed before proves nothing any more."""
    synchronise()
    world.lingxing.set_stock("50", f"LX-{LAMP}", 1)
    world.faults.add(Fault("dsco", "single_item", "reset_after"))
    synchronise()
    assert shown(world, LAMP)["EAST"] == 1

    world.lingxing.set_stock("50", f"LX-{LAMP}", 100)
    clock.advance(1)
    synchronise()

    assert shown(world, LAMP)["EAST"] == 100


def test_a_batch_whose_reply_was_lost_is_repeated(world, synchronise, settings, clock):
    settings.BATCH_FROM = 5
    world.faults.add(Fault("dsco", "inventory_batch", "reset_after"))
    synchronise()
    assert StockUpdate.objects.filter(status=State.UNCERTAIN).count() == len(PRODUCTS)
    clock.advance(1)
    assert synchronise().counts["succeeded"] == len(PRODUCTS)


def test_a_lost_batch_that_dsco_carries_out_late_does_not_undo_a_newer_figure(world, synchronise, settings, clock):
    settings.BATCH_FROM = 5
    settings.VERIFY_DELAY_SECONDS = 60
    world.options.async_seconds = 150
    world.faults.add(Fault("dsco", "inventory_batch", "reset_after"))
    synchronise()
    settings.BATCH_FROM = 100
    world.lingxing.set_stock("50", f"LX-{LAMP}", 1)
    for _pass in range(4):
        clock.advance(61)
        synchronise()

    assert latest(LAMP).status == State.SUCCEEDED
    assert shown(world, LAMP) == {"EAST": 1, "WEST": 100}


def test_an_outcome_that_takes_longer_is_asked_for_in_the_next_run(world, synchronise, settings, clock):
    settings.BATCH_FROM = 5
    settings.RETRY_BACKOFF_SCALE = 100
    world.options.async_seconds = 600
    synchronise()
    assert StockUpdate.objects.filter(status=State.ACCEPTED).count() == len(PRODUCTS)
    world.lingxing.set_stock("50", f"LX-{LAMP}", 1)
    clock.advance(700)

    synchronise()

    assert StockUpdate.objects.exclude(status=State.SUCCEEDED).count() == 0
    assert world.requests["dsco", "inventory_batch"] == 1
    assert shown(world, LAMP) == {"EAST": 1, "WEST": 100}


def test_an_update_that_is_no_longer_needed_is_cancelled(world, synchronise):
    synchronise()
    world.lingxing.set_stock("50", f"LX-{LAMP}", 1)
    world.faults.add(Fault("dsco", "single_item", "throttled", times=0))
    synchronise()
    assert latest(LAMP).status == State.DUE
    world.faults.clear()
    world.lingxing.set_stock("50", f"LX-{LAMP}", 100)
    synchronise()
    assert latest(LAMP).status == State.CANCELLED
    assert told(world).count(LAMP) == 1


def test_a_sudden_drop_sends_nothing_and_asks_a_person(world, synchronise):
    synchronise()
    sent = len(told(world))
    sell_out(world, *ALL[:3])
    world.lingxing.set_stock("50", f"LX-{ALL[5]}", 1)

    result = synchronise()

    assert (result.status, result.error_code) == (RunStatus.STOPPED, "stock_drop")
    assert "3 of 8" in result.error
    assert len(told(world)) == sent
    for sku in ALL[:3]:
        row = latest(sku)
        assert (row.status, row.reason_code) == (State.NEEDS_ATTENTION, "stock_drop")
        assert "LingXing" in row.last_error
    assert synchronise().error_code == "stock_drop"
    assert StockUpdate.objects.filter(status=State.NEEDS_ATTENTION).count() == 3


def test_a_drop_goes_once_a_person_has_retried_it(world, synchronise):
    synchronise()
    sell_out(world, *ALL[:3])
    synchronise()
    staff.retry("stock_update", [latest(sku).pk for sku in ALL[:3]], "mia")

    assert synchronise().status == RunStatus.SUCCEEDED
    assert [shown(world, sku) for sku in ALL[:3]] == [{"EAST": 0, "WEST": 0}] * 3


def test_an_approved_drop_stays_approved_while_dsco_is_down(world, synchronise):
    synchronise()
    sell_out(world, *ALL[:3])
    synchronise()
    staff.retry("stock_update", [latest(sku).pk for sku in ALL[:3]], "mia")
    world.faults.add(Fault("dsco", "single_item", "throttled", times=0))
    synchronise()
    world.faults.clear()
    assert synchronise().status == RunStatus.SUCCEEDED
    assert shown(world, ALL[0]) == {"EAST": 0, "WEST": 0}


def test_what_a_person_has_not_approved_waits_on(world, synchronise):
    synchronise()
    sell_out(world, *ALL[:3])
    synchronise()
    staff.retry("stock_update", [latest(ALL[0]).pk, latest(ALL[1]).pk], "mia")

    assert synchronise().status == RunStatus.SUCCEEDED
    assert shown(world, ALL[0]) == {"EAST": 0, "WEST": 0}
    assert shown(world, ALL[2]) == {"EAST": 100, "WEST": 100}
    assert latest(ALL[2]).status == State.NEEDS_ATTENTION


def test_a_drop_that_was_a_mistake_heals_with_the_next_read(world, synchronise):
    synchronise()
    sell_out(world, *ALL[:4])
    synchronise()
    for sku in ALL[:3]:
        world.lingxing.set_stock("50", f"LX-{sku}", 100)
    world.lingxing.set_stock("51", f"LX-{ALL[0]}", 100)

    assert synchronise().status == RunStatus.SUCCEEDED
    assert latest(ALL[0]).status == State.CANCELLED
    assert shown(world, ALL[1]) == {"EAST": 100, "WEST": 0}
    assert latest(ALL[3]).status == State.NEEDS_ATTENTION


def test_a_single_item_may_always_sell_out(world, synchronise, settings):
    settings.STOCK_DROP_LIMIT_PERCENT = 0.0
    synchronise()
    sell_out(world, LAMP)
    assert synchronise().status == RunStatus.SUCCEEDED
    assert shown(world, LAMP) == {"EAST": 0, "WEST": 0}


def test_wrong_credentials_stop_the_run_and_blame_no_item(world, synchronise):
    world.faults.add(Fault("dsco", "single_item", "forbidden_ip", times=0))
    result = synchronise()
    assert result.status == RunStatus.STOPPED
    assert not StockUpdate.objects.filter(status=State.FAILED).exists()


def test_the_body_names_every_warehouse_and_the_exact_sum():
    assert stock_item("LAMP", {"WEST": 2, "EAST": 3}).payload() == {
        "sku": "LAMP",
        "status": "in-stock",
        "quantityAvailable": 5,
        "warehouses": [{"code": "EAST", "quantity": 3}, {"code": "WEST", "quantity": 2}],
    }
    assert stock_item("LAMP", {"WEST": 0}).payload()["status"] == "out-of-stock"


def batch_sizes(rows: list[StockUpdate]) -> list[int]:
    return [len(call.deliveries) for call in StockUpdateKind().plan_send(rows).calls]


def test_batches_stay_below_the_vendors_limits():
    rows = [StockUpdate(item=StockItem(dsco_sku=f"S-{n}"), quantities={"EAST": n}) for n in range(4500)]
    assert batch_sizes(rows) == [2000, 2000, 500]
    many = {f"WAREHOUSE-WITH-A-LONG-NAME-{n:04}": n for n in range(200)}
    rows = [StockUpdate(item=StockItem(dsco_sku=f"S-{n}"), quantities=many) for n in range(600)]
    assert max(batch_sizes(rows)) < 600
