"""Causes: alike failures have one key; causes open, count, close and come back by themselves."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.causes import cause_of, normalise, refresh_causes
from integrations.deliveries import outcomes, staff
from integrations.deliveries.releases import park as park_rows
from integrations.deliveries.releases import release
from integrations.deliveries.states import State
from integrations.deliveries.transitions import apply_outcome
from integrations.flows.registry import _flows, flow
from integrations.flows.runner import run_flow
from integrations.models import AttemptAction, Cause
from inventory.models import StockItem, StockUpdate
from orders.models import ErpPush, Shipment

from .conftest import make_orders, park


class TestNormalisedMessages:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Order 1190000001 not found", "Order 1190000002 not found"),
            ("SKU 'HP-LAMP' unknown", "SKU 'a b' unknown"),
            ("SKU HP-RUG-03 has no mapping.", "SKU HP-LAMP has no mapping."),
            ("at 2026-11-20T08:01:02Z: limit", "at 2026-11-21T09:33:59.123+08:00: limit"),
            ("订单119001不存在", "订单7不存在"),
            ("left in 2 packages: 1Z999AA1, 1Z999AA2; ok", "left in 3 packages: 1ZA1, 1ZB2, 1ZC3; ok"),
            ("see https://a.example/x?1", "see https://b.example/y"),
            ("request 3f2a-99b1  failed", "request 77aa-1c2d failed"),
        ],
    )
    def test_particulars_make_no_difference(self, one: str, other: str) -> None:
        assert normalise(one) == normalise(other)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("商品不存在", "仓库不存在"),
            ("addressLine1 is too long", "addressLine2 is too long"),
            ("The retailer's carrier isn't allowed", "The retailer's method isn't allowed"),
        ],
    )
    def test_what_went_wrong_makes_a_difference(self, one: str, other: str) -> None:
        assert normalise(one) != normalise(other)

    def test_it_is_stable_and_may_be_repeated(self) -> None:
        text = normalise("Order 12 (PO-7): SKU 'X' at 10:15, 10:16 and 10:17")
        assert normalise(text) == text
        assert normalise("x " * 2000) == normalise("x " * 3000)

    def test_the_key_is_the_same_in_every_process(self) -> None:
        assert cause_of("invoice", "dsco", "E1", "Order 5") == cause_of("invoice", "dsco", "E1", "Order 9")
        assert cause_of("invoice", "dsco", "E1", "Order 5") == "8ff2d011d55aa38f9f07793cb1c7111ee9c83480"
        parts = [("invoice", "dsco", "E1", ""), ("shipment", "dsco", "E1", ""), ("invoice", "lingxing", "E1", ""),
                 ("invoice", "dsco", "E2", ""), ("invoice", "dsco", "E1", "words")]  # fmt: skip
        assert len({cause_of(*part) for part in parts}) == 5


@pytest.mark.django_db
class TestWhereACauseIsSet:
    def test_an_outcome_that_parks_sets_it_and_one_that_goes_on_clears_it(self) -> None:
        (push,) = park(make_orders(1), State.DUE, "", "", due_at=timezone.now())
        push.status = State.IN_PROGRESS
        apply_outcome(push, outcomes.rejected("E1", "no 5"), timezone.now(), AttemptAction.SEND)
        assert push.cause == cause_of("erp_push", "lingxing", "E1", "no 6")
        apply_outcome(push, outcomes.absent(), timezone.now(), AttemptAction.STAFF)
        assert push.cause == ""

    def test_our_own_codes_are_one_cause_whatever_their_text_says(self) -> None:
        pushes = park(make_orders(2), State.DUE, "", "", due_at=timezone.now())
        for push, words in zip(pushes, ("SKU A. SKU B.", "SKU C."), strict=True):
            push.status = State.IN_PROGRESS
            apply_outcome(push, outcomes.needs_attention("unmapped_sku", words), timezone.now(), AttemptAction.SEND)
        assert pushes[0].cause == pushes[1].cause != ""

    def test_giving_up_is_a_cause(self) -> None:
        since = timezone.now() - timedelta(hours=30)
        (push,) = park(make_orders(1), State.DUE, "", "", due_at=since, failing_since=since, failures=9)
        push.status = State.IN_PROGRESS
        apply_outcome(push, outcomes.retry("http_503", "unavailable"), timezone.now(), AttemptAction.SEND)
        assert push.cause == cause_of("erp_push", "lingxing", "gave_up", "unavailable")

    def test_parking_and_releasing_in_bulk(self) -> None:
        park(make_orders(3), State.WAITING, "", "")
        park_rows(ErpPush.objects.all(), State.NEEDS_ATTENTION, "missing_price", "words", timezone.now())
        assert set(ErpPush.objects.values_list("cause", flat=True)) == {
            cause_of("erp_push", "lingxing", "missing_price", "")
        }
        release(ErpPush.objects.all(), timezone.now())
        assert set(ErpPush.objects.values_list("cause", flat=True)) == {""}

    def test_rows_that_were_parked_in_another_way_are_found(self) -> None:
        park(make_orders(3))
        refresh_causes(timezone.now())
        assert Cause.objects.get().open_count == 3


@pytest.mark.django_db
class TestRefreshing:
    def test_a_cause_opens_with_count_and_oldest_deadline(self) -> None:
        orders = make_orders(3)
        park(orders)
        result = refresh_causes(timezone.now())
        cause = Cause.objects.get()
        assert [each.key for each in result.opened] == [cause.key]
        assert (cause.kind, cause.vendor, cause.code, cause.open_count) == ("erp_push", "lingxing", "unmapped_sku", 3)
        assert cause.oldest_deadline == orders[0].ship_by
        assert cause.message == "SKU ? …"

    def test_it_closes_by_itself_when_the_last_row_has_gone(self) -> None:
        pushes = park(make_orders(2))
        refresh_causes(timezone.now())
        staff.retry("erp_push", [pushes[0].pk], "mei")
        assert not refresh_causes(timezone.now()).closed
        assert Cause.objects.get().open_count == 1
        staff.skip("erp_push", [pushes[1].pk], "mei", "not wanted")
        assert len(refresh_causes(timezone.now()).closed) == 1
        cause = Cause.objects.get()
        assert (cause.open_count, cause.oldest_deadline) == (0, None)
        assert cause.closed_at is not None

    def test_it_opens_again_and_keeps_its_note(self) -> None:
        pushes = park(make_orders(1))
        refresh_causes(timezone.now())
        Cause.objects.update(note="ask Li")
        staff.retry("erp_push", [pushes[0].pk], "mei")
        refresh_causes(timezone.now())
        park_rows(ErpPush.objects.all(), State.NEEDS_ATTENTION, "unmapped_sku", "SKU ?", timezone.now())
        assert len(refresh_causes(timezone.now()).opened) == 1
        cause = Cause.objects.get()
        assert (cause.closed_at, cause.note, cause.open_count) == (None, "ask Li", 1)
        assert cause.opened_at > cause.first_seen_at

    def test_an_uncertain_row_appears_only_when_its_verification_takes_long(self) -> None:
        now = timezone.now()
        facts: dict[str, Any] = {"status": State.UNCERTAIN, "code": "timeout", "error_kind": "uncertain"}
        park(make_orders(1), **facts, failures=1, last_attempt_at=now)
        assert not refresh_causes(now).opened
        park(make_orders(1, 10), **facts, failures=2, last_attempt_at=now)
        park(make_orders(1, 20), **facts, failures=1, last_attempt_at=now - timedelta(minutes=6))
        refresh_causes(now)
        cause = Cause.objects.get()
        assert (cause.open_count, cause.verifying_count) == (2, 2)
        refresh_causes(now + timedelta(minutes=6))
        assert Cause.objects.get().open_count == 3

    def test_kinds_are_kept_apart_and_stock_has_no_deadline(self) -> None:
        orders = make_orders(1)
        park(orders, code="refused", error_kind="rejected")
        park(orders, code="refused", error_kind="rejected", model=Shipment)
        item = StockItem.objects.create(dsco_sku="A")
        StockUpdate.objects.create(
            item=item, key="s", status=State.FAILED, last_error_code="E", last_error_kind="rejected"
        )
        refresh_causes(timezone.now())
        assert set(Cause.objects.values_list("kind", "vendor")) == {
            ("erp_push", "lingxing"), ("shipment", "dsco"), ("stock_update", "dsco")
        }  # fmt: skip
        assert Cause.objects.get(kind="stock_update").oldest_deadline is None

    def test_every_flow_run_brings_them_in_step(self) -> None:
        park(make_orders(1))
        flow("counting_test", "Counting", interval_seconds=60, position=90)(lambda context: None)
        try:
            run_flow("counting_test")
        finally:
            del _flows["counting_test"]
        assert Cause.objects.get().open_count == 1


@pytest.mark.django_db
class TestSpeed:
    def test_nothing_parked_costs_one_query_and_hardly_any_time(self, django_assert_num_queries: Any) -> None:
        refresh_causes(timezone.now())
        with django_assert_num_queries(1):
            refresh_causes(timezone.now())
        best = min(_seconds(lambda: refresh_causes(timezone.now())) for _n in range(10))
        assert best < 0.02

    def test_ten_thousand_parked_rows_are_counted_by_the_database(self, django_assert_num_queries: Any) -> None:
        orders = make_orders(10_000)
        park(orders, State.FAILED, "E1", "Order {} is not allowed", "rejected")
        refresh_causes(timezone.now())
        assert Cause.objects.get().open_count == 10_000
        with django_assert_num_queries(3):
            refresh_causes(timezone.now())
        assert min(_seconds(lambda: refresh_causes(timezone.now())) for _n in range(3)) < 0.5


def _seconds(call: Any) -> float:
    """Our own CPU time: the machine may be busy with other things."""
    started = time.process_time()
    call()
    return time.process_time() - started
