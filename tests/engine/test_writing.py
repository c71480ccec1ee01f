"""Some columns of many rows, written at once: what is in memory is in the database afterwards, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.deliveries.writing import save_columns
from integrations.sentences import gettext as _
from orders.models import Acknowledgement, Order, Shipment

from .vendor import make_due

pytestmark = pytest.mark.django_db
NASTY = ["", "'; DROP", 'a "b" \\ {c,d}', "%s %(x)s", "NULL", "新 é", "1e5", "x\ny"]


def as_stored(rows, names):
    return list(type(rows[0]).objects.order_by("pk").values_list(*names))


def test_values_that_all_share_are_written_in_one_statement():
    rows = make_due(30)
    now = timezone.now()
    for row in rows:
        row.status, row.due_at, row.finished_at, row.remote_request_id = "succeeded", None, now, "r-1"
        row.last_error = _("Nothing of this order was shipped: there is nothing to invoice.")
        row.attempts = 99  # not among the columns
    with CaptureQueriesContext(
        connection,
    ) as queries:
        save_columns(rows, ["status", "due_at", "finished_at", "remote_request_id", "last_error"])
    assert len(queries) == 1
    names = ("status", "due_at", "finished_at", "remote_request_id", "attempts")
    assert set(as_stored(rows, names)) == {("succeeded", None, now, "r-1", 0)}
    assert Acknowledgement.objects.first().last_error == rows[0].last_error


def test_each_row_keeps_its_own_value_whatever_it_is():
    rows = make_due(len(NASTY))
    for row, value in zip(rows, NASTY, strict=True):
        row.remote_reference, row.status = value, "succeeded"
    with CaptureQueriesContext(connection) as queries:
        save_columns(rows, ["status", "remote_reference"])
    assert len(queries) == 1
    assert as_stored(rows, ("remote_reference", "status")) == [(value, "succeeded") for value in NASTY]


def test_rows_that_differ_in_nearly_everything_are_written_in_few_statements_too():
    rows = make_due(12)
    now = timezone.now()
    for number, row in enumerate(rows):
        row.due_at = None if number % 3 == 0 else now + timedelta(seconds=number)
        row.failures, row.maybe_sent, row.remote_reference = number, number % 2 == 0, f"R{number}"
        row.failing_since, row.status = None, "waiting"
    names = ["status", "due_at", "failures", "maybe_sent", "remote_reference", "failing_since"]
    with CaptureQueriesContext(connection) as queries:
        save_columns(rows, names)
    assert len(queries) <= 2  # one for each value that many share
    assert as_stored(rows, names) == [tuple(getattr(row, name) for name in names) for row in rows]


def test_documents_and_empty_times_are_written_as_they_are():
    now = timezone.now()
    orders = Order.objects.bulk_create(
        Order(dsco_order_id=f"o{number}", first_seen_at=now, read_at=now) for number in range(6)
    )
    rows = Shipment.objects.bulk_create(Shipment(order=order, key=f"shipment:{order.pk}") for order in orders)
    for number, row in enumerate(rows):
        row.body = [{"trackingNumber": NASTY[number], "lineItems": [{"quantity": number}]}] if number else []
        row.confirmed_at = now + timedelta(seconds=number) if number > 4 else None
    save_columns(rows, ["body", "confirmed_at"])
    assert as_stored(rows, ("body", "confirmed_at")) == [(row.body, row.confirmed_at) for row in rows]


def test_a_row_that_is_gone_stays_gone():
    rows = make_due(3)
    Acknowledgement.objects.filter(pk=rows[1].pk).delete()
    for row in rows:
        row.remote_reference = f"R{row.pk}"
    save_columns(rows, ["remote_reference"])
    save_columns([], ["remote_reference"])
    assert Acknowledgement.objects.count() == 2


def test_many_rows_come_back_from_the_database_as_they_were_given():
    now = timezone.now()
    payloads = [{"text": value, "more": [value, {value: None}]} for value in NASTY]
    Order.objects.bulk_create(
        Order(dsco_order_id=f"o{number}", po_number=NASTY[number], payload=payload, first_seen_at=now, read_at=now)
        for number, payload in enumerate(payloads)
    )
    stored = Order.objects.order_by("pk").values_list("po_number", "payload")
    assert list(stored) == list(zip(NASTY, payloads, strict=True))
