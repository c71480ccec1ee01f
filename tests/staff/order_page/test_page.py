"""The page tells what happened to an order and why, quickly, and hides the consumer from people who may not see him."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.deliveries.states import State
from integrations.models import ApiCall, Attempt
from orders.events import comment
from orders.holds import hold
from orders.models import Acknowledgement, ErpPush, Order, Package
from tests.admin.seed import seed
from tests.orders.factories import later, raw_line, raw_order, stored
from tests.orders.factories import store as store_raw

from .conftest import RIGHTS, page, person

MOST_QUERIES = 29
MOST_SHORT_LISTS = 3.5
SECRET_WORDS = ("Maren Holloway", "12 Heron Lane", "555-0199", "maren@example.com", "07099")


@pytest.fixture
def operator(db: None) -> Client:
    return person("mei", *RIGHTS)


@pytest.fixture
def viewer(db: None) -> Client:
    return person("viewer")


@pytest.fixture
def everything(db: None) -> Order:
    """An order with several of everything."""
    orders = seed(40)
    order = next(order for order in orders if order.packages.count() > 1)
    call = ApiCall.objects.first()
    assert call is not None
    for delivery in (order.erp_push, order.acknowledgement, order.shipment, order.invoice):
        Attempt.objects.bulk_create(
            Attempt(
                kind=delivery.KIND, delivery_id=delivery.pk, action="send", started_at=timezone.now(), duration_ms=9,
                outcome="due", message="The vendor was busy.", api_call=call,
            )
            for _ in range(10)
        )  # fmt: skip
    for number in range(10):
        comment(order.pk, f"Comment {number}", "mei")
        order.versions.create(received_at=timezone.now(), payload={"n": number, "lineItems": []}, changed=["n"])
    hold([order.pk], "Address is being checked", "mei")
    return order


def with_person(**members: Any) -> dict[str, Any]:
    raw = raw_order(**members)
    raw["shipping"] = raw["shipping"] | {"phone": "555-0199", "email": "maren@example.com"}
    return raw


def quickest(open_page: Callable[[], Any]) -> float:
    """Seconds of processor time of this thread, other processes share the machine."""
    open_page()
    times = []
    for _ in range(5):
        started = time.thread_time()
        open_page()
        times.append(time.thread_time() - started)
    return min(times)


class TestSpeed:
    def test_few_queries_with_everything(
        self, everything: Order, operator: Client, django_assert_max_num_queries: Any
    ) -> None:
        with django_assert_max_num_queries(MOST_QUERIES):
            page(operator, everything)

    def test_quick_with_everything(self, everything: Order, operator: Client) -> None:
        flows = reverse("admin:integrations_flow_changelist")
        assert operator.get(flows).status_code == 200
        # In the time of another page, a short list: machines are fast or slow, and busy with something else. What comes
        # upon one of the two only is measured again.
        assert any(
            quickest(lambda: page(operator, everything))
            < MOST_SHORT_LISTS * quickest(lambda: operator.get(flows, follow=True))
            for _attempt in range(3)
        )


class TestWhatItTells:
    def test_header_hold_and_deadlines(self, everything: Order, operator: Client) -> None:
        text = page(operator, everything).text
        assert everything.dsco_order_id in text
        assert f'data-copy="{everything.po_number}"' in text
        assert "Held by mei" in text
        assert "Address is being checked" in text
        assert "Ship by" in text

    def test_quantities_of_a_line_on_its_way(self, everything: Order, operator: Client) -> None:
        (row, *_rest) = page(operator, everything).context["lines"]
        assert (row.quantities.ordered, row.quantities.in_erp, row.quantities.packed) == (2, None, 2)
        assert (row.quantities.reported, row.quantities.invoiced, row.quantities.cancelled) == (0, 0, 0)

    def test_what_is_packed_twice_or_ignored_counts_right(self, everything: Order, operator: Client) -> None:
        Package.objects.filter(pk=everything.packages.all()[0].pk).update(ignored="deleted")
        (row, *_rest) = page(operator, everything).context["lines"]
        assert row.quantities.packed == 1

    def test_reported_and_invoiced_come_from_what_was_sent(self, everything: Order, operator: Client) -> None:
        line = everything.lines.all()[0]
        items = [{"sku": line.sku, "lineNumber": line.line_number, "quantity": 2}]
        shipment, invoice = everything.shipment, everything.invoice
        shipment.status, shipment.body = State.SUCCEEDED, [{"trackingNumber": "1Z", "lineItems": items}]
        invoice.status, invoice.body = State.SUCCEEDED, {"lineItems": items}
        shipment.due_at = invoice.due_at = None
        shipment.save()
        invoice.save()
        (row, *_rest) = page(operator, everything).context["lines"]
        assert (row.quantities.reported, row.quantities.invoiced) == (2, 2)

    def test_a_missing_mapping_is_said_with_the_form_that_adds_it(self, operator: Client) -> None:
        order = stored(raw_order())
        text = page(operator, order).text
        assert "SKU SKU-1 has no SKU mapping" in text
        assert "/admin/inventory/skumapping/add/" not in text
        mapper = person("mapper", "add_skumapping")
        assert "/admin/inventory/skumapping/add/?dsco_sku=SKU-1" in page(mapper, order).text

    def test_next_try_counts_down(self, operator: Client) -> None:
        order = stored(raw_order())
        ErpPush.objects.filter(order=order).update(due_at=timezone.now() + timezone.timedelta(minutes=12, seconds=40))
        text = page(operator, order).text
        assert 'class="ob-countdown"' in text
        assert "in 12 minutes" in text

    def test_a_problem_says_what_to_do(self, operator: Client) -> None:
        order = stored(raw_order())
        ErpPush.objects.filter(order=order).update(
            status=State.NEEDS_ATTENTION, due_at=None, reason_code="unmapped_sku", last_error="SKU X is not mapped."
        )
        assert "What to do" in page(operator, order).text

    def test_every_call_is_there_pretty_printed(self, everything: Order, operator: Client) -> None:
        text = page(operator, everything).text
        assert "&quot;platform_code&quot;: &quot;10009&quot;" in text
        assert "REQ-" in text

    def test_an_order_that_cannot_be_read_is_shown(self, operator: Client) -> None:
        order = stored(raw_order(lineItems=[raw_line(1, quantity="two")]))
        text = page(operator, order).text
        assert "cannot be read" in text
        assert "The order has no lines." in text

    def test_markup_in_what_people_and_vendors_say_stays_text(self, operator: Client) -> None:
        order = stored(raw_order(lineItems=[raw_line(1, title="<script>alert(1)</script>")]))
        comment(order.pk, "<img src=x onerror=alert(1)>", "mei")
        text = page(operator, order).text
        assert "<script>alert" not in text
        assert "<img src=x" not in text


class TestTimeline:
    def test_newest_first_with_all_kinds_of_entries(self, operator: Client) -> None:
        raw = raw_order()
        order = stored(raw)
        store_raw(later(raw, dscoStatus="shipment_pending"))
        comment(order.pk, "Called them", "li")
        hold([order.pk], "wait", "mei")
        entries = [entry for entry, _state, _call in page(operator, order).context["entries"]]
        assert [entry.title for entry in entries] == ["Held", "Comment", "Changed at DSCO", "First read from DSCO"]
        assert [entry.actor for entry in entries] == ["mei", "li", "", ""]
        assert entries[2].text == "2 values changed: status"

    def test_chips_filter_it(self, operator: Client) -> None:
        order = stored(raw_order())
        comment(order.pk, "Called them", "li")
        answer = operator.get(f"/admin/orders/order/{order.pk}/change/?show=comment")
        assert 'data-group="dsco" hidden' in answer.text
        assert 'data-group="comment">' in answer.text
        assert [(name, number, chosen) for name, _label, number, chosen in answer.context["chips"]] == [
            ("", 2, False), ("system", 0, False), ("staff", 0, False), ("comment", 1, True), ("dsco", 1, False),
        ]  # fmt: skip

    def test_a_call_of_another_order_is_not_shown(self, operator: Client) -> None:
        order, other = stored(raw_order()), stored(raw_order())
        for each, words in ((order, "mine"), (other, "not mine")):
            Attempt.objects.create(
                kind="acknowledgement", delivery_id=Acknowledgement.objects.get(order=each).pk, action="send",
                started_at=timezone.now(), outcome="due", message=f"It is {words}.",
            )  # fmt: skip
        text = page(operator, order).text
        assert "It is mine." in text
        assert "It is not mine." not in text


class TestPersonalData:
    def test_who_may_see_it_sees_it(self, operator: Client) -> None:
        order = stored(with_person())
        text = page(operator, order).text
        assert all(word in text for word in SECRET_WORDS)

    def test_it_is_masked_for_others_in_header_payload_and_versions(self, viewer: Client) -> None:
        raw = with_person()
        order = stored(raw)
        moved = raw["shipping"] | {"name": "Maren Holloway-Reed", "city": "Elmford", "phone": "555-0100"}
        store_raw(later(raw, shipping=moved, billTo=raw["shipping"]))
        text = page(viewer, order).text
        assert not [word for word in (*SECRET_WORDS, "Holloway-Reed", "555-0100") if word in text]
        assert "Elmford" in text
        assert "shipping.phone" in text
        assert "masked for you" in text

    def test_the_operator_sees_what_changed(self, operator: Client) -> None:
        raw = with_person()
        order = stored(raw)
        store_raw(later(raw, shipping=raw["shipping"] | {"phone": "555-0100"}))
        row = page(operator, order).context["versions"][0]
        assert ("shipping.phone", "Ship to: phone", "555-0199", "555-0100") in row.changes


def test_dscos_status_is_told_in_words_with_its_code(operator: Client) -> None:
    order = stored(raw_order(dscoStatus="shipment_pending", dscoLifecycle="acknowledged"))
    operator.cookies["django_language"] = "zh-hans"
    about = {fact.name: fact.value for fact in page(operator, order).context["about"]}
    assert about["DSCO 状态"].split(" · ") == [
        '待发货 <code class="ob-quiet">shipment_pending</code>',
        '供应商已接单 <code class="ob-quiet">acknowledged</code>',
    ]
