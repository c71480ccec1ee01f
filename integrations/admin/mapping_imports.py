"""What a file of mappings does to its table: every row is checked, then all of them are written, or none.

Few queries and few statements, however many rows: what the file names is read at once and written at once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, ClassVar

import tablib
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.utils.translation import gettext as _
from import_export import instance_loaders, resources, results, widgets
from simple_history.utils import bulk_create_with_history, bulk_update_with_history

from ..exports import read_back
from ..findings import Finding, Rules, Weight, of_weight
from .mapping_columns import CellDiff, Column, WholeNumberWidget, YesNoWidget, columns_of
from .mapping_files import UnreadableFile, sheet_rows

# Excel keeps 15 digits of a number: a longer one has lost its end before we see it.
MOST_DIGITS_IN_EXCEL = 15
# What Excel writes into a CSV file for a longer one.
ROUNDED = re.compile(r"[+-]?\d([.,]\d+)?[eE]\+\d\d+")
# Rows in one statement.
CHUNK = 500
# Rows that a page shows: nobody reads thousands, and a browser is slow with them.
ROWS_SHOWN = 500


class CodeWidget(widgets.CharWidget):  # type: ignore[misc]
    """A code or id: always text, without blanks around it, never a number that Excel has rounded."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        """Return the code; raises ValueError for a number with more digits than Excel keeps."""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        text = read_back(str(value if value is not None else "").strip())
        too_long = isinstance(value, int) and len(str(abs(value))) > MOST_DIGITS_IN_EXCEL
        if too_long or ROUNDED.fullmatch(text):
            raise ValueError(_("Excel has rounded the number %(n)s. Format the column as text.") % {"n": text})
        return text


class RowsOfTheFile(instance_loaders.BaseInstanceLoader):  # type: ignore[misc]
    """The stored rows that a file names, all read at once (import-export's own loader asks for each row)."""

    def __init__(self, resource: MappingResource, dataset: tablib.Dataset) -> None:
        super().__init__(resource, dataset)
        self._key = [resource.fields[name] for name in resource.get_import_id_fields()]
        self._stored: dict[tuple[Any, ...], Any] = {}
        if all(column.column_name in (dataset.headers or []) for column in self._key):
            self._read()

    def _read(self) -> None:
        first = self._key[0]
        wanted = set()
        for row in self.dataset.dict:
            with suppress(ValueError):
                wanted.add(first.clean(row))
        codes = sorted(wanted)
        for start in range(0, len(codes), CHUNK):
            found = self.resource.get_queryset().filter(**{f"{first.attribute}__in": codes[start : start + CHUNK]})
            self._stored |= {tuple(column.get_value(stored) for column in self._key): stored for stored in found}

    def get_instance(self, row: Any) -> Any:
        """Return the stored row, None for a new one; raises ValidationError for a key that cannot be read."""
        key = []
        for column in self._key:
            try:
                key.append(column.clean(row))
            except ValueError as error:
                raise ValidationError({column.attribute: str(error)}) from None
        return self._stored.get(tuple(key))


class ImportResult(results.Result):  # type: ignore[misc]
    """What became of a file. Rows are called by their number in the sheet, where the headers stand in row 1."""

    warnings: Sequence[tuple[str, list[int]]] = ()
    columns: Sequence[Column] = ()
    changes = 0

    @property
    def shown_rows(self) -> list[Any]:
        """Return the rows that the preview shows: those that change something, of a long file the first ones."""
        return list(self.rows[:ROWS_SHOWN])

    @property
    def not_shown(self) -> int:
        """How many more change something."""
        return max(0, len(self.rows) - ROWS_SHOWN)

    @property
    def shown_invalid_rows(self) -> list[Any]:
        """Return the rows with something wrong that the page shows."""
        return list(self.invalid_rows[:ROWS_SHOWN])

    @property
    def invalid_not_shown(self) -> int:
        """How many more have something wrong."""
        return max(0, len(self.invalid_rows) - ROWS_SHOWN)

    def append_invalid_row(self, number: int, row: Any, validation_error: ValidationError) -> None:
        """Keep a row with something wrong; a column that the file does not have is empty."""
        super().append_invalid_row(number, dict.fromkeys(self.diff_headers, "") | dict(row), validation_error)

    def row_errors(self) -> list[tuple[int, list[Any]]]:
        """Return the rows that failed for a reason that no check foresaw."""
        return [(row.number, row.errors) for row in self.error_rows]


class MappingResource(resources.ModelResource):  # type: ignore[misc]
    """Import and export of one kind of mapping; ``Meta.import_id_fields`` is its key.

    A file is taken whole or not at all: a missing column, an empty key, a key that stands twice or an id that
    LingXing doesn't have is an error. What is doubtful stands in ``result.warnings``; who confirms the preview
    confirms that too. ``rules`` look at the rows that are new or whose codes change.
    """

    WIDGETS_MAP: ClassVar[dict[str, Any]] = {
        **resources.ModelResource.WIDGETS_MAP, "CharField": CodeWidget, "BooleanField": YesNoWidget,
        "PositiveIntegerField": WholeNumberWidget,
    }  # fmt: skip
    rules: ClassVar[Rules | None] = None
    # Where a column's own name, or its type, says too little: what it means, and what may stand in it.
    meanings: ClassVar[dict[str, Any]] = {}
    values: ClassVar[dict[str, Any]] = {}

    get_diff_class = staticmethod(lambda: CellDiff)
    get_result_class = staticmethod(lambda: ImportResult)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._found: dict[int, list[Finding]] = {}
        self._named: set[str] = set()

    def before_import(self, dataset: tablib.Dataset, **kwargs: Any) -> None:
        """Check what can only be seen in the whole file."""
        key = list(self._meta.import_id_fields)
        headers = [str(header or "").strip() for header in dataset.headers or []]
        dataset.headers = headers
        self._named = set(headers)
        missing = [name for name in key if name not in headers]
        if missing:
            raise UnreadableFile(_("The file lacks the column %(names)s.") % {"names": ", ".join(missing)})
        rows = dataset.dict
        seen = Counter(tuple(str(row.get(name, "") or "").strip() for name in key) for row in rows)
        double = [" | ".join(values) for values, number in seen.items() if number > 1]
        if double:
            text = _("These stand more than once in the file: %(which)s.")
            raise UnreadableFile(text % {"which": ", ".join(double[:10])})
        self._found = self.check_file(rows)

    def check_file(self, rows: list[dict[str, Any]]) -> dict[int, list[Finding]]:
        """Return the findings by row number (from 1); a row whose codes are unreadable is told elsewhere."""
        rules = self.rules
        if rules is None or not rows or any(column not in rows[0] for column in rules.columns):
            return {}
        table = self._meta.model._default_manager
        known = {tuple(map(str, row)) for row in table.values_list(*(rules.stored or rules.columns)).iterator()}
        new: dict[int, dict[str, str]] = {}
        for number, row in enumerate(rows, start=1):
            try:
                codes = {column: CodeWidget().clean(row[column]) for column in rules.columns}
            except ValueError:
                continue
            if all(codes.values()) and tuple(codes.values()) not in known:
                new[number] = codes
        return dict(zip(new, rules.check(list(new.values())), strict=True)) if new else {}

    def import_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
        """Take the values of a row over; raises ValidationError with everything that is wrong with them."""
        errors: dict[str, Any] = {}
        try:
            super().import_instance(instance, row, **kwargs)
        except ValidationError as error:
            errors = error.update_error_dict(errors)
        found = self._found.setdefault(kwargs.get("row_number", 0), [])
        found += [] if errors else self.findings_of(instance)
        for finding in of_weight(found, Weight.REFUSE):
            errors.setdefault(finding.column, []).append(ValidationError(finding.message))
        if errors:
            raise ValidationError(errors)

    def findings_of(self, instance: Any) -> Sequence[Finding]:
        """Return what speaks against a row as it would be saved, beside what ``rules`` find."""
        return ()

    def after_import_row(self, row: Any, row_result: Any, **kwargs: Any) -> None:
        """Forget what speaks against a row that stands so already: nobody is asked about what stays."""
        if row_result.is_skip():
            self._found.pop(kwargs.get("row_number", 0), None)

    def after_import(self, dataset: tablib.Dataset, result: Any, **kwargs: Any) -> None:
        """Hand the warnings to the preview: a sentence each, with the rows of the sheet that it holds for."""
        numbers = sheet_rows(dataset)
        rows: dict[str, list[int]] = {}
        for number, findings in sorted(self._found.items()):
            for finding in of_weight(findings, Weight.CONFIRM):
                rows.setdefault(finding.message, []).append(numbers[number - 1])
        for row in (*result.invalid_rows, *result.error_rows):
            row.number = numbers[row.number - 1]
        result.warnings = list(rows.items())
        result.columns = columns_of(self)
        result.changes = result.totals["new"] + result.totals["update"]

    def validate_instance(
        self, instance: Any, import_validation_errors: Any = None, validate_unique: bool = True
    ) -> None:
        """Raise ValidationError for values that a row cannot have.

        What needs a look at other rows was asked for the whole file: keys are unique in it and in the table, other
        records exist, and the rest stands in ``check_file``.
        """
        errors = dict(import_validation_errors or {})
        chosen = [field.name for field in instance._meta.concrete_fields if field.is_relation]
        known = {name for name in chosen if getattr(instance, name, None) is not None}
        try:
            instance.full_clean(exclude={*errors, *known}, validate_unique=False, validate_constraints=False)
        except ValidationError as error:
            errors = error.update_error_dict(errors)
        if errors:
            raise ValidationError(errors)

    def bulk_create(self, using_transactions: bool, dry_run: bool, *args: Any, **kwargs: Any) -> None:
        """Leave the new rows to ``bulk_update``, which comes next: what gives something up goes first."""

    def bulk_update(
        self, using_transactions: bool, dry_run: bool, raise_errors: bool, batch_size: Any = None, result: Any = None
    ) -> None:
        """Write every row that is new or has changed, with its history; a preview writes nothing."""
        try:
            if not dry_run:
                self._write()
        except IntegrityError as error:  # somebody else saved the same mapping at this moment
            self.handle_import_error(result, error, raise_errors)
        self.create_instances.clear()
        self.update_instances.clear()

    def _write(self) -> None:
        columns = [
            field.attribute for field in self.get_import_fields()
            if field.column_name in self._named and field.column_name not in self._meta.import_id_fields
        ]  # fmt: skip
        for rows in self.in_turn(self.update_instances):
            if rows:
                bulk_update_with_history(rows, self._meta.model, columns, batch_size=CHUNK)
        if self.create_instances:
            bulk_create_with_history(self.create_instances, self._meta.model, batch_size=CHUNK)

    def in_turn(self, changed: list[Any]) -> Sequence[list[Any]]:
        """Return the changed rows in the groups in which they are written, one after the other."""
        return [changed]

    def after_init_instance(self, instance: Any, new: bool, row: Any, **kwargs: Any) -> None:
        """Give the history its reason."""
        instance._change_reason = "import"


def resource_meta(model_class: type[Any], key: Iterable[str], columns: Iterable[str]) -> type:
    """Return the Meta of a mapping's resource."""
    return type(
        "Meta", (), {
            "model": model_class, "import_id_fields": tuple(key), "fields": tuple(columns),
            "export_order": tuple(columns), "import_order": tuple(columns), "skip_unchanged": True,
            "report_skipped": False, "clean_model_instances": True, "use_transactions": True,
            "use_bulk": True, "batch_size": None, "instance_loader_class": RowsOfTheFile,
        },
    )  # fmt: skip
