"""Why is my order not here? From our database over the pull to DSCO: where it stopped, and the button that mends it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.models import ApiCall, Flow
from integrations.sandbox.faults import Fault
from integrations.sandbox.sandbox import Sandbox
from orders.models import Order, OrderEvent
from tests.orders.factories import raw_order, stored
from tests.orders.journeys import order_of, place, run

from .conftest import RIGHTS, person, told

ADDRESS = "/admin/orders/order/missing/"


def look(browser: Client, number: str) -> Any:
    answer = browser.get(ADDRESS, {"number": number})
    assert answer.status_code == 200
    return answer


def ask(browser: Client, number: str, **data: str) -> Any:
    return browser.post(ADDRESS, {"number": number, **data}, follow=True)


class TestInOurDatabase:
    def test_an_order_that_is_here_is_linked(self, operator: Client) -> None:
        order = stored(raw_order())
        assert reverse("admin:orders_order_change", args=[order.pk]) in look(operator, f" {order.po_number} ").text

    def test_one_that_could_not_be_read_says_why(self, operator: Client) -> None:
        order = stored(raw_order())
        Order.objects.filter(pk=order.pk).update(problem="Line 2 has no quantity.")
        assert "Line 2 has no quantity." in look(operator, order.dsco_order_id).text

    def test_an_empty_search_leads_here(self, operator: Client) -> None:
        text = operator.get("/admin/orders/order/", {"q": "PO-NOWHERE"}).text
        assert f"{ADDRESS}?number=PO-NOWHERE" in text
        assert f"{ADDRESS}?number=" not in operator.get("/admin/orders/order/").text


class TestThePull:
    def test_never(self, operator: Client) -> None:
        assert "never pulled" in look(operator, "PO-1").context["look"].pull.problem

    def test_paused(self, sandbox: Sandbox, operator: Client) -> None:
        run("pull_orders")
        Flow.objects.filter(name="pull_orders").update(paused=True, pause_reason="stock-taking")
        assert "stock-taking" in look(operator, "PO-1").text

    def test_in_trouble(self, sandbox: Sandbox, operator: Client) -> None:
        sandbox.faults.add(Fault("dsco", "get_orders", "error_before", times=0))
        run("pull_orders", status="stopped")
        assert "did not end well" in look(operator, "PO-1").context["look"].pull.problem

    def test_running(self, sandbox: Sandbox, operator: Client) -> None:
        run("pull_orders")
        assert look(operator, "PO-1").context["look"].pull.problem == ""


class TestAtDsco:
    def test_nothing_is_asked_before_somebody_says_so(self, sandbox: Sandbox, operator: Client) -> None:
        look(operator, "PO-1")
        assert sandbox.requests["dsco", "get_order"] == 0

    def test_unknown_there(self, sandbox: Sandbox, operator: Client) -> None:
        assert "DSCO knows no order" in ask(operator, "PO-1").text

    def test_found_by_po_number_and_pulled(self, sandbox: Sandbox, operator: Client, clock: Any) -> None:
        run("pull_orders")
        order_id = place(sandbox, poNumber="PO-LATE-7")
        clock.advance(30)
        an_hour_ago = (timezone.now() - timedelta(hours=1)).isoformat()
        Flow.objects.filter(name="pull_orders").update(
            cursor={"updated_until": an_hour_ago, "last_complete_at": an_hour_ago}
        )
        page = ask(operator, "PO-LATE-7")
        (found,) = page.context["look"].at_dsco
        assert (found.dsco_order_id, found.po_number) == (order_id, "PO-LATE-7")
        assert "comes with the next one" in found.why
        assert not Order.objects.exists()
        answer = ask(operator, "PO-LATE-7", pull=order_id)
        assert answer.redirect_chain[-1][0] == reverse("admin:orders_order_change", args=[order_of(order_id).pk])
        assert "was pulled" in told(answer)
        event = OrderEvent.objects.get(order__dsco_order_id=order_id)
        assert (event.actor, [call.operation for call in event.api_calls.all()]) == ("mei", ["get_order"])

    def test_the_same_po_number_of_two_retailers(self, sandbox: Sandbox, operator: Client, clock: Any) -> None:
        ids = {place(sandbox, poNumber="PO-TWO") for _retailer in range(2)}
        clock.advance(30)
        assert {one.dsco_order_id for one in ask(operator, "PO-TWO").context["look"].at_dsco} == ids

    def test_older_than_the_first_pull(self, sandbox: Sandbox, operator: Client, clock: Any) -> None:
        order_id = place(sandbox)
        clock.advance(timedelta(days=40).total_seconds())
        run("pull_orders")
        assert not Order.objects.exists()
        page = ask(person("li", *RIGHTS), order_id)
        assert "before the time from which orders are pulled" in page.context["look"].at_dsco[0].why
        assert "Pull it now" in page.text

    def test_dsco_that_does_not_answer_is_said(self, sandbox: Sandbox, operator: Client) -> None:
        sandbox.faults.add(Fault("dsco", "get_order", "error_before", times=0))
        assert "could not be asked" in told(ask(operator, "PO-1"))
        assert ApiCall.objects.exists()

    def test_only_those_who_may_act_ask_dsco(self, sandbox: Sandbox, viewer: Client) -> None:
        assert "Ask DSCO now" not in look(viewer, "PO-1").text
        assert ask(viewer, "PO-1").status_code == 403
        assert sandbox.requests["dsco", "get_order"] == 0

    def test_strangers_see_nothing(self, db: None) -> None:
        assert Client().get(ADDRESS).status_code == 302


def test_links_to_the_vendors_screens_stand_where_their_addresses_are_set(operator: Client, settings: Any) -> None:
    order = stored(raw_order())
    address = reverse("admin:orders_order_change", args=[order.pk])
    assert "Open in DSCO" not in operator.get(address).text
    settings.DSCO_ORDER_URL = "https://portal.example.com/orders/{id}?tab=1"
    link = f'href="https://portal.example.com/orders/{order.dsco_order_id}?tab=1"'
    assert link in operator.get(address).text
