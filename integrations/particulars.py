"""What many messages have in common: a message without what is particular to one order."""

from __future__ import annotations

import re

PLACEHOLDER = "…"
MOST_WORDS = 500

_PARTICULARS = (
    re.compile(r"https?://\S+|[\w.+-]+@[\w-]+\.[\w.-]+", re.ASCII),
    re.compile(r"\"[^\"]*\"|“[^”]*”|‘[^’]*’|「[^」]*」|『[^』]*』|`[^`]*`|(?<!\w)'[^']*'(?!\w)"),
    re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s?(Z|UTC|[+-]\d\d:?\d\d)?"),
)
# A run of characters with a digit in it: a number, an id, a SKU, a date. Latin letters only: Chinese has no blanks.
_WITH_DIGIT = re.compile(r"[A-Za-z0-9_\-./:#+]*\d(?:[A-Za-z0-9_\-./:#+]*[A-Za-z0-9_])?")
# An article number without a digit, such as LAMP-OAK.
_ARTICLE = re.compile(r"(?<![A-Za-z])[A-Z]{2,}(?:-[A-Z]+)+(?![A-Za-z])")
# The name of a field such as addressLine2 or address_line2 is no particular of one order.
_FIELD_NAME = re.compile(r"[a-z]+(?:[A-Z_][A-Za-z_]*)\d")
_LIST_OF_PLACEHOLDERS = re.compile(r"…(?:(?:\s*[,;|/、，；]\s*|\s+)(?:and\s+)?…)+")


def normalise(message: str) -> str:
    """Return a message without numbers, ids, quoted values and times, the same for every order it is about."""
    text = " ".join(message.split())
    for pattern in _PARTICULARS:
        text = pattern.sub(PLACEHOLDER, text)
    text = _WITH_DIGIT.sub(lambda hit: hit[0] if _FIELD_NAME.fullmatch(hit[0]) else PLACEHOLDER, text)
    text = _ARTICLE.sub(PLACEHOLDER, text)
    return _LIST_OF_PLACEHOLDERS.sub(PLACEHOLDER, text)[:MOST_WORDS]
