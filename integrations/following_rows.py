"""Rows that follow from rows: inserted by the database itself, without a trip of every value through Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import connections, router
from django.db.models import Model, QuerySet, Value


def insert_for_each(rows: QuerySet[Any], model: type[Model], values: Mapping[str, Any]) -> None:
    """Insert one row of ``model`` for each of ``rows`` by one statement, as ``bulk_create`` would.

    values: of the new row's fields, each a value or an expression over the fields of ``rows``; a foreign key is named
    by its column (``order_id``). Fields that are not named get their defaults. No signal is sent.
    """
    fields: list[Any] = [field for field in model._meta.concrete_fields if not field.primary_key]
    given = {name: value for name, value in values.items() if not hasattr(value, "resolve_expression")}
    pattern = model(**given)
    expressions = {
        f"new_{field.attname}": values[field.attname]
        if field.attname in values and field.attname not in given
        else Value(field.pre_save(pattern, add=True), output_field=field)
        for field in fields
    }
    database = router.db_for_write(model)
    selected = rows.using(database).annotate(**expressions).values_list(*expressions)
    select, parameters = selected.query.get_compiler(database).as_sql()
    quote = connections[database].ops.quote_name
    columns = ", ".join(quote(field.column) for field in fields)
    with connections[database].cursor() as cursor:
        # Names of our own tables and columns, and a SELECT of the ORM with its parameters apart.
        cursor.execute(f"INSERT INTO {quote(model._meta.db_table)} ({columns}) {select}", parameters)
