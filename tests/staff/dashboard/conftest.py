"""A seeded database, people with different rights, and figures that are never older than the test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from integrations.flows.schedules import ensure_schedules
from integrations.models import ApiCall, Flow, FlowRun, Heartbeat
from tests.staff.people import as_user, boss, browser, orders, seeded, staff

__all__ = ["as_user", "boss", "browser", "orders", "seeded", "staff"]


@pytest.fixture(autouse=True)
def fresh_figures() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


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
