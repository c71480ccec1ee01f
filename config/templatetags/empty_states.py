"""The words of an empty list, for its template."""

from __future__ import annotations

from typing import Any

from django import template

register = template.Library()


@register.simple_tag
def empty_advice(change_list: Any) -> str:
    """Return what the empty list of a change list should say."""
    from .. import empty_states  # noqa: PLC0415 - the theme loads the tags before its own admin is complete

    return empty_states.empty_advice(change_list)
