"""Pages of records say in words what the vendors' codes and numbers mean, with times and amounts as on every page."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from config.empty_states import ADVICE
from integrations.admin import words
from integrations.admin.people import ability_of
from integrations.flows import flow_definitions
from integrations.models import (
    ApiCall,
    Attempt,
    BatchSize,
    Export,
    FlowRun,
    Heartbeat,
    LingXingEntry,
    RateLimit,
    Slot,
    VendorToken,
)
from inventory.models import StockLevel
from orders.models import Cancellation, ErpOrder, ErpPush, Package, RetailerPolicy

pytestmark = pytest.mark.django_db


def text_of(browser: Any, record: Any) -> str:
    meta = record._meta
    text: str = browser.get(reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[record.pk])).text
    return text


@pytest.fixture
def call(db: None) -> ApiCall:
    run = FlowRun.objects.create(flow="push_orders", status="succeeded", started_at=timezone.now())
    return ApiCall.objects.create(
        vendor="lingxing", operation="create_orders", method="POST", path="/create", status=200, duration_ms=8,
        started_at=timezone.now(),
        flow_run=run,
    )  # fmt: skip


def test_a_delivery_says_what_its_calls_were_for(browser: Any, orders: Any, call: ApiCall) -> None:
    push = ErpPush.objects.order_by("pk")[0]
    Attempt.objects.create(
        kind="erp_push", delivery_id=push.pk, action="send", outcome="succeeded", api_call=call,
        started_at=timezone.now(), duration_ms=8,
    )  # fmt: skip
    page = text_of(browser, push)
    assert "Creating orders · 200" in page
    assert "create_orders 200" not in page


def test_a_run_says_what_its_calls_were_for(browser: Any, call: ApiCall) -> None:
    assert '<span title="create_orders">Creating orders</span>' in text_of(browser, call.flow_run)


@pytest.mark.parametrize(
    ("model", "values", "title"),
    [
        (BatchSize, {"name": "lingxing:create_orders", "size": 20}, "LingXing · Creating orders"),
        (RateLimit, {"name": "dsco:get_order", "reserved_until": 1}, "DSCO · Reading an order"),
        (Slot, {"name": "lingxing:/pb/mp/order/v2/list", "position": 1}, "LingXing · Reading orders"),
    ],
)
def test_a_limit_is_called_by_what_it_is_for(model: Any, values: dict[str, Any], title: str, browser: Any) -> None:
    page = text_of(browser, model.objects.create(**values))
    head = page[page.index("<title>") + len("<title>") : page.index("</title>")]
    assert head.strip().startswith(title)


def test_only_a_page_with_a_history_offers_one(browser: Any) -> None:
    beat = Heartbeat.objects.create(worker="m1", seen_at=timezone.now())
    token = VendorToken.objects.create(vendor="dsco")
    assert "/history/" not in text_of(browser, beat)
    assert "/history/" in text_of(browser, token)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_djangos_own_fields_write_times_as_every_page_does(language: str, browser: Any) -> None:
    at = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    level = StockLevel.objects.create(wid="50", erp_sku="LX-A", available=1, read_at=at)
    browser.cookies["django_language"] = language
    page = text_of(browser, level)
    assert f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S}" in page


def test_a_package_and_an_erp_order_say_what_lingxings_numbers_mean(browser: Any, orders: Any) -> None:
    package = Package.objects.order_by("pk")[0]
    Package.objects.filter(pk=package.pk).update(status=3)
    assert "3 Shipped" in text_of(browser, package)
    erp_order = ErpOrder.objects.order_by("pk")[0]
    ErpOrder.objects.filter(pk=erp_order.pk).update(split_type=3)
    assert "a part of a split order" in text_of(browser, erp_order)


def test_a_cancellation_shows_its_lines_and_no_json(browser: Any, orders: Any) -> None:
    order = orders[0]
    line = order.lines.order_by("position")[0]
    lines = [{"position": line.position, "quantity": 1}]
    row = Cancellation.objects.create(order=order, action="dsco", key="c:words", status="succeeded", lines=lines)
    page = text_of(browser, row)
    assert line.sku in page
    assert "position" not in page[page.index("Lines") :]


@pytest.mark.parametrize(
    ("amount", "shown"), [("62.3500", "62.35"), ("100.0000", "100.00"), ("0.1250", "0.125"), ("7", "7.00")]
)
def test_amounts_have_cents_and_no_empty_places(amount: str, shown: str) -> None:
    assert words.amount(Decimal(amount)) == shown


def test_lingxings_lists_say_what_a_type_is(browser: Any) -> None:
    at = timezone.now()
    LingXingEntry.objects.create(list="warehouses", code="50", name="Newark", kind=3, read_at=at)
    LingXingEntry.objects.create(list="logistics_types", code="8", name="Ground", kind=0, read_at=at)
    page = browser.get(reverse("admin:integrations_lingxingentry_changelist")).text
    assert "overseas warehouse" in page
    assert "2 entries of LingXing&#x27;s lists" in page


def test_what_a_role_may_reads_as_one_sentence(db: None) -> None:
    assert ability_of(Permission.objects.get(codename="comment_order")) == "comment on orders"


def test_labels_of_a_policy_begin_with_a_capital(browser: Any) -> None:
    form = browser.get(reverse("admin:orders_retailerpolicy_add")).context["adminform"].form
    labels = [str(field.label) for field in form.fields.values()]
    assert [label for label in labels if label[:1].islower()] == []


def test_the_head_of_the_emergency_stop_begins_with_capitals(browser: Any) -> None:
    page = browser.get(reverse("admin:integrations_vendorstop_stop", args=["dsco"])).text
    for head in ("Step", "Waits for the end of the stop", "Due", "Under way"):
        assert f">{head}</th>" in page


def test_a_policys_modes_are_one_word_in_the_list(browser: Any) -> None:
    RetailerPolicy.objects.create(retailer_id="R1", invoice_mode="shadow")
    address = reverse("admin:orders_retailerpolicy_changelist")
    assert ">Shadow<" in browser.get(address).text
    browser.cookies["django_language"] = "zh-hans"
    page = browser.get(address).text
    assert ">影子<" in page or ">影子模式<" in page
    assert "计算" not in page[page.index('id="result_list"') :]


def test_an_export_leads_to_the_list_with_its_filters(browser: Any) -> None:
    browser.post(reverse("admin:orders_order_export") + "?worklist=failed", {"format": "csv"})
    page = text_of(browser, Export.objects.get())
    assert "/admin/orders/order/?worklist=failed" in page
    assert ">worklist=failed<" not in page


def test_empty_lists_call_a_flow_by_its_name() -> None:
    named = {part.partition("”")[0] for text in ADVICE.values() for part in str(text).split("flow “")[1:]}
    assert named <= {str(definition.label) for definition in flow_definitions()}
