"""Sentences in templates, where a filter shortens or changes them. Elsewhere they say themselves in HTML."""

from __future__ import annotations

from typing import Any

from django import template
from django.db.models import Model
from django.utils.text import capfirst

from .. import call_words, sentences

register = template.Library()


@register.filter
def purpose(call: Any) -> str:
    """Return what an API call was for, and the operation's name for those who look it up."""
    said = call_words.purpose(call.vendor, call.operation)
    return call.operation if said == call.operation else f"{sentences.told(said)} · {call.operation}"


@register.filter
def told(value: Any) -> Any:
    """Return a sentence in the reader's language, anything else as it is."""
    return sentences.told(value) if isinstance(value, str) else value


@register.filter
def page_title(value: Any) -> Any:
    """Return what pages call a record (``records.title_of``); a name of rows begins with a capital."""
    return getattr(value, "page_title", value) if isinstance(value, Model) else capfirst(value)
