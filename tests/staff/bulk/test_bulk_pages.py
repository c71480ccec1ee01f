"""From the list to the run's page: preview, confirmation, progress, stop, result; and who may do it."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import translation
from django_q.models import OrmQ

from integrations.admin import bulk_step
from integrations.bulk import carry_out, prepare
from integrations.deliveries.states import State
from integrations.models import BulkRow, BulkRun, BulkStatus
from integrations.sentences import told
from orders.models import ErpPush, Order

from .conftest import as_user, staff

PUSHES = "admin:orders_erppush_changelist"


def act(browser: Any, address: str, action: str, records: list[Any], across: bool = False, **answers: Any) -> Any:
    """Choose an action for rows; with answers, confirm the preview of what is chosen."""
    form: dict[str, Any] = {
        "action": action, "index": "0", "_selected_action": [record.pk for record in records],
        "select_across": "1" if across else "0",
    }  # fmt: skip
    page = browser.post(address, form)
    if page.context is None or "preview" not in page.context or not answers:
        return page
    form |= {"confirmed": "1", "previewed": str(page.context["preview"].number), **answers}
    return browser.post(address, form, follow=True)


@pytest.fixture
def failed(orders: Any) -> list[ErpPush]:
    return list(ErpPush.objects.filter(status=State.FAILED))


@pytest.mark.usefixtures("seeded")
class TestPreviewPage:
    def test_it_shows_numbers_and_changes_nothing(self, failed: Any, browser: Any) -> None:
        done = ErpPush.objects.filter(status=State.SUCCEEDED).order_by("pk")[0]
        page = act(browser, reverse(PUSHES), "retry_now", [*failed, done])
        assert page.status_code == 200
        assert f"{len(failed)} rows will be acted on" in page.text
        assert "finished: nothing is left to do" in page.text
        assert not BulkRun.objects.exists()
        assert ErpPush.objects.filter(status=State.FAILED).count() == len(failed)

    def test_a_confirmed_selection_becomes_a_run(self, failed: Any, browser: Any) -> None:
        page = act(browser, reverse(PUSHES), "retry_now", failed, ok="1")
        run = BulkRun.objects.get()
        assert page.redirect_chain[-1][0] == reverse("admin:integrations_bulkrun_change", args=[run.pk])
        assert (run.status, run.changed, run.created_by.username) == (BulkStatus.FINISHED, len(failed), "boss")
        assert run.origin == f"{len(failed)} ticked rows"
        assert not ErpPush.objects.filter(status=State.FAILED).exists()

    def test_orders_have_a_stage_alone_and_lead_to_their_page(self, orders: list[Order], browser: Any) -> None:
        address = reverse("admin:orders_order_changelist")
        page = act(browser, address, "release", orders[:3])
        assert ">Reason</th>" not in page.text
        act(browser, address, "hold", [orders[0], orders[5]], reason="Wait")
        run = BulkRun.objects.get()
        text = browser.get(reverse("admin:integrations_bulkrun_change", args=[run.pk])).text
        left_out = list(run.rows.exclude(result="changed"))
        assert [row.object_id for row in left_out] == [orders[5].pk]
        for row in left_out:
            assert reverse("admin:orders_order_change", args=[row.object_id]) in text

    def test_all_rows_that_match_the_filter(self, failed: Any, browser: Any) -> None:
        act(browser, reverse(PUSHES) + "?status__exact=failed", "retry_now", failed[:1], across=True, ok="1")
        run = BulkRun.objects.get()
        assert (run.total, run.changed) == (len(failed), len(failed))
        assert run.origin == "all rows that match: status: Failed"

    def test_filters_are_told_in_words_and_in_the_readers_language(self, orders: list[Order], browser: Any) -> None:
        address = reverse("admin:orders_order_changelist")
        filters = "?worklist=failed&retailer=1000012345&stage__in=received,in_erp&q=PO-70000,PO-70001&p=1&o="
        act(browser, address + filters, "hold", orders[:1], across=True, reason="Wait")
        run = BulkRun.objects.get()
        assert run.origin == (
            "all rows that match: list: Failed; retailer: Harbor & Pine; "
            "stage: Received, In ERP; search: PO-70000,PO-70001"
        )
        with translation.override("zh-hans"):
            assert told(run.origin).startswith("符合筛选的全部行：列表：失败")

    def test_pasted_numbers_are_counted_in_the_record(self, orders: list[Order], browser: Any) -> None:
        numbers = f"{orders[0].dsco_order_id} {orders[1].dsco_order_id}"
        pasted = browser.post(reverse("admin:orders_order_paste"), {"numbers": numbers}).url
        act(browser, pasted, "hold", orders[:1], across=True, reason="Wait")
        assert BulkRun.objects.get().origin == "all rows that match: pasted numbers: 2"

    def test_the_reason_is_asked_and_kept(self, failed: Any, browser: Any) -> None:
        page = act(browser, reverse(PUSHES), "skip", failed, reason="")
        assert "This field is required" in page.text
        assert not BulkRun.objects.exists()
        act(browser, reverse(PUSHES), "skip", failed, reason="Sold out")
        assert BulkRun.objects.get().parameters["reason"] == "Sold out"
        assert ErpPush.objects.filter(status=State.SKIPPED).count() == len(failed)

    def test_cancelling_asks_for_a_code_that_exists(self, orders: list[Order], browser: Any) -> None:
        address = reverse("admin:orders_order_changelist")
        page = act(browser, address, "cancel", orders[:5], reason="Sold out", cancel_code="NOPE")
        assert "Select a valid choice" in page.text
        act(browser, address, "cancel", orders[:5], reason="Sold out", cancel_code="CXSS")
        assert BulkRun.objects.get().parameters["cancel_code"] == "CXSS"

    def test_what_was_not_previewed_is_not_done(self, failed: Any, browser: Any) -> None:
        form = {"action": "retry_now", "index": "0", "_selected_action": [row.pk for row in failed], "confirmed": "1",
                "previewed": "1"}  # fmt: skip
        page = browser.post(reverse(PUSHES), form)
        assert "have changed since the preview" in page.text
        assert not BulkRun.objects.exists()

    def test_many_rows_are_handed_to_the_workers(
        self, failed: Any, browser: Any, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
    ) -> None:
        monkeypatch.setattr(bulk_step, "DONE_AT_ONCE", 1)
        with django_capture_on_commit_callbacks(execute=True):
            act(browser, reverse(PUSHES), "retry_now", failed, ok="1")
        run = BulkRun.objects.get()
        assert (run.status, run.done) == (BulkStatus.RUNNING, 0)
        assert OrmQ.objects.get().task["args"] == (run.pk,)

    def test_a_button_on_a_record_acts_without_a_run(self, failed: Any, browser: Any) -> None:
        address = reverse("admin:orders_erppush_change", args=[failed[0].pk])
        form = {"action": "retry_now", "index": "0", "_selected_action": [failed[0].pk], "next": address}
        assert browser.post(reverse(PUSHES), form).url == address
        failed[0].refresh_from_db()
        assert failed[0].status == State.DUE
        assert not BulkRun.objects.exists()


@pytest.mark.usefixtures("seeded")
class TestPermissions:
    def test_without_the_right_to_bulk_the_actions_are_absent_and_refused(self, failed: Any) -> None:
        browser = as_user(staff("operator", "retry_delivery", "view_erppush"))
        page = browser.get(reverse(PUSHES))
        assert page.status_code == 200
        assert 'value="retry_now"' not in page.text
        act(browser, reverse(PUSHES), "retry_now", failed, ok="1")
        assert ErpPush.objects.filter(status=State.FAILED).count() == len(failed)
        assert not BulkRun.objects.exists()

    def test_an_operator_retries_one_from_its_page(self, failed: Any) -> None:
        browser = as_user(staff("operator", "retry_delivery", "view_erppush"))
        address = reverse("admin:orders_erppush_change", args=[failed[0].pk])
        page = browser.get(address)
        assert "Retry now" in page.text
        assert "Skip …" not in page.text
        form = {"action": "retry_now", "index": "0", "_selected_action": [failed[0].pk], "next": address}
        browser.post(reverse(PUSHES), form)
        failed[0].refresh_from_db()
        assert failed[0].status == State.DUE

    def test_a_forged_button_does_not_act_on_many(self, failed: Any) -> None:
        browser = as_user(staff("operator", "retry_delivery", "view_erppush"))
        form = {"action": "retry_now", "index": "0", "_selected_action": [failed[0].pk], "next": "/admin/",
                "select_across": "1"}  # fmt: skip
        browser.post(reverse(PUSHES), form)
        assert ErpPush.objects.filter(status=State.FAILED).count() == len(failed)

    def test_each_action_needs_its_own_right(self, failed: Any) -> None:
        browser = as_user(staff("lead", "bulk_action", "retry_delivery", "view_erppush", "view_order"))
        text = browser.get(reverse(PUSHES)).text
        assert 'value="retry_now"' in text
        assert 'value="skip"' not in text
        text = browser.get(reverse("admin:orders_order_changelist")).text
        assert 'value="hold"' not in text
        assert ">Cancel …</option>" not in text

    def test_runs_are_for_those_who_may_start_them(self, failed: Any, boss: User) -> None:
        run = prepare("retry", "erp_push", ErpPush.objects.all(), {}, boss)
        viewer = as_user(staff("viewer", "view_order"))
        for name in ("change", "progress", "stop", "result"):
            address = reverse(f"admin:integrations_bulkrun_{name}", args=[run.pk])
            assert viewer.post(address).status_code == 403 if name == "stop" else viewer.get(address).status_code == 403
        run.refresh_from_db()
        assert run.status == BulkStatus.PREPARED


@pytest.mark.usefixtures("seeded")
class TestRunPage:
    @pytest.fixture
    def run(self, failed: Any, boss: User) -> BulkRun:
        return prepare("retry", "erp_push", ErpPush.objects.all(), {}, boss, "everything")

    def test_it_shows_progress_and_polls_while_open(
        self, run: BulkRun, browser: Any, django_assert_max_num_queries: Any
    ) -> None:
        address = reverse("admin:integrations_bulkrun_change", args=[run.pk])
        assert (
            f'data-progress="{reverse("admin:integrations_bulkrun_progress", args=[run.pk])}"'
            in browser.get(address).text
        )
        carry_out(run.pk)
        with django_assert_max_num_queries(22):
            page = browser.get(address)
        assert "data-progress=" not in page.text
        assert "finished: nothing is left to do" in page.text
        assert "everything" in page.text

    def test_rows_are_called_by_their_order_and_lead_to_their_page(self, run: BulkRun, browser: Any) -> None:
        carry_out(run.pk)
        text = browser.get(reverse("admin:integrations_bulkrun_change", args=[run.pk])).text
        push = ErpPush.objects.filter(status=State.SUCCEEDED).order_by("pk")[0]
        link = reverse("admin:orders_erppush_change", args=[push.pk])
        assert f'href="{link}">{push.order.dsco_order_id}</a>' in text
        lines = b"".join(browser.get(reverse("admin:integrations_bulkrun_result", args=[run.pk]))).decode()
        assert f"\n{push.order.dsco_order_id}," in lines.replace("\r", "")
        assert "erp_push:" not in text + lines

    def test_progress_is_small_json(self, run: BulkRun, browser: Any, django_assert_max_num_queries: Any) -> None:
        with django_assert_max_num_queries(4):
            figures = browser.get(reverse("admin:integrations_bulkrun_progress", args=[run.pk])).json()
        assert (figures["open"], figures["done"], figures["total"]) == (True, run.left_out, run.total)
        carry_out(run.pk)
        figures = browser.get(reverse("admin:integrations_bulkrun_progress", args=[run.pk])).json()
        assert (figures["open"], figures["percent"], figures["status"]) == (False, 100, "Finished")

    def test_the_stop_button(self, run: BulkRun, browser: Any) -> None:
        browser.post(reverse("admin:integrations_bulkrun_stop", args=[run.pk]))
        run.refresh_from_db()
        assert run.status == BulkStatus.STOPPED

    def test_the_result_has_every_row_and_no_formula(self, run: BulkRun, browser: Any) -> None:
        carry_out(run.pk)
        row = BulkRow.objects.filter(run=run).order_by("pk")[0]
        BulkRow.objects.filter(pk=row.pk).update(label="=HYPERLINK(1)", message="@evil")
        answer = browser.get(reverse("admin:integrations_bulkrun_result", args=[run.pk]))
        text = b"".join(answer.streaming_content).decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text)))
        assert len(rows) == run.total + 1
        assert rows[1][0] == "'=HYPERLINK(1)"
        assert rows[1][2] == "'@evil"
        assert "attachment" in answer["Content-Disposition"]

    @pytest.mark.parametrize("language", ["en", pytest.param("zh-hans", marks=pytest.mark.any_database)])
    def test_the_list_opens_with_few_queries(
        self, run: BulkRun, browser: Any, language: str, django_assert_max_num_queries: Any
    ) -> None:
        browser.cookies["django_language"] = language
        with django_assert_max_num_queries(14):
            page = browser.get(reverse("admin:integrations_bulkrun_changelist"))
        assert page.status_code == 200
        assert f"#{run.pk}" in page.text
