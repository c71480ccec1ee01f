"""When to try again. Every delay is multiplied by RETRY_BACKOFF_SCALE."""

from __future__ import annotations

import random
from datetime import timedelta

from django.conf import settings

FIRST_DELAY_SECONDS = 60.0
LONGEST_DELAY_SECONDS = 3600.0
JITTER = 0.1
FIRST_POLL_SECONDS = 0.5
SHORTEST_POLL_SECONDS = 0.2
LONGEST_POLL_SECONDS = 300.0
LATE_APPLY_SECONDS = 50.0


def retry_delay(failures: int) -> timedelta:
    """Return the wait after the n-th failure in a row: 1, 2, 4 … 32 minutes, then hourly, with jitter."""
    seconds = min(FIRST_DELAY_SECONDS * 2 ** min(max(failures, 1) - 1, 10), LONGEST_DELAY_SECONDS)
    return _scaled(seconds * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 - spreading, not secrecy


def poll_delay(age: timedelta) -> timedelta:
    """Return the wait before an asynchronous vendor is asked again, growing with the age of the request."""
    seconds = min(max(age.total_seconds() / 2, FIRST_POLL_SECONDS), LONGEST_POLL_SECONDS)
    return max(_scaled(seconds), timedelta(seconds=min(SHORTEST_POLL_SECONDS, seconds)))


def verify_delay() -> timedelta:
    """Return how long a write's effect may stay invisible at the vendor (VERIFY_DELAY_SECONDS)."""
    return timedelta(seconds=settings.VERIFY_DELAY_SECONDS)


def lease_length(read_timeout_seconds: float) -> timedelta:
    """Return the lease of a claim: two thirds of it cover the read time-out and the vendor's latest late apply."""
    late_apply = LATE_APPLY_SECONDS * min(settings.RETRY_BACKOFF_SCALE, 1)
    return timedelta(seconds=1.5 * (read_timeout_seconds + late_apply))


def _scaled(seconds: float) -> timedelta:
    return timedelta(seconds=seconds * settings.RETRY_BACKOFF_SCALE)
