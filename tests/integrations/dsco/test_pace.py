"""The documented limits are kept by waiting, across clients, and never by failing."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta

import pytest

from integrations import limits

from . import examples as example
from .conftest import Vendor, new_client


@pytest.fixture
def clock(time_machine, settings, monkeypatch):
    """Real limits on a clock that only sleeping moves."""
    settings.RATE_LIMIT_SCALE = 1
    traveller = time_machine
    traveller.move_to(datetime(2026, 3, 1, 9, tzinfo=UTC), tick=False)
    monkeypatch.setattr(limits.clock, "sleep", lambda seconds: traveller.shift(timedelta(seconds=seconds)))
    return traveller


@pytest.mark.parametrize(
    ("call", "path", "per_second", "per_minute"),
    [
        (lambda client: client.update_inventory(example.STOCK), "/inventory/singleItem", 5, 300),
        (lambda client: client.single_shipment(example.SHIPMENT), "/order/singleShipment", 15, 300),
        (lambda client: client.create_invoice(example.INVOICE), "/invoice", 15, 1000),
    ],
)
def test_two_programs_together_stay_below_the_limit(vendor: Vendor, db, clock, call, path, per_second, per_minute):
    arrivals: list[float] = []

    def arrive(request):
        arrivals.append(limits.time.time())
        return 201, {}, '{"success": true}'

    vendor.mock.add_callback("POST", "https://dsco.test/api/v3" + path, arrive)
    clients = [new_client(), new_client()]
    for number in range(400):
        call(clients[number % 2])

    assert most_within(arrivals, 1) <= per_second
    assert most_within(arrivals, 60) <= per_minute
    fastest = 400 / min(per_second, per_minute / 60)
    assert arrivals[-1] - arrivals[0] < fastest * 1.1  # and no slower than need be


def most_within(moments: list[float], seconds: float) -> int:
    """The largest number of moments in any stretch of ``seconds``."""
    stretch: deque[float] = deque()
    most = 0
    for moment in moments:
        stretch.append(moment)
        while stretch[0] <= moment - seconds:
            stretch.popleft()
        most = max(most, len(stretch))
    return most
