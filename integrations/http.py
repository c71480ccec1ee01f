"""The one HTTP door to both vendors: sessions, time-outs, the call log, and what a lost reply means."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import requests
import urllib3
from django.conf import settings
from django.utils import timezone

from . import clock
from .calls import CallRecord, note_call
from .errors import ConfigurationError, TransientError, Uncertain, VendorError
from .outages import note_failure, note_reply, refuse_while_out
from .redaction import MASK, SECRET_KEYS, excerpt, redact_text, redacted
from .sentences import gettext as _
from .shutdown import refuse_when_asked
from .stops import refuse_if_stopped

CONNECT_TIMEOUT_SECONDS = 5.0
READ_AT_ONCE = 1_000_000  # bytes: blocks that go back to the system when they are put together


@dataclass(slots=True)
class Reply:
    """A complete HTTP reply. ``record`` is its entry in the call log; set the vendor's request id there."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    record: CallRecord


def _always() -> bool:
    return True


_work_is_ours: ContextVar[Callable[[], bool]] = ContextVar("work_is_ours", default=_always)


@contextmanager
def writing_only_while(work_is_ours: Callable[[], bool]) -> Iterator[None]:
    """Let no write leave inside the block (in this thread) once ``work_is_ours`` answers False.

    A process that was held up (suspended, starved, cut off from the database) wakes up in the middle of a call:
    by then another one may have done the work.
    """
    token = _work_is_ours.set(work_is_ours)
    try:
        yield
    finally:
        _work_is_ours.reset(token)


@dataclass(frozen=True, slots=True)
class Unsent:
    """A write that did not leave, as it would have: the body redacted like that of any call, but in full."""

    vendor: str
    operation: str
    method: str
    path: str
    body: str


_kept_in: ContextVar[list[Unsent] | None] = ContextVar("kept_in", default=None)


@contextmanager
def nothing_leaves() -> Iterator[list[Unsent]]:
    """Keep every write inside the block (in this thread) in the list that is yielded, instead of sending it.

    The caller of the door gets a TransientError (``shadow``): nothing happened.
    """
    unsent: list[Unsent] = []
    token = _kept_in.set(unsent)
    try:
        yield unsent
    finally:
        _kept_in.reset(token)


_carriers: dict[str, requests.adapters.BaseAdapter] = {}


@contextmanager
def carried_by(adapter: requests.adapters.BaseAdapter, prefix: str) -> Iterator[None]:
    """Let ``adapter`` carry the requests to addresses below ``prefix``, in sessions opened during the block."""
    _carriers[prefix] = adapter
    try:
        yield
    finally:
        del _carriers[prefix]


class HttpDoor:
    """Sends requests to one vendor. Thread-safe: one connection pool per thread and process.

    It decides only what the transport knows: whether the request can have reached the vendor.
    Status codes and bodies are the vendor packages' business.
    """

    def __init__(self, vendor: str, base_url: str) -> None:
        self.vendor = vendor
        self.base_url = base_url.rstrip("/")
        self._local = threading.local()

    def send(  # noqa: PLR0913 - what an HTTP request can have
        self,
        operation: str,
        method: str,
        path: str,
        *,
        writes: bool,
        params: Mapping[str, Any] | list[tuple[str, Any]] | None = None,
        body: bytes | None = None,
        form: Mapping[str, str] | None = None,
        multipart: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        read_timeout: float | None = None,
    ) -> Reply:
        """Send one request and return the reply, whatever its status.

        writes: whether the operation can change something at the vendor.
        read_timeout: seconds; None takes ``HTTP_TIMEOUT_SECONDS`` or 30.

        Raises TransientError when the request cannot have reached the vendor (or only reads; ``lease_over``: it was
        a write and no longer ours to make), VendorStopped for a write during an emergency stop, Uncertain when a
        write may have been applied, VendorOut while the vendor does not answer (``integrations/outages.py``),
        Stopping when this process should end.
        """
        refuse_when_asked(self.vendor, operation)
        refuse_while_out(self.vendor, operation)
        kept = _kept_in.get()
        if writes and kept is not None:
            what = redacted(body) if body else _parameters_excerpt(params, form or multipart)
            kept.append(Unsent(self.vendor, operation, method, path, what))
            text = "Shadow mode: nothing was sent."
            raise TransientError(text, vendor=self.vendor, operation=operation, code="shadow")
        if writes and not _work_is_ours.get()():
            raise TransientError(
                _(
                    "OrderBridge was held up for so long that another worker may have taken this over; nothing was"
                    " sent."
                ),
                vendor=self.vendor,
                operation=operation,
                code="lease_over",
            )
        if writes:
            refuse_if_stopped(self.vendor, operation)
        record = CallRecord(
            vendor=self.vendor,
            operation=operation,
            method=method,
            path=path,
            started_at=timezone.now(),
            writes=writes,
            request_excerpt=excerpt(body) if body else _parameters_excerpt(params, form or multipart),
        )
        started = clock.monotonic()
        try:
            response = self._session().request(
                method,
                self.base_url + path,
                params=params,
                data=body if body is not None else form,
                files={key: (None, value) for key, value in multipart.items()} if multipart else None,
                headers=dict(headers or {}),
                timeout=(CONNECT_TIMEOUT_SECONDS, read_timeout or default_read_timeout()),
                allow_redirects=False,
                stream=True,
            )
            content = b"".join(response.iter_content(READ_AT_ONCE))
        except requests.RequestException as error:
            failure = _transport_failure(self.vendor, operation, writes, error)
            record.error = failure.code
            record.response_excerpt = failure.message
            self._forget_session()
            note_failure(self.vendor, failure, record.started_at)
            raise failure from None  # the original carries the full URL, and with it the signature
        else:
            record.status = response.status_code
            record.server_date = str(response.headers.get("Date", ""))
            record.response_excerpt = excerpt(content)
            note_reply(self.vendor, response.status_code, record.started_at)
            return Reply(response.status_code, response.headers, content, record)
        finally:
            record.duration_ms = round((clock.monotonic() - started) * 1000)
            note_call(record)

    def _session(self) -> requests.Session:
        if getattr(self._local, "pid", None) != os.getpid():  # sockets do not survive a fork
            self._local.session = requests.Session()
            self._local.session.trust_env = False
            for prefix, adapter in _carriers.items():
                self._local.session.mount(prefix, adapter)
            self._local.pid = os.getpid()
        session: requests.Session = self._local.session
        return session

    def _forget_session(self) -> None:
        self._local.pid = None


def default_read_timeout() -> float:
    """Seconds to wait for a reply when the operation has no time-out of its own."""
    return float(settings.HTTP_TIMEOUT_SECONDS or 30)


def _parameters_excerpt(
    params: Mapping[str, Any] | list[tuple[str, Any]] | None, form: Mapping[str, str] | None
) -> str:
    pairs = list(params.items() if isinstance(params, Mapping) else params or [])
    pairs += list((form or {}).items())
    return "&".join(f"{key}={MASK if key.lower() in SECRET_KEYS else value}" for key, value in pairs)


def _transport_failure(vendor: str, operation: str, writes: bool, error: requests.RequestException) -> VendorError:
    names: dict[str, Any] = {"vendor": vendor, "operation": operation}
    if isinstance(
        error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema | requests.exceptions.MissingSchema
    ):
        return ConfigurationError(
            _("The base URL is not a usable address; check the settings."), code="bad_url", **names
        )
    if isinstance(error, requests.exceptions.SSLError):
        return ConfigurationError(
            _("TLS failed: %(words)s") % {"words": redact_text(str(error))[:300]}, code="tls", **names
        )
    if isinstance(error, requests.ConnectTimeout) or _never_connected(error):
        return TransientError(_("No connection to the vendor could be opened."), code="connect_failed", **names)
    unknown = Uncertain if writes else TransientError
    if isinstance(error, requests.Timeout):
        return unknown(_("The vendor did not answer in time."), code="timeout", **names)
    return unknown(_("The connection was lost before a complete reply arrived."), code="connection_lost", **names)


def _never_connected(error: requests.RequestException) -> bool:
    cause: object = error.args[0] if error.args else None
    if isinstance(cause, urllib3.exceptions.MaxRetryError):
        cause = cause.reason
    return isinstance(
        cause,
        urllib3.exceptions.NewConnectionError
        | urllib3.exceptions.ConnectTimeoutError
        | urllib3.exceptions.NameResolutionError,
    )
