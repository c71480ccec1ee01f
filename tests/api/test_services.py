"""The order services: pausing for a cancellation with its answers, status, changes after shipment, issued invoices."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.deliveries.states import State
from integrations.flows import run_flow
from integrations.flows.context import FlowContext
from integrations.sandbox.sandbox import Sandbox
from orders.models import (
    Cancellation,
    CancellationPause,
    Discrepancy,
    ErpOrder,
    ErpPush,
    Invoice,
    InvoiceDocument,
    Order,
    OrderErpLink,
    OrderEvent,
    Package,
    Shipment,
)
from orders.pause_for_cancellation import settle
from tests.orders.cancelling import apply, apply_until_settled, bring_in, confirmed, made, pushed, rows
from tests.staff.packages.world import make_order

from .conftest import Caller
from .test_actions import ok
from .test_tokens import problem

pytestmark = pytest.mark.django_db
WHY = {"reason": "customer changed his mind"}


def pause(boss: Caller, raw: Any, **body: Any) -> Any:
    return ok(boss.post(f"orders/{raw['dscoOrderId']}/cancellation-pause/", WHY | body))


def answer(boss: Caller, raw: Any) -> str:
    return str(ok(boss.get(f"orders/{raw['dscoOrderId']}/cancellation-pause/"))["answer"])


def goes_on(raw: Any) -> bool:
    order = Order.objects.get(dsco_order_id=raw["dscoOrderId"])
    return not order.held and CancellationPause.objects.latest("pk").outcome != "open"


class TestNotInLingXing:
    def test_it_is_held_and_may_be_cancelled(self, boss: Caller, sandbox: Sandbox, clock: Any) -> None:
        raw = bring_in(sandbox)
        found = pause(boss, raw)
        assert (found["answer"], found["held"]) == ("may_cancel", True)
        run_flow("push_orders")
        assert made(sandbox, raw) == 0
        again = pause(boss, raw)
        assert again["answer"] == "may_cancel"
        assert CancellationPause.objects.count() == 1

        path = f"orders/{raw['dscoOrderId']}"
        assert not ok(boss.get(f"{path}/is-cancelled/"))["cancelled"]
        done = ok(boss.post(f"{path}/set-cancelled/", WHY))
        assert (done["answer"], done["held"]) == ("stopped", False)
        assert [row["key"] for row in done["actions"]] == [f"cancellation:{raw['dscoOrderId']}:dsco"]
        assert ok(boss.post(f"{path}/set-cancelled/", WHY))["answer"] == "stopped"
        apply_until_settled(clock)
        assert confirmed(sandbox, raw) == 1
        assert ok(boss.get(f"{path}/is-cancelled/"))["cancelled"]
        assert answer(boss, raw) == "already_cancelled"
        assert ok(boss.post(f"{path}/set-cancelled/", WHY))["answer"] == "already_cancelled"
        assert pause(boss, raw)["answer"] == "already_cancelled"
        assert confirmed(sandbox, raw) == 1

    def test_a_code_that_dsco_does_not_know_is_refused_at_once_and_holds_nothing(
        self, boss: Caller, sandbox: Sandbox
    ) -> None:
        raw = bring_in(sandbox)
        path = f"orders/{raw['dscoOrderId']}/cancellation-pause/"
        refused = problem(boss.post(path, WHY | {"code": "NOPE"}), 409)
        assert refused["code"] == "unknown_code"
        assert "CXSC" in refused["detail"]
        assert not Order.objects.get(dsco_order_id=raw["dscoOrderId"]).held
        assert answer(boss, raw) == "not_asked"

    def test_taken_back_it_goes_on(self, boss: Caller, sandbox: Sandbox) -> None:
        raw = bring_in(sandbox)
        pause(boss, raw)
        path = f"orders/{raw['dscoOrderId']}/cancellation-pause/resume/"
        assert ok(boss.post(path, {"reason": "wants it after all"}))["answer"] == "not_asked"
        assert problem(boss.post(path, {"reason": "again"}), 409)["code"] == "not_paused"
        run_flow("push_orders")
        assert made(sandbox, raw) == 1

    def test_a_person_who_releases_the_order_ends_the_question(self, boss: Caller, sandbox: Sandbox) -> None:
        raw = bring_in(sandbox)
        pause(boss, raw)
        ok(boss.post(f"orders/{raw['dscoOrderId']}/release/", {"reason": "clear"}))
        apply()
        assert answer(boss, raw) == "not_asked"

    def test_a_hold_that_was_there_before_stays(self, boss: Caller, sandbox: Sandbox) -> None:
        raw = bring_in(sandbox)
        ok(boss.post(f"orders/{raw['dscoOrderId']}/hold/", {"reason": "fraud check"}))
        pause(boss, raw)
        ok(boss.post(f"orders/{raw['dscoOrderId']}/cancellation-pause/resume/", {"reason": "after all"}))
        assert Order.objects.get().held

    def test_asked_while_it_is_being_created_it_is_asked_for_in_lingxing_right_after(
        self, boss: Caller, sandbox: Sandbox, clock: Any
    ) -> None:
        raw = pushed(sandbox)
        done = {"status": State.SUCCEEDED, "remote_reference": ErpPush.objects.get().remote_reference, "due_at": None}
        ErpPush.objects.update(
            status=State.UNCERTAIN, remote_reference="", maybe_sent=True, due_at=Order.objects.get().read_at
        )
        assert pause(boss, raw)["answer"] == "being_pushed"
        settle()
        assert answer(boss, raw) == "being_pushed"
        ErpPush.objects.update(maybe_sent=False, **done)
        settle()
        assert answer(boss, raw) == "asked"
        apply_until_settled(clock)
        assert answer(boss, raw) == "already_cancelled"
        assert confirmed(sandbox, raw) == 1


class TestInLingXing:
    def test_lingxing_is_asked_and_stops_it_then_the_retailer_is_told(
        self, boss: Caller, sandbox: Sandbox, clock: Any
    ) -> None:
        raw = pushed(sandbox)
        found = pause(boss, raw, code="CXSS")
        assert found["answer"] == "asked"
        assert [row["key"].rpartition(":")[2] for row in found["actions"]] == ["erp", "dsco"]
        assert found["parts"][0]["answer"] == "asked"
        apply_until_settled(clock)
        told = ok(boss.get(f"orders/{raw['dscoOrderId']}/cancellation-pause/"))
        assert [told["answer"], told["parts"][0]["answer"]] == ["already_cancelled"] * 2
        assert ok(boss.get(f"orders/{raw['dscoOrderId']}/is-cancelled/"))["stopped_in_lingxing"]
        assert rows(raw) == {"erp": (State.SUCCEEDED, ""), "dsco": (State.SUCCEEDED, "")}
        assert confirmed(sandbox, raw) == 1
        assert CancellationPause.objects.get().outcome == "cancelled"

    def test_refused_it_goes_on_by_itself_and_the_result_is_kept(
        self, boss: Caller, sandbox: Sandbox, clock: Any
    ) -> None:
        raw = pushed(sandbox)
        pause(boss, raw)
        Cancellation.objects.filter(action="erp").update(
            status=State.NEEDS_ATTENTION, reason_code="erp_refused", last_error="The warehouse is packing it.",
            due_at=None,
        )  # fmt: skip
        apply()
        found = ok(boss.get(f"orders/{raw['dscoOrderId']}/cancellation-pause/"))
        assert found["answer"] == "refused"
        assert "The warehouse is packing it." in found["pause"]["result"]
        assert goes_on(raw)
        assert {state for state, _code in rows(raw).values()} == {State.SKIPPED}
        sandbox.lingxing.audit(raw["dscoOrderId"])
        run_flow("acknowledge_orders")
        assert sandbox.dsco.effect_count("acknowledgement", raw["dscoOrderId"]) == 1

    def test_once_lingxing_was_told_it_cannot_be_taken_back_before_its_answer(
        self, boss: Caller, sandbox: Sandbox
    ) -> None:
        raw = pushed(sandbox)
        pause(boss, raw)
        path = f"orders/{raw['dscoOrderId']}/cancellation-pause/resume/"
        Cancellation.objects.filter(action="erp").update(status=State.ACCEPTED)
        assert problem(boss.post(path, {"reason": "x"}), 409)["code"] == "asked"
        Cancellation.objects.filter(action="erp").update(status=State.DUE)
        ok(boss.post(path, {"reason": "x"}))
        apply()
        assert goes_on(raw)
        assert confirmed(sandbox, raw) == 0

    def test_a_crash_between_the_follow_up_actions_loses_none(
        self, boss: Caller, sandbox: Sandbox, clock: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """After the question, after LingXing, after DSCO: the next pass goes on from what was committed, each once."""
        raw = pushed(sandbox)
        pause(boss, raw)
        deliver, calls = FlowContext.deliver, []

        def die(self: FlowContext, *args: Any, **kwargs: Any) -> Any:
            calls.append(deliver(self, *args, **kwargs))
            raise SystemExit

        for _death in range(3):
            with monkeypatch.context() as patch:
                patch.setattr(FlowContext, "deliver", die)
                with pytest.raises(SystemExit):
                    apply()
            clock.advance(300)
        assert CancellationPause.objects.get().outcome == "open"
        apply_until_settled(clock)
        assert rows(raw) == {"erp": (State.SUCCEEDED, ""), "dsco": (State.SUCCEEDED, "")}
        assert confirmed(sandbox, raw) == 1
        assert CancellationPause.objects.get().outcome == "cancelled"

    def test_what_has_shipped_can_only_be_returned_and_a_split_order_is_answered_by_its_parts(
        self, boss: Caller, sandbox: Sandbox
    ) -> None:
        raw = pushed(sandbox)
        order = Order.objects.get()
        ErpOrder.objects.update(status=5)
        other = ErpOrder.objects.create(global_order_no="103000000000000009", status=6, read_at=order.read_at)
        OrderErpLink.objects.create(order=order, erp_order=other)
        found = pause(boss, raw)
        assert found["answer"] == "return_only"
        assert sorted(part["answer"] for part in found["parts"]) == ["asked", "return_only"]
        assert not CancellationPause.objects.exists()
        assert not Order.objects.get().held
        far = ok(boss.get(f"orders/{raw['dscoOrderId']}/furthest-state/"))
        assert (far["status"], far["parts"]) == (6, 2)

    def test_a_cancellation_that_somebody_else_began_is_not_mixed_with_it(self, boss: Caller, sandbox: Sandbox) -> None:
        raw = pushed(sandbox)
        body = {"code": "CXSS", "reason": "one broke", "lines": [{"position": 0, "quantity": 1}]}
        ok(boss.post(f"orders/{raw['dscoOrderId']}/cancel/", body))
        answered = boss.post(f"orders/{raw['dscoOrderId']}/cancellation-pause/", WHY)
        assert problem(answered, 409)["code"] == "cancellation_open"
        assert not CancellationPause.objects.exists()


class TestStatus:
    def test_it_tells_cancellations_and_what_came_back(self, boss: Caller, sandbox: Sandbox) -> None:
        raw = bring_in(sandbox)
        order = Order.objects.get()
        back = {"trackingNumber": "T1", "returnedFlag": True, "returnDate": "2026-03-01", "returnReason": "refused"}
        Order.objects.update(payload=order.payload | {"packages": [back, {"trackingNumber": "T2"}]})
        ok(boss.post(f"orders/{raw['dscoOrderId']}/cancel/", {"code": "CXSS", "reason": "broken"}))
        found = ok(boss.get(f"orders/{raw['dscoOrderId']}/status/"))
        assert [row["tracking_number"] for row in found["returns"]] == ["T1"]
        assert [row["code"] for row in found["cancellations"]] == ["CXSS"]

    def test_the_quantities_actually_shipped_are_told_by_line(self, boss: Caller) -> None:
        shipment = make_order()
        Package.objects.filter(wo_number__endswith="-2").update(shipped=False)
        found = ok(boss.get(f"orders/{shipment.order.dsco_order_id}/shipped-quantities/"))
        assert not found["complete"]
        assert [(line["ordered"], line["shipped"], line["packed"]) for line in found["lines"]] == [(3, 2, 3), (2, 0, 2)]


class TestTrackingChanges:
    @pytest.fixture
    def reported(self, db: None) -> Shipment:
        shipment = make_order(status=State.SUCCEEDED)
        shipment.body = [{"trackingNumber": "T1", "shipCarrier": "UPS", "shipMethod": "Ground", "lineItems": []}]
        shipment.save()
        return shipment

    def test_a_change_after_the_report_is_kept_and_a_task_and_never_a_second_report(
        self, boss: Caller, reported: Shipment
    ) -> None:
        path = f"orders/{reported.order.dsco_order_id}/tracking-changes/"
        body = {"reported_tracking_number": "t1", "tracking_number": "T9", "carrier": "USPS", "reason": "handed over"}
        told = ok(boss.post(path, body))
        assert (told["reported"]["tracking"], told["now"]["tracking"]) == (["T1"], ["T9"])
        assert ok(boss.post(path, body))["id"] == told["id"]
        assert Discrepancy.objects.get().closed_at is None
        assert [row["id"] for row in ok(boss.get(path))["results"]] == [told["id"]]
        reported.refresh_from_db()
        assert (reported.status, Shipment.objects.count()) == (State.SUCCEEDED, 1)
        assert reported.body[0]["trackingNumber"] == "T1"
        assert ok(boss.get("order-status/?number=T9"))["results"]
        assert OrderEvent.objects.count() == 1
        further = ok(boss.post(path, body | {"tracking_number": "T10"}))
        assert (further["id"], further["now"]["tracking"]) == (told["id"], ["T10"])

    def test_the_task_has_a_page_for_staff(self, boss: Caller, reported: Shipment, admin_client: Any) -> None:
        path = f"orders/{reported.order.dsco_order_id}/tracking-changes/"
        ok(boss.post(path, {"reported_tracking_number": "T1", "tracking_number": "T9", "reason": "handed over"}))
        page = admin_client.get(f"/admin/orders/discrepancy/{Discrepancy.objects.get().pk}/change/")
        assert page.status_code == 200
        assert "T9" in page.content.decode()
        assert "DSCO’s portal" in page.content.decode() or "DSCO&#x27;s portal" in page.content.decode()

    def test_what_dsco_was_not_told_is_no_change(self, boss: Caller, reported: Shipment) -> None:
        path = f"orders/{reported.order.dsco_order_id}/tracking-changes/"
        body = {"reported_tracking_number": "T7", "tracking_number": "T9", "reason": "x"}
        assert problem(boss.post(path, body), 409)["code"] == "not_reported"
        same = {
            "reported_tracking_number": "T1", "tracking_number": "T1", "carrier": "UPS", "method": "Ground",
            "reason": "x",
        }  # fmt: skip
        assert problem(boss.post(path, same), 409)["code"] == "nothing_changed"
        assert not Discrepancy.objects.exists()


PAPER = {"name": "INV-7.pdf", "url": "https://files.example.com/INV-7.pdf"}


class TestIssuedInvoices:
    def test_one_that_was_issued_elsewhere_is_not_sent_and_has_its_documents(self, boss: Caller) -> None:
        make_order()
        path = f"orders/{Order.objects.get().dsco_order_id}/invoice/"
        body = {"invoice_number": "INV-7", "documents": [PAPER, PAPER], "reason": "by finance"}
        told = ok(boss.post(path, body))
        assert (told["issued"], told["invoice_number"]) == (True, "INV-7")
        assert [one["name"] for one in told["documents"]] == ["INV-7.pdf"]
        ok(boss.post(path, body))
        assert InvoiceDocument.objects.count() == 1
        assert ok(boss.get(path))["documents"][0]["added_by"] == "boss"
        assert Order.objects.get().stage == "invoiced"
        assert problem(boss.post(path, body | {"invoice_number": "INV-8"}), 409)["code"] == "other_number"

    def test_a_number_that_is_taken_and_one_in_flight_are_refused(self, boss: Caller) -> None:
        make_order()
        make_order("9100002")
        Invoice.objects.filter(order__dsco_order_id="9100002").update(invoice_id="INV-7")
        path = "orders/9100001/invoice/"
        body = {"invoice_number": "INV-7", "reason": "by finance"}
        assert problem(boss.post(path, body), 409)["code"] == "number_taken"
        Invoice.objects.update(status=State.ACCEPTED, due_at=Order.objects.first().read_at)
        assert problem(boss.post(path, body | {"invoice_number": "INV-9"}), 409)["code"] == "in_flight"
        bad = {"invoice_number": "INV-9", "reason": "x", "documents": [{"name": "x", "url": "javascript:alert(1)"}]}
        assert problem(boss.post(path, bad), 400)["errors"][0]["where"] == "/documents/0/url"
