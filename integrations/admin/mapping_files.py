"""Tables of codes as CSV and XLSX files, in and out: codes stay text, and no cell is ever a formula.

Writing is ``integrations.exports``'; here is the way back: any encoding that Excel writes, ids with leading zeros.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import tablib
from django.utils.translation import gettext as _
from import_export.formats import base_formats
from openpyxl import load_workbook  # type: ignore[import-untyped]

from ..exports import write_csv, write_xlsx

MOST_ROWS: Final = 5_000
MOST_COLUMNS: Final = 50
# A workbook may leave rows empty, but not so many that looking through them takes for ever.
LAST_ROW: Final = 4 * MOST_ROWS
# A workbook is a ZIP file: a small one can unpack to any size.
LARGEST_UNPACKED: Final = 100 * 1024 * 1024
_ZEROS = re.compile(r"0+")


class UnreadableFile(ValueError):
    """The file cannot be read as what it was said to be; the message says what to do."""


def decoded(content: bytes) -> str:
    """Return the text of a CSV file: UTF-8 with or without mark, UTF-16 with mark, or GB18030 (Excel in China).

    Raises UnreadableFile.
    """
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise UnreadableFile(_("The file is no CSV text in UTF-8 or GB18030 (GBK). Save it again as CSV UTF-8 or as XLSX."))


class Sheet(tablib.Dataset):  # type: ignore[misc]
    """A table that knows in which rows of the file its rows stood."""

    def __init__(self, *rows: Any, **options: Any) -> None:
        super().__init__(*rows, **options)
        self.numbers: list[int] = []


def sheet_rows(table: tablib.Dataset) -> Sequence[int]:
    """Return where the rows of a table stood in its file, as a spreadsheet counts: without gaps below the headers,
    where nobody knows better.
    """
    return table.numbers if isinstance(table, Sheet) else range(2, len(table) + 2)


def _dataset(rows: list[list[Any]]) -> Sheet:
    """Return rows (the first that is not blank has the headers) as a table, without blank rows and without blank
    columns at the end.
    """
    filled = [(number, row) for number, row in enumerate(rows, start=1) if any(map(_text, row))]
    if not filled:
        raise UnreadableFile(_("The file is empty."))
    if len(filled) - 1 > MOST_ROWS:
        text = _(
            "The file has %(n)d rows; at most %(most)d are taken at once. Split it, or use manage.py loadmappings."
        )
        raise UnreadableFile(text % {"n": len(filled) - 1, "most": MOST_ROWS})
    headers = [_text(cell) for cell in filled[0][1]]
    while headers and not headers[-1]:
        headers.pop()
    twice = [name for name, number in Counter(name.casefold() for name in headers if name).items() if number > 1]
    if twice:
        text = _("Several columns are headed %(name)s, so nobody can tell which one counts. Keep one of them.")
        raise UnreadableFile(text % {"name": twice[0]})
    width = len(headers)
    table = Sheet(headers=headers)
    for number, row in filled[1:]:
        if any(map(_text, row[width:])):
            text = _("Row %(row)d has more cells than there are headers. A code with a comma must stand in quotes.")
            raise UnreadableFile(text % {"row": number})
        table.append([*row[:width], *[""] * (width - len(row))])
        table.numbers.append(number)
    return table


def _text(cell: Any) -> str:
    return str(cell if cell is not None else "").strip()


class CodesCsv(base_formats.CSV):  # type: ignore[misc]
    """CSV, read in whatever encoding a spreadsheet saves, with commas, semicolons or tabs between the cells."""

    def is_binary(self) -> bool:
        """Return True: we find the encoding ourselves."""
        return True

    def get_read_mode(self) -> str:
        """Return the mode for binary files."""
        return "rb"

    def create_dataset(self, in_stream: bytes, **_kwargs: Any) -> tablib.Dataset:
        """Return the table; raises UnreadableFile."""
        text = decoded(in_stream)
        head = text.partition("\n")[0]
        delimiter = max(",;\t", key=head.count)
        try:
            return _dataset(list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)))
        except csv.Error as error:
            raise UnreadableFile(_("The file is no CSV table: %(error)s.") % {"error": error}) from None

    def export_data(self, dataset: tablib.Dataset, **_kwargs: Any) -> bytes:
        """Return the file."""
        return write_csv(dataset.headers or [], dataset)


class CodesXlsx(base_formats.XLSX):  # type: ignore[misc]
    """XLSX, first sheet. A number that the sheet shows with leading zeros is read with them."""

    def create_dataset(self, in_stream: bytes) -> tablib.Dataset:
        """Return the table; raises UnreadableFile."""
        try:
            with zipfile.ZipFile(io.BytesIO(in_stream)) as archive:
                unpacked = sum(part.file_size for part in archive.infolist())
            if unpacked > LARGEST_UNPACKED:
                raise UnreadableFile(_("The workbook unpacks to more than 100 MB. Keep only the table in it."))
            book = load_workbook(io.BytesIO(in_stream), read_only=True, data_only=True)
            sheet = book.worksheets[0]
            rows = [
                [_shown(cell) for cell in row]
                for row in sheet.iter_rows(max_row=LAST_ROW + 1, max_col=MOST_COLUMNS)
            ]  # fmt: skip
            if len(rows) > LAST_ROW:
                text = _("The sheet goes on below row %(row)d. Delete its empty rows, or split it.")
                raise UnreadableFile(text % {"row": LAST_ROW})
        except UnreadableFile:
            raise
        except Exception as error:  # a damaged workbook breaks zipfile, expat or openpyxl, wherever the damage is
            text = _("The file is no XLSX workbook (%(error)s). Save it again as XLSX or as CSV UTF-8.")
            raise UnreadableFile(text % {"error": error}) from None
        return _dataset(rows)

    def export_data(self, dataset: tablib.Dataset, **_kwargs: Any) -> bytes:
        """Return the file."""
        return write_xlsx(dataset.headers or [], dataset, dataset.title or "")


def _shown(cell: Any) -> Any:
    """Return a cell's value; a whole number in a format such as 000000 as the text that Excel shows."""
    value = cell.value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        pattern = str(cell.number_format or "")
        if _ZEROS.fullmatch(pattern) and len(pattern) > 1:
            return str(value).zfill(len(pattern))
    return value
