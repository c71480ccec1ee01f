"""Exports: the filtered list as a file, made in the background, safe to open, for those who may see it."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ
from openpyxl import load_workbook

from integrations.exports import make, request_export, safe_cell, sweep
from integrations.models import Export
from orders.models import ErpPush, Order

from .conftest import as_user, staff

NAME = "Wilhelmina Consumer"


@pytest.fixture
def addressed(orders: list[Order]) -> list[Order]:
    Order.objects.update(payload={"shipping": {"name": NAME, "address": ["1 Main St", "Apt 2"], "city": "Boston"}})
    return orders


def table(export: Export) -> list[list[str]]:
    content = bytes(Export.objects.get(pk=export.pk).content or b"")
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


@pytest.mark.usefixtures("seeded")
class TestFiles:
    def test_the_file_has_what_the_list_shows_in_its_order(self, addressed: Any, boss: User, browser: Any) -> None:
        query = "stage__exact=in_erp&retailer=1000012345"
        export = request_export("order", "csv", boss, query=query)
        assert make(export.pk) == "made"
        rows = table(export)
        shown = browser.get(reverse("admin:orders_order_changelist") + f"?{query}").context["cl"].result_list
        assert [row[0] for row in rows[1:]] == [order.dsco_order_id for order in shown]
        assert len(rows) > 2
        export.refresh_from_db()
        assert export.row_count == len(rows) - 1

    def test_an_order_comes_with_its_numbers(self, addressed: Any, boss: User) -> None:
        order = Order.objects.filter(packages__isnull=False, invoice__invoice_id__isnull=False)[0]
        export = request_export("order", "csv", boss, ids=[order.pk])
        make(export.pk)
        header, row = table(export)
        cells = dict(zip(header, row, strict=True))
        assert cells["ERP order numbers"] == order.erp_links.get().erp_order.global_order_no
        assert order.packages.all()[0].tracking_number in cells["tracking numbers"]
        assert cells["address"] == "1 Main St, Apt 2"

    def test_a_workbook(self, addressed: Any, boss: User) -> None:
        Order.objects.filter(pk=addressed[0].pk).update(po_number="=1+1", hold_reason="bad \x01 character")
        export = request_export("order", "xlsx", boss)
        assert make(export.pk) == "made"
        sheet = load_workbook(io.BytesIO(bytes(Export.objects.get(pk=export.pk).content or b""))).active
        assert sheet.max_row == 61
        values = [cell.value for row in sheet.iter_rows() for cell in row]
        assert "'=1+1" in values
        assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)

    def test_deliveries_too(self, orders: Any, boss: User) -> None:
        export = request_export("erp_push", "csv", boss, query="status__exact=failed")
        make(export.pk)
        assert len(table(export)) == ErpPush.objects.filter(status="failed").count() + 1

    def test_many_rows_need_few_queries(self, orders: Any, boss: User, django_assert_max_num_queries: Any) -> None:
        export = request_export("order", "csv", boss)
        with django_assert_max_num_queries(18):
            make(export.pk)

    @pytest.mark.parametrize("text", ["=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1"])
    def test_no_cell_is_a_formula(self, text: str) -> None:
        assert str(safe_cell(text)).startswith("'")

    def test_harmless_cells_stay_as_they_are(self) -> None:
        assert [safe_cell(value) for value in ("PO-1", 5, None, True)] == ["PO-1", 5, "", 1]


@pytest.mark.usefixtures("seeded")
class TestRights:
    def test_personal_data_only_for_whoever_may_see_it(self, addressed: Any) -> None:
        without = request_export("order", "csv", staff("mei", "export_order", "view_order"))
        make(without.pk)
        assert NAME not in bytes(Export.objects.get(pk=without.pk).content or b"").decode()
        may = request_export("order", "csv", staff("li", "export_order", "view_order", "view_personal_data"))
        make(may.pk)
        assert NAME in bytes(Export.objects.get(pk=may.pk).content or b"").decode()

    def test_a_right_that_was_lost_meanwhile_counts(self, addressed: Any) -> None:
        user = staff("li", "export_order", "view_order", "view_personal_data")
        export = request_export("order", "csv", user)
        user.user_permissions.remove(user.user_permissions.get(codename="view_personal_data"))
        make(export.pk)
        assert NAME not in bytes(Export.objects.get(pk=export.pk).content or b"").decode()
        other = request_export("order", "csv", User.objects.get(pk=user.pk))
        user.user_permissions.clear()
        assert make(other.pk) == "failed"

    def test_without_the_right_nothing_is_asked(self, orders: Any) -> None:
        with pytest.raises(PermissionDenied):
            request_export("order", "csv", staff("viewer", "view_order"))
        browser = as_user(staff("viewer2", "view_order"))
        assert "orders_order_export" not in browser.get(reverse("admin:orders_order_changelist")).text
        assert browser.post(reverse("admin:orders_order_export"), {"format": "csv"}).status_code == 403
        assert not Export.objects.exists()

    def test_files_are_for_who_asked_for_them(self, addressed: Any, boss: User) -> None:
        export = request_export("order", "csv", boss)
        make(export.pk)
        other = as_user(staff("mei", "export_order", "view_order"))
        for name in ("file", "progress"):
            assert other.get(reverse(f"admin:integrations_export_{name}", args=[export.pk])).status_code == 404
        assert f"#{export.pk}" not in other.get(reverse("admin:integrations_export_changelist")).text


@pytest.mark.usefixtures("seeded")
class TestPages:
    def test_from_the_list_to_the_file(
        self, addressed: Any, browser: Any, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            page = browser.post(reverse("admin:orders_order_export") + "?worklist=to_acknowledge", {"format": "xlsx"},
                                follow=True)  # fmt: skip
        export = Export.objects.get()
        assert (export.format, export.filters["query"]) == ("xlsx", "worklist=to_acknowledge")
        assert OrmQ.objects.get().task["func"] == "integrations.tasks.make_export"
        assert "being made" in page.text
        assert "the file is made in the background" in page.text
        assert page.redirect_chain[-1][0] == reverse("admin:integrations_export_change", args=[export.pk])
        assert not list(page.context["messages"]), "the page itself says how far the file is"
        progress = reverse("admin:integrations_export_progress", args=[export.pk])
        assert browser.get(progress).json()["open"]
        make(export.pk)
        figures = browser.get(progress).json()
        assert (figures["open"], figures["rows"]) == (False, Order.objects.filter(stage="in_erp").count())
        answer = browser.get(figures["file"])
        assert answer.content[:2] == b"PK"
        assert f"-{export.pk}.xlsx" in answer["Content-Disposition"]

    def test_ticked_rows_only(self, addressed: Any, browser: Any) -> None:
        form = {"action": "export_csv", "index": "0", "_selected_action": [order.pk for order in addressed[:3]]}
        browser.post(reverse("admin:orders_order_changelist"), form)
        export = Export.objects.get()
        make(export.pk)
        assert len(table(export)) == 4

    def test_the_exports_page(
        self, addressed: Any, boss: User, browser: Any, django_assert_max_num_queries: Any
    ) -> None:
        export = request_export("order", "csv", boss)
        make(export.pk)
        with django_assert_max_num_queries(14):
            page = browser.get(reverse("admin:integrations_export_changelist"))
        assert "Download" in page.text

    def test_old_files_go_and_dead_ones_are_told(self, addressed: Any, boss: User) -> None:
        old, dead = request_export("order", "csv", boss), request_export("order", "csv", boss)
        Export.objects.filter(pk=old.pk).update(expires_at=timezone.now() - timedelta(minutes=1))
        Export.objects.filter(pk=dead.pk).update(created_at=timezone.now() - timedelta(hours=1))
        assert sweep() == 1
        dead.refresh_from_db()
        assert "Export again" in dead.error
        assert not Export.objects.filter(pk=old.pk).exists()
