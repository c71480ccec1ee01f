"""Files of mappings: any encoding that Excel saves, codes stay text, no formula goes out, errors name row and cause."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any, ClassVar

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import Workbook, load_workbook  # type: ignore[import-untyped]

from integrations.admin import mapping_files, mapping_forms, mapping_imports
from integrations.models import LingXingEntry
from inventory.mapping_checks import SKU_RULES
from inventory.models import SkuMapping, WarehouseMapping
from orders.models import RetailerPolicy, Store, StoreMapping

pytestmark = pytest.mark.django_db
XLSX, CSV = "0", "1"


def upload(browser: Any, table: str, content: bytes, file_format: str) -> Any:
    file = SimpleUploadedFile(f"codes.{'csv' if file_format == CSV else 'xlsx'}", content)
    return browser.post(reverse(f"admin:{table}_import"), {"import_file": file, "format": file_format, "resource": ""})


def take(browser: Any, table: str, content: bytes, file_format: str) -> Any:
    """Upload a file and confirm its preview."""
    page = upload(browser, table, content, file_format)
    form = page.context["confirm_form"]
    return browser.post(reverse(f"admin:{table}_process_import"), form.initial, follow=True)


def refused(page: Any) -> bool:
    return page.context.get("confirm_form") is None


def export(browser: Any, table: str, file_format: str) -> bytes:
    page = browser.post(
        reverse(f"admin:{table}_export"),
        {"format": file_format, "resource": "", **dict.fromkeys(EXPORTED.get(table, ()), "on")},
    )
    return bytes(page.content)


EXPORTED = {
    "inventory_skumapping": ["dsco_sku", "erp_sku", "for_orders", "sync_stock", "stock_buffer", "stock_cap"],
    "orders_store": ["store_id", "sid", "name"],
}


def sheet(*rows: list[Any], formats: dict[str, str] | None = None) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    for cell, pattern in (formats or {}).items():
        book.active[cell].number_format = pattern
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


class TestCsv:
    @pytest.mark.parametrize("encoding", ["gb18030", "gbk", "utf-8", "utf-8-sig", "utf-16"])
    def test_every_encoding_that_excel_saves_is_read(self, encoding: str, browser: Any) -> None:
        take(browser, "inventory_skumapping", "dsco_sku,erp_sku\n台灯-1,领星-台灯\n".encode(encoding), CSV)
        assert SkuMapping.objects.get().erp_sku == "领星-台灯"

    @pytest.mark.parametrize("separator", [";", "\t"])
    def test_semicolons_and_tabs_are_understood(self, separator: str, browser: Any) -> None:
        take(browser, "inventory_skumapping", f"dsco_sku{separator}erp_sku\r\nA{separator}LX,1\r\n".encode(), CSV)
        assert SkuMapping.objects.get().erp_sku == "LX,1"

    def test_leading_zeros_and_18_digits_are_kept(self, browser: Any) -> None:
        take(browser, "orders_storemapping", b"retailer_id,store_id\n0012,110000000000000001\n", CSV)
        mapping = StoreMapping.objects.get()
        assert (mapping.retailer_id, mapping.store.store_id) == ("0012", "110000000000000001")

    @pytest.mark.parametrize("rounded", ["1.1E+17", "1,1E+17", "1.10000000000000E+17"])
    def test_an_id_that_excel_rounded_is_refused_with_its_row(self, rounded: str, browser: Any) -> None:
        page = upload(browser, "orders_storemapping", f'retailer_id,store_id\n1,"{rounded}"\n'.encode(), CSV)
        assert refused(page)
        assert "Excel has rounded the number" in page.text
        assert not Store.objects.exists()

    def test_bytes_that_are_no_text_are_refused(self, browser: Any) -> None:
        page = upload(browser, "inventory_skumapping", b"dsco_sku,erp_sku\n\xff\x00\x81,x\n", CSV)
        assert refused(page)
        assert "no CSV text in UTF-8 or GB18030" in page.text

    def test_a_code_with_an_unquoted_comma_is_refused(self, browser: Any) -> None:
        page = upload(browser, "inventory_skumapping", b"dsco_sku,erp_sku\nA,LX,1\n", CSV)
        assert refused(page)
        assert "Row 2 has more cells than there are headers" in page.text

    def test_a_missing_column_is_named_without_a_traceback(self, browser: Any) -> None:
        page = upload(browser, "inventory_skumapping", b"dsco_sku\nA\n", CSV)
        assert "The file lacks the column erp_sku." in page.text
        assert "Traceback" not in page.text


class TestXlsx:
    def test_zeros_that_the_sheet_shows_are_kept(self, browser: Any) -> None:
        content = sheet(["dsco_sku", "erp_sku"], [42, "0007"], formats={"A2": "00000"})
        take(browser, "inventory_skumapping", content, XLSX)
        mapping = SkuMapping.objects.get()
        assert (mapping.dsco_sku, mapping.erp_sku) == ("00042", "0007")

    def test_blank_rows_and_columns_are_no_rows(self, browser: Any) -> None:
        content = sheet(["dsco_sku", "erp_sku", None], ["A", "LX-A", None], [None, " ", None], ["B", "LX-B", None])
        take(browser, "inventory_skumapping", content, XLSX)
        assert SkuMapping.objects.count() == 2

    def test_no_workbook_is_refused(self, browser: Any) -> None:
        page = upload(browser, "inventory_skumapping", b"dsco_sku,erp_sku\nA,B\n", XLSX)
        assert refused(page)
        assert "no XLSX workbook" in page.text

    def test_a_workbook_that_unpacks_to_a_giant_is_refused(self, browser: Any, monkeypatch: Any) -> None:
        monkeypatch.setattr(mapping_files, "LARGEST_UNPACKED", 1000)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("xl/worksheets/sheet1.xml", b" " * 100_000)
        page = upload(browser, "inventory_skumapping", packed.getvalue(), XLSX)
        assert refused(page)
        assert "unpacks to more than" in page.text


class TestLimits:
    def test_a_large_file_is_refused(self, browser: Any, monkeypatch: Any) -> None:
        monkeypatch.setattr(mapping_forms, "LARGEST_FILE", 100)
        page = upload(browser, "inventory_skumapping", b"dsco_sku,erp_sku\n" + b"A,B\n" * 100, CSV)
        assert refused(page)
        assert "at most" in page.text

    def test_too_many_rows_are_refused(self, browser: Any, monkeypatch: Any) -> None:
        monkeypatch.setattr(mapping_files, "MOST_ROWS", 2)
        page = upload(browser, "inventory_skumapping", b"dsco_sku,erp_sku\nA,B\nC,D\nE,F\n", CSV)
        assert refused(page)
        assert "The file has 3 rows" in page.text


class TestChecks:
    def test_an_id_that_lingxing_does_not_have_refuses_the_file_and_names_the_row(
        self, browser: Any, lists: None
    ) -> None:
        page = upload(browser, "inventory_warehousemapping", b"dsco_code,wid\nEAST,50\nWEST,99\n", CSV)
        assert refused(page)
        assert "LingXing has no warehouse with the id (wid) 99" in page.text
        assert not WarehouseMapping.objects.exists()

    def test_warnings_stand_in_the_preview_and_confirming_accepts_them(self, browser: Any, lists: None) -> None:
        content = b"dsco_code,wid\nEAST,50\nNJ,50\n"
        page = upload(browser, "inventory_warehousemapping", content, CSV)
        assert "2 new, 0 changed, 0 unchanged" in page.text
        assert "reported to DSCO once only" in page.text
        take(browser, "inventory_warehousemapping", content, CSV)
        assert WarehouseMapping.objects.count() == 2

    def test_rows_that_stand_so_already_are_not_checked_again(self, browser: Any, lists: None) -> None:
        WarehouseMapping.objects.create(dsco_code="OLD", wid="1")
        page = upload(browser, "inventory_warehousemapping", b"dsco_code,wid,sync_stock\nOLD,1,0\n", CSV)
        assert not refused(page)
        assert not page.context["result"].warnings

    def test_a_store_that_we_do_not_have_yet_is_made(self, browser: Any, lists: None) -> None:
        take(browser, "orders_storemapping", b"retailer_id,store_id\nR1,110000000000000001\n", CSV)
        assert Store.objects.get().name == "DSCO US"

    def test_the_checks_cost_few_queries(self, lists: None, django_assert_max_num_queries: Any) -> None:
        SkuMapping.objects.bulk_create(SkuMapping(dsco_sku=f"A{n}", erp_sku="LX-RUG") for n in range(300))
        rows = [{"dsco_sku": f"B{n}", "erp_sku": "LX-RUG"} for n in range(300)]
        with django_assert_max_num_queries(6):
            found = SKU_RULES.check(rows)
        assert all("could be sold twice" in own[0].message for own in found)


class TestExport:
    HOSTILE = "=cmd|' /C calc'!A0"

    @pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
    def test_no_cell_is_a_formula(self, start: str, browser: Any) -> None:
        Store.objects.create(store_id="1", name=f"{start}1+1")
        rows = list(csv.DictReader(io.StringIO(export(browser, "orders_store", CSV).decode("utf-8-sig"))))
        assert rows[0]["name"].startswith("'")
        [_head, row] = load_workbook(io.BytesIO(export(browser, "orders_store", XLSX))).active.iter_rows()
        assert row[2].data_type == "s"
        assert row[2].value.startswith("'")

    @pytest.mark.parametrize("file_format", [CSV, XLSX])
    def test_what_is_exported_can_be_imported_again_without_a_change(self, file_format: str, browser: Any) -> None:
        SkuMapping.objects.create(dsco_sku="-A", erp_sku=self.HOSTILE, stock_cap=4)
        SkuMapping.objects.create(dsco_sku="0012", erp_sku="110000000000000001", sync_stock=False)
        page = upload(
            browser, "inventory_skumapping", export(browser, "inventory_skumapping", file_format), file_format
        )
        assert page.context["result"].totals["skip"] == 2, page.context["result"].totals

    def test_excel_knows_the_encoding(self, browser: Any) -> None:
        assert export(browser, "orders_store", CSV).startswith(b"\xef\xbb\xbf")


class TestPages:
    """What staff read before a file is taken: columns in words, what changes, what is wrong and in which row."""

    def test_the_upload_explains_the_columns(self, browser: Any) -> None:
        page = browser.get(reverse("admin:inventory_skumapping_import")).text
        assert "<code>stock_buffer</code>" in page
        assert "Safety buffer" in page
        assert "1 (yes) or 0 (no)" in page
        assert "Show what changes" in page
        policies = browser.get(reverse("admin:orders_retailerpolicy_export")).text
        assert "shadow (Shadow: computed and shown, not sent)" in policies
        assert "When to invoice" in policies

    def test_the_preview_shows_old_and_new_under_words(self, browser: Any) -> None:
        SkuMapping.objects.create(dsco_sku="A", erp_sku="LX-A")
        page = upload(browser, "inventory_skumapping", b"dsco_sku,erp_sku,stock_buffer\nA,LX-A,5\nB,LX-B,0\n", CSV)
        assert "1 new, 1 changed, 0 unchanged" in page.text
        assert "<td><del>0</del> → <ins>5</ins></td>" in page.text
        assert '<th title="stock_buffer">Safety buffer</th>' in page.text
        assert "Stock_buffer" not in page.text

    def test_a_file_without_a_change_has_nothing_to_confirm(self, browser: Any) -> None:
        SkuMapping.objects.create(dsco_sku="A", erp_sku="LX-A")
        page = upload(browser, "inventory_skumapping", b"dsco_sku,erp_sku\nA,LX-A\n", CSV)
        assert "there is nothing to take over" in page.text
        assert "Confirm import" not in page.text

    @pytest.mark.parametrize(("answer", "expected"), [("yes", True), ("否", False), ("TRUE", True), ("0", False)])
    def test_yes_and_no_are_understood(self, answer: str, expected: bool, browser: Any) -> None:
        take(browser, "inventory_skumapping", f"dsco_sku,erp_sku,sync_stock\nA,B,{answer}\n".encode(), CSV)
        assert SkuMapping.objects.get().sync_stock is expected

    def test_what_is_neither_yes_nor_no_is_refused_with_column_and_row_of_the_sheet(self, browser: Any) -> None:
        page = upload(browser, "inventory_skumapping", b"dsco_sku,erp_sku,sync_stock\nA,B,1\nC,D,maybe\n", CSV)
        assert refused(page)
        assert "<strong>Synchronise stock</strong>: “maybe” is neither yes nor no: write 1 or 0." in page.text
        assert "<td>3</td>" in page.text

    @pytest.mark.parametrize(("cell", "said"), [
        ("many", "“many” is no whole number."), ("1.5", "“1.5” is no whole number."),
        ("-4", "Ensure this value is greater than or equal to 0."), ("9" * 30, "is no whole number."),
    ])  # fmt: skip
    def test_what_is_no_number_of_units_is_refused_in_words(self, cell: str, said: str, browser: Any) -> None:
        page = upload(browser, "inventory_skumapping", f"dsco_sku,erp_sku,stock_buffer\nA,B,{cell}\n".encode(), CSV)
        assert refused(page)
        assert "<strong>Safety buffer</strong>: " in page.text
        assert said in page.text

    def test_a_spreadsheets_whole_number_is_one(self, browser: Any) -> None:
        take(browser, "inventory_skumapping", b"dsco_sku,erp_sku,stock_buffer,stock_cap\nA,B,5.0,\n", CSV)
        assert SkuMapping.objects.values_list("stock_buffer", "stock_cap").get() == (5, None)

    def test_a_store_that_is_not_named_is_refused_in_words(self, browser: Any) -> None:
        page = upload(browser, "orders_storemapping", b"retailer_id,store_id\nR1,\n", CSV)
        assert refused(page)
        assert "This field cannot be blank." in page.text

    def test_a_file_of_another_table_says_only_what_it_lacks(self, browser: Any) -> None:
        page = upload(browser, "inventory_skumapping", b"dsco_code,wid\nEAST,1\n", CSV)
        assert "The file lacks the column dsco_sku, erp_sku." in page.text
        assert "has no attribute" not in page.text
        assert page.text.count("<li>The file") == 1
        assert "not found in dataset" not in page.text

    def test_statuses_of_a_policy_are_written_as_people_write_them(self, browser: Any) -> None:
        take(browser, "orders_retailerpolicy", b'retailer_id,acknowledge_statuses\nR1,"5, 6"\nR2,[6]\n', CSV)
        found = dict(RetailerPolicy.objects.values_list("retailer_id", "acknowledge_statuses"))
        assert found == {"R1": [5, 6], "R2": [6]}
        assert b'"5, 6"' in export(browser, "orders_retailerpolicy", CSV)
        page = upload(browser, "orders_retailerpolicy", b"retailer_id,acknowledge_statuses\nR1,shipped\n", CSV)
        assert "is no list of statuses: write their numbers, as in 5, 6." in page.text

    def test_the_audit_trail_says_import_in_the_readers_language(self, browser: Any) -> None:
        take(browser, "inventory_skumapping", b"dsco_sku,erp_sku\nA,LX-A\n", CSV)
        browser.cookies["django_language"] = "zh-hans"
        trail = browser.get("/admin/audit/").text
        assert trail.count("A → LX-A") == 1
        assert '<td class="ob-quiet">导入</td>' in trail
        assert "import_export" not in trail


class TestManyRows:
    """A file of thousands of rows costs as many questions to the database as one of a few."""

    KINDS: ClassVar = {
        "inventory_skumapping": ("dsco_sku,erp_sku,stock_buffer", "A{0},LX{0},{1}"),
        "inventory_warehousemapping": ("dsco_code,wid,sync_stock", "A{0},5{0},{1}"),
        "orders_store": ("store_id,name", "11{0},Store {1}"),
        "orders_storemapping": ("retailer_id,store_id", "R{0},11{1}"),
        "orders_shippingmapping": ("warehouse_code,service_level,logistics_type_id", "*,L{0},8{1}"),
        "orders_retailerpolicy": ("retailer_id,name,require_warehouse_code", "R{0},Shop {1},1"),
    }

    @pytest.mark.parametrize("table", KINDS)
    def test_the_preview_asks_for_all_rows_at_once(
        self, table: str, browser: Any, django_assert_max_num_queries: Any
    ) -> None:
        take(browser, table, self.file(table, 60, 0), CSV)
        with django_assert_max_num_queries(45):
            page = upload(browser, table, self.file(table, 120, 1), CSV)
        assert (page.context["result"].totals["new"], page.context["result"].totals["update"]) == (60, 60)

    @pytest.mark.parametrize("table", KINDS)
    def test_the_confirmed_file_is_written_at_once_with_its_history(
        self, table: str, browser: Any, boss: Any, django_assert_max_num_queries: Any
    ) -> None:
        take(browser, table, self.file(table, 60, 0), CSV)
        form = upload(browser, table, self.file(table, 120, 1), CSV).context["confirm_form"]
        with django_assert_max_num_queries(60):
            browser.post(reverse(f"admin:{table}_process_import"), form.initial)
        model = apps.get_model(table.replace("_", "."))
        assert model.objects.count() >= 120
        history = model.history.filter(history_user=boss, history_change_reason="import")
        assert history.filter(history_type="+").count() >= 120
        assert history.filter(history_type="~").count() == 60

    def test_a_long_preview_shows_the_first_rows_and_says_how_many_follow(self, browser: Any, monkeypatch: Any) -> None:
        monkeypatch.setattr(mapping_imports, "ROWS_SHOWN", 2)
        page = upload(browser, "inventory_skumapping", self.file("inventory_skumapping", 5, 1), CSV).text
        assert "5 new, 0 changed" in page
        assert "<td>A1</td>" in page
        assert "<td>A2</td>" not in page
        assert "And 3 more rows like these." in page

    def test_a_long_list_of_mistakes_shows_the_first_and_says_how_many_follow(
        self, browser: Any, monkeypatch: Any
    ) -> None:
        monkeypatch.setattr(mapping_imports, "ROWS_SHOWN", 2)
        page = upload(browser, "inventory_skumapping", self.file("inventory_skumapping", 3, "many"), CSV)
        assert refused(page)
        assert page.text.count("“many” is no whole number.") == 2
        assert "And 1 more row with something wrong." in page.text

    def file(self, table: str, number: int, figure: Any) -> bytes:
        head, row = self.KINDS[table]
        return "\n".join([head, *(row.format(index, figure) for index in range(number))]).encode()


class TestRowNumbers:
    """A row is called by the number that the spreadsheet shows beside it, blank rows counted."""

    def test_below_blank_rows(self, browser: Any) -> None:
        page = upload(browser, "inventory_skumapping", b"dsco_sku,erp_sku,sync_stock\nA,B,1\n\n,,\nC,D,maybe\n", CSV)
        assert [row.number for row in page.context["result"].invalid_rows] == [5]
        assert "<td>5</td>" in page.text

    def test_below_a_blank_first_row(self, browser: Any) -> None:
        content = sheet([None], ["dsco_sku", "erp_sku", "sync_stock"], ["A", "B", 1], [None], ["C", "D", "maybe"])
        page = upload(browser, "inventory_skumapping", content, XLSX)
        assert [row.number for row in page.context["result"].invalid_rows] == [5]

    def test_where_cells_are_too_many(self, browser: Any) -> None:
        page = upload(browser, "inventory_skumapping", b"dsco_sku,erp_sku\n\nA,B\n\nC,D,E\n", CSV)
        assert "Row 5 has more cells than there are headers" in page.text

    def test_of_warnings(self, browser: Any, lists: None) -> None:
        page = upload(browser, "inventory_warehousemapping", b"dsco_code,wid\n\nEAST,50\n\nNJ,50\n", CSV)
        assert "Row 3, 5:" in page.text or "Row 5:" in page.text

    def test_of_a_key_that_excel_rounded_below_rows_that_stay(self, browser: Any) -> None:
        SkuMapping.objects.create(dsco_sku="A", erp_sku="LX-A")
        page = upload(browser, "inventory_skumapping", b"dsco_sku,erp_sku\nA,LX-A\n1.1E+17,B\n", CSV)
        assert [row.number for row in page.context["result"].invalid_rows] == [3]
        assert "<strong>DSCO SKU</strong>: Excel has rounded the number 1.1E+17." in page.text


class TestWholeOrNotAtAll:
    def test_what_became_impossible_since_the_preview_is_not_taken_in_part(self, browser: Any, lists: None) -> None:
        form = upload(browser, "inventory_warehousemapping", b"dsco_code,wid\nEAST,50\nWEST,51\n", CSV)
        LingXingEntry.objects.filter(code="51").delete()
        address = reverse("admin:inventory_warehousemapping_process_import")
        page = browser.post(address, form.context["confirm_form"].initial, follow=True)
        assert "Something has changed since the preview: nothing was taken." in page.text
        assert "Taken over from the file" not in page.text
        assert not WarehouseMapping.objects.exists()


class TestForOrders:
    """Of the mappings of one DSCO SKU one is for orders: judged by how things stand after the whole file."""

    def take(self, browser: Any, *rows: str) -> Any:
        return upload(browser, "inventory_skumapping", "\n".join(["dsco_sku,erp_sku,for_orders", *rows]).encode(), CSV)

    def test_two_in_the_file_are_refused(self, browser: Any) -> None:
        page = self.take(browser, "A,LX-1,1", "A,LX-2,1", "B,LX-3,1")
        assert refused(page)
        assert [row.number for row in page.context["result"].invalid_rows] == [2, 3]
        assert "A would have several: LX-1, LX-2." in page.text

    def test_one_beside_a_stored_one_is_refused(self, browser: Any) -> None:
        SkuMapping.objects.create(dsco_sku="A", erp_sku="LX-1")
        page = upload(browser, "inventory_skumapping", b"dsco_sku,erp_sku\nA,LX-2\n", CSV)
        assert refused(page)
        assert "A would have several: LX-1, LX-2." in page.text

    @pytest.mark.parametrize("rows", [("A,LX-1,0", "A,LX-2,1"), ("A,LX-2,1", "A,LX-1,0")])
    @pytest.mark.parametrize("known", [True, False])
    def test_one_row_takes_over_what_another_gives_up(self, rows: tuple[str, ...], known: bool, browser: Any) -> None:
        SkuMapping.objects.create(dsco_sku="A", erp_sku="LX-1")
        if known:
            SkuMapping.objects.create(dsco_sku="A", erp_sku="LX-2", for_orders=False)
        form = self.take(browser, *rows).context["confirm_form"]
        browser.post(reverse("admin:inventory_skumapping_process_import"), form.initial)
        assert dict(SkuMapping.objects.values_list("erp_sku", "for_orders")) == {"LX-1": False, "LX-2": True}
