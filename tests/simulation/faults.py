"""What goes wrong: the network and the vendors' gateways, tokens, outages, and our own process."""

from __future__ import annotations

from integrations.flows import flow_definitions, run_flow
from integrations.sandbox.faults import APPLIED_FIRST, KINDS, Fault

from .deaths import Died, interruption, sudden_death
from .world import World, told

OPERATIONS = {
    "dsco": (
        "*", "token", "get_order", "get_orders", "order_log", "acknowledge", "single_shipment", "shipment_batch",
        "cancel_items", "create_invoice", "invoice_batch", "invoice_log", "get_invoice", "single_item",
        "inventory_batch", "inventory_log",
    ),
    "lingxing": (
        "*", "access_token", "refresh_token", "create_orders", "list_orders", "outbound_orders", "cancel_orders",
        "intercept_outbound", "inventory_details",
    ),
}  # fmt: skip
WRITES = (
    ("lingxing", "create_orders"), ("dsco", "acknowledge"), ("dsco", "single_shipment"), ("dsco", "shipment_batch"),
    ("dsco", "create_invoice"), ("dsco", "invoice_batch"), ("dsco", "cancel_items"), ("lingxing", "cancel_orders"),
    ("dsco", "single_item"), ("dsco", "inventory_batch"),
)  # fmt: skip
ASYNCHRONOUS = ("acknowledgement", "shipment", "invoice", "cancellation")
TAKES_TIME = ("delay", "timeout_before", "timeout_after")


class Faults(World):
    """Troubles between us and the vendors, and our own deaths."""

    def kinds(self) -> list[str]:
        """The faults of this world: where calls are instant only those that take no time."""
        return [kind for kind in KINDS if not self.instant or kind not in TAKES_TIME]

    def let_the_weather_be_bad(self) -> None:
        """All the time, any call may go wrong in one of a few ways."""
        for kind in self.chance.sample(self.kinds(), 3):
            vendor = self.chance.choice(["dsco", "lingxing", "*"])
            self.say(f"weather: {kind} at {vendor}")
            self._add(Fault(vendor, "*", kind, times=0, probability=0.06, seconds=self._seconds()))  # type: ignore[arg-type]

    def break_something(self) -> None:
        """The next calls of one operation go wrong; half of the time a write that is applied all the same."""
        chance = self.chance
        vendor = chance.choice(list(OPERATIONS))
        operation, kind = chance.choice(OPERATIONS[vendor]), chance.choice(self.kinds())
        if chance.random() < 0.6:
            vendor, operation = chance.choice(WRITES)
            kind = chance.choice([one for one in self.kinds() if one in APPLIED_FIRST or one == "delay"])
        fault = Fault(
            vendor, operation, kind, times=chance.randint(1, 3), after=chance.choice([0, 0, 1]),  # type: ignore[arg-type]
            probability=chance.choice([1, 0.5]), seconds=self._seconds(), code=chance.choice(["", "103"]),
            retry_after=chance.choice([None, 3]),
        )  # fmt: skip
        self.say(f"fault {kind} x{fault.times} after {fault.after} at {vendor} {operation}, {fault.seconds} s")
        self._add(fault)

    def refuse_something(self) -> None:
        """DSCO refuses something of an order once or twice, at once or later in its log."""
        if not self.orders:
            return
        order_id, what = self.chance.choice(list(self.orders)), self.chance.choice(ASYNCHRONOUS)
        self.say(f"DSCO will refuse the {what} of {order_id}")
        self.touched.add(order_id)
        names = {"acknowledgement": "refuse_acknowledgement", "shipment": "refuse_shipment",
                 "invoice": "refuse_invoice", "cancellation": "refuse_cancellation"}  # fmt: skip
        getattr(self.sandbox.dsco, names[what])(order_id, times=self.chance.randint(1, 2))

    def take_a_token(self) -> None:
        """Somebody else fetches a token, or ours ends early."""
        lingxing = self.sandbox.lingxing
        name = self.chance.choice(["steal_token", "steal_token", "expire_token", "expire_refresh_token", "dsco"])
        self.say(f"token: {name}")
        self.happened[f"token {name}"] += 1
        self.sandbox.dsco.expire_tokens() if name == "dsco" else getattr(lingxing, name)()

    def cut_the_wire(self) -> None:
        """No connection to a vendor for a while, up to a day and a half."""
        if self.instant or self.wire is None or self.wire.cut:
            return
        vendor, seconds = self.chance.choice(["dsco", "lingxing"]), self.chance.choice([300, 3600, 90_000, 130_000])
        self.say(f"{vendor} cannot be reached for {seconds} s")
        self.wire.cut.add(vendor)
        for _ in range(self.chance.randint(1, 3)):
            for definition in flow_definitions():
                self.run(definition.name)
            self.advance(seconds / 3)
        self.wire.cut.clear()

    def _add(self, fault: Fault) -> None:
        self.sandbox.faults.add(fault)

    def _seconds(self) -> float:
        """Within the usual time-outs, beyond them, beyond every one."""
        return self.chance.choice([5, 40, 40, 200])

    # --- Our own process ------------------------------------------------------------------------------

    def crash_in_a_flow(self) -> None:
        """Half of the deaths come with a write: the moment at which most is at stake."""
        at_a_write, late = self.chance.random() < 0.4, self.chance.random() < 0.6
        steps = self.chance.randint(1, 2 if at_a_write else self.chance.choice([25, 70, 120]))
        definitions = flow_definitions() if self.has("stock") else flow_definitions()[:-1]
        for definition in definitions if at_a_write else [self.chance.choice(definitions)]:
            try:
                with self.alone(), sudden_death(steps, after_the_step=late, only_writes=at_a_write):
                    result = run_flow(definition.name)
                self.say(f"{definition.name} (in danger): {told(result)}")
            except Died:
                what = "write" if at_a_write else "step"
                self.say(f"{definition.name} died {'after' if late else 'at'} {what} {steps}")
                self._died()
                self.advance(self.chance.choice([0, 70, 300]))  # at once, or after the dead one's leases have ended
                return

    def _died(self) -> None:
        self.crashes += 1
        self.happened["death"] += 1

    def run_until_a_write(self, name: str) -> None:
        """Die with the next write of a flow, applied or not; then the dead one's leases end."""
        late = self.chance.random() < 0.7
        try:
            with self.alone(), sudden_death(1, after_the_step=late, only_writes=True):
                self.run(name)
        except Died:
            self.say(f"{name} died {'after' if late else 'at'} its first write")
            self._died()
            self.advance(300)

    def stall_in_a_flow(self) -> None:
        """Our process sleeps after one of its calls; others find its leases ended and do the work; then it wakes up."""
        name = self.chance.choice(flow_definitions()[:-1]).name
        with interruption(self.chance.randint(1, 4), self._others_take_over, self.clock.asleep):
            result = run_flow(name)
        self.say(f"{name} (may have slept): {told(result)}")

    def slow_down_a_scroll(self) -> None:
        """A page of DSCO's list is asked for later than five minutes after the one before it: it has expired."""

        def wait() -> None:
            self.say("a scroll waits for 301 s")
            self.advance(301)

        with interruption(self.chance.randint(1, 3), wait):
            self.run("pull_orders")

    def _others_take_over(self) -> None:
        self.say("asleep")
        for _round in range(2):
            self.advance(300)
            for definition in flow_definitions()[:-1]:
                self.run(definition.name)
        self.say("awake")
