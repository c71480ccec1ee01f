"""Taking times, and holding them against what is promised."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

TIMES = 20


class Measurements:
    """Prints each figure as it is taken; remembers which were slower than promised."""

    def __init__(self) -> None:
        self.too_slow: list[str] = []

    def title(self, text: str) -> None:
        """Begin a table."""
        print(f"\n{text}\n{'':<48}{'median':>10}{'95 %':>10}{'promised':>10}{'ratio':>8}   (milliseconds)", flush=True)

    def take(
        self, name: str, call: Callable[[], Any], limit: float | None = None, times: int = TIMES,
        around: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> float:  # fmt: skip
        """Print the median and the 95th percentile of a call that was made once before; return the median.

        around: is entered before each call and left after it; what it takes itself does not count.
        """
        with around():
            call()
        taken = []
        for _number in range(times):
            with around():
                started = time.perf_counter()
                call()
                taken.append((time.perf_counter() - started) * 1000)
        slow = statistics.quantiles(taken, n=20, method="inclusive")[-1]
        ratio = f"{limit:>10.0f}{slow / limit:>8.2f}" if limit else ""
        print(f"{name:<48}{statistics.median(taken):>10.1f}{slow:>10.1f}{ratio}", flush=True)
        if limit and slow > limit:
            self.too_slow.append(f"{name}: {slow:.0f} ms, promised {limit:.0f}")
        return statistics.median(taken)


@contextmanager
def timed(name: str, number: int) -> Iterator[None]:
    """Print how long the block took for ``number`` rows."""
    started = time.perf_counter()
    yield
    seconds = time.perf_counter() - started
    print(f"{name:<48}{seconds:>8.2f} s{number / seconds:>12,.0f} rows/s", flush=True)
