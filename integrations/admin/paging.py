"""Pages of tables with millions of rows: no COUNT over the table, and deep pages by primary key first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

MOST_COUNTED = 10_000


if TYPE_CHECKING:
    _Paginator = Paginator[Any]
else:  # Django's class takes no parameters at run time
    _Paginator = Paginator


class LargeTablePaginator(_Paginator):
    """Counts at most MOST_COUNTED rows (a person pages no further, but filters) and reads a page's ids first."""

    template_name = "admin/large_table_pages.html"

    @cached_property
    def count(self) -> int:
        """Return the number of rows, or MOST_COUNTED when there are more."""
        return min(self._counted, MOST_COUNTED)

    @property
    def more_than_counted(self) -> bool:
        """Return whether there are more rows than ``count`` says."""
        return self._counted > MOST_COUNTED

    @cached_property
    def _counted(self) -> int:
        return self.counted_up_to(MOST_COUNTED + 1)

    def counted_up_to(self, most: int) -> int:
        """Return the number of rows, ``most`` when there are more."""
        rows = self.object_list
        return rows.order_by()[:most].count() if isinstance(rows, QuerySet) else len(rows)

    def page(self, number: int | str) -> Page[Any]:
        """Return a page; its rows are found by an index alone before they are read."""
        number = self.validate_number(number)
        rows = self.object_list
        if number == 1 or not isinstance(rows, QuerySet):
            return super().page(number)
        bottom = (number - 1) * self.per_page
        ids = list(rows.select_related(None).values_list("pk", flat=True)[bottom : bottom + self.per_page])
        return Page(rows.filter(pk__in=ids), number, self)
