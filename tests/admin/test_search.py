"""An order is found by any of its numbers, one or many at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from orders.models import Order, Package

from .seed import seed


def found(browser: Any, text: str, list_name: str = "orders_order") -> list[Any]:
    page = browser.get(reverse(f"admin:{list_name}_changelist"), {"q": text})
    assert page.status_code == 200
    return list(page.context["cl"].result_list)


@pytest.fixture
def order(orders: list[Order]) -> Order:
    """One that has gone all the way: in LingXing, shipped, invoiced."""
    return Order.objects.filter(packages__isnull=False, invoice__invoice_id__isnull=False).order_by("pk")[0]


@pytest.mark.parametrize("number", ["dsco", "po", "consumer", "erp", "tracking", "outbound", "invoice"])
def test_an_order_is_found_by_each_of_its_numbers(number: str, order: Order, browser: Any) -> None:
    package = order.packages.all()[0]
    numbers = {
        "dsco": order.dsco_order_id, "po": order.po_number, "consumer": order.consumer_order_number,
        "erp": order.erp_links.get().erp_order.global_order_no, "tracking": package.tracking_number,
        "outbound": package.wo_number, "invoice": order.invoice.invoice_id,
    }  # fmt: skip
    assert found(browser, f"  {numbers[number]} ") == [order]
    assert [row.order for row in found(browser, numbers[number], "orders_shipment")] == [order]


@pytest.mark.parametrize("separator", [" ", ", ", "\r\n", "；", "，"])
def test_many_numbers_are_found_at_once(separator: str, orders: list[Order], browser: Any) -> None:
    pasted = separator.join(order.dsco_order_id for order in orders[:40])
    assert set(found(browser, pasted)) == set(orders[:40])


def test_hundreds_of_numbers_need_few_queries(browser: Any, django_assert_max_num_queries: Any) -> None:
    orders = seed(300)
    pasted = " ".join(order.po_number for order in orders)
    with django_assert_max_num_queries(30):
        page = browser.get(reverse("admin:orders_order_changelist"), {"q": pasted})
    assert page.context["cl"].result_count == 300


def test_a_po_number_with_blanks_is_found_as_a_whole(orders: list[Order], browser: Any) -> None:
    Order.objects.filter(pk=orders[3].pk).update(po_number="PO 77 B")
    assert found(browser, "PO 77 B") == [orders[3]]


def test_nothing_is_found_for_an_unknown_number(orders: list[Order], browser: Any) -> None:
    assert found(browser, "no-such-number") == []


def test_a_package_and_an_erp_order_are_found_by_their_order(order: Order, browser: Any) -> None:
    assert set(found(browser, order.po_number, "orders_package")) == set(Package.objects.filter(order=order))
    assert [row.orders.get() for row in found(browser, order.po_number, "orders_erporder")] == [order]


def test_stock_is_found_by_sku(orders: list[Order], browser: Any) -> None:
    assert [row.item.dsco_sku for row in found(browser, "HP-LAMP-01", "inventory_stockupdate")] == ["HP-LAMP-01"]
