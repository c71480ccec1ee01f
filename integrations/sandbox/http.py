"""What both stand-ins and the server share: a request, an answer, the clock and the book of effects.

The sandbox is an independent program that happens to live in this repository. It imports nothing from Django or from
our vendor clients, so that a mistake in a client can't hide behind the same mistake here.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from typing import Any, Protocol
from urllib.parse import parse_qs

JSON = "application/json"


@dataclass
class Request:
    """One HTTP request as a stand-in sees it.

    ``path`` is decoded and starts after the vendor's prefix (``/order/page``, ``/erp/sc/…``), ``query`` is decoded
    once, header names are in lower case.
    """

    method: str
    path: str
    query: dict[str, list[str]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    first_half_only: bool = False
    """Set by the fault ``partial_apply``: check the request as usual, apply only the first half of its items (at
    least one).
    """

    def one(self, name: str, default: str = "") -> str:
        """The first value of a query parameter, or ``default``."""
        values = self.query.get(name)
        return values[0] if values else default

    def json(self) -> Any:
        """The body as JSON. Raises ``ValueError`` when it is not JSON."""
        return json.loads(self.body.decode("utf-8"))

    def form(self) -> dict[str, str]:
        """The body as an HTML form (URL-encoded or multipart): the first value of every field."""
        if self.content_type == "multipart/form-data":
            return _multipart_fields(self.headers["content-type"], self.body)
        text = self.body.decode("utf-8", "replace")
        return {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}

    @property
    def content_type(self) -> str:
        """The media type without its parameters, in lower case."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


@dataclass
class Answer:
    """One HTTP answer. A dict or list is sent as JSON, text as UTF-8, bytes as they are, None as an empty body."""

    status: int = 200
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON

    def encoded(self) -> bytes:
        """The body as it goes over the wire."""
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":"), default=float).encode()


class StandIn(Protocol):
    """One vendor. The server owns sockets, faults and limits; a stand-in owns the vendor's state and rules.

    Both stand-ins are made as ``DscoStandIn(options, clock, randomness, violations)`` (types SandboxOptions, Clock,
    random.Random, Violations), all of them shared with the sandbox.
    """

    name: str

    def operation(self, request: Request) -> str:
        """The operation's name (``single_shipment``) for faults, counts and limits; "unknown" for an unknown path."""
        ...

    def capacity(self, request: Request) -> int:
        """How many calls of this path may be in flight at once; 0 = the vendor counts arrivals instead."""
        ...

    def answer(self, request: Request) -> Answer:
        """Carry out the request. Must be thread-safe."""
        ...


def _multipart_fields(content_type: str, body: bytes) -> dict[str, str]:
    message = BytesParser().parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    fields: dict[str, str] = {}
    for part in message.get_payload() if message.is_multipart() else []:
        if isinstance(part, Message):
            name = part.get_param("name", header="content-disposition")
            content = part.get_payload(decode=True)
            if isinstance(name, str) and isinstance(content, bytes):
                fields.setdefault(name, content.decode("utf-8", "replace"))
    return fields


class Clock:
    """The sandbox's time: the machine's, which tests can move forward. All rules of the sandbox go by it."""

    def __init__(self, speed: float = 1) -> None:
        self.speed = speed
        self._started = time.time()
        self._ahead = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        """Seconds since 1970 in sandbox time."""
        return self._started + (time.time() - self._started) * self.speed + self._ahead

    def advance(self, seconds: float) -> None:
        """Move the clock forward by ``seconds``."""
        with self._lock:
            self._ahead += seconds


@dataclass
class Effect:
    """Something a client made happen at a vendor: one entry per APPLIED effect, whatever the client was told about
    it.
    """

    kind: str
    key: str
    at: float
    detail: dict[str, Any] = field(default_factory=dict)

    def row(self) -> dict[str, Any]:
        """The effect as JSON for the control API."""
        return {"kind": self.kind, "key": self.key, "at": self.at, "detail": self.detail}


class Effects:
    """A thread-safe book of effects with the counts that tests ask for."""

    def __init__(self) -> None:
        self.entries: list[Effect] = []
        self._counts: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def add(self, kind: str, key: str, at: float, detail: Mapping[str, Any] | None = None) -> Effect:
        """Write down one applied effect."""
        effect = Effect(kind, key, at, dict(detail or {}))
        with self._lock:
            self.entries.append(effect)
            self._counts[kind, key] = self._counts.get((kind, key), 0) + 1
        return effect

    def count(self, kind: str, key: str) -> int:
        """How often ``kind`` was applied to ``key``."""
        return self._counts.get((kind, key), 0)

    def of(self, kind: str) -> list[Effect]:
        """All effects of one kind, oldest first."""
        with self._lock:
            return [effect for effect in self.entries if effect.kind == kind]


class Violations:
    """Every time a client broke a documented rule; the newest ``limit`` are kept with their total number."""

    def __init__(self, limit: int = 10_000) -> None:
        self.entries: list[str] = []
        self.total = 0
        self._limit = limit
        self._lock = threading.Lock()

    def add(self, text: str) -> None:
        """Note one violation."""
        with self._lock:
            self.total += 1
            if len(self.entries) < self._limit:
                self.entries.append(text)
