"""Filters that stay fast on large tables: fixed choices, ranges on times, exact codes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..deliveries.states import OPEN, State
from ..errors import ErrorKind
from .base import CheckboxFilter, DropdownFilter, TextFilter


class SinceFilter(DropdownFilter):
    """Rows whose ``column`` lies within the last hours or days."""

    column: ClassVar[str]
    spans: ClassVar[dict[str, timedelta]] = {
        "1h": timedelta(hours=1),
        "24h": timedelta(days=1),
        "7d": timedelta(days=7),
        "30d": timedelta(days=30),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the ranges."""
        return [
            ("1h", _("The last hour")), ("today", _("Today")), ("24h", _("The last 24 hours")),
            ("7d", _("The last 7 days")), ("30d", _("The last 30 days")),
        ]  # fmt: skip

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Limit the list to the range."""
        value = self.value()
        if value == "today":
            start = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        elif value in self.spans:
            start = timezone.now() - self.spans[value]
        else:
            return queryset
        return queryset.filter(**{f"{self.column}__gte": start})


class LastAttemptFilter(SinceFilter):
    title = _("last attempt")
    parameter_name = "attempted"
    column = "last_attempt_at"


class SucceededFilter(SinceFilter):
    """By when the delivery succeeded."""

    title = _("succeeded")
    parameter_name = "succeeded"
    column = "finished_at"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Limit the list to those that succeeded within the range (the index holds only succeeded ones)."""
        return super().queryset(request, queryset.filter(status=State.SUCCEEDED) if self.value() else queryset)


class ErrorKindFilter(CheckboxFilter):
    """By class of the last error. A finished delivery has none, so only open ones are looked at (by index)."""

    title = _("error class")
    parameter_name = "error_kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the classes of the taxonomy."""
        return list(ErrorKind.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Limit the list to the chosen classes."""
        chosen = self.value()
        return queryset.filter(status__in=OPEN, last_error_kind__in=chosen) if chosen else queryset


class ErrorCodeFilter(TextFilter):
    """By reason or error code, as it is written in the list's tooltip."""

    title = _("error or reason code")
    parameter_name = "code"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Limit the list to one code."""
        code = (self.value() or "").strip()
        if not code:
            return queryset
        unfinished = [state for state in State if state != State.SUCCEEDED]  # a succeeded one has no code
        return queryset.filter(Q(reason_code=code) | Q(last_error_code=code), status__in=unfinished)
