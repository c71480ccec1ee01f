"""What LingXing holds of an order, from its own item rows: splits added up, merged orders told apart, bundles once."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from integrations.lingxing.schemas import ErpOrderRow
from integrations.sandbox.demo import erp_sku
from orders.erp_quantities import items_of, units_in_erp
from orders.models import ErpOrder, Order, OrderLine
from orders.order_story import load_story, with_steps

from .journeys import acknowledged, line, order_of, pushed, run

LAMP, RUG = erp_sku("LAMP"), erp_sku("RUG")


def row(*items: dict[str, Any], **members: Any) -> ErpOrderRow:
    return ErpOrderRow.model_validate({"global_order_no": "103", "item_info": list(items), **members})


def erp(*items: tuple[str, int, str], status: int = 5, number: str = "103") -> ErpOrder:
    stored = [{"sku": sku, "units": units, "number": platform} for sku, units, platform in items]
    return ErpOrder(global_order_no=number, status=status, items=stored, read_at=timezone.now())


def lines(*units: tuple[str, int]) -> list[OrderLine]:
    return [
        OrderLine(pk=index + 1, order=Order(), position=index, sku=sku, erp_sku=sku, quantity=quantity)
        for index, (sku, quantity) in enumerate(units)
    ]


class TestStoredItems:
    def test_a_bundle_is_one_item_and_deleted_items_are_none(self):
        read = row(
            {"platform_order_no": "PO-1", "local_sku": "SET", "quantity": 2, "is_bundled": 1,
             "bundled_products": [{"sku": "PART", "quantity": 4}]},
            {"platform_order_no": "PO-1", "local_sku": "RUG", "quantity": 1, "is_delete": 1},
        )  # fmt: skip
        assert items_of(read) == [{"sku": "SET", "units": 2, "number": "PO-1"}]

    def test_an_item_that_names_no_order_is_the_only_orders(self):
        only = row({"local_sku": "RUG", "quantity": 1}, platform_info=[{"platform_order_no": "PO-1"}])
        assert items_of(only)[0]["number"] == "PO-1"
        merged = row(
            {"local_sku": "RUG", "quantity": 1},
            platform_info=[{"platform_order_no": "PO-1"}, {"platform_order_no": "PO-2"}],
        )
        assert items_of(merged)[0]["number"] == ""


class TestUnits:
    def test_parts_of_a_split_order_are_added_up(self):
        found = units_in_erp(lines(("A", 3)), "PO-1", [erp(("A", 1, "PO-1")), erp(("A", 2, "PO-1"), number="104")])
        assert found.by_line == {1: 3}

    def test_a_merged_order_counts_only_what_is_ours(self):
        found = units_in_erp(lines(("A", 3)), "PO-1", [erp(("A", 3, "PO-1"), ("A", 9, "PO-2"), ("B", 1, ""))])
        assert (found.by_line, found.unmatched) == ({1: 3}, {})

    @pytest.mark.parametrize("status", [7, 8])
    def test_what_is_cancelled_or_hidden_is_not_there(self, status):
        assert units_in_erp(lines(("A", 3)), "PO-1", [erp(("A", 3, "PO-1"), status=status)]).by_line == {}

    def test_two_lines_with_one_sku_are_filled_in_their_order(self):
        found = units_in_erp(lines(("A", 2), ("A", 2)), "PO-1", [erp(("A", 3, "PO-1"))])
        assert found.by_line == {1: 2, 2: 1}

    def test_what_is_on_no_line_is_named(self):
        assert units_in_erp(lines(("A", 2)), "PO-1", [erp(("GIFT", 1, "PO-1"))]).unmatched == {"GIFT": 1}

    def test_nothing_is_known_before_lingxing_was_read(self):
        unread = ErpOrder(global_order_no="103", read_at=timezone.now())
        assert units_in_erp(lines(("A", 2)), "PO-1", []) is None
        assert units_in_erp(lines(("A", 2)), "PO-1", [erp(("A", 2, "PO-1")), unread]) is None


class TestOnTheOrderPage:
    def in_erp(self, order_id: str) -> list[tuple[int | None, bool]]:
        story = load_story(with_steps(Order.objects.all()).get(dsco_order_id=order_id))
        return [(one.in_erp, one.differs_in_erp) for one in story.quantities.values()]

    def test_after_the_flow_has_read_it(self, sandbox):
        order_id = acknowledged(sandbox, line("LAMP", 3), line("RUG", 2))
        assert self.in_erp(order_id) == [(3, False), (2, False)]

    def test_a_difference_is_marked(self, sandbox):
        order_id = pushed(sandbox, line("LAMP", 3), line("RUG", 2))
        sandbox.lingxing.by_platform(order_id)[0]["item_info"][0]["quantity"] = 2
        sandbox.lingxing.audit(order_id)
        run("acknowledge_orders")
        assert self.in_erp(order_id) == [(2, True), (2, False)]

    def test_a_split_order_is_added_up(self, sandbox):
        order_id = pushed(sandbox, line("LAMP", 3), line("RUG", 2))
        sandbox.lingxing.split(order_id)
        for part in sandbox.lingxing.by_platform(order_id):
            if part["status"] == 4:
                sandbox.lingxing.audit(part["global_order_no"])
        run("acknowledge_orders")
        assert order_of(order_id).erp_orders.count() >= 2
        assert self.in_erp(order_id) == [(3, False), (2, False)]
