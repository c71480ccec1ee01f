"""The wire between us and the vendors, without sockets: a transport adapter of ``requests`` that hands every request
to the sandbox in this process, and lets the network's troubles take simulated time.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from urllib.parse import parse_qs, unquote, urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from integrations.sandbox.http import Answer, Request
from integrations.sandbox.sandbox import DSCO_PREFIX, LINGXING_PREFIX, Sandbox
from integrations.sandbox.server import DropConnection

from .clockwork import SimulatedClock

PREFIXES = {"dsco": DSCO_PREFIX, "lingxing": LINGXING_PREFIX}


class Wire(BaseAdapter):
    """Carries requests to ``sandbox``. ``cut``: vendors ("dsco", "lingxing") to which no connection can be opened."""

    def __init__(self, sandbox: Sandbox, clock: SimulatedClock) -> None:
        super().__init__()
        self.cut: set[str] = set()
        self._sandbox = sandbox
        self._clock = clock

    def send(self, request, stream=False, timeout=None, verify=True, cert=None, proxies=None):
        """Raise what ``requests`` raises for the network's troubles, else return the complete response."""
        connect_seconds, patience = timeout
        parts = urlsplit(request.url)
        if any(parts.path.startswith(PREFIXES[vendor]) for vendor in self.cut):
            self._clock.advance(connect_seconds)
            cause = urllib3.exceptions.NewConnectionError(None, "no route to host")
            raise requests.ConnectionError(urllib3.exceptions.MaxRetryError(None, parts.path, cause), request=request)
        steps = self._sandbox.dispatcher.steps(_as_the_server_reads_it(request, parts.path, parts.query))
        try:
            answer = self._followed(steps, patience, request)
        except DropConnection as drop:
            cause = ConnectionResetError(104, "reset") if drop.reset else ConnectionAbortedError("closed")
            raise requests.ConnectionError(
                urllib3.exceptions.ProtocolError("Connection aborted.", cause), request=request
            ) from None
        return _response(request, answer)

    def close(self) -> None:
        """There is nothing to close."""

    def _followed(self, steps: Generator[float, None, Answer], patience: float, request) -> Answer:
        end = self._clock.now + patience
        while True:
            try:
                seconds = next(steps)
            except StopIteration as done:
                return done.value
            if self._clock.now + seconds >= end:
                self._clock.later(seconds, lambda: self._unheard(steps))
                self._clock.advance(end - self._clock.now)
                raise requests.ReadTimeout("no answer in time", request=request)
            self._clock.advance(seconds)

    def _unheard(self, steps: Generator[float, None, Answer]) -> None:
        """The vendor goes on with a request whose client has hung up."""
        with suppress(StopIteration, DropConnection):
            self._clock.later(next(steps), lambda: self._unheard(steps))


def _as_the_server_reads_it(request: requests.PreparedRequest, path: str, query: str) -> Request:
    body = request.body or b""
    return Request(
        method=request.method or "GET",
        path=unquote(path),
        query=parse_qs(query, keep_blank_values=True) if query else {},
        headers={
            name.lower(): value.decode("latin-1") if isinstance(value, bytes) else value
            for name, value in request.headers.items()
        },
        body=body.encode() if isinstance(body, str) else body,
    )


def _response(request: requests.PreparedRequest, answer: Answer) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.headers = CaseInsensitiveDict({"Content-Type": answer.content_type, **answer.headers})
    response.url = request.url or ""
    response.request = request
    response._content = answer.encoded()
    response._content_consumed = True
    return response
