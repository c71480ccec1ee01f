"""``manage.py rebuild``: derive all tables anew from stored payloads and the vendors' truth."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date

from integrations.errors import VendorError
from integrations.models import Heartbeat, Vendor
from integrations.stops import open_stops

from ...models import Order
from ...rebuilding import rebuild

WORKER_SILENCE = timedelta(minutes=2)
# No backup is older; a slip of the pen would ask DSCO for each day since.
LONGEST = timedelta(days=731)


class Command(BaseCommand):
    """After a restored backup, or when payloads are read in a new way. Writes to no vendor; may be run again."""

    help = "Derives orders, lines, ERP orders, packages and the state of every step from payloads and both vendors."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take from when on DSCO is read."""
        parser.add_argument(
            "--since", metavar="DAY", help="read DSCO's orders changed since that day (UTC) first; the backup's, say"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 0 with a JSON line of counts; 1 when a vendor broke it off; 2 for bad use or while workers send."""
        now = timezone.now()
        self._refuse_beside_workers(now)
        since = self._since(options["since"], now)
        try:
            counts = rebuild(now, since, self.stderr.write)
        except VendorError as error:
            raise CommandError(f"{error} Nothing was sent. Run it again when this is settled.", returncode=1) from None
        self.stdout.write(json.dumps({"orders": Order.objects.count(), **dict(sorted(counts.items()))}))

    def _since(self, text: str | None, now: datetime) -> datetime | None:
        if not text:
            return None
        try:
            day = parse_date(text)
        except ValueError:
            day = None
        if day is None:
            raise CommandError(f"--since: {text!r} is no day; write 2026-03-01.", returncode=2)
        if not now.date() - LONGEST <= day <= now.date():
            raise CommandError(
                f"--since: {day} lies in the future (UTC), or more than {LONGEST.days} days back; the day"
                " before the backup's is meant. Nothing was changed.",
                returncode=2,
            )
        return datetime(day.year, day.month, day.day, tzinfo=UTC)

    def _refuse_beside_workers(self, now: datetime) -> None:
        if len(open_stops()) == len(Vendor.values):
            return
        if Heartbeat.objects.filter(seen_at__gt=now - WORKER_SILENCE).exists():
            raise CommandError(
                "Workers are running: stop them, or stop both vendors (manage.py vendorstop dsco --reason ...; the same"
                " for lingxing). What is being rebuilt must not be sent meanwhile.",
                returncode=2,
            )
