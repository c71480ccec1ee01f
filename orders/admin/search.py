"""Finding orders in the admin by any of their numbers, one or several hundred at once."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from django.http import HttpRequest

from integrations.admin.search import MOST_NUMBERS, numbers_in, split_numbers

from ..finding import find

# The session remembers the last lists of numbers that were pasted, so that paging, filters and actions work on them.
SESSION_KEY = "pasted_numbers"
MOST_REMEMBERED = 5
_NOT_FOUND = "_numbers_not_found"


def order_ids_for(text: str, request: HttpRequest | None = None) -> list[int]:
    """Return the primary keys of the orders that carry one of the numbers in ``text``, newest first.

    With a request, what was not found is kept for ``numbers_not_found``.
    """
    parts = split_numbers(text)
    found = find(numbers_in(text))
    if request is not None:
        whole = text.strip()
        missing = [number for number in found.missing if number in parts]
        setattr(request, _NOT_FOUND, [] if whole not in found.missing and len(parts) <= 5 else missing)
    return found.ids


def order_ids_for_numbers(request: HttpRequest, numbers: Sequence[str]) -> list[int]:
    """Return the primary keys of the orders with these numbers; keep what was not found."""
    found = find(numbers)
    setattr(request, _NOT_FOUND, found.missing)
    return found.ids


def numbers_not_found(request: HttpRequest) -> list[str]:
    """Return the numbers of this request's search that no order carries."""
    return list(getattr(request, _NOT_FOUND, []))


def remember_pasted(request: HttpRequest, text: str) -> tuple[str, int]:
    """Keep pasted numbers in the session. Returns the word that names them, and how many were too many."""
    numbers = list(dict.fromkeys(split_numbers(text)))
    known = dict(request.session.get(SESSION_KEY, {}))
    name = secrets.token_hex(4)
    known[name] = numbers[:MOST_NUMBERS]
    request.session[SESSION_KEY] = dict(list(known.items())[-MOST_REMEMBERED:])
    return name, max(len(numbers) - MOST_NUMBERS, 0)


def pasted_numbers(request: HttpRequest, name: str) -> list[str] | None:
    """Return the numbers that were pasted under this name; [] when they are forgotten, None without a name."""
    if not name:
        return None
    session = getattr(request, "session", {})
    return list(session.get(SESSION_KEY, {}).get(name, []))
