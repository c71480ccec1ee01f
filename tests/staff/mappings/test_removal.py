"""Whoever takes a warehouse or SKU away is told before what becomes of the figures that DSCO has."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from inventory.models import SkuMapping, StockItem, WarehouseMapping
from tests.admin.test_mappings import upload

pytestmark = pytest.mark.django_db

WAREHOUSES, SKUS = "inventory_warehousemapping", "inventory_skumapping"


@pytest.fixture
def mapped() -> None:
    """Two warehouses and two items; DSCO sells LAMP from both warehouses, and RUG from EAST."""
    for code, wid in (("EAST", "50"), ("WEST", "51")):
        WarehouseMapping.objects.create(dsco_code=code, wid=wid)
    for sku, figures in (("LAMP", {"EAST": 5, "WEST": 7}), ("RUG", {"EAST": 2, "WEST": 0})):
        SkuMapping.objects.create(dsco_sku=sku, erp_sku=f"LX-{sku}")
        StockItem.objects.create(dsco_sku=sku, confirmed=figures, confirmed_at=timezone.now())


def warehouse(code: str) -> WarehouseMapping:
    return WarehouseMapping.objects.get(dsco_code=code)


def change(browser: Any, row: Any, **values: str) -> Any:
    return browser.post(reverse(f"admin:{row._meta.db_table}_change", args=[row.pk]), values, follow=True)


def deletion(browser: Any, row: Any) -> str:
    return str(browser.get(reverse(f"admin:{row._meta.db_table}_delete", args=[row.pk])).text)


@pytest.mark.usefixtures("mapped")
class TestWarehouses:
    def test_the_page_of_deletion_says_for_how_many_items_dsco_is_told_0(self, browser: Any) -> None:
        assert "in warehouse WEST (items: 1)" in deletion(browser, warehouse("WEST"))
        assert "in warehouse EAST (items: 2)" in deletion(browser, warehouse("EAST"))

    def test_several_that_are_deleted_together_are_each_named(self, browser: Any) -> None:
        pks = list(WarehouseMapping.objects.values_list("pk", flat=True))
        asked = {"action": "delete_selected", "_selected_action": pks}
        page = browser.post(reverse(f"admin:{WAREHOUSES}_changelist"), asked)
        assert "in warehouse EAST (items: 2)" in page.text
        assert "in warehouse WEST (items: 1)" in page.text
        page = browser.post(reverse(f"admin:{WAREHOUSES}_changelist"), {**asked, "post": "yes"}, follow=True)
        assert "in warehouse" not in page.text
        assert not WarehouseMapping.objects.exists()

    def test_another_mapping_of_the_code_keeps_it_in_stock(self, browser: Any) -> None:
        WarehouseMapping.objects.create(dsco_code="WEST", wid="52")
        assert "is told 0" not in deletion(browser, WarehouseMapping.objects.get(wid="51"))

    @pytest.mark.parametrize("values", [{"dsco_code": "WEST"}, {"dsco_code": "NORTH", "sync_stock": "on"}])
    def test_taking_the_tick_away_or_another_code_must_be_confirmed(self, browser: Any, values: dict[str, str]) -> None:
        values = {"wid": "51", "stock_source": "erp", **values}
        page = change(browser, warehouse("WEST"), **values)
        assert "in warehouse WEST (items: 1)" in page.text
        assert warehouse("WEST").sync_stock
        [token] = re.findall(r'name="confirm_warnings" value="(\w+)"', page.text)
        change(browser, warehouse("WEST"), **values, confirm_warnings=token)
        assert not WarehouseMapping.objects.filter(dsco_code="WEST", sync_stock=True).exists()

    def test_what_is_unticked_in_the_list_is_told_afterwards(self, browser: Any) -> None:
        rows = list(WarehouseMapping.objects.order_by("-pk"))
        form = {"form-TOTAL_FORMS": "2", "form-INITIAL_FORMS": "2", "_save": "Save"}
        for number, row in enumerate(rows):
            form |= {f"form-{number}-id": str(row.pk), f"form-{number}-stock_source": "erp"}
            form |= {f"form-{number}-sync_stock": "on"} if row.dsco_code == "EAST" else {}
        page = browser.post(reverse(f"admin:{WAREHOUSES}_changelist"), form, follow=True)
        assert not warehouse("WEST").sync_stock
        assert "in warehouse WEST (items: 1)" in page.text
        assert "in warehouse EAST" not in page.text


@pytest.mark.usefixtures("mapped")
class TestSkus:
    def test_the_page_of_deletion_says_that_dsco_is_told_0(self, browser: Any) -> None:
        assert "SKUs that have no mapping then (items: 1)" in deletion(browser, SkuMapping.objects.get(dsco_sku="LAMP"))

    def test_an_item_of_which_dsco_has_nothing_needs_no_word(self, browser: Any) -> None:
        StockItem.objects.filter(dsco_sku="RUG").update(confirmed={"EAST": 0})
        assert "is told 0" not in deletion(browser, SkuMapping.objects.get(dsco_sku="RUG"))

    def test_taking_the_tick_away_says_that_dsco_goes_on_selling(self, browser: Any) -> None:
        row = SkuMapping.objects.get(dsco_sku="LAMP")
        values = {"dsco_sku": "LAMP", "erp_sku": "LX-LAMP", "for_orders": "on", "stock_buffer": "0"}
        page = change(browser, row, **values)
        assert "goes on selling the last figure" in page.text
        row.refresh_from_db()
        assert row.sync_stock

    def test_a_file_says_it_in_its_preview(self, browser: Any) -> None:
        rows = [["LAMP", "LX-LAMP", 1, 0, 0, None], ["RUG", "LX-RUG", 1, 1, 3, None]]
        page = upload(browser, rows)
        assert "goes on selling the last figure" in page.text
        assert [numbers for _sentence, numbers in page.context["result"].warnings] == [[2]]

    def test_two_mappings_that_a_file_takes_out_together_are_seen_together(self, browser: Any) -> None:
        SkuMapping.objects.create(dsco_sku="LAMP", erp_sku="LX-OTHER", for_orders=False)
        first, second = ["LAMP", "LX-LAMP", 1, 0, 0, None], ["LAMP", "LX-OTHER", 0, 0, 0, None]
        assert upload(browser, [first]).context["result"].warnings == []
        [(sentence, numbers)] = upload(browser, [first, second]).context["result"].warnings
        assert "goes on selling the last figure" in sentence
        assert numbers == [2, 3]
