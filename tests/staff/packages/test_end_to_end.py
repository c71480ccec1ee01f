"""From LingXing's packages over the page to DSCO's stand-in: one call, one effect per tracking number, never two."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from integrations.sandbox.demo import erp_sku
from integrations.sandbox.faults import Fault
from orders.holds import hold, release_hold
from orders.models import RetailerPolicy
from tests.orders.journeys import acknowledged, line, order_of, run, run_in_trouble, shipment_of

from .world import address, fields_of, inputs, lines_of, operator

LAMP, RUG = erp_sku("LAMP"), erp_sku("RUG")
CONTENTS = ({LAMP: 2}, {LAMP: 1, RUG: 1}, {RUG: 1})


@contextmanager
def vendor_call_is_the_flows_alone(sandbox):
    """Nothing that a person does on a page calls a vendor."""
    before = sum(sandbox.requests.values())
    yield
    assert sum(sandbox.requests.values()) == before


def in_three_packages(sandbox, mark: str = "T") -> str:
    order_id = acknowledged(sandbox, line("LAMP", 3), line("RUG", 2))
    packages = [{"lines": lines, "tracking": f"{mark}-{number}"} for number, lines in enumerate(CONTENTS, 1)]
    sandbox.lingxing.ship(order_id, packages)
    run("report_shipments")
    assert shipment_of(order_id).reason_code == "several_packages"
    return order_id


def compose(sandbox, order_id: str, client=None, **changes) -> None:
    """Preview and confirm on the page."""
    client = client or operator("mei")
    with vendor_call_is_the_flows_alone(sandbox):
        row = shipment_of(order_id)
        page = client.post(address(row), inputs(client, row, **changes) | {"action": "preview"})
        assert page.context["shown"].problems == []
        answer = client.post(address(row), fields_of(page) | {"action": "confirm"})
        assert answer.status_code == 302, [problem.message for problem in answer.context["shown"].problems]


def effects(sandbox, order_id: str) -> list[dict]:
    return [effect.detail for effect in sandbox.dsco.effects if effect.kind == "shipment" and effect.key == order_id]


def test_three_packages_go_in_one_call_with_the_right_flags(sandbox):
    order_id = in_three_packages(sandbox)
    compose(sandbox, order_id)
    run("report_shipments")
    row = shipment_of(order_id)
    assert (row.status, row.chosen_by, row.remote_reference) == ("succeeded", "mei", "T-1,T-2,T-3")
    assert sandbox.requests["dsco", "single_shipment"] == 1
    sent = effects(sandbox, order_id)
    assert [one["trackingNumber"] for one in sent] == ["T-1", "T-2", "T-3"]
    contents = [
        [(item["sku"], item["quantity"], item.get("packageSpanFlag")) for item in one["lineItems"]] for one in sent
    ]
    assert contents == [[("LAMP", 2, True)], [("LAMP", 1, True), ("RUG", 1, True)], [("RUG", 1, True)]]
    assert sandbox.violations == []
    for _pass in range(2):
        run("report_shipments")
    assert len(effects(sandbox, order_id)) == 3


@pytest.mark.parametrize("kind", ["reset_after", "timeout_after", "error_after", "reset_before", "error_before"])
def test_a_lost_reply_heals_with_one_effect_for_each_number(sandbox, clock, kind):
    order_id = in_three_packages(sandbox)
    client = operator("mei")
    compose(sandbox, order_id, client)
    sandbox.faults.add(Fault("dsco", "single_shipment", kind, seconds=2))
    run_in_trouble("report_shipments")
    row = shipment_of(order_id)
    assert row.status == "uncertain"
    assert 'name="action"' not in client.get(address(row)).content.decode()
    for _pass in range(3):
        clock.advance(60)
        run("report_shipments")
    assert shipment_of(order_id).status == "succeeded"
    assert sorted(one["trackingNumber"] for one in effects(sandbox, order_id)) == ["T-1", "T-2", "T-3"]
    assert sandbox.dsco.duplicates() == []


def test_what_a_person_composed_is_what_goes_whatever_lingxing_says_later(sandbox):
    order_id = in_three_packages(sandbox)
    hold([order_of(order_id).pk], "wait for the retailer", "mei")
    lamp, rug = lines_of(shipment_of(order_id))
    changes = {"p2-include": None, f"p1-q{rug}": "2", "p1-tracking_number": "TYPED-2"}
    compose(sandbox, order_id, **changes)
    RetailerPolicy.objects.create(retailer_id=order_of(order_id).retailer_id, automatic_packages=True)
    for _pass in range(2):
        run("report_shipments")
    row = shipment_of(order_id)
    assert (row.status, row.reason_code, row.chosen_by) == ("waiting", "held", "mei")
    assert [one["trackingNumber"] for one in row.body] == ["T-1", "TYPED-2"]
    release_hold([order_of(order_id).pk], "mei")
    run("report_shipments")
    assert [one["trackingNumber"] for one in effects(sandbox, order_id)] == ["T-1", "TYPED-2"]
    assert lamp


def test_a_line_cancelled_after_the_confirm_is_never_over_reported(sandbox, clock):
    order_id = in_three_packages(sandbox)
    compose(sandbox, order_id)

    def cancel_one(order) -> None:
        order["lineItems"][1] |= {"cancelledQuantity": 1, "remainingQuantity": 1}

    sandbox.dsco.rewrite(order_id, cancel_one, backdate=60)
    clock.advance(15)
    run("pull_orders")
    run("report_shipments")
    row = shipment_of(order_id)
    assert (row.status, row.reason_code, row.chosen_by) == ("needs_attention", "quantities_differ", "mei")
    assert effects(sandbox, order_id) == []
    compose(sandbox, order_id, operator("li"), **{"p2-include": None})
    run("report_shipments")
    assert [one["trackingNumber"] for one in effects(sandbox, order_id)] == ["T-1", "T-2"]


def test_what_dsco_refuses_comes_back_and_is_corrected(sandbox):
    order_id = in_three_packages(sandbox)
    compose(sandbox, order_id)
    sandbox.dsco.refuse_shipment(order_id, "bad-code", "This level is not allowed")
    run("report_shipments")
    assert shipment_of(order_id).status == "failed"
    sandbox.dsco.stop_refusing(order_id)
    compose(sandbox, order_id, operator("li"), **{"p0-service_level": "FECG"})
    run("report_shipments")
    row = shipment_of(order_id)
    assert (row.status, row.chosen_by) == ("succeeded", "li")
    assert effects(sandbox, order_id)[0]["shippingServiceLevelCode"] == "FECG"


def test_what_was_reported_elsewhere_is_left_to_the_next_step(sandbox):
    order_id = in_three_packages(sandbox)
    client = operator("mei")
    client.post(address(shipment_of(order_id)), {"action": "done", "done_reason": "portal, 10:30"})
    run("report_shipments")
    assert shipment_of(order_id).status == "succeeded"
    assert order_of(order_id).stage == "shipped"
    assert effects(sandbox, order_id) == []
