"""``prefetch_related`` for rows that refer to these, without a queryset of its own for each row.

Django gives every row a manager's queryset that holds what was read. Making 500 of them for a claim, and having the
garbage collector take them apart again, was a quarter of a flow's processor time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import Prefetch, prefetch_related_objects
from django.db.models.fields.reverse_related import ManyToOneRel

M_co = TypeVar("M_co", bound=models.Model, covariant=True)


class QuickQuerySet(models.QuerySet[M_co]):
    """Reads plain names (``order__lines``) quickly; everything else as Django does."""

    _prefetch_related_lookups: tuple[str | Prefetch[Any], ...]
    _prefetch_done: bool
    _result_cache: list[Any]

    def _prefetch_related_objects(self) -> None:
        left = [path for path in self._prefetch_related_lookups if not attach(self._result_cache, path, self.db)]
        if left:
            prefetch_related_objects(self._result_cache, *left)
        self._prefetch_done = True


class FetchedRows:
    """What ``order.lines`` gives when it was read before: ``all()`` and all that needs only these rows.

    Another question (``filter`` …) goes to the database, as it does with Django's.
    """

    def __init__(self, owner: models.Model, relation: ManyToOneRel, rows: Sequence[models.Model]) -> None:
        self._owner, self._relation, self._rows = owner, relation, rows

    def all(self) -> FetchedRows:
        """Return the rows."""
        return self

    def count(self) -> int:
        """Return how many they are."""
        return len(self._rows)

    def exists(self) -> bool:
        """Return whether there is any."""
        return bool(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, which: Any) -> Any:
        return self._rows[which]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # while it is copied, it has nothing to ask with yet
            raise AttributeError(name)
        rows = _rows_of(self._relation, self._owner._state.db)
        return getattr(rows.filter(**{self._relation.field.name: self._owner}), name)


def attach(rows: Sequence[models.Model], path: str | Prefetch[Any], using: str) -> bool:
    """Read what ``path`` names for all rows, a statement for each name that is not there yet.

    Returns whether that was possible: every name but those of rows that refer to these must have been read with the
    rows (``select_related``), and a ``Prefetch`` is Django's.
    """
    if not isinstance(path, str):
        return False
    for name in path.split("__"):
        if not rows or not isinstance(rows[0], models.Model):  # values of columns have nobody that refers to them
            return True
        try:
            field = rows[0]._meta.get_field(name)
        except FieldDoesNotExist:
            return False  # Django says so
        if isinstance(field, ManyToOneRel) and not field.one_to_one:
            rows = _attached(rows, field, using)
        elif isinstance(field, models.ForeignKey) and all(field.is_cached(row) for row in rows):
            rows = [row for row in (field.get_cached_value(row) for row in rows) if row is not None]
        else:
            return False
    return True


def _attached(rows: Sequence[models.Model], relation: ManyToOneRel, using: str) -> list[models.Model]:
    """Give each row those that refer to it; return all of them."""
    name, field = relation.get_accessor_name(), relation.field
    owners = {row.pk: row for row in rows if name not in _fetched(row)}
    if owners:
        by_owner: dict[Any, list[models.Model]] = defaultdict(list)
        for found in _rows_of(relation, using).filter(**{f"{field.attname}__in": list(owners)}):
            owner = getattr(found, field.attname)
            field.set_cached_value(found, owners[owner])
            by_owner[owner].append(found)
        for row in rows:
            if name not in (fetched := _fetched(row)):
                fetched[name] = FetchedRows(row, relation, by_owner.get(row.pk, []))
    return [found for row in rows for found in _fetched(row)[name]]


def _rows_of(relation: ManyToOneRel, using: str | None) -> models.QuerySet[Any]:
    return relation.related_model._default_manager.using(using)


def _fetched(row: Any) -> dict[str, Any]:
    """Where Django keeps what was prefetched for a row."""
    if not hasattr(row, "_prefetched_objects_cache"):
        row._prefetched_objects_cache = {}
    cache: dict[str, Any] = row._prefetched_objects_cache
    return cache
