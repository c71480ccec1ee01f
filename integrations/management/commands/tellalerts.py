"""``manage.py tellalerts``: look what is the matter and tell it, without the workers."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from integrations.alerts.tasks import look_and_tell
from integrations.models import AlertRule


class Command(BaseCommand):
    """Do once what the workers do every minute.

    Alerts are sent by the workers, so nobody would hear that these are dead. Called by cron, on any machine with the
    same settings, this tells it; what the workers have told already is not told again.
    """

    # CI runs the checks; here they would load every page first.
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own form
    help = "Look for what is worth telling and send due alerts: for cron, so that dead workers are told too."

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 0 whatever was found; print how many messages were sent. Fails aloud: cron must notice."""
        AlertRule.objects.exists()  # a database that cannot be used is told once, and not by every source
        self.stdout.write(f"{look_and_tell()} messages sent")
