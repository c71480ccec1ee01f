"""The numbers in the menu: exact while there are few, counted now and then when there are very many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.admin import kinds
from orders.admin import package_queue
from orders.models import ErpPush, Shipment
from tests.staff.people import seeded

__all__ = ["seeded"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


@pytest.fixture(autouse=True)
def fresh_figures() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def opened(browser: Any) -> tuple[int, int]:
    """Open a page; return how often it counted the states of all kinds and the undecided packages."""
    with CaptureQueriesContext(connection) as captured:
        assert browser.get("/admin/preferences/").status_code == 200
    asked = [query["sql"] for query in captured.captured_queries]
    return sum("UNION ALL" in sql for sql in asked), sum(
        "orders_shipment" in sql and "reason_code" in sql and "UNION ALL" not in sql for sql in asked
    )


class TestNumbersInTheMenu:
    def test_few_are_counted_for_each_page(self, browser: Any, orders: list[Any]) -> None:
        assert opened(browser) == (1, 1)
        ErpPush.objects.update(status="succeeded", due_at=None)
        Shipment.objects.update(status="succeeded", due_at=None)
        assert opened(browser) == (1, 0)

    def test_very_many_are_counted_once_for_several_pages(
        self, browser: Any, orders: list[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(kinds, "MANY", 3)
        monkeypatch.setattr(package_queue, "MANY", 1)
        assert opened(browser) == (1, 1)
        assert opened(browser) == (0, 0)
        cache.clear()
        assert opened(browser) == (1, 1)
