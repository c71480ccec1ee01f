"""Editing a mapping: what LingXing doesn't have is refused, what is doubtful is confirmed."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import pytest
from django.core.management import call_command
from django.urls import reverse

from integrations.models import ListName
from inventory.models import SkuMapping, WarehouseMapping
from orders.models import ShippingMapping, Store, StoreMapping

from .conftest import listed

pytestmark = pytest.mark.django_db

WAREHOUSE = {"stock_source": "erp", "sync_stock": "on"}
SKU = {"for_orders": "on", "sync_stock": "on", "stock_buffer": "0"}


def add(browser: Any, table: str, **values: str) -> Any:
    return browser.post(reverse(f"admin:{table}_add"), values, follow=True)


def confirmed(browser: Any, table: str, page: Any, **values: str) -> Any:
    """Tick the box of the page and save again."""
    [token] = re.findall(r'name="confirm_warnings" value="(\w+)"', page.text)
    return add(browser, table, **values, confirm_warnings=token)


class TestIds:
    def test_an_id_that_lingxing_does_not_have_is_refused_with_what_to_do(self, browser: Any, lists: None) -> None:
        page = add(browser, "inventory_warehousemapping", dsco_code="EAST", wid="99", **WAREHOUSE)
        assert "LingXing has no warehouse with the id (wid) 99" in page.text
        assert "read LingXing&#x27;s lists now and save again" in page.text
        assert not WarehouseMapping.objects.exists()

    def test_a_known_id_is_saved_at_once(self, browser: Any, lists: None) -> None:
        add(browser, "inventory_warehousemapping", dsco_code="EAST", wid="50", **WAREHOUSE)
        assert WarehouseMapping.objects.get().wid == "50"

    def test_a_list_that_was_never_read_only_warns(self, browser: Any) -> None:
        page = add(browser, "inventory_warehousemapping", dsco_code="EAST", wid="99", **WAREHOUSE)
        assert WarehouseMapping.objects.get().wid == "99"
        assert "could not be checked" in page.text

    @pytest.mark.parametrize(("days_ago", "complete"), [(5, True), (0, False)], ids=["old", "incomplete"])
    def test_a_list_that_is_not_certain_asks(self, browser: Any, days_ago: int, complete: bool) -> None:
        listed(ListName.WAREHOUSES, {"code": "50"}, days_ago=days_ago, complete=complete)
        values = {"dsco_code": "EAST", "wid": "99", **WAREHOUSE}
        page = add(browser, "inventory_warehousemapping", **values)
        assert not WarehouseMapping.objects.exists()
        assert "old or incomplete" in page.text
        confirmed(browser, "inventory_warehousemapping", page, **values)
        assert WarehouseMapping.objects.get().wid == "99"

    @pytest.mark.parametrize(("wid", "words"), [("59", "switched off or deleted"), ("70", "Amazon")])
    def test_a_warehouse_out_of_use_asks(self, wid: str, words: str, browser: Any, lists: None) -> None:
        page = add(browser, "inventory_warehousemapping", dsco_code="EAST", wid=wid, **WAREHOUSE)
        assert words in page.text
        assert not WarehouseMapping.objects.exists()

    def test_a_sku_is_never_refused_but_asked_about(self, browser: Any, lists: None) -> None:
        values = {"dsco_sku": "A-1", "erp_sku": "LX-TYPO", **SKU}
        page = add(browser, "inventory_skumapping", **values)
        assert "neither paired in LingXing nor in stock" in page.text
        assert not SkuMapping.objects.exists()
        confirmed(browser, "inventory_skumapping", page, **values)
        assert SkuMapping.objects.get().erp_sku == "LX-TYPO"

    def test_ticking_for_one_warning_does_not_confirm_another(self, browser: Any, lists: None) -> None:
        values = {"dsco_sku": "A-1", "erp_sku": "LX-TYPO", **SKU}
        page = add(browser, "inventory_skumapping", **values)
        page = confirmed(browser, "inventory_skumapping", page, **{**values, "erp_sku": "LX-OTHER"})
        assert not SkuMapping.objects.exists()
        assert "LX-OTHER" in page.text


class TestStores:
    def test_the_store_is_made_with_its_name(self, browser: Any, lists: None) -> None:
        add(browser, "orders_storemapping", retailer_id="R1", store_id="110000000000000001")
        mapping = StoreMapping.objects.get()
        assert (mapping.store.store_id, mapping.store.name) == ("110000000000000001", "DSCO US")

    def test_another_platforms_store_asks(self, browser: Any, lists: None) -> None:
        page = add(browser, "orders_storemapping", retailer_id="R1", store_id="220")
        assert "is of another platform" in page.text
        assert not StoreMapping.objects.exists()

    def test_two_retailers_may_share_a_store_and_it_is_said(self, browser: Any, lists: None) -> None:
        add(browser, "orders_storemapping", retailer_id="R1", store_id="110000000000000001")
        page = add(browser, "orders_storemapping", retailer_id="R2", store_id="110000000000000001")
        assert StoreMapping.objects.count() == 2
        assert Store.objects.count() == 1
        assert "also takes the orders of: R1" in page.text

    def test_editing_shows_the_id_and_keeps_it(self, browser: Any, lists: None) -> None:
        add(browser, "orders_storemapping", retailer_id="R1", store_id="110000000000000001")
        address = reverse("admin:orders_storemapping_change", args=[StoreMapping.objects.get().pk])
        assert 'value="110000000000000001"' in browser.get(address).text


class TestTwoSourcesOnOneTarget:
    def test_two_codes_for_one_warehouse_must_be_confirmed(self, browser: Any, lists: None) -> None:
        WarehouseMapping.objects.create(dsco_code="EAST", wid="50")
        values = {"dsco_code": "NJ", "wid": "50", **WAREHOUSE}
        page = add(browser, "inventory_warehousemapping", **values)
        assert "reported to DSCO once only" in page.text
        assert WarehouseMapping.objects.count() == 1
        confirmed(browser, "inventory_warehousemapping", page, **values)
        assert WarehouseMapping.objects.count() == 2

    def test_one_code_for_two_warehouses_is_added_up_after_confirming(self, browser: Any, lists: None) -> None:
        WarehouseMapping.objects.create(dsco_code="EAST", wid="50")
        page = add(browser, "inventory_warehousemapping", dsco_code="EAST", wid="51", **WAREHOUSE)
        assert "added up" in page.text
        assert WarehouseMapping.objects.count() == 1

    def test_two_skus_that_sell_the_same_units_must_be_confirmed(self, browser: Any, lists: None) -> None:
        SkuMapping.objects.create(dsco_sku="HP-RUG-03", erp_sku="LX-RUG")
        page = add(browser, "inventory_skumapping", dsco_sku="B-1", erp_sku="LX-RUG", **SKU)
        assert "could be sold twice" in page.text
        assert SkuMapping.objects.count() == 1

    def test_changing_the_buffer_alone_asks_nothing(self, browser: Any, lists: None) -> None:
        SkuMapping.objects.create(dsco_sku="A", erp_sku="LX-RUG", for_orders=True)
        row = SkuMapping.objects.create(dsco_sku="B", erp_sku="LX-RUG", for_orders=True)
        values = {"dsco_sku": "B", "erp_sku": "LX-RUG", **SKU, "stock_buffer": "7"}
        browser.post(reverse("admin:inventory_skumapping_change", args=[row.pk]), values)
        row.refresh_from_db()
        assert row.stock_buffer == 7

    def test_moving_a_mapping_to_another_target_is_no_second_target(self, browser: Any, lists: None) -> None:
        row = WarehouseMapping.objects.create(dsco_code="EAST", wid="50")
        values = {"dsco_code": "EAST", "wid": "51", **WAREHOUSE}
        browser.post(reverse("admin:inventory_warehousemapping_change", args=[row.pk]), values)
        row.refresh_from_db()
        assert row.wid == "51"

    def test_a_second_mapping_for_orders_is_refused_in_plain_words(self, browser: Any, lists: None) -> None:
        SkuMapping.objects.create(dsco_sku="A", erp_sku="LX-RUG")
        page = add(browser, "inventory_skumapping", dsco_sku="A", erp_sku="LX-2", **SKU)
        assert "Orders use another mapping of this DSCO SKU" in page.text
        assert "Constraint" not in page.text


class TestShipping:
    VALUES: ClassVar = {"warehouse_code": "EAST", "service_level": "FECG", "logistics_type_id": "826"}

    def test_without_a_warehouse_mapping_it_says_that_it_cannot_work_yet(self, browser: Any, lists: None) -> None:
        page = add(browser, "orders_shippingmapping", **self.VALUES)
        assert "Map the warehouse too" in page.text
        assert not ShippingMapping.objects.exists()

    def test_a_method_of_another_warehouse_asks(self, browser: Any, lists: None) -> None:
        WarehouseMapping.objects.create(dsco_code="EAST", wid="50")
        page = add(browser, "orders_shippingmapping", **{**self.VALUES, "logistics_type_id": "827"})
        assert "belongs to LingXing warehouse 51" in page.text
        assert not ShippingMapping.objects.exists()

    def test_what_fits_is_saved(self, browser: Any, lists: None) -> None:
        WarehouseMapping.objects.create(dsco_code="EAST", wid="50")
        add(browser, "orders_shippingmapping", **self.VALUES)
        add(browser, "orders_shippingmapping", **{**self.VALUES, "warehouse_code": "*"})
        assert ShippingMapping.objects.count() == 2


def test_loadmappings_warns_and_loads(lists: None, tmp_path: Any, capsys: Any) -> None:
    file = tmp_path / "mappings.json"
    file.write_text('{"warehouses": {"EAST": "99"}, "shipping": {"EAST|FECG": "826"}}')
    call_command("loadmappings", str(file))
    said = capsys.readouterr()
    assert WarehouseMapping.objects.get().wid == "99"
    assert said.out.count("\n") == 1
    assert "LingXing has no warehouse" in said.err
    assert "Map the warehouse too" not in said.err, "the file itself maps it"


def test_the_form_says_what_its_fields_do(browser: Any) -> None:
    page = browser.get(reverse("admin:inventory_skumapping_add")).text
    assert "Units that are kept back" in page
    assert "DSCO is never told more than this" in page
    assert "counts as the stock of this warehouse" in browser.get(reverse("admin:inventory_warehousemapping_add")).text
