"""``manage.py reconcile``: compare a range, or named orders, with both vendors now."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from integrations.flows import run_flow
from integrations.models import RunStatus

from ...reconciling.ranges import BadRequest, request_orders, request_range

ACTOR = "command"


class Command(BaseCommand):
    """Compare and print one JSON line."""

    # CI runs the checks; here they would load every page first.
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own form
    help = "Compares orders, packages, invoices and stock of a range (or of named orders) with both vendors."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take a range or orders."""
        parser.add_argument("--from", dest="since", metavar="TIME", help="2026-03-01 or 2026-03-01T08:00 (local time)")
        parser.add_argument("--to", dest="until", metavar="TIME", help="as --from; the end is not part of the range")
        parser.add_argument("--order", action="append", default=[], metavar="DSCO_ORDER_ID", help="only these orders")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 0 when the comparison ran, even if a vendor stopped it (the line says so); 2 for bad use."""
        named = bool(options["order"])
        if named == bool(options["since"] or options["until"]):
            raise CommandError("Give --from and --to, or --order.", returncode=2)
        try:
            if named:
                request_orders(options["order"], ACTOR)
            else:
                request_range(_moment("--from", options["since"]), _moment("--to", options["until"]), ACTOR)
        except BadRequest as problem:
            raise CommandError(str(problem), returncode=2) from None
        result = run_flow("reconcile", trigger=ACTOR)
        self.stdout.write(json.dumps(result.as_json(), ensure_ascii=False))
        if result.status == RunStatus.FAILED:
            raise CommandError("An error of OrderBridge itself ended the comparison; see the log.", returncode=1)


def _moment(name: str, text: str | None) -> datetime:
    """Read a date (its midnight) or a time, in the office's zone unless it names its own."""
    try:
        moment = parse_datetime(text or "")
        day = None if moment else parse_date(text or "")
    except ValueError:
        moment = day = None
    if moment is None and day is not None:
        moment = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - made aware below
    if not text:
        raise BadRequest(f"{name} is missing.")
    if moment is None:
        raise BadRequest(f"{name}: {text!r} is no time; write 2026-03-01 or 2026-03-01T08:00.")
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
