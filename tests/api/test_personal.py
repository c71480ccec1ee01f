"""Names and addresses of consumers: in no answer, and gone from what programs wrote when a person is forgotten."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from integrations.models import ApiRequest
from orders.models import CancellationPause, InvoiceDocument, Order, Stage
from orders.retention import forget
from tests.orders.factories import raw_order, stored

from .conftest import Caller
from .test_actions import ok

pytestmark = pytest.mark.django_db
NAME = "Maren Holloway"


def test_no_answer_names_a_consumer(boss: Caller) -> None:
    order = stored(raw_order())
    assert NAME in str(order.payload)
    path = f"orders/{order.dsco_order_id}/"
    below = ("", "trace/", "status/", "cancel/", "packages/", "is-cancelled/", "shipped-quantities/", "invoice/")
    for address in ("orders/", "events/", *(path + one for one in below)):
        told = boss.get(address).content.decode()
        assert "Holloway" not in told, address
        assert "Heron Lane" not in told, address


def test_what_programs_wrote_about_a_person_goes_with_him(boss: Caller) -> None:
    order = stored(raw_order())
    path = f"orders/{order.dsco_order_id}"
    ok(boss.post(f"{path}/cancellation-pause/", {"reason": f"{NAME} has called"}))
    paper: dict[str, Any] = {"name": f"{NAME}.pdf", "url": "https://files.example.com/1.pdf"}
    ok(boss.post(f"{path}/invoice/", {"invoice_number": "INV-1", "documents": [paper], "reason": "finance"}))
    Order.objects.update(stage=Stage.INVOICED)
    forget([Order.objects.get()], timezone.now(), "boss")
    assert "Holloway" not in CancellationPause.objects.get().reason
    assert "Holloway" not in InvoiceDocument.objects.get().name
    assert not any("Holloway" in row.answer for row in ApiRequest.objects.all())
