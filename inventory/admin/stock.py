"""Stock as last read, what DSCO was told, and the updates owed: read-only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.admin import words
from integrations.admin.base import DropdownFilter, ReadOnlyAdmin, display
from integrations.admin.deliveries import DeliveryAdmin, attempts_of, attempts_section
from integrations.admin.lingxing_names import named, read_names
from integrations.admin.records import RecordAdmin, Section, facts, link_to, table
from integrations.admin.search import numbers_in
from integrations.models import ListName

from ..figures import DIFFERS
from ..models import StockItem, StockLevel, StockUpdate


@admin.register(StockLevel)
class StockLevelAdmin(ReadOnlyAdmin):
    """Quantities in LingXing's warehouses."""

    list_display = ("erp_sku", "its_warehouse", "available", "locked", "total", "third_party_sellable", "read")
    search_fields = ("erp_sku__exact", "wid__exact")
    search_help_text = gettext_lazy("ERP SKU or warehouse id")
    ordering = ("-id",)
    sortable_by = ()
    fields = ("erp_sku", "wid", "available", "locked", "total", "third_party_sellable", "read_at")

    def prepare_page(self, request: HttpRequest, rows: list[Any]) -> None:
        """Read LingXing's names of the warehouses."""
        read_names(rows, {"wid": ListName.WAREHOUSES})

    @display(description=gettext_lazy("LingXing warehouse"))
    def its_warehouse(self, level: StockLevel) -> SafeString | str:
        """The warehouse by its name, with its id."""
        return named(level, "wid")

    @display(description=gettext_lazy("last read"))
    def read(self, level: StockLevel) -> SafeString | str:
        """When it was read."""
        return words.ago(level.read_at)


class DiffersFilter(DropdownFilter):
    """Items of which DSCO has another figure than it should."""

    title = gettext_lazy("difference")
    parameter_name = "differs"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the one choice."""
        return [("yes", gettext_lazy("DSCO has another figure"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Limit the list."""
        return queryset.filter(DIFFERS) if self.value() == "yes" else queryset


@admin.register(StockItem)
class StockItemAdmin(RecordAdmin):
    """What DSCO was last told about an item."""

    list_display = ("dsco_sku", "confirmed_figures", "confirmed_time", "target_figures", "target_time")
    list_filter = (DiffersFilter,)
    search_fields = ("dsco_sku__exact",)
    search_help_text = gettext_lazy("DSCO SKU; several at once")
    ordering = ("-id",)
    sortable_by = ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find by exact SKUs."""
        return (queryset.filter(dsco_sku__in=numbers_in(search_term)) if search_term else queryset), False

    @display(description=gettext_lazy("confirmed quantities"))
    def confirmed_figures(self, item: StockItem) -> str:
        """What DSCO has."""
        return quantities(item.confirmed)

    @display(description=gettext_lazy("confirmed"))
    def confirmed_time(self, item: StockItem) -> SafeString | str:
        """When DSCO confirmed it."""
        return words.ago(item.confirmed_at)

    @display(description=gettext_lazy("target quantities"))
    def target_figures(self, item: StockItem) -> str:
        """What DSCO should have."""
        return quantities(item.target)

    @display(description=gettext_lazy("computed"))
    def target_time(self, item: StockItem) -> SafeString | str:
        """When that was computed."""
        return words.ago(item.target_at)

    def sections(self, request: HttpRequest, record: StockItem) -> list[Section]:
        """Return the item's figures and its updates."""
        updates = list(record.updates.order_by("-id")[:50])
        rows = [
            [link_to(update, words.clock(update.created_at)), words.state_label(update.status),
             quantities(update.quantities), words.error_text(update), update.attempts]
            for update in updates
        ]  # fmt: skip
        headers = [_("created"), _("state"), _("quantities"), _("last error"), _("attempts")]
        return [
            facts(_("At DSCO"), [
                ("DSCO SKU", record.dsco_sku), (_("confirmed quantities"), quantities(record.confirmed)),
                (_("confirmed"), words.moment(record.confirmed_at)),
            ]),
            facts(_("Target"), [
                (_("target quantities"), quantities(record.target)), (_("computed"), words.moment(record.target_at)),
            ]),
            table(_("Stock updates, newest first"), headers, rows, _("Nothing was sent yet.")),
            attempts_section(attempts_of(updates)),
        ]  # fmt: skip


@admin.register(StockUpdate)
class StockUpdateAdmin(DeliveryAdmin):
    """库存同步记录."""

    list_display = ("subject", "figures", *DeliveryAdmin.list_display[1:])
    search_fields = ("item__dsco_sku__exact",)
    search_help_text = gettext_lazy("DSCO SKU; several at once")
    list_select_related = ("item",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find by exact SKUs."""
        if not search_term:
            return queryset, False
        items = StockItem.objects.filter(dsco_sku__in=numbers_in(search_term)).values("pk")
        return queryset.filter(item__in=items), False

    @display(description=gettext_lazy("item"))
    def subject(self, update: StockUpdate) -> SafeString | str:
        """The item."""
        return link_to(update.item)

    @display(description=gettext_lazy("quantities"))
    def figures(self, update: StockUpdate) -> str:
        """What is sent."""
        return quantities(update.quantities)

    def own_facts(self, record: StockUpdate) -> Iterable[tuple[Any, Any]]:
        """Return what is sent."""
        return [(_("quantities"), quantities(record.quantities))]


def quantities(figures: dict[str, Any]) -> str:
    """Return quantities by warehouse on one line."""
    return ", ".join(f"{code}: {number}" for code, number in figures.items()) or words.EMPTY
