"""The world of one seed: both vendors, our database, the clock, and what makes this seed different from the others."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.test import override_settings
from django.utils import timezone

from integrations.dsco import operations
from integrations.dsco.operations import Operation
from integrations.flows import FlowResult, flow_definitions, run_flow
from integrations.flows.runner import ensure_flow_row
from integrations.http import carried_by
from integrations.limits import slot
from integrations.lingxing import gateway
from integrations.models import Flow, RateLimit
from integrations.sandbox.dsco.invented import RETAILERS
from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.sandbox import Sandbox
from inventory.models import SkuMapping, WarehouseMapping
from orders.models import Order, Reconciliation, RetailerPolicy, ShippingMapping, Stage, Store, StoreMapping
from orders.reconciling.facts import grace
from tests.conftest import LOGISTICS_TYPES, STORE, WAREHOUSES

from .clockwork import START, SimulatedClock, simulated_time
from .wire import Wire

SKUS = ("HP-LAMP-01", "HP-RUG-90", "HP-TRAY-11")
STOCK = 100
ENDED = (Stage.INVOICED, Stage.CANCELLED, Stage.CLOSED)
# What may be switched on in a seed; each is, or is not, by chance: few things at once show what all at once would hide.
FEATURES = (
    "weather", "faults", "deaths", "stalls", "tokens", "cancellations", "partial_cancellations", "withdrawals", "holds",
    "staff_retries", "staff_skips", "staff_cancels", "unmapped", "remapping", "outages", "prices", "stock",
    "fates", "small_pages", "stale_reads", "slow_queue", "many_orders", "meanwhile", "stops", "slow_scrolls",
    "first_start",
)  # fmt: skip


def lay_foundations() -> None:
    """Our side of what is the same in every seed: mappings of stores, warehouses, products and shipping methods."""
    store = Store.objects.create(store_id=STORE, name="DSCO store")
    StoreMapping.objects.bulk_create(StoreMapping(retailer_id=one, store=store) for one in RETAILERS)
    WarehouseMapping.objects.bulk_create(WarehouseMapping(dsco_code=code, wid=wid) for code, wid in WAREHOUSES.items())
    ShippingMapping.objects.bulk_create(
        ShippingMapping(warehouse_code=code, service_level=level, logistics_type_id=type_id)
        for code in WAREHOUSES
        for level, type_id in LOGISTICS_TYPES.items()
    )
    SkuMapping.objects.bulk_create(SkuMapping(dsco_sku=sku, erp_sku=f"LX-{sku}") for sku in SKUS)
    for definition in flow_definitions():
        ensure_flow_row(definition)
    for operation in vars(operations).values():
        if isinstance(operation, Operation):
            RateLimit.objects.get_or_create(name=f"dsco:{operation.name}", defaults={"reserved_until": 0})
    for path in (
        name for name in vars(gateway).values() if isinstance(name, str) and name.startswith(("/pb", "/erp", "/basic"))
    ):
        with slot(f"lingxing:{path}", gateway.CAPACITIES.get(path, 1), vendor="lingxing", operation="simulation"):
            pass


class World:
    """What a story needs: chance, time, vendors, and flows that can be run. Made by ``world_of``.

    features: what is switched on in this seed. instant: calls take no time, so that the story is the same over real
    sockets, where time stands still during a call. happened: how often what happened, with the faults that struck.
    touched: orders whose retailer or our staff changed their mind, so that they need not end like others.
    """

    def __init__(
        self, seed: int, sandbox: Sandbox, clock: SimulatedClock, wire: Wire | None, *, instant: bool = False
    ) -> None:
        self.seed = seed
        self.instant = instant
        self.chance = random.Random(seed)
        self.sandbox = sandbox
        self.clock = clock
        self.wire = wire
        self.log: list[str] = []
        self.features = {one for one in FEATURES if self.chance.random() < 0.4}
        self.orders: dict[str, str] = {}
        self.touched: set[str] = set()
        self.withdrawn: set[str] = set()
        self.unmapped: dict[str, str] = {}
        self.never_pushed: set[str] = set()
        self.skipped: set[str] = set()
        self.prices_changed: set[str] = set()
        self.stock_set: dict[tuple[str, str], list[int]] = {}
        self.happened: Counter[str] = Counter()
        self.crashes = 0
        self.undisturbed = 0
        self.warehouse_moves = 0
        random.seed(seed)
        sandbox.faults._random.seed(seed)
        self._furnish()
        self._choose()

    def has(self, feature: str) -> bool:
        """Whether ``feature`` is switched on in this seed."""
        return feature in self.features

    def say(self, text: str) -> None:
        """Add a sentence to the story that a failing seed prints."""
        self.log.append(f"{self.clock.now - START:9.1f}  {text}")

    # --- Set-up ---------------------------------------------------------------------------------------

    def _furnish(self) -> None:
        dsco, lingxing = self.sandbox.dsco, self.sandbox.lingxing
        lingxing.add_store(STORE)
        for code, wid in WAREHOUSES.items():
            dsco.add_warehouse(code)
            lingxing.add_warehouse(wid, 1)
        for type_id in LOGISTICS_TYPES.values():
            lingxing.add_logistics_type(type_id)
        for sku in SKUS:
            dsco.add_item(sku, warehouses=list(WAREHOUSES))
            self.add_product(f"LX-{sku}")

    def add_product(self, erp_sku: str, units: int = STOCK) -> None:
        """A product of LingXing with stock in every warehouse."""
        self.sandbox.lingxing.add_product(erp_sku, available=dict.fromkeys(WAREHOUSES.values(), units))
        for wid in WAREHOUSES.values():
            self.stock_set.setdefault((wid, erp_sku), []).append(units)

    def _choose(self) -> None:
        pick, lingxing, options = self.chance.choice, self.sandbox.lingxing, self.sandbox.options
        settings.BATCH_FROM = pick([2, 3, 50])
        settings.PUSH_BATCH_SIZE = pick([1, 3, 20])
        options.visibility_delay_seconds = pick([20, 60, 300]) if self.has("stale_reads") else 0
        options.async_seconds = pick([30, 200, 340]) if self.has("slow_queue") else pick([0, 2])
        options.most_rows_per_page = pick([1, 2, 3]) if self.has("small_pages") else None
        options.missing_invoice_is_404 = pick([False, True])
        options.cancel_answers_202 = pick([False, True])
        options.latency_seconds = 0 if self.instant else pick([0.01, 0.2, 1])
        lingxing.allow_duplicates = pick([False, True])
        lingxing.outbound_delay_seconds = pick([0, 0, 40])
        # The set delay must cover what the vendor may need; LingXing itself refuses a number that it has already.
        lag = options.visibility_delay_seconds if lingxing.allow_duplicates else 0
        settings.VERIFY_DELAY_SECONDS = max(120, lag + 20)
        RetailerPolicy.objects.bulk_create(
            RetailerPolicy(
                retailer_id=retailer,
                automatic_packages=pick([False, True]),
                accept_cancel_requests=pick([True, True, False]),
            )
            for retailer in RETAILERS
        )
        if not self.has("first_start"):
            self._have_been_in_business()
        self.say(f"features: {', '.join(sorted(self.features)) or 'none'}")
        self.say(
            f"queue {options.async_seconds} s, reads {options.visibility_delay_seconds} s old, pages of"
            f" {options.most_rows_per_page}, duplicates {lingxing.allow_duplicates}, batch from {settings.BATCH_FROM}"
        )

    def _have_been_in_business(self) -> None:
        """What was before has been pulled and compared: else the first runs look at a week, and a day, of nothing."""
        now = timezone.now().replace(microsecond=0)
        until = now - grace()
        Flow.objects.filter(name="pull_orders").update(cursor={"updated_until": now.isoformat()})
        Reconciliation.objects.create(
            since=until - timedelta(days=1), until=until, requested_at=until, started_at=until, finished_at=until
        )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else does anything in the block: a process that dies does not take other people's work with it."""
        self.undisturbed += 1
        try:
            yield
        finally:
            self.undisturbed -= 1

    # --- Time and flows -------------------------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        """Let time pass for everybody."""
        self.clock.advance(seconds)

    def run(self, name: str) -> FlowResult:
        """Run a flow; it may be stopped by a vendor, but never break."""
        result = run_flow(name, trigger="schedule")  # nobody waits: a vendor that is out is asked when it is time
        self.say(f"{name}: {told(result)}")
        assert result.status != "failed", f"{name} broke: {result.error}"
        return result

    def open_stages(self) -> dict[str, str]:
        """The orders that are not at their end, with their stage."""
        return dict(Order.objects.exclude(stage__in=ENDED).values_list("dsco_order_id", "stage"))


def told(result: FlowResult) -> str:
    """A flow's result in a line of the story."""
    counts = {str(name): count for name, count in result.counts.items() if count and name != "checked"}
    return f"{result.status} {counts} {result.error}"


@contextmanager
def surroundings(
    *, over_http: bool = False, instant: bool = False
) -> Iterator[tuple[Sandbox, SimulatedClock, Wire | None]]:
    """Simulated time, both vendors at our settings' addresses, one thread.

    over_http: with real sockets instead of the ``Wire``; then it must be ``instant``: calls take no simulated time.
    """
    with ExitStack() as stack:
        clock = stack.enter_context(simulated_time())
        options = SandboxOptions(enforce_limits=not instant)
        sandbox = stack.enter_context(Sandbox(options, port=0 if over_http else None, monotonic=clock.monotonic))
        clock.on_the_way = sandbox.tick
        wire = None if over_http else Wire(sandbox, clock)
        if wire is not None:
            stack.enter_context(carried_by(wire, sandbox.url))
        environment: dict[str, Any] = dict(sandbox.environment())
        environment["LINGXING_PLATFORM_CODE"] = int(environment["LINGXING_PLATFORM_CODE"])
        stack.enter_context(
            override_settings(
                HTTP_THREADS=0,  # one thread: the same seed tells the same story
                HTTP_TIMEOUT_SECONDS=5 if instant else 0,
                RETRY_BACKOFF_SCALE=1,
                RATE_LIMIT_SCALE=1,
                VERIFY_DELAY_SECONDS=120,
                BATCH_FROM=50,
                PUSH_BATCH_SIZE=20,
                **environment,
            )
        )
        cache.clear()
        yield sandbox, clock, wire
