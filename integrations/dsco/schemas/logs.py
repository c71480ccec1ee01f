"""What DSCO says about asynchronous calls: accepted now, the outcome per object in a log later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from ..messages import first_code, messages_of, text_of
from .inbound import Inbound, Moment


class _Processed(Inbound):
    date_processed: Moment = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """DSCO has queued the request; the log of ``request_id`` tells what became of it."""

    request_id: str


@dataclass(frozen=True, slots=True)
class LogEntry:
    """The outcome for one object: ``status`` is ``pending``, ``success`` or ``failure``.

    payload: what was sent for this object; code and messages_text: DSCO's reasons, errors first; method: ``api``,
    ``portal`` or ``file``; processed_at: aware, or None when DSCO does not say.
    """

    payload: dict[str, Any]
    status: str
    messages_text: str
    code: str
    method: str = ""
    processed_at: datetime | None = None

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
            method=str(raw.get("requestMethod") or "").lower(),
            processed_at=_Processed.model_validate(raw).date_processed,
        )


@dataclass(frozen=True)
class ChangeLog:
    """The log of one request. Not ``completed``: ask again, an absent entry says nothing yet.

    working: DSCO says that it has not finished the request, so what is absent may still come.
    """

    completed: bool
    entries: list[LogEntry]
    working: bool = False

    def entry_for_order(self, dsco_order_id: str) -> LogEntry | None:
        """Return the outcome for an order that was acknowledged, shipped or cancelled by its dscoOrderId."""
        return self._by_order.get(dsco_order_id)

    def entry_for_invoice(self, invoice_id: str) -> LogEntry | None:
        """Return the outcome for one invoice of a batch."""
        return self._by_invoice.get(invoice_id)

    def entry_for_sku(self, sku: str) -> LogEntry | None:
        """Return the outcome for one item of an inventory batch."""
        return self._by_sku.get(sku)

    # By name in one go: the log of a large batch is as long as the batch.
    @cached_property
    def _by_order(self) -> dict[str, LogEntry]:
        return self._by(_order_id)

    @cached_property
    def _by_invoice(self) -> dict[str, LogEntry]:
        return self._by(lambda payload: str(payload.get("invoiceId")))

    @cached_property
    def _by_sku(self) -> dict[str, LogEntry]:
        return self._by(lambda payload: str(payload.get("sku")))

    def _by(self, name: Callable[[dict[str, Any]], str]) -> dict[str, LogEntry]:
        """Return the last entry of each name, a final one before a pending one."""
        found: dict[str, LogEntry] = {}
        for entry in sorted(self.entries, key=lambda entry: entry.status != "pending"):
            found[name(entry.payload)] = entry
        return found


def _order_id(payload: Mapping[str, Any]) -> str:
    if (payload.get("type") or "DSCO_ORDER_ID") == "DSCO_ORDER_ID" and payload.get("id") is not None:
        return str(payload["id"])
    return str(payload.get("dscoOrderId") or "")
