"""The page of unmapped codes: counted by the database, proposals with reasons, one form that maps and retries."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ

from integrations.deliveries.states import State
from integrations.models import ListName
from inventory.models import SkuMapping, StockLevel, WarehouseMapping
from orders.admin import releasing
from orders.mappings import MappingBook, UnmappedCodes
from orders.models import ErpPush, Order, OrderLine, ShippingMapping, Store, StoreMapping
from orders.unmapped import SHIPPING, SKU, STOCK, STORE, WAREHOUSE, unmapped_codes
from tests.staff.inbox.conftest import RETAILERS, make_orders, park

from .conftest import listed

ADDRESS = "/admin/unmapped/"


def map_retailers() -> None:
    store = Store.objects.create(store_id="110000000000000001")
    StoreMapping.objects.bulk_create(StoreMapping(retailer_id=retailer, store=store) for retailer in RETAILERS)


def waiting(number: int, start: int = 0, **columns: Any) -> list[Order]:
    """Orders parked for a missing mapping."""
    orders = make_orders(number, start)
    if columns:
        Order.objects.filter(pk__in=[order.pk for order in orders]).update(**columns)
    park(orders)
    return orders


def send(browser: Any, kind: str, *answers: tuple[str, str], follow: bool = True, **more: str) -> Any:
    data = {"code": [code for code, _t in answers], "target": [target for _c, target in answers], **more}
    return browser.post(f"{ADDRESS}?kind={kind}", data, follow=follow)


@pytest.mark.django_db
class TestCounting:
    def test_without_waiting_orders_it_reassures(self, browser: Any) -> None:
        page = browser.get(ADDRESS)
        assert "All codes that orders need are mapped." in page.text

    def test_each_code_has_its_orders_lines_times_and_example(self, browser: Any) -> None:
        orders = waiting(3)
        OrderLine.objects.create(order=orders[0], position=1, sku="HP-RUG-03", quantity=1)
        [row] = unmapped_codes()[SKU].rows
        assert (row.code, row.orders, row.parked, row.lines) == ("HP-RUG-03", 3, 3, 4)
        assert row.deadline == orders[0].ship_by
        assert row.example == orders[0].pk
        assert row.retailers == 2
        page = browser.get(ADDRESS)
        assert orders[0].dsco_order_id in page.text
        assert "Retailer 0" in page.text

    def test_what_is_not_wanted_any_more_is_not_counted(self) -> None:
        orders = waiting(3)
        OrderLine.objects.filter(order=orders[0]).update(cancelled_quantity=1)
        ErpPush.objects.filter(order=orders[1]).update(status=State.CANCELLED)
        ErpPush.objects.filter(order=orders[2]).update(status=State.SUCCEEDED)
        assert not unmapped_codes()[SKU].rows

    def test_orders_that_wait_for_something_else_are_counted_apart(self) -> None:
        park(make_orders(2, start=50), status=State.WAITING, code="held")
        waiting(1)
        [row] = unmapped_codes()[SKU].rows
        assert (row.orders, row.parked) == (3, 1)

    def test_lines_without_sku_are_told_apart(self, browser: Any) -> None:
        OrderLine.objects.filter(order__in=waiting(2)).update(sku="", partner_sku="P-1")
        assert not unmapped_codes()[SKU].rows
        assert "2 lines of waiting orders name no SKU at all" in browser.get(f"{ADDRESS}?kind=sku").text

    def test_stock_that_no_mapping_names_is_shown(self, browser: Any) -> None:
        now = timezone.now()
        SkuMapping.objects.create(dsco_sku="A", erp_sku="LX-A")
        StockLevel.objects.bulk_create([
            StockLevel(wid="50", erp_sku="LX-A", available=4, read_at=now),
            StockLevel(wid="50", erp_sku="LX-B", available=4, read_at=now),
            StockLevel(wid="51", erp_sku="LX-B", available=1, third_party_sellable=6, read_at=now),
            StockLevel(wid="51", erp_sku="LX-0", available=0, read_at=now),
        ])  # fmt: skip
        assert [(row.code, row.units) for row in unmapped_codes()[STOCK].rows] == [("LX-B", 10)]
        assert "LX-B" in browser.get(f"{ADDRESS}?kind=stock").text

    @pytest.mark.parametrize("seed", range(6))
    def test_the_database_finds_what_resolving_every_order_would_find(self, seed: int) -> None:
        dice = random.Random(seed)
        orders = make_orders(40)
        for order in orders:
            order.retailer_id = dice.choice(["R1", "R2"])
            order.warehouse_code = dice.choice(["", "EAST", "WEST"])
            order.service_level = dice.choice(["", "FECG", "FEHD"])
            order.ship_carrier, order.ship_method = dice.choice([("", ""), ("UPS", "Ground"), ("UPS", "")])
            order.save()
            OrderLine.objects.filter(order=order).update(
                sku=dice.choice("ABC"), warehouse_code=dice.choice(["", "EAST", "NORTH"])
            )
            if dice.random() < 0.5:
                OrderLine.objects.create(
                    order=order, position=1, sku=dice.choice("ABC"), quantity=1,
                    warehouse_code=dice.choice(["", "EAST", "NORTH"]),
                )  # fmt: skip
        park(orders)
        SkuMapping.objects.create(dsco_sku="A", erp_sku="LX-A")
        SkuMapping.objects.create(dsco_sku="B", erp_sku="LX-B", for_orders=False)
        store = Store.objects.create(store_id="1")
        StoreMapping.objects.create(retailer_id="R1", store=store)
        WarehouseMapping.objects.create(dsco_code="EAST", wid="50")
        if seed % 2:
            ShippingMapping.objects.create(warehouse_code="EAST", service_level="FECG", logistics_type_id="1")
        if seed == 5:
            ShippingMapping.objects.create(warehouse_code="*", service_level="FEHD", logistics_type_id="1")

        wanted: Counter[tuple[str, str]] = Counter()
        loaded = list(Order.objects.prefetch_related("lines"))
        book = MappingBook.load(loaded)
        for order in loaded:
            try:
                book.resolve(order, order.lines.all())
            except UnmappedCodes as problem:
                wanted.update({(item.code, item.value) for item in problem.missing})
        found = unmapped_codes()
        names = {SKU: "unmapped_sku", STORE: "unmapped_store", WAREHOUSE: "unmapped_warehouse"}
        names[SHIPPING] = "unmapped_shipping"
        assert {
            (names[kind], row.code): row.orders for kind in names for row in found[kind].rows
        } == dict(wanted)  # fmt: skip

    def test_of_very_many_codes_the_most_wanted_are_listed(self, browser: Any, monkeypatch: Any) -> None:
        for index, order in enumerate(waiting(6)):
            OrderLine.objects.filter(order=order).update(sku=f"SKU-{index}")
        OrderLine.objects.create(order=Order.objects.order_by("pk")[0], position=1, sku="SKU-4", quantity=1)
        monkeypatch.setattr("orders.unmapped.MOST_LISTED", 2)
        found = unmapped_codes()[SKU]
        assert ([row.code for row in found.rows], found.number) == (["SKU-4", "SKU-0"], 6)
        assert "The 2 most wanted of 6 codes are listed" in browser.get(f"{ADDRESS}?kind=sku").text
        page = send(browser, SKU, ("SKU-5", "LX-5"), confirm_warnings="")  # one that is not listed any more
        assert "Mapped already" not in page.text

    def test_the_number_of_queries_does_not_grow(self, browser: Any, django_assert_max_num_queries: Any) -> None:
        for index, order in enumerate(waiting(150)):
            OrderLine.objects.filter(order=order).update(sku=f"SKU-{index}")
        with django_assert_max_num_queries(36):
            browser.get(f"{ADDRESS}?kind=sku")


@pytest.mark.django_db
class TestProposals:
    def test_the_pairing_of_the_msku_comes_before_the_same_name(self, browser: Any) -> None:
        listed(ListName.PAIRS, {"code": "HP-RUG-03", "sku": "LX-RUG", "owner": "11"},
               {"code": "OTHER", "sku": "HP-RUG-03", "owner": "11"})  # fmt: skip
        waiting(1)
        text = browser.get(ADDRESS).text
        assert 'value="LX-RUG"' in text
        assert "LingXing pairs MSKU HP-RUG-03 with it (store 11)." in text

    def test_a_local_sku_of_the_same_name_is_proposed(self, browser: Any) -> None:
        StockLevel.objects.create(wid="50", erp_sku="HP-RUG-03", available=4, read_at=timezone.now())
        waiting(1)
        assert "LingXing has a local SKU of the same name." in browser.get(f"{ADDRESS}?kind=sku").text

    def test_several_pairings_are_named_and_none_is_chosen(self, browser: Any) -> None:
        listed(ListName.PAIRS, {"code": "HP-RUG-03", "sku": "LX-1", "owner": "11"},
               {"code": "HP-RUG-03", "sku": "LX-2", "owner": "12"})  # fmt: skip
        waiting(1)
        text = browser.get(ADDRESS).text
        assert "with several SKUs: LX-1, LX-2. Choose one." in text
        assert 'value="LX-1"' not in text

    def test_store_warehouse_and_shipping_have_proposals_too(self, browser: Any, lists: None) -> None:
        waiting(1, warehouse_code="Newark", service_level="FECG")
        ShippingMapping.objects.create(warehouse_code="EAST", service_level="FECG", logistics_type_id="826")
        assert 'value="110000000000000001"' in browser.get(f"{ADDRESS}?kind=store").text
        assert 'value="50"' in browser.get(f"{ADDRESS}?kind=warehouse").text
        WarehouseMapping.objects.create(dsco_code="Newark", wid="50")
        assert 'value="826"' in browser.get(f"{ADDRESS}?kind=shipping").text

    def test_all_proposals_are_accepted_at_once_but_doubtful_ones(self, browser: Any) -> None:
        map_retailers()
        waiting(1)
        OrderLine.objects.filter(order__in=waiting(1, start=10)).update(sku="TWIN")
        listed(ListName.PAIRS, {"code": "HP-RUG-03", "sku": "LX-RUG", "owner": "11"},
               {"code": "TWIN", "sku": "LX-SHARED", "owner": "11"})  # fmt: skip
        SkuMapping.objects.create(dsco_sku="FIRST", erp_sku="LX-SHARED")
        page = send(browser, SKU, accept_all="1")
        assert SkuMapping.objects.get(dsco_sku="HP-RUG-03").erp_sku == "LX-RUG"
        assert not SkuMapping.objects.filter(dsco_sku="TWIN").exists()
        assert "1 proposal has a warning and was left" in page.text


@pytest.mark.django_db
class TestMapping:
    def test_several_codes_are_mapped_and_the_orders_go(self, browser: Any) -> None:
        map_retailers()
        orders = waiting(4)
        OrderLine.objects.filter(order__in=orders[:2]).update(sku="B-1")
        page = send(browser, SKU, ("HP-RUG-03", "LX-RUG"), ("B-1", " LX-B "))
        assert "2 mappings saved." in page.text
        assert "4 orders that waited for a mapping go to LingXing now." in page.text
        assert set(ErpPush.objects.values_list("status", flat=True)) == {State.DUE}
        entry = SkuMapping.objects.get(dsco_sku="B-1").history.get()
        assert (entry.history_user.username, entry.history_change_reason) == ("boss", "unmapped codes")
        assert "All codes that orders need are mapped." in page.text

    def test_empty_fields_and_other_rows_are_left_out(self, browser: Any) -> None:
        orders = waiting(2)
        OrderLine.objects.filter(order=orders[0]).update(sku="B-1")
        send(browser, SKU, ("HP-RUG-03", ""), ("B-1", ""))
        assert not SkuMapping.objects.exists()
        send(browser, SKU, ("HP-RUG-03", "LX-RUG"), ("B-1", "LX-B"), only="B-1")
        assert list(SkuMapping.objects.values_list("dsco_sku", flat=True)) == ["B-1"]

    def test_when_other_codes_are_missing_too_it_says_so(self, browser: Any) -> None:
        waiting(1)
        page = send(browser, SKU, ("HP-RUG-03", "LX-RUG"))
        assert "the orders lack other codes too" in page.text

    def test_an_impossible_id_saves_nothing_and_stands_at_its_row(self, browser: Any, lists: None) -> None:
        waiting(1, warehouse_code="EAST")
        page = send(browser, WAREHOUSE, ("EAST", "99"))
        assert "LingXing has no warehouse" in page.text
        assert 'value="99"' in page.text
        assert not WarehouseMapping.objects.exists()

    def test_a_warning_is_confirmed_on_the_page(self, browser: Any, lists: None) -> None:
        waiting(1, warehouse_code="EAST")
        WarehouseMapping.objects.create(dsco_code="NJ", wid="50")
        page = send(browser, WAREHOUSE, ("EAST", "50"))
        assert "reported to DSCO once only" in page.text
        assert WarehouseMapping.objects.count() == 1
        send(browser, WAREHOUSE, ("EAST", "50"), confirm_warnings=page.context["answered"].confirmation)
        assert WarehouseMapping.objects.count() == 2

    def test_what_a_colleague_mapped_meanwhile_is_left_alone(self, browser: Any) -> None:
        waiting(1)
        SkuMapping.objects.create(dsco_sku="HP-RUG-03", erp_sku="LX-THEIRS")
        page = send(browser, SKU, ("HP-RUG-03", "LX-MINE"))
        assert SkuMapping.objects.get().erp_sku == "LX-THEIRS"
        assert "Mapped already, left as it is: HP-RUG-03." in page.text

    def test_stock_gets_a_mapping_of_its_own_beside_the_one_for_orders(self, browser: Any) -> None:
        StockLevel.objects.create(wid="50", erp_sku="LX-B", available=4, read_at=timezone.now())
        SkuMapping.objects.create(dsco_sku="A", erp_sku="LX-A")
        page = send(browser, STOCK, ("LX-B", "A"))
        assert "added up" in page.text
        send(browser, STOCK, ("LX-B", "A"), confirm_warnings=page.context["answered"].confirmation)
        assert SkuMapping.objects.get(erp_sku="LX-B").for_orders is False
        assert SkuMapping.objects.get(erp_sku="LX-A").for_orders is True

    def test_very_many_waiting_orders_are_left_to_the_worker(self, browser: Any, monkeypatch: Any) -> None:
        monkeypatch.setattr(releasing, "MOST_AT_ONCE", 1)
        map_retailers()
        waiting(3)
        from integrations.models import Flow

        Flow.objects.create(name="push_orders")
        page = send(browser, SKU, ("HP-RUG-03", "LX-RUG"))
        assert "A worker goes through them now" in page.text
        assert [job.task["args"] for job in OrmQ.objects.all()] == [("push_orders", "boss")]

    def test_a_viewer_looks_but_does_not_map(self, browser_of: Any) -> None:
        waiting(1)
        viewer = browser_of()
        page = viewer.get(ADDRESS)
        assert page.status_code == 200
        assert "Map this" not in page.text
        assert send(viewer, SKU, ("HP-RUG-03", "LX-RUG"), follow=False).status_code == 403
        assert not SkuMapping.objects.exists()

    def test_the_sidebar_leads_there(self, browser: Any) -> None:
        assert f'href="{ADDRESS}"' in browser.get(reverse("admin:index")).text
