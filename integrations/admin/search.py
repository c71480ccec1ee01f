"""Searching by exact numbers: each index is asked by itself, never an OR across joins."""

from __future__ import annotations

import re

MOST_NUMBERS = 500
# Whatever stands between numbers in mails, sheets and chats.
_separators = re.compile(r"[\s,;|，；、｜]+")
_QUOTES = "'\"“”‘’「」()（）[]"


def split_numbers(text: str) -> list[str]:
    """Return the numbers in a text, in whatever way they are separated, without quotes around them."""
    return [number for part in _separators.split(text) if (number := part.strip(_QUOTES))]


def numbers_in(text: str) -> list[str]:
    """Return the numbers pasted into a search box (commas, spaces, lines), each once, at most MOST_NUMBERS."""
    whole = text.strip()
    parts = split_numbers(whole)
    found = dict.fromkeys([whole, *parts] if 1 < len(parts) <= 5 else parts)
    return list(found)[:MOST_NUMBERS]
