"""What is kept, and how long; one person's data are removed on request."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from integrations import retention
from integrations.flows import run_flow
from integrations.models import (
    Alert,
    ApiCall,
    Attempt,
    BulkRow,
    BulkRun,
    Cause,
    Export,
    FlowRun,
    RunStatus,
    ShadowCall,
)
from integrations.retention import tidy
from integrations.sentences import gettext as sentence
from orders.events import comment
from orders.holds import KINDS
from orders.models import Discrepancy, Invoice, Order, OrderEvent, OrderVersion, Shipment, Stage
from orders.retention import forget

from .factories import later, map_everything, push_of, raw_order, store, stored

pytestmark = pytest.mark.django_db
NAME = "Maren Holloway"


def ago(days):
    return timezone.now() - timedelta(days=days)


def call_of(days):
    return ApiCall.objects.create(
        vendor="dsco", operation="get_order", method="GET", path="/order/", started_at=ago(days), duration_ms=5,
        request_excerpt="{}", response_excerpt='{"a": 1}',
    )  # fmt: skip


def ended(raw, days=400):
    order = stored(raw)
    Order.objects.filter(pk=order.pk).update(stage=Stage.INVOICED, first_seen_at=ago(days))
    return Order.objects.get(pk=order.pk)


def tables_with(text):
    """Every text column of the database in which a text stands."""
    found = set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            for column in connection.introspection.get_table_description(cursor, table):
                cursor.execute(
                    f'SELECT COUNT(*) FROM "{table}" WHERE CAST("{column.name}" AS TEXT) LIKE %s', [f"%{text}%"]
                )
                if cursor.fetchone()[0]:
                    found.add(f"{table}.{column.name}")
    return found


class TestHistory:
    def test_bodies_of_calls_go_first_and_the_calls_stay(self):
        old, young = call_of(100), call_of(10)
        assert tidy(timezone.now(), budget_seconds=60)["call_bodies_emptied"] == 1
        old.refresh_from_db()
        young.refresh_from_db()
        assert (old.request_excerpt, old.response_excerpt, young.response_excerpt) == ("", "", '{"a": 1}')
        assert tidy(timezone.now(), budget_seconds=60)["call_bodies_emptied"] == 0

    def test_calls_attempts_and_runs_go_at_last(self):
        for days in (500, 10):
            run = FlowRun.objects.create(flow="pull_orders", status=RunStatus.SUCCEEDED, started_at=ago(days))
            call = call_of(days)
            ApiCall.objects.filter(pk=call.pk).update(flow_run=run)
            Attempt.objects.create(
                kind="invoice", delivery_id=1, action="send", started_at=ago(days), outcome="due", api_call=call
            )
        tidy(timezone.now(), budget_seconds=60)
        assert [model.objects.count() for model in (FlowRun, ApiCall, Attempt)] == [1, 1, 1]
        assert Attempt.objects.get().api_call is not None

    @pytest.mark.parametrize("status", ["uncertain", "needs_attention", "failed"])
    def test_what_an_unsettled_delivery_needs_stays_until_it_is_settled(self, status, monkeypatch):
        monkeypatch.setattr(retention, "BATCH", 2)
        invoice = stored(raw_order()).invoice
        for number in range(3):
            call, before = call_of(500), call_of(500)
            delivery = invoice.pk if number == 1 else 0
            Attempt.objects.create(
                kind="invoice", delivery_id=delivery, action="send", started_at=ago(500), outcome="uncertain",
                api_call=call,
            ).earlier_calls.set([before])  # fmt: skip
        Invoice.objects.update(status=status, due_at=timezone.now() if status == "uncertain" else None)
        tidy(timezone.now(), budget_seconds=60)
        assert Attempt.objects.get().delivery_id == invoice.pk
        assert ApiCall.objects.exclude(response_excerpt="").count() == ApiCall.objects.count() == 2
        Invoice.objects.update(status="succeeded", due_at=None)
        tidy(timezone.now(), budget_seconds=60)
        assert [model.objects.count() for model in (Attempt, ApiCall)] == [0, 0]

    def test_bodies_that_were_passed_over_go_when_the_delivery_is_settled(self):
        invoice = stored(raw_order()).invoice
        Attempt.objects.create(
            kind="invoice", delivery_id=invoice.pk, action="send", started_at=ago(100), outcome="failed",
            api_call=call_of(100),
        )  # fmt: skip
        Invoice.objects.update(status="failed")
        tidy(timezone.now(), budget_seconds=60)
        assert ApiCall.objects.exclude(response_excerpt="").count() == 1
        Invoice.objects.update(status="succeeded")
        tidy(timezone.now(), budget_seconds=60)
        assert ApiCall.objects.exclude(response_excerpt="").count() == 0

    def test_a_run_under_way_stays(self):
        FlowRun.objects.create(flow="pull_orders", status=RunStatus.RUNNING, started_at=ago(500))
        tidy(timezone.now(), budget_seconds=60)
        assert FlowRun.objects.count() == 1

    def test_zero_days_keep_for_ever(self, settings):
        settings.RETENTION_CALL_BODY_DAYS = settings.RETENTION_HISTORY_DAYS = 0
        call_of(5000)
        assert not any(tidy(timezone.now(), budget_seconds=60).values())
        assert ApiCall.objects.exclude(response_excerpt="").count() == 1

    def test_many_rows_are_treated_in_small_batches_and_what_is_cut_off_goes_on_later(self, monkeypatch):
        monkeypatch.setattr(retention, "BATCH", 2)
        for _number in range(5):
            call_of(500)
        assert tidy(timezone.now(), budget_seconds=0)["calls_deleted"] == 0
        assert ApiCall.objects.count() == 5
        assert tidy(timezone.now(), budget_seconds=60)["calls_deleted"] == 5
        assert ApiCall.objects.count() == 0

    def test_the_command_tells_what_it_did(self, capsys):
        call_of(500)
        call_command("purge")
        assert json.loads(capsys.readouterr().out)["calls_deleted"] == 1


class TestVersions:
    def test_former_payloads_of_ended_orders_go_and_the_last_one_stays(self):
        raw = raw_order()
        order = ended(raw)
        open_order = stored(raw_order())
        OrderVersion.objects.update(received_at=ago(200))
        tidy(timezone.now(), budget_seconds=60)
        assert [version.order_id for version in OrderVersion.objects.all()] == [open_order.pk]
        assert Order.objects.get(pk=order.pk).payload["dscoOrderId"] == raw["dscoOrderId"]


class TestPersonalData:
    def test_goes_when_an_ended_order_is_old(self):
        ended(raw_order())
        tidy(timezone.now(), budget_seconds=60)
        assert tables_with("Holloway") == tables_with("Heron Lane") == set()
        assert Order.objects.get().payload["lineItems"][0]["sku"] == "SKU-1"

    @pytest.mark.parametrize(("stage", "days"), [(Stage.INVOICED, 300), (Stage.ACKNOWLEDGED, 900)])
    def test_stays_while_the_order_is_young_or_open(self, stage, days):
        order = ended(raw_order(), days)
        Order.objects.filter(pk=order.pk).update(stage=stage)
        tidy(timezone.now(), budget_seconds=60)
        assert Order.objects.get().payload["shipping"]["name"] == NAME

    def test_does_not_come_back_with_what_dsco_sends_later(self):
        raw = raw_order()
        ended(raw)
        tidy(timezone.now(), budget_seconds=60)
        store(later(raw, dscoLifecycle="completed"))
        order = Order.objects.get()
        assert (order.dsco_lifecycle, tables_with("Holloway")) == ("completed", set())
        assert order.personal_removed_at is not None

    def test_waits_while_something_of_the_order_is_under_way(self):
        order = ended(raw_order())
        Invoice.objects.filter(order=order).update(status="uncertain", due_at=timezone.now())
        tidy(timezone.now(), budget_seconds=60)
        assert Order.objects.get().personal_removed_at is None

    def test_an_order_that_is_wanted_again_is_not_created_without_its_address(self, sandbox):
        raw = sandbox.dsco.add_orders(1)[0]
        map_everything(sandbox)
        order = stored(raw)
        Order.objects.filter(pk=order.pk).update(stage=Stage.CLOSED)
        forget([Order.objects.get()], timezone.now(), "lin")
        assert run_flow("push_orders").status == "succeeded"
        push = push_of(raw)
        assert (push.status, push.reason_code) == ("needs_attention", "personal_removed")
        assert "by hand" in push.last_error
        assert sandbox.lingxing.effect_count("erp_order", raw["dscoOrderId"]) == 0


def noted_everywhere(order):
    """A vendor and staff have written about the consumer wherever they can."""
    said = f"Bad address for {NAME}: 12 Heron Lane"
    call = call_of(1)
    ApiCall.objects.filter(pk=call.pk).update(response_excerpt=json.dumps({"message": said}))
    call_of(1)
    ApiCall.objects.filter(pk=call.pk + 1).update(response_excerpt=said)  # made for nobody in particular
    push = order.erp_push
    Attempt.objects.create(
        kind="erp_push", delivery_id=push.pk, action="send", started_at=ago(1), outcome="failed", api_call=call,
        message=sentence("LingXing refused the order: %(words)s") % {"words": said},
    )  # fmt: skip
    for kind in KINDS:
        kind._default_manager.filter(order=order).update(last_error=sentence("%(words)s") % {"words": said})
    Shipment.objects.filter(order=order).update(draft={"packages": [], "reason": said})
    Order.objects.filter(pk=order.pk).update(hold_reason="wait for Ms holloway", problem=said)
    Discrepancy.objects.create(
        source="erp_orders", kind="state", code="alive_in_erp", subject="1", order=order, ours={"note": said},
        theirs={"units": [said]}, fingerprint="x", first_seen_at=ago(1), last_seen_at=ago(1), result=said,
    )  # fmt: skip
    ShadowCall.objects.create(kind="invoice", delivery_id=1, key="k", vendor="dsco", body=said, made_at=ago(1))
    FlowRun.objects.create(flow="push_orders", status="stopped", started_at=ago(1), notes=[said], error=said)
    Cause.objects.create(
        key="c", kind="erp_push", code="x", message=said, first_seen_at=ago(1), opened_at=ago(1), last_seen_at=ago(1)
    )
    Alert.objects.create(kind="new_cause", key="c", subject=said, facts={"message": said}, raised_at=ago(1))
    run = BulkRun.objects.create(action="hold", subject="order", parameters={"reason": said})
    BulkRow.objects.create(run=run, object_id=order.pk, label="1001", message=said)
    Export.objects.create(subject="order", format="csv", filters={"personal": True}, content=said.encode())
    LogEntry.objects.create(action_flag=2, object_repr="1001", change_message=said, user=User.objects.create())


class TestDeletionRequest:
    def test_covers_everything_that_was_written_about_the_consumer(self):
        order = ended(raw_order("1001"), days=1)
        noted_everywhere(order)
        call_command("forget", "--order", "1001")
        assert tables_with("olloway") == tables_with("Heron Lane") == set()
        assert Attempt.objects.get().message == "LingXing refused the order: Bad address for ***: ***"
        assert Export.objects.get().content is None
        assert "deleted" in Export.objects.get().error

    def test_what_was_known_by_an_earlier_payload_goes_too(self):
        raw = raw_order("1001")
        order = ended(raw, days=1)
        store(later(raw, shipping=raw["shipping"] | {"name": "Ina Weber"}))
        comment(order.pk, f"was {NAME} before", "lin")
        Order.objects.update(stage=Stage.INVOICED)
        call_command("forget", "--order", "1001")
        assert tables_with("olloway") == tables_with("Weber") == set()

    def test_removes_one_person_from_everything_and_nobody_else(self, capsys):
        raw = raw_order("1001")
        order = ended(raw, days=1)
        comment(order.pk, f"{NAME} called about the parcel", "lin")
        other = ended(raw_order("1002", shipping=raw["shipping"] | {"name": "Ina Weber", "address": ["1 Elm St"]}), 1)
        call_command("forget", "--person", "maren holloway")
        answer = json.loads(capsys.readouterr().out)
        assert (answer["orders"], answer["changed"]) == (["1001"], 1)
        assert tables_with("Holloway") == set()
        assert Order.objects.get(pk=other.pk).payload["shipping"]["name"] == "Ina Weber"
        texts = list(OrderEvent.objects.filter(order=order).order_by("id").values_list("text", "actor"))
        assert texts == [
            ("*** called about the parcel", "lin"),
            ("Names and addresses were removed on request.", "command forget"),
        ]

    def test_of_named_orders(self, capsys):
        ended(raw_order("1001"), days=1)
        call_command("forget", "--order", "1001")
        assert json.loads(capsys.readouterr().out)["changed"] == 1
        assert tables_with("Holloway") == set()

    def test_a_dry_run_only_says_which_orders_these_are(self, capsys):
        ended(raw_order("1001"), days=1)
        call_command("forget", "--person", NAME, "--dry-run")
        assert json.loads(capsys.readouterr().out) == {"orders": ["1001"], "still_open": []}
        assert Order.objects.get().personal_removed_at is None

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--order", "9999"], "Unknown orders: 9999"),
            (["--person", "ab"], "at least 4 characters"),
            (["--order", "1001"], "Still open"),
        ],
    )
    def test_what_cannot_be_done_is_said_and_changes_nothing(self, arguments, words):
        stored(raw_order("1001"))
        with pytest.raises(CommandError, match=words) as refused:
            call_command("forget", *arguments)
        assert refused.value.returncode == 2
        assert Order.objects.get().payload["shipping"]["name"] == NAME
