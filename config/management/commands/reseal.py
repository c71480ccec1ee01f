"""``manage.py reseal``: after a change of DATABASE_SEAL_KEY, write every sealed text anew with today's key."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from integrations.sealing import reseal, sealed_fields


class Command(BaseCommand):
    """Needs the old key in DATABASE_SEAL_KEYS_FORMER; may run while everything works."""

    help = "Seals tokens, webhooks' addresses and second factors in the database anew with DATABASE_SEAL_KEY."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the rows of each table that were written."""
        for model, columns in sealed_fields():
            number = reseal(model, columns)
            self.stdout.write(f"{model._meta.label}: {number} rows sealed anew ({', '.join(columns)})")
