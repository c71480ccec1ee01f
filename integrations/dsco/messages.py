"""JSON replies of DSCO: read without loss, and the messages that they carry."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

# Fractions and odd numbers stay text, digit for digit.
exact_decoder = json.JSONDecoder(parse_float=str, parse_constant=str)
FAILED_STATUSES = frozenset({"failure", "failed", "error"})


@dataclass(frozen=True, slots=True)
class Message:
    """One message of DSCO; ``severity`` is ``info``, ``warn``, ``error`` or whatever else DSCO sent."""

    code: str
    severity: str
    text: str

    def __str__(self) -> str:
        return f"{self.code}: {self.text}" if self.code and self.text else self.code or self.text


def read_json(content: bytes) -> Any:
    """Parse a reply so that it can be stored as it is.

    Fractions stay text, digit for digit ("12.50"), so money never passes through a float and the
    result fits a JSON column. Raises ValueError when the reply is not JSON.
    """
    try:
        value = json.loads(content, parse_float=str, parse_constant=str)
    except RecursionError:
        raise ValueError("The reply is nested too deeply.") from None
    # Only escapes can smuggle in what a PostgreSQL JSON column refuses, and they are rare.
    return storable(value) if b"\\u" in content else value


def storable(value: Any) -> Any:
    """Return a copy of JSON-like ``value`` that every JSON column takes, without loss.

    Decimals become text, times ISO 8601; NUL characters are dropped and broken surrogates replaced,
    which PostgreSQL cannot hold.
    """
    if isinstance(value, dict):
        return {storable(str(key)): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return value


def messages_of(body: Any, key: str = "messages") -> list[Message]:
    """Return the messages of a reply (or of a log entry's ``results``); odd shapes give fewer, never an error."""
    entries = body.get(key) if isinstance(body, Mapping) else None
    if isinstance(entries, Mapping | str):
        entries = [entries]
    return [_message(entry) for entry in entries] if isinstance(entries, list) else []


def text_of(messages: Iterable[Message]) -> str:
    """Return the messages in one line, what prevented processing first."""
    ordered = sorted(messages, key=lambda message: message.severity != "error")
    return "; ".join(text for text in map(str, ordered) if text)


def first_code(messages: Iterable[Message]) -> str:
    """Return the code of the message that matters most, or "" when there is none."""
    ordered = sorted(messages, key=lambda message: message.severity != "error")
    return next((message.code for message in ordered if message.code), "")


def says_failure(body: Any) -> bool:
    """Return whether a reply contradicts its own success status."""
    if not isinstance(body, Mapping):
        return False
    return str(body.get("success", "")).lower() == "false" or str(body.get("status", "")).lower() in FAILED_STATUSES


def _message(entry: Any) -> Message:
    if not isinstance(entry, Mapping):
        return Message(code="", severity="", text=_plain(entry))
    return Message(
        code=_plain(entry.get("code")),
        severity=_plain(entry.get("severity")).lower(),
        text=_plain(entry.get("description")),
    )


def _plain(value: Any) -> str:
    """Make text of a description, which can be a string, an object or a list."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_plain(item)}" for key, item in value.items())
    if isinstance(value, list):
        return "; ".join(filter(None, map(_plain, value)))
    return "" if value is None else str(value)
