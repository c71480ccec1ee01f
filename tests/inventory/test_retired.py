"""Stock that nobody counts any more: the mapping of a warehouse or of a SKU was removed, or taken out of stock."""

from __future__ import annotations

import pytest

from integrations.deliveries.states import State
from integrations.models import RunStatus
from integrations.sandbox.dsco.invented import PRODUCTS
from integrations.sandbox.faults import Fault
from inventory.by_hand import computed, figures_of
from inventory.models import SkuMapping, StockItem, StockUpdate, WarehouseMapping

from .conftest import shown, told

LAMP, RUG, STOOL = "HP-LAMP-01", "HP-RUG-90", "HP-STOOL-3"


def remove(mapping: WarehouseMapping) -> None:
    mapping.delete()


def untick(mapping: WarehouseMapping) -> None:
    mapping.sync_stock = False
    mapping.save()


class TestWarehouses:
    @pytest.mark.parametrize("take_out", [remove, untick])
    def test_a_warehouse_that_is_taken_out_is_told_0_and_stays_in_every_body(self, world, synchronise, clock, take_out):
        synchronise()
        take_out(WarehouseMapping.objects.get(dsco_code="WEST"))

        result = synchronise()

        assert {sku: shown(world, sku) for sku in PRODUCTS} == {sku: {"EAST": 100, "WEST": 0} for sku in PRODUCTS}
        assert any("WEST" in note for note in result.notes)

        world.lingxing.set_stock("50", f"LX-{LAMP}", 7)
        result = synchronise()
        assert shown(world, LAMP) == {"EAST": 7, "WEST": 0}
        assert not any("WEST" in note for note in result.notes)
        clock.advance(25 * 3600)
        synchronise()
        assert told(world).count(RUG) == 3  # everything is told once a day, the warehouse at 0 too

    def test_a_warehouse_that_dsco_was_never_told_of_is_not_named(self, world, synchronise):
        """Whoever mapped a wrong code removes it, and DSCO accepts the next update."""
        WarehouseMapping.objects.create(dsco_code="WSET", wid="52")
        world.lingxing.add_warehouse("52", 1)
        synchronise()
        assert StockUpdate.objects.filter(status=State.FAILED).count() == len(PRODUCTS)
        world.forget_requests()
        WarehouseMapping.objects.filter(dsco_code="WSET").delete()
        synchronise()
        assert shown(world, LAMP) == {"EAST": 100, "WEST": 100}

    def test_what_a_lost_reply_may_have_told_is_told_0_as_well(self, world, synchronise, clock):
        world.faults.add(Fault("dsco", "single_item", "error_after", contains=LAMP))
        synchronise()
        world.faults.clear()
        assert shown(world, LAMP) == {"EAST": 100, "WEST": 100}
        WarehouseMapping.objects.filter(dsco_code="WEST").delete()
        clock.advance(600)
        synchronise()
        synchronise()
        assert shown(world, LAMP) == {"EAST": 100, "WEST": 0}

    def test_a_warehouse_that_dsco_has_no_longer_is_forgotten(self, world, synchronise):
        synchronise()
        WarehouseMapping.objects.filter(dsco_code="WEST").delete()
        del world.dsco.warehouses["WEST"]
        for item in world.dsco.items.values():
            item["warehouses"] = [one for one in item["warehouses"] if one["code"] != "WEST"]
        world.lingxing.set_stock("50", f"LX-{LAMP}", 7)

        synchronise()

        assert shown(world, LAMP) == {"EAST": 7}
        assert StockItem.objects.get(dsco_sku=RUG).confirmed == {"EAST": 100}
        world.forget_requests()
        synchronise()
        assert world.requests["dsco", "warehouses"] == 0

    def test_a_vendor_that_cannot_be_asked_makes_nothing_forgotten(self, world, synchronise):
        synchronise()
        WarehouseMapping.objects.filter(dsco_code="WEST").delete()
        world.faults.add(Fault("dsco", "warehouses", "error_before", times=0))
        synchronise()
        assert shown(world, LAMP) == {"EAST": 100, "WEST": 0}

    def test_the_last_warehouse_asks_a_person_before_everything_becomes_0(self, world, synchronise):
        synchronise()
        WarehouseMapping.objects.all().delete()
        assert synchronise().status == RunStatus.STOPPED
        assert shown(world, LAMP) == {"EAST": 100, "WEST": 100}

    def test_a_warehouse_mapped_again_is_told_its_stock(self, world, synchronise):
        synchronise()
        WarehouseMapping.objects.filter(dsco_code="WEST").update(sync_stock=False)
        synchronise()
        WarehouseMapping.objects.filter(dsco_code="WEST").update(sync_stock=True)
        synchronise()
        assert shown(world, LAMP) == {"EAST": 100, "WEST": 100}

    def test_figures_by_hand_show_the_warehouse_at_0(self, world, synchronise):
        synchronise()
        WarehouseMapping.objects.filter(dsco_code="WEST").delete()
        [figures] = figures_of(computed([LAMP]))
        assert figures.changes == {"WEST": -100}
        synchronise()
        [figures] = figures_of(computed([LAMP]))
        assert not figures.differs


class TestSkus:
    def test_an_item_without_any_mapping_is_told_0_once(self, world, synchronise, clock):
        synchronise()
        SkuMapping.objects.filter(dsco_sku=LAMP).delete()

        result = synchronise()

        assert shown(world, LAMP) == {"EAST": 0, "WEST": 0}
        assert any(LAMP in note for note in result.notes)
        item = StockItem.objects.get(dsco_sku=LAMP)
        assert item.target == item.confirmed == {"EAST": 0, "WEST": 0}
        before = told(world).count(LAMP)
        clock.advance(25 * 3600)
        synchronise()
        assert told(world).count(LAMP) == before

    def test_an_item_whose_stock_is_switched_off_is_left_to_others(self, world, synchronise):
        synchronise()
        SkuMapping.objects.filter(dsco_sku=LAMP).update(sync_stock=False)
        synchronise()
        assert shown(world, LAMP) == {"EAST": 100, "WEST": 100}
        assert told(world).count(LAMP) == 1

    def test_many_items_without_a_mapping_ask_a_person(self, world, synchronise):
        synchronise()
        SkuMapping.objects.filter(dsco_sku__in=[*PRODUCTS][:5]).delete()
        assert synchronise().status == RunStatus.STOPPED
        assert shown(world, LAMP) == {"EAST": 100, "WEST": 100}

    def test_an_item_that_was_never_told_is_not_told_0(self, world, synchronise):
        SkuMapping.objects.filter(dsco_sku=LAMP).delete()
        synchronise()
        assert LAMP not in told(world)

    def test_an_item_mapped_again_is_told_its_stock(self, world, synchronise):
        synchronise()
        SkuMapping.objects.filter(dsco_sku=LAMP).delete()
        synchronise()
        SkuMapping.objects.create(dsco_sku=LAMP, erp_sku=f"LX-{LAMP}")
        synchronise()
        assert shown(world, LAMP) == {"EAST": 100, "WEST": 100}

    def test_an_item_that_dsco_has_no_longer_is_forgotten(self, world, synchronise):
        synchronise()
        SkuMapping.objects.filter(dsco_sku=LAMP).delete()
        del world.dsco.items[LAMP]
        synchronise()  # refused
        assert StockUpdate.objects.filter(item__dsco_sku=LAMP).latest("pk").status == State.FAILED
        world.forget_requests()
        synchronise()
        assert StockItem.objects.get(dsco_sku=LAMP).confirmed == {}
        assert StockUpdate.objects.filter(item__dsco_sku=LAMP).latest("pk").status == State.CANCELLED
