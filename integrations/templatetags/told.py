"""Sentences in templates, where a filter shortens or changes them. Elsewhere they say themselves in HTML."""

from __future__ import annotations

from typing import Any

from django import template

from .. import sentences

register = template.Library()


@register.filter
def told(value: Any) -> Any:
    """Return a sentence in the reader's language, anything else as it is."""
    return sentences.told(value) if isinstance(value, str) else value
