"""Writing some columns of many rows at once, without writing the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import Any

from django.db import connection, models

# Columns with so many different values among the rows get a value for each row; by the others rows are grouped.
FEW_VALUES = 4
# SQLite takes some 32,000 values in one statement.
TOGETHER = 500


def save_columns(rows: Sequence[models.Model], columns: Sequence[str]) -> None:
    """Write these columns of rows of one table, as they are in memory: mostly in one statement for all.

    What becomes of the rows of one call hardly differs, so most values are written once. A row that is gone stays gone.
    """
    if not rows:
        return
    fields = [_field(rows[0], name) for name in columns]
    own = [field for field in fields if _differs(field, rows)]
    shared = [field for field in fields if field not in own]
    groups: dict[tuple[Hashable, ...], list[models.Model]] = defaultdict(list)
    for row in rows:
        groups[tuple(getattr(row, field.attname) for field in shared)].append(row)
    if len(groups) > FEW_VALUES:
        own, shared, groups = fields, [], {(): list(rows)}
    for values, members in groups.items():
        same = {field.attname: value for field, value in zip(shared, values, strict=True)}
        if own:
            for start in range(0, len(members), TOGETHER):
                _write_each(members[start : start + TOGETHER], own, same)
        else:
            type(rows[0])._default_manager.filter(pk__in=[row.pk for row in members]).update(**same)


def _field(row: models.Model, name: str) -> Any:
    """A column's field; ``Any``, because Django's types allow for relations of other tables."""
    return row._meta.pk if name == "pk" else row._meta.get_field(name)


def _differs(field: Any, rows: Sequence[models.Model]) -> bool:
    values = [getattr(row, field.attname) for row in rows]
    if not all(isinstance(value, Hashable) for value in values):
        return True
    return len(set(values)) > FEW_VALUES


def _write_each(rows: Sequence[models.Model], own: Sequence[Any], same: dict[str, Any]) -> None:
    """``UPDATE … FROM (VALUES …)``: PostgreSQL must be told the columns' types, SQLite must not."""
    meta, quote = rows[0]._meta, connection.ops.quote_name
    prepared = {
        quote(_field(rows[0], name).column): _field(rows[0], name).get_db_prep_save(value, connection)
        for name, value in same.items()
    }
    typed = connection.vendor == "postgresql"
    names = [quote(field.column) for field in own]
    # Without the length: what is too long is refused, not cut.
    kinds = [f"::{field.db_type(connection).partition('(')[0]}" if typed else "" for field in own]
    changes = [f"{name} = v.{name}{kind}" for name, kind in zip(names, kinds, strict=True)]
    changes += [f"{name} = %s" for name in prepared]
    placeholders = ", ".join([f"({', '.join(['%s'] * (len(own) + 1))})"] * len(rows))
    values = [
        value
        for row in rows
        for value in (row.pk, *(field.get_db_prep_save(getattr(row, field.attname), connection) for field in own))
    ]
    table, key = quote(meta.db_table), quote(_field(rows[0], "pk").column)
    statement = (
        f"WITH v (row_key, {', '.join(names)}) AS (VALUES {placeholders})"  # noqa: S608 - names of our own columns
        f" UPDATE {table} SET {', '.join(changes)} FROM v WHERE {table}.{key} = v.row_key"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, *prepared.values()])
