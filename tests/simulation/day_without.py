"""A vendor does not answer for a day while orders keep coming, then it does: told in simulated time.

``python -m tests.simulation.day_out`` tells it at full size.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property

from django.conf import settings
from django.db.models import QuerySet

from integrations.clock import monotonic
from integrations.deliveries import queue_order
from integrations.deliveries.kinds import delivery_kinds
from integrations.flows import flow_definitions, run_flow
from integrations.models import ApiCall, VendorOutage
from integrations.sandbox.faults import Fault
from integrations.sandbox.http import Effect
from orders.models import Acknowledgement, ErpPush, Order
from tests.conftest import LOGISTICS_TYPES, WAREHOUSES

from .world import ENDED, SKUS, World, surroundings, told

HOUR = 3600.0
HOURS_OUT = 24
# How it is out: no connection, a gateway's 503, no answer within any time-out.
WAYS = ("cut", "error_before", "timeout_before")
# What the vendor's return sets free.
FREED = {"lingxing": "erp_order", "dsco": "acknowledgement"}
TOO_FAST = ("http_429", "3001008", "103")
FLOWS_EVERY = 60.0


class DayOut(World):
    """``before()``, ``out()``, ``back()`` until all is done, then ``problems()``."""

    def __init__(self, sandbox, clock, wire, *, vendor: str, way: str, orders: int, steps: int) -> None:
        self.vendor, self.way, self.number, self.steps = vendor, way, orders, steps
        self.back_at = self.out_at = 0.0
        self.figures: dict[str, float] = {}
        self._seen = 0
        self._placed: dict[str, float] = {}
        self._reviewed: list[str] = []
        self._next: dict[str, float] = {}
        super().__init__(1, sandbox, clock, wire)
        for wid in WAREHOUSES.values():  # enough for all
            for sku in SKUS:
                sandbox.lingxing.set_stock(wid, f"LX-{sku}", 10 * orders)

    def _choose(self) -> None:
        """Everything as it is by default; calls take a fifth of a second."""
        self.features = set()
        settings.BATCH_FROM, settings.PUSH_BATCH_SIZE = 30, 20
        self.sandbox.options.latency_seconds = 0.2

    # --- What happens -------------------------------------------------------------------------------

    def before(self) -> None:
        """Ordinary hours. Without DSCO nothing new is seen, so more must have come before."""
        share = 0.6 if self.vendor == "dsco" else 0.1
        for part in range(4):
            self._order(round(self.number * share / 4))
            for _minute in range(10):
                self._pass(FLOWS_EVERY)
            if part < 2:
                self._work_in_the_warehouse()
        self._order(self.number // 50)

    def out(self) -> None:
        """A day without the vendor, in which the others come and the warehouse goes on."""
        self.out_at = self.clock.now
        self.say(f"{self.vendor} is out ({self.way})")
        if self.way == "cut":
            self.wire.cut.add(self.vendor)
        else:
            self.sandbox.faults.add(Fault(self.vendor, "*", self.way, times=0, seconds=300))
        total, placed = self.number - len(self.orders), 0
        for step in range(1, self.steps + 1):
            self._order(total * step // self.steps - placed)
            placed = total * step // self.steps
            self._pass(self.out_at + HOURS_OUT * HOUR * step / self.steps - self.clock.now)
            self._work_in_the_warehouse(most=self.number // self.steps + 1)

    def back(self) -> None:
        """It answers again, with a stumble in its first minutes; until everything is done."""
        self.wire.cut.clear()
        self.sandbox.faults.clear()
        self.back_at = self.clock.now
        self.say(f"{self.vendor} is back")
        self.sandbox.faults.add(Fault(self.vendor, "*", "error_before", times=3, after=8))
        while self._open_orders().exists():
            self._pass(FLOWS_EVERY)
            self._work_in_the_warehouse()
            if self.clock.now - self.back_at > 24 * HOUR:
                self.say("not drained after a day")
                break
        self.figures["minutes until everything was invoiced"] = (self.clock.now - self.back_at) / 60

    def _order(self, number: int) -> None:
        chance, now = self.chance, datetime.fromtimestamp(self.clock.now, UTC)
        for _one in range(number):
            due = now + timedelta(hours=chance.uniform(30, 90))
            text = due.strftime("%Y-%m-%dT%H:%M:%S.000Z")
            order = self.sandbox.dsco.add_order(
                warehouse=chance.choice(list(WAREHOUSES)), service_level=chance.choice(list(LOGISTICS_TYPES)),
                lines=[{"sku": chance.choice(SKUS), "quantity": 1}], acknowledgeByDate=text, shipByDate=text,
                invoiceByDate=text,
            )  # fmt: skip
            self.orders[str(order["dscoOrderId"])] = text
            self._placed[str(order["dscoOrderId"])] = self.clock.now

    def _work_in_the_warehouse(self, most: int | None = None) -> None:
        """What LingXing has got is reviewed (at most so many), and has left the next time."""
        for number in self._reviewed:
            self.sandbox.lingxing.ship(number)
        new = list(self.sandbox.lingxing.orders)[self._seen :][:most]
        self._seen += len(new)
        for number in new:
            self.sandbox.lingxing.audit(number)
        self._reviewed = new

    def _pass(self, seconds: float) -> None:
        """Let time pass: the timer starts each flow at its interval, and what it releases goes at once."""
        until = self.clock.now + seconds
        for definition in flow_definitions():
            if self._next.get(definition.name, 0) > self.clock.now or definition.name == "reconcile":
                continue
            self._next[definition.name] = self.clock.now + definition.interval_seconds
            result = run_flow(definition.name, trigger="schedule", budget_seconds=300)
            self.say(f"{definition.name}: {told(result)}")
            assert result.status in ("succeeded", "stopped"), result
        self.advance(until - self.clock.now)

    def _open_orders(self) -> QuerySet[Order]:
        return Order.objects.exclude(stage__in=ENDED)

    # --- What must be true --------------------------------------------------------------------------

    def problems(self) -> list[str]:
        """What is not as it must be."""
        return [*self._books(), *self._deliveries(), *self._order_of_work(), *self._calls()]

    def _books(self) -> Iterator[str]:
        box = self.sandbox
        yield from (f"twice: {one}" for one in box.dsco.duplicates() + box.lingxing.duplicates())
        effects = Counter((effect.kind, effect.key) for effect in box.dsco.effects)
        for order_id in self.orders:
            for kind in ("acknowledgement", "shipment", "invoice"):
                if effects[kind, order_id] != 1:
                    yield f"{order_id}: {kind} {effects[kind, order_id]} times"
            if box.lingxing.effect_count("erp_order", order_id) != 1:
                yield f"{order_id}: not once in LingXing"

    def _deliveries(self) -> Iterator[str]:
        for name, kind in delivery_kinds().items():
            people = kind.model.objects.filter(status__in=["failed", "needs_attention"])
            yield from (f"{name} {row.key}: {row.status} {row.reason_code}" for row in people[:20])

    def _order_of_work(self) -> Iterator[str]:
        """What waited went nearest deadline first: each at the place of its deadline, as far as chunks tell."""
        kind = FREED[self.vendor]
        box = self.sandbox.lingxing if self.vendor == "lingxing" else self.sandbox.dsco
        done = [one for one in box.effects if one.kind == kind and one.at >= self.back_at and self._waited(one)]
        deadlines = [self.orders[one.key] for one in done]
        places = {deadline: place for place, deadline in enumerate(sorted(deadlines))}
        furthest = max((abs(places[deadline] - place) for place, deadline in enumerate(deadlines)), default=0)
        self.figures[f"{kind}: had waited"] = len(done)
        self.figures[f"{kind}: furthest from the place of its deadline"] = furthest
        if furthest > queue_order.CHUNK + settings.PUSH_BATCH_SIZE:
            yield f"{kind}: one was {furthest} places from where its deadline puts it"
        if len(done) < 0.2 * self.number:
            yield f"{kind}: only {len(done)} had waited"

    def _waited(self, effect: Effect) -> bool:
        """Whether it could have gone while the vendor was out, and did not fall behind by a stumble of its own."""
        if effect.key in self._sent_again:
            return False
        if effect.kind == "erp_order":
            return self._placed[effect.key] < self.back_at - 10 * FLOWS_EVERY
        return effect.key in self._in_erp_before_back

    @cached_property
    def _sent_again(self) -> set[str]:
        model = ErpPush if self.vendor == "lingxing" else Acknowledgement
        return set(model.objects.filter(attempts__gt=1).values_list("order__dsco_order_id", flat=True))

    @cached_property
    def _in_erp_before_back(self) -> set[str]:
        effects = self.sandbox.lingxing.effects
        return {one.key for one in effects if one.kind == "erp_order" and one.at < self.back_at}

    def _calls(self) -> Iterator[str]:
        away = ApiCall.objects.filter(
            vendor=self.vendor, started_at__gte=datetime.fromtimestamp(self.out_at, UTC),
            started_at__lt=datetime.fromtimestamp(self.back_at, UTC),
        )  # fmt: skip
        self.figures["calls to it while it was out"] = away.count()
        most = HOURS_OUT * HOUR / settings.OUTAGE_PROBE_LONGEST_SECONDS + 40
        if away.count() > most:
            yield f"{away.count()} calls to a vendor that is out"
        too_fast = ApiCall.objects.filter(error__in=TOO_FAST).count() + ApiCall.objects.filter(status=429).count()
        self.figures["refused as too fast"] = too_fast
        if too_fast:
            yield f"{too_fast} calls were refused as too fast"
        yield from (f"violation: {text}" for text in self.sandbox.violations[:10])
        found = list(VendorOutage.objects.filter(failed_probes__gt=0))
        self.figures["asked in vain"] = sum(row.failed_probes for row in found)
        if [row.vendor for row in found if row.ended_at] != [self.vendor]:
            yield f"outages: {[(row.vendor, row.ended_at) for row in found]}"


def tell(*, vendor: str, way: str, orders: int, steps: int):
    """Tell the day in an empty database with the foundations laid; return the story and its problems."""
    with surroundings() as (sandbox, clock, wire):
        story = DayOut(sandbox, clock, wire, vendor=vendor, way=way, orders=orders, steps=steps)
        started = monotonic()
        story.before()
        story.out()
        story.back()
        story.figures["simulated hours"] = (monotonic() - started) / HOUR
        return story, story.problems()
