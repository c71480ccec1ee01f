"""A worker's sentences reach every reader in the reader's language: on the pages, in files, in alerts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from integrations.alerts import sources  # noqa: F401 - announces what is worth telling
from integrations.alerts.book import evaluate
from integrations.alerts.sending import send_due
from integrations.bulk import carry_out, prepare
from integrations.deliveries.kinds import delivery_kinds
from integrations.flows import run_flow
from integrations.lingxing.lists import read_lists
from integrations.models import (
    AlertKind,
    AlertRule,
    Attempt,
    BulkRow,
    Cause,
    Export,
    Flow,
    FlowRun,
    LingXingList,
    StaffPreference,
)
from integrations.sandbox.faults import Fault
from integrations.sentences import Sentence, told
from inventory.models import SkuMapping
from orders.models import (
    Acknowledgement,
    Cancellation,
    ErpPush,
    Invoice,
    InvoiceTiming,
    Order,
    OrderEvent,
    RetailerPolicy,
    Shipment,
)
from orders.rereading import reread_from_dsco, reread_from_lingxing
from orders.staff_cancellations import cancel_lines
from tests.orders.journeys import acknowledged, line, place, pushed, run
from tests.staff.people import as_user

CHINESE = re.compile(r"[\u4e00-\u9fff]")
# What the sandbox's vendors say themselves.
VENDORS_WORDS = ("Invoice window closed",)
COLUMNS: tuple[tuple[Any, str], ...] = (
    (Attempt, "message"), (FlowRun, "error"), (Cause, "message"), (OrderEvent, "text"), (Order, "problem"),
    (BulkRow, "message"), (Export, "error"), (AlertRule, "last_error"), (LingXingList, "error"),
)  # fmt: skip


@pytest.fixture(params=["en", "zh-hans"])
def worker(request: Any, settings: Any) -> Iterator[str]:
    """Workers speak DJANGO_LANGUAGE; nothing that they store may depend on it."""
    settings.LANGUAGE_CODE = request.param
    with translation.override(request.param):
        yield request.param


def reader(language: str) -> Client:
    user = User.objects.create_superuser(f"reader-{language}")
    StaffPreference.objects.create(user=user, language=language)
    return as_user(user)


def troubles(sandbox: Any) -> dict[str, Any]:
    """Bring one delivery of each kind of an order into a trouble of its own; return them."""
    two = acknowledged(sandbox, line("LAMP", 3))
    sandbox.lingxing.ship(
        two, [{"lines": {"LX-LAMP": 2}, "tracking": "T-1"}, {"lines": {"LX-LAMP": 1}, "tracking": "T-2"}]
    )
    unwanted = acknowledged(sandbox, line("LAMP", 1), retailer_id="1000041002")
    sandbox.lingxing.ship(unwanted, [{"lines": {"LX-LAMP": 1}, "tracking": "T-3"}])
    run("report_shipments")
    gone = pushed(sandbox, line("LAMP", 1))
    sandbox.lingxing.cancel(gone)
    run("acknowledge_orders")
    unmapped = place(sandbox, line("RUG", 1))
    asking = place(sandbox, line("LAMP", 1))
    broken = place(sandbox, line("LAMP", 1))
    sandbox.dsco.orders[broken]["lineItems"][0]["quantity"] = "many"
    run("pull_orders")
    SkuMapping.objects.filter(dsco_sku="RUG").delete()
    RetailerPolicy.objects.create(
        retailer_id=Order.objects.get(dsco_order_id=asking).retailer_id, accept_cancel_requests=False,
        invoice_timing=InvoiceTiming.NEVER,
    )  # fmt: skip
    sandbox.dsco.request_cancel(asking)
    reread_from_dsco(Order.objects.get(dsco_order_id=asking), "anna")
    for flow in ("push_orders", "apply_cancellations", "report_invoices"):
        run(flow)
    sandbox.faults.add(Fault("dsco", "get_orders", "error_before", times=0, status=503))
    run_flow("pull_orders")
    Flow.objects.filter(name="pull_orders").update(paused=True, cursor={})
    run_flow("sync_inventory")
    return {
        "erp_push": ErpPush.objects.get(order__dsco_order_id=unmapped),
        "acknowledgement": Acknowledgement.objects.get(order__dsco_order_id=gone),
        "shipment": Shipment.objects.get(order__dsco_order_id=two),
        "invoice": Invoice.objects.get(order__dsco_order_id=unwanted),
        "cancellation": Cancellation.objects.get(order__dsco_order_id=asking),
        "unreadable": ErpPush.objects.get(order__dsco_order_id=broken),
    }


def every_stored_sentence() -> list[tuple[str, str]]:
    """Return all texts of ours in the database with where they stand."""
    columns = [*COLUMNS, *((kind.model, "last_error") for kind in delivery_kinds().values())]
    found = [
        (f"{model.__name__}.{name}", text)
        for model, name in columns
        for text in model._default_manager.exclude(**{name: ""}).values_list(name, flat=True)
    ]
    found += [("FlowRun.notes", note) for notes in FlowRun.objects.values_list("notes", flat=True) for note in notes]
    return found


def seen(answer: Any) -> str:
    """Return what a page shows, blanks made equal."""
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", unescape(answer.text))


def assert_told_to_both(address: str, text: str, readers: dict[str, Client]) -> None:
    """A Chinese reader sees the sentence in Chinese and not in English, an English one the other way round."""
    with translation.override("zh-hans"):
        chinese = told(text)
    in_chinese, in_english = (seen(readers[language].get(address)) for language in ("zh-hans", "en"))
    assert chinese != text
    assert chinese[:40] in in_chinese
    assert text[:60] not in in_chinese
    assert text[:60] in in_english
    assert chinese[:40] not in in_english


def test_every_sentence_of_a_journey_with_troubles_can_be_told(sandbox: Any, worker: str) -> None:
    rows = troubles(sandbox)
    assert all(rows[kind].last_error for kind in rows)
    for where, text in every_stored_sentence():
        if any(words in text for words in VENDORS_WORDS):
            continue
        assert isinstance(text, Sentence), f"{where} holds a plain text: {text}"
        assert not CHINESE.search(text.replace("映射", "")), f"{where} is not in English: {text}"
        with translation.override("zh-hans"):
            assert CHINESE.search(told(text)), f"not in the Chinese catalogue: {text}"


def test_what_a_person_reads_again_and_what_lists_cannot_be_read_is_told_to_all(sandbox: Any, worker: str) -> None:
    order_id = acknowledged(sandbox, line("LAMP", 2))
    sandbox.lingxing.ship(order_id)
    order = Order.objects.get(dsco_order_id=order_id)
    reread_from_lingxing(order, "anna")
    sandbox.lingxing.delete_outbound(sandbox.lingxing.outbound_of(order_id)[0]["wo_number"])
    sandbox.lingxing.delete(order_id)
    reread_from_lingxing(order, "anna")
    sandbox.faults.add(Fault("lingxing", "*", "error_before", times=0, status=503))
    read_lists()
    texts = [text for where, text in every_stored_sentence() if where in ("OrderEvent.text", "LingXingList.error")]
    assert len(texts) > 3
    for text in texts:
        assert isinstance(text, Sentence), text
        assert not CHINESE.search(text), text
        with translation.override("zh-hans"):
            assert "outbound order" not in told(text).lower(), told(text)
            assert "deleted" not in told(text).lower(), told(text)


def test_every_message_is_marked_by_a_name_that_the_catalogue_collects() -> None:
    root = Path(__file__).parents[3]
    aliases = {
        (file.name, alias)
        for package in ("config", "integrations", "inventory", "orders")
        for file in (root / package).rglob("*.py")
        for alias in re.findall(r"\bn?p?gettext(?:_lazy)? as (\w+)", file.read_text(encoding="utf-8"))
    }
    assert {alias for _file, alias in aliases} == {"_"}, aliases


@pytest.mark.any_database  # the sentences themselves come from each database in the tests around this one
def test_pages_tell_each_reader_in_his_language(sandbox: Any, worker: str) -> None:
    rows = troubles(sandbox)
    readers = {language: reader(language) for language in ("en", "zh-hans")}
    for kind in ("erp_push", "acknowledgement", "shipment", "invoice", "cancellation"):
        row = rows[kind]
        model = row._meta.model_name
        assert_told_to_both(reverse(f"admin:orders_{model}_change", args=[row.pk]), row.last_error, readers)
        assert_told_to_both(reverse("admin:orders_order_change", args=[row.order_id]), row.last_error, readers)
    inbox = reverse("admin:integrations_cause_changelist")
    for kind in ("erp_push", "acknowledgement", "shipment", "cancellation"):
        cause = Cause.objects.get(key=type(rows[kind])._default_manager.get(pk=rows[kind].pk).cause)
        assert_told_to_both(reverse("admin:integrations_cause_change", args=[cause.pk]), cause.message, readers)
        assert_told_to_both(inbox, cause.message, readers)
    for name in ("pull_orders", "sync_inventory"):
        failed = FlowRun.objects.filter(flow=name).exclude(error="").latest("pk")
        assert_told_to_both(reverse("admin:integrations_flowrun_change", args=[failed.pk]), failed.error, readers)
    attempt = Attempt.objects.filter(kind="erp_push").exclude(message="").latest("pk")
    assert_told_to_both(reverse("admin:integrations_attempt_change", args=[attempt.pk]), attempt.message, readers)
    order = rows["unreadable"].order
    assert_told_to_both(reverse("admin:orders_order_change", args=[order.pk]), order.problem, readers)


def test_results_of_bulk_runs_are_told_to_whoever_opens_them(sandbox: Any, worker: str) -> None:
    order_id = pushed(sandbox, line("LAMP", 1))
    order = Order.objects.get(dsco_order_id=order_id)
    readers = {language: reader(language) for language in ("en", "zh-hans")}
    chief = User.objects.get(username="reader-en")
    cancel_lines(order.pk, {0: 1}, "CXSS", "broken", "anna")
    cancelling = {"reason": "no stock", "cancel_code": "CXSS"}
    again = prepare("cancel", "order", Order.objects.filter(pk=order.pk), cancelling, chief)
    frozen = prepare("release", "order", Order.objects.filter(pk=order.pk), {}, chief)
    for run_ in (again, frozen):
        carry_out(run_.pk)
        message = BulkRow.objects.get(run=run_).message
        assert isinstance(message, Sentence)
        with translation.override("zh-hans"):
            chinese = told(message)
        address = reverse("admin:integrations_bulkrun_result", args=[run_.pk])
        files = {language: readers[language].get(address).getvalue().decode() for language in readers}
        assert chinese in files["zh-hans"]
        assert message in files["en"]
        assert_told_to_both(reverse("admin:integrations_bulkrun_change", args=[run_.pk]), message, readers)
    event = OrderEvent.objects.latest("pk")
    assert event.text == "Cancelled 1 × LAMP with code CXSS. broken"
    assert_told_to_both(reverse("admin:orders_order_change", args=[order.pk]), event.text, readers)


def test_alerts_are_sent_in_the_language_of_each_rule(sandbox: Any, worker: str, clock: Any) -> None:
    rows = troubles(sandbox)
    for language in ("en", "zh-hans"):
        AlertRule.objects.create(
            name=language, target=f"{language}@example.com", kinds=[AlertKind.NEW_CAUSE], language=language
        )
    evaluate(timezone.now())
    assert send_due(timezone.now()) == 2
    sent = {message.to[0].partition("@")[0]: str(message.body) for message in mail.outbox}
    cause = Cause.objects.get(key=ErpPush.objects.get(pk=rows["erp_push"].pk).cause)
    with translation.override("zh-hans"):
        chinese = told(cause.message)
    assert cause.message[:30] in sent["en"]
    assert chinese[:20] in sent["zh-hans"]
    assert cause.message[:30] not in sent["zh-hans"]


def test_causes_are_the_same_whatever_the_workers_speak(sandbox: Any, settings: Any) -> None:
    first = place(sandbox, line("RUG", 1))
    second = place(sandbox, line("RUG", 1))
    acknowledged(sandbox, line("LAMP", 1))
    ErpPush.objects.filter(order__dsco_order_id__in=[first, second]).update(status="due", due_at=timezone.now())
    SkuMapping.objects.filter(dsco_sku="RUG").delete()
    keys = set()
    for language, order_id in (("en", first), ("zh-hans", second)):
        with translation.override(language):
            run_flow("push_orders", order_ids=(order_id,))
        keys.add(ErpPush.objects.get(order__dsco_order_id=order_id).cause)
    assert len(keys) == 1


def test_a_new_rule_speaks_the_systems_language(db: None, settings: Any) -> None:
    settings.LANGUAGE_CODE = "zh-hans"
    assert AlertRule().language == "zh-hans"
