"""LingXing's ids on the pages, with the names that its own lists give to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.safestring import SafeString

from ..lingxing.lists import names_of
from ..models import ListName
from . import words


def read_names(rows: Sequence[Any], columns: Mapping[str, ListName]) -> None:
    """Read what LingXing calls the stores, warehouses and methods of some rows, for ``named``: one query."""
    codes = {
        name: {getattr(row, column) for row in rows for column in columns if columns[column] == name}
        for name in columns.values()
    }
    found = names_of(codes)
    for row in rows:
        row.lingxing_names = {column: found.get((columns[column], getattr(row, column)), "") for column in columns}


def named(row: Any, column: str) -> SafeString | str:
    """Return a row's id with its name; the id alone where LingXing's lists have none."""
    return words.named(getattr(row, column), getattr(row, "lingxing_names", {}).get(column, ""))
