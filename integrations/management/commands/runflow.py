"""``manage.py runflow``: one synchronous pass of flows in this process."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from integrations.flows import flow_definitions, get_flow, run_flow
from integrations.flows.registry import UnknownFlow
from integrations.memory import give_large_blocks_back
from integrations.models import Flow, RunStatus
from integrations.shutdown import asked as asked_to_stop
from integrations.shutdown import not_asked, stopping_on_sigterm

CREDENTIALS = ("DSCO_CLIENT_ID", "DSCO_CLIENT_SECRET", "LINGXING_APP_ID", "LINGXING_APP_SECRET")


class Command(BaseCommand):
    """Run flows one after the other and print one JSON line for each."""

    # CI runs the checks; here they would load every page first.
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own form
    help = "Run one pass of the named flows (or of all) in this process; prints one JSON line per flow."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take flow names or --all."""
        parser.add_argument("flows", nargs="*", metavar="FLOW")
        parser.add_argument("--all", action="store_true", help="run every flow, in their order")
        parser.add_argument(
            "--order", action="append", default=[], metavar="DSCO_ORDER_ID", help="only these orders, where possible"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 0 when the flows ran, even if single orders failed or a vendor stopped them; 2 for bad use."""
        names = [definition.name for definition in flow_definitions()] if options["all"] else options["flows"]
        if not names or (options["all"] and options["flows"]):
            raise CommandError("Name the flows to run, or give --all.", returncode=2)
        for name in names:
            try:
                definition = get_flow(name)
            except UnknownFlow as problem:
                raise CommandError(str(problem), returncode=2) from None
            if options["order"] and not definition.by_order and not options["all"]:
                raise CommandError(f"{name} belongs to no order: leave --order out.", returncode=2)
        missing = [name for name in CREDENTIALS if not getattr(settings, name)]
        if missing:
            raise CommandError(f"Settings: {' and '.join(missing)} missing; no flow was run.", returncode=2)
        try:
            Flow.objects.exists()
        except DatabaseError as problem:
            raise CommandError(
                f"The database cannot be used ({str(problem).splitlines()[0]}); is manage.py migrate done?",
                returncode=2,
            ) from None
        give_large_blocks_back()
        broken = []
        # SIGTERM ends the run under way in good order; the flows behind it are not begun.
        with not_asked(), stopping_on_sigterm():
            for name in names:
                if asked_to_stop():
                    break
                result = run_flow(name, order_ids=options["order"])
                self.stdout.write(json.dumps(result.as_json(), ensure_ascii=False))
                self.stdout.flush()
                if result.status == RunStatus.FAILED:
                    broken.append(name)
        if broken:
            raise CommandError(f"An error of OrderBridge itself ended {', '.join(broken)}; see the log.", returncode=1)
