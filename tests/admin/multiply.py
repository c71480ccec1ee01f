"""More rows of any model, by copying those that are there."""

from __future__ import annotations

import itertools
from typing import Any

from django.db import models


def multiply(model: type[models.Model], number: int) -> int:
    """Add up to ``number`` copies of the model's rows that differ only in what must be unique. Returns how many.

    Fewer are made where a row needs a partner of its own (one to one) and there are no more partners.
    """
    originals = list(model._default_manager.order_by("pk")[:50])
    alone = [list(getattr(constraint, "fields", ())) for constraint in model._meta.constraints]
    partners = {
        field.name: iter(_without(model, field)) for field in model._meta.concrete_fields
        if field.is_relation and (field.unique or [field.name] in alone)
    }  # fmt: skip
    copies: list[Any] = []
    for index, original in zip(range(number), itertools.cycle(originals), strict=False):
        copy = model(**{f.attname: getattr(original, f.attname) for f in model._meta.concrete_fields})
        try:
            for name, free in partners.items():
                setattr(copy, name, next(free))
        except StopIteration:
            break
        for field in _unique(model):
            setattr(
                copy,
                field.attname,
                _other(field, getattr(original, field.attname), f"{model.__name__[0]}{index}", index),
            )
        copies.append(copy)
    model._base_manager.bulk_create(copies)
    return len(copies)


def _without(model: type[models.Model], field: Any) -> list[Any]:
    """The rows that no row of the model is bound to yet."""
    return list(field.related_model._base_manager.exclude(pk__in=model._base_manager.values(field.attname)))


def _unique(model: type[models.Model]) -> list[Any]:
    """The fields to change: every unique one, and of those that are unique together the roomiest text."""
    groups = [
        *model._meta.concrete_model._meta.unique_together,
        *(getattr(each, "fields", ()) for each in model._meta.constraints),
    ]
    changed = {field for field in model._meta.concrete_fields if field.unique and not field.is_relation}
    for group in groups:
        own = [field for field in map(model._meta.get_field, group) if not field.is_relation]
        if own and not changed & set(own):
            changed.add(max(own, key=lambda field: (not field.choices, field.max_length or 0)))
    return list(changed)


def _other(field: Any, value: Any, mark: str, index: int) -> Any:
    if isinstance(field, models.AutoField):
        return None
    if isinstance(field, models.CharField | models.TextField):
        text = f"{mark}-{value}"
        return text[: field.max_length] if field.max_length else text
    if isinstance(field, models.IntegerField):
        return value + 1000 + index
    return value
