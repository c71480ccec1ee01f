"""How long an order takes at default settings: the timer as django-q2 ticks, vendors that take their time."""

from __future__ import annotations

import pytest
from django.conf import settings
from django_q.conf import Conf

from integrations.flows import flow_definitions
from integrations.tasks import run_scheduled_flow
from orders.models import Stage

from .world import World, lay_foundations, surroundings

# django-q2 looks for what is planned every half minute.
TICK_SECONDS = 30.0
MINUTES = 15
ORDERS = 24


class Ordinary(World):
    """Nothing goes wrong. LingXing answers after a second, DSCO after 150 ms; nobody waits for a review."""

    def _choose(self) -> None:
        self.features = set()
        settings.BATCH_FROM, settings.PUSH_BATCH_SIZE = 30, 20
        options = self.sandbox.options
        options.dsco_latency_seconds, options.lingxing_latency_seconds = 0.15, 1.0
        options.audit_after_seconds = 0
        self._planned = {one.name: self.clock.now + self.chance.uniform(0, 60) for one in flow_definitions()}
        self._tick_at = self.clock.now + TICK_SECONDS

    def until(self, moment: float) -> None:
        """Let time pass; the timer starts what is planned, and a run starts at once what it has released."""
        while self._tick_at <= moment:
            self.advance(self._tick_at - self.clock.now)
            self._tick_at += TICK_SECONDS
            for definition in flow_definitions():
                if definition.interval_seconds < 3600 and self._planned[definition.name] <= self.clock.now:
                    self._planned[definition.name] += definition.interval_seconds
                    assert run_scheduled_flow(definition.name) in ("succeeded", "fresh")
        self.advance(moment - self.clock.now)


@pytest.mark.any_database
def test_orders_and_shipments_get_where_they_belong_in_time(transactional_db, monkeypatch):
    monkeypatch.setattr(Conf, "SYNC", True)  # what is queued is done at once, by this process
    lay_foundations()
    with surroundings() as (sandbox, clock, wire):
        world = Ordinary(7, sandbox, clock, wire)
        start, chance = clock.now, world.chance
        moments = sorted(start + chance.uniform(0, MINUTES * 60) for _order in range(ORDERS))
        placed: dict[str, float] = {}
        shipped: dict[str, float] = {}
        leaving: list[tuple[float, str]] = []
        for moment in [*moments, start + MINUTES * 60 + 600]:
            while leaving and leaving[0][0] <= moment:
                at, number = leaving.pop(0)
                world.until(at)
                (erp_order,) = sandbox.lingxing.by_platform(number)
                sandbox.lingxing.ship(erp_order["global_order_no"])
                shipped[number] = clock.now
            world.until(moment)
            if len(placed) < len(moments):
                number = str(sandbox.dsco.add_order(lines=[{"sku": "HP-LAMP-01", "quantity": 1}])["dscoOrderId"])
                placed[number] = clock.now
                leaving = sorted([*leaving, (clock.now + chance.uniform(150, 400), number)])
        assert not world.open_stages() or set(world.open_stages().values()) == {Stage.SHIPPED}
        in_erp = {one.key: one.at for one in sandbox.lingxing.effects if one.kind == "erp_order"}
        reported = {one.key: one.at for one in sandbox.dsco.effects if one.kind == "shipment"}
        to_erp = [in_erp[number] - placed[number] for number in placed]
        to_dsco = [reported[number] - shipped[number] for number in shipped]
        assert len(to_erp) == len(to_dsco) == ORDERS
        # At most: a minute of the timer, DSCO's ten seconds, and the calls.
        assert max(to_erp) <= 75
        assert max(to_dsco) <= 120
