"""The synchronisation and people at the same stock updates: nobody waits for somebody who waits for him."""

from __future__ import annotations

import pytest
from django.db import connection  # noqa: F401 (the condition of skipif)
from django.utils import timezone

from integrations.deliveries.states import State
from inventory.due_updates import update_deliveries
from inventory.models import StockUpdate
from tests.at_once import waiting_for_us

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")
def test_updates_are_locked_lowest_key_first_as_by_everybody_else():
    targets = {f"SKU-{number}": {"EAST": 5} for number in range(20)}
    update_deliveries(targets, timezone.now())
    ids = list(StockUpdate.objects.order_by("pk").values_list("pk", flat=True))
    for pk in reversed(ids):  # the database finds them in another order now
        StockUpdate.objects.filter(pk=pk).update(status=State.FAILED, due_at=None, reason_code="refused")

    rows = StockUpdate.objects.select_for_update()
    with waiting_for_us(lambda: update_deliveries(targets, timezone.now()), lambda: rows.get(pk=ids[0])):
        free = StockUpdate.objects.select_for_update(skip_locked=True).filter(pk__in=ids).values_list("pk", flat=True)
        assert sorted(free) == ids
