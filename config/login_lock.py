"""Guessing passwords: an account, and an address, that failed too often is locked for a while (django-axes).

``LOGIN_FAILURE_LIMIT`` failures lock an account wherever they came from, ADDRESS_SHARE times as many lock an address:
a whole office may share one. The lock ends by itself after LOGIN_LOCK_MINUTES; staff who may change users end it in
the admin (Failed log-ins), engineers with ``manage.py unlock``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin
from django.db.models import Max, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

ADDRESS_SHARE = 4


class LoginLock(AxesDatabaseHandler):  # type: ignore[misc] # axes has no types
    """Counts failures by account and by address."""

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """Return the failures of the account, or what those of the address weigh; the larger counts."""
        of_account, of_address = (
            attempts.aggregate(failures=Sum("failures_since_start"))["failures"] or 0
            for attempts in self.get_user_attempts(request, credentials)
        )
        return int(max(of_account, of_address // ADDRESS_SHARE))

    def reset_user_attempts(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        """After a log-in forget the failures of that account only.

        Whoever has one account must not be able to clear, between guesses, what counts against him for another.
        """
        of_account, _of_address = self.filter_user_attempts(request, credentials)
        return int(of_account.delete()[0])


@dataclass(frozen=True, slots=True)
class Lock:
    """An account or an address that can't log in, and until when."""

    account: str
    address: str
    failures: int
    until: datetime


def open_locks() -> list[Lock]:
    """Return what is locked now, accounts first."""
    since = timezone.now() - settings.AXES_COOLOFF_TIME
    recent = AccessAttempt.objects.filter(attempt_time__gte=since).order_by()
    found = []
    for column, limit in (
        ("username", settings.LOGIN_FAILURE_LIMIT),
        ("ip_address", settings.LOGIN_FAILURE_LIMIT * ADDRESS_SHARE),
    ):
        groups = recent.values(column).annotate(failures=Sum("failures_since_start"), last=Max("attempt_time"))
        for row in groups.filter(failures__gte=limit).order_by(column):
            account, address = (row[column], "") if column == "username" else ("", row[column])
            until = row["last"] + settings.AXES_COOLOFF_TIME
            found.append(Lock(account or "", address or "", row["failures"], until))
    return found


def unlock(*, account: str = "", address: str = "") -> int:
    """Forget the failures of an account or of an address, of all with neither. Returns the rows removed."""
    wanted = Q()
    if account:
        wanted |= Q(username=account)
    if address:
        wanted |= Q(ip_address=address)
    return int(AccessAttempt.objects.filter(wanted).delete()[0])


def locked_response(
    request: HttpRequest, _response: HttpResponse | None = None, _credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """Say that it is locked, for how long at most, and who can end it; the same whether the account exists or not."""
    seconds = int(settings.AXES_COOLOFF_TIME.total_seconds())
    context = {**admin.site.each_context(request), "minutes": -(-seconds // 60)}
    answer = TemplateResponse(request, "admin/locked.html", context, status=429, headers={"Retry-After": str(seconds)})
    return answer.render()
