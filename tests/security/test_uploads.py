"""Uploaded files: limited in size, taken for what they are only, and never unpacked without end."""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from openpyxl import Workbook

from config.uploads import MOST_BYTES
from inventory.models import SkuMapping

pytestmark = pytest.mark.django_db
IMPORT = "/admin/inventory/skumapping/import/"
XLSX, CSV = "0", "1"


@pytest.fixture
def browser() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("mei"))
    return client


def upload(browser: Client, name: str, content: bytes, kind: str) -> Any:
    return browser.post(IMPORT, {"import_file": SimpleUploadedFile(name, content), "format": kind})


def workbook(replaced: dict[str, bytes] | None = None) -> bytes:
    book = Workbook()
    book.active.append(["dsco_sku", "erp_sku"])
    book.active.append(["A", "B"])
    file = io.BytesIO()
    book.save(file)
    if not replaced:
        return file.getvalue()
    changed = io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, replaced.get(part, old.read(part)))
    return changed.getvalue()


def test_a_request_that_is_too_large_is_refused_before_it_is_read(browser: Client) -> None:
    answer = upload(browser, "codes.csv", b"x" * (MOST_BYTES + 1), CSV)
    assert answer.status_code in (400, 413)


def test_a_file_that_is_too_large_is_refused(browser: Client) -> None:
    answer = upload(browser, "codes.csv", b"x" * (5 * 1024 * 1024 + 1), CSV)
    assert "at most 5 MB" in answer.content.decode()


def test_a_workbook_that_unpacks_to_gigabytes_is_refused(browser: Client) -> None:
    bomb = workbook({"xl/worksheets/sheet1.xml": b" " * (101 * 1024 * 1024)})
    assert len(bomb) < 5 * 1024 * 1024
    assert "unpacks to more than 100 MB" in upload(browser, "codes.xlsx", bomb, XLSX).content.decode()


def test_entities_in_a_workbook_are_not_blown_up(browser: Client) -> None:
    steps = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    sheet = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "ha">{steps}]><worksheet>&e9;</worksheet>'
    answer = upload(browser, "codes.xlsx", workbook({"xl/worksheets/sheet1.xml": sheet.encode()}), XLSX)
    assert answer.status_code == 200
    assert len(answer.content) < 1_000_000
    assert SkuMapping.objects.count() == 0


def test_entities_do_not_read_files_of_the_server(browser: Client) -> None:
    strings = (
        '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
        '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>&f;</t></si></sst>'
    )
    answer = upload(browser, "codes.xlsx", workbook({"xl/sharedStrings.xml": strings.encode()}), XLSX)
    assert answer.status_code == 200
    assert "root:" not in answer.content.decode()


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("codes.xlsx", b"MZ\x90\x00 a program", XLSX),
        ("codes.xlsx", b"PK\x03\x04 half an archive", XLSX),
        ("codes.csv", b"\x89PNG\r\n\x1a\n\x00\x00", CSV),
        ("codes.csv", workbook(), CSV),
        ("codes.csv", b"", CSV),
        ("codes.html", b"<script>alert(1)</script>", CSV),
    ],
)
def test_what_is_no_table_is_refused_with_words(browser: Client, name: str, content: bytes, kind: str) -> None:
    answer = upload(browser, name, content, kind)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "<script>alert(1)</script>" not in page
    assert SkuMapping.objects.count() == 0


@pytest.mark.parametrize("header", ["dsco_sku,erp_sku,erp_sku", "dsco_sku,erp_sku,ERP_SKU"])
def test_two_columns_of_one_name_are_refused_and_none_is_taken(browser: Client, header: str) -> None:
    page = upload(browser, "codes.csv", f"{header}\nA,B,C\n".encode(), CSV).content.decode()
    assert "Several columns are headed erp_sku" in page


def test_rows_far_below_are_not_left_out_silently(browser: Client) -> None:
    book = Workbook()
    book.active.append(["dsco_sku", "erp_sku"])
    for row in (2, 20_001):
        book.active.cell(row, 1, f"A{row}")
        book.active.cell(row, 2, "B")
    file = io.BytesIO()
    book.save(file)
    page = upload(browser, "codes.xlsx", file.getvalue(), XLSX).content.decode()
    assert "goes on below row 20000" in page


@pytest.mark.parametrize("by_path", [False, True])
def test_a_made_up_name_neither_reads_nor_deletes_a_file_of_the_server(browser: Client, by_path: bool) -> None:
    with tempfile.NamedTemporaryFile(mode="w", delete=False) as other:
        other.write("dsco_sku,erp_sku\nSTOLEN,B\n")
    name = f"../{Path(other.name).name}" if by_path else Path(other.name).name
    facts = {"import_file_name": name, "original_file_name": "x.csv", "format": CSV, "resource": ""}
    answer = browser.post("/admin/inventory/skumapping/process_import/", facts, follow=True)
    assert "no longer there" in answer.content.decode()
    assert SkuMapping.objects.count() == 0
    Path(other.name).unlink()


def test_what_was_previewed_is_imported_once(browser: Client) -> None:
    page = upload(browser, "codes.csv", b"dsco_sku,erp_sku\nA,B\n", CSV).content.decode()
    name = re.search(r'name="import_file_name" value="([0-9a-f]{32})"', page)[1]
    facts = {"import_file_name": name, "original_file_name": "codes.csv", "format": CSV, "resource": ""}
    browser.post("/admin/inventory/skumapping/process_import/", facts)
    assert SkuMapping.objects.get().erp_sku == "B"
    again = browser.post("/admin/inventory/skumapping/process_import/", facts, follow=True)
    assert "no longer there" in again.content.decode()
