"""What staff see of differences with the vendors, and what they can do about them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ

from integrations.models import Attempt
from integrations.sandbox.sandbox import Sandbox
from orders.models import Discrepancy, ErpPush, Order, OrderEvent, Package, Reconciliation
from tests.conftest import STORE, MovableClock
from tests.orders.journeys import line, place, pushed, run
from tests.orders.reconciling import compare, finding, findings
from tests.staff.people import as_user, staff

LIST = "/admin/orders/discrepancy/"
ASK = "/admin/orders/reconciliation/ask/"


def act(browser: Client, name: str, *rows: Discrepancy, **data: Any) -> Any:
    chosen = {"action": name, "index": "0", "_selected_action": [row.pk for row in rows]}
    return browser.post(LIST, {**chosen, **data}, follow=True)


def confirm(browser: Client, name: str, *rows: Discrepancy, reason: str = "checked in LingXing") -> Any:
    return act(browser, name, *rows, confirmed="1", reason=reason)


@pytest.fixture
def vanished(world: Sandbox, clock: MovableClock) -> str:
    """An order that we created in LingXing and that is not there any more."""
    order_id = pushed(world, line("HP-LAMP-01", 1))
    world.lingxing.vanish(order_id)
    compare(clock)
    return order_id


class TestTheList:
    def test_it_says_when_nothing_was_compared_yet(self, browser: Client) -> None:
        page = browser.get(LIST).text
        assert "Nothing was compared yet" in page

    def test_it_says_when_what_was_compared(self, browser: Client, world: Sandbox, clock: MovableClock) -> None:
        compare(clock)
        page = browser.get(LIST).text
        assert "Last compared" in page
        assert "No difference" in page

    def test_open_ones_stand_first(self, browser: Client, vanished: str, world: Sandbox, clock: MovableClock) -> None:
        other = pushed(world, line("HP-LAMP-01", 1))
        for status in (7, 4):
            world.lingxing.set_status(other, status)
            compare(clock)
        page = browser.get(LIST)
        assert [row.subject for row in page.context["cl"].result_list] == [vanished, other]
        only_open = browser.get(LIST, {"state": "open"})
        assert [row.subject for row in only_open.context["cl"].result_list] == [vanished]
        closed = browser.get(LIST, {"state": "closed"})
        assert [row.subject for row in closed.context["cl"].result_list] == [other]

    @pytest.mark.parametrize("filters", [{"kind__exact": "tracking"}, {"source__exact": "erp_orders"}, {"seen": "7d"}])
    def test_filters(self, filters: dict[str, str], browser: Client, vanished: str) -> None:
        page = browser.get(LIST, filters)
        assert page.status_code == 200
        assert page.context["cl"].result_count == (0 if "kind__exact" in filters else 1)

    def test_it_is_found_by_the_orders_numbers(self, browser: Client, vanished: str) -> None:
        order = Order.objects.get()
        for number in (vanished, order.po_number):
            assert browser.get(LIST, {"q": number}).context["cl"].result_count == 1

    def test_several_values_stand_over_several_lines(self, browser: Client, db: None) -> None:
        now = timezone.now()
        row = Discrepancy.objects.create(
            source="erp_orders", kind="quantity", code="erp_quantity", subject="1", fingerprint="", last_seen_at=now,
            ours={"units": {"A": 1, "B<i>": 2}, "status": "x"}, theirs={"units": {"A": 2}}, first_seen_at=now,
        )  # fmt: skip
        for address in (LIST, f"{LIST}{row.pk}/change/"):
            assert "A: 1<br>B&lt;i&gt;: 2" in browser.get(address).text

    def test_more_rows_need_no_more_queries(self, browser: Client, django_assert_max_num_queries: Any) -> None:
        now = timezone.now()
        for number in range(40):
            Discrepancy.objects.create(
                source="erp_orders", kind="state", code="cancelled_in_erp", subject=str(number), fingerprint="",
                ours={"status": "in_erp"}, theirs={"erp_status": [7]}, first_seen_at=now, last_seen_at=now,
            )  # fmt: skip
        with django_assert_max_num_queries(20):
            assert browser.get(LIST).status_code == 200


class TestOneDifference:
    def test_both_sides_stand_side_by_side_with_what_to_do(self, browser: Client, vanished: str) -> None:
        page = browser.get(f"{LIST}{finding('missing_in_erp').pk}/change/").text
        assert "LingXing does not show the order that was created" in page
        assert "Make a new push" in page
        assert "Side by side" in page

    def test_the_order_and_the_start_page_say_so(self, browser: Client, vanished: str) -> None:
        order = Order.objects.get()
        assert "LingXing does not show the order" in browser.get(f"/admin/orders/order/{order.pk}/change/").text
        start = browser.get("/admin/")
        assert start.context["differences"]["number"] == 1
        assert "Differences with the vendors" in start.text


class TestANewPush:
    def test_it_is_made_only_by_a_person_with_a_reason_and_creates_one_order(
        self, browser: Client, vanished: str, world: Sandbox, clock: MovableClock
    ) -> None:
        row, before = finding("missing_in_erp"), ErpPush.objects.get()
        assert "Mend differences" in act(browser, "mend", row).text
        assert ErpPush.objects.get().pk == before.pk
        confirm(browser, "mend", row)
        new = ErpPush.objects.get()
        assert (new.status, new.platform_order_no, new.key) == ("due", vanished, f"erp_push:{vanished}:2")
        assert Attempt.objects.filter(kind="erp_push", delivery_id=new.pk, actor="boss").exists()
        assert LogEntry.objects.filter(object_id=str(row.pk), change_message__contains="checked in LingXing").exists()
        run("push_orders")
        assert len(world.lingxing.by_platform(vanished)) == 1
        compare(clock)
        assert findings() == {}

    @pytest.mark.parametrize(("how", "words"), [("packed", "still has outbound order"), ("shipped", "has shipped it")])
    def test_goods_that_are_left_of_the_first_order_forbid_a_second_one(
        self, browser: Client, world: Sandbox, clock: MovableClock, how: str, words: str
    ) -> None:
        order_id = pushed(world, line("HP-LAMP-01", 1))
        (world.lingxing.audit if how == "packed" else world.lingxing.ship)(order_id)
        world.lingxing.vanish(order_id)
        compare(clock)
        page = confirm(browser, "mend", finding("missing_in_erp"))
        assert words in page.text
        assert ErpPush.objects.get().key == f"erp_push:{order_id}"
        run("push_orders")
        assert world.lingxing.effect_count("erp_order", order_id) == 1

    def test_goods_that_our_own_records_know_of_forbid_it_too(self, browser: Client, vanished: str) -> None:
        Package.objects.create(
            order=Order.objects.get(), wo_number="WO-1", tracking_number="1Z", shipped=True, read_at=timezone.now()
        )
        assert "has left the warehouse" in confirm(browser, "mend", finding("missing_in_erp")).text
        assert ErpPush.objects.get().key == f"erp_push:{vanished}"

    def test_an_order_that_is_there_again_is_not_pushed(self, browser: Client, vanished: str, world: Sandbox) -> None:
        world.lingxing.create_by_hand(vanished, STORE, {"LX-HP-LAMP-01": 1})
        key = ErpPush.objects.get().key
        confirm(browser, "mend", finding("missing_in_erp"))
        assert ErpPush.objects.get().key == key
        assert findings() == {}

    def test_a_vendor_that_does_not_answer_changes_nothing(
        self, browser: Client, vanished: str, world: Sandbox
    ) -> None:
        from integrations.sandbox.faults import Fault

        world.faults.add(Fault("lingxing", "list_orders", "error_before", times=20))
        page = confirm(browser, "mend", finding("missing_in_erp"))
        assert page.status_code == 200
        assert ErpPush.objects.get().key == f"erp_push:{vanished}"
        assert findings() == {"missing_in_erp": [vanished]}


class TestTakingOver:
    def test_a_skipped_order_is_taken_over_by_a_person(
        self, browser: Client, world: Sandbox, clock: MovableClock
    ) -> None:
        order_id = place(world, line("HP-LAMP-01", 1))
        run("pull_orders")
        ErpPush.objects.update(status="skipped", due_at=None, reason_code="staff")
        number = world.lingxing.create_by_hand(order_id, STORE, {"LX-HP-LAMP-01": 1})
        compare(clock)
        confirm(browser, "mend", finding("maybe_made_by_hand"))
        push = ErpPush.objects.get()
        assert (push.status, push.remote_reference) == ("succeeded", number)
        assert OrderEvent.objects.filter(actor="boss", text__contains=number).exists()
        assert world.lingxing.effect_count("erp_order", order_id) == 0


class TestAccepting:
    def test_it_is_closed_with_a_reason_and_stays_so(self, browser: Client, vanished: str, clock: MovableClock) -> None:
        confirm(browser, "accept", finding("missing_in_erp"), reason="the customer got it elsewhere")
        row = finding("missing_in_erp")
        assert (row.accepted, row.closed_by, row.result) == (True, "boss", "the customer got it elsewhere")
        compare(clock, order_ids=(vanished,))
        assert findings() == {}

    def test_comparing_again_is_handed_to_the_workers(self, browser: Client, vanished: str) -> None:
        act(browser, "compare_again", finding("missing_in_erp"))
        asked = Reconciliation.objects.get(requested_by="boss")
        assert asked.order_ids == [vanished]
        assert OrmQ.objects.count() == 1


class TestRights:
    def test_viewers_look_and_do_nothing(self, vanished: str) -> None:
        viewer = as_user(staff("lena", "view_discrepancy"))
        row = finding("missing_in_erp")
        page = viewer.get(f"{LIST}{row.pk}/change/")
        assert page.status_code == 200
        assert "Make a new push" not in page.text
        confirm(viewer, "mend", row)
        confirm(viewer, "accept", row)
        assert findings() == {"missing_in_erp": [vanished]}
        assert ErpPush.objects.get().status == "succeeded"

    def test_asking_needs_the_right_to_run_flows(self, db: None) -> None:
        assert as_user(staff("otto", "view_reconciliation", "change_discrepancy")).get(ASK).status_code == 403


class TestAsking:
    def test_for_a_range(self, browser: Client) -> None:
        now = timezone.localtime()
        form = {"since": (now - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M"),
                "until": (now - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"), "numbers": ""}  # fmt: skip
        page = browser.post(ASK, form, follow=True)
        assert page.redirect_chain
        asked = Reconciliation.objects.get()
        assert asked.until is not None
        assert asked.until - asked.since == timedelta(days=1)  # type: ignore[operator]
        assert asked.requested_by == "boss"
        assert OrmQ.objects.count() == 1

    def test_for_pasted_numbers_of_any_kind(self, browser: Client, world: Sandbox) -> None:
        order_id = pushed(world, line("HP-LAMP-01", 1))
        po_number = Order.objects.get().po_number
        browser.post(ASK, {"numbers": f"{po_number}, 999888"})
        assert Reconciliation.objects.get().order_ids == [order_id, "999888"]

    @pytest.mark.parametrize(
        "form", [{}, {"since": "2026-01-01T00:00"}, {"since": "2020-01-01T00:00", "until": "2026-01-01T00:00"},
                 {"since": "2026-01-02T00:00", "until": "2026-01-01T00:00"}], ids=str,
    )  # fmt: skip
    def test_what_cannot_be_compared_is_said(self, form: dict[str, str], browser: Client) -> None:
        page = browser.post(ASK, form)
        assert page.status_code == 200
        assert "ob-field-error" in page.text
        assert not Reconciliation.objects.exists()

    def test_the_list_of_comparisons_tells_the_result(
        self, browser: Client, world: Sandbox, clock: MovableClock
    ) -> None:
        compare(clock)
        page = browser.get("/admin/orders/reconciliation/")
        assert "Complete" in page.text
        assert "&lt;" not in page.text
        row = Reconciliation.objects.get()
        assert browser.get(f"/admin/orders/reconciliation/{row.pk}/change/").status_code == 200


def test_times_that_differ_are_told_in_the_offices_time_zone(browser: Client) -> None:
    now = timezone.now()
    Discrepancy.objects.create(
        source="dsco_orders", kind="missing_here", code="not_pulled", subject="1190000001", fingerprint="f",
        theirs={"status": "created", "updated": "2026-11-22T04:05:06.922000+00:00"}, ours={},
        first_seen_at=now, last_seen_at=now,
    )  # fmt: skip
    assert "2026-11-22 12:05:06" in browser.get(LIST).text
