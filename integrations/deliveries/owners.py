"""One order of locks, so that no two transactions wait for each other.

Whoever changes deliveries and what they belong to (an order, a stock item) in one transaction locks the owners first,
by primary key, then whatever deliveries he likes: nobody else can be at the same ones in another order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet

from .models import Delivery

D = TypeVar("D", bound=Delivery)


def lock_by_key(rows: QuerySet[Any], *, skip_locked: bool = False) -> list[int]:
    """Lock rows of one table until the end of the transaction, lowest key first; return the keys.

    Keys may go on being referred to meanwhile. skip_locked: what others have locked is left out.
    """
    locked = rows.order_by("pk").select_for_update(no_key=True, skip_locked=skip_locked)
    return list(locked.values_list("pk", flat=True))


def lock_owners(*deliveries: QuerySet[Any]) -> None:
    """Lock what these deliveries belong to. Several kinds: all of them at once, because of the order."""
    if not connection.features.has_select_for_update:
        return  # one writer at a time: there is no order to keep
    owners: dict[type[Model], set[int]] = {}
    for rows in deliveries:
        if rows.model.OWNER:
            ids = rows.order_by().values_list(f"{rows.model.OWNER}_id", flat=True)
            owners.setdefault(_owner_model(rows.model), set()).update(ids)
    for model, keys in owners.items():
        lock_by_key(model._default_manager.filter(pk__in=keys))


def with_free_owners(rows: Sequence[D]) -> list[D]:
    """Lock the owners of rows that are locked already, without waiting; return the rows of those that were free."""
    if not rows or not rows[0].OWNER or not connection.features.has_select_for_update:
        return list(rows)
    ids = _owner_ids(rows)
    free = set(lock_by_key(_owner_model(type(rows[0]))._default_manager.filter(pk__in=set(ids)), skip_locked=True))
    return [row for row, owner in zip(rows, ids, strict=True) if owner in free]


def _owner_model(model: type[Delivery]) -> type[Model]:
    related: type[Model] = model._meta.get_field(model.OWNER).related_model  # type: ignore[assignment]
    return related


def _owner_ids(rows: Iterable[Delivery]) -> list[int]:
    return [getattr(row, f"{row.OWNER}_id") for row in rows]
