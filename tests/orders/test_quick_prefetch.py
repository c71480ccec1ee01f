"""What is prefetched quickly is what Django's prefetch gives; other questions stay possible."""

from __future__ import annotations

import copy
import pickle

import pytest
from django.db.models import Prefetch, QuerySet
from django.utils import timezone

from integrations.quick_prefetch import FetchedRows
from orders.models import Acknowledgement, Order, OrderLine, Package, PackageLine

pytestmark = [pytest.mark.django_db]
ORDERS, LINES = 3, 2


@pytest.fixture
def stored() -> list[Order]:
    """Three orders: two lines and an acknowledgement each, the last without lines; one with a package."""
    now = timezone.now()
    orders = Order.objects.bulk_create(
        Order(dsco_order_id=f"{number}", first_seen_at=now, read_at=now) for number in range(ORDERS)
    )
    for order in orders:
        Acknowledgement.objects.create(order=order, key=f"acknowledgement:{order.dsco_order_id}")
    for order in orders[:2]:
        for position in (2, 1):
            OrderLine.objects.create(order=order, position=position, line_number=position, quantity=position)
    package = Package.objects.create(order=orders[0], wo_number="WO1", read_at=now)
    PackageLine.objects.create(package=package, erp_sku="S", quantity=1)
    return orders


def waiting() -> QuerySet[Acknowledgement]:
    return Acknowledgement.objects.select_related("order").order_by("order__dsco_order_id")


def positions(rows: QuerySet[Acknowledgement]) -> list[list[int]]:
    return [[line.position for line in row.order.lines.all()] for row in rows]


def test_every_row_gets_its_own_in_their_order_in_two_statements(stored, django_assert_num_queries):
    with django_assert_num_queries(2):
        rows = list(waiting().prefetch_related("order__lines"))
        assert [[line.position for line in row.order.lines.all()] for row in rows] == [[1, 2], [1, 2], []]
        assert all(line.order is row.order for row in rows for line in row.order.lines.all())
        assert [(row.order.lines.count(), row.order.lines.exists()) for row in rows] == [
            (2, True),
            (2, True),
            (0, False),
        ]
        assert isinstance(rows[0].order.lines.all(), FetchedRows)
    djangos = waiting().prefetch_related(Prefetch("order__lines"))
    assert positions(djangos) == [[1, 2], [1, 2], []]


def test_rows_of_rows_are_read_once_for_all(stored, django_assert_num_queries):
    with django_assert_num_queries(4):
        rows = list(waiting().prefetch_related("order__lines", "order__packages__lines", "order__packages"))
        found = [[[line.quantity for line in one.lines.all()] for one in row.order.packages.all()] for row in rows]
    assert found == [[[1]], [], []]


def test_two_rows_of_one_order_are_served_both(stored):
    Package.objects.create(order=stored[0], wo_number="WO2", read_at=timezone.now())
    packages = list(Package.objects.select_related("order").prefetch_related("order__lines"))
    assert [[line.position for line in package.order.lines.all()] for package in packages] == [[1, 2], [1, 2]]


def test_another_question_goes_to_the_database(stored, django_assert_num_queries):
    order = Order.objects.prefetch_related("lines").get(pk=stored[0].pk)
    with django_assert_num_queries(3):
        assert [line.position for line in order.lines.filter(quantity=2)] == [2]
        assert list(order.lines.values_list("position", flat=True)) == [1, 2]
        assert order.lines.order_by("-position")[0].position == 2
    assert OrderLine.objects.count() == LINES * 2


def test_what_was_read_is_forgotten_with_a_new_reading(stored):
    order = Order.objects.prefetch_related("lines").get(pk=stored[0].pk)
    OrderLine.objects.create(order=stored[0], position=3, line_number=3, quantity=3)
    assert len(order.lines.all()) == LINES
    order.refresh_from_db()
    assert len(order.lines.all()) == LINES + 1


def test_values_of_columns_are_left_as_they_are(stored, django_assert_num_queries):
    with django_assert_num_queries(1):
        ids = list(waiting().prefetch_related("order__lines").values_list("order_id", flat=True))
    assert ids == [order.pk for order in stored]


def test_what_was_not_selected_with_the_rows_is_left_to_django(stored, django_assert_num_queries):
    with django_assert_num_queries(3):
        rows = list(Acknowledgement.objects.order_by("pk").prefetch_related("order__lines"))
        assert [len(row.order.lines.all()) for row in rows] == [2, 2, 0]


def test_rows_can_be_copied_and_sent_to_another_process(stored):
    (order,) = Order.objects.filter(pk=stored[0].pk).prefetch_related("lines")
    for again in (copy.deepcopy(order), pickle.loads(pickle.dumps(order))):
        assert [line.position for line in again.lines.all()] == [1, 2]


def test_an_unknown_name_is_refused(stored):
    with pytest.raises(AttributeError, match="nonsense"):
        list(Order.objects.prefetch_related("nonsense"))
