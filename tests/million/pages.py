"""The admin's pages and the reads of the REST API."""

from __future__ import annotations

import time
from typing import Any

from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.api.tokens import create_token
from integrations.causes import refresh_causes
from integrations.models import ApiScope, Cause
from orders import worklists
from orders.models import Order
from tests.api.conftest import Caller

from .measuring import Measurements

LIST, EXACT, OVERVIEW, API = 150, 50, 300, 100


def measure_pages(measurements: Measurements, user: User, order: Order) -> None:
    """Lists, searches, overviews and the page of one order, as a superuser sees them."""
    browser = Client()
    browser.force_login(user)

    def seen(name: str, **query: Any) -> Any:
        answer = browser.get(name if name.startswith("/") else reverse(name), query)
        assert answer.status_code == 200, (name, query, answer.content[:500])
        return answer

    def orders(**query: Any) -> Any:
        return seen("admin:orders_order_changelist", **query)

    many = " ".join(Order.objects.order_by("-pk").values_list("dsco_order_id", flat=True)[:500])
    measurements.title("Order list")
    measurements.take("opened", orders, LIST)
    for worklist in worklists.WORKLISTS:
        measurements.take(f"tab {worklist.name}", lambda name=worklist.name: orders(worklist=name), LIST)
    for query in ({"stage__exact": "invoiced"}, {"retailer": "1000012347"}, {"mark": "held"}, {"p": "150"}):
        measurements.take(f"with {query}", lambda query=query: orders(**query), LIST)
    measurements.take("counts of all tabs", worklists.count_now)
    measurements.take("opened, nothing cached", lambda: (cache.clear(), orders()))
    for name, number in {
        "exact DSCO order id": order.dsco_order_id, "exact PO number": order.po_number,
        "exact tracking number": f"1Z{order.pk}", "a number that does not exist": "nothing-has-this",
    }.items():  # fmt: skip
        measurements.take(name, lambda number=number: orders(q=number), EXACT)
    measurements.take("500 pasted ids", lambda: orders(q=many))

    measurements.title("Other pages")
    refresh_causes(timezone.now())
    measurements.take("causes looked at again (after each run)", lambda: refresh_causes(timezone.now()))
    cause = reverse("admin:integrations_cause_change", args=[Cause.objects.order_by("-open_count")[0].pk])
    for name, address, limit in (
        ("dashboard", "admin:index", OVERVIEW),
        ("inbox", "admin:integrations_cause_changelist", OVERVIEW),
        ("a cause with many orders", cause, OVERVIEW),
        ("ERP pushes", "admin:orders_erppush_changelist", LIST),
        ("shipments", "admin:orders_shipment_changelist", LIST),
        ("shipments that failed", reverse("admin:orders_shipment_changelist") + "?status=failed", LIST),
        ("attempts", "admin:integrations_attempt_changelist", LIST),
        ("calls", "admin:integrations_apicall_changelist", LIST),
        ("audit trail", "audit-trail", LIST),
        ("flows", "admin:integrations_flow_changelist", LIST),
        ("one order", reverse("admin:orders_order_change", args=[order.pk]), LIST),
    ):
        measurements.take(name, lambda address=address: seen(address), limit)
    for name, address in (("dashboard", "admin:index"), ("inbox", "admin:integrations_cause_changelist")):
        measurements.take(f"{name}, nothing cached", lambda address=address: (cache.clear(), seen(address)), OVERVIEW)


def measure_api(measurements: Measurements, user: User, order: Order) -> None:
    """What the REST API reads."""
    _token, secret = create_token(f"measured {time.time()}", user, list(ApiScope.values), 1)
    caller = Caller(secret)

    def read(path: str) -> Any:
        answer = caller.get(path)
        assert answer.status_code == 200, (path, answer.content[:500])
        return answer.json()

    first = read("events/?limit=100")
    measurements.title("REST API")
    for path in (
        "orders/", "orders/?limit=100", f"orders/?number={order.po_number}", f"orders/?number=1Z{order.pk}",
        "orders/?stage=invoiced", "orders/?worklist=to_push", "orders/?retailer_id=1000012347", "orders/?sku=SKU-77",
        "orders/?held=true", f"orders/{order.dsco_order_id}/", f"orders/{order.dsco_order_id}/trace/",
        f"orders/{order.dsco_order_id}/status/", f"order-status/?number={order.po_number}", "exceptions/",
        "flows/", "events/?limit=100", f"events/?limit=100&cursor={first['cursor']}",
    ):  # fmt: skip
        measurements.take(f"GET {path[:44]}", lambda path=path: read(path), API)
