"""The order list's tabs, and the filters behind them that are chosen by a tab or by pasting, not in the filter box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.admin.views.main import PAGE_VAR
from django.core.paginator import Page
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from integrations.admin.base import DropdownFilter
from integrations.admin.kinds import KEPT_SECONDS, MANY
from integrations.admin.paging import LargeTablePaginator
from integrations.admin.records import list_address
from integrations.recent import recent

from .. import worklists
from ..models import Order
from .search import order_ids_for_numbers, pasted_numbers

WORKLIST, PASTED = "worklist", "pasted"
# Those about deadlines begin with what is due first.
BY_DEADLINE = {"ship_today": "ship_by", "at_risk": "ship_by"}


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab: its address, label, and the number of orders behind it."""

    address: str
    label: str | Promise
    help: str | Promise
    number: str = ""
    active: bool = False
    urgent: bool = False


class HiddenFilter(DropdownFilter):
    """A filter that is part of the address only; the filter box keeps it when other filters are applied."""

    template = "admin/orders/kept_filter.html"


class WorklistFilter(HiddenFilter):
    title = _("list")
    parameter_name = WORKLIST

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the daily questions."""
        return [(each.name, each.label) for each in worklists.WORKLISTS]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Limit the list to one of the daily questions."""
        chosen = worklists.BY_NAME.get(self.value() or "")
        return chosen.narrow(queryset) if chosen else queryset


class NearestFirstPaginator(LargeTablePaginator):
    """The pages of a list about deadlines, the nearest deadline first, read by the deadlines' own indexes."""

    worklist: worklists.Worklist
    rows: QuerySet[Any]

    def counted_up_to(self, most: int) -> int:
        """Count without reading the orders; of very many, now and then."""
        name = f"number:{self.worklist.name}:{most}:{timezone.get_current_timezone_name()}"
        return recent(name, KEPT_SECONDS, lambda: self.worklist.count_up_to(most), dear=lambda number: number > MANY)

    def page(self, number: int | str) -> Page[Any]:
        """Return a page in the order of the deadlines."""
        number = self.validate_number(number)
        ids = self.worklist.first_ids(number * self.per_page)[(number - 1) * self.per_page :]
        found = self.rows.in_bulk(ids)
        return Page([found[pk] for pk in ids if pk in found], number, self)


def deadline_pages(request: HttpRequest, rows: QuerySet[Any], per_page: int) -> NearestFirstPaginator | None:
    """Return the pages of a list about deadlines; None where the address asks for anything else, too.

    rows: all orders, as the list shows them.
    """
    chosen = worklists.BY_NAME.get(request.GET.get(WORKLIST, ""))
    if chosen is None or not chosen.columns or set(request.GET) - {WORKLIST, PAGE_VAR}:
        return None
    paginator = NearestFirstPaginator(rows, per_page)
    paginator.worklist, paginator.rows = chosen, rows
    return paginator


class PastedFilter(HiddenFilter):
    title = _("pasted numbers")
    parameter_name = PASTED

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return one choice: how many numbers were pasted."""
        name = str(self.used_parameters.get(PASTED, ""))
        return [(name, str(len(pasted_numbers(request, name) or ())))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Limit the list to the orders whose numbers were pasted."""
        numbers = pasted_numbers(request, self.value() or "")
        return queryset if numbers is None else queryset.filter(pk__in=order_ids_for_numbers(request, numbers))


def tabs(request: HttpRequest) -> list[Tab]:
    """Return the tabs with their counts."""
    chosen = request.GET.get(WORKLIST, "")
    counts = worklists.counts()
    first = Tab(list_address(Order), _("All"), _("Every order, newest first"), active=not request.GET)
    return [
        first,
        *(
            Tab(
                list_address(Order, worklist=each.name), each.label, each.help, worklists.shown(counts[each.name]),
                active=each.name == chosen, urgent=each.urgent and counts[each.name] > 0,
            )
            for each in worklists.WORKLISTS
        ),
    ]  # fmt: skip
