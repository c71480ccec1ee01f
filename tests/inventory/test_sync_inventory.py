"""The flow: LingXing's stock becomes DSCO's."""

from __future__ import annotations

import random
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from integrations.deliveries.states import State
from integrations.flows import registry, run_flow
from integrations.models import Flow, FlowRun, RunStatus
from integrations.sandbox.dsco.invented import PRODUCTS
from integrations.sandbox.faults import Fault
from inventory.models import SkuMapping, StockItem, StockLevel, StockSource, StockUpdate, WarehouseMapping
from inventory.reservations import register_reservations

from .conftest import sell_out, shown, told

LAMP, RUG, STOOL = "HP-LAMP-01", "HP-RUG-90", "HP-STOOL-3"


def test_every_item_gets_the_quantities_of_all_its_warehouses(world, synchronise):
    world.lingxing.set_stock("50", f"LX-{LAMP}", 7)
    world.lingxing.set_stock("50", f"LX-{LAMP}", 4, seller_id="12")

    result = synchronise()

    assert result.status == RunStatus.SUCCEEDED
    assert shown(world, LAMP) == {"EAST": 11, "WEST": 100}
    assert shown(world, RUG) == {"EAST": 100, "WEST": 100}
    assert world.dsco.items[LAMP]["quantityAvailable"] == 111
    item = StockItem.objects.get(dsco_sku=LAMP)
    assert item.confirmed == item.target == {"EAST": 11, "WEST": 100}
    assert StockLevel.objects.get(wid="50", erp_sku=f"LX-{LAMP}").available == 11
    assert result.counts["succeeded"] == result.counts["items"] == len(PRODUCTS)


def test_only_differences_are_sent(world, synchronise):
    synchronise()
    world.forget_requests()
    assert synchronise().counts.get("succeeded") is None
    assert world.requests["dsco", "single_item"] == 0

    world.lingxing.set_stock("51", f"LX-{RUG}", 3)
    synchronise()

    assert told(world)[-1] == RUG
    assert world.requests["dsco", "single_item"] == 1
    assert shown(world, RUG) == {"EAST": 100, "WEST": 3}


def test_everything_is_sent_again_once_a_day(world, synchronise, clock):
    synchronise()
    clock.advance(23 * 3600)
    synchronise()
    assert len(told(world)) == len(PRODUCTS)
    clock.advance(2 * 3600)
    synchronise()
    assert len(told(world)) == 2 * len(PRODUCTS)
    synchronise()
    assert len(told(world)) == 2 * len(PRODUCTS)


def test_an_incomplete_read_changes_nothing(world, synchronise, monkeypatch):
    synchronise()
    before = list(StockLevel.objects.values())
    monkeypatch.setattr("integrations.lingxing.client.INVENTORY_PAGE", 5)
    world.lingxing.set_stock("50", f"LX-{LAMP}", 1)
    world.faults.add(Fault("lingxing", "inventory_details", "broken_json_before", after=1, times=0))

    result = synchronise()

    assert result.status == RunStatus.STOPPED
    assert list(StockLevel.objects.values()) == before
    assert shown(world, LAMP) == {"EAST": 100, "WEST": 100}
    world.faults.clear()
    assert synchronise().status == RunStatus.SUCCEEDED
    assert shown(world, LAMP) == {"EAST": 1, "WEST": 100}


def test_a_row_that_vanished_from_a_complete_read_is_zero(world, synchronise):
    synchronise()
    del world.lingxing.stock["51", f"LX-{LAMP}"]
    synchronise()
    assert shown(world, LAMP) == {"EAST": 100, "WEST": 0}
    assert not StockLevel.objects.filter(wid="51", erp_sku=f"LX-{LAMP}").exists()


def test_unmapped_skus_are_named_and_not_sent(world, synchronise):
    world.lingxing.add_product("LX-NEW", available={"50": 5})
    world.lingxing.add_product("LX-EMPTY", available={"50": 0})
    SkuMapping.objects.filter(dsco_sku=RUG).update(sync_stock=False)

    result = synchronise()

    assert result.counts["unmapped_skus"] == 1
    assert any("LX-NEW" in note and "LX-EMPTY" not in note for note in result.notes)
    assert RUG not in told(world)


def test_a_product_whose_sku_fits_no_column_stops_no_other(world, synchronise):
    world.lingxing.set_stock("50", "S" * 300, 5)
    world.lingxing.set_stock("50", f"LX-{LAMP}", 7)
    assert synchronise().status == RunStatus.SUCCEEDED
    assert shown(world, LAMP) == {"EAST": 7, "WEST": 100}
    assert not StockLevel.objects.filter(erp_sku__startswith="SSS").exists()


def test_without_a_mapped_warehouse_there_is_nothing_to_do(world, synchronise):
    WarehouseMapping.objects.update(sync_stock=False)
    result = synchronise()
    assert result.status == RunStatus.SUCCEEDED
    assert result.notes
    assert world.requests["lingxing", "inventory_details"] == 0


def test_an_unknown_third_party_figure_is_left_out_and_named(world, synchronise):
    synchronise()
    WarehouseMapping.objects.filter(dsco_code="WEST").update(stock_source=StockSource.THIRD_PARTY)
    world.lingxing.set_stock("51", f"LX-{LAMP}", 100, third_party={"qty_sellable": 42})

    result = synchronise()

    assert shown(world, LAMP) == {"EAST": 100, "WEST": 42}
    assert shown(world, RUG) == {"EAST": 100, "WEST": 100}
    assert result.counts["unknown_figures"] == len(PRODUCTS) - 1
    assert any(RUG in note for note in result.notes)


def test_buffer_cap_and_reserved_units_are_kept_back(world, synchronise):
    SkuMapping.objects.filter(dsco_sku=LAMP).update(stock_buffer=10)
    SkuMapping.objects.filter(dsco_sku=STOOL).update(stock_cap=120)
    register_reservations(lambda: {(LAMP, "WEST"): 30, (RUG, ""): 1})

    synchronise()

    assert shown(world, LAMP) == {"EAST": 90, "WEST": 70}
    assert shown(world, RUG) == {"EAST": 99, "WEST": 100}
    assert sum(shown(world, STOOL).values()) == 120


def test_items_that_were_never_in_stock_can_be_left_out(world, synchronise, settings):
    settings.STOCK_INCLUDE_ZERO = False
    sell_out(world, LAMP)
    synchronise()
    assert LAMP not in told(world)
    assert RUG in told(world)


def test_an_item_that_dsco_shows_in_stock_is_set_to_zero_in_any_case(world, synchronise, settings):
    settings.STOCK_INCLUDE_ZERO = False
    synchronise()
    sell_out(world, LAMP)
    synchronise()
    assert shown(world, LAMP) == {"EAST": 0, "WEST": 0}
    assert world.dsco.items[LAMP]["status"] == "out-of-stock"


def test_orders_are_pulled_first_when_the_last_pull_is_old(world, synchronise, clock):
    synchronise()
    synchronise()
    assert FlowRun.objects.filter(flow="pull_orders", trigger="sync_inventory").count() == 1
    clock.advance(16 * 60)
    synchronise()
    assert FlowRun.objects.filter(flow="pull_orders", trigger="sync_inventory").count() == 2


def test_without_a_pull_stock_is_not_touched(world, synchronise):
    world.faults.add(Fault("dsco", "get_orders", "error_before", times=0))
    result = synchronise()
    assert (result.status, result.error_code) == (RunStatus.STOPPED, "pull_failed")
    assert world.requests["lingxing", "inventory_details"] == 0
    assert told(world) == []


def test_a_paused_pull_stops_stock_as_well(world, synchronise):
    Flow.objects.create(name="pull_orders", paused=True)
    assert synchronise().error_code == "pull_failed"
    assert told(world) == []


def test_a_pull_under_way_elsewhere_is_waited_for(world, synchronise, clock, monkeypatch):
    monkeypatch.setattr("inventory.flows.sync_inventory.PATIENCE_SECONDS", 0.5)
    Flow.objects.create(name="pull_orders", lease_token="another", lease_until=timezone.now() + timedelta(seconds=60))
    result = synchronise()
    assert (result.status, result.error_code) == (RunStatus.STOPPED, "pull_failed")
    clock.advance(61)
    assert synchronise().status == RunStatus.SUCCEEDED


def test_without_an_order_package_there_is_nothing_to_pull(world, synchronise, monkeypatch):
    monkeypatch.delitem(registry._flows, "pull_orders")
    assert synchronise().status == RunStatus.SUCCEEDED
    assert shown(world, RUG) == {"EAST": 100, "WEST": 100}


def test_two_runs_at_once_send_everything_once(world, synchronise):
    synchronise()
    for sku in PRODUCTS:
        world.lingxing.set_stock("50", f"LX-{sku}", 9)
    results = []

    def run() -> None:
        try:
            results.append(run_flow("sync_inventory"))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(told(world)) == 2 * len(PRODUCTS)
    assert RunStatus.SUCCEEDED in {result.status for result in results}
    assert StockUpdate.objects.exclude(status=State.SUCCEEDED).count() == 0


def test_a_run_needs_few_queries_however_many_items(world, synchronise, django_assert_max_num_queries):
    for number in range(200):
        world.dsco.add_item(f"N-{number}", warehouses=["EAST", "WEST"])
        world.lingxing.add_product(f"LX-N-{number}", available={"50": number, "51": 1})
    SkuMapping.objects.bulk_create(SkuMapping(dsco_sku=f"N-{n}", erp_sku=f"LX-N-{n}") for n in range(200))
    run_flow("pull_orders")
    with django_assert_max_num_queries(150):
        result = synchronise()
    assert result.counts["succeeded"] == 200 + len(PRODUCTS)


@pytest.mark.parametrize("cursor", [{}, {"last_complete_at": "yesterday"}, {"last_complete_at": None}])
def test_an_unreadable_bookmark_counts_as_no_pull(world, synchronise, cursor):
    Flow.objects.create(name="pull_orders", cursor=cursor)
    synchronise()
    assert FlowRun.objects.filter(flow="pull_orders").count() == 1


@pytest.mark.parametrize("seed", range(4))
def test_whatever_goes_wrong_dsco_ends_up_with_the_last_figures(world, synchronise, settings, clock, seed):
    chance = random.Random(seed)
    settings.STOCK_DROP_LIMIT_PERCENT = 100.0
    troubles = ["reset_before", "reset_after", "error_before", "error_after", "html_after", "throttled"]
    for _round in range(6):
        settings.BATCH_FROM = chance.choice([3, 30])
        for sku in chance.sample(list(PRODUCTS), 5):
            world.lingxing.set_stock(chance.choice(["50", "51"]), f"LX-{sku}", chance.choice([0, 1, 5, 100]))
        for operation in ("single_item", "inventory_batch", "inventory_log"):
            world.faults.add(Fault("dsco", operation, chance.choice(troubles), times=0, probability=0.3))
        synchronise()
        world.faults.clear()
        clock.advance(chance.choice([1, 600]))

    for _attempt in range(3):
        synchronise()
        clock.advance(600)

    figures = {(row.wid, row.erp_sku): row.available for row in StockLevel.objects.all()}
    for sku in PRODUCTS:
        assert shown(world, sku) == {"EAST": figures["50", f"LX-{sku}"], "WEST": figures["51", f"LX-{sku}"]}, sku
        assert StockItem.objects.get(dsco_sku=sku).confirmed == shown(world, sku)
    assert not StockUpdate.objects.exclude(status__in=[State.SUCCEEDED, State.CANCELLED]).exists()
