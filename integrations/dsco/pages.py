"""Pages of large objects: kept as the text that DSCO sent, read one by one when they are asked for.

A page has up to 1,000 orders of 20 kB. Read as a whole they would take ten times their size in memory.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, overload

from .messages import exact_decoder, read_json

TOGETHER, TOGETHER_BYTES = 250, 500_000

_SPACE = re.compile(r"[ \t\n\r]*")


class Objects(Sequence[dict[str, Any]]):
    """The objects of a page. Each is read anew whenever it is asked for, so take it once."""

    def __init__(self, content: bytes, places: Sequence[tuple[int, int]]) -> None:
        self._content = content
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...

    def __getitem__(self, index: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if isinstance(index, slice):
            return [self._read(place) for place in self._places[index]]
        return self._read(self._places[index])

    def __hash__(self) -> int:
        return hash(self._content)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Objects) and self._content == other._content

    def portions(self, most: int = TOGETHER, most_bytes: int = TOGETHER_BYTES) -> Iterator[list[dict[str, Any]]]:
        """Give the objects out in lists of at most ``most``, each of about ``most_bytes`` of text."""
        begin = 0
        for number, (_start, end) in enumerate(self._places, start=1):
            size = end - self._places[begin][0]
            if number - begin >= most or size >= most_bytes or number == len(self._places):
                yield self[begin:number]
                begin = number

    def _read(self, place: tuple[int, int]) -> dict[str, Any]:
        found: dict[str, Any] = read_json(self._content[place[0] : place[1]])
        return found


def read_page(content: bytes, key: str) -> Any:
    """Read a reply like ``read_json``, but leave the objects listed under ``key`` as text (``Objects``).

    Every one is looked at: raises ValueError when the reply is not JSON. A list that holds anything but objects is
    read like everything else.
    """
    encoding = json.detect_encoding(content)
    if encoding != "utf-8":
        content = content.decode(encoding, "surrogatepass").encode("utf-8", "surrogatepass")
    try:
        return _Page(content, key).members()
    except RecursionError:
        raise ValueError("The reply is nested too deeply.") from None
    except IndexError:
        raise ValueError("The reply ends in the middle.") from None


class _Page:
    """Looks for the places of a page's members.

    The text is read as Latin-1, in which places of characters are places of bytes: JSON's own marks are the same
    there. What stands between them is read from the bytes.
    """

    def __init__(self, content: bytes, key: str) -> None:
        self.content = content
        self.text = content.decode("latin-1")
        self.key = key

    def members(self) -> Any:
        text, at = self.text, self._space(0)
        if text[at] != "{":
            return read_json(self.content)
        found: dict[str, Any] = {}
        at = self._space(at + 1)
        while text[at] != "}":
            if found:
                at = self._space(self._mark(",", at))
            if text[at] != '"':
                raise ValueError("A name was expected.")
            start = at
            at = self._end(start)
            name = read_json(self.content[start:at])
            start = self._space(self._mark(":", self._space(at)))
            objects = self._objects(start) if name == self.key and text[start] == "[" else None
            if objects:
                found[name], at = objects
            else:
                at = self._end(start)
                found[name] = read_json(self.content[start:at])
            at = self._space(at)
        if self._space(at + 1) != len(text):
            raise ValueError("Something follows after the reply.")
        return found

    def _objects(self, at: int) -> tuple[Objects, int] | None:
        """Return the objects of the list that begins here and where it ends; None when it holds anything else."""
        places: list[tuple[int, int]] = []
        at = self._space(at + 1)
        while self.text[at] != "]":
            if places:
                at = self._space(self._mark(",", at))
            if self.text[at] != "{":
                return None
            start, at = at, self._end(at)
            self.content[start:at].decode("utf-8", "surrogatepass")  # so that reading it later cannot fail
            places.append((start, at))
            at = self._space(at)
        return Objects(self.content, places), at + 1

    def _end(self, at: int) -> int:
        _value, end = exact_decoder.raw_decode(self.text, at)
        return end

    def _space(self, at: int) -> int:
        found = _SPACE.match(self.text, at)
        return found.end() if found else at

    def _mark(self, mark: str, at: int) -> int:
        if self.text[at] != mark:
            raise ValueError(f"{mark!r} was expected.")
        return at + 1
