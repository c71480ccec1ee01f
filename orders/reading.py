"""Reading many orders at a vendor: what cannot be read is left out and told, and keeps no other from being read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from integrations.errors import (
    AuthenticationExpired,
    ConfigurationError,
    NothingSent,
    RateLimited,
    Rejected,
    VendorError,
)

T = TypeVar("T")
R = TypeVar("R")


class Reads(Protocol):
    """What makes the vendor calls: a flow's context, or ``DirectReads``."""

    def in_parallel(self, call: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Make the reads and return their results in order."""


def is_out_of_reach(error: Exception) -> bool:
    """Return whether the next call would fail in the same way, whatever it is about."""
    if isinstance(error, ConfigurationError | AuthenticationExpired | NothingSent | RateLimited):
        return True
    return isinstance(error, VendorError) and error.code == "connect_failed"


def read_each(
    reads: Reads, call: Callable[[T], R], items: Sequence[T]
) -> tuple[list[tuple[T, R]], list[tuple[T, VendorError]]]:
    """Make a read for each item; return (item, answer) and (item, error).

    Raises the error when the vendor is out of reach, or answered none of them.
    """
    answered, failed = _tried(reads, call, items)
    if failed and not answered:
        raise failed[0][1]
    return answered, failed


@dataclass(slots=True)
class Pages(Generic[T, R]):
    """The answers, and the errors of the items that no answer is about."""

    answers: list[R] = field(default_factory=list)
    unread: dict[T, VendorError] = field(default_factory=dict)


def read_in_chunks(reads: Reads, call: Callable[[Sequence[T]], R], items: Sequence[T], size: int) -> Pages[T, R]:
    """Make a read for every ``size`` items; one that the vendor refuses is divided, until only what it refuses is left.

    Raises the error when the vendor is out of reach, or answered nothing at all.
    """
    pages: Pages[T, R] = Pages()
    chunks = [items[start : start + size] for start in range(0, len(items), size)]
    while chunks:
        answered, failed = _tried(reads, call, chunks)
        pages.answers += [answer for _chunk, answer in answered]
        chunks = []
        for chunk, error in failed:
            if isinstance(error, Rejected) and len(chunk) > 1:
                half = (len(chunk) + 1) // 2
                chunks += [chunk[:half], chunk[half:]]
            else:
                pages.unread |= dict.fromkeys(chunk, error)
    if pages.unread and not pages.answers:
        raise next(iter(pages.unread.values()))
    return pages


def _tried(
    reads: Reads, call: Callable[[T], R], items: Sequence[T]
) -> tuple[list[tuple[T, R]], list[tuple[T, VendorError]]]:
    def one(item: T) -> R | VendorError:
        try:
            return call(item)
        except VendorError as error:
            return error

    answers = list(zip(items, reads.in_parallel(one, items), strict=True))
    failed = [(item, answer) for item, answer in answers if isinstance(answer, VendorError)]
    for _item, error in failed:
        if is_out_of_reach(error):
            raise error
    return [(item, answer) for item, answer in answers if not isinstance(answer, VendorError)], failed
