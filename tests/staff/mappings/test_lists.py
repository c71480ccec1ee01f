"""LingXing's lists are read by a worker, kept whole, and never lost to a failure."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from integrations.flows.schedules import ensure_schedules
from integrations.lingxing.lists import list_states, read_lists
from integrations.models import LingXingEntry, LingXingList, ListName
from integrations.sandbox.faults import Fault
from integrations.tasks import read_lists as task
from inventory.models import StockLevel, WarehouseMapping
from orders.models import RetailerPolicy, ShippingMapping, Store, StoreMapping

STORE = "110000000000000001"


def codes(name: ListName) -> set[str]:
    return set(LingXingEntry.objects.filter(list=name).values_list("code", flat=True))


class TestReading:
    def test_all_four_lists_are_read_with_names(self, world: Any) -> None:
        world.lingxing.add_warehouse("3001", 3, "Overseas")
        world.lingxing.add_logistics_type("900", "3PL", 2, "3001")
        world.lingxing.add_product("LX-NEW", msku="MS-NEW", name="New lamp")
        world.lingxing.add_store("22", name="Other platform", platform_code=10001)

        assert set(read_lists().values()) == {"read"}

        assert codes(ListName.STORES) == {STORE, "22"}
        assert {"50", "51", "3001"} <= codes(ListName.WAREHOUSES)
        method = LingXingEntry.objects.get(list=ListName.LOGISTICS_TYPES, code="900")
        assert (method.owner, method.name.startswith("3PL")) == ("3001", True)
        pair = LingXingEntry.objects.get(list=ListName.PAIRS, code="MS-NEW")
        assert (pair.sku, pair.owner) == ("LX-NEW", STORE), "pairs of stores that we cannot use are not read"
        assert all(state.certain for state in list_states().values())
        assert world.violations == []

    def test_what_is_gone_in_lingxing_is_gone_after_the_next_reading(self, world: Any) -> None:
        read_lists()
        del world.lingxing._catalogue.warehouses["51"]
        read_lists()
        assert codes(ListName.WAREHOUSES) == {"50"}

    def test_a_failure_keeps_the_old_entries_and_is_said(self, world: Any) -> None:
        read_lists()
        world.faults.add(Fault("lingxing", "warehouses", "error_before", times=0))
        done = read_lists()
        assert done[ListName.WAREHOUSES] != "read"
        assert done[ListName.STORES] == "read"
        assert codes(ListName.WAREHOUSES) == {"50", "51"}
        assert LingXingList.objects.get(name="warehouses").error

    @pytest.mark.django_db
    def test_without_credentials_it_says_so_and_does_not_break(self, settings: Any) -> None:
        settings.LINGXING_APP_ID = ""
        assert "LINGXING_APP_ID is not set" in task()
        assert "LINGXING_APP_ID" in LingXingList.objects.get(name="stores").error

    @pytest.mark.django_db
    def test_they_are_read_once_a_day(self) -> None:
        ensure_schedules()
        row = Schedule.objects.get(func="integrations.tasks.read_lists")
        assert row.schedule_type == Schedule.DAILY


@pytest.mark.django_db
class TestPage:
    def test_it_shows_entries_and_when_they_were_read(self, browser: Any, lists: None) -> None:
        page = browser.get(reverse("admin:integrations_lingxingentry_changelist"))
        assert "Newark" in page.text
        assert "current" in page.text

    def test_never_read_is_said(self, browser: Any) -> None:
        page = browser.get(reverse("admin:integrations_lingxingentry_changelist"))
        assert "not read yet" in page.text

    def test_an_operator_may_have_them_read_a_viewer_not(self, browser_of: Any) -> None:
        address = reverse("admin:integrations_lingxingentry_read")
        assert browser_of().post(address).status_code == 403
        assert browser_of("change_lingxinglist").get(address).status_code == 405
        OrmQ.objects.all().delete()
        page = browser_of("change_lingxinglist", "add_skumapping").post(address, {"next": "/admin/unmapped/"})
        assert page["Location"] == "/admin/unmapped/"
        assert OrmQ.objects.get().task["func"] == "integrations.tasks.read_lists"
        assert Group.objects.get(name="operator").permissions.filter(codename="change_lingxinglist").exists()
        assert not Group.objects.get(name="viewer").permissions.filter(codename="change_lingxinglist").exists()

    def test_a_strange_way_back_is_not_taken(self, browser: Any) -> None:
        page = browser.post(reverse("admin:integrations_lingxingentry_read"), {"next": "https://evil.example/"})
        assert page["Location"] == reverse("admin:integrations_lingxingentry_changelist")


@pytest.mark.django_db
class TestNames:
    def test_ids_stand_with_the_names_that_lingxing_gives_them(self, browser: Any, lists: None) -> None:
        StoreMapping.objects.create(retailer_id="R1", store=Store.objects.create(store_id=STORE))
        WarehouseMapping.objects.create(dsco_code="EAST", wid="50")
        ShippingMapping.objects.create(warehouse_code="EAST", service_level="FECG", logistics_type_id="826")
        StockLevel.objects.create(wid="50", erp_sku="LX-1", available=1, total=1, locked=0, read_at=timezone.now())
        for page, name, code in (
            ("orders_storemapping", "DSCO US", STORE), ("inventory_warehousemapping", "Newark", "50"),
            ("orders_shippingmapping", "UPS Ground", "826"), ("inventory_stocklevel", "Newark", "50"),
        ):  # fmt: skip
            text = browser.get(reverse(f"admin:{page}_changelist")).text
            assert f'{name} <span class="ob-quiet">{code}</span>' in text, page

    def test_a_retailer_stands_with_the_name_that_its_policy_gives(self, browser: Any, db: None) -> None:
        RetailerPolicy.objects.create(retailer_id="R1", name="Harbor & Pine")
        StoreMapping.objects.create(retailer_id="R1", store=Store.objects.create(store_id=STORE))
        text = browser.get(reverse("admin:orders_storemapping_changelist")).text
        assert 'Harbor &amp; Pine <span class="ob-quiet">R1</span>' in text

    def test_an_id_without_a_name_stands_there_once(self, browser: Any, db: None) -> None:
        StoreMapping.objects.create(retailer_id="R1", store=Store.objects.create(store_id="777888999"))
        assert browser.get(reverse("admin:orders_storemapping_changelist")).text.count("777888999") == 1

    def test_our_own_name_of_a_store_comes_first(self, browser: Any, lists: None) -> None:
        StoreMapping.objects.create(retailer_id="R1", store=Store.objects.create(store_id=STORE, name="US shop"))
        text = browser.get(reverse("admin:orders_storemapping_changelist")).text
        assert f'US shop <span class="ob-quiet">{STORE}</span>' in text
        assert "DSCO US" not in text


class TestSuggestions:
    def ask(self, browser: Any, name: str, text: str = "") -> list[dict[str, str]]:
        return browser.get(reverse("lingxing-suggestions"), {"list": name, "q": text}).json()["entries"]

    def test_ids_come_with_their_names(self, browser: Any, lists: None) -> None:
        assert self.ask(browser, "warehouses", "new") == [{"value": "50", "label": "Newark"}]

    def test_only_what_can_be_used_is_offered(self, browser: Any, lists: None) -> None:
        assert [entry["value"] for entry in self.ask(browser, "stores")] == ["110000000000000001"]
        assert "59" not in [entry["value"] for entry in self.ask(browser, "warehouses")]

    def test_of_the_pairs_the_local_sku_is_offered(self, browser: Any, lists: None) -> None:
        assert self.ask(browser, "pairs", "rug") == [{"value": "LX-RUG", "label": "MSKU HP-RUG-03"}]

    def test_an_unknown_list_is_not_found(self, browser: Any) -> None:
        assert browser.get(reverse("lingxing-suggestions"), {"list": "secrets"}).status_code == 404
