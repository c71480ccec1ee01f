"""``in`` with many values asks PostgreSQL with one value, and finds what Django's would."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders.models import Order, OrderLine

pytestmark = [pytest.mark.django_db]

ODD = [
    "",
    "plain",
    'with "quotes"',
    "back\\slash",
    "comma,brace}{",
    "NULL",
    "null",
    "é 中文",
    "per%cent %s",
    "line\nend",
    "'",
]


def orders(names: list[str]) -> list[Order]:
    now = timezone.now()
    return Order.objects.bulk_create(
        Order(dsco_order_id=f"{number}", po_number=name, first_seen_at=now, read_at=now)
        for number, name in enumerate(names)
    )


def test_texts_are_found_whatever_stands_in_them():
    orders(ODD)
    for name in ODD:
        wanted = [name, *(f"other {number}" for number in range(20))]
        assert list(Order.objects.filter(po_number__in=wanted).values_list("po_number", flat=True)) == [name]
    assert Order.objects.filter(po_number__in=[*ODD, *ODD, None]).count() == len(ODD)


def test_keys_rows_and_what_refers_to_them_are_found():
    rows = orders([f"{number}" for number in range(30)])
    lines = OrderLine.objects.bulk_create(OrderLine(order=row, position=1, line_number=1, quantity=1) for row in rows)
    wanted = rows[5:25]
    keys = [row.pk for row in wanted]
    assert set(Order.objects.filter(pk__in=[*keys, None, keys[0]])) == set(wanted)
    for question in ({"order__in": wanted}, {"order__in": keys}, {"order_id__in": keys}, {"order__pk__in": keys}):
        assert set(OrderLine.objects.filter(**question)) == set(lines[5:25])
        assert set(OrderLine.objects.exclude(**question)) == set(lines[:5] + lines[25:])
    assert set(Order.objects.filter(lines__in=lines[5:25])) == set(wanted)


def test_nothing_is_found_among_no_values():
    orders(["1"])
    assert not Order.objects.filter(po_number__in=[])
    assert not Order.objects.filter(po_number__in=[None] * 20)
    assert Order.objects.exclude(po_number__in=[]).count() == 1


def test_texts_for_numbers_and_queries_are_left_to_django():
    rows = orders([f"{number}" for number in range(30)])
    texts = [str(row.pk) for row in rows]
    assert Order.objects.filter(pk__in=texts).count() == 30
    assert Order.objects.filter(pk__in=Order.objects.filter(po_number__in=[f"{n}" for n in range(12)])).count() == 12


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite's driver takes no such number at all")
def test_a_number_that_no_key_can_be_is_found_nowhere():
    rows = orders([f"{number}" for number in range(12)])
    assert Order.objects.filter(pk__in=[*(row.pk for row in rows), 2**63]).count() == 12


@pytest.mark.skipif(connection.vendor != "postgresql", reason="what is sent to SQLite is Django's")
def test_postgresql_gets_one_value():
    with CaptureQueriesContext(
        connection,
    ) as asked:
        list(Order.objects.filter(pk__in=range(500)))
        list(Order.objects.filter(po_number__in=[f"{number}" for number in range(500)]))
        list(OrderLine.objects.filter(order__in=range(500)))
    assert all("= ANY(" in query["sql"] and " IN (" not in query["sql"] for query in asked)
