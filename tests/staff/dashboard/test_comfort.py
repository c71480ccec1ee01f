"""Words, search, empty lists, and pages that load nothing from elsewhere."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from config.empty_states import ADVICE, GOOD_NEWS
from integrations.deliveries.models import Delivery
from integrations.deliveries.states import State
from integrations.errors import ErrorKind
from integrations.flows import flow_definitions
from integrations.models import Flow, RunStatus
from orders import status_dictionary
from orders.models import ErpStatus, Order, Package, Stage
from orders.worklists import BY_NAME

from .conftest import as_user, staff

PAGES = [
    "/admin/", "/admin/words/", "/admin/preferences/", "/admin/orders/order/", "/admin/integrations/cause/",
    "/admin/integrations/flow/", "/admin/orders/erppush/", "/admin/inventory/skumapping/add/",
]  # fmt: skip
# What makes a browser fetch something: src, href of link, srcset, url() and imports in styles.
ASSET = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\bsrc(?:set)?=["']?(?:https?:)?//
    |<link\b[^>]*\bhref=["']?(?:https?:)?//|url\(\s*["']?(?:https?:)?//|@import\s+["'](?:https?:)?//""",
    re.VERBOSE | re.IGNORECASE,
)


class TestDictionary:
    @pytest.mark.parametrize(
        ("enum", "table"),
        [
            (State, status_dictionary.STATES), (Stage, status_dictionary.STAGES), (RunStatus, status_dictionary.RUNS),
            (ErrorKind, status_dictionary.ERRORS), (ErpStatus, status_dictionary.ERP_STATUSES),
        ],
    )  # fmt: skip
    def test_it_explains_every_member(self, enum: Any, table: Any) -> None:
        assert list(table) == list(enum)

    def test_it_shows_every_state_in_both_languages_whatever_the_users(self, browser: Any) -> None:
        for language in ("en", "zh-hans"):
            browser.cookies["django_language"] = language
            text = browser.get("/admin/words/").content.decode()
            for state in State:
                assert state.value in text
            assert "Needs attention" in text
            assert "待人工处理" in text
            assert "shipment_pending" in text
            assert "已取消/不发货" in text

    def test_every_reason_code_has_a_line(self, browser: Any) -> None:
        codes = {entry.code for chapter in status_dictionary.chapters() for entry in chapter.entries}
        assert {"held", "several_packages", "gave_up", "timeout", "unmapped_sku"} <= codes

    def test_everybody_on_the_staff_may_read_it(self, db: None, client: Any) -> None:
        assert as_user(staff("nobody")).get("/admin/words/").status_code == 200
        assert client.get("/admin/words/").status_code == 302


class TestQuickSearch:
    def test_one_order_is_opened_at_once_by_any_of_its_numbers(self, orders: list[Any], browser: Any) -> None:
        package = Package.objects.select_related("order").first()
        order = package.order
        page = reverse("admin:orders_order_change", args=[order.pk])
        for number in (order.dsco_order_id, order.po_number, f"  {package.tracking_number} ", package.wo_number):
            assert browser.get("/admin/find/", {"number": number}).headers["Location"] == page

    def test_several_orders_open_the_list(self, orders: list[Any], browser: Any) -> None:
        numbers = f"{orders[0].dsco_order_id} {orders[1].po_number}"
        reply = browser.get("/admin/find/", {"number": numbers}, follow=True)
        assert reply.context["cl"].result_count == 2

    def test_nothing_found_says_what_to_do(self, orders: list[Any], browser: Any) -> None:
        reply = browser.get("/admin/find/", {"number": "no-such-number"}, follow=True)
        assert reply.status_code == 200
        assert "Nothing matches" in reply.content.decode()

    def test_an_empty_search_opens_the_list(self, orders: list[Any], browser: Any) -> None:
        assert browser.get("/admin/find/").headers["Location"] == reverse("admin:orders_order_changelist")

    def test_who_may_not_see_orders_has_no_search(self, db: None) -> None:
        browser = as_user(staff("nobody"))
        assert 'id="ob-find"' not in browser.get("/admin/").content.decode()
        assert browser.get("/admin/find/", {"number": "1"}).status_code == 403

    def test_it_costs_few_queries(self, orders: list[Any], browser: Any, django_assert_max_num_queries: Any) -> None:
        with django_assert_max_num_queries(12):
            browser.get("/admin/find/", {"number": orders[0].dsco_order_id})

    def test_wild_text_does_no_harm(self, orders: list[Any], browser: Any) -> None:
        for text in ("%", "'; DROP TABLE orders_order", "<script>", "单号 " * 3000, "x\u2003y"):
            assert browser.get("/admin/find/", {"number": text}).status_code == 302
        assert Order.objects.count() == 60


class TestEmptyLists:
    def test_an_empty_list_says_why_and_what_to_do(self, browser: Any) -> None:
        assert "The flow “Pull orders from DSCO” brings them" in browser.get("/admin/orders/order/").content.decode()
        assert "Nothing is owed here yet" in browser.get("/admin/orders/shipment/").content.decode()

    def test_the_advice_names_models_that_exist(self) -> None:
        known = {model._meta.label for model in admin.site._registry}
        assert not set(ADVICE) - known

    def test_every_list_has_advice_of_its_own(self) -> None:
        lists = {model for model in admin.site._registry if not issubclass(model, Delivery)}
        never_empty = {"auth.User", "auth.Group", "integrations.Cause"}  # the inbox is a page of its own
        assert {model._meta.label for model in lists} - never_empty <= set(ADVICE)

    @pytest.mark.parametrize(
        ("address", "words"),
        [
            *((f"/admin/orders/order/?worklist={name}", GOOD_NEWS[name]) for name in BY_NAME),
            ("/admin/orders/erppush/?status__in=needs_attention%2Cfailed%2Cuncertain", "Nothing here needs a person."),
            ("/admin/orders/discrepancy/?state=open", "No difference is known."),
        ],
    )
    def test_what_is_empty_on_a_good_day_says_so_and_that_the_machine_runs(
        self, address: str, words: Any, browser: Any
    ) -> None:
        text = browser.get(address).text
        assert str(words) in text
        assert "has not run yet" in text
        for flow in flow_definitions():
            Flow.objects.create(name=flow.name, last_success_at=timezone.now() - timedelta(minutes=3))
        cache.clear()
        assert "3 minutes ago" in browser.get(address).text

    def test_the_differences_name_the_flow_that_finds_them(self, browser: Any) -> None:
        text = browser.get("/admin/orders/discrepancy/?state=open").text
        assert "“Compare with the vendors” has not run yet" in text

    def test_a_list_says_in_both_languages_how_many_it_has(self, orders: list[Any], browser: Any) -> None:
        assert f"{len(orders)} orders" in browser.get("/admin/orders/order/").text
        browser.cookies["django_language"] = "zh-hans"
        assert f"订单：共 {len(orders)} 条" in browser.get("/admin/orders/order/").text

    def test_a_filtered_list_offers_to_show_all(self, orders: list[Any], browser: Any) -> None:
        text = browser.get("/admin/orders/order/?q=nothing-of-the-kind").content.decode()
        assert "Nothing matches" in text
        assert "Show all" in text


@pytest.mark.usefixtures("seeded")
class TestNothingFromElsewhere:
    @pytest.mark.parametrize("path", PAGES)
    def test_pages_load_nothing_from_the_internet(self, orders: list[Any], browser: Any, path: str) -> None:
        text = browser.get(path).content.decode()
        assert not ASSET.search(text)

    def test_nor_do_our_scripts_and_styles(self) -> None:
        for file in Path(settings.BASE_DIR, "static", "orderbridge").iterdir():
            if file.suffix in (".css", ".js"):
                text = file.read_text()
                assert not re.search(r"https?://|[\"'(]//\w", text), file.name

    @pytest.mark.parametrize("path", PAGES)
    def test_our_templates_have_no_inline_script(self, path: str) -> None:
        for file in Path(settings.BASE_DIR, "templates").rglob("*.html"):
            assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=\"", file.read_text()), file.name


class TestKeysHelp:
    def test_it_is_on_every_page_and_lists_where_the_user_may_go(self, db: None, browser: Any) -> None:
        for path in ("/admin/", "/admin/orders/order/"):
            text = browser.get(path).content.decode()
            assert 'data-go-o="/admin/orders/order/"' in text
            assert 'data-go-f="/admin/integrations/flow/"' in text
        text = as_user(staff("nobody")).get("/admin/").content.decode()
        assert "data-go-d" in text
        assert "data-go-o" not in text
