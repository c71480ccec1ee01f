"""Troubles on order: what goes wrong between a client and a vendor, made to happen when a test asks for it."""

from __future__ import annotations

import random
import threading
import uuid
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from .http import Answer, Request
from .lingxing.answers import gateway_error, moment_text

FaultKind = Literal[
    "error_before",
    "error_after",
    "reset_before",
    "reset_after",
    "timeout_before",
    "timeout_after",
    "throttled",
    "unauthorized",
    "forbidden_ip",
    "broken_json_before",
    "broken_json_after",
    "html_before",
    "html_after",
    "delay",
    "partial_apply",
]
KINDS: tuple[str, ...] = get_args(FaultKind)
APPLIED_FIRST = {"error_after", "reset_after", "timeout_after", "broken_json_after", "html_after", "partial_apply"}

HTML = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass
class Fault:
    """One trouble. It hits requests of ``vendor`` ("dsco", "lingxing" or "*") for ``operation`` ("*" = any).

    ``times`` requests are hit (0 = for ever) after ``after`` matching ones were let through. ``contains`` narrows it
    to requests whose body or query holds that text, ``probability`` leaves it to chance. ``seconds`` belongs to delay
    and timeout_*, ``status`` to error_* and html_*, ``retry_after`` to throttled, ``code`` picks LingXing's error
    code.
    """

    vendor: str
    operation: str
    kind: FaultKind
    times: int = 1
    after: int = 0
    contains: str = ""
    probability: float = 1
    seconds: float = 30
    status: int = 0
    code: str = ""
    retry_after: int | None = None
    hits: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"Unknown fault kind {self.kind!r}; known: {', '.join(KINDS)}.")

    def concerns(self, vendor: str, operation: str, request: Request) -> bool:
        """Whether the fault is meant for this request."""
        if self.vendor not in ("*", vendor) or self.operation not in ("*", operation):
            return False
        return not self.contains or self.contains in _text_of(request)


class Faults:
    """The faults that are switched on. Thread-safe; chances come from the sandbox's seeded random numbers."""

    def __init__(self, randomness: random.Random) -> None:
        self._random = randomness
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        """Switch a fault on. Of several that match, the one added first wins."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Switch every fault off."""
        with self._lock:
            self._faults.clear()

    def active(self) -> list[Fault]:
        """The faults that still can hit a request."""
        with self._lock:
            return list(self._faults)

    def rows(self) -> list[dict[str, Any]]:
        """The active faults as JSON for the control API."""
        return [asdict(fault) for fault in self.active()]

    def take(self, vendor: str, operation: str, request: Request) -> Fault | None:
        """The fault that hits this request, if any; it is counted."""
        if not self._faults:
            return None
        with self._lock:
            for fault in self._faults:
                if fault.concerns(vendor, operation, request) and self._hits(fault):
                    return fault
        return None

    def _hits(self, fault: Fault) -> bool:
        if fault.after > 0:
            fault.after -= 1
            return False
        if fault.probability < 1 and self._random.random() >= fault.probability:
            return False
        fault.hits += 1
        if fault.times and fault.hits >= fault.times:
            self._faults.remove(fault)
        return True


def fault_answer(vendor: str, fault: Fault, now: float) -> Answer:
    """What the client gets to see of a fault that answers at all, in the vendor's own shape."""
    if fault.kind.startswith("broken_json"):
        return Answer(fault.status or 200, b'{"status":"succ')
    if fault.kind.startswith("html"):
        return Answer(fault.status or 200, HTML, content_type="text/html")
    if fault.kind.startswith("error"):
        return Answer(fault.status or 503, "upstream connect error", content_type="text/plain")
    if vendor == "lingxing":
        return _lingxing_answer(fault, now)
    return _dsco_answer(fault)


def limit_answer(vendor: str, now: float) -> Answer:
    """The answer to a request beyond the vendor's documented limit."""
    return fault_answer(vendor, Fault(vendor, "*", "throttled"), now)


def _lingxing_answer(fault: Fault, now: float) -> Answer:
    default = {"throttled": "3001008", "unauthorized": "2001003", "forbidden_ip": "3001002"}[fault.kind]
    code = fault.code or default
    if code != "103":
        return gateway_error(code, now)
    # The speed limiter answers in the envelope of the business calls, with a number as code.
    body: dict[str, object] = {
        "code": 103,
        "message": "请求过于频繁,请稍后再试",
        "error_details": [],
        "data": [],
        "total": 0,
    }
    return Answer(200, body | {"request_id": str(uuid.uuid4()).upper(), "response_time": moment_text(now)})


def _dsco_answer(fault: Fault) -> Answer:
    status = {"throttled": 429, "unauthorized": 401, "forbidden_ip": 403}[fault.kind]
    text = {429: "Too many requests", 401: "Unauthorized", 403: "Forbidden"}[status]
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return Answer(status, {"message": text}, headers)


def _text_of(request: Request) -> str:
    query = "&".join(f"{name}={value}" for name, values in request.query.items() for value in values)
    return f"{query}\n{request.body.decode('utf-8', 'replace')}"
