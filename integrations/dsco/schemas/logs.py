"""What DSCO says about asynchronous calls: accepted now, the outcome per object in a log later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..messages import first_code, messages_of, text_of


@dataclass(frozen=True, slots=True)
class Accepted:
    """DSCO has queued the request; the log of ``request_id`` tells what became of it."""

    request_id: str


@dataclass(frozen=True, slots=True)
class LogEntry:
    """The outcome for one object: ``status`` is ``pending``, ``success`` or ``failure``.

    payload: what was sent for this object; code and messages_text: DSCO's reasons, errors first.
    """

    payload: dict[str, Any]
    status: str
    messages_text: str
    code: str

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> LogEntry:
        """Read a raw entry; odd shapes give empty members, never an error."""
        payload = raw.get("payload")
        messages = messages_of(raw, "results")
        return cls(
            payload=dict(payload) if isinstance(payload, Mapping) else {},
            status=str(raw.get("status") or "").lower(),
            messages_text=text_of(messages),
            code=first_code(messages),
        )


@dataclass(frozen=True, slots=True)
class ChangeLog:
    """The log of one request. Not ``completed``: ask again, an absent entry says nothing yet."""

    completed: bool
    entries: list[LogEntry]

    def entry_for_order(self, dsco_order_id: str) -> LogEntry | None:
        """Return the outcome for an order that was acknowledged, shipped or cancelled by its dscoOrderId."""
        return self._last(lambda payload: _order_id(payload) == dsco_order_id)

    def entry_for_invoice(self, invoice_id: str) -> LogEntry | None:
        """Return the outcome for one invoice of a batch."""
        return self._last(lambda payload: str(payload.get("invoiceId")) == invoice_id)

    def entry_for_sku(self, sku: str) -> LogEntry | None:
        """Return the outcome for one item of an inventory batch."""
        return self._last(lambda payload: str(payload.get("sku")) == sku)

    def _last(self, matches: Callable[[dict[str, Any]], bool]) -> LogEntry | None:
        """Return the last matching entry, a final one before a pending one."""
        found = [entry for entry in self.entries if matches(entry.payload)]
        final = [entry for entry in found if entry.status != "pending"]
        return next(reversed(final or found), None)


def _order_id(payload: Mapping[str, Any]) -> str:
    if (payload.get("type") or "DSCO_ORDER_ID") == "DSCO_ORDER_ID" and payload.get("id") is not None:
        return str(payload["id"])
    return str(payload.get("dscoOrderId") or "")
