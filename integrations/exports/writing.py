"""Tables as CSV and XLSX, row by row. No cell is ever taken for a formula by a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from ..sentences import told

# A text that starts so is run by a spreadsheet as a formula (also after blanks, which it drops).
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
LONGEST_CELL = 32_000
# What a cell of a workbook cannot hold. (openpyxl is only loaded to write one: it takes long to load.)
ILLEGAL_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


def safe_cell(value: Any) -> Any:
    """Return a value as a cell: text that a spreadsheet would run gets an apostrophe in front, times are local."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | Decimal):
        return value
    if isinstance(value, datetime):
        return timezone.localtime(value).replace(tzinfo=None, microsecond=0)
    text = ILLEGAL_CHARACTERS.sub(" ", told(str(value)))[:LONGEST_CELL]
    return f"'{text}" if text.lstrip(" ").startswith(DANGEROUS) else text


def read_back(text: str) -> str:
    """Return the text of a cell that ``safe_cell`` wrote: without the apostrophe that it put in front."""
    return text[1:] if text.startswith("'") and text[1:].lstrip(" ").startswith(DANGEROUS) else text


def write_csv(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Return the table as CSV in UTF-8 with the mark by which Excel knows that."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow([safe_cell(header) for header in headers])
    writer.writerows([safe_cell(value) for value in row] for row in rows)
    return file.getvalue().encode("utf-8-sig")


def write_xlsx(headers: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "") -> bytes:
    """Return the table as a workbook with one sheet; its first row stays in sight."""
    from openpyxl import Workbook  # type: ignore[import-untyped] # noqa: PLC0415 - a tenth of a second

    book = Workbook(write_only=True)
    sheet = book.create_sheet(title[:30] or None)
    sheet.freeze_panes = "A2"
    sheet.append([safe_cell(header) for header in headers])
    for row in rows:
        sheet.append([safe_cell(value) for value in row])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
