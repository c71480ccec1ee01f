"""``manage.py purge``: carry out what the RETENTION settings say, now and to the end."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from integrations.management.arguments import seconds
from integrations.retention import tidy


class Command(BaseCommand):
    """Remove and mask what was kept long enough; the workers do the same every hour."""

    help = "Remove and mask what is older than the RETENTION settings allow; prints one JSON line with the counts."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take --seconds."""
        parser.add_argument("--seconds", type=seconds, default=24 * 3600.0, help="stop after so many seconds")

    def handle(self, *args: Any, **options: Any) -> None:
        """Work until nothing is left; what is cut off goes on with the next run."""
        self.stdout.write(json.dumps(tidy(timezone.now(), budget_seconds=options["seconds"])))
