"""Asynchronous requests: queued with a 202, applied later object by object, reported in the change log."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..http import Answer, Request
from .answers import Json, Refused, invalid, moment, plain, receipt, when
from .scroll import Scrolls
from .state import DscoState

LOG_KEPT_SECONDS = 14 * 86400.0
PAGE_SIZE = 100
Apply = Callable[[Json], object]


@dataclass
class Queued:
    """One asynchronous request with its objects and, once it was processed, what became of each."""

    request_id: str
    detail: str
    objects: Sequence[Json]
    apply: Apply
    due_at: float
    logs: list[Json] = field(default_factory=list)
    done: bool = False


class ChangeLog:
    """The asynchronous requests of one kind (order, invoice, inventory) and their log."""

    def __init__(self, state: DscoState) -> None:
        self._state = state
        self._queue: deque[Queued] = deque()
        self._requests: dict[str, Queued] = {}
        self._scrolls = Scrolls(state.clock, "logs")

    def submit(self, detail: str, objects: Sequence[Json], apply: Apply) -> Answer:
        """Queue ``objects``; each is given to ``apply`` when its time has come."""
        state = self._state
        now = state.clock.now()
        queued = Queued(state.new_id(), detail, objects, apply, now + state.options.async_seconds)
        with state.lock:
            self._queue.append(queued)
            self._requests[queued.request_id] = queued
        return Answer(202, receipt("pending", now, queued.request_id))

    def note(self, detail: str, one: Json, method: str = "api") -> None:
        """Log a change that was carried out at once, through the API or (``portal``) by a person."""
        state = self._state
        now = state.clock.now()
        with state.lock:
            queued = Queued(state.new_id(), detail, [one], _nothing, now, done=True)
            queued.logs.append(self._applied(queued, one, now) | {"requestMethod": method})
            self._requests[queued.request_id] = queued

    def process(self) -> None:
        """Apply every queued request whose time has come."""
        state = self._state
        with state.lock:
            while self._queue and self._queue[0].due_at <= state.clock.now():
                queued = self._queue.popleft()
                for number, one in enumerate(queued.objects):
                    queued.logs.append(self._applied(queued, one, queued.due_at + number * 0.001))
                queued.done = True

    def answer(self, request: Request) -> Answer:
        """Answer GET …/log. Raises Refused."""
        with self._state.lock:
            self.process()
            if request.one("scrollId"):
                return self._scrolls.next(request.one("scrollId"))
            request_id = request.one("requestId")
            queued = self._requests.get(request_id)
            if request_id and (queued is None or self._forgotten(queued)):
                return Answer(200, {"logs": []})
            if queued is not None and not queued.done:
                return Answer(200, {"status": "PROCESSING", "logs": []})
            logs = queued.logs if queued is not None else self._between(request)
            answer = self._scrolls.first(_with_status(logs, request.one("status")), PAGE_SIZE)
            if queued is not None and isinstance(answer.body, dict):
                answer.body = {"status": "COMPLETED", **answer.body}
            return answer

    def _applied(self, queued: Queued, one: Json, at: float) -> Json:
        results: list[Json] = []
        try:
            queued.apply(one)
        except Refused as problem:
            results = problem.messages()
            if problem.violation:
                self._state.violations.add(f"dsco {queued.detail}: {problem}")
        return {
            "payload": plain(one),
            "dateProcessed": when(at),
            "status": "failure" if results else "success",
            "requestMethod": "api",
            "requestMethodDetail": queued.detail,
            "requestId": queued.request_id,
            "processId": f"p-{queued.request_id[:8]}",
            "results": results,
        }

    def _forgotten(self, queued: Queued) -> bool:
        return queued.due_at + LOG_KEPT_SECONDS < self._state.clock.now()

    def _between(self, request: Request) -> list[Json]:
        if not request.one("startDate") or not request.one("endDate"):
            raise invalid("requestId, or startDate and endDate, must be given")
        start, end = moment(request.one("startDate"), "startDate"), moment(request.one("endDate"), "endDate")
        known = [queued for queued in self._requests.values() if queued.done and not self._forgotten(queued)]
        return [log for queued in known if start <= queued.due_at < end for log in queued.logs]


def _nothing(_one: Json) -> None:
    """What was carried out already needs nothing more."""


def _with_status(logs: list[Json], status: str) -> list[Json]:
    if not status:
        return logs
    wanted = {"success", "failure"} if status == "success_or_failure" else {status}
    return [log for log in logs if log["status"] in wanted]
