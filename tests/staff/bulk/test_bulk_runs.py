"""Bulk runs: frozen rows, chunks, a result for each row; a worker may die, a person may stop."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.utils import timezone
from django_q.models import OrmQ

from integrations.bulk import ask_to_stop, bulk_action, carry_out, prepare, preview, resume_abandoned, running, start
from integrations.bulk.delivery_actions import Retry
from integrations.deliveries.states import State
from integrations.models import Attempt, BulkResult, BulkRow, BulkRun, BulkStatus
from orders.models import ErpPush, Invoice, Order

from .conftest import staff


def results(run: BulkRun) -> dict[str, int]:
    found: dict[str, int] = {}
    for result in BulkRow.objects.filter(run=run).values_list("result", flat=True):
        found[result] = found.get(result, 0) + 1
    return found


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Retry, "chunk", 3)


@pytest.fixture
def failed(orders: Any) -> list[ErpPush]:
    ErpPush.objects.filter(status__in=[State.NEEDS_ATTENTION, State.UNCERTAIN]).update(
        status=State.FAILED, due_at=None, maybe_sent=False
    )
    rows = list(ErpPush.objects.filter(status=State.FAILED).order_by("pk"))
    assert len(rows) >= 6
    return rows


@pytest.mark.usefixtures("seeded")
class TestPreview:
    def test_it_counts_by_state_and_says_what_is_left_out_and_why(self, orders: Any, boss: User) -> None:
        pushing = ErpPush.objects.filter(status=State.DUE).order_by("pk")[0]
        ErpPush.objects.filter(pk=pushing.pk).update(status=State.IN_PROGRESS, lease_token="x", due_at=timezone.now())
        seen = preview(bulk_action("retry"), "erp_push", ErpPush.objects.all(), boss)
        assert seen.total == 60
        assert (
            seen.number == ErpPush.objects.filter(status__in=["failed", "needs_attention", "uncertain", "due"]).count()
        )
        assert {(group.state, group.obstacle) for group in seen.left_out} == {
            ("succeeded", "finished: nothing is left to do"), ("in_progress", "in progress"),
        }  # fmt: skip

    def test_without_the_right_all_are_left_out(self, orders: Any) -> None:
        seen = preview(bulk_action("retry"), "erp_push", ErpPush.objects.all(), staff("mei", "retry_delivery"))
        assert seen.number == 0
        assert {group.obstacle for group in seen.left_out} == {"you have no permission for this"}

    def test_it_needs_one_query(self, orders: Any, boss: User, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(1):
            preview(bulk_action("skip"), "invoice", Invoice.objects.all(), boss)


@pytest.mark.usefixtures("seeded")
class TestPreparing:
    def test_the_rows_are_frozen(self, failed: Any, boss: User) -> None:
        run = prepare("retry", "erp_push", ErpPush.objects.filter(status=State.FAILED), {}, boss, "all failed")
        before = set(BulkRow.objects.filter(run=run).values_list("object_id", flat=True))
        ErpPush.objects.filter(status=State.SUCCEEDED).update(status=State.FAILED, finished_at=None)
        assert before == {row.pk for row in failed}
        assert (run.total, run.status, run.origin) == (len(failed), BulkStatus.PREPARED, "all failed")

    def test_what_cannot_be_acted_on_is_left_out_from_the_start_with_its_reason(self, orders: Any, boss: User) -> None:
        run = prepare("retry", "erp_push", ErpPush.objects.all(), {}, boss)
        done = ErpPush.objects.filter(status=State.SUCCEEDED).count()
        assert run.left_out == done
        row = BulkRow.objects.filter(run=run, result=BulkResult.LEFT_OUT).order_by("pk")[0]
        assert row.message == "finished: nothing is left to do"
        assert row.label == ErpPush.objects.get(pk=row.object_id).key

    def test_it_needs_both_rights(self, failed: Any) -> None:
        for names in (("bulk_action",), ("retry_delivery",)):
            with pytest.raises(PermissionDenied):
                prepare("retry", "erp_push", ErpPush.objects.all(), {}, staff("_".join(names), *names))
        assert prepare("retry", "erp_push", ErpPush.objects.all(), {}, staff("lead", "bulk_action", "retry_delivery"))

    def test_a_reason_is_demanded(self, failed: Any, boss: User) -> None:
        with pytest.raises(ValueError, match="reason"):
            prepare("skip", "erp_push", ErpPush.objects.all(), {"reason": "  "}, boss)
        assert not BulkRun.objects.exists()

    def test_an_action_on_orders_is_not_for_deliveries(self, orders: Any, boss: User) -> None:
        with pytest.raises(ValueError, match="not for"):
            prepare("hold", "erp_push", ErpPush.objects.all(), {"reason": "x"}, boss)

    def test_filters_with_subqueries_and_order_freeze_as_well(self, orders: Any, boss: User) -> None:
        rows = Order.objects.filter(Q(pk__in=Invoice.objects.filter(status=State.FAILED).values("order_id"))).order_by(
            "po_number"
        )
        run = prepare("hold", "order", rows, {"reason": "Check"}, boss)
        assert run.total == rows.count() > 0
        assert BulkRow.objects.filter(run=run, label=rows[0].dsco_order_id).exists()

    def test_a_hundred_thousand_rows_take_seconds(self, orders: Any, boss: User) -> None:
        """Here 20,000: the statement is one, whatever the number (the bench measures 100,000)."""
        order = orders[0]
        Order.objects.bulk_create(
            (Order(dsco_order_id=f"X{n}", retailer_id=order.retailer_id, first_seen_at=order.first_seen_at,
                   read_at=order.read_at) for n in range(20_000)), batch_size=5000,
        )  # fmt: skip
        started = time.monotonic()
        run = prepare("hold", "order", Order.objects.all(), {"reason": "Check"}, boss)
        assert run.total == 20_060
        assert time.monotonic() - started < 5


@pytest.mark.usefixtures("seeded")
class TestCarryingOut:
    def test_every_row_has_its_result_and_the_counts_agree(self, failed: Any, boss: User, small_chunks: None) -> None:
        run = prepare("retry", "erp_push", ErpPush.objects.all(), {}, boss)
        assert carry_out(run.pk) == BulkStatus.FINISHED
        run.refresh_from_db()
        assert not ErpPush.objects.filter(status=State.FAILED).exists()
        assert results(run) == {"changed": run.changed, "left_out": run.left_out}
        assert (run.done, run.failed, run.lease_until) == (run.total, 0, None)
        assert run.finished_at is not None
        assert Attempt.objects.filter(kind="erp_push", actor="boss").count() == run.changed

    def test_what_changed_since_is_left_out_not_doubled(self, failed: Any, boss: User) -> None:
        run = prepare("retry", "erp_push", ErpPush.objects.filter(status=State.FAILED), {}, boss)
        taken, gone = failed[0], failed[1]
        ErpPush.objects.filter(pk=taken.pk).update(
            status=State.IN_PROGRESS, lease_token="worker", due_at=timezone.now()
        )
        gone.delete()
        carry_out(run.pk)
        messages = dict(BulkRow.objects.filter(run=run).values_list("object_id", "message"))
        assert messages[taken.pk] == "in progress"
        assert (
            messages[failed[1].pk or gone.pk or BulkRow.objects.get(run=run, label=gone.key).object_id]
            == "no longer there"
        )
        taken.refresh_from_db()
        assert (taken.status, taken.lease_token) == (State.IN_PROGRESS, "worker")

    def test_carried_out_twice_it_acts_once(self, failed: Any, boss: User) -> None:
        run = prepare("retry", "erp_push", ErpPush.objects.filter(status=State.FAILED), {}, boss)
        carry_out(run.pk)
        number = Attempt.objects.count()
        assert carry_out(run.pk) == BulkStatus.FINISHED
        assert Attempt.objects.count() == number

    def test_a_run_in_other_hands_is_left_alone(self, failed: Any, boss: User) -> None:
        run = prepare("retry", "erp_push", ErpPush.objects.filter(status=State.FAILED), {}, boss)
        BulkRun.objects.filter(pk=run.pk).update(
            status=BulkStatus.RUNNING, started_at=timezone.now(), lease_until=timezone.now() + timedelta(minutes=1)
        )
        assert carry_out(run.pk) == BulkStatus.RUNNING
        assert results(run) == {"open": len(failed)}

    def test_a_run_of_a_dead_worker_goes_on_where_it_stopped(
        self, failed: Any, boss: User, small_chunks: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = prepare("retry", "erp_push", ErpPush.objects.filter(status=State.FAILED), {}, boss)
        perform, chunks = Retry.perform, []

        def dies_in_the_second_chunk(self: Any, *arguments: Any) -> Any:
            done = perform(self, *arguments)
            chunks.append(1)
            if len(chunks) == 2:
                raise KeyboardInterrupt  # the process ends in the middle of a chunk
            return done

        monkeypatch.setattr(Retry, "perform", dies_in_the_second_chunk)
        with pytest.raises(KeyboardInterrupt):
            carry_out(run.pk)
        assert results(run) == {"changed": 3, "open": len(failed) - 3}
        assert ErpPush.objects.filter(status=State.FAILED).count() == len(failed) - 3  # the broken chunk left no trace
        assert carry_out(run.pk) == BulkStatus.RUNNING  # its lease has not ended yet
        assert resume_abandoned() == 0
        BulkRun.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        assert resume_abandoned() == 1
        assert OrmQ.objects.latest("pk").task["args"] == (run.pk,)
        assert carry_out(run.pk) == BulkStatus.FINISHED
        run.refresh_from_db()
        assert (run.changed, run.done) == (len(failed), len(failed))
        assert Attempt.objects.filter(kind="erp_push", actor="boss").count() == len(failed)

    def test_a_worker_that_lost_its_lease_keeps_nothing(
        self, failed: Any, boss: User, small_chunks: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = prepare("retry", "erp_push", ErpPush.objects.filter(status=State.FAILED), {}, boss)
        take = running._take

        def taken_over(run_id: int) -> Any:
            lease = take(run_id)
            BulkRun.objects.filter(pk=run_id).update(lease_until=timezone.now() + timedelta(hours=1))
            return lease

        monkeypatch.setattr(running, "_take", taken_over)
        carry_out(run.pk)
        assert results(run) == {"open": len(failed)}
        assert ErpPush.objects.filter(status=State.FAILED).count() == len(failed)

    def test_a_stop_is_honoured_between_two_chunks(
        self, failed: Any, boss: User, small_chunks: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = prepare("retry", "erp_push", ErpPush.objects.filter(status=State.FAILED), {}, boss)
        perform = Retry.perform

        def stopped_meanwhile(self: Any, *arguments: Any) -> Any:
            assert ask_to_stop(run.pk)
            return perform(self, *arguments)

        monkeypatch.setattr(Retry, "perform", stopped_meanwhile)
        assert carry_out(run.pk) == BulkStatus.STOPPED
        run.refresh_from_db()
        assert (run.changed, run.lease_until) == (3, None)
        assert results(run) == {"changed": 3, "open": len(failed) - 3}
        assert not ask_to_stop(run.pk)

    def test_a_run_that_nobody_works_on_stops_at_once(self, failed: Any, boss: User) -> None:
        run = prepare("retry", "erp_push", ErpPush.objects.filter(status=State.FAILED), {}, boss)
        assert ask_to_stop(run.pk)
        assert carry_out(run.pk) == BulkStatus.STOPPED
        assert results(run) == {"open": len(failed)}

    def test_one_row_that_breaks_does_not_stop_its_neighbours(
        self, failed: Any, boss: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = prepare("retry", "erp_push", ErpPush.objects.filter(status=State.FAILED), {}, boss)
        perform, bad = Retry.perform, failed[2].pk

        def breaks(self: Any, subject: str, ids: Any, *arguments: Any) -> Any:
            if bad in ids:
                raise ZeroDivisionError("surprise")
            return perform(self, subject, ids, *arguments)

        monkeypatch.setattr(Retry, "perform", breaks)
        assert carry_out(run.pk) == BulkStatus.FINISHED
        assert results(run) == {"changed": len(failed) - 1, "failed": 1}
        assert "ZeroDivisionError" in BulkRow.objects.get(run=run, object_id=bad).message

    def test_who_lost_the_right_changes_nothing_any_more(self, failed: Any) -> None:
        lead = staff("lead", "bulk_action", "retry_delivery")
        run = prepare("retry", "erp_push", ErpPush.objects.filter(status=State.FAILED), {}, lead)
        lead.user_permissions.clear()
        assert carry_out(run.pk) == BulkStatus.STOPPED
        assert results(run) == {"left_out": len(failed)}
        assert ErpPush.objects.filter(status=State.FAILED).count() == len(failed)

    def test_a_long_run_is_handed_back_to_the_queue(self, failed: Any, boss: User, small_chunks: None) -> None:
        run = prepare("retry", "erp_push", ErpPush.objects.filter(status=State.FAILED), {}, boss)
        assert carry_out(run.pk, budget_seconds=0) == BulkStatus.RUNNING
        assert OrmQ.objects.filter(key="orderbridge").exists()
        assert results(run)["changed"] == 3
        while carry_out(run.pk, budget_seconds=0) == BulkStatus.RUNNING:
            pass
        assert results(run) == {"changed": len(failed)}

    def test_a_started_run_is_in_the_queue(
        self, failed: Any, boss: User, django_capture_on_commit_callbacks: Any
    ) -> None:
        run = prepare("retry", "erp_push", ErpPush.objects.filter(status=State.FAILED), {}, boss)
        with django_capture_on_commit_callbacks(execute=True):
            start(run)
            start(run)
        assert [(job.task["func"], job.task["args"]) for job in OrmQ.objects.all()] == [
            ("integrations.tasks.carry_out_bulk_run", (run.pk,))
        ]

    def test_a_chunk_needs_few_queries(self, failed: Any, boss: User, django_assert_max_num_queries: Any) -> None:
        run = prepare("skip", "erp_push", ErpPush.objects.filter(status=State.FAILED), {"reason": "Sold out"}, boss)
        # On SQLite two fewer. Three of them lock the causes that the run closes (a savepoint, in a test).
        with django_assert_max_num_queries(35):
            carry_out(run.pk)


@pytest.mark.usefixtures("seeded")
class TestOrderActions:
    def test_hold_and_release(self, orders: list[Order], boss: User) -> None:
        free = Order.objects.filter(held=False, stage__in=["received", "in_erp", "acknowledged"])
        number = free.count()
        run = prepare("hold", "order", Order.objects.all(), {"reason": "Stocktaking"}, boss)
        carry_out(run.pk)
        run.refresh_from_db()
        assert run.changed >= number
        assert not free.all().exists()
        assert Order.objects.filter(hold_reason="Stocktaking", held_by="boss").count() == run.changed
        release = prepare("release", "order", Order.objects.all(), {}, boss)
        carry_out(release.pk)
        assert not Order.objects.filter(held=True).exists()

    def test_cancel_makes_the_rows_that_the_flow_carries_out(self, orders: list[Order], boss: User) -> None:
        rows = Order.objects.filter(cancel_requested=False)
        run = prepare("cancel", "order", rows, {"reason": "Sold out", "cancel_code": "CXSS"}, boss)
        carry_out(run.pk)
        run.refresh_from_db()
        assert run.failed == 0
        assert run.changed > 0
        one = BulkRow.objects.filter(run=run, result=BulkResult.CHANGED).order_by("pk")[0]
        order = Order.objects.get(pk=one.object_id)
        assert {row.cancel_code for row in order.cancellations.all() if row.action == "dsco"} == {"CXSS"}
        assert order.events.filter(actor="boss", text__contains="Sold out").exists()
        left = BulkRow.objects.filter(run=run, result=BulkResult.LEFT_OUT).values_list("message", flat=True)
        assert "has left the warehouse" in set(left)
