"""``manage.py vendorstop``: stop all writes to a vendor, end the stop, or say how things stand."""

from __future__ import annotations

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.models import Vendor
from integrations.stopping import CannotStop, end_stop, held_back, stop_vendor
from integrations.stops import open_stops


class Command(BaseCommand):
    """The emergency stop for engineers; staff find it in the admin."""

    # CI runs the checks; here they would load every page first.
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own form
    help = "Stop all writes to a vendor (--reason), end the stop (--end --reason), or show what it holds back."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the vendor, a reason, and whether to end."""
        parser.add_argument("vendor", choices=Vendor.values)
        parser.add_argument("--reason", default="", help="why it is stopped, or what was put right")
        parser.add_argument("--end", action="store_true", help="end the stop that is open")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 0 when done, 2 for bad use (no reason, stopped already, nothing to end)."""
        vendor, reason, actor = options["vendor"], options["reason"], f"command: {getpass.getuser()}"
        stop = open_stops().get(vendor)
        try:
            if options["end"]:
                if stop is None:
                    raise CannotStop(f"No stop of {vendor} is open.")
                if not reason.strip():
                    raise CannotStop("--end needs --reason: what was put right. It is kept with your name.")
                ended = end_stop(stop.pk, reason, actor)
                self.stdout.write(f"Writes to {vendor} go on; {ended.released} deliveries are due now.")
            elif reason:
                stop_vendor(vendor, reason, actor)
                self.stdout.write(f"Nothing is written to {vendor} any more.")
            else:
                state = f"stopped by {stop.started_by}: {stop.reason}" if stop else "not stopped"
                self.stdout.write(f"{vendor}: {state}")
        except CannotStop as refusal:
            raise CommandError(str(refusal), returncode=2) from None
        for row in held_back(vendor):
            self.stdout.write(f"  {row.kind}: {row.held} held back, {row.due} due, {row.under_way} under way")
