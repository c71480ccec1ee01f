"""A vendor is out for a day; then the work drains by itself, nearest deadlines first, and nothing is given up."""

from __future__ import annotations

import pytest

from .day_without import tell
from .world import lay_foundations


@pytest.mark.any_database
@pytest.mark.parametrize(("vendor", "way"), [("dsco", "error_before"), ("lingxing", "timeout_before")])
def test_a_day_without_a_vendor_drains_by_itself(transactional_db, monkeypatch, vendor, way):
    monkeypatch.setattr("integrations.deliveries.queue_order.CHUNK", 10)
    lay_foundations()
    story, problems = tell(vendor=vendor, way=way, orders=240, steps=24)
    assert not problems, "\n".join([*story.log[-60:], *problems])
    assert story.figures["minutes until everything was invoiced"] < 60
