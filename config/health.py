"""Health checks: ``/healthz`` for the process, ``/readyz`` for everything that must be working."""

from __future__ import annotations

from datetime import timedelta

from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.utils import timezone

from integrations.flows.overdue import fruitless_flows, overdue_flows
from integrations.models import Heartbeat

WORKER_SILENCE = timedelta(minutes=5)


def healthz(_request: HttpRequest) -> JsonResponse:
    """Answer 200 while the process can answer at all."""
    return JsonResponse({"status": "ok"})


def readyz(_request: HttpRequest) -> JsonResponse:
    """Answer 200 when database, workers and flows are as they should be, else 503 and what is wrong.

    Red also when nothing happened that should have: a flow that does not start, or starts and never ends well.
    """
    try:
        problems = [
            *_silent_workers(),
            *(f"flow {row.name}: overdue" for row in overdue_flows()),
            *(f"flow {row.name}: has not succeeded for long; its last run says why" for row in fruitless_flows()),
        ]
    except DatabaseError:
        problems = ["database: no answer"]
    return JsonResponse(
        {"status": "not ready" if problems else "ok", "problems": problems}, status=503 if problems else 200
    )


def _silent_workers() -> list[str]:
    newest = Heartbeat.objects.order_by("-seen_at").first()
    if newest is None:
        return ["workers: none has started yet"]
    if timezone.now() - newest.seen_at > WORKER_SILENCE:
        return [f"workers: none seen since {newest.seen_at.isoformat(timespec='seconds')}"]
    return []
