"""Every page of the admin opens, in both languages, with few queries, and never shows a secret."""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ, Task

from config.models import FailedLogin
from integrations.api.tokens import create_token
from integrations.bulk import carry_out, prepare
from integrations.deliveries.states import State
from integrations.flows.schedules import ensure_schedules
from integrations.models import Export, RateLimit, ShadowCall, Slot, VendorOutage
from integrations.stopping import end_stop, stop_vendor
from orders.models import ErpPush
from tests.staff.people import kept

import_module("config.urls")  # registers the pages
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
# In Chinese a page asks the database nothing else.
LANGUAGES = ["en", pytest.param("zh-hans", marks=pytest.mark.any_database)]
# The most queries a page may need, whatever the number of rows.
MOST_QUERIES_LIST = 22
MOST_QUERIES_RECORD = 34


def name(model: Any) -> str:
    return f"admin:{model._meta.app_label}_{model._meta.model_name}"


@pytest.fixture(scope="class")
def everything(seeded: None, django_db_blocker: Any) -> Iterator[None]:
    """A record of every model, and the sixty orders."""
    with kept(django_db_blocker, _one_of_each):
        yield


def _one_of_each() -> None:
    clerk = User.objects.create_superuser("clerk")
    ensure_schedules()
    carry_out(prepare("retry", "erp_push", ErpPush.objects.exclude(status=State.FAILED), {}, clerk).pk)
    Export.objects.create(subject="order", format="csv", created_by=clerk)
    Group.objects.create(name="Customer service")
    create_token("warehouse screen", clerk, ["read"], 30)
    OrmQ.objects.create(key="orderbridge", payload="")
    FailedLogin.objects.create(username="mei", ip_address="203.0.113.5", user_agent="x", failures_since_start=5)
    now = timezone.now()
    end_stop(stop_vendor("dsco", "wrong prices", "mei").pk, "prices are right", "mei")
    VendorOutage.objects.create(vendor="dsco", began_at=now, last_failure_at=now, opened_at=now, ended_at=now)
    push = ErpPush.objects.order_by("pk")[0]
    ShadowCall.objects.create(kind="erp_push", delivery_id=push.pk, key=push.key, vendor="lingxing", made_at=now)
    for number, success in enumerate((True, False)):
        Task.objects.create(id=f"{number:032}", name=f"task {number}", func="f", started=now, stopped=now,
                            success=success, attempt_count=1)  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
class TestEveryModel:
    def test_its_list_opens(
        self, model: Any, language: str, everything: None, browser: Any, django_assert_max_num_queries: Any
    ) -> None:
        browser.cookies["django_language"] = language
        with django_assert_max_num_queries(MOST_QUERIES_LIST):
            page = browser.get(reverse(f"{name(model)}_changelist"))
        assert page.status_code == 200
        assert b"SECRET-" not in page.content

    def test_its_record_opens(
        self,
        model: Any,
        language: str,
        everything: None,
        boss: User,
        browser: Any,
        django_assert_max_num_queries: Any,
    ) -> None:
        if model is OrmQ:
            pytest.skip("a queued job is a signed payload of the queue")
        browser.cookies["django_language"] = language
        record = admin.site.get_model_admin(model).get_queryset(_request(boss)).first()
        assert record is not None
        with django_assert_max_num_queries(MOST_QUERIES_RECORD):
            page = browser.get(reverse(f"{name(model)}_change", args=[record.pk]))
        assert page.status_code == 200
        assert b"SECRET-" not in page.content

    def test_its_add_page_opens_or_is_closed(self, model: Any, language: str, everything: None, browser: Any) -> None:
        browser.cookies["django_language"] = language
        page = browser.get(reverse(f"{name(model)}_add"))
        may_add = admin.site.get_model_admin(model).has_add_permission(page.wsgi_request)
        assert page.status_code == (200 if may_add else 403)


def _request(user: User) -> Any:
    from django.test import RequestFactory

    request = RequestFactory().get("/")
    request.resolver_match = None
    request.user = user
    return request


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_start_page_counts_what_needs_a_person(
    language: str, everything: None, browser: Any, django_assert_max_num_queries: Any
) -> None:
    browser.cookies["django_language"] = language
    with django_assert_max_num_queries(26):
        page = browser.get(reverse("admin:index"))
    assert page.status_code == 200
    assert sum(step["problems"] for step in page.context["steps"]) > 0


def test_the_start_page_says_when_nothing_has_run(browser: Any) -> None:
    page = browser.get(reverse("admin:index"))
    assert "Nothing has run yet" in page.text


def test_pages_need_no_more_queries_for_more_rows(browser: Any, django_assert_max_num_queries: Any) -> None:
    from .seed import seed

    seed(200)
    for list_name in ("orders_order", "orders_erppush", "orders_shipment", "orders_package", "orders_erporder"):
        with django_assert_max_num_queries(MOST_QUERIES_LIST):
            assert browser.get(reverse(f"admin:{list_name}_changelist")).status_code == 200
        with django_assert_max_num_queries(MOST_QUERIES_LIST):
            assert browser.get(reverse(f"admin:{list_name}_changelist"), {"p": "2"}).status_code == 200


@pytest.mark.usefixtures("seeded")
class TestFilters:
    @pytest.mark.parametrize(
        "filters",
        [
            {"problem": "any"}, {"problem": "failed"}, {"problem": "shipment"}, {"due": "ship:late"},
            {"due": "ship:4h"}, {"due": "acknowledge:4h"}, {"worklist": "ship_today"}, {"worklist": "at_risk"},
            {"stage__exact": "in_erp"}, {"retailer": "1000012345"}, {"mark": "held"},
            {"mark": "cancel"}, {"mark": "unreadable"}, {"mark": "test"}, {"seen": "today"}, {"seen": "24h"},
        ],
        ids=str,
    )  # fmt: skip
    def test_every_filter_of_the_order_list_works(
        self, filters: dict[str, str], orders: list[Any], browser: Any
    ) -> None:
        page = browser.get(reverse("admin:orders_order_changelist"), filters)
        assert page.status_code == 200
        if filters != {"mark": "unreadable"}:
            assert 0 < page.context["cl"].result_count < len(orders) or filters.get("seen")

    @pytest.mark.parametrize(
        "filters",
        [{"status__exact": ["failed", "needs_attention"]}, {"error_kind": "rejected"}, {"code": "unmapped_sku"},
         {"attempted": "24h"}, {"status__in": "failed,needs_attention,uncertain"}],
        ids=str,
    )  # fmt: skip
    def test_every_filter_of_a_delivery_list_works(
        self, filters: dict[str, Any], orders: list[Any], browser: Any
    ) -> None:
        page = browser.get(reverse("admin:orders_erppush_changelist"), filters)
        assert page.status_code == 200
        assert 0 < page.context["cl"].result_count < len(orders)


@pytest.mark.parametrize(
    ("name", "code", "chinese"),
    [
        ("apicall", "create_orders", "创建订单"), ("batchsize", "lingxing:create_orders", "领星 · 创建订单"),
        ("slot", "lingxing:/pb/mp/order/v2/list", "领星 · 读取订单"),
        ("ratelimit", "dsco:get_order", "DSCO · 读取单个订单"),
    ],
)  # fmt: skip
def test_operations_are_told_in_words_with_their_code_in_the_tooltip(
    name: str, code: str, chinese: str, browser: Any, orders: Any
) -> None:
    Slot.objects.create(name="lingxing:/pb/mp/order/v2/list", position=1)
    RateLimit.objects.create(name="dsco:get_order", reserved_until=1)
    browser.cookies["django_language"] = "zh-hans"
    page = browser.get(f"/admin/integrations/{name}/").content.decode()
    assert f'<span title="{code}">{chinese}</span>' in page


def test_a_slot_is_free_as_soon_as_it_is_given_back(browser: Any) -> None:
    list_address = "/admin/integrations/slot/"
    slot = Slot.objects.create(name="lingxing:/pb/mp/order/v2/list", position=0, token="t", held_until=0)
    assert ">free<" in browser.get(list_address).text
    Slot.objects.filter(pk=slot.pk).update(held_until=time.time() + 60, holder="worker")
    assert ">free<" not in browser.get(list_address).text
