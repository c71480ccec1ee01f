"""Pushes in batches: one look-up for the calls of a claim, and batches as large as LingXing takes them."""

from __future__ import annotations

import pytest
from django.utils import timezone

from integrations.batch_sizes import largest, taken
from integrations.flows import run_flow
from integrations.models import ApiCall, Attempt
from integrations.sandbox.faults import Fault
from orders.erp_creation import CREATING
from orders.intake import store_page
from orders.models import ErpPush

from .factories import map_everything


def bring_in(sandbox, count):
    """Store so many orders, mapped."""
    raws = sandbox.dsco.add_orders(count)
    map_everything(sandbox)
    store_page(raws, timezone.now())
    return raws


def succeeded():
    return ErpPush.objects.filter(status="succeeded").count()


@pytest.mark.parametrize("threads", [1, 8])
def test_one_look_up_serves_all_calls_of_a_claim_and_stands_in_every_history(sandbox, settings, threads):
    settings.PUSH_BATCH_SIZE, settings.HTTP_THREADS = 4, threads
    bring_in(sandbox, 11)
    run_flow("push_orders")
    assert succeeded() == 11
    assert (sandbox.requests["lingxing", "list_orders"], sandbox.requests["lingxing", "create_orders"]) == (1, 3)
    assert ApiCall.objects.filter(operation="orders_by_platform_numbers").count() == 1
    look_up = ApiCall.objects.get(operation="orders_by_platform_numbers")
    for attempt in Attempt.objects.filter(kind="erp_push"):
        assert attempt.api_call.operation == "create_orders"
        assert look_up in attempt.earlier_calls.all()


def test_orders_that_were_there_already_refer_to_the_look_up_that_found_them(sandbox, settings):
    settings.PUSH_BATCH_SIZE = 2
    raws = bring_in(sandbox, 6)
    run_flow("push_orders")
    ErpPush.objects.update(status="due", due_at=timezone.now(), remote_reference="")
    run_flow("push_orders")
    assert [sandbox.lingxing.effect_count("erp_order", raw["dscoOrderId"]) for raw in raws] == [1] * 6
    again = Attempt.objects.filter(kind="erp_push").order_by("-pk")[:6]
    assert {attempt.api_call.operation for attempt in again} == {"orders_by_platform_numbers"}
    assert len({attempt.api_call_id for attempt in again}) == 1


def test_a_look_up_that_fails_costs_no_order_anything(sandbox, settings, clock):
    settings.PUSH_BATCH_SIZE = 2
    bring_in(sandbox, 6)
    sandbox.faults.add(Fault("lingxing", "list_orders", "error_before"))
    run_flow("push_orders")
    assert sandbox.requests["lingxing", "create_orders"] == 0
    assert set(ErpPush.objects.values_list("status", "maybe_sent")) == {("due", False)}
    clock.advance(300)
    run_flow("push_orders")
    assert succeeded() == 6


def test_a_number_that_the_list_refuses_spoils_only_its_own_call(sandbox, settings, clock):
    settings.PUSH_BATCH_SIZE, settings.HTTP_THREADS = 2, 1
    raws = bring_in(sandbox, 6)
    bad = raws[0]["dscoOrderId"]
    sandbox.faults.add(Fault("lingxing", "list_orders", "throttled", code="102", contains=bad, times=0))
    run_flow("push_orders")
    assert succeeded() == 5
    assert ErpPush.objects.get(order__dsco_order_id=bad).status != "succeeded"


def test_batches_grow_while_lingxing_takes_them(sandbox, settings):
    settings.PUSH_BATCH_SIZE, settings.HTTP_THREADS = 50, 1
    bring_in(sandbox, 110)
    run_flow("push_orders")
    assert sandbox.requests["lingxing", "create_orders"] == len([5, 20, 25, 50, 10])
    assert succeeded() == 110
    assert largest(CREATING, 200) == 50  # nothing larger than the setting was tried


def test_a_batch_that_is_refused_as_a_whole_goes_one_by_one_and_the_next_ones_are_smaller(sandbox, settings):
    settings.PUSH_BATCH_SIZE, settings.HTTP_THREADS = 20, 1
    bring_in(sandbox, 30)
    sandbox.faults.add(Fault("lingxing", "create_orders", "throttled", code="102", after=1))
    run_flow("push_orders")
    # 5, then 15 in vain, then twice 5 of the next ten, and each of the fifteen alone.
    assert sandbox.requests["lingxing", "create_orders"] == 1 + 1 + 2 + 15
    assert succeeded() == 30
    assert largest(CREATING, 200) == 5


def test_a_batch_that_is_not_answered_in_time_makes_the_next_ones_smaller(sandbox, settings, clock):
    settings.PUSH_BATCH_SIZE, settings.HTTP_THREADS, settings.HTTP_TIMEOUT_SECONDS = 50, 1, 1
    raws = bring_in(sandbox, 40)
    sandbox.faults.add(Fault("lingxing", "create_orders", "timeout_after", seconds=1.5, after=1))
    run_flow("push_orders")
    assert largest(CREATING, 200) == 5
    clock.advance(600)
    run_flow("push_orders")
    assert succeeded() == 40
    assert [sandbox.lingxing.effect_count("erp_order", raw["dscoOrderId"]) for raw in raws] == [1] * 40


def test_batches_do_not_grow_where_a_larger_one_might_not_be_answered_in_time(sandbox, settings):
    settings.PUSH_BATCH_SIZE, settings.HTTP_THREADS, settings.HTTP_TIMEOUT_SECONDS = 50, 1, 1
    bring_in(sandbox, 5)
    sandbox.faults.add(Fault("lingxing", "create_orders", "delay", seconds=0.4))
    run_flow("push_orders")
    assert (succeeded(), largest(CREATING, 200)) == (5, 5)


def test_one_order_that_spoils_every_call_does_not_make_the_calls_smaller_for_a_day(sandbox, settings):
    settings.PUSH_BATCH_SIZE, settings.HTTP_THREADS = 20, 1
    raws = bring_in(sandbox, 12)
    bad = raws[2]["dscoOrderId"]
    sandbox.faults.add(Fault("lingxing", "create_orders", "throttled", code="102", contains=bad, times=0))
    run_flow("push_orders")
    assert succeeded() == 11
    assert ErpPush.objects.get(order__dsco_order_id=bad).status == "failed"
    assert largest(CREATING, 200) >= 5


def test_twenty_orders_cost_two_requests_and_few_queries(sandbox, django_assert_max_num_queries):
    bring_in(sandbox, 20)
    taken(CREATING, 5)  # LingXing has taken five at once before, so twenty may go
    with django_assert_max_num_queries(60):
        run_flow("push_orders")
    assert sandbox.requests["lingxing", "create_orders"] == 1
    assert sandbox.requests["lingxing", "list_orders"] == 1
    assert ErpPush.objects.filter(status="succeeded").count() == 20
