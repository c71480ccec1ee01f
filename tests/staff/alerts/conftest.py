"""Rules, a settled clock, and webhooks that are recorded instead of sent."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import responses
import time_machine
from django.contrib.auth.models import Group, User

from integrations.models import AlertKind, AlertRule, Cause

START = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)  # ten in the morning in Shanghai
PUBLIC, PRIVATE = "93.184.216.34", "10.0.0.7"


class Time:
    """The simulated time; ``minutes`` lets some pass."""

    def __init__(self, traveller: Any) -> None:
        self._traveller = traveller
        self.now = START

    def to(self, moment: datetime) -> None:
        self.now = moment
        self._traveller.move_to(moment, tick=False)

    def minutes(self, number: float) -> None:
        from datetime import timedelta

        self.to(self.now + timedelta(minutes=number))


@pytest.fixture
def time() -> Iterator[Time]:
    with time_machine.travel(START, tick=False) as traveller:
        yield Time(traveller)


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Names and addresses as the resolver knows them; an unknown name is public."""
    known: dict[str, list[str]] = {}

    def resolve(host: str, *_arguments: Any, **_options: Any) -> list[Any]:
        if known.get(host) == []:
            raise socket.gaierror
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in known.get(host, [PUBLIC])]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return known


@pytest.fixture
def web(hosts: Any) -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def group(db: None) -> Group:
    group = Group.objects.get(name="operator")
    for name, address in (("mei", "mei@example.com"), ("li", "li@example.com"), ("no-mail", "")):
        User.objects.create_user(name, address, is_staff=True).groups.add(group)
    User.objects.create_user("left", "left@example.com", is_active=False).groups.add(group)
    return group


@pytest.fixture
def rule(group: Group) -> AlertRule:
    return AlertRule.objects.create(name="Operators", group=group, kinds=AlertKind.values, time_zone="Asia/Shanghai")


def cause(key: str = "c1", message: str = "SKU … is unknown", **values: Any) -> Cause:
    fields: dict[str, Any] = {
        "kind": "erp_push", "vendor": "lingxing", "code": "20001", "first_seen_at": START, "last_seen_at": START,
        "opened_at": START, "open_count": 3,
    }  # fmt: skip
    return Cause.objects.create(key=key, message=message, **(fields | values))
