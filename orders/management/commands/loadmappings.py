"""``manage.py loadmappings``: store, warehouse, SKU and shipping mappings from a JSON file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from orders.flows.push_orders import release_mapped
from orders.mapping_checks import check_mapping_file
from orders.mapping_files import BadMappingFile, parse_mapping_file, save_mappings

WARNINGS_SHOWN = 20


class Command(BaseCommand):
    """Load mappings; a file with any problem changes nothing."""

    # CI runs the checks; here they would load every page first.
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own form
    help = "Load mappings from a JSON file; prints what was created, updated and unchanged as one JSON line."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the file and --dry-run."""
        parser.add_argument("file", type=Path, metavar="FILE.json")
        parser.add_argument("--dry-run", action="store_true", help="check the file and count, but change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 2 with one line per problem when the file can't be used."""
        path: Path = options["file"]
        try:
            mappings = parse_mapping_file(path.read_bytes())
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.", returncode=2) from None
        except BadMappingFile as bad:
            lines = "\n".join(f"  {problem}" for problem in bad.problems)
            raise CommandError(f"Nothing was loaded from {path}:\n{lines}", returncode=2) from None
        dry_run: bool = options["dry_run"]
        result: dict[str, Any] = {"dry_run": dry_run}
        result |= save_mappings(mappings, dry_run=dry_run, reason=f"loadmappings {path.name}"[:100])
        if not dry_run:
            result["released"] = release_mapped(timezone.now())
        self.stdout.write(json.dumps(result))
        warnings = check_mapping_file(mappings)
        for sentence in warnings[:WARNINGS_SHOWN]:
            self.stderr.write(self.style.WARNING(f"warning: {sentence}"))
        if len(warnings) > WARNINGS_SHOWN:
            self.stderr.write(self.style.WARNING(f"warning: and {len(warnings) - WARNINGS_SHOWN} more."))
