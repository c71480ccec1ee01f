"""Callers of the API with different tokens, and seeded orders."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from integrations.api.tokens import create_token
from integrations.models import ApiScope
from tests.staff.people import kept, seeded, staff  # noqa: F401

EVERYTHING = list(ApiScope.values)


class Caller:
    """A client with a token. Writes get a new idempotency key unless they bring one."""

    def __init__(self, secret: str, token: Any = None) -> None:
        self.client = Client(raise_request_exception=False)
        self.secret = secret
        self.token = token

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(address(path), headers=self._headers(headers))

    def post(self, path: str, content: Any = None, key: str | None = None, method: str = "post", **headers: str) -> Any:
        headers = self._headers(headers) | {"Idempotency-Key": key or uuid.uuid4().hex}
        send = getattr(self.client, method)
        return send(address(path), data=content or {}, content_type="application/json", headers=headers)

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}", **headers}


def address(path: str) -> str:
    return path if path.startswith("/api/") else f"/api/v1/{path}"


def caller_for(user: User, *scopes: str) -> Caller:
    token, secret = create_token(
        f"token of {user.get_username()} {uuid.uuid4().hex[:6]}", user, scopes or EVERYTHING, 30
    )
    return Caller(secret, token)


def caller(name: str, *codenames: str, scopes: tuple[str, ...] = ()) -> Caller:
    """A caller for a new staff member with these rights."""
    return caller_for(staff(name, *codenames), *scopes)


@pytest.fixture
def boss(db: None) -> Caller:
    """A caller who may do everything."""
    return caller_for(User.objects.create_superuser("boss"))


@pytest.fixture
def orders(db: None) -> list[Any]:
    from tests.admin.seed import seed

    return seed(12)
