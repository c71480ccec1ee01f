"""``manage.py documents``: writes the documents that are made from the program."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.documents import fresh_documents, stale_documents


class Command(BaseCommand):
    """Write what is out of date; with --check only say so."""

    help = "Writes the documents that are made from the program: settings, states of deliveries, causes."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own form

    def add_arguments(self, parser: CommandParser) -> None:
        """Take --check."""
        parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a document is out of date")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 0 when all are as they should be, or have been written."""
        stale = [str(path.relative_to(settings.BASE_DIR)) for path in stale_documents()]
        if options["check"]:
            if stale:
                raise CommandError(f"Out of date: {', '.join(stale)}. Run make documents.", returncode=1)
            return
        for path, text in fresh_documents().items():
            path.write_text(text, encoding="utf-8")
        self.stdout.write(f"Written: {', '.join(stale)}" if stale else "All documents are as they should be.")
