"""LingXing answered by ``responses``: no network, a token for everybody, no waiting between calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses

from integrations.lingxing import LingXingClient
from integrations.lingxing.auth import ACCESS_TOKEN_PATH, REFRESH_PATH

BASE_URL = "https://lingxing.test"
APP_ID = "ak_TestApp000001"
APP_SECRET = "s3cret-never-shown"


@dataclass
class Vendor:
    """LingXing as the tests see it: answers are queued per path, requests are kept."""

    mock: responses.RequestsMock

    def answers(self, path: str, body: Any = None, status: int = 200, **more: Any) -> None:
        """Queue an answer: an object becomes JSON, text and bytes are sent as they are, an exception is raised."""
        plain = body if isinstance(body, str | bytes | Exception) else json.dumps(body)
        self.mock.add("POST", BASE_URL + path, body=plain, status=status, **more)

    def gives(self, path: str, data: Any, **members: Any) -> None:
        """Queue a successful business answer."""
        self.answers(path, {"code": 0, "message": "success", "request_id": "request-1", "data": data} | members)

    def refuses(self, path: str, code: Any, message: str = "no", status: int = 200, **members: Any) -> None:
        self.answers(path, {"code": code, "message": message, "request_id": "request-9"} | members, status)

    def gives_token(self, value: str = "token-1", refresh: str = "refresh-1", path: str = ACCESS_TOKEN_PATH) -> None:
        data = {"access_token": value, "refresh_token": refresh, "expires_in": 7199}
        self.answers(path, {"code": "200", "msg": "OK", "data": data})

    @property
    def requests(self) -> list[Any]:
        """The business requests sent so far."""
        return [call.request for call in self.mock.calls if "/auth-server/" not in call.request.url]

    @property
    def token_requests(self) -> list[str]:
        """What was asked of the token endpoints so far: ``secret`` or ``refresh``."""
        paths = [urlsplit(call.request.url).path for call in self.mock.calls]
        return [{ACCESS_TOKEN_PATH: "secret", REFRESH_PATH: "refresh"}[path] for path in paths if "/auth-" in path]

    def sent(self, position: int = -1) -> Any:
        """The JSON body of a business request."""
        return json.loads(self.requests[position].body)

    def query(self, position: int = -1) -> dict[str, str]:
        """The query parameters of a business request, decoded once."""
        found = parse_qs(urlsplit(self.requests[position].url).query, strict_parsing=True)
        return {key: values[0] for key, values in found.items()}

    @property
    def tokens_used(self) -> list[str]:
        return [self.query(position)["access_token"] for position in range(len(self.requests))]


@pytest.fixture(autouse=True)
def _no_waiting(settings: Any) -> None:
    settings.RATE_LIMIT_SCALE = 10_000


@pytest.fixture
def fresh_lingxing() -> Iterator[Vendor]:
    """A LingXing that gives no token unless told to."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield Vendor(mock)


@pytest.fixture
def lingxing(fresh_lingxing: Vendor) -> Vendor:
    """A LingXing that gives tokens."""
    fresh_lingxing.gives_token()
    return fresh_lingxing


@pytest.fixture
def client() -> LingXingClient:
    return LingXingClient(BASE_URL, APP_ID, APP_SECRET)
