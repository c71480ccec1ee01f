"""The order list by any of the retailers' deadlines: what the numbers of the dashboard open."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from integrations.admin.base import DropdownFilter
from integrations.sentences import titled

from ..deadlines import DEADLINES, Range, deadline_named, in_range


class DueFilter(DropdownFilter):
    """Orders that have not done a step, by its deadline: late, within 4 hours, today."""

    title = _("deadline")
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return every deadline with every range."""
        return [
            (f"{deadline.name}:{reach.value}", titled(capfirst(str(deadline.label)), reach.label))
            for deadline in DEADLINES for reach in Range
        ]  # fmt: skip

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Limit the list; an unknown value limits nothing."""
        name, _colon, reach = (self.value() or "").partition(":")
        deadline = deadline_named(name)
        if deadline is None or reach not in Range.values:
            return queryset
        return in_range(deadline, reach, timezone.now(), queryset)
