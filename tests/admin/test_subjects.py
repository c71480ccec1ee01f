"""Pages call a delivery by what it is for, never by its idempotency key or its row's number alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from integrations.admin.kinds import delivery_models, delivery_subjects
from integrations.deliveries.models import subject_of
from integrations.models import ApiCall, Attempt, FlowRun
from inventory.models import StockUpdate
from orders.models import ErpPush

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded", "orders")]


@pytest.mark.parametrize(
    ("key", "subject"),
    [
        ("erp_push:1190000001", "1190000001"),
        ("cancellation:1190000001:erp", "1190000001"),
        ("stock:HP-LAMP-01:7:20261121T120000", "HP-LAMP-01"),
        ("without a kind", "without a kind"),
    ],
)
def test_the_key_says_what_it_is_for(key: str, subject: str) -> None:
    assert subject_of(key) == subject


def test_subjects_of_all_kinds_are_one_query(django_assert_num_queries: Any) -> None:
    push, update = ErpPush.objects.order_by("pk")[0], StockUpdate.objects.order_by("pk")[0]
    with django_assert_num_queries(1):
        found = delivery_subjects([("erp_push", push.pk), (StockUpdate.KIND, update.pk), ("erp_push", 987_654)])
    assert found == {("erp_push", push.pk): "1190000000", (StockUpdate.KIND, update.pk): "HP-LAMP-01"}
    with django_assert_num_queries(0):
        assert delivery_subjects([]) == {}


def test_no_page_about_deliveries_shows_a_key_as_a_title(browser: Any) -> None:
    for kind, model in delivery_models().items():
        row = model._default_manager.order_by("pk").first()
        if row is not None:
            page = browser.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk]))
            head = page.text[: page.text.index("ob-sections")]
            assert row.page_title in head
            assert f"{kind}:" not in head


def test_attempts_calls_and_runs_name_the_order(browser: Any) -> None:
    attempt = Attempt.objects.order_by("-pk")[0]
    order = ErpPush.objects.get(pk=attempt.delivery_id).order.dsco_order_id
    link = reverse("admin:orders_erppush_change", args=[attempt.delivery_id])
    assert attempt.api_call is not None
    for address in (
        reverse("admin:integrations_attempt_changelist"),
        reverse("admin:integrations_attempt_change", args=[attempt.pk]),
        reverse("admin:integrations_apicall_change", args=[attempt.api_call.pk]),
    ):
        assert f'href="{link}">{order}</a>' in browser.get(address).text
    assert ApiCall.objects.count() > 0
    run = FlowRun.objects.get(flow="push_orders")
    went_wrong = Attempt.objects.filter(outcome__in=["failed", "needs_attention"], started_at__gte=run.started_at)[0]
    number = ErpPush.objects.get(pk=went_wrong.delivery_id).order.dsco_order_id
    assert number in browser.get(reverse("admin:integrations_flowrun_change", args=[run.pk])).text


def test_the_audit_trail_names_the_order(browser: Any) -> None:
    push = ErpPush.objects.filter(status="failed").order_by("pk")[0]
    browser.post(
        reverse("admin:orders_erppush_changelist"),
        {"action": "retry_now", "_selected_action": push.pk, "next": "/admin/"},
    )
    text = browser.get("/admin/audit/").text
    assert f">{push.order.dsco_order_id}</a>" in text
    assert push.key not in text
