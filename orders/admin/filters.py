"""Filters of the order list. Each uses an index or first limits itself to open orders."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from integrations.admin.base import DropdownFilter
from integrations.admin.filters import SinceFilter
from integrations.admin.kinds import PROBLEMS
from integrations.deliveries.states import State
from integrations.recent import recent

from ..holds import KINDS
from ..models import Order
from ..retailers import known_retailers

RETAILERS_SECONDS = 30.0


class ProblemFilter(DropdownFilter):
    """Orders with a delivery that a person should look at: of any kind, of one state, of one kind."""

    title = _("open problem")
    parameter_name = "problem"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return "any", the states, the kinds."""
        states = [(state.value, state.label) for state in PROBLEMS]
        return [("any", _("Any problem")), *states, *((kind.KIND, kind._meta.verbose_name) for kind in KINDS)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Limit the list."""
        value = self.value()
        if not value:
            return queryset
        states = [State(value)] if value in PROBLEMS else PROBLEMS
        kinds = [kind for kind in KINDS if value == kind.KIND] or KINDS
        found = [kind._default_manager.filter(status__in=states).order_by().values("order_id") for kind in kinds]
        # One list of ids: an OR of lists would look at every order.
        return queryset.filter(pk__in=found[0].union(*found[1:]) if len(found) > 1 else found[0])


class RetailerFilter(DropdownFilter):
    title = _("retailer")
    parameter_name = "retailer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the retailers that there are, or were a few seconds ago."""
        return list(recent("retailers", RETAILERS_SECONDS, known_retailers).items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Limit the list to a retailer."""
        return queryset.filter(retailer_id=self.value()) if self.value() else queryset


class AttentionFilter(DropdownFilter):
    """Orders that are held, asked to be cancelled, or could not be read."""

    title = _("mark")
    parameter_name = "mark"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the marks."""
        return [
            ("held", _("Held")), ("cancel", _("Cancellation requested")),
            ("unreadable", _("Could not be read in full")), ("test", _("Test order")),
        ]  # fmt: skip

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        """Limit the list."""
        match self.value():
            case "held":
                return queryset.filter(held=True)
            case "cancel":
                return queryset.filter(cancel_requested=True)
            case "unreadable":
                return queryset.exclude(problem="")
            case "test":
                return queryset.filter(test_order=True)
        return queryset


class FirstSeenFilter(SinceFilter):
    title = _("first seen")
    parameter_name = "seen"
    column = "first_seen_at"
