"""The flow ``report_invoices`` against the sandbox: one right invoice per order, whatever happens."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from integrations.deliveries import staff
from integrations.deliveries.kinds import delivery_kinds
from integrations.deliveries.states import State
from integrations.dsco import DscoClient
from integrations.dsco.schemas import InvoiceBody, InvoiceLine, ShipmentLine, ShipmentPackage, ShipmentReport
from integrations.flows import run_flow
from integrations.sandbox.dsco.invented import RETAILERS
from integrations.sandbox.faults import Fault
from orders.holds import hold, release_hold
from orders.intake import store_page
from orders.models import ErpPush, Invoice, Order, RetailerPolicy, Shipment

LOST_REPLIES = ["reset_after", "timeout_after", "error_after", "html_after", "broken_json_after"]


def report(**options: Any):
    """Run one pass."""
    return run_flow("report_invoices", **options)


def report_until_settled(clock, passes: int = 6) -> None:
    """Run passes with time between them, as the scheduler would."""
    for _ in range(passes):
        report()
        clock.advance(300)


def invoice_of(raw) -> Invoice:
    """The invoice of an order as it stands."""
    return Invoice.objects.select_related("order").get(order__dsco_order_id=raw["dscoOrderId"])


def bring_in(sandbox, **fields: Any) -> dict[str, Any]:
    """An order that was pulled, pushed and acknowledged."""
    raw = sandbox.dsco.add_order(lifecycle="acknowledged", status="shipment_pending", **fields)
    store_page([DscoClient.from_settings().get_order(raw["dscoOrderId"])], timezone.now())
    order = Order.objects.get(dsco_order_id=raw["dscoOrderId"])
    ErpPush.objects.filter(order=order).update(status=State.SUCCEEDED, due_at=None)
    return raw


def ship(sandbox, raw, quantities: dict[int, int] | None = None, tracking: str = "", reported: bool = True) -> None:
    """Report a package to DSCO as the shipment flow does; ``quantities`` by position, all by default."""
    lines = [
        ShipmentLine(
            line_number=line["lineNumber"], sku=line["sku"],
            quantity=(quantities or {}).get(position, line["quantity"]),
        )
        for position, line in enumerate(raw["lineItems"])
        if quantities is None or quantities.get(position)
    ]  # fmt: skip
    package = ShipmentPackage(
        tracking_number=tracking or f"TRK{raw['dscoOrderId']}", ship_date=timezone.now(),
        shipping_service_level_code="FEHD", line_items=lines,
    )  # fmt: skip
    if reported:
        body = ShipmentReport(dsco_order_id=raw["dscoOrderId"], shipments=[package])
        DscoClient.from_settings().single_shipment(body)
    Shipment.objects.filter(order__dsco_order_id=raw["dscoOrderId"]).update(
        status=State.SUCCEEDED, body=[package.payload()], finished_at=timezone.now(), due_at=None
    )


def shipped(sandbox, **fields: Any) -> dict[str, Any]:
    """An order whose shipment is reported."""
    raw = bring_in(sandbox, **fields)
    ship(sandbox, raw)
    return raw


def at_dsco(sandbox, raw) -> dict[str, Any]:
    """The one invoice that DSCO has for the order."""
    found = [one for one in sandbox.dsco.invoices.values() if one["dscoOrderId"] == raw["dscoOrderId"]]
    assert len(found) == 1
    assert sandbox.dsco.effect_count("invoice", raw["dscoOrderId"]) == 1
    return found[0]


TWO_LINES = [
    {"sku": "HP-LAMP-01", "quantity": 3, "expectedCost": 12.35},
    {"sku": "HP-VASE-02", "quantity": 1, "expectedCost": 8.1},
]


def test_a_shipped_order_is_invoiced_once_at_cost_under_its_po_number(sandbox):
    raw = shipped(sandbox, lines=TWO_LINES)
    report()
    report()
    invoice = at_dsco(sandbox, raw)
    assert invoice["invoiceId"] == raw["poNumber"]
    assert Decimal(str(invoice["totalAmount"])) == Decimal("45.15")
    assert invoice["ship"]["trackingNumber"] == f"TRK{raw['dscoOrderId']}"
    assert [line["quantity"] for line in invoice["lineItems"]] == [3, 1]
    assert {line["trackingNumber"] for line in invoice["lineItems"]} == {f"TRK{raw['dscoOrderId']}"}
    row = invoice_of(raw)
    assert (row.status, row.remote_reference, row.total) == ("succeeded", raw["poNumber"], Decimal("45.15"))
    assert row.order.stage == "invoiced"
    assert sandbox.violations == []


def change_cost(sandbox, raw, cost: float) -> None:
    """The retailer corrects the expected cost of the first line, and we read it."""
    lines = [dict(line) for line in sandbox.dsco.orders[raw["dscoOrderId"]]["lineItems"]]
    lines[0]["expectedCost"] = cost
    sandbox.dsco.change_order(raw["dscoOrderId"], lineItems=lines)
    store_page([DscoClient.from_settings().get_order(raw["dscoOrderId"])], timezone.now())


def test_a_cost_that_changes_before_the_invoice_is_sent_is_the_one_that_is_invoiced(sandbox):
    raw = shipped(sandbox, lines=TWO_LINES)
    order = Order.objects.get()
    hold([order.pk], "cost?", "mei")
    report()
    assert invoice_of(raw).total == Decimal("45.15")
    change_cost(sandbox, raw, 12.5)
    release_hold([order.pk], "mei")
    report()
    assert Decimal(str(at_dsco(sandbox, raw)["totalAmount"])) == Decimal("45.60")
    assert (invoice_of(raw).total, invoice_of(raw).invoice_id) == (Decimal("45.60"), raw["poNumber"])


def test_a_cost_that_changes_between_composing_and_claim_stops_the_old_amount(sandbox):
    raw = shipped(sandbox, lines=TWO_LINES)
    hold([Order.objects.get().pk], "cost?", "mei")
    report()
    release_hold([Order.objects.get().pk], "mei")
    change_cost(sandbox, raw, 12.5)
    run_flow("report_shipments")
    kind = delivery_kinds()["invoice"]
    assert kind.check(list(kind.queryset()), timezone.now())[invoice_of(raw).pk].code == "recompose"
    report()
    assert Decimal(str(at_dsco(sandbox, raw)["totalAmount"])) == Decimal("45.60")


def test_a_line_that_dsco_removed_before_the_invoice_was_sent_is_not_invoiced(sandbox):
    raw = shipped(sandbox, lines=TWO_LINES)
    hold([Order.objects.get().pk], "line?", "mei")
    report()
    assert invoice_of(raw).total == Decimal("45.15")
    first = dict(sandbox.dsco.orders[raw["dscoOrderId"]]["lineItems"][0])
    sandbox.dsco.change_order(raw["dscoOrderId"], lineItems=[first])
    store_page([DscoClient.from_settings().get_order(raw["dscoOrderId"])], timezone.now())
    release_hold([Order.objects.get().pk], "mei")
    report()
    assert Decimal(str(at_dsco(sandbox, raw)["totalAmount"])) == Decimal("37.05")


def test_an_amount_beyond_all_measure_stops_its_own_order_only(sandbox):
    fine = shipped(sandbox)
    absurd = shipped(sandbox, lines=[{"sku": "HP-LAMP-01", "quantity": 100_000, "expectedCost": 99_999_999}])
    assert "quantity × expected_cost" in invoice_of(absurd).order.problem
    report()
    at_dsco(sandbox, fine)


def test_an_invoice_that_dsco_refused_for_an_old_cost_goes_right_when_it_is_retried(sandbox):
    raw = shipped(sandbox, lines=TWO_LINES)
    hold([Order.objects.get().pk], "cost?", "mei")
    report()
    Invoice.objects.update(status="failed", reason_code="price", attempts=1)
    release_hold([Order.objects.get().pk], "mei")
    change_cost(sandbox, raw, 12.5)
    staff.retry("invoice", [Invoice.objects.get().pk], "mei")
    report()
    assert Decimal(str(at_dsco(sandbox, raw)["totalAmount"])) == Decimal("45.60")


def test_amounts_are_stored_digit_for_digit(sandbox):
    raw = shipped(sandbox, lines=TWO_LINES)
    report()
    body = invoice_of(raw).body
    assert body["totalAmount"] == "45.15"
    assert [line["unitPrice"] for line in body["lineItems"]] == ["12.35", "8.10"]


def test_nothing_is_invoiced_before_the_shipment_is_done(sandbox):
    raw = bring_in(sandbox, lines=TWO_LINES)
    report()
    assert invoice_of(raw).status == "waiting"
    assert sandbox.dsco.invoices == {}


def test_an_order_whose_shipment_dsco_does_not_show_yet_waits(sandbox, clock):
    raw = bring_in(sandbox)
    sandbox.options.visibility_delay_seconds = 600
    ship(sandbox, raw)
    report()
    row = invoice_of(raw)
    assert (row.status, row.reason_code) == ("waiting", "waiting_for_dsco")
    clock.advance(700)
    report()
    at_dsco(sandbox, raw)
    assert sandbox.violations == []


def test_a_pull_between_shipment_and_invoice_loses_nothing_and_saves_the_question(sandbox):
    raw = shipped(sandbox)
    store_page([DscoClient.from_settings().get_order(raw["dscoOrderId"])], timezone.now())
    asked = sandbox.requests["dsco", "get_order"]
    report()
    at_dsco(sandbox, raw)
    assert sandbox.requests["dsco", "get_order"] == asked


def test_a_shipment_confirmed_by_the_change_log_needs_no_question(sandbox):
    raw = shipped(sandbox)
    Shipment.objects.update(confirmed_at=timezone.now())
    asked = sandbox.requests["dsco", "get_order"]
    report()
    at_dsco(sandbox, raw)
    assert sandbox.requests["dsco", "get_order"] == asked


def test_a_partly_shipped_order_waits_until_the_rest_has_gone_or_is_cancelled(sandbox):
    raw = bring_in(sandbox, lines=TWO_LINES)
    ship(sandbox, raw, {0: 2})
    report()
    row = invoice_of(raw)
    assert (row.status, row.reason_code) == ("waiting", "partly_shipped")
    sandbox.dsco.cancel_by_retailer(raw["dscoOrderId"])
    report()
    invoice = at_dsco(sandbox, raw)
    assert [(line["sku"], line["quantity"]) for line in invoice["lineItems"]] == [("HP-LAMP-01", 2)]


def test_a_shipment_that_dsco_never_shows_is_put_before_a_person_after_a_day(sandbox, clock):
    raw = bring_in(sandbox)
    ship(sandbox, raw, reported=False)
    report()
    assert invoice_of(raw).status == "waiting"
    clock.advance(25 * 3600)
    report()
    row = invoice_of(raw)
    assert (row.status, row.reason_code) == ("needs_attention", "quantities_differ")


def test_a_line_without_cost_needs_a_person_and_names_the_line(sandbox):
    raw = shipped(sandbox, lines=[TWO_LINES[0], {"sku": "HP-VASE-02", "quantity": 1, "expectedCost": None}])
    report()
    row = invoice_of(raw)
    assert (row.status, row.reason_code) == ("needs_attention", "missing_cost")
    assert "line 2 (HP-VASE-02)" in row.last_error
    assert sandbox.dsco.invoices == {}


def test_a_cost_that_the_retailer_added_later_is_used_after_a_retry(sandbox):
    raw = shipped(sandbox, lines=[{"sku": "HP-VASE-02", "quantity": 1, "expectedCost": None}])
    report()
    changed = sandbox.dsco.orders[raw["dscoOrderId"]]["lineItems"]
    sandbox.dsco.change_order(raw["dscoOrderId"], lineItems=[changed[0] | {"expectedCost": 7.25}])
    store_page([DscoClient.from_settings().get_order(raw["dscoOrderId"])], timezone.now())
    staff.retry("invoice", [invoice_of(raw).pk], "mei")
    report()
    assert at_dsco(sandbox, raw)["totalAmount"] == 7.25


def test_fractions_of_a_cent_that_change_the_amount_are_a_persons_decision(sandbox):
    raw = shipped(sandbox, lines=[{"sku": "HP-VASE-02", "quantity": 300, "expectedCost": 0.3333}])
    report()
    row = invoice_of(raw)
    assert (row.status, row.reason_code) == ("needs_attention", "fraction_of_a_cent")
    staff.retry("invoice", [row.pk], "mei")
    report()
    assert at_dsco(sandbox, raw)["totalAmount"] == 99


def test_the_longest_po_number_at_several_retailers_gives_numbers_that_fit_and_stops_no_other_invoice(sandbox):
    longest = "L" * 120
    raws = [shipped(sandbox, po_number=longest, retailer=retailer) for retailer in list(RETAILERS)[:3]]
    raws.append(shipped(sandbox))
    report()
    numbers = [invoice_of(raw).invoice_id for raw in raws]
    assert sorted(numbers[:3]) == sorted([longest, f"{'L' * 118}-2", f"{'L' * 118}-3"])
    assert {invoice_of(raw).status for raw in raws} == {"succeeded"}


def test_the_same_po_number_at_two_retailers_gives_two_invoices(sandbox):
    first, second = list(RETAILERS)[:2]
    raws = [shipped(sandbox, po_number="PO-77", retailer=retailer) for retailer in (first, second)]
    report()
    assert sorted(at_dsco(sandbox, raw)["invoiceId"] for raw in raws) == ["PO-77", "PO-77-2"]
    assert sandbox.violations == []


def test_a_number_that_another_order_took_at_dsco_is_replaced_by_the_next_one(sandbox):
    other = sandbox.dsco.add_order(po_number="PO-78", retailer=list(RETAILERS)[1])
    raw = shipped(sandbox, po_number="PO-78")
    sandbox.dsco.invoices["PO-78"] = {"invoiceId": "PO-78", "dscoOrderId": other["dscoOrderId"], "totalAmount": 1}
    sandbox.dsco.invoices["PO-78"] |= {"lineItems": []}
    sandbox.dsco.invoices_visible_at["PO-78"] = 0
    report()
    report()
    assert at_dsco(sandbox, raw)["invoiceId"] == "PO-78-2"
    assert invoice_of(raw).invoice_id == "PO-78-2"


@pytest.mark.parametrize("kind", LOST_REPLIES)
def test_a_lost_reply_ends_in_exactly_one_invoice(sandbox, clock, kind):
    raw = shipped(sandbox)
    sandbox.faults.add(Fault("dsco", "create_invoice", kind, seconds=3))
    report()
    assert invoice_of(raw).status in ("uncertain", "succeeded")
    report_until_settled(clock, 3)
    at_dsco(sandbox, raw)
    assert invoice_of(raw).status == "succeeded"
    assert sandbox.violations == []


@pytest.mark.parametrize(("number", "status"), [(None, "needs_attention"), ("PO-OF-ANOTHER", "succeeded")])
def test_an_invoice_that_names_no_order_is_put_before_a_person(sandbox, clock, number, status):
    raw = shipped(sandbox)
    sandbox.faults.add(Fault("dsco", "create_invoice", "reset_after"))
    report()
    body = dict(at_dsco(sandbox, raw))
    # DSCO's document allows an invoice to name its order by any one of three numbers, or to show none of them.
    sandbox.dsco.invoices[body["invoiceId"]] = body | {"dscoOrderId": None, "poNumber": number}
    report_until_settled(clock, 4)
    assert invoice_of(raw).status == status
    assert (invoice_of(raw).reason_code == "invoiced_elsewhere") is (status == "needs_attention")


@pytest.mark.parametrize("kind", ["reset_before", "timeout_before", "error_before", "throttled"])
def test_a_request_that_never_arrived_is_made_again(sandbox, clock, kind):
    raw = shipped(sandbox)
    sandbox.faults.add(Fault("dsco", "create_invoice", kind, seconds=3))
    report_until_settled(clock, 3)
    at_dsco(sandbox, raw)
    assert invoice_of(raw).status == "succeeded"


def test_an_invoice_that_becomes_visible_late_is_not_sent_again_before_the_verification_delay(sandbox, clock, settings):
    raw = shipped(sandbox)
    store_page([DscoClient.from_settings().get_order(raw["dscoOrderId"])], timezone.now())
    settings.RETRY_BACKOFF_SCALE, settings.VERIFY_DELAY_SECONDS = 1, 120
    sandbox.options.visibility_delay_seconds = 60
    sandbox.faults.add(Fault("dsco", "create_invoice", "reset_after"))
    report()
    clock.advance(30)
    report()
    assert invoice_of(raw).status == "uncertain"
    clock.advance(120)
    report()
    at_dsco(sandbox, raw)
    assert invoice_of(raw).status == "succeeded"
    assert sandbox.requests["dsco", "create_invoice"] == 1


def test_an_invoice_that_becomes_visible_later_than_any_delay_is_still_made_once(sandbox, clock):
    raw = shipped(sandbox)
    store_page([DscoClient.from_settings().get_order(raw["dscoOrderId"])], timezone.now())
    sandbox.options.visibility_delay_seconds = 500
    sandbox.faults.add(Fault("dsco", "create_invoice", "reset_after"))
    report_until_settled(clock, 6)
    at_dsco(sandbox, raw)
    assert invoice_of(raw).status == "succeeded"


def test_many_invoices_go_in_one_batch(sandbox, settings):
    settings.BATCH_FROM = 3
    raws = [shipped(sandbox) for _ in range(5)]
    report()
    for raw in raws:
        at_dsco(sandbox, raw)
        assert invoice_of(raw).status == "succeeded"
    assert sandbox.requests["dsco", "invoice_batch"] == 1
    assert sandbox.requests["dsco", "create_invoice"] == 0


def test_one_refused_invoice_of_a_batch_fails_alone_with_dscos_words(sandbox, settings, clock):
    settings.BATCH_FROM = 3
    raws = [shipped(sandbox) for _ in range(4)]
    sandbox.dsco.refuse_invoice(raws[1]["dscoOrderId"], "invoice-late", "Invoice window closed")
    report_until_settled(clock, 3)
    assert [invoice_of(raw).status for raw in raws] == ["succeeded", "failed", "succeeded", "succeeded"]
    row = invoice_of(raws[1])
    assert (row.last_error_code, row.last_error) == ("invoice-late", "invoice-late: Invoice window closed")


def test_an_account_without_the_batch_operation_invoices_one_by_one(sandbox, settings, clock):
    settings.BATCH_FROM = 3
    raws = [shipped(sandbox) for _ in range(4)]
    sandbox.faults.add(Fault("dsco", "invoice_batch", "error_before", times=0, status=403))
    report_until_settled(clock, 2)
    for raw in raws:
        at_dsco(sandbox, raw)


@pytest.mark.parametrize("kind", ["reset_after", "timeout_after", "error_after", "partial_apply"])
def test_a_batch_whose_reply_is_lost_ends_in_exactly_one_invoice_each(sandbox, settings, clock, kind):
    settings.BATCH_FROM = 3
    raws = [shipped(sandbox) for _ in range(6)]
    sandbox.faults.add(Fault("dsco", "invoice_batch", kind, seconds=3))
    report_until_settled(clock, 4)
    for raw in raws:
        at_dsco(sandbox, raw)
        assert invoice_of(raw).status == "succeeded"


def test_a_retailer_that_wants_no_invoices_gets_none(sandbox):
    raw = shipped(sandbox)
    RetailerPolicy.objects.create(retailer_id=raw["dscoRetailerId"], invoice_timing="never")
    report()
    row = invoice_of(raw)
    assert (row.status, row.reason_code) == ("skipped", "policy_never")
    assert sandbox.dsco.invoices == {}


def test_a_held_order_is_invoiced_after_the_hold(sandbox):
    raw = shipped(sandbox)
    order = Order.objects.get()
    hold([order.pk], "price question", "mei")
    report()
    row = invoice_of(raw)
    assert (row.status, row.reason_code) == ("waiting", "held")
    release_hold([order.pk], "mei")
    report()
    at_dsco(sandbox, raw)


def test_shadow_mode_composes_and_sends_nothing_until_it_is_live(sandbox):
    raw = shipped(sandbox)
    policy = RetailerPolicy.objects.create(retailer_id=raw["dscoRetailerId"], invoice_mode="shadow")
    report()
    row = invoice_of(raw)
    assert (row.status, row.reason_code, row.body["invoiceId"]) == ("waiting", "shadow", raw["poNumber"])
    assert sandbox.dsco.invoices == {}
    policy.invoice_mode = "live"
    policy.save()
    report()
    at_dsco(sandbox, raw)


def test_an_order_that_was_cancelled_after_shipment_is_left_to_a_person(sandbox):
    raw = shipped(sandbox)
    Order.objects.update(dsco_status="cancelled")
    Shipment.objects.update(confirmed_at=timezone.now())
    report()
    row = invoice_of(raw)
    assert (row.status, row.reason_code) == ("needs_attention", "cancelled_after_shipment")


def test_an_invoice_made_elsewhere_is_found_and_shown(sandbox):
    raw = shipped(sandbox)
    line = raw["lineItems"][0]
    price = Decimal(str(line["expectedCost"]))
    lines = [InvoiceLine(line_number=1, sku=line["sku"], quantity=line["quantity"], unit_price=price)]
    total = price * line["quantity"]
    DscoClient.from_settings().create_invoice(
        InvoiceBody(invoice_id="PORTAL-1", dsco_order_id=raw["dscoOrderId"], total_amount=total, line_items=lines)
    )
    report()
    row = invoice_of(raw)
    assert (row.status, row.reason_code) == ("needs_attention", "invoiced_elsewhere")
    assert "PORTAL-1" in row.last_error


def test_a_shipment_that_staff_marked_as_done_is_invoiced_by_what_dsco_shows(sandbox):
    raw = bring_in(sandbox)
    ship(sandbox, raw, tracking="BY-HAND")
    Shipment.objects.update(body=[])
    report()
    assert at_dsco(sandbox, raw)["ship"]["trackingNumber"] == "BY-HAND"


def test_one_run_can_be_limited_to_some_orders(sandbox):
    first, second = shipped(sandbox), shipped(sandbox)
    report(order_ids=[first["dscoOrderId"]])
    at_dsco(sandbox, first)
    assert invoice_of(second).status == "waiting"


def test_an_order_that_cannot_be_read_at_dsco_does_not_stop_the_others(sandbox):
    raws = [shipped(sandbox) for _ in range(3)]
    sandbox.faults.add(Fault("dsco", "get_order", "error_before", contains=raws[0]["dscoOrderId"], times=0))
    report()
    assert [invoice_of(raw).status for raw in raws] == ["waiting", "succeeded", "succeeded"]
