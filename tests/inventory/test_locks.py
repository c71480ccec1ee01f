"""The synchronisation and people at the same stock updates: nobody waits for somebody who waits for him."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from integrations.deliveries.states import State
from inventory.due_updates import update_deliveries
from inventory.models import StockUpdate

pytestmark = pytest.mark.django_db(transaction=True)


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")
def test_updates_are_locked_lowest_key_first_as_by_everybody_else():
    targets = {f"SKU-{number}": {"EAST": 5} for number in range(20)}
    update_deliveries(targets, timezone.now())
    ids = list(StockUpdate.objects.order_by("pk").values_list("pk", flat=True))
    for pk in reversed(ids):  # the database finds them in another order now
        StockUpdate.objects.filter(pk=pk).update(status=State.FAILED, due_at=None, reason_code="refused")

    def synchronise() -> None:
        update_deliveries(targets, timezone.now())
        connections.close_all()

    other = threading.Thread(target=synchronise)
    with transaction.atomic():
        StockUpdate.objects.select_for_update().get(pk=ids[0])
        other.start()
        until = time.monotonic() + 10
        while not waits_for_a_lock() and time.monotonic() < until:
            time.sleep(0.01)
        free = StockUpdate.objects.select_for_update(skip_locked=True).filter(pk__in=ids).values_list("pk", flat=True)
        assert sorted(free) == ids
    other.join(30)
