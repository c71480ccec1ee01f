"""The order list: tabs with counts, pasted numbers, what was not found, time left; few queries, always by an index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from integrations.deliveries.states import State
from orders import worklists
from orders.finding import find
from orders.models import OPEN_STAGES, ErpPush, Order, Shipment, Stage
from tests.million.rows import seed as seed_many
from tests.staff.people import kept

from .conftest import as_user, staff

LIST = "admin:orders_order_changelist"


@pytest.fixture(autouse=True)
def _no_cached_counts() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def shown(page: Any) -> list[Order]:
    return list(page.context["cl"].result_list)


def listed(name: str) -> set[int]:
    return set(worklists.BY_NAME[name].orders().values_list("pk", flat=True))


@pytest.mark.usefixtures("seeded")
class TestWorklists:
    def test_they_are_the_daily_questions(self) -> None:
        assert list(worklists.BY_NAME) == [
            "to_push", "to_acknowledge", "ship_today", "several_packages", "at_risk", "failed", "cancel_requests",
            "gave_up",
        ]  # fmt: skip

    def test_to_push_and_to_acknowledge(self, orders: list[Order]) -> None:
        assert listed("to_push") == set(
            Order.objects.filter(stage="received", erp_push__status__in=["waiting", "due", "uncertain"]).values_list(
                "pk", flat=True
            )
        )
        assert listed("to_acknowledge") == set(Order.objects.filter(stage="in_erp").values_list("pk", flat=True))
        assert listed("to_push")
        assert listed("to_acknowledge")

    def test_to_ship_today_has_late_ones_too_but_no_shipped_ones(self, orders: list[Order]) -> None:
        late, shipped, tomorrow = (Order.objects.filter(stage="in_erp")[0], Order.objects.filter(stage="shipped")[0],
                                   Order.objects.filter(stage="in_erp")[1])  # fmt: skip
        Order.objects.update(ship_by=timezone.now() + timedelta(days=30))
        Order.objects.filter(pk__in=[late.pk, shipped.pk]).update(ship_by=timezone.now() - timedelta(hours=3))
        Order.objects.filter(pk=tomorrow.pk).update(ship_by=timezone.now() + timedelta(hours=25))
        assert listed("ship_today") == {late.pk}

    @pytest.mark.parametrize(
        ("column", "stage"),
        [("acknowledge_by", "in_erp"), ("ship_by", "in_erp"), ("cancel_after", "in_erp"), ("invoice_by", "shipped")],
    )
    def test_at_risk_knows_every_deadline(self, orders: list[Order], column: str, stage: str) -> None:
        Order.objects.update(acknowledge_by=None, ship_by=None, invoice_by=None, cancel_after=None)
        soon, far, done = (Order.objects.filter(stage=stage)[0], Order.objects.filter(stage=stage)[1],
                           Order.objects.filter(stage="invoiced")[0])  # fmt: skip
        Order.objects.filter(pk__in=[soon.pk, done.pk]).update(**{column: timezone.now() + timedelta(hours=3)})
        Order.objects.filter(pk=far.pk).update(**{column: timezone.now() + timedelta(hours=5)})
        assert listed("at_risk") == {soon.pk}

    def test_nobody_is_late_with_a_step_that_the_policy_leaves_out(self, orders: list[Order], browser: Any) -> None:
        order = Order.objects.filter(stage="in_erp")[0]
        Order.objects.update(acknowledge_by=None, ship_by=None, invoice_by=None, cancel_after=None)
        Order.objects.filter(pk=order.pk).update(ship_by=timezone.now() - timedelta(hours=1))
        Shipment.objects.filter(order=order).update(status=State.WAITING, reason_code="policy_off")
        assert order.pk not in listed("at_risk") | listed("ship_today")
        assert "ship by</span>" not in browser.get(reverse(LIST), {"q": order.dsco_order_id}).text
        Shipment.objects.filter(order=order).update(reason_code="waiting_for_warehouse")
        assert order.pk in listed("at_risk") & listed("ship_today")
        assert "ship by</span>" in browser.get(reverse(LIST), {"q": order.dsco_order_id}).text

    def test_failed_and_gave_up_are_told_apart(self, orders: list[Order]) -> None:
        push = ErpPush.objects.filter(status=State.FAILED).order_by("pk")[0]
        assert push.order_id in listed("failed")
        ErpPush.objects.filter(pk=push.pk).update(reason_code="gave_up")
        assert push.order_id in listed("gave_up")
        assert push.order_id not in listed("failed")

    def test_several_packages_and_cancel_requests(self, orders: list[Order]) -> None:
        chosen = Shipment.objects.filter(status=State.NEEDS_ATTENTION, reason_code="several_packages")
        assert listed("several_packages") == set(chosen.values_list("order_id", flat=True))
        assert listed("several_packages")
        open_ones = Order.objects.filter(cancel_requested=True, stage__in=["received", "in_erp", "acknowledged"])
        assert listed("cancel_requests") == set(open_ones.values_list("pk", flat=True))

    def test_counts_agree_with_the_lists_in_one_query_and_are_kept(
        self, orders: list[Order], django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(1):
            counts = worklists.counts()
            worklists.counts()
        assert counts == {name: len(listed(name)) for name in worklists.BY_NAME}

    def test_counts_stop_at_a_thousand(self, orders: list[Order]) -> None:
        now = timezone.now()
        Order.objects.bulk_create(
            Order(dsco_order_id=f"M{n}", stage=Stage.IN_ERP, first_seen_at=now, read_at=now) for n in range(1100)
        )
        assert worklists.shown(worklists.counts()["to_acknowledge"]) == "1,000+"
        assert worklists.shown(1000) == "1,000"


@pytest.mark.usefixtures("seeded")
class TestTabs:
    def test_each_tab_opens_its_orders(self, orders: list[Order], browser: Any) -> None:
        page = browser.get(reverse(LIST))
        for tab, worklist in zip(page.context["tabs"][1:], worklists.WORKLISTS, strict=True):
            opened = browser.get(tab.address)
            assert {order.pk for order in shown(opened)} == listed(worklist.name)
            assert [each.active for each in opened.context["tabs"]].count(True) == 1
            assert tab.number == f"{len(listed(worklist.name))}"

    def test_deadline_tabs_begin_with_what_is_due_first(self, orders: list[Order], browser: Any) -> None:
        found = shown(browser.get(reverse(LIST), {"worklist": "ship_today"}))
        assert len(found) > 1
        assert [order.ship_by for order in found] == sorted(order.ship_by for order in found)

    def test_other_filters_narrow_a_tab(self, orders: list[Order], browser: Any) -> None:
        retailer = orders[0].retailer_id
        page = browser.get(reverse(LIST), {"worklist": "to_acknowledge", "retailer": retailer})
        assert shown(page)
        assert {order.retailer_id for order in shown(page)} == {retailer}
        assert 'type="hidden" name="worklist" value="to_acknowledge"' in page.text

    def test_an_unknown_tab_is_the_whole_list(self, orders: list[Order], browser: Any) -> None:
        assert len(shown(browser.get(reverse(LIST), {"worklist": "nonsense"}))) == 50

    def test_the_time_left_of_the_next_deadline_is_shown(self, orders: list[Order], browser: Any) -> None:
        order = Order.objects.filter(stage="in_erp")[0]
        Order.objects.filter(pk=order.pk).update(
            acknowledge_by=timezone.now() + timedelta(hours=2, minutes=30), ship_by=timezone.now() + timedelta(hours=9)
        )
        text = browser.get(reverse(LIST), {"q": order.dsco_order_id}).text
        assert "acknowledge by" in text
        assert "2 hours left" in text


@pytest.mark.usefixtures("seeded")
class TestNumbers:
    def test_pasted_numbers_in_any_shape(self, orders: list[Order], browser: Any) -> None:
        wanted = orders[:6]
        ids = [order.dsco_order_id for order in wanted]
        text = f'{ids[0]}\t"{ids[1]}"\n{ids[2]};{ids[3]}|{ids[4]}，{wanted[5].po_number}\nNOT-THERE'
        page = browser.post(reverse("admin:orders_order_paste"), {"numbers": text}, follow=True)
        assert set(shown(page)) == set(wanted)
        assert "1 number was not found" in page.text
        assert "NOT-THERE" in page.text

    def test_five_hundred_are_taken_and_more_are_told(self, browser: Any) -> None:
        text = "\n".join(f"N{n}" for n in range(520))
        page = browser.post(reverse("admin:orders_order_paste"), {"numbers": text}, follow=True)
        assert "20 numbers were left out" in page.text
        assert "500 numbers were not found" in page.text

    def test_the_search_box_says_what_it_did_not_find(self, orders: list[Order], browser: Any) -> None:
        page = browser.get(reverse(LIST), {"q": f"{orders[0].dsco_order_id} XYZ-1, XYZ-2"})
        assert shown(page) == [orders[0]]
        assert page.context["not_found"].numbers == ["XYZ-1", "XYZ-2"]

    def test_bulk_actions_work_on_pasted_numbers(self, orders: list[Order], browser: Any) -> None:
        text = "\n".join(order.dsco_order_id for order in orders[:4])
        page = browser.post(reverse("admin:orders_order_paste"), {"numbers": text}, follow=True)
        form = {"action": "hold", "index": "0", "select_across": "1", "_selected_action": [orders[0].pk]}
        preview = browser.post(page.redirect_chain[-1][0], form)
        assert preview.context["preview"].total == 4

    def test_every_number_of_an_order_is_exact(self, orders: list[Order]) -> None:
        order = Order.objects.filter(packages__isnull=False)[0]
        package = order.packages.all()[0]
        for number in (order.dsco_order_id, order.po_number, order.consumer_order_number, package.tracking_number,
                       package.wo_number, package.global_order_no):  # fmt: skip
            assert find([number]).ids == [order.pk]
            assert find([number[:-1]]).ids == []

    def test_pasting_needs_the_right_to_look(self, orders: list[Order]) -> None:
        assert (
            as_user(staff("new", "view_erppush"))
            .post(reverse("admin:orders_order_paste"), {"numbers": "1"})
            .status_code
            == 403
        )


@pytest.mark.usefixtures("seeded")
class TestOrderOfDeadlines:
    @pytest.mark.parametrize("name", ["at_risk", "ship_today"])
    def test_the_nearest_deadline_comes_first_on_every_page(
        self, name: str, orders: list[Order], browser: Any, monkeypatch: Any
    ) -> None:
        now = timezone.now()
        for index, order in enumerate(Order.objects.filter(stage__in=OPEN_STAGES).order_by("dsco_order_id")):
            order.ship_by, order.cancel_after = now + timedelta(hours=index % 7), now + timedelta(hours=3 - index % 5)
            order.acknowledge_by, order.invoice_by = None, now + timedelta(hours=index % 9)
            order.save()
        monkeypatch.setattr(admin.site.get_model_admin(Order), "list_per_page", 4)
        expected, pages = listed(name), []
        for number in range(1, -(-len(expected) // 4) + 1):
            page = browser.get(reverse(LIST), {"worklist": name, "p": number})
            assert page.context["cl"].result_count == len(expected) > 4
            pages += shown(page)
        assert {order.pk for order in pages} == expected
        columns = worklists.BY_NAME[name].columns
        owed = {column: set(part.values_list("pk", flat=True)) for part, column in
                zip(worklists.BY_NAME[name].parts(now), columns, strict=True)}  # fmt: skip
        nearest = [min(getattr(one, column) for column in columns if one.pk in owed[column]) for one in pages]
        assert nearest == sorted(nearest)

    def test_with_another_filter_it_is_the_same_orders(self, orders: list[Order], browser: Any) -> None:
        page = browser.get(reverse(LIST), {"worklist": "at_risk", "retailer": orders[0].retailer_id})
        assert {order.pk for order in shown(page)} == {
            order.pk for order in Order.objects.filter(pk__in=listed("at_risk"), retailer_id=orders[0].retailer_id)
        }


def test_choosing_all_rows_says_when_nobody_has_counted_them(
    orders: list[Order], browser: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("integrations.admin.paging.MOST_COUNTED", 55)
    assert "Choose all rows that match: more than 55" in browser.get(reverse(LIST)).text


class TestSpeed:
    def test_the_list_needs_few_queries(
        self, orders: list[Order], browser: Any, django_assert_max_num_queries: Any
    ) -> None:
        for query in ({}, {"worklist": "at_risk"}, {"q": orders[0].dsco_order_id}, {"stage__exact": "in_erp"}):
            cache.clear()
            with django_assert_max_num_queries(25):
                assert browser.get(reverse(LIST), query).status_code == 200


class TestManyOrders:
    @pytest.mark.parametrize(
        "query",
        [
            {}, {"q": "1000000042"}, {"q": " ".join(str(1_000_000_000 + n) for n in range(40))}, {"q": "NOT-THERE"},
            {"stage__exact": "invoiced"}, {"retailer": "1000012346"}, {"problem": "any"}, {"problem": "failed"},
            {"mark": "test"}, {"mark": "unreadable"}, {"mark": "held"},
            *({"worklist": name} for name in worklists.BY_NAME),
        ],
        ids=str,
    )  # fmt: skip
    def test_no_query_of_the_list_reads_a_big_table_in_full(self, many: None, browser: Any, query: Any) -> None:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert browser.get(reverse(LIST), query).status_code == 200
        statements = [entry["sql"] for entry in captured if entry["sql"].startswith(("SELECT", "WITH"))]
        assert any("orders_order" in sql for sql in statements)
        for sql in statements:
            assert not full_reads(sql), f"reads a whole table: {sql}"

    def test_the_counts_do_not_either(self, many: None, db: None) -> None:
        with CaptureQueriesContext(connection) as captured:
            worklists.count_now()
        assert not full_reads(captured[0]["sql"]), captured[0]["sql"]


@pytest.fixture(scope="class")
def many(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Enough orders that an index pays; most are finished, as in a real year. Made once for a class."""
    with kept(django_db_blocker, lambda: seed_many(20_000 if connection.vendor == "postgresql" else 3000)):
        yield


BIG = (
    "orders_order",
    "orders_erppush",
    "orders_acknowledgement",
    "orders_shipment",
    "orders_invoice",
    "orders_package",
)


def stops_at_the_bound(sql: str, step: str) -> bool:
    """Return whether it is the paginator's count of a list that is longer than it counts: it ends after 10,001 rows."""
    estimate = re.search(r"rows=(\d+)", step)
    return sql.endswith("LIMIT 10001) subquery") and estimate is not None and int(estimate.group(1)) > 10_001


def full_reads(sql: str) -> list[str]:
    """Return the steps of the plan that read a big table from beginning to end."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # The test's tables are so small that reading one whole can be cheapest; what counts is that none must be.
            cursor.execute("SET enable_seqscan = off")
            cursor.execute(f"EXPLAIN {sql}")
            steps = [row[0] for row in cursor.fetchall() if not stops_at_the_bound(sql, row[0])]
            cursor.execute("RESET enable_seqscan")
            return [step for step in steps if "Seq Scan" in step and any(f" on {table} " in step for table in BIG)]
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        steps = [row[3] for row in cursor.fetchall()]
    # "SCAN … USING INDEX" walks an index until the page is full; without one it is the whole table.
    return [
        step for step in steps
        if step.startswith("SCAN ") and step.split()[1] in BIG and "USING" not in step
    ]  # fmt: skip
