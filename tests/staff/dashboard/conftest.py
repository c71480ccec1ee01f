"""A seeded database, people with different rights, and figures that are never older than the test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from integrations.causes import refresh_causes
from integrations.flows.schedules import ensure_schedules
from integrations.models import ApiCall, Flow, FlowRun, Heartbeat
from tests.admin.seed import seed


@pytest.fixture(autouse=True)
def fresh_figures() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def orders(db: None) -> list[Any]:
    found = seed(60)
    refresh_causes(timezone.now())
    return found


@pytest.fixture
def boss(db: None) -> User:
    return User.objects.create_superuser("boss", "boss@example.com", "not-a-real-password")


@pytest.fixture
def browser(boss: User) -> Client:
    return as_user(boss)


@pytest.fixture
def calm(db: None) -> None:
    """Everything runs, nothing is wrong."""
    now = timezone.now()
    ensure_schedules()
    Flow.objects.update(last_started_at=now, last_success_at=now)
    Heartbeat.objects.create(worker="office", seen_at=now)
    for flow in Flow.objects.all():
        FlowRun.objects.create(flow=flow.name, status="succeeded", started_at=now, finished_at=now)
    for vendor in ("dsco", "lingxing"):
        call(vendor, now)


def call(vendor: str, at: Any, **facts: Any) -> ApiCall:
    return ApiCall.objects.create(
        **{"vendor": vendor, "operation": "get", "method": "GET", "path": "/", "started_at": at, "duration_ms": 5,
           "status": 200} | facts
    )  # fmt: skip


def as_user(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def staff(name: str, *codenames: str) -> User:
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user
