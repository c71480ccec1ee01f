"""An order that a vendor refuses to show keeps no other from being read, in any flow."""

from __future__ import annotations

import pytest

from integrations.errors import ConfigurationError, Rejected, TransientError
from integrations.flows import run_flow
from integrations.sandbox.faults import Fault
from orders.models import Acknowledgement, Shipment
from orders.reading import read_each, read_in_chunks
from orders.rereading import DirectReads

from .journeys import place, pushed, run

NAMES = {"vendor": "lingxing", "operation": "test", "code": "x"}


def refused(sandbox, operation: str, number: str) -> None:
    """LingXing refuses every question in which this number occurs."""
    sandbox.faults.add(Fault("lingxing", operation, "forbidden_ip", times=0, contains=number, code="102"))


def states(model) -> dict[str, str]:
    return dict(model.objects.values_list("order__dsco_order_id", "status"))


def test_an_order_that_lingxing_refuses_to_list_keeps_no_other_from_its_acknowledgement(sandbox):
    bad, *good = [pushed(sandbox) for _number in range(5)]
    for order_id in (bad, *good):
        sandbox.lingxing.audit(order_id)
    refused(sandbox, "list_orders", bad)
    result = run("acknowledge_orders")
    assert states(Acknowledgement) == {bad: "waiting"} | dict.fromkeys(good, "succeeded")
    assert result.counts["not_read"] == 1
    assert any("could not be read in LingXing" in note for note in result.notes)
    sandbox.faults.clear()
    run("acknowledge_orders")
    assert states(Acknowledgement)[bad] == "succeeded"


def test_an_order_whose_outbound_orders_lingxing_refuses_keeps_no_other_from_being_reported(sandbox):
    bad, *good = [pushed(sandbox) for _number in range(3)]
    for order_id in (bad, *good):
        sandbox.lingxing.audit(order_id)
    run("acknowledge_orders")
    for order_id in (bad, *good):
        sandbox.lingxing.ship(order_id)
    refused(sandbox, "outbound_orders", bad)
    run("report_shipments")
    assert states(Shipment) == {bad: "waiting"} | dict.fromkeys(good, "succeeded")


def test_named_orders_are_pulled_although_one_cannot_be_read(sandbox):
    first, second = place(sandbox), place(sandbox)
    sandbox.faults.add(Fault("dsco", "get_order", "error_before", times=0, contains=first))
    result = run_flow("pull_orders", order_ids=[first, second])
    assert (result.status, result.counts["new"], result.counts["not_read"]) == ("succeeded", 1, 1)
    assert any(first in note for note in result.notes)


def test_a_vendor_that_answers_nothing_or_is_out_of_reach_ends_the_read():
    def fail(error):
        def call(_item):
            raise error

        return call

    for error in (TransientError("busy", **NAMES), Rejected("no", **NAMES)):
        with pytest.raises(type(error)):
            read_each(DirectReads(), fail(error), [1, 2])
        with pytest.raises(type(error)):
            read_in_chunks(DirectReads(), fail(error), [1, 2, 3], 2)
    asked = []

    def half(chunk):
        asked.append(list(chunk))
        if 3 in chunk:
            raise ConfigurationError("IP not allowed", **NAMES)
        return chunk

    with pytest.raises(ConfigurationError):
        read_in_chunks(DirectReads(), half, [1, 2, 3, 4], 2)
    assert asked == [[1, 2], [3, 4]]
