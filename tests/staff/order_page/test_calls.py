"""Every vendor call of an order's attempts stands on its page; of a batch only the order's own part."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from integrations.models import ApiCall, Attempt
from integrations.sandbox.sandbox import Sandbox
from orders.models import Order
from tests.orders.journeys import acknowledged, line, order_of, place, push, run, shipment_of

from .conftest import page


def calls_of(browser: Client, order: Order) -> list[dict[str, Any]]:
    return [call for _entry, _state, calls in page(browser, order).context["entries"] for call in calls]


class TestAllCallsOfAnAttempt:
    def test_a_refused_invoice_shows_what_was_looked_up_after_it(self, sandbox: Sandbox, operator: Client) -> None:
        order_id = acknowledged(sandbox, line("LAMP", 2))
        sandbox.lingxing.ship(order_id)
        run("report_shipments")
        sandbox.dsco.refuse_invoice(order_id, "bad", "No")
        run("report_invoices")
        order = order_of(order_id)
        attempt = Attempt.objects.get(kind="invoice", delivery_id=order.invoice.pk)
        made = [call.operation for call in attempt.earlier_calls.order_by("pk")]
        assert made[0] == "create_invoice"
        assert attempt.api_call is not None
        assert attempt.api_call.operation not in ("", "create_invoice")
        shown = [call["call"].operation for call in calls_of(operator, order)]
        assert [*made, attempt.api_call.operation] == [
            one for one in shown if one in {*made, attempt.api_call.operation}
        ]
        text = page(operator, order).text
        assert f"/{attempt.api_call.pk}/" in text or str(attempt.api_call.duration_ms) in text

    def test_an_attempt_with_one_call_has_no_others(self, sandbox: Sandbox) -> None:
        order_id = acknowledged(sandbox, line("LAMP", 2))
        sandbox.lingxing.ship(order_id)
        run("report_shipments")
        attempt = Attempt.objects.get(kind="shipment", delivery_id=shipment_of(order_id).pk)
        assert not attempt.earlier_calls.exists()
        assert attempt.api_call is not None


class TestABatch:
    @pytest.fixture
    def orders(self, sandbox: Sandbox) -> list[Order]:
        ids = [place(sandbox, line("LAMP", 1)) for _number in range(4)]
        push(sandbox)
        return [order_of(order_id) for order_id in ids]

    def test_other_orders_are_left_out(self, orders: list[Order], operator: Client) -> None:
        mine, *others = orders
        call = ApiCall.objects.get(operation="create_orders")
        assert all(other.dsco_order_id in call.request_excerpt for other in others[:1])
        text = page(operator, mine).text
        assert mine.dsco_order_id in text
        assert not [other.dsco_order_id for other in others if other.dsco_order_id in text]
        assert "about other orders are left out" in text

    def test_the_call_is_the_same_for_each(self, orders: list[Order], operator: Client) -> None:
        numbers = {calls_of(operator, order)[0]["call"].pk for order in orders}
        assert len(numbers) == 1
