"""Mappings: edits are kept in the history, files are taken whole or not at all, waiting orders go at once."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
import tablib
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django_q.models import OrmQ

from integrations.deliveries.states import State
from inventory.models import SkuMapping
from orders.models import ErpPush, Order, RetailerPolicy, Store, StoreMapping

HEADERS = ["dsco_sku", "erp_sku", "for_orders", "sync_stock", "stock_buffer", "stock_cap"]


def upload(browser: Any, rows: list[list[Any]], headers: list[str] = HEADERS) -> Any:
    """Upload an XLSX file and return the preview."""
    content = tablib.Dataset(*rows, headers=headers).export("xlsx")
    file = SimpleUploadedFile("skus.xlsx", BytesIO(content).read())
    return browser.post(
        reverse("admin:inventory_skumapping_import"), {"import_file": file, "format": "0", "resource": ""}
    )


def confirm(browser: Any, preview: Any) -> Any:
    form = preview.context["confirm_form"]
    return browser.post(reverse("admin:inventory_skumapping_process_import"), form.initial, follow=True)


@pytest.mark.django_db
class TestImport:
    def test_new_rows_are_shown_first_and_saved_on_confirmation(self, browser: Any) -> None:
        preview = upload(browser, [[" A-1 ", "LX-1", 1, 1, 5, None], ["A-2", "LX-2", 1, 1, 0, None]])
        assert not SkuMapping.objects.exists()
        confirm(browser, preview)
        mapping = SkuMapping.objects.get(dsco_sku="A-1")
        assert (mapping.erp_sku, mapping.stock_buffer, SkuMapping.objects.count()) == ("LX-1", 5, 2)
        entry = mapping.history.get()
        assert (entry.history_user.username, entry.history_change_reason) == ("boss", "import")

    def test_numbers_become_text(self, browser: Any) -> None:
        confirm(browser, upload(browser, [[10023, 77001, 1, 1, 0, None]]))
        assert SkuMapping.objects.get().dsco_sku == "10023"

    def test_a_number_that_excel_rounded_is_refused(self, browser: Any) -> None:
        preview = upload(browser, [[1100000000000000001, "LX", 1, 1, 0, None]])
        assert preview.context["result"].has_errors() or preview.context["result"].has_validation_errors()

    @pytest.mark.parametrize(
        ("rows", "headers"),
        [
            ([["A-1", "LX-1"], ["A-1", "LX-1"]], ["dsco_sku", "erp_sku"]),
            ([["A-1"]], ["dsco_sku"]),
            ([["A-1", ""]], ["dsco_sku", "erp_sku"]),
        ],
        ids=["the same key twice", "a missing column", "an empty key"],
    )
    def test_a_bad_file_saves_nothing(self, rows: list[list[Any]], headers: list[str], browser: Any) -> None:
        preview = upload(browser, rows, headers)
        assert "confirm_form" not in preview.context or preview.context["confirm_form"] is None
        assert not SkuMapping.objects.exists()

    def test_what_did_not_change_leaves_no_history(self, browser: Any) -> None:
        SkuMapping.objects.create(dsco_sku="A-1", erp_sku="LX-1")
        confirm(browser, upload(browser, [["A-1", "LX-1", 1, 1, 0, None]]))
        assert SkuMapping.objects.get().history.count() == 1

    def test_a_viewer_may_export_but_not_import(self, viewers_browser: Any) -> None:
        assert viewers_browser.get(reverse("admin:inventory_skumapping_import")).status_code == 403
        assert viewers_browser.get(reverse("admin:inventory_skumapping_export")).status_code == 200


@pytest.mark.django_db
def test_an_edit_is_in_the_history_with_its_author(browser: Any) -> None:
    mapping = SkuMapping.objects.create(dsco_sku="A-1", erp_sku="LX-1")
    form = {"dsco_sku": "A-1", "erp_sku": "LX-9", "for_orders": "on", "sync_stock": "on", "stock_buffer": "0"}
    browser.post(reverse("admin:inventory_skumapping_change", args=[mapping.pk]), form)
    newest = mapping.history.latest()
    assert (newest.erp_sku, newest.history_user.username) == ("LX-9", "boss")
    assert browser.get(reverse("admin:inventory_skumapping_history", args=[mapping.pk])).status_code == 200


@pytest.mark.django_db
def test_a_policy_takes_statuses_as_ticks(browser: Any) -> None:
    form = {
        "retailer_id": "77", "name": "Acme", "price_field": "retail_price", "acknowledge_statuses": ["5", "6"],
        "invoice_timing": "complete", "cancel_code": "CXSC",
        **{f"{step}_mode": "live" for step in ("push", "acknowledge", "shipment", "invoice", "cancellation")},
    }  # fmt: skip
    StoreMapping.objects.create(retailer_id="77", store=Store.objects.create(store_id="1"))
    browser.post(reverse("admin:orders_retailerpolicy_add"), form)
    assert RetailerPolicy.objects.get().acknowledge_statuses == [5, 6]


@pytest.mark.django_db(transaction=True)
def test_a_saved_mapping_sends_the_orders_that_waited_for_it(browser: Any) -> None:
    from .seed import seed

    seed(10)
    SkuMapping.objects.all().delete()
    order = Order.objects.order_by("pk")[0]
    StoreMapping.objects.filter(retailer_id=order.retailer_id).get()
    ErpPush.objects.filter(order=order).update(
        status=State.NEEDS_ATTENTION, reason_code="unmapped_sku", due_at=None, lease_token=""
    )
    sku = order.lines.get().sku
    form = {"dsco_sku": sku, "erp_sku": "LX-NEW", "for_orders": "on", "sync_stock": "on", "stock_buffer": "0"}
    page = browser.post(reverse("admin:inventory_skumapping_add"), form, follow=True)
    assert ErpPush.objects.get(order=order).status == State.DUE
    assert "waited for a mapping" in page.text
    assert [job.task["args"] for job in OrmQ.objects.all()] == [("push_orders", "boss")]
