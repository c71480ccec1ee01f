"""Figures that may be a few seconds old: worked out once for everybody, never holding words of a language."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.core.cache import cache

T = TypeVar("T")
_PREFIX = "orderbridge:recent:"
# How everything stands (``config/health_strip.py``).
MACHINE = "machine"


def recent(name: str, seconds: float, work_out: Callable[[], T], dear: Callable[[T], bool] | None = None) -> T:
    """Return what ``work_out`` gave within the last ``seconds`` in this process, else call it.

    dear: whether a value took so long that it is kept; what is cheap is worked out each time. Without: always kept.
    """
    key = _PREFIX + name
    found = cache.get(key)
    if found is None:
        found = (work_out(),)
        if dear is None or dear(found[0]):
            cache.set(key, found, seconds)
    value: T = found[0]
    return value


def look_at_the_machine_again(**_signal: object) -> None:
    """Let the next page work out anew how everything stands: a person just stopped or paused something, or ended it."""
    cache.delete(_PREFIX + MACHINE)
