"""The emergency stop on the screen: who may, what it says, what it holds back, its history."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_q.models import OrmQ

from config.audit import Wanted, entries
from integrations.alerts.book import _sources
from integrations.flows import run_flow
from integrations.models import AlertKind, VendorStop
from integrations.stopping import end_stop, held_back, stop_vendor
from orders.models import Acknowledgement, ErpPush

LIST = "/admin/integrations/vendorstop/"
STOP = f"{LIST}stop/dsco/"


def page(browser: Any, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return str(answer.content.decode())


def make_due(number: int) -> int:
    rows = Acknowledgement.objects.order_by("pk").values_list("pk", flat=True)
    Acknowledgement.objects.update(status="waiting", due_at=None, reason_code="waiting_for_erp")
    return Acknowledgement.objects.filter(pk__in=list(rows[:number])).update(status="due", due_at=timezone.now())


class TestSetting:
    def test_the_page_says_what_would_be_held_back(self, orders: list[Any], in_role: Any) -> None:
        lead = in_role("lead")
        due = make_due(7)
        text = page(lead, STOP)
        assert "Stop all writes to DSCO now" in text
        assert "held back at once" in text
        assert f'<a class="ob-link" href="/admin/orders/acknowledgement/?status__exact=due">{due}</a>' in text
        assert "ERP push" not in text.split("<tbody>")[1].split("</tbody>")[0]

    def test_a_reason_is_asked_for_and_kept(self, orders: list[Any], in_role: Any) -> None:
        lead = in_role("lead")
        assert "This field is required" in lead.post(STOP, {"reason": " "}).content.decode()
        assert not VendorStop.objects.exists()
        answer = lead.post(STOP, {"reason": "the price file was wrong"}, follow=True)
        stop = VendorStop.objects.get()
        assert (stop.vendor, stop.reason, stop.started_by) == ("dsco", "the price file was wrong", "one-lead")
        text = answer.content.decode()
        assert "Emergency stop: nothing is written to DSCO." in text, "at once, on this very page"
        assert "the price file was wrong" in text

    def test_a_second_stop_of_the_same_vendor_is_refused(self, in_role: Any) -> None:
        stop_vendor("dsco", "first", "mei")
        text = in_role("lead").post(STOP, {"reason": "second"}, follow=True).content.decode()
        assert "stopped already" in text
        assert VendorStop.objects.get().reason == "first"

    @pytest.mark.parametrize("role", ["viewer", "operator"])
    def test_others_may_look_and_not_touch(self, role: str, orders: list[Any], in_role: Any) -> None:
        browser = in_role(role)
        stop = stop_vendor("lingxing", "stocktaking", "mei")
        text = page(browser, LIST)
        assert "A lead or an administrator can stop them here." in text
        assert "End the stop …" not in text
        assert "stocktaking" in text
        for address in (STOP, f"{LIST}{stop.pk}/end/"):
            assert browser.get(address).status_code == 403
            assert browser.post(address, {"reason": "x"}).status_code == 403
        stop.refresh_from_db()
        assert stop.ended_at is None
        assert VendorStop.objects.count() == 1
        assert browser.get(f"{LIST}{stop.pk}/change/").status_code == 200

    def test_an_unknown_vendor_is_not_found(self, browser: Any) -> None:
        assert browser.get(f"{LIST}stop/nobody/").status_code == 404


class TestEnding:
    def test_it_releases_and_starts_the_flows(
        self, orders: list[Any], in_role: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        stop = stop_vendor("dsco", "wrong prices", "mei")
        ErpPush.objects.update(status="succeeded", due_at=None)
        now = timezone.now()
        Acknowledgement.objects.update(status="waiting", due_at=None, reason_code="waiting_for_erp")
        held = Acknowledgement.objects.order_by("pk")[:4]
        Acknowledgement.objects.filter(pk__in=[row.pk for row in held]).update(
            status="waiting", reason_code="vendor_stopped", last_error_code="vendor_stopped", changed_at=now
        )
        lead = in_role("lead")
        text = page(lead, f"{LIST}{stop.pk}/end/")
        assert "deliveries go when the stop ends" in text
        with django_capture_on_commit_callbacks(execute=True):
            answer = lead.post(f"{LIST}{stop.pk}/end/", {"reason": "prices are right"}, follow=True)
        assert "4 deliveries to DSCO are due now" in answer.content.decode()
        stop.refresh_from_db()
        assert (stop.ended_by, stop.end_note, stop.released) == ("one-lead", "prices are right", 4)
        assert Acknowledgement.objects.filter(status="due").count() == 4
        assert Acknowledgement.objects.filter(reason_code="waiting_for_erp").count() == 56
        assert "released: acknowledge_orders" in {task.task["name"] for task in OrmQ.objects.all()}
        assert "Emergency stop:" not in page(lead, "/admin/")

    def test_a_stop_ends_once(self, in_role: Any) -> None:
        stop = stop_vendor("dsco", "wrong prices", "mei")
        end_stop(stop.pk, "fine", "mei")
        lead = in_role("lead")
        text = lead.post(f"{LIST}{stop.pk}/end/", {"reason": "again"}, follow=True).content.decode()
        assert "has ended already" in text
        stop.refresh_from_db()
        assert stop.ended_by == "mei"


class TestWhereItIsSeen:
    def test_the_banner_counts_what_waits_and_leads_to_its_end(self, orders: list[Any], in_role: Any) -> None:
        make_due(7)
        stop = stop_vendor("dsco", "wrong prices", "mei")
        number = sum(row.held + row.due for row in held_back("dsco"))
        assert number > 1
        text = page(in_role("lead"), "/admin/orders/order/")
        assert f"{number} deliveries wait." in text
        assert f'href="{LIST}{stop.pk}/end/"' in text
        assert f'href="{LIST}{stop.pk}/end/"' not in page(in_role("operator"), "/admin/orders/order/")

    def test_the_audit_trail_tells_both_ends(self, db: None) -> None:
        stop = stop_vendor("dsco", "wrong prices", "mei")
        end_stop(stop.pk, "prices are right", "lin")
        told = [(entry.who, entry.what, entry.detail) for entry in entries(Wanted())]
        assert ("mei", "Emergency stop", "wrong prices") in told
        assert ("lin", "Emergency stop ended", "prices are right") in told

    def test_an_alert_says_it(self, db: None) -> None:
        stop_vendor("dsco", "wrong prices", "mei")
        source = _sources[AlertKind.VENDOR_STOP]
        (finding,) = source.find(timezone.now())
        assert source.describe(finding.facts) == "mei stopped all writes to DSCO: wrong prices"

    def test_the_history_costs_the_same_for_many(self, browser: Any, django_assert_max_num_queries: Any) -> None:
        for number in range(30):
            stop = stop_vendor("dsco", f"reason {number}", "mei")
            end_stop(stop.pk, "fine", "lin")
        with django_assert_max_num_queries(16):
            text = page(browser, LIST)
        assert "reason 29" in text

    def test_runflow_says_it(self, settings: Any, monkeypatch: Any, capsys: Any, db: None) -> None:
        for name in ("DSCO_CLIENT_ID", "DSCO_CLIENT_SECRET", "LINGXING_APP_ID", "LINGXING_APP_SECRET"):
            setattr(settings, name, "x" * 16)
        stop_vendor("dsco", "wrong prices", "mei")
        line = run_flow("report_invoices").as_json()
        assert line["stopped_vendors"] == ["dsco"]
        assert any("wrong prices" in note for note in line["notes"])
        assert "stopped_vendors" not in json.dumps(run_flow("push_orders").as_json())


class TestCommand:
    def test_it_stops_shows_and_ends(self, db: None, capsys: Any) -> None:
        call_command("vendorstop", "dsco", "--reason", "wrong prices")
        assert VendorStop.objects.get().started_by.startswith("command: ")
        call_command("vendorstop", "dsco")
        assert "wrong prices" in capsys.readouterr().out
        call_command("vendorstop", "dsco", "--end", "--reason", "fine")
        assert VendorStop.objects.get().end_note == "fine"

    @pytest.mark.parametrize("more", [["--end", "--reason", "fine"], ["--end"]])
    def test_bad_use_is_told(self, db: None, more: list[str]) -> None:
        with pytest.raises(CommandError) as refused:
            call_command("vendorstop", "lingxing", *more)
        assert refused.value.returncode == 2

    def test_an_end_without_a_reason_names_the_option_and_ends_nothing(self, db: None) -> None:
        call_command("vendorstop", "dsco", "--reason", "wrong prices")
        with pytest.raises(CommandError, match="--end needs --reason"):
            call_command("vendorstop", "dsco", "--end")
        assert VendorStop.objects.get().ended_at is None
