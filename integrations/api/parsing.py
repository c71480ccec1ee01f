"""Reading JSON strictly: what could mean two things, or cannot be stored, is refused and not guessed at."""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from .problems import Problem

MOST_BYTES = 2_500_000
DEEPEST = 32


class StrictJson(JSONParser):
    """JSON of at most MOST_BYTES, without a member that stands twice, infinite numbers, NUL or half characters."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the content. Raises ParseError or Problem."""
        raw = stream.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise Problem("too_large", f"A request has at most {MOST_BYTES} bytes.")
        try:
            text = raw.decode("utf-8").removeprefix(codecs.BOM_UTF8.decode())
            found = json.loads(text, object_pairs_hook=_once, parse_constant=_finite) if text.strip() else {}
            _check(found, 0)
        except (ValueError, RecursionError) as error:
            raise ParseError(f"The content is not proper JSON: {error}") from None
        return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{json.dumps(twice)} stands twice in an object")
    return found


def _finite(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def _check(value: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise ValueError("it is nested too deeply")
    if isinstance(value, str):
        if "\x00" in value or (not value.isascii() and any("\ud800" <= one <= "\udfff" for one in value)):
            raise ValueError("a text contains a character that cannot be stored (NUL, half a surrogate pair)")
    elif isinstance(value, dict):
        for name, inner in value.items():
            _check(name, depth + 1)
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)
