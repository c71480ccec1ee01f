"""A world in which anything may happen at any moment, all of it from one seed: what the retailers, LingXing's people,
the network, our staff and sudden deaths of our process do in between the flows.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

from integrations.deliveries import staff
from integrations.deliveries.kinds import delivery_kinds
from integrations.flows import FlowResult, flow_definitions, run_flow
from integrations.sandbox.dsco.invented import PRODUCTS, RETAILERS
from integrations.sandbox.faults import APPLIED_FIRST, KINDS, Fault
from integrations.sandbox.sandbox import Sandbox
from inventory.models import SkuMapping
from orders.conditions import asks_to_cancel, is_cancelled
from orders.holds import hold, release_hold
from orders.models import Order, RetailerPolicy, Stage
from tests.conftest import LOGISTICS_TYPES, WAREHOUSES, MovableClock

from .deaths import Died, interruption, sudden_death

OPERATIONS = {
    "dsco": (
        "*", "token", "get_order", "get_orders", "order_log", "acknowledge", "single_shipment", "shipment_batch",
        "cancel_items", "create_invoice", "invoice_batch", "invoice_log", "get_invoice",
    ),
    "lingxing": (
        "*", "access_token", "refresh_token", "create_orders", "list_orders", "outbound_orders", "cancel_orders",
        "intercept_outbound", "inventory_details",
    ),
}  # fmt: skip
WRITES = (
    ("lingxing", "create_orders"), ("dsco", "acknowledge"), ("dsco", "single_shipment"), ("dsco", "shipment_batch"),
    ("dsco", "create_invoice"), ("dsco", "invoice_batch"), ("dsco", "cancel_items"), ("lingxing", "cancel_orders"),
)  # fmt: skip
# How an order leaves the warehouse. Only "plain", "relabelled" and "withdrawn" can be reported without a person.
FATES = ("plain",) * 6 + ("relabelled", "withdrawn", "split", "packages", "merged", "resent", "dropped")
TIMEOUT_SECONDS = 0.25
STEP_SECONDS = 10


class RandomWorld:
    """One random story: ``live()`` for some time, then ``settle()``; ``log`` tells what happened."""

    def __init__(self, seed: int, sandbox: Sandbox, clock: MovableClock, settings: Any) -> None:
        self.chance = random.Random(seed)
        self.sandbox = sandbox
        self.clock = clock
        self.log: list[str] = []
        self.withdrawn: set[str] = set()
        self.orders: dict[str, str] = {}
        self.touched: set[str] = set()
        self.unmapped: dict[str, str] = {}
        self.never_pushed: set[str] = set()
        self.crashes = 0
        self.settings = settings
        self._set_up(seed, settings)

    def _set_up(self, seed: int, settings: Any) -> None:
        random.seed(seed)
        pick, lingxing, options = self.chance.choice, self.sandbox.lingxing, self.sandbox.options
        settings.HTTP_THREADS = 0  # one thread: the same seed tells the same story
        settings.HTTP_TIMEOUT_SECONDS = TIMEOUT_SECONDS
        settings.RETRY_BACKOFF_SCALE = pick([0.001, 0.02])
        settings.VERIFY_DELAY_SECONDS = 60
        settings.BATCH_FROM = pick([2, 3, 50])
        settings.PUSH_BATCH_SIZE = pick([1, 3, 20])
        self.sandbox.faults._random.seed(seed)
        settings.SETTLE_SECONDS = pick([0.1, 0.3])
        options.visibility_delay_seconds = pick([0, 0, 20, 45])
        options.async_seconds = pick([0, 0.02, 30])
        options.missing_invoice_is_404 = pick([False, True])
        options.cancel_answers_202 = pick([False, True])
        lingxing.allow_duplicates = pick([False, True])
        lingxing.outbound_delay_seconds = pick([0, 0, 40])
        self.policies = {
            retailer: RetailerPolicy.objects.create(
                retailer_id=retailer,
                automatic_packages=pick([False, True]),
                accept_cancel_requests=pick([True, True, False]),
            )
            for retailer in RETAILERS
        }
        if self.chance.random() < 0.6:
            self._let_the_weather_be_bad()
        for _number in range(self.chance.randint(3, 7)):
            self.place_order()

    def _let_the_weather_be_bad(self) -> None:
        """All the time, any call may go wrong in one of a few ways."""
        for kind in self.chance.sample(KINDS, 4):
            vendor = self.chance.choice(["dsco", "lingxing", "*"])
            self.say(f"weather: {kind} at {vendor}")
            fault = Fault(vendor, "*", kind, times=0, probability=0.03, seconds=TIMEOUT_SECONDS + 0.15)  # type: ignore[arg-type]
            self.sandbox.faults.add(fault)

    # --- The story ------------------------------------------------------------------------------------

    def live(self, steps: int) -> None:
        """Let ``steps`` things happen, flows among them, in random order."""
        things: list[tuple[int, Callable[[], None]]] = [
            (8, self.run_some_flow), (7, self.run_the_order_flows), (9, self.crash_in_a_flow), (5, self.pass_time),
            (9, self.work_in_the_warehouse), (5, self.break_something), (2, self.place_order), (2, self.take_a_token),
            (2, self.retailer_changes_his_mind), (2, self.hold_or_release), (1, self.map_a_sku),
            (2, self.staff_retries), (3, self.stall_in_a_flow),
        ]  # fmt: skip
        for _step in range(steps):
            self.chance.choices([thing for _weight, thing in things], [weight for weight, _thing in things])[0]()
            self.note_what_must_not_be_pushed()

    def settle(self, rounds: int = 25) -> None:
        """Faults end, holds are released, mappings come; everybody does his work until nothing is left to do."""
        self.say("--- settling")
        self.sandbox.faults.clear()
        self.settings.SETTLE_SECONDS = 0.3
        release_hold(Order.objects.values_list("pk", flat=True), "staff")
        for sku in list(self.unmapped):
            self._map(sku)
        quiet = 0
        for _round in range(rounds):
            before = self._state()
            for definition in flow_definitions():
                self.run(definition.name)
                self.advance(5)
            self.note_what_must_not_be_pushed()
            self.finish_in_the_warehouse()
            quiet = quiet + 1 if self._state() == before else 0
            if quiet == 3:
                return
            self.advance(600 if quiet else 75)

    def _state(self) -> list[object]:
        """Everything that moves while there is something left to do."""
        kinds = [kind.model.objects.order_by("pk") for kind in delivery_kinds().values()]
        rows = [list(kind.values_list("status", "attempts")) for kind in kinds]
        warehouse = [(row["status"], row["is_delete"]) for row in self.sandbox.lingxing.orders.values()]
        return [rows, warehouse, len(self.sandbox.dsco.effects), len(self.sandbox.lingxing.effects)]

    def say(self, text: str) -> None:
        self.log.append(text)

    def advance(self, seconds: float) -> None:
        """Let time pass, after the vendors have ended every call that we gave up (they apply it within seconds)."""
        while any(not call.ended_at for call in list(self.sandbox.request_log)):
            time.sleep(0.01)
        while seconds > 0:  # in small steps, so that the vendors do what they have queued when it is due
            self.clock.advance(min(seconds, STEP_SECONDS))
            self.sandbox.dsco.tick()
            seconds -= STEP_SECONDS

    # --- Our side -------------------------------------------------------------------------------------

    def run(self, name: str) -> None:
        result = run_flow(name)
        self.say(f"{name}: {_told(result)}")
        assert result.status != "failed", result.error

    def run_some_flow(self) -> None:
        self.run(self.chance.choice(flow_definitions()).name)
        self.advance(self.chance.choice([0, 1, 15]))

    def run_the_order_flows(self) -> None:
        for definition in flow_definitions()[:-1]:
            if self.chance.random() < 0.8:
                self.run(definition.name)
                self.advance(self.chance.choice([0, 1, 15]))

    def crash_in_a_flow(self) -> None:
        """Half of the deaths come with a write: the moment at which most is at stake."""
        at_a_write, late = self.chance.random() < 0.5, self.chance.random() < 0.7
        steps = self.chance.randint(1, 2 if at_a_write else self.chance.choice([25, 70, 120]))
        for definition in flow_definitions()[:-1] if at_a_write else [self.chance.choice(flow_definitions())]:
            try:
                with sudden_death(steps, after_the_step=late, only_writes=at_a_write):
                    result = run_flow(definition.name)
                self.say(f"{definition.name} (in danger): {_told(result)}")
            except Died:
                what = "write" if at_a_write else "step"
                self.say(f"{definition.name} died {'after' if late else 'at'} {what} {steps}")
                self.crashes += 1
                self.advance(300)  # the dead one's leases end
                return

    def stall_in_a_flow(self) -> None:
        """Our process sleeps after one of its calls; others find its leases ended and do the work; then it wakes up."""
        name = self.chance.choice(flow_definitions()[1:-1]).name
        with interruption(self.chance.randint(1, 4), self._others_take_over):
            result = run_flow(name)
        self.say(f"{name} (may have slept): {_told(result)}")

    def _others_take_over(self) -> None:
        self.say("asleep")
        for _round in range(3):
            self.advance(200)
            for definition in flow_definitions()[:-1]:
                self.run(definition.name)
        self.say("awake")

    def hold_or_release(self) -> None:
        order = self._some_order()
        if order is not None:
            act = self.chance.choice([hold, release_hold])
            self.say(f"{act.__name__} {order.dsco_order_id}")
            act([order.pk], "wait", "staff") if act is hold else act([order.pk], "staff")

    def staff_retries(self) -> None:
        kind = self.chance.choice(list(delivery_kinds()))
        ids = list(delivery_kinds()[kind].model.objects.values_list("pk", flat=True))
        ids = self.chance.sample(ids, min(len(ids), 2))
        result = staff.retry(kind, ids, "staff")
        self.say(f"staff retries {kind} {ids}: {result.changed}")

    def map_a_sku(self) -> None:
        if self.unmapped:
            self._map(self.chance.choice(list(self.unmapped)))

    def _map(self, sku: str) -> None:
        self.say(f"mapping for {sku}")
        SkuMapping.objects.create(dsco_sku=sku, erp_sku=self.unmapped.pop(sku))

    def note_what_must_not_be_pushed(self) -> None:
        """Known here as cancelled, or asked to be, before the first attempt: it may never reach the ERP."""
        for order in Order.objects.filter(erp_push__attempts=0).prefetch_related("lines"):
            lines = list(order.lines.all())
            if is_cancelled(order, lines) or (asks_to_cancel(order, lines) and order.cancel_requested):
                self.never_pushed.add(order.dsco_order_id)

    def _some_order(self) -> Order | None:
        found = list(Order.objects.order_by("pk"))
        return self.chance.choice(found) if found else None

    # --- Retailers ------------------------------------------------------------------------------------

    def place_order(self) -> None:
        chance = self.chance
        skus = chance.choices(list(PRODUCTS), k=chance.randint(1, 4))
        if chance.random() < 0.15:
            sku = f"NEW-{len(self.orders)}"
            self.sandbox.lingxing.add_product(f"LX-{sku}", available=dict.fromkeys(WAREHOUSES.values(), 50))
            self.unmapped[sku] = f"LX-{sku}"
            skus[0] = sku
        test = chance.random() < 0.08
        order = self.sandbox.dsco.add_order(
            retailer=chance.choice(list(RETAILERS)),
            po_number=f"PO-{chance.randint(1, 4)}-{chance.randint(1, 2)}",
            warehouse=chance.choice(list(WAREHOUSES)),
            service_level=chance.choice(list(LOGISTICS_TYPES)),
            lines=[{"sku": sku, "quantity": chance.randint(1, 3)} for sku in skus],
            test=test,
        )
        fate = "test" if test else chance.choice(FATES)
        self.orders[str(order["dscoOrderId"])] = fate
        self.say(f"order {order['dscoOrderId']} ({fate}) {order['poNumber']} {skus}")

    def retailer_changes_his_mind(self) -> None:
        order_id = self.chance.choice(list(self.orders))
        dsco = self.sandbox.dsco
        if not any(line["remainingQuantity"] for line in dsco.orders[order_id]["lineItems"]):
            return
        how = self.chance.choice(["request_cancel", "cancel_by_retailer", "cancel_line", "withdraw"])
        self.say(f"{how} {order_id}")
        if how == "cancel_line":
            self.touched.add(order_id)
            dsco.rewrite(order_id, self._cancel_a_line, backdate=60)
        elif how == "withdraw":
            if dsco.orders[order_id].get("cancelRequested"):
                self.withdrawn.add(order_id)
                dsco.rewrite(order_id, _withdraw, backdate=60)
        else:
            self.touched.add(order_id)
            getattr(dsco, how)(order_id)

    def _cancel_a_line(self, order: dict[str, Any]) -> None:
        line = self.chance.choice([line for line in order["lineItems"] if line["remainingQuantity"]])
        units = self.chance.randint(1, line["remainingQuantity"])
        line["cancelledQuantity"] += units
        line["remainingQuantity"] -= units

    # --- LingXing's people ----------------------------------------------------------------------------

    def work_in_the_warehouse(self) -> None:
        waiting = [row for row in self.sandbox.lingxing.orders.values() if self._is_open(row)]
        for row in self.chance.sample(waiting, min(len(waiting), self.chance.randint(1, 3))):
            if self._is_open(self.sandbox.lingxing.orders[row["global_order_no"]]):
                self._move_on(row["global_order_no"])

    def finish_in_the_warehouse(self) -> None:
        """Whatever is open is audited and shipped."""
        for row in list(self.sandbox.lingxing.orders.values()):
            for _step in range(4):
                now = self.sandbox.lingxing.orders[row["global_order_no"]]
                if self._is_open(now) and not now["order_tag"]:
                    self._move_on(now["global_order_no"])

    def _is_open(self, row: dict[str, Any]) -> bool:
        return row["status"] in (4, 5) and not row["is_delete"]

    def _move_on(self, number: str) -> None:
        lingxing = self.sandbox.lingxing
        row = lingxing.orders[number]
        order_id = row["platform_info"][0]["platform_order_no"]
        fate = self.orders.get(order_id, "plain")
        self.say(f"warehouse: {number} of {order_id} ({fate}) in {row['status']}")
        if row["status"] == 4:
            lingxing.audit(number)
            return
        if fate != "plain":
            self.orders[order_id] = "shipped as plain" if fate in ("relabelled", "withdrawn") else f"{fate}!"
        {
            "relabelled": lambda: lingxing.label_only(number),
            "withdrawn": lambda: lingxing.delete_outbound(lingxing.outbound_of(number)[-1]["wo_number"]),
            "split": lambda: lingxing.split(number) if sum(i["quantity"] for i in row["item_info"]) > 1 else None,
            "packages": lambda: self._ship_in_packages(number, row),
            "merged": lambda: self._merge(number, row),
            "resent": lambda: (lingxing.ship(number), lingxing.resend(number)),
            "dropped": lambda: lingxing.cancel(number),
        }.get(fate, lambda: lingxing.ship(number))()

    def _ship_in_packages(self, number: str, row: dict[str, Any]) -> None:
        lines = [{line["local_sku"]: line["quantity"]} for line in row["item_info"]]
        self.sandbox.lingxing.ship(number, [{"lines": line} for line in lines])

    def _merge(self, number: str, row: dict[str, Any]) -> None:
        others = [
            other["global_order_no"] for other in self.sandbox.lingxing.orders.values()
            if self._is_open(other) and other["store_id"] == row["store_id"] and other["global_order_no"] != number
            and self.orders.get(other["platform_info"][0]["platform_order_no"]) == "plain"
        ]  # fmt: skip
        if others:
            other = self.chance.choice(others)
            self.orders[self.sandbox.lingxing.orders[other]["platform_info"][0]["platform_order_no"]] = "merged!"
            self.sandbox.lingxing.merge([number, other])

    # --- Fate -----------------------------------------------------------------------------------------

    def break_something(self) -> None:
        chance = self.chance
        vendor = chance.choice(list(OPERATIONS))
        operation, kind = chance.choice(OPERATIONS[vendor]), chance.choice(KINDS)
        if chance.random() < 0.5:
            vendor, operation = chance.choice(WRITES)
            kind = chance.choice(sorted(APPLIED_FIRST))
        fault = Fault(
            vendor, operation, kind, times=chance.randint(1, 3),
            after=chance.choice([0, 0, 1, 2]), probability=chance.choice([1, 0.5]), seconds=TIMEOUT_SECONDS + 0.15,
        )  # fmt: skip
        self.say(f"fault {fault.kind} x{fault.times} after {fault.after} at {vendor} {fault.operation}")
        self.sandbox.faults.add(fault)

    def take_a_token(self) -> None:
        lingxing = self.sandbox.lingxing
        name = self.chance.choice(["steal_token", "expire_token", "expire_refresh_token", "dsco"])
        self.say(f"token: {name}")
        self.sandbox.dsco.expire_tokens() if name == "dsco" else getattr(lingxing, name)()

    def pass_time(self) -> None:
        seconds = self.chance.choice([5, 30, 65, 90, 200, 900])
        self.say(f"{seconds} s pass")
        self.advance(seconds)

    def open_stages(self) -> dict[str, str]:
        """The orders that are not at their end, with their stage."""
        ended = [Stage.INVOICED, Stage.CANCELLED, Stage.CLOSED]
        return dict(Order.objects.exclude(stage__in=ended).values_list("dsco_order_id", "stage"))


def _told(result: FlowResult) -> str:
    counts = {str(name): count for name, count in result.counts.items() if count and name != "checked"}
    return f"{result.status} {counts} {result.error}"


def _withdraw(order: dict[str, Any]) -> None:
    for part in (order, *order["lineItems"]):
        part |= {"cancelRequested": False, "cancelRequestedCode": None}
