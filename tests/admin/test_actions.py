"""What staff do in the admin has the effect that the button promises, and only for those who may."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from integrations.deliveries.states import State
from integrations.flows.schedules import ensure_schedules
from integrations.models import Attempt, BulkRun, Flow, VendorToken
from orders.models import ErpPush, Invoice, Order, Shipment, Stage

from .conftest import as_user


def choose(browser: Any, list_name: str, action: str, records: list[Any], **more: Any) -> Any:
    """Choose an action for some rows; return the page that follows."""
    form = {"action": action, "index": "0", "_selected_action": [record.pk for record in records], **more}
    return browser.post(reverse(f"admin:{list_name}_changelist"), form, follow=True)


def act(browser: Any, list_name: str, action: str, records: list[Any], next: str = "", **answers: Any) -> Any:
    """Choose an action and confirm it, with the answers that it asks for. next: it is a button of that page."""
    page = choose(browser, list_name, action, records, next=next)
    asked = "preview" in (page.context or ())
    if not asked and not answers:
        return page
    number = page.context["preview"].number if asked else len(records)
    return choose(browser, list_name, action, records, next=next, confirmed="1", previewed=str(number), **answers)


def told(page: Any) -> str:
    return " ".join(str(message) for message in page.context["messages"])


def pushes(state: State) -> list[ErpPush]:
    rows = list(ErpPush.objects.filter(status=state).order_by("pk"))
    assert rows
    return rows


def permit(user: User, *codenames: str) -> None:
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames, content_type__app_label="orders"))


def queued() -> list[tuple[Any, Any, Any]]:
    return [(job.task["func"], job.task["args"], job.task["kwargs"]) for job in OrmQ.objects.all()]


@pytest.mark.usefixtures("seeded")
class TestDeliveries:
    def test_retry_makes_failed_rows_due_and_leaves_finished_ones(self, orders: Any, browser: Any, boss: User) -> None:
        failed, done = pushes(State.FAILED), pushes(State.SUCCEEDED)[:1]
        page = act(browser, "orders_erppush", "retry_now", [*failed, *done])
        for row in failed:
            row.refresh_from_db()
            assert row.status == State.DUE
            assert Attempt.objects.filter(kind="erp_push", delivery_id=row.pk, actor="boss").exists()
        done[0].refresh_from_db()
        assert done[0].status == State.SUCCEEDED
        run = BulkRun.objects.get()
        assert page.redirect_chain[-1][0] == reverse("admin:integrations_bulkrun_change", args=[run.pk])
        assert (run.changed, run.left_out, run.created_by) == (len(failed), 1, boss)
        assert done[0].order.dsco_order_id in page.text

    def test_nothing_is_retried_before_it_is_confirmed(self, orders: Any, browser: Any) -> None:
        failed = pushes(State.FAILED)
        page = choose(browser, "orders_erppush", "retry_now", failed)
        assert page.context["preview"].number == len(failed)
        choose(browser, "orders_erppush", "retry_now", failed, confirmed="1", previewed=str(len(failed) - 1))
        choose(browser, "orders_erppush", "retry_now", failed, confirmed="1")
        assert pushes(State.FAILED) == failed
        assert not BulkRun.objects.exists()

    def test_retry_of_an_uncertain_row_verifies_first(self, orders: Any, browser: Any) -> None:
        row = pushes(State.UNCERTAIN)[0]
        ErpPush.objects.filter(pk=row.pk).update(due_at=timezone.now() + timedelta(hours=1))
        act(browser, "orders_erppush", "retry_now", [row])
        row.refresh_from_db()
        assert row.status == State.UNCERTAIN
        assert row.due_at <= timezone.now()

    def test_all_that_match_the_filter_can_be_retried(self, orders: Any, browser: Any) -> None:
        rows, others = pushes(State.FAILED), ErpPush.objects.filter(status=State.NEEDS_ATTENTION).count()
        form = {
            "action": "retry_now", "index": "0", "_selected_action": [rows[0].pk], "select_across": "1",
            "confirmed": "1", "previewed": str(len(rows)),
        }  # fmt: skip
        browser.post(reverse("admin:orders_erppush_changelist") + "?status__exact=failed", form)
        assert not ErpPush.objects.filter(status=State.FAILED).exists()
        assert ErpPush.objects.filter(status=State.NEEDS_ATTENTION).count() == others

    def test_skipping_asks_for_a_reason(self, orders: Any, browser: Any) -> None:
        row = pushes(State.FAILED)[0]
        page = choose(browser, "orders_erppush", "skip", [row])
        assert "Reason" in page.text
        assert page.context["preview"].number == 1
        assert "This field is required" in act(browser, "orders_erppush", "skip", [row], reason="").text
        row.refresh_from_db()
        assert row.status == State.FAILED

    def test_the_skip_button_of_a_page_names_the_row_and_asks_for_a_reason(self, orders: Any, browser: Any) -> None:
        row = pushes(State.FAILED)[0]
        address = reverse("admin:orders_erppush_change", args=[row.pk])
        page = choose(browser, "orders_erppush", "skip", [row], next=address)
        assert "Reason" in page.text
        assert f"<li>{row.order.dsco_order_id}</li>" in page.text
        page = act(browser, "orders_erppush", "skip", [row], next=address, reason="")
        assert "This field is required" in page.text
        row.refresh_from_db()
        assert row.status == State.FAILED
        page = act(browser, "orders_erppush", "skip", [row], next=address, reason="Sold out")
        row.refresh_from_db()
        assert (row.status, page.redirect_chain[-1][0]) == (State.SKIPPED, address)
        assert "1 was skipped" in told(page)

    def test_skipping_keeps_reason_and_name(self, orders: Any, browser: Any) -> None:
        row = pushes(State.NEEDS_ATTENTION)[0]
        act(browser, "orders_erppush", "skip", [row], reason="Sold out")
        row.refresh_from_db()
        attempt = Attempt.objects.filter(kind="erp_push", delivery_id=row.pk).latest("pk")
        assert (row.status, attempt.message, attempt.actor) == (State.SKIPPED, "Sold out", "boss")

    def test_done_elsewhere_counts_as_done(self, orders: Any, browser: Any) -> None:
        row = Shipment.objects.filter(status=State.NEEDS_ATTENTION).order_by("pk")[0]
        act(browser, "orders_shipment", "mark_done", [row], reason="Reported in the portal")
        row.refresh_from_db()
        assert row.status == State.SUCCEEDED

    def test_a_button_on_the_order_page_acts_at_once_and_comes_back_to_it(self, orders: Any, browser: Any) -> None:
        row = pushes(State.FAILED)[0]
        address = reverse("admin:orders_order_change", args=[row.order_id])
        assert "Retry now" in browser.get(address).text
        page = choose(browser, "orders_erppush", "retry_now", [row], next=address)
        row.refresh_from_db()
        assert (row.status, page.redirect_chain[-1][0]) == (State.DUE, address)
        assert "1 is due now" in told(page)

    def test_the_address_of_a_page_is_no_way_around_the_preview_of_many(self, orders: Any, browser: Any) -> None:
        failed = pushes(State.FAILED)
        address = reverse("admin:orders_order_change", args=[failed[0].order_id])
        choose(browser, "orders_erppush", "retry_now", failed, next=address)
        choose(browser, "orders_erppush", "retry_now", failed[:1], next=address, select_across="1")
        assert pushes(State.FAILED) == failed

    def test_a_foreign_address_is_not_followed(self, orders: Any, browser: Any) -> None:
        row = pushes(State.FAILED)[0]
        page = choose(browser, "orders_erppush", "retry_now", [row], next="https://evil.example/")
        row.refresh_from_db()
        assert row.status == State.DUE
        assert all("evil" not in address for address, _status in page.redirect_chain)


@pytest.mark.usefixtures("seeded")
class TestOrders:
    def test_hold_and_release(self, orders: list[Order], browser: Any) -> None:
        chosen = [order for order in orders if not order.held and order.stage != Stage.INVOICED][:3]
        page = act(browser, "orders_order", "hold", chosen, reason="Address is being checked")
        held = Order.objects.filter(pk__in=[order.pk for order in chosen], held=True)
        assert [(order.hold_reason, order.held_by) for order in held] == [("Address is being checked", "boss")] * 3
        run = BulkRun.objects.get()
        assert (run.action, run.changed) == ("hold", 3)
        assert page.redirect_chain[-1][0] == reverse("admin:integrations_bulkrun_change", args=[run.pk])
        act(browser, "orders_order", "release", chosen)
        assert not held.all().exists()

    def test_hold_and_release_by_the_buttons_of_the_order_page(self, orders: list[Order], browser: Any) -> None:
        order = next(order for order in orders if not order.held)
        address = reverse("admin:orders_order_change", args=[order.pk])
        page = act(browser, "orders_order", "hold", [order], next=address, reason="Address is being checked")
        order.refresh_from_db()
        assert (order.held, order.hold_reason, order.held_by) == (True, "Address is being checked", "boss")
        assert "1 order is held now" in told(page)
        page = choose(browser, "orders_order", "release", [order], next=address)
        order.refresh_from_db()
        assert not order.held
        assert page.redirect_chain[-1][0] == address

    def test_a_flow_runs_for_the_chosen_orders(self, orders: list[Order], browser: Any) -> None:
        act(browser, "orders_order", "run_flow", orders[:2], flow="push_orders")
        function, arguments, options = queued()[0]
        assert (function, arguments) == ("integrations.flows.runner.run_flow", ("push_orders",))
        assert options == {"trigger": "boss", "order_ids": [order.dsco_order_id for order in orders[:2]]}

    def test_an_order_cannot_be_edited_by_its_form(self, orders: list[Order], browser: Any) -> None:
        page = browser.post(reverse("admin:orders_order_change", args=[orders[0].pk]), {"po_number": "changed"})
        assert page.status_code == 403


@pytest.mark.usefixtures("seeded")
class TestFlows:
    @pytest.fixture
    def flow(self, orders: Any) -> Flow:
        ensure_schedules()
        return Flow.objects.get(name="push_orders")

    def test_run_now_hands_the_flow_to_the_workers(self, flow: Flow, browser: Any) -> None:
        page = act(browser, "integrations_flow", "run_now", [flow])
        assert queued()[0][:2] == ("integrations.tasks.run_scheduled_flow", ("push_orders", "boss"))
        assert "Handed to the workers" in told(page)

    def test_pause_and_resume(self, flow: Flow, browser: Any) -> None:
        act(browser, "integrations_flow", "pause", [flow], reason="Stocktaking")
        flow.refresh_from_db()
        assert (flow.paused, flow.pause_reason) == (True, "Stocktaking (boss)")
        act(browser, "integrations_flow", "resume", [flow])
        flow.refresh_from_db()
        assert (flow.paused, flow.pause_reason) == (False, "")

    def test_a_new_interval_moves_the_schedule_and_touches_nothing_else(self, flow: Flow, browser: Any) -> None:
        Flow.objects.filter(pk=flow.pk).update(lease_token="running", cursor={"until": "now"})
        browser.post(reverse("admin:integrations_flow_change", args=[flow.pk]), {"interval_seconds": "900"})
        flow.refresh_from_db()
        assert (flow.interval_seconds, flow.lease_token, flow.cursor) == (900, "running", {"until": "now"})
        assert Schedule.objects.get(name="push_orders").minutes == 15

    def test_an_interval_of_zero_is_refused(self, flow: Flow, browser: Any) -> None:
        browser.post(reverse("admin:integrations_flow_change", args=[flow.pk]), {"interval_seconds": "0"})
        flow.refresh_from_db()
        assert flow.interval_seconds == 120

    def test_a_token_can_be_forgotten(self, orders: Any, browser: Any) -> None:
        token = VendorToken.objects.get()
        act(browser, "integrations_vendortoken", "forget", [token])
        token.refresh_from_db()
        assert (token.access_token, token.refresh_token) == ("", "")


@pytest.mark.usefixtures("seeded")
class TestPermissions:
    ACTIONS = (
        ("orders_erppush", "retry_now", ErpPush), ("orders_invoice", "skip", Invoice), ("orders_order", "hold", Order),
        ("integrations_flow", "run_now", Flow), ("integrations_vendortoken", "forget", VendorToken),
    )  # fmt: skip

    @pytest.mark.parametrize(("list_name", "action", "model"), ACTIONS)
    def test_a_viewer_sees_no_actions_and_cannot_use_them(
        self, list_name: str, action: str, model: Any, orders: Any, viewers_browser: Any
    ) -> None:
        page = viewers_browser.get(reverse(f"admin:{list_name}_changelist"))
        before = list(model.objects.order_by("pk").values())
        assert page.status_code == 200
        assert f'value="{action}"' not in page.text
        answers = {"reason": "no", "flow": "push_orders"}
        act(viewers_browser, list_name, action, list(model.objects.order_by("pk")[:5]), **answers)
        for record in model.objects.order_by("pk")[:5]:
            act(viewers_browser, list_name, action, [record], next=reverse("admin:index"), **answers)
        assert list(model.objects.order_by("pk").values()) == before
        assert not BulkRun.objects.exists()
        assert not OrmQ.objects.exists()

    def test_a_viewer_sees_no_buttons(self, orders: list[Order], viewers_browser: Any) -> None:
        row = pushes(State.FAILED)[0]
        for address in (
            reverse("admin:orders_order_change", args=[row.order_id]),
            reverse("admin:orders_erppush_change", args=[row.pk]),
        ):
            page = viewers_browser.get(address)
            assert page.status_code == 200
            assert "Retry now" not in page.text
            assert "Hold" not in page.text

    def test_who_may_retry_may_neither_skip_nor_hold_nor_act_on_many(self, orders: list[Order], viewer: User) -> None:
        permit(viewer, "retry_delivery")
        browser, row = as_user(viewer), pushes(State.FAILED)[0]
        address = reverse("admin:orders_erppush_change", args=[row.pk])
        assert "Skip …" not in browser.get(address).text
        act(browser, "orders_erppush", "skip", [row], next=address, reason="no")
        act(browser, "orders_erppush", "mark_done", [row], next=address, reason="no")
        act(browser, "orders_order", "hold", [row.order], next=address, reason="no")
        act(browser, "orders_erppush", "retry_now", pushes(State.FAILED))
        row.refresh_from_db()
        assert row.status == State.FAILED
        assert not Order.objects.filter(held_by="viewer").exists()
        assert not BulkRun.objects.exists()
        choose(browser, "orders_erppush", "retry_now", [row], next=address)
        row.refresh_from_db()
        assert row.status == State.DUE

    def test_who_may_act_on_many_does_only_what_he_may_do_with_one(self, orders: list[Order], viewer: User) -> None:
        permit(viewer, "retry_delivery", "bulk_action")
        browser, failed = as_user(viewer), pushes(State.FAILED)
        act(browser, "orders_erppush", "skip", failed, reason="no")
        act(browser, "orders_order", "hold", orders[:5], reason="no")
        assert pushes(State.FAILED) == failed
        assert not Order.objects.filter(held_by="viewer").exists()
        act(browser, "orders_erppush", "retry_now", failed)
        assert not ErpPush.objects.filter(status=State.FAILED).exists()

    def test_the_right_to_act_does_not_open_lists_that_one_may_not_see(self, orders: list[Order], viewer: User) -> None:
        permit(viewer, "retry_delivery", "bulk_action")
        viewer.user_permissions.remove(Permission.objects.get(codename="view_invoice"))
        browser, invoices = as_user(viewer), list(Invoice.objects.filter(status=State.FAILED))
        assert act(browser, "orders_invoice", "retry_now", invoices).status_code == 403
        page = choose(browser, "orders_invoice", "retry_now", invoices[:1], next=reverse("admin:index"))
        assert page.status_code == 403
        assert list(Invoice.objects.filter(status=State.FAILED)) == invoices

    def test_staff_without_rights_see_no_lists(self, db: None) -> None:
        browser = as_user(User.objects.create_user("new", is_staff=True))
        assert browser.get(reverse("admin:index")).status_code == 200
        assert browser.get(reverse("admin:orders_order_changelist")).status_code == 403
