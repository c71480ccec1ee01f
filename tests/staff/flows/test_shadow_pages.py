"""Shadow mode on the screen: what would have been sent, by retailer and step, and going live."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from integrations.models import ShadowCall
from orders.models import ErpPush, RetailerPolicy

LIST = "/admin/integrations/shadowcall/"


@pytest.fixture
def shadowed(orders: list[Any]) -> list[ErpPush]:
    """Ten pushes of one retailer wait in shadow mode."""
    retailer_id = orders[0].retailer_id
    RetailerPolicy.objects.update_or_create(retailer_id=retailer_id, defaults={"push_mode": "shadow"})
    rows = list(ErpPush.objects.filter(order__retailer_id=retailer_id).order_by("pk")[:10])
    ErpPush.objects.filter(pk__in=[row.pk for row in rows]).update(status="waiting", due_at=None, reason_code="shadow")
    ShadowCall.objects.bulk_create(
        ShadowCall(
            kind="erp_push", delivery_id=row.pk, key=row.key, vendor="lingxing", operation="create_orders",
            method="POST", path="/pb/mp/order/v2/create", body='{"orders": [{"buyer_name": "Maren H.", "n": 1}]}',
            made_at=timezone.now(),
        )
        for row in rows
    )  # fmt: skip
    return rows


def page(browser: Any, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_list_shows_what_waits_by_retailer_and_step(shadowed: list[ErpPush], in_role: Any) -> None:
    text = page(in_role("lead"), LIST)
    assert f"/admin/integrations/shadowcall/?kind=erp_push&amp;retailer={shadowed[0].order.retailer_id}" in text
    assert f">{len(shadowed)}</a>" in text
    assert "Go live in the policy …" in text
    assert 'LingXing · <span title="create_orders">' in text
    assert "Go live in the policy …" not in page(in_role("operator"), LIST)


def test_its_cost_does_not_grow_with_the_rows(
    shadowed: list[ErpPush], browser: Any, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(26):
        page(browser, LIST)


def test_filters_and_search(shadowed: list[ErpPush], browser: Any) -> None:
    order = shadowed[3].order
    assert page(browser, f"{LIST}?q={order.dsco_order_id}").count('title="create_orders"') == 1
    assert 'title="create_orders"' not in page(browser, f"{LIST}?kind=invoice")
    assert 'title="create_orders"' not in page(browser, f"{LIST}?retailer=nobody")


@pytest.mark.parametrize(("role", "sees"), [("viewer", False), ("operator", True)])
def test_names_are_masked_for_who_may_not_see_them(
    role: str, sees: bool, shadowed: list[ErpPush], in_role: Any
) -> None:
    browser, row = in_role(role), shadowed[0]
    call = ShadowCall.objects.get(delivery_id=row.pk)
    for address in (
        f"{LIST}{call.pk}/change/",
        f"/admin/orders/erppush/{row.pk}/change/",
        f"/admin/orders/order/{row.order_id}/change/",
    ):
        text = page(browser, address)
        assert "hat would have been sent" in text
        assert ("Maren H." in text) is sees


@pytest.mark.django_db(transaction=True)
def test_saving_a_live_policy_releases_what_waits(shadowed: list[ErpPush], browser: Any) -> None:
    from orders.shadow import release_live

    policy = RetailerPolicy.objects.get(retailer_id=shadowed[0].order.retailer_id)
    assert release_live([policy], timezone.now()) == {}
    address = f"/admin/orders/retailerpolicy/{policy.pk}/change/"
    form = browser.get(address).context["adminform"].form
    data = {name: form[name].value() for name in form.fields}
    data = {name: value for name, value in data.items() if value not in (None, False)} | {"push_mode": "live"}
    answer = browser.post(address, data, follow=True)
    assert "10 deliveries that waited in shadow mode are live now" in answer.content.decode()
    assert ErpPush.objects.filter(reason_code="shadow").count() == 0
    assert ErpPush.objects.filter(status="due", pk__in=[row.pk for row in shadowed]).count() == 10
