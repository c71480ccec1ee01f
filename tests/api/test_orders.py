"""Reading orders: pages by cursor, limits, one order, its trace, and where it stands by any of its numbers."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.sandbox.sandbox import Sandbox
from orders.models import ErpOrder, Order, OrderErpLink, Package
from tests.admin.seed import seed
from tests.orders.factories import raw_order, stored

from .conftest import Caller
from .test_tokens import problem

pytestmark = pytest.mark.django_db


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["dsco_order_id"] for row in answer.json()["results"]]


def test_pages_follow_each_other_without_gaps_or_repetitions_while_orders_come_in(boss: Caller) -> None:
    seed(11)
    wanted = list(Order.objects.order_by("-first_seen_at", "-pk").values_list("dsco_order_id", flat=True))
    found: list[str] = []
    path = "orders/?limit=4"
    for _page in range(3):
        answer = boss.get(path)
        found += ids(answer)
        stored(raw_order())  # a newer one
        path = f"orders/?limit=4&cursor={answer.json()['next_cursor']}"
    assert found == wanted
    assert answer.json()["next_cursor"] is None


def test_the_list_is_limited_by_every_filter_together(boss: Caller, orders: list[Any]) -> None:
    order = Order.objects.order_by("pk")[3]
    Order.objects.filter(pk=order.pk).update(held=True)
    assert ids(boss.get("orders/?held=true"))[0] in ids(boss.get("orders/"))
    assert order.dsco_order_id in ids(boss.get(f"orders/?held=true&retailer_id={order.retailer_id}"))
    assert ids(boss.get("orders/?held=true&retailer_id=nobody")) == []
    assert ids(boss.get(f"orders/?number={order.po_number}")) == [order.dsco_order_id]
    assert order.dsco_order_id in ids(boss.get(f"orders/?sku={order.lines.first().sku}&stage={order.stage}"))
    assert ids(boss.get("orders/?first_seen_until=2001-01-01T00:00:00Z")) == []
    assert boss.get("orders/?worklist=to_push").status_code == 200


def test_what_nobody_knows_in_a_query_is_an_error_and_not_left_out(boss: Caller) -> None:
    [fault] = problem(boss.get("orders/?stauts=x"), 400)["errors"]
    assert fault["where"] == "query:/stauts"
    assert problem(boss.get("orders/?limit=0"), 400)["errors"][0]["where"] == "query:/limit"
    assert problem(boss.get("orders/?cursor=abc"), 400)["code"] == "bad_cursor"
    assert problem(boss.get("orders/?number=%00"), 400)
    assert problem(boss.get("orders/%00/"), 404)


def test_what_is_wrong_stands_in_the_detail_as_well_as_in_the_errors(boss: Caller) -> None:
    told = problem(boss.get("orders/?limit=0&colour=red&held=perhaps&since=1&until=2"), 400)
    assert told["detail"].startswith("query:/")
    assert "There is no such member" in told["detail"]
    assert told["detail"] != told["advice"]


def test_one_order_tells_lines_packages_deliveries_and_its_trace_the_attempts(boss: Caller, orders: list[Any]) -> None:
    for order in Order.objects.all():
        shown = boss.get(f"orders/{order.dsco_order_id}/").json()
        assert {row["kind"] for row in shown["deliveries"]} >= {"erp_push", "acknowledgement", "shipment", "invoice"}
        assert [line["ordered"] for line in shown["lines"]] == [line.quantity for line in order.lines.all()]
        assert len(shown["packages"]) == order.packages.count()
        assert "payload" not in shown
        told = boss.get(f"orders/{order.dsco_order_id}/trace/")
        assert told.status_code == 200
        assert "attempts" in told.json()
    assert problem(boss.get("orders/0/"), 404)["code"] == "unknown_order"


def test_where_an_order_stands_is_found_by_each_of_its_numbers(boss: Caller, orders: list[Any]) -> None:
    package = Package.objects.filter(ignored="").exclude(tracking_number="")[0]
    order = package.order
    erp_order = ErpOrder.objects.filter(order_links__order=order)[0]
    for number in (order.dsco_order_id, order.po_number, erp_order.global_order_no, package.tracking_number):
        found = boss.get(f"order-status/?number={number}").json()["results"]
        assert order.dsco_order_id in [row["dsco_order_id"] for row in found], number
    assert problem(boss.get("order-status/?number=nothing"), 404)["code"] == "unknown_number"
    assert problem(boss.get("order-status/"), 400)["errors"][0]["code"] == "required"


def test_why_an_order_waits_is_told_in_the_callers_language(boss: Caller, world: Sandbox) -> None:
    from inventory.models import SkuMapping
    from tests.orders.journeys import run

    SkuMapping.objects.all().delete()
    raw = world.dsco.add_order()
    run("pull_orders")
    run("push_orders")
    path = f"order-status/?number={raw['dscoOrderId']}"
    [row] = boss.get(path).json()["results"]
    push = next(wait for wait in row["waits"] if wait["kind"] == "erp_push")
    assert (push["status"], push["code"]) == ("needs_attention", "unmapped_sku")
    assert "no SKU mapping" in push["why"]
    assert push["what_to_do"]
    [row] = boss.get(path, **{"Accept-Language": "zh-hans"}).json()["results"]
    assert "映射" in next(wait for wait in row["waits"] if wait["kind"] == "erp_push")["why"]


def test_a_split_order_shows_its_parts_and_how_far_the_furthest_is(boss: Caller, orders: list[Any]) -> None:
    order = Order.objects.filter(erp_links__isnull=False)[0]
    OrderErpLink.objects.filter(order=order).delete()
    for number, status, resend_of, deleted in (
        ("103000000000000001", 4, [], False),
        ("103000000000000002", 5, [], False),
        ("103000000000000003", 7, [], False),
        ("103000000000000004", 6, ["103000000000000002"], False),
        ("103000000000000005", 6, [], True),
    ):
        row = ErpOrder.objects.create(
            global_order_no=number, status=status, resend_of=resend_of, deleted=deleted, read_at=order.read_at
        )
        OrderErpLink.objects.create(order=order, erp_order=row)
    [found] = boss.get(f"order-status/?number={order.dsco_order_id}").json()["results"]
    assert len(found["lingxing"]["parts"]) == 4
    assert found["lingxing"]["furthest"]["status"] == 5
    assert found["lingxing"]["reshipments"] == ["103000000000000004"]


@pytest.mark.parametrize("path", ["orders/", "order-status/?number=PO", "orders/{id}/", "orders/{id}/trace/"])
def test_the_number_of_queries_does_not_grow_with_the_number_of_rows(
    path: str, boss: Caller, django_assert_max_num_queries: Any
) -> None:
    seed(40)
    order = Order.objects.filter(packages__isnull=False).order_by("pk")[0]
    Order.objects.update(po_number="PO")
    boss.get("orders/")
    limit = 8 if path == "orders/" else 26
    with django_assert_max_num_queries(limit):
        assert boss.get(path.format(id=order.dsco_order_id)).status_code == 200
