"""The call log: every HTTP exchange with a vendor, redacted, collected where it happens and
written by whoever owns the database transaction (HTTP threads never write it themselves)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class CallRecord:
    """One HTTP exchange as it may be stored: bodies are already redacted excerpts.

    duration_ms is wall time; status is None when no reply arrived; error is our code for that. Not stored: writes,
    whether it can have changed something at the vendor; server_date, the reply's Date header as sent; row_id, its row
    once it is in the call log: several deliveries' attempts may share a call.
    """

    vendor: str
    operation: str
    method: str
    path: str
    started_at: datetime
    duration_ms: int = 0
    status: int | None = None
    request_excerpt: str = ""
    response_excerpt: str = ""
    vendor_request_id: str = ""
    error: str = ""
    writes: bool = False
    server_date: str = ""
    row_id: int | None = None


_collector: ContextVar[list[CallRecord] | None] = ContextVar("call_collector", default=None)


@contextmanager
def collect_calls() -> Iterator[list[CallRecord]]:
    """Collect the calls made inside the block (in this thread) into the list that is yielded."""
    calls: list[CallRecord] = []
    token = _collector.set(calls)
    try:
        yield calls
    finally:
        _collector.reset(token)


def note_call(record: CallRecord) -> None:
    """Hand a finished call to the collector of this thread; without one it is not kept."""
    calls = _collector.get()
    if calls is not None:
        calls.append(record)
