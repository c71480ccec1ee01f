"""Where DSCO's SKUs and warehouse codes are resolved."""

from __future__ import annotations

import pytest

from inventory.mappings import SkuBook, WarehouseBook
from inventory.models import SkuMapping, WarehouseMapping

pytestmark = pytest.mark.django_db


@pytest.fixture
def mapped() -> None:
    SkuMapping.objects.create(dsco_sku="LAMP", erp_sku="LX-OLD", for_orders=False)
    SkuMapping.objects.create(dsco_sku="LAMP", erp_sku="LX-NEW")
    SkuMapping.objects.create(dsco_sku="RUG", erp_sku="LX-RUG", sync_stock=False)
    for code, wid in (("EAST", "50"), ("EAST", "52"), ("WEST", "51")):
        WarehouseMapping.objects.create(dsco_code=code, wid=wid)
    WarehouseMapping.objects.create(dsco_code="NORTH", wid="53", sync_stock=False)


def test_orders_use_the_one_mapping_that_is_meant_for_them(mapped):
    book = SkuBook.load()
    assert book.for_order("LAMP") == "LX-NEW"
    assert book.for_order("lamp") is None
    assert book.for_order("TRAY") is None


def test_stock_uses_all_synchronised_mappings(mapped):
    book = SkuBook.load()
    assert [mapping.erp_sku for mapping in book.for_stock("LAMP")] == ["LX-OLD", "LX-NEW"]
    assert book.for_stock("RUG") == []
    assert book.stock_skus() == ["LAMP"]
    assert book.knows_erp_sku("LX-RUG")


def test_the_first_warehouse_of_a_code_takes_the_orders(mapped):
    book = WarehouseBook.load()
    assert book.for_order("EAST") == "50"
    assert book.for_order("SOUTH") is None
    assert [mapping.wid for mapping in book.for_stock("EAST")] == ["50", "52"]
    assert book.codes() == ["EAST", "WEST", "NORTH"]
    assert book.stock_codes() == ["EAST", "WEST"]
    assert book.stock_wids() == ["50", "52", "51"]


def test_the_code_of_a_warehouse_is_named_only_where_it_is_clear(mapped):
    WarehouseMapping.objects.create(dsco_code="WEST-2", wid="51")
    book = WarehouseBook.load()
    assert book.dsco_code_of("52") == "EAST"
    assert book.dsco_code_of("51") is None
    assert book.dsco_code_of("99") is None


def test_books_answer_from_memory(mapped, django_assert_num_queries):
    with django_assert_num_queries(2):
        skus, warehouses = SkuBook.load(["LAMP", "LAMP", "TRAY"]), WarehouseBook.load()
        for _ in range(100):
            skus.for_order("LAMP")
            warehouses.for_order("EAST")
    assert skus.for_order("RUG") is None
