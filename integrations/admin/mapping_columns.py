"""The columns of a file of mappings in the words of staff, and how their cells are written and read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from import_export import resources, widgets

YES: Final = {"1", "true", "yes", "y", "是"}
NO: Final = {"0", "false", "no", "n", "否"}
# A spreadsheet may write 5 as 5.0. More digits than a database takes are none of ours.
WHOLE: Final = re.compile(r"-?\d{1,18}(\.0+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its header in the file, what it means, what may stand in it ("" for any text); part of the key?"""

    name: str
    label: str
    values: str = ""
    key: bool = False


def columns_of(resource: Any) -> list[Column]:
    """Return the columns of a resource, in the order of its files."""
    opts, key = resource._meta.model._meta, set(resource._meta.import_id_fields)
    found = []
    for name, field in zip(resource.get_import_order(), resource.get_import_fields(), strict=True):
        column = opts.get_field(field.attribute)
        label = capfirst(str(resource.meanings.get(name, column.verbose_name)))
        found.append(Column(field.column_name, label, str(resource.values.get(name, _values(column))), name in key))
    return found


def _values(column: Any) -> str:
    """Return what may stand in a column, where that is not any text."""
    if column.get_internal_type() == "BooleanField":
        return _("1 (yes) or 0 (no)")
    return ", ".join(f"{value} ({label})" for value, label in column.flatchoices)


class YesNoWidget(widgets.BooleanWidget):  # type: ignore[misc]
    """A cell with yes or no: written as 1 and 0; what is neither is refused, never taken for no."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> bool | None:
        """Return the answer, None for an empty cell; raises ValueError for anything else."""
        text = str(value if value is not None else "").strip().lower()
        if not text:
            return None
        if text not in YES | NO:
            raise ValueError(_("“%(value)s” is neither yes nor no: write 1 or 0.") % {"value": value})
        return text in YES


class WholeNumberWidget(widgets.IntegerWidget):  # type: ignore[misc]
    """A cell with a whole number; what is none is refused, never cut or rounded."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> int | None:
        """Return the number, None for an empty cell; raises ValueError for anything else."""
        text = str(value if value is not None else "").strip()
        if not text:
            return None
        if not WHOLE.fullmatch(text):
            raise ValueError(_("“%(value)s” is no whole number.") % {"value": value})
        return int(text.partition(".")[0])


class CellDiff(resources.Diff):  # type: ignore[misc]
    """What an import changes in a row: whole cells, old and new (import-export marks single letters, in colours of
    its own that the page's content policy does not allow).
    """

    def as_html(self) -> list[SafeString | str]:
        """Return each cell of the row: as it is, or the old value struck out before the new one."""
        if self.new:
            return list(self.right)
        return [new if old == new else _changed(old, new) for old, new in zip(self.left, self.right, strict=True)]


def _changed(old: str, new: str) -> SafeString:
    return format_html("<del>{}</del> → <ins>{}</ins>", old or _("(empty)"), new or _("(empty)"))
