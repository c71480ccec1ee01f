"""Takes a request through the vendor's door: count it, keep the limits, let a fault strike, else let the stand-in
answer.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from email.utils import formatdate

from .faults import APPLIED_FIRST, Fault, Faults, fault_answer, limit_answer
from .http import Answer, Clock, Request, StandIn, Violations
from .limits import Limits, Slot
from .options import SandboxOptions
from .server import DropConnection

LOG_LENGTH = 10_000
LOGGED_BODY_BYTES = 20_000
NO_REPLY = 0
# A request on its way: yields the seconds that are to pass before it goes on, returns its answer.
Steps = Generator[float, None, Answer]


@dataclass
class LoggedCall:
    """One request as the sandbox saw it. ``status`` is 0 when the client got no reply; times are sandbox seconds."""

    vendor: str
    operation: str
    method: str
    path: str
    query: dict[str, list[str]]
    body: bytes
    arrived_at: float
    ended_at: float = 0
    status: int = NO_REPLY
    fault: str = ""


class Dispatcher:
    """Routes requests by their path's prefix: the vendors' doors, and plain handlers for the control API."""

    def __init__(
        self,
        options: SandboxOptions,
        clock: Clock,
        faults: Faults,
        violations: Violations,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.requests: Counter[tuple[str, str]] = Counter()
        self.log: deque[LoggedCall] = deque(maxlen=LOG_LENGTH)
        self.limits = Limits(options, monotonic)
        self.stopping = threading.Event()
        self._options = options
        self._clock = clock
        self._faults = faults
        self._violations = violations
        self._vendors: list[tuple[str, StandIn]] = []
        self._others: list[tuple[str, Callable[[Request], Answer]]] = []
        self._lock = threading.Lock()

    def add_vendor(self, prefix: str, stand_in: StandIn) -> None:
        """Let ``stand_in`` answer everything below ``prefix``."""
        self._vendors.append((prefix, stand_in))

    def add_handler(self, prefix: str, handler: Callable[[Request], Answer]) -> None:
        """Let ``handler`` answer everything below ``prefix``, without faults, limits and log."""
        self._others.append((prefix, handler))

    def __call__(self, request: Request) -> Answer:
        """Answer one request, waiting in real time. Raises DropConnection when the client is to get no reply."""
        with closing(self.steps(request)) as steps:
            while True:
                try:
                    seconds = next(steps)
                except StopIteration as end:
                    answer: Answer = end.value
                    return answer
                self._pause(seconds)

    def steps(self, request: Request) -> Steps:
        """Answer one request in the caller's time: see ``Steps``. Raises DropConnection like a call."""
        for prefix, stand_in in self._vendors:
            if request.path.startswith(prefix):
                return (
                    yield from self._vendor_call(stand_in, replace(request, path=request.path[len(prefix) :] or "/"))
                )
        for prefix, handler in self._others:
            if request.path.startswith(prefix):
                return handler(request)
        return Answer(404, {"error": f"Nothing is served at {request.path}."})

    def _vendor_call(self, stand_in: StandIn, request: Request) -> Steps:
        vendor, operation = stand_in.name, stand_in.operation(request)
        call = LoggedCall(
            vendor,
            operation,
            request.method,
            request.path,
            request.query,
            request.body[:LOGGED_BODY_BYTES],
            self._clock.now(),
        )
        with self._lock:
            self.requests[vendor, operation] += 1
            self.log.append(call)
        try:
            answer = yield from self._within_limits(stand_in, operation, request, call)
            call.status = answer.status
            answer.headers["Date"] = formatdate(self._clock.now(), usegmt=True)
            return answer
        except DropConnection:
            raise
        except Exception as error:  # a mistake in the sandbox must be seen by the test, not end in a silent thread
            self._violations.add(f"{vendor} {operation}: the sandbox itself failed: {error!r}")
            return Answer(500, traceback.format_exc(), content_type="text/plain")
        finally:
            call.ended_at = self._clock.now()

    def _within_limits(self, stand_in: StandIn, operation: str, request: Request, call: LoggedCall) -> Steps:
        vendor = stand_in.name
        if not self._options.enforce_limits:
            return (yield from self._struck(stand_in, operation, request, call))
        capacity = stand_in.capacity(request)
        broken = self.limits.take_slot(request.path, capacity) if capacity else self.limits.arrive(operation)
        if isinstance(broken, str) and broken:
            self._violations.add(f"{vendor} {operation}: more than {broken}")
            return limit_answer(vendor, self._clock.now())
        try:
            return (yield from self._struck(stand_in, operation, request, call))
        finally:
            if isinstance(broken, Slot):
                self.limits.give_back(broken)

    def _struck(self, stand_in: StandIn, operation: str, request: Request, call: LoggedCall) -> Steps:
        yield self._options.latency(stand_in.name)
        fault = self._faults.take(stand_in.name, operation, request)
        if fault is None:
            return stand_in.answer(request)
        call.fault = fault.kind
        if fault.kind == "delay":
            yield fault.seconds
            return stand_in.answer(request)
        if fault.kind in APPLIED_FIRST:
            stand_in.answer(replace(request, first_half_only=fault.kind == "partial_apply"))
        return (yield from self._aftermath(stand_in.name, fault))

    def _aftermath(self, vendor: str, fault: Fault) -> Steps:
        if fault.kind.startswith("timeout"):
            yield fault.seconds
            raise DropConnection(reset=False)
        if fault.kind.startswith("reset") or fault.kind == "partial_apply":
            raise DropConnection(reset=True)
        return fault_answer(vendor, fault, self._clock.now())

    def _pause(self, seconds: float) -> None:
        """Wait in real time; a stopping sandbox ends the wait and the connection."""
        if seconds <= 0:
            return
        if seconds < 0.01:
            time.sleep(seconds)
        elif self.stopping.wait(seconds):
            raise DropConnection(reset=True)
