"""``reconcile`` as a flow: ranges, bookmarks, a vendor's trouble in the middle, cost per page, requests by people."""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import Schedule

from integrations.dsco import DscoClient
from integrations.dsco.errors import ScrollExpired
from integrations.errors import TransientError
from integrations.flows.schedules import ensure_schedules
from integrations.sandbox.faults import Fault
from integrations.sandbox.sandbox import Sandbox
from integrations.tasks import run_scheduled_flow
from orders.models import Discrepancy, Order, Reconciliation
from orders.reconciling import dsco_orders
from orders.reconciling.findings import Compared, Difference, accept, keep
from orders.reconciling.ranges import last_compared, request_orders, request_range
from tests.conftest import STORE, MovableClock

from .factories import raw_order, store
from .journeys import line, place, pushed, run
from .reconciling import compare, findings, settle


def _refusing(order_id: str, get_order: Any) -> Any:
    """A read that fails for one order."""

    def read(self: DscoClient, wanted: str) -> Any:
        if wanted == order_id:
            raise TransientError("Broken.", vendor="dsco", operation="get_order", code="unreadable")
        return get_order(self, wanted)

    return read


def reads(sandbox: Sandbox) -> int:
    """How many calls the vendors got, tokens left out."""
    return sum(count for (_vendor, name), count in sandbox.requests.items() if "token" not in name)


class TestRanges:
    def test_the_first_run_compares_a_day_and_the_next_goes_on_from_there(
        self, world: Sandbox, clock: MovableClock
    ) -> None:
        compare(clock)
        compare(clock)
        first, second = Reconciliation.objects.order_by("pk")
        assert first.until is not None
        assert first.until - first.since == timedelta(days=1)  # type: ignore[operator]
        assert second.since == first.until
        assert {row.finished_at is not None for row in (first, second)} == {True}

    def test_a_run_with_nothing_to_do_calls_nobody(self, world: Sandbox, clock: MovableClock, settings: Any) -> None:
        settings.RETRY_BACKOFF_SCALE = 1
        clock.advance(3600)
        run("reconcile")
        world.forget_requests()
        for _time in range(5):
            clock.advance(5)
            run("reconcile")
        assert reads(world) == 0
        assert Reconciliation.objects.count() == 1

    def test_what_is_newer_than_the_grace_time_is_left_for_later(
        self, world: Sandbox, clock: MovableClock, settings: Any
    ) -> None:
        settings.RETRY_BACKOFF_SCALE = 1
        order_id = place(world, line("HP-LAMP-01", 1))
        run("pull_orders")
        Order.objects.update(held=True)
        run("push_orders")
        world.lingxing.create_by_hand(order_id, STORE, {"LX-HP-LAMP-01": 1})
        clock.advance(300)
        run("reconcile")
        assert findings(open_only=False) == {}
        clock.advance(2000)
        run("reconcile")
        assert list(findings(open_only=False)) == ["made_by_hand"]

    def test_few_calls_for_many_orders(self, world: Sandbox, clock: MovableClock) -> None:
        world.dsco.add_orders(120, lines=[line("HP-LAMP-01", 1)])
        pushed(world, line("HP-LAMP-01", 1))
        settle(clock)
        world.forget_requests()
        run("reconcile")
        assert world.requests["dsco", "get_orders"] <= 26  # an hour each
        assert world.requests["dsco", "get_order"] == 0
        assert world.requests["lingxing", "outbound_orders"] == 0
        assert reads(world) < 120

    def test_at_night_by_default_and_at_any_interval_that_staff_choose(self, db: None) -> None:
        ensure_schedules()
        row = Schedule.objects.get(name="reconcile")
        assert (row.schedule_type, row.cron) == (Schedule.CRON, "30 2 * * *")
        assert row.next_run <= timezone.now()  # the first one at once: a flow that never ran is overdue

    def test_the_environment_overrides_the_night(self, db: None, settings: Any) -> None:
        settings.FLOW_INTERVAL_SECONDS = 120
        ensure_schedules()
        assert Schedule.objects.get(name="reconcile").minutes == 2


class TestAVendorsTrouble:
    def test_a_half_read_range_changes_nothing_wrongly_and_goes_on(self, world: Sandbox, clock: MovableClock) -> None:
        order_id = pushed(world, line("HP-LAMP-01", 1))
        run("pull_orders")
        other = place(world, line("HP-LAMP-01", 1), age_seconds=3000)
        world.lingxing.cancel(order_id)
        settle(clock)
        world.faults.add(Fault(vendor="dsco", operation="get_orders", kind="error_before", times=10))
        result = run("reconcile", status="stopped")
        assert result.error
        assert findings() == {"cancelled_in_erp": [order_id]}, "LingXing is compared all the same"
        row = Reconciliation.objects.get()
        assert row.finished_at is None
        assert row.error
        assert not Order.objects.filter(dsco_order_id=other).exists()
        world.faults.clear()
        compare(clock)
        row.refresh_from_db()
        assert row.finished_at is not None
        assert row.error == ""
        assert Order.objects.filter(dsco_order_id=other).exists()
        assert not Discrepancy.objects.filter(code__startswith="missing").exists()

    def test_one_window_that_fails_keeps_no_other_from_being_compared(
        self, world: Sandbox, clock: MovableClock
    ) -> None:
        early = place(world, line("HP-LAMP-01", 1), age_seconds=5 * 3600)
        late = place(world, line("HP-LAMP-01", 1), age_seconds=3000)
        settle(clock)
        world.faults.add(Fault(vendor="dsco", operation="get_orders", kind="html_before", times=1))
        result = run("reconcile", status="stopped")
        assert result.error_code == "not_compared"
        assert [note for note in result.notes if "could not be compared" in note]
        assert set(Order.objects.values_list("dsco_order_id", flat=True)) == {early, late}
        row = Reconciliation.objects.get()
        assert (row.finished_at, [piece["source"] for piece in row.left]) == (None, ["dsco_orders"])
        world.faults.clear()
        compare(clock)
        row.refresh_from_db()
        assert (row.finished_at is not None, row.left, row.error) == (True, [], "")

    def test_one_order_that_cannot_be_read_keeps_no_other_from_being_compared(
        self, world: Sandbox, clock: MovableClock, monkeypatch: Any
    ) -> None:
        order_ids = [pushed(world, line("HP-LAMP-01", 1)) for _number in range(3)]
        for order_id in order_ids:
            world.lingxing.cancel(order_id)
        settle(clock)
        monkeypatch.setattr(DscoClient, "get_order", _refusing(order_ids[0], DscoClient.get_order))
        result = run("reconcile", status="stopped", order_ids=tuple(order_ids))
        assert result.counts["not_compared"] == 1
        assert any(order_ids[0] in note and "Broken." in note for note in result.notes)
        assert findings() == {"cancelled_in_erp": order_ids}, "LingXing's side of it is compared all the same"

    def test_orders_that_could_not_be_read_are_tried_again_in_the_next_run(
        self, world: Sandbox, clock: MovableClock, monkeypatch: Any
    ) -> None:
        order_ids = [pushed(world, line("HP-LAMP-01", 1)) for _number in range(2)]
        settle(clock)
        asked = request_orders(order_ids, "mei")
        with monkeypatch.context() as broken:
            broken.setattr(DscoClient, "get_order", _refusing(order_ids[0], DscoClient.get_order))
            run("reconcile", status="stopped")
        asked.refresh_from_db()
        assert (asked.finished_at, asked.left) == (None, [{"order": order_ids[0], "tries": 1}])
        run("reconcile")
        asked.refresh_from_db()
        assert (asked.finished_at is not None, asked.left) == (True, [])

    def test_what_breaks_inside_is_told_and_stops_nothing_else(
        self, world: Sandbox, clock: MovableClock, monkeypatch: Any
    ) -> None:
        order_id = pushed(world, line("HP-LAMP-01", 1))
        world.lingxing.cancel(order_id)
        settle(clock)
        monkeypatch.setattr(dsco_orders, "compare_page", lambda *_arguments: 1 / 0)
        result = run("reconcile", status="stopped")
        assert any("ZeroDivisionError" in note for note in result.notes)
        assert findings() == {"cancelled_in_erp": [order_id]}

    def test_lingxings_trouble_says_nothing_about_orders(self, world: Sandbox, clock: MovableClock) -> None:
        order_ids = [pushed(world, line("HP-LAMP-01", 1)) for _number in range(3)]
        settle(clock)
        world.faults.add(Fault(vendor="lingxing", operation="list_orders", kind="error_before", times=20))
        run("reconcile", status="stopped")
        assert findings(open_only=False) == {}
        run("reconcile", status="stopped", order_ids=tuple(order_ids))
        assert findings(open_only=False) == {}

    def test_a_search_that_dsco_forgot_starts_again(
        self, world: Sandbox, clock: MovableClock, monkeypatch: Any
    ) -> None:
        world.dsco.add_orders(3, lines=[line("HP-LAMP-01", 1)])
        pages, failures = DscoClient.order_pages, iter([True, True])

        def forgetful(self: DscoClient, **names: Any) -> Iterator[list[dict[str, Any]]]:
            yield from pages(self, **names)
            if next(failures, False):
                raise ScrollExpired("order_pages")

        monkeypatch.setattr(DscoClient, "order_pages", forgetful)
        result = compare(clock)
        assert result.counts["windows_restarted"] == 2
        assert Order.objects.count() == 3

    def test_the_rest_of_a_long_range_is_a_run_of_its_own(self, world: Sandbox, clock: MovableClock) -> None:
        settle(clock)
        from integrations.flows import run_flow

        result = run_flow("reconcile", budget_seconds=0.5)
        assert result.status == "succeeded"
        assert result.released == ["reconcile"]
        assert Reconciliation.objects.get().finished_at is None
        run("reconcile")
        assert Reconciliation.objects.order_by("pk")[0].finished_at is not None


class TestRequests:
    def test_a_range_by_command(self, world: Sandbox, clock: MovableClock) -> None:
        place(world, line("HP-LAMP-01", 1), age_seconds=20 * 86400)
        settle(clock)
        since, until = (timezone.now() - timedelta(days=days) for days in (21, 19))
        out = StringIO()
        call_command("reconcile", "--from", since.isoformat(), "--to", until.isoformat(), stdout=out)
        answer = json.loads(out.getvalue())
        assert answer["status"] == "succeeded"
        assert Order.objects.count() == 1
        asked = Reconciliation.objects.get(requested_by="command")
        assert asked.finished_at is not None
        assert last_compared() is not None

    def test_orders_by_command_and_by_runflow(self, world: Sandbox, clock: MovableClock) -> None:
        first = place(world, line("HP-LAMP-01", 1))
        second = place(world, line("HP-LAMP-01", 1))
        out = StringIO()
        call_command("reconcile", "--order", first, stdout=out)
        call_command("runflow", "reconcile", "--order", second, "--order", "123", stdout=out)
        assert set(Order.objects.values_list("dsco_order_id", flat=True)) == {first, second}
        assert "123" in out.getvalue()

    @pytest.mark.parametrize(
        "arguments",
        [(), ("--from", "x", "--to", "y"), ("--from", "2026-01-01"), ("--order", "1", "--to", "2026-01-01")],
    )
    def test_bad_use(self, arguments: tuple[str, ...], db: None) -> None:
        with pytest.raises(CommandError) as problem:
            call_command("reconcile", *arguments)
        assert problem.value.returncode == 2
        assert not Reconciliation.objects.exists()

    def test_people_come_before_the_schedule(self, world: Sandbox, clock: MovableClock) -> None:
        settle(clock)
        now = timezone.now()
        asked = request_range(now - timedelta(hours=3), now - timedelta(hours=2), "mei")
        assert run_scheduled_flow("reconcile", "mei") == "succeeded"
        asked.refresh_from_db()
        own = Reconciliation.objects.get(requested_by="")
        assert asked.finished_at is not None
        assert own.finished_at is not None
        assert asked.finished_at <= own.finished_at


class TestRows:
    @pytest.fixture
    def order(self, db: None) -> Order:
        store(raw_order("77"))
        return Order.objects.get()

    def compared(self, order: Order, *differences: Difference) -> Compared:
        return Compared("erp_orders", {order.pk}, differences=list(differences))  # type: ignore[arg-type]

    def difference(self, order: Order, units: int = 2) -> Difference:
        return Difference("erp_quantity", "77", order.pk, {"units": {"A": 1}}, {"units": {"A": units}})

    def test_seen_again_is_the_same_row(self, order: Order) -> None:
        now = timezone.now()
        keep(self.compared(order, self.difference(order)), now)
        kept = keep(self.compared(order, self.difference(order, 3)), now)
        row = Discrepancy.objects.get()
        assert (kept.opened, row.times_seen, row.theirs) == (0, 2, {"units": {"A": 3}})

    def test_another_source_does_not_close_it(self, order: Order) -> None:
        now = timezone.now()
        keep(self.compared(order, self.difference(order)), now)
        keep(Compared("dsco_orders", {order.pk}), now)  # type: ignore[arg-type]
        assert Discrepancy.objects.get().closed_at is None

    def test_what_is_on_its_way_neither_opens_nor_closes(self, order: Order) -> None:
        now = timezone.now()
        keep(self.compared(order, self.difference(order)), now)
        compared = self.compared(order)
        compared.undecided.add(order.pk)
        keep(compared, now)
        assert Discrepancy.objects.get().closed_at is None

    def test_an_accepted_difference_stays_closed_until_a_side_changes(self, order: Order) -> None:
        now = timezone.now()
        keep(self.compared(order, self.difference(order)), now)
        assert accept(Discrepancy.objects.all(), "mei", "agreed with the retailer", now) == 1
        keep(self.compared(order, self.difference(order)), now)
        assert Discrepancy.objects.count() == 1
        keep(self.compared(order, self.difference(order, 5)), now)
        assert Discrepancy.objects.filter(closed_at=None).count() == 1


class TestCost:
    def page(self, number: int, start: int = 0) -> list[dict[str, Any]]:
        return [raw_order(str(5_000_000 + start + index)) for index in range(number)]

    @contextmanager
    def at_most(self, number: int) -> Iterator[None]:
        with CaptureQueriesContext(connection) as queries:
            yield
        assert len(queries) <= number, [query["sql"][:150] for query in queries]

    @pytest.mark.parametrize("size", [10, 1000])
    def test_a_page_of_orders_costs_a_fixed_number_of_queries(self, size: int, db: None) -> None:
        page = self.page(size)
        now = timezone.now()
        store(*page)
        with self.at_most(8):
            result = dsco_orders.compare_page(page, now, now)
            keep(result.compared, now)

    @pytest.mark.any_database
    def test_memory_does_not_grow_with_the_number_of_pages(self, db: None) -> None:
        now = timezone.now()

        def peak(pages: int) -> int:
            tracemalloc.start()
            try:
                for number in range(pages):
                    page = self.page(100, number * 100)
                    gc.collect()  # what is garbage already is not held
                    keep(dsco_orders.compare_page(page, now, now).compared, now)
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

        peak(1)
        few, many = peak(2), peak(8)
        assert many < few * 1.25
