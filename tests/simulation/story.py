"""One random story, all of it from one seed: things happen in random order, then everything comes to its end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from django.db import connection
from django.utils import timezone

from integrations.deliveries.kinds import delivery_kinds
from integrations.deliveries.states import FINISHED
from integrations.flows import flow_definitions
from integrations.models import Attempt
from inventory.models import StockUpdate
from orders.conditions import asks_to_cancel, is_cancelled
from orders.holds import release_hold
from orders.models import Order
from orders.reconciling.facts import grace
from orders.reconciling.ranges import SHORTEST_SECONDS

from . import invariants
from .faults import Faults
from .outside import Outside
from .staff import Staff
from .world import surroundings

STEPS = (4, 12)
ROUNDS = 60
MOST_CRASHES = 6
STOCK_FLOW = "sync_inventory"
# Compares everything with both vendors: long, and of use only when the other flows have done what they can.
COMPARISON = "reconcile"


class Story(Outside, Staff, Faults):
    """``live()`` for some time, then ``settle()``, then ``problems()``."""

    def live(self) -> None:
        """Orders come, and then some things happen, flows among them."""
        if self.has("weather"):
            self.let_the_weather_be_bad()
        for _number in range(self.chance.randint(2, 5) if self.has("many_orders") else self.chance.randint(1, 2)):
            self.place_order()
        things: list[tuple[int, Callable[[], None]]] = [
            (10, self.run_the_order_flows), (5, self.run_some_flow), (4, self.pass_time),
            (9, self.work_in_the_warehouse), (2, self.place_order),
        ]  # fmt: skip
        featured: list[tuple[str, int, Callable[[], None]]] = [
            ("faults", 8, self.break_something), ("faults", 1, self.refuse_something),
            ("deaths", 8, self.crash_in_a_flow), ("stalls", 3, self.stall_in_a_flow),
            ("tokens", 3, self.take_a_token), ("outages", 1, self.cut_the_wire), ("holds", 3, self.hold_or_release),
            ("staff_retries", 3, self.retry), ("staff_skips", 1, self.skip), ("staff_cancels", 2, self.cancel),
            ("stops", 2, self.stop_or_end), ("slow_scrolls", 1, self.slow_down_a_scroll),
            ("unmapped", 2, self.map_a_sku), ("remapping", 2, self.change_a_mapping),
            ("stock", 3, self.count_the_stock), ("stock", 3, self.run_the_stock_flow),
        ]  # fmt: skip
        things += [(weight, thing) for feature, weight, thing in featured if self.has(feature)]
        if self.features & {"cancellations", "partial_cancellations", "withdrawals", "prices"}:
            things.append((4, self.retailer_changes_his_mind))
        for _step in range(self.chance.randint(*STEPS)):
            thing = self.chance.choices([thing for _weight, thing in things], [weight for weight, _thing in things])[0]
            self.happened[thing.__name__] += 1
            thing()
            self.note_what_must_not_be_pushed()

    def settle(self) -> None:
        """Troubles end, holds are released, mappings come; everybody does his work until nothing is left to do."""
        self.say("--- settling")
        self.undisturbed += 1
        self.sandbox.faults.clear()
        self.sandbox.dsco.refusals.clear()
        self.end_all_stops()
        if held := list(Order.objects.filter(held=True).values_list("pk", flat=True)):
            release_hold(held, "staff")
        for sku in list(self.unmapped):
            self.enter_mapping(sku)
        # LingXing gives the slots of calls that we gave up back; what happened last can be seen.
        self.advance(130 + self._lag())
        for _round in range(ROUNDS):
            moved = self._everybody_works()
            if not moved:
                moved = self._compare()
            due = self._next_due()
            if not moved and due is None:
                break
            self.advance(max(due or 0, 15 + self._lag()))
        else:
            self.say("--- not quiet")
        if self.has("stock"):
            self._settle_stock()

    def _everything_has_a_time(self) -> None:
        """Whatever the machine has to do next stands in the queue, at every moment."""
        states = ", ".join(f"'{state.value}'" for state in invariants.STATES_WITH_TIME)
        looks = [
            f"SELECT key FROM {kind.model._meta.db_table} WHERE due_at IS NULL AND status IN ({states})"
            for kind in delivery_kinds().values()
        ]
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(looks))
            lost = [key for (key,) in cursor.fetchall()]
        assert not lost, f"without a next time: {lost}"

    def _lag(self) -> float:
        """How long the vendors' lists may lag behind what has happened."""
        return self.sandbox.options.visibility_delay_seconds + self.sandbox.lingxing.outbound_delay_seconds

    def _everybody_works(self) -> bool:
        """One round of flows and warehouse; return whether anything moved, or may be seen to have moved later."""
        before = self._moves()
        for definition in flow_definitions():
            if definition.name not in (STOCK_FLOW, COMPARISON) and (
                not definition.delivers or self._owes(definition.delivers)
            ):
                if self.has("deaths") and self.crashes < MOST_CRASHES and self.chance.random() < 0.3:
                    self.run_until_a_write(definition.name)
                self.run(definition.name)
                self.finish_in_the_warehouse()
                if definition.delivers:
                    self.advance(15 + self._lag())  # so that what it did can be seen by the next one
        self.note_what_must_not_be_pushed()
        self._everything_has_a_time()
        return self._moves() != before

    def _compare(self) -> bool:
        before = self._moves()
        self.advance(grace().total_seconds() + SHORTEST_SECONDS)  # what is newer is still on its way to it
        self.run(COMPARISON)
        self._everything_has_a_time()
        return self._moves() != before

    def _owes(self, kind: str) -> bool:
        """Whether a flow may find anything to do: its own deliveries are not all at their end."""
        return self._deliveries()[kind][1] > 0 or (kind == "cancellation" and bool(self.touched | self.withdrawn))

    def _moves(self) -> tuple[int, ...]:
        """Counts that grow with everything that anybody does."""
        box = self.sandbox
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {Attempt._meta.db_table}")
            (attempts,) = cursor.fetchone()
        return (attempts, box.dsco._writes, len(box.lingxing.effects), self.warehouse_moves)

    def _settle_stock(self) -> None:
        for _round in range(12):
            self.advance(400)
            self.run_and_note(STOCK_FLOW)
            if not StockUpdate.objects.exclude(status__in=["succeeded", "cancelled", "skipped"]).exists():
                return

    def problems(self) -> list[str]:
        """What is not as it must be: see ``invariants``."""
        return [problem for check in invariants.CHECKS for problem in check(self)]

    # --- Things that happen ---------------------------------------------------------------------------

    def run_and_note(self, name: str) -> None:
        """Run a flow, and note what it may not push from now on."""
        self.run(name)
        self.note_what_must_not_be_pushed()

    def run_the_stock_flow(self) -> None:
        """The stock is synchronised."""
        self.run_and_note(STOCK_FLOW)

    def run_some_flow(self) -> None:
        """One flow, at any time."""
        flows = flow_definitions() if self.has("stock") else flow_definitions()[:-1]
        self.run(self.chance.choice(flows).name)

    def run_the_order_flows(self) -> None:
        """Most flows in their order, with some time between them."""
        for definition in flow_definitions()[:-1]:
            if self.chance.random() < 0.8:
                if self.has("meanwhile"):
                    self.let_something_happen_meanwhile()
                self.run(definition.name)
                self.advance(self.chance.choice([0, 1, 15]))

    def let_something_happen_meanwhile(self) -> None:
        """Somebody does something while a call is under way: between two pages, or while a write is on its way."""
        things: list[Callable[[], None]] = [self.work_in_the_warehouse, self.place_order]
        others: list[tuple[str, Callable[[], None]]] = [
            ("cancellations", self.retailer_changes_his_mind), ("prices", self.retailer_changes_his_mind),
            ("withdrawals", self.retailer_changes_his_mind), ("holds", self.hold_or_release),
            ("staff_cancels", self.cancel), ("staff_skips", self.skip), ("staff_retries", self.retry),
            ("remapping", self.change_a_mapping), ("stock", self.count_the_stock), ("stops", self.stop_or_end),
        ]  # fmt: skip
        things += [thing for feature, thing in others if self.has(feature)]
        thing = self.chance.choice(things)

        def happen() -> None:
            if self.undisturbed == 0:
                self.say(f"meanwhile: {thing.__name__}")
                self.happened["meanwhile " + thing.__name__] += 1
                thing()

        self.clock.later(self.chance.choice([0.005, 0.1, 0.5, 2]), happen)

    def pass_time(self) -> None:
        """Nothing happens."""
        seconds = self.chance.choice([5, 30, 65, 90, 200, 900, 4000])
        self.say(f"{seconds} s pass")
        self.advance(seconds)

    def note_what_must_not_be_pushed(self) -> None:
        """Known here as cancelled, or asked to be, before the first attempt: it may never reach the ERP."""
        if not self.features & {"cancellations", "partial_cancellations", "withdrawals"}:
            return
        for order in Order.objects.filter(erp_push__attempts=0).defer("payload").prefetch_related("lines"):
            lines = list(order.lines.all())
            if is_cancelled(order, lines) or (asks_to_cancel(order, lines) and order.cancel_requested):
                self.never_pushed.add(order.dsco_order_id)

    def _next_due(self) -> float | None:
        """Seconds until the next delivery of an order is due, None when nothing has a time."""
        times = [at for kind, (at, _open) in self._deliveries().items() if at and kind != StockUpdate.KIND]
        return max((min(times) - timezone.now()).total_seconds(), 0) if times else None

    def _deliveries(self) -> dict[str, tuple[datetime | None, int]]:
        """For each kind when the next one is due, and how many are not at their end. Plain SQL: it is asked often."""
        found: dict[str, tuple[datetime | None, int]] = {}
        ended = ", ".join(f"'{state.value}'" for state in FINISHED)
        looks = [
            f"SELECT '{name}', min(due_at), sum(CASE WHEN status IN ({ended}) THEN 0 ELSE 1 END)"
            f" FROM {kind.model._meta.db_table}"
            for name, kind in delivery_kinds().items()
        ]
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(looks))
            for name, due_at, still_open in cursor.fetchall():
                at = datetime.fromisoformat(due_at).replace(tzinfo=UTC) if isinstance(due_at, str) else due_at
                found[name] = (at, int(still_open or 0))
        return found


def play(seed: int, *, over_http: bool = False, instant: bool = False) -> tuple[Story, list[str]]:
    """Tell the story of a seed in an empty database with the foundations laid; return it and its problems.

    An exception of the story is a problem like any other. over_http, instant: see ``surroundings``.
    """
    with surroundings(over_http=over_http, instant=instant) as (sandbox, clock, wire):
        story = Story(seed, sandbox, clock, wire, instant=instant)
        try:
            story.live()
            story.settle()
            return story, story.problems()
        except Exception as error:
            story.say(f"!!! {error!r}")
            return story, [f"{type(error).__name__}: {error}"]
        finally:
            story.happened.update("fault " + call.fault for call in sandbox.request_log if call.fault)
