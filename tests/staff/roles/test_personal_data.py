"""Names and addresses of consumers are for those who need them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from integrations.models import ApiCall
from integrations.redaction import mask_personal
from orders.models import Order
from tests.admin.seed import seed

PAYLOAD = {
    "dscoOrderId": "42", "shipping": {"name": "Ada Palmer", "address": ["1 Elm St"], "city": "Reno", "phone": ""},
    "giftToName": "Bo", "lineItems": [{"sku": "A", "title": "Lamp"}],
}  # fmt: skip


def client_of(role: str) -> Client:
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def test_masking_keeps_what_is_no_personal_data() -> None:
    masked = mask_personal(PAYLOAD)
    assert masked["shipping"] == {"name": "***", "address": "***", "city": "Reno", "phone": ""}
    assert masked["giftToName"] == "***"
    assert masked["lineItems"] == PAYLOAD["lineItems"]
    assert PAYLOAD["shipping"]["name"] == "Ada Palmer", "the original is untouched"


def test_json_as_text_is_masked_and_other_text_is_not_touched() -> None:
    assert json.loads(mask_personal(json.dumps(PAYLOAD)))["shipping"]["name"] == "***"
    assert mask_personal("page=1&size=20") == "page=1&size=20"
    assert mask_personal('{"cut off') == '{"cut off'


@pytest.fixture
def order(db: None) -> Order:
    order = seed(1)[0]
    Order.objects.filter(pk=order.pk).update(payload=PAYLOAD)
    return order


@pytest.fixture
def call(db: None) -> ApiCall:
    return ApiCall.objects.create(
        vendor="dsco", operation="get_order", method="GET", path="/order", started_at=timezone.now(), duration_ms=1,
        status=200, response_excerpt=json.dumps(PAYLOAD),
    )  # fmt: skip


@pytest.mark.parametrize(("role", "sees"), [("viewer", False), ("operator", True), ("lead", True)])
def test_the_order_page_shows_names_to_operators_only(role: str, sees: bool, order: Any) -> None:
    page = client_of(role).get(f"/admin/orders/order/{order.pk}/change/", follow=True).content.decode()
    assert order.dsco_order_id in page
    assert ("Ada Palmer" in page) is sees


@pytest.mark.parametrize(("role", "sees"), [("viewer", False), ("operator", True)])
def test_a_stored_call_shows_names_to_operators_only(role: str, sees: bool, call: ApiCall) -> None:
    page = client_of(role).get(f"/admin/integrations/apicall/{call.pk}/change/").content.decode()
    assert "Lamp" in page
    assert ("Ada Palmer" in page) is sees
