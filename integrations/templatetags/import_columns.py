"""Columns of a file of mappings, on the pages that say what is wrong with it."""

from __future__ import annotations

from typing import Any

from django import template

register = template.Library()


@register.filter
def column_label(result: Any, name: str) -> str:
    """Return what a column of an import's result means, in words."""
    return next((column.label for column in result.columns if column.name == name), name)
