"""Letting orders travel in tests: all flows in turn, time moved on between them, and the sandbox's books at the end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from integrations.flows import FlowResult, flow_definitions, run_flow
from integrations.sandbox.sandbox import Sandbox
from orders.models import Order, Stage
from tests.conftest import MovableClock

ROOT = Path(__file__).resolve().parent.parent.parent
EFFECTS = ("acknowledgement", "shipment", "invoice")


def run_all(sandbox: Sandbox, clock: MovableClock, *, move: bool = True) -> dict[str, FlowResult]:
    """Run every flow once; LingXing audits and ships in between what it can."""
    results = {}
    for definition in flow_definitions():
        results[definition.name] = run_flow(definition.name)
        if move:
            audit_and_ship(sandbox)
        clock.advance(20)
    return results


def audit_and_ship(sandbox: Sandbox) -> None:
    """Let the ERP's people do their work on every order that waits for it."""
    for row in list(sandbox.lingxing.orders.values()):
        number = row["global_order_no"]
        if row["status"] == 4:
            sandbox.lingxing.audit(number)
            sandbox.lingxing.ship(number)


def travel(sandbox: Sandbox, clock: MovableClock, *, rounds: int = 12) -> int:
    """Run all flows until every order is invoiced or ``rounds`` are over; return the number of rounds."""
    for number in range(1, rounds + 1):
        run_all(sandbox, clock)
        ended = Order.objects.filter(stage__in=[Stage.INVOICED, Stage.CANCELLED, Stage.CLOSED]).count()
        if ended == len(sandbox.dsco.orders):
            return number
    return rounds


def assert_each_effect_once(sandbox: Sandbox, order_ids: Sequence[str]) -> None:
    """The sandbox's own books: one ERP order, one acknowledgement, one shipment, one invoice per order."""
    assert sandbox.dsco.duplicates() == []
    assert sandbox.lingxing.duplicates() == []
    wrong = {
        (order_id, kind): count
        for order_id in order_ids
        for kind, count in (
            ("erp_order", sandbox.lingxing.effect_count("erp_order", order_id)),
            *((kind, sandbox.dsco.effect_count(kind, order_id)) for kind in EFFECTS),
        )
        if count != 1
    }
    assert wrong == {}


def stages() -> dict[str, int]:
    """Count the orders by stage."""
    found: dict[str, int] = {}
    for stage in Order.objects.values_list("stage", flat=True):
        found[stage] = found.get(stage, 0) + 1
    return found


def command_environment(sandbox: Sandbox, **more: str) -> dict[str, str]:
    """Return the environment in which a ``manage.py`` process works on the test's database and sandbox."""
    database = connection.settings_dict
    url = f"sqlite:///{database['NAME']}"
    if connection.vendor == "postgresql":
        host = f"{database['HOST'] or '127.0.0.1'}:{database['PORT'] or 5432}"
        password = f":{database['PASSWORD']}" if database["PASSWORD"] else ""
        url = f"postgres://{database['USER']}{password}@{host}/{database['NAME']}"
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("DSCO_", "LINGXING_"))},
        **sandbox.environment(),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "ORDERBRIDGE_ENV_FILE": "",
        "DATABASE_URL": url,
        "DJANGO_SECRET_KEY": settings.SECRET_KEY,
        "RETRY_BACKOFF_SCALE": "0.001",
        "VERIFY_DELAY_SECONDS": "0.2",
        "HTTP_TIMEOUT_SECONDS": "3",
        "RATE_LIMIT_SCALE": "1000",
        "LOG_LEVEL": "ERROR",
        **more,
    }


def start_command(sandbox: Sandbox, *arguments: str, **more: str) -> subprocess.Popen[str]:
    """Start ``manage.py`` with these arguments."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=command_environment(sandbox, **more),
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def run_command(sandbox: Sandbox, *arguments: str, **more: str) -> Any:
    """Run ``manage.py`` with these arguments to its end; return (exit code, output, errors)."""
    process = start_command(sandbox, *arguments, **more)
    output, errors = process.communicate(timeout=120)
    return process.returncode, output, errors
