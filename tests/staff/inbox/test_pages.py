"""The inbox and the page of a cause: what staff see, what they may do, how many queries it takes."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from integrations.causes import refresh_causes
from integrations.deliveries.states import State
from integrations.models import Attempt, BulkRun, Cause, Flow
from inventory.models import SkuMapping
from orders.admin import inbox as inbox_admin
from orders.models import ErpPush, Shipment, Store, StoreMapping

from .conftest import RETAILERS, make_orders, park

INBOX = "admin:integrations_cause_changelist"
MOST_QUERIES = 20


def page_of(cause: Cause) -> str:
    return reverse("admin:integrations_cause_change", args=[cause.pk])


def cause_with(number: int, **facts: Any) -> Cause:
    park(make_orders(number), **facts)
    refresh_causes(timezone.now())
    return Cause.objects.get()


def act(browser: Any, cause: Cause, action: str, rows: list[Any] | None = None, **more: str) -> Any:
    data: dict[str, Any] = {"action": action, "select_across": "1" if rows is None else "0", **more}
    if rows is not None:
        data["_selected_action"] = [str(row.pk) for row in rows]
    return browser.post(reverse("admin:integrations_cause_act", args=[cause.pk]), data, follow=True)


@pytest.mark.django_db
class TestInbox:
    def test_without_a_cause_it_reassures(self, browser: Any) -> None:
        Flow.objects.create(name="push_orders", last_success_at=timezone.now(), last_started_at=timezone.now())
        page = browser.get(reverse(INBOX))
        assert "Nothing needs a person." in page.text
        assert "Push orders to LingXing" in page.text

    def test_a_code_that_only_the_vendor_knows_is_named_once(self, browser: Any) -> None:
        park(make_orders(1), State.FAILED, "TOO_LATE", "TOO_LATE: The season is over", "rejected")
        (line,) = browser.get(reverse(INBOX)).context["causes"]
        assert (line["title"], line["message"]) == ("TOO_LATE", "The season is over")
        page = browser.get(page_of(Cause.objects.get()))
        assert ("Message", "The season is over") in [
            (str(name).capitalize(), text) for name, text in page.context["facts"]
        ]
        assert "The season is over" in browser.get(reverse("admin:index")).text

    def test_inbox_and_start_page_agree_on_what_is_new_and_what_came_back(self, browser: Any) -> None:
        park(make_orders(1), State.FAILED, "E1", "refused", "rejected")
        refresh_causes(timezone.now())
        Cause.objects.update(first_seen_at=timezone.now() - timedelta(days=2))
        for address in (reverse(INBOX), reverse("admin:index")):
            text = browser.get(address).text
            assert ">came back</span>" in text
            assert ">new</span>" not in text

    def test_it_shows_one_line_for_each_cause_newest_first(self, browser: Any) -> None:
        orders = make_orders(6)
        park(orders[:4], State.FAILED, "E1", "Order {} is refused", "rejected")
        park(orders[:2], State.NEEDS_ATTENTION, "several_packages", "two", model=Shipment)
        page = browser.get(reverse(INBOX))
        assert [(each["title"], each["number"]) for each in page.context["causes"]] == [
            ("Several packages: a person chooses", 2), ("E1", 4),
        ]  # fmt: skip
        assert "Order … is refused" in page.text
        sidebar = next(group for group in page.context["sidebar_navigation"] if group["title"] == "Exceptions")
        assert sidebar["items"][0]["badge"] == "2"

    def test_tabs_keep_what_is_verified_and_what_is_closed_apart(self, browser: Any) -> None:
        orders = make_orders(2)
        park(orders[:1], State.UNCERTAIN, "timeout", "late", "uncertain", failures=3)
        rows = park(orders[1:], State.FAILED, "E1", "no", "rejected")
        browser.get(reverse(INBOX))
        ErpPush.objects.filter(pk=rows[0].pk).update(status=State.SKIPPED)
        assert browser.get(reverse(INBOX)).context["causes"] == []
        for tab, code in (("verifying", "timeout"), ("closed", "E1")):
            (line,) = browser.get(reverse(INBOX), {"tab": tab}).context["causes"]
            assert line["cause"].code == code
        assert browser.get(reverse(INBOX), {"tab": "nonsense"}).status_code == 404

    def test_filters_by_step_vendor_and_retailer(self, browser: Any) -> None:
        orders = make_orders(4)
        park(orders, State.FAILED, "E1", "no", "rejected")
        park(orders[:1], State.FAILED, "E2", "no", "rejected", model=Shipment)

        def codes(**filters: str) -> list[tuple[str, int]]:
            page = browser.get(reverse(INBOX), filters)
            return sorted((line["cause"].code, line["number"]) for line in page.context["causes"])

        assert codes(kind="shipment") == [("E2", 1)]
        assert codes(vendor="lingxing") == [("E1", 4)]
        assert codes(retailer=RETAILERS[0]) == [("E1", 2), ("E2", 1)]
        assert codes(retailer=RETAILERS[1]) == [("E1", 2)]
        assert codes(kind="invoice") == []

    def test_ten_thousand_rows_and_many_causes_need_no_more_queries(
        self, browser: Any, django_assert_max_num_queries: Any
    ) -> None:
        orders = make_orders(10_000)
        words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"]
        for number, word in enumerate(words):
            park(orders[number::6], State.FAILED, f"E{number}", word + " {}", "rejected")
        browser.get(reverse(INBOX))
        with django_assert_max_num_queries(MOST_QUERIES):
            page = browser.get(reverse(INBOX))
        assert sum(line["number"] for line in page.context["causes"]) == 10_000
        with django_assert_max_num_queries(MOST_QUERIES):
            page = browser.get(page_of(page.context["causes"][0]["cause"]))
        assert len(page.context["rows"]) == 50
        with django_assert_max_num_queries(MOST_QUERIES):
            browser.get(reverse(INBOX), {"retailer": RETAILERS[0]})


@pytest.mark.django_db
class TestCausePage:
    def test_it_explains_and_lists_the_missing_codes_with_the_page_that_adds_them(self, browser: Any) -> None:
        StoreMapping.objects.create(retailer_id=RETAILERS[0], store=Store.objects.create(store_id="11"))
        page = browser.get(page_of(cause_with(3)))
        assert "has no SKU mapping" in page.text
        assert [(code["value"], code["orders"]) for code in page.context["codes"]] == [
            ("HP-RUG-03", 3), (RETAILERS[1], 1),
        ]  # fmt: skip
        address = page.context["codes"][0]["address"]
        assert "dsco_sku=HP-RUG-03" in address
        form = browser.get(address).context["adminform"].form
        assert form.initial["dsco_sku"] == "HP-RUG-03"

    def test_rows_have_order_retailer_deadline_and_come_by_deadline(self, browser: Any) -> None:
        cause = cause_with(3)
        page = browser.get(page_of(cause))
        assert [row["po_number"] for row in page.context["rows"]] == ["PO-0", "PO-1", "PO-2"]
        assert page.context["rows"][1]["retailer"] == "Retailer 1"
        assert "hours left" in page.context["rows"][2]["deadline"]

    def test_it_says_when_it_is_solved(self, browser: Any) -> None:
        cause = cause_with(1)
        ErpPush.objects.update(status=State.SKIPPED)
        assert "Solved" in browser.get(page_of(cause)).text

    def test_a_person_takes_it_and_leaves_a_note(self, browser: Any) -> None:
        cause = cause_with(1)
        address = reverse("admin:integrations_cause_keep", args=[cause.pk])
        browser.post(address, {"what": "take"})
        browser.post(address, {"what": "note", "note": "Waiting for Li"})
        cause.refresh_from_db()
        assert (cause.assigned_to.username, cause.note) == ("boss", "Waiting for Li")
        page = browser.get(reverse(INBOX))
        assert "Waiting for Li" in page.text
        browser.post(address, {"what": "give"})
        cause.refresh_from_db()
        assert cause.assigned_to is None
        assert LogEntry.objects.count() == 3
        assert browser.post(address, {"what": "else"}).status_code == 400

    @pytest.mark.parametrize("language", ["en", pytest.param("zh-hans", marks=pytest.mark.any_database)])
    def test_every_kind_of_cause_opens(self, language: str, browser: Any) -> None:
        from tests.admin.seed import seed

        seed(60)
        browser.cookies["django_language"] = language
        assert Cause.objects.count() > 5
        for cause in Cause.objects.all():
            assert browser.get(page_of(cause)).status_code == 200

    def test_there_is_no_such_cause(self, browser: Any) -> None:
        assert browser.get(reverse("admin:integrations_cause_change", args=["x"])).status_code == 404
        assert browser.get(reverse("admin:integrations_cause_change", args=[99])).status_code == 404


@pytest.mark.django_db
class TestActions:
    def test_retry_all_asks_first_then_makes_them_due_and_closes_the_cause(self, browser: Any) -> None:
        cause = cause_with(3)
        question = act(browser, cause, "retry")
        assert "Retry now: 3 rows" in question.text
        assert ErpPush.objects.filter(status=State.DUE).count() == 0
        page = act(browser, cause, "retry", confirmed="1")
        assert page.redirect_chain[-1][0] == reverse(INBOX)
        assert "3 are due again" in page.text
        assert ErpPush.objects.filter(status=State.DUE, cause="").count() == 3
        cause.refresh_from_db()
        assert cause.closed_at is not None
        assert set(Attempt.objects.values_list("actor", flat=True)) == {"boss"}

    def test_only_the_ticked_rows(self, browser: Any) -> None:
        cause = cause_with(3)
        rows = list(ErpPush.objects.order_by("pk")[:1])
        page = act(browser, cause, "retry", rows, confirmed="1")
        assert page.redirect_chain[-1][0] == page_of(cause)
        cause.refresh_from_db()
        assert (cause.open_count, cause.closed_at) == (2, None)

    def test_rows_of_another_cause_are_never_touched(self, browser: Any) -> None:
        cause = cause_with(1)
        (other,) = park(make_orders(1, 50), State.FAILED, "E1", "no", "rejected")
        assert "Nothing was changed" in act(browser, cause, "retry", [other], confirmed="1").text
        other.refresh_from_db()
        assert other.status == State.FAILED

    def test_skipping_needs_a_reason(self, browser: Any) -> None:
        cause = cause_with(2)
        assert "required" in act(browser, cause, "skip", confirmed="1").text
        act(browser, cause, "skip", confirmed="1", reason="The retailer gave up")
        assert ErpPush.objects.filter(status=State.SKIPPED).count() == 2
        assert set(Attempt.objects.values_list("message", flat=True)) == {"The retailer gave up"}

    def test_rows_in_progress_are_left_alone_and_named(self, browser: Any) -> None:
        cause = cause_with(2)
        ErpPush.objects.filter(pk=ErpPush.objects.first().pk).update(lease_token="x")
        page = act(browser, cause, "retry", confirmed="1")
        assert "left as it is" in page.text
        assert ErpPush.objects.filter(status=State.DUE).count() == 1

    def test_very_many_rows_become_a_bulk_run(self, browser: Any, monkeypatch: Any) -> None:
        monkeypatch.setattr(inbox_admin, "MOST_AT_ONCE", 2)
        page = act(browser, cause_with(5), "retry", confirmed="1")
        assert "5 rows were handed to the workers" in page.text
        assert BulkRun.objects.get().total == 5

    def test_who_may_not_act_in_bulk_does_a_part(self, browser_of: Any, monkeypatch: Any) -> None:
        monkeypatch.setattr(inbox_admin, "MOST_AT_ONCE", 2)
        page = act(browser_of("retry_delivery"), cause_with(5), "retry", confirmed="1")
        assert "3 more are left" in page.text
        assert ErpPush.objects.filter(status=State.DUE).count() == 2

    def test_an_unknown_action_is_refused(self, browser: Any) -> None:
        assert act(browser, cause_with(1), "explode", confirmed="1").status_code == 400

    def test_a_paused_flow_is_not_started_by_a_retry(self, browser: Any, django_assert_max_num_queries: Any) -> None:
        from django_q.models import OrmQ

        cause = cause_with(2)
        first, second = ErpPush.objects.all()
        Flow.objects.create(name="push_orders", paused=True)
        act(browser, cause, "retry", [first], confirmed="1")
        assert not OrmQ.objects.exists()
        Flow.objects.update(paused=False)
        act(browser, cause, "retry", [second], confirmed="1")
        assert OrmQ.objects.count() == 1


@pytest.mark.django_db
class TestPermissions:
    def test_a_viewer_looks_and_finds_no_button(self, browser_of: Any) -> None:
        browser, cause = browser_of(), cause_with(1)
        page = browser.get(page_of(cause))
        assert page.context["actions"] == []
        assert "Assign to me" not in page.text
        assert "Add the mapping" not in page.text
        for action in ("retry", "skip", "mark_done"):
            assert act(browser, cause, action, confirmed="1", reason="x").status_code == 403
        keep = reverse("admin:integrations_cause_keep", args=[cause.pk])
        assert browser.post(keep, {"what": "take"}).status_code == 403
        assert ErpPush.objects.get().status == State.NEEDS_ATTENTION

    def test_each_action_has_its_own_permission(self, browser_of: Any) -> None:
        cause = cause_with(1)
        page = browser_of("retry_delivery").get(page_of(cause))
        assert [action.name for action in page.context["actions"]] == ["retry"]
        page = browser_of("skip_delivery").get(page_of(cause))
        assert [action.name for action in page.context["actions"]] == ["skip", "mark_done"]

    def test_who_may_not_see_causes_sees_nothing(self, client: Any, django_user_model: Any) -> None:
        cause = cause_with(1)
        client.force_login(django_user_model.objects.create_user("nobody", is_staff=True))
        assert client.get(reverse(INBOX)).status_code == 403
        assert client.get(page_of(cause)).status_code == 403
        assert act(client, cause, "retry", confirmed="1").status_code == 403


class TestSavingTheMapping:
    @pytest.mark.django_db(transaction=True)
    def test_it_releases_what_waited_and_leads_back_to_the_inbox(self, browser: Any) -> None:
        store = Store.objects.create(store_id="11")
        for retailer in RETAILERS:
            StoreMapping.objects.create(retailer_id=retailer, store=store)
        cause = cause_with(3)
        address = browser.get(page_of(cause)).context["codes"][0]["address"]
        page = browser.post(
            address, {"dsco_sku": "HP-RUG-03", "erp_sku": "LX-3", "for_orders": "on", "stock_buffer": "0"}, follow=True
        )
        assert page.redirect_chain[-1][0] == reverse(INBOX)
        assert "3 orders that waited for a mapping go to LingXing now." in page.text
        assert ErpPush.objects.filter(status=State.DUE).count() == 3
        assert SkuMapping.objects.exists()
        assert page.context["causes"] == []

    @pytest.mark.django_db(transaction=True)
    def test_while_another_code_is_missing_staff_come_back_to_the_cause(self, browser: Any) -> None:
        cause = cause_with(2)
        address = browser.get(page_of(cause)).context["codes"][0]["address"]
        page = browser.post(
            address, {"dsco_sku": "HP-RUG-03", "erp_sku": "LX-3", "for_orders": "on", "stock_buffer": "0"}, follow=True
        )
        assert page.redirect_chain[-1][0].startswith(page_of(cause))
        assert ErpPush.objects.filter(status=State.DUE).count() == 0

    @pytest.mark.django_db
    def test_a_file_of_mappings_releases_too_and_the_cause_closes(self, tmp_path: Any) -> None:
        cause = cause_with(2)
        file = tmp_path / "mappings.json"
        file.write_text(json.dumps({"stores": dict.fromkeys(RETAILERS, "11"), "skus": {"HP-RUG-03": "LX-3"}}))
        call_command("loadmappings", str(file), stdout=StringIO())
        cause.refresh_from_db()
        assert cause.closed_at is not None
        assert ErpPush.objects.filter(status=State.DUE).count() == 2

    @pytest.mark.django_db
    def test_a_foreign_address_is_no_way_back(self, browser: Any) -> None:
        address = reverse("admin:inventory_skumapping_add") + "?next=https://evil.example/"
        page = browser.post(address, {"dsco_sku": "A", "erp_sku": "B", "for_orders": "on", "stock_buffer": "0"})
        assert page["Location"] == reverse("admin:inventory_skumapping_changelist")
