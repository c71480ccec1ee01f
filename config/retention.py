"""What log-ins leave behind, removed after RETENTION_LOGIN_DAYS: sessions that are over, and failed log-ins."""

from __future__ import annotations

from datetime import datetime

from axes.models import AccessAttempt
from django.contrib.sessions.models import Session

from integrations.retention import register_chore


def _delete_sessions(before: datetime, limit: int) -> int:
    keys = list(Session.objects.filter(expire_date__lt=before).values_list("pk", flat=True)[:limit])
    return Session.objects.filter(pk__in=keys).delete()[0] if keys else 0


def _delete_failed_logins(before: datetime, limit: int) -> int:
    ids = list(AccessAttempt.objects.filter(attempt_time__lt=before).values_list("pk", flat=True)[:limit])
    return int(AccessAttempt.objects.filter(pk__in=ids).delete()[0]) if ids else 0


def register_chores() -> None:
    """Announce the chores."""
    register_chore("sessions_deleted", "RETENTION_LOGIN_DAYS", _delete_sessions)
    register_chore("failed_logins_deleted", "RETENTION_LOGIN_DAYS", _delete_failed_logins)
