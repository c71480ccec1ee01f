"""How many queries every list and page needs: no more than the table says, and no more for more rows."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ

from integrations.causes import refresh_causes
from integrations.models import BulkRun
from inventory.models import SkuMapping
from orders.models import Order, Shipment

from .multiply import multiply
from .test_pages import MODELS, everything, name

__all__ = ["everything"]

MORE_ROWS = 24
# The most queries of a page that the table does not name.
# One of these is the number of open differences in the menu, kept for some seconds.
ANY_LIST, ANY_RECORD, ANY_FORM = 11, 12, 10
# The most queries of each page, one line for each.
MOST = {
    "list auth.User": 12,
    "list config.FailedLogin": 12,
    "list auth.Group": 12,
    "record auth.Group": 15,
    "record auth.User": 13,
    "list integrations.Cause": 16,
    "record integrations.Cause": 14,
    "list integrations.Flow": 14,
    "list orders.ErpOrder": 13,
    "list orders.ShippingMapping": 12,
    "list inventory.WarehouseMapping": 12,
    "list orders.Order": 18,
    "record orders.Order": 24,
    "record orders.Shipment": 13,
    "record integrations.BulkRun": 13,
    "list integrations.ShadowCall": 17,
    "list orders.RetailerPolicy": 15,
    "list orders.StoreMapping": 14,
    "start": 25,
    "words": 8,
    "preferences": 8,
    "audit trail": 22,
    "find: one": 10,
    "order list: searched": 25,
    "order list: second page": 19,
    "order list: several packages": 18,
    "inbox: closed": 14,
    "packages to decide": 13,
    "compose": 30,
    "bulk run: progress": 4,
    "bulk run: result": 5,
    "history of a mapping": 11,
}


def pages() -> dict[str, str]:
    """The address of every page that the admin has, by a name that says which."""
    found = {}
    for model in MODELS:
        label, one = model._meta.label, admin.site.get_model_admin(model).model._default_manager.order_by("pk").first()
        found[f"list {label}"] = reverse(f"{name(model)}_changelist")
        if model is not OrmQ and one is not None:  # a queued job is a signed payload of the queue
            found[f"record {label}"] = reverse(f"{name(model)}_change", args=[one.pk])
        found[f"form {label}"] = reverse(f"{name(model)}_add")
    to_decide = Shipment.objects.filter(reason_code="several_packages").order_by("pk")[0]
    orders = reverse("admin:orders_order_changelist")
    return found | {
        "start": reverse("admin:index"),
        "words": reverse("status-dictionary"),
        "preferences": reverse("preferences"),
        "audit trail": reverse("audit-trail"),
        "find: one": f"{reverse('find-order')}?number={to_decide.order.dsco_order_id}",
        "order list: searched": f"{orders}?q=PO-70003",
        "order list: second page": f"{orders}?p=2",
        "order list: several packages": f"{orders}?worklist=several_packages",
        "inbox: closed": f"{reverse('admin:integrations_cause_changelist')}?tab=closed",
        "packages to decide": reverse("admin:orders_shipment_queue"),
        "compose": reverse("admin:orders_shipment_compose", args=[to_decide.order_id]),
        "bulk run: progress": reverse("admin:integrations_bulkrun_progress", args=[BulkRun.objects.all()[0].pk]),
        "bulk run: result": reverse("admin:integrations_bulkrun_result", args=[BulkRun.objects.all()[0].pk]),
        "history of a mapping": reverse(
            "admin:inventory_skumapping_history", args=[SkuMapping.objects.order_by("pk")[0].pk]
        ),
    }


def counted(browser: Client, addresses: dict[str, str]) -> dict[str, int]:
    """Open each page with nothing remembered; return how many queries it needed."""
    counts = {}
    for page, address in addresses.items():
        cache.clear()
        with CaptureQueriesContext(connection) as queries:
            answer = browser.get(address)
            if answer.streaming:
                b"".join(answer.streaming_content)
        assert answer.status_code in (200, 302, 403), (page, answer.status_code)
        counts[page] = sum(1 for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE")))
    return counts


def most(page: str) -> int:
    usual = {"list": ANY_LIST, "record": ANY_RECORD, "form": ANY_FORM}
    return MOST.get(page, usual.get(page.split(maxsplit=1)[0], 0))


@pytest.mark.any_database
def test_every_page_keeps_its_number_of_queries_however_many_rows(everything: None, browser: Any) -> None:
    ContentType.objects.get_for_models(*apps.get_models())
    addresses = pages()
    few = counted(browser, addresses)
    made = {model._meta.label: multiply(model, MORE_ROWS) for model in sorted(MODELS, key=lambda m: m is not Order)}
    assert made["orders.Order"] == made["orders.ErpPush"] == MORE_ROWS
    refresh_causes(timezone.now())  # the copies stand for nothing: they are closed now, not by the page that is counted
    many = counted(browser, addresses)
    assert {page: (few[page], many[page]) for page in few if many[page] > few[page]} == {}
    assert {page: number for page, number in many.items() if number > most(page)} == {}
