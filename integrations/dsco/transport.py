"""One call to DSCO: its turn, the headers, the token and its renewal, and what the answer means."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from ..errors import AuthenticationExpired, ConfigurationError, RateLimited, TransientError
from ..http import HttpDoor, Reply
from ..limits import push_back, wait_turn
from ..sentences import gettext as _
from ..sentences import joined, with_words
from .auth import TokenKeeper
from .errors import VENDOR, failure_of, request_id_of, unreadable
from .messages import read_json
from .operations import Operation
from .pages import Objects, read_page

MAX_BODY_BYTES = 5_000_000  # "5 MB" of the array bodies, read in the stricter way
PAUSE_WITHOUT_RETRY_AFTER = 2.0

Parameters = Mapping[str, Any] | list[tuple[str, Any]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A success of DSCO: the parsed body, and what is needed to complain about it."""

    operation: Operation
    reply: Reply
    body: Any

    def object(self) -> dict[str, Any]:
        """Return the body, which must be a JSON object; else raises Uncertain (write) or TransientError (read)."""
        if not isinstance(self.body, dict):
            raise unreadable(self.reply, self.body, self.operation.name, writes=self.operation.writes)
        return self.body

    def items(self, key: str) -> Sequence[dict[str, Any]]:
        """Return the objects listed under ``key``; a missing or odd list raises TransientError."""
        found = self.object().get(key)
        if isinstance(found, Objects):
            return found
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise unreadable(self.reply, self.body, self.operation.name, writes=False)
        return found


class DscoTransport:
    """Carries out operations with the account's token, at the documented pace. Thread-safe."""

    def __init__(self, base_url: str, client_id: str, client_secret: str) -> None:
        self._door = HttpDoor(VENDOR, base_url)
        self._tokens = TokenKeeper(self._door, client_id, client_secret)

    def read_once(self, operation: Operation, params: Parameters | None = None) -> Answer:
        """Send a read that must not be repeated unseen: a page of a scroll moves the search on."""
        return self._call(operation, params, None)

    def read(self, operation: Operation, params: Parameters | None = None) -> Answer:
        """Send a read; one whose connection was lost (a stale keep-alive) is sent once more."""
        try:
            return self._call(operation, params, None)
        except TransientError as error:
            if error.code != "connection_lost":
                raise
        return self._call(operation, params, None)

    def write(self, operation: Operation, payload: Any, params: Parameters | None = None) -> Answer:
        """Send a write, exactly once. Raises ValueError for a body above DSCO's limit, before anything is sent."""
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        if len(body) > MAX_BODY_BYTES:
            raise ValueError(f"The body of {operation.name} has {len(body)} bytes; DSCO takes {MAX_BODY_BYTES}.")
        return self._call(operation, params, body)

    def _call(self, operation: Operation, params: Parameters | None, body: bytes | None) -> Answer:
        token = self._tokens.current()
        try:
            return self._send(operation, params, body, token)
        except AuthenticationExpired:  # DSCO refused before doing anything, so repeating is safe for writes too
            token = self._tokens.renewed(refused=token)
        try:
            return self._send(operation, params, body, token)
        except AuthenticationExpired as error:
            raise ConfigurationError(
                joined(
                    [
                        _(
                            "DSCO refuses even a token that it has just given out: check what this client may do, and"
                            " DSCO_BASE_URL."
                        ),
                        error.message,
                    ]
                ),
                vendor=VENDOR,
                operation=operation.name,
                code=error.code,
                http_status=error.http_status,
                request_id=error.request_id,
            ) from None

    def _send(self, operation: Operation, params: Parameters | None, body: bytes | None, token: str) -> Answer:
        turn = f"{VENDOR}:{operation.name}"
        wait_turn(turn, operation.rate, vendor=VENDOR, operation=operation.name)
        reply = self._door.send(
            operation.name,
            operation.method,
            operation.path,
            writes=operation.writes,
            params=params,
            body=body,
            headers={
                "Authorization": f"bearer {token}",
                "Accept": "application/json",
                "Content-Type": "application/json",
            },
        )
        parsed = _parsed(reply, operation.large)
        # A gateway may quote our header back at us.
        reply.record.response_excerpt = self._tokens.without_secrets(reply.record.response_excerpt)
        reply.record.vendor_request_id = request_id_of(parsed)
        failure = failure_of(reply, parsed, operation.name, writes=operation.writes)
        if failure is None:
            return Answer(operation, reply, parsed)
        if isinstance(failure, RateLimited):
            pause = failure.retry_after
            push_back(turn, PAUSE_WITHOUT_RETRY_AFTER / settings.RATE_LIMIT_SCALE if pause is None else pause)
        failure.message = with_words(failure.message, self._tokens.without_secrets)
        failure.args = (failure.message,)
        raise failure


def _parsed(reply: Reply, large: str) -> Any:
    try:
        return read_page(reply.content, large) if large else read_json(reply.content)
    except ValueError:
        return None
