"""The way to a page, in its head: called as the menu calls it, never the same word twice."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.urls import reverse

from integrations.models import Cause
from inventory.models import SkuMapping
from orders.models import Order


def way(browser: Any, address: str) -> list[str]:
    """Return what the head of a page says, step by step."""
    [head] = re.findall(r"<h1\b.*?</h1>", browser.get(address).content.decode(), re.DOTALL)
    steps = re.sub(r"<[^>]+>", "\n", head.replace("chevron_right", "")).split("\n")
    return [html.unescape(step.strip()) for step in steps if step.strip()]


@pytest.mark.usefixtures("seeded")
class TestTheWayToAPage:
    @pytest.mark.parametrize(
        ("language", "address", "steps"),
        [
            ("zh-hans", "/admin/orders/order/", ["订单"]),
            ("zh-hans", "/admin/integrations/cause/", ["异常", "异常收件箱"]),
            ("zh-hans", "/admin/inventory/skumapping/import/", ["映射与规则", "SKU 映射", "导入"]),
            ("en", "/admin/orders/order/", ["Orders"]),
            ("en", "/admin/integrations/cause/", ["Exceptions", "Exceptions inbox"]),
            ("en", "/admin/integrations/flow/", ["Flows"]),
            ("en", "/admin/integrations/apicall/", ["Technical", "API calls"]),
            ("en", "/admin/unmapped/", ["Mappings and policies", "Codes without a mapping"]),
            ("en", "/admin/orders/erppush/?status__in=failed", ["Exceptions", "ERP push"]),
            ("en", "/admin/inventory/skumapping/add/", ["Mappings and policies", "SKU mappings", "Add SKU mapping"]),
            ("en", "/admin/", ["Overview"]),
        ],
    )  # fmt: skip
    def test_a_page_is_called_as_the_menu_calls_it(
        self, browser: Any, language: str, address: str, steps: list[str]
    ) -> None:
        browser.cookies["django_language"] = language
        assert way(browser, address) == steps

    def test_the_pages_of_a_record_name_the_record_and_what_is_done(self, browser: Any) -> None:
        order = Order.objects.order_by("pk")[0]
        page = reverse("admin:orders_order_change", args=[order.pk])
        assert way(browser, page) == ["Orders", str(order)]
        assert way(browser, page.replace("change", "act/hold")) == ["Orders", str(order), "Hold"]
        mapping = SkuMapping.objects.create(dsco_sku="A", erp_sku="B")
        history = reverse("admin:inventory_skumapping_history", args=[mapping.pk])
        assert way(browser, history) == ["Mappings and policies", "SKU mappings", "A → B", "History"]
        cause = Cause.objects.order_by("pk")[0]
        steps = way(browser, reverse("admin:integrations_cause_change", args=[cause.pk]))
        assert steps[:2] == ["Exceptions", "Exceptions inbox"]
        assert len(steps) == 3
