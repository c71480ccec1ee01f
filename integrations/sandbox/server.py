"""A small, fast HTTP/1.1 server on loopback that can also misbehave.

The standard library's server is polite and slow; this one parses just what HTTP clients send, keeps connections
alive, and lets the dispatcher decide that a connection is to be dropped instead of answered.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import BinaryIO, cast
from urllib.parse import parse_qs, unquote

from .http import Answer, Request

MAX_BODY_BYTES = 64 * 1024 * 1024
REASONS = {status.value: status.phrase for status in HTTPStatus}


class DropConnection(Exception):
    """Raised by a dispatcher: close the connection without a reply. ``reset`` sends RST instead of FIN."""

    def __init__(self, reset: bool) -> None:
        super().__init__("connection dropped")
        self.reset = reset


class BadRequest(Exception):
    """The bytes on the wire are not a request that this server can read."""


Dispatch = Callable[[Request], Answer]


class LoopbackServer:
    """Listens on 127.0.0.1 and gives every request to ``dispatch``, one thread per connection."""

    def __init__(self, dispatch: Dispatch, port: int = 0) -> None:
        self._dispatch = dispatch
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name="sandbox-accept", daemon=True)

    def start(self) -> None:
        """Begin to accept connections, in a background thread."""
        self._thread.start()

    def stop(self) -> None:
        """Close the listener and every open connection."""
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        if self._thread.is_alive():
            self._thread.join(timeout=1)

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), name="sandbox-connection", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        stream = cast(BinaryIO, connection.makefile("rb", buffering=65536))
        reset = False
        try:
            while not self._stopping.is_set() and self._serve_one(connection, stream):
                pass
        except DropConnection as drop:
            reset = drop.reset
        except BadRequest as problem:
            with contextlib.suppress(OSError):
                connection.sendall(_head(Answer(400), len(str(problem)), keep=False) + str(problem).encode())
        except OSError:
            pass  # the client went away, which is its right
        finally:
            with self._lock:
                self._connections.discard(connection)
            _close(connection, stream, reset)

    def _serve_one(self, connection: socket.socket, stream: BinaryIO) -> bool:
        request = read_request(stream, connection)
        if request is None:
            return False
        answer = self._dispatch(request)
        body = answer.encoded()
        keep = request.headers.get("connection", "").lower() != "close"
        head = _head(answer, len(body), keep)
        connection.sendall(head if request.method == "HEAD" else head + body)
        return keep


def read_request(stream: BinaryIO, connection: socket.socket) -> Request | None:
    """Read one request. Returns None when the client has closed the connection. Raises BadRequest."""
    line = stream.readline(65537)
    if line in (b"\r\n", b"\n"):
        line = stream.readline(65537)
    if not line:
        return None
    try:
        method, target, _version = line.decode("latin-1").split()
    except ValueError:
        raise BadRequest("not an HTTP request line") from None
    headers = _read_headers(stream)
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    path, _, query = target.partition("?")
    return Request(
        method=method,
        path=unquote(path),
        query=parse_qs(query, keep_blank_values=True) if query else {},
        headers=headers,
        body=_read_body(stream, headers),
    )


def _read_headers(stream: BinaryIO) -> dict[str, str]:
    headers: dict[str, str] = {}
    while True:
        line = stream.readline(65537)
        if line in (b"\r\n", b"\n"):
            return headers
        if not line:
            raise BadRequest("headers end early")
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()


def _read_body(stream: BinaryIO, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return _read_chunks(stream)
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > MAX_BODY_BYTES:
        raise BadRequest("unusable Content-Length")
    body = stream.read(int(length))
    if len(body) < int(length):
        raise BadRequest("body ends early")
    return body


def _read_chunks(stream: BinaryIO) -> bytes:
    chunks: list[bytes] = []
    while True:
        try:
            size = int(stream.readline(1024).split(b";")[0], 16)
        except ValueError:
            raise BadRequest("unusable chunk") from None
        chunk = stream.read(size)
        stream.readline(1024)
        if not size:
            return b"".join(chunks)
        chunks.append(chunk)


def _head(answer: Answer, length: int, keep: bool) -> bytes:
    lines = [
        f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Unknown')}",
        f"Content-Type: {answer.content_type}",
        f"Content-Length: {length}",
    ]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    if not keep:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _close(connection: socket.socket, stream: BinaryIO, reset: bool) -> None:
    with contextlib.suppress(OSError):
        if reset:  # linger with zero seconds makes the kernel send RST
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stream.close()
        connection.close()
