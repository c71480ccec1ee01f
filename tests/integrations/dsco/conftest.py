"""DSCO answered by ``responses``: no network, a token for everybody, no waiting between calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import responses

from integrations.dsco import DscoClient

BASE_URL = "https://dsco.test/api/v3"
CLIENT_ID = "client-4711"
CLIENT_SECRET = "s3cret-never-shown"


@dataclass
class Vendor:
    """DSCO as the tests see it: answers are queued per operation, requests are kept."""

    mock: responses.RequestsMock

    def answers(self, method: str, path: str, body: Any = None, status: int = 200, **more: Any) -> None:
        """Queue an answer: an object becomes JSON, text and bytes are sent as they are, an exception is raised."""
        plain = body if isinstance(body, str | bytes | Exception) else json.dumps(body)
        self.mock.add(method, BASE_URL + path, body=plain, status=status, **more)

    def gives_token(self, value: str = "token-1", expires_in: Any = 3600) -> None:
        reply = {"access_token": value, "token_type": "Bearer", "expires_in": expires_in}
        self.answers("POST", "/oauth2/token", reply)

    @property
    def requests(self) -> list[Any]:
        """The requests sent so far, without those for a token."""
        return [call.request for call in self.mock.calls if not call.request.url.endswith("/oauth2/token")]

    @property
    def token_requests(self) -> list[Any]:
        return [call.request for call in self.mock.calls if call.request.url.endswith("/oauth2/token")]

    def sent(self, position: int = -1) -> Any:
        """The JSON body of a request."""
        return json.loads(self.requests[position].body)


@pytest.fixture(autouse=True)
def _no_waiting(settings: Any) -> None:
    settings.RATE_LIMIT_SCALE = 10_000


@pytest.fixture
def dsco() -> Iterator[Vendor]:
    """A DSCO that knows no token yet."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield Vendor(mock)


@pytest.fixture
def vendor(dsco: Vendor) -> Vendor:
    """A DSCO that gives a token to everybody who asks."""
    dsco.gives_token()
    return dsco


@pytest.fixture
def client(db: None) -> DscoClient:
    return new_client()


def new_client() -> DscoClient:
    """Another program's client of the same account."""
    return DscoClient(BASE_URL, CLIENT_ID, CLIENT_SECRET)
