"""Webhooks can't be used to reach our own network: not by a name that changes its answer, nor by a redirect."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from integrations.alerts import webhooks
from integrations.alerts.public_connections import is_public
from integrations.alerts.webhooks import TargetFailed

PUBLIC = "93.184.216.34"


class Inside(BaseHTTPRequestHandler):
    """A service of our own network that nobody outside may reach; it sends whoever asks on to another."""

    seen: list[str]

    def do_POST(self) -> None:
        self.seen.append(self.path)
        self.send_response(302)
        self.send_header("Location", "/second")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def inside() -> Iterator[HTTPServer]:
    Inside.seen = []
    server = HTTPServer(("127.0.0.1", 0), Inside)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_name_that_is_public_when_checked_and_private_when_called_reaches_nothing(
    inside: HTTPServer, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.ALERT_WEBHOOK_PRIVATE = False
    answers = iter([PUBLIC, "127.0.0.1", "127.0.0.1", "127.0.0.1"])
    connected: list[Any] = []
    real = socket.socket.connect

    def resolve(_host: str, port: Any, *_arguments: Any, **_options: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port or 0))]

    def connect(self: socket.socket, address: Any) -> None:
        connected.append(address)
        real(self, address)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(TargetFailed, match="private address"):
        webhooks.post(f"https://rebinding.example:{inside.server_port}/hook", {"text": "x"})
    assert connected == []
    assert Inside.seen == []


def test_a_redirect_is_reported_and_not_followed(inside: HTTPServer, settings: Any) -> None:
    settings.ALERT_WEBHOOK_PRIVATE = True
    with pytest.raises(TargetFailed, match="another address"):
        webhooks.post(f"http://127.0.0.1:{inside.server_port}/first", {"text": "x"})
    assert Inside.seen == ["/first"]


@pytest.mark.parametrize(
    "address",
    ["10.1.2.3", "172.16.0.1", "192.168.0.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "255.255.255.255", "::1", "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.1", "2002:0a00:0001::1", "64:ff9b::a00:1",
     "2001:0:4136:e378:8000:63bf:f5ff:fffe"],
)  # fmt: skip
def test_what_only_we_can_reach_is_not_public_however_it_is_written(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:220:1::1", "64:ff9b::5db8:d822"])
def test_the_open_internet_is_public(address: str) -> None:
    assert is_public(address)
