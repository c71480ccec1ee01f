"""ERP orders and packages as LingXing last showed them: read-only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.admin import words
from integrations.admin.base import ChoicesCheckboxFilter, display
from integrations.admin.lingxing_names import named, read_names
from integrations.admin.records import RecordAdmin, Section, facts, link_to, table
from integrations.admin.search import numbers_in
from integrations.models import ListName

from ..models import ErpOrder, OrderErpLink, OrderLine, Package
from ..status_dictionary import outbound_status
from .search import order_ids_for

# LingXing's split_type.
SPLIT_TYPES: dict[Any, str | Promise] = {
    1: gettext_lazy("as it was created"), 2: gettext_lazy("merged from several orders"),
    3: gettext_lazy("a part of a split order"),
}  # fmt: skip

# What LingXing has names for.
PLACES = {
    "store_id": ListName.STORES, "wid": ListName.WAREHOUSES, "logistics_type_id": ListName.LOGISTICS_TYPES,
}  # fmt: skip


def with_places(links: Sequence[OrderErpLink]) -> list[tuple[OrderErpLink, SafeString | str, SafeString | str]]:
    """Return each link to an ERP order with the ERP order's store and warehouse, by name."""
    read_names([link.erp_order for link in links], PLACES)
    return [(link, named(link.erp_order, "store_id"), named(link.erp_order, "wid")) for link in links]


@admin.register(ErpOrder)
class ErpOrderAdmin(RecordAdmin):
    """LingXing's orders."""

    list_display = ("global_order_no", "state", "its_orders", "its_store", "its_warehouse", "tracking_no", "read")
    list_filter: ClassVar[Any] = (("status", ChoicesCheckboxFilter),)
    search_fields = ("global_order_no__exact",)
    search_help_text = gettext_lazy("ERP, order, PO or tracking numbers; several at once")
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Read the orders of the page at once."""
        return super().get_queryset(request).prefetch_related("order_links__order")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find by the ERP number, else by any number of their orders."""
        if not search_term:
            return queryset, False
        own = set(ErpOrder.objects.filter(global_order_no__in=numbers_in(search_term)).values_list("pk", flat=True))
        links = OrderErpLink.objects.filter(order__in=order_ids_for(search_term))
        return queryset.filter(pk__in=own | set(links.values_list("erp_order_id", flat=True))), False

    @display(description=gettext_lazy("status"))
    def state(self, erp_order: ErpOrder) -> SafeString | str:
        """LingXing's status; deleted ones say so."""
        if erp_order.deleted:
            return words.label(_("deleted"), "muted")
        return words.label(erp_order.get_status_display()) if erp_order.status is not None else words.EMPTY

    @display(description=gettext_lazy("orders"))
    def its_orders(self, erp_order: ErpOrder) -> SafeString | str:
        """The orders that it carries or carried."""
        links = erp_order.order_links.all()
        return format_html_join(", ", "{}", ((link_to(link.order, link.order.dsco_order_id),) for link in links))

    def prepare_page(self, request: HttpRequest, rows: list[Any]) -> None:
        """Read LingXing's names of stores and warehouses."""
        read_names(rows, PLACES)

    @display(description=gettext_lazy("store"))
    def its_store(self, erp_order: ErpOrder) -> SafeString | str:
        """The store by its name, with its id."""
        return named(erp_order, "store_id")

    @display(description=gettext_lazy("LingXing warehouse"))
    def its_warehouse(self, erp_order: ErpOrder) -> SafeString | str:
        """The warehouse by its name, with its id."""
        return named(erp_order, "wid")

    @display(description=gettext_lazy("last read"))
    def read(self, erp_order: ErpOrder) -> SafeString | str:
        """When LingXing was last asked about it."""
        return words.ago(erp_order.read_at)

    def sections(self, request: HttpRequest, record: ErpOrder) -> list[Section]:
        """Return the ERP order and the orders it carries."""
        read_names([record], PLACES)
        links = [
            [link_to(link.order), words.moment(link.first_seen_at), words.moment(link.ended_at)]
            for link in record.order_links.all()
        ]
        return [
            facts(_("ERP order"), [
                (_("ERP order number"), record.global_order_no), (_("status"), self.state(record)),
                (_("store"), named(record, "store_id")),
                (_("original or part"), SPLIT_TYPES.get(record.split_type, record.split_type)),
                (_("re-shipment of"), ", ".join(map(str, record.resend_of))),
                (_("address fields that LingXing dropped"), ", ".join(map(str, record.dropped_fields))),
            ]),
            facts(_("Shipping"), [
                (_("LingXing warehouse"), named(record, "wid")),
                (_("shipping method"), named(record, "logistics_type_id")),
                (_("tracking number"), record.tracking_no), (_("last read"), words.moment(record.read_at)),
            ]),
            table(_("Orders"), [_("order"), _("first seen"), _("ended")], links, _("It belongs to no order of ours.")),
        ]  # fmt: skip


class OfOrderAdmin(RecordAdmin):
    """What belongs to one order, the newest first."""

    list_select_related = ("order",)
    ordering = ("-id",)
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Read of the order only its numbers."""
        return super().get_queryset(request).defer("order__payload")

    @display(description=gettext_lazy("order"))
    def its_order(self, record: Package | OrderLine) -> SafeString | str:
        """The order that it belongs to."""
        return link_to(record.order, record.order.dsco_order_id)


@admin.register(Package)
class PackageAdmin(OfOrderAdmin):
    """Packages learnt from outbound orders."""

    list_display = ("wo_number", "its_order", "tracking_number", "carrier", "shipped_time", "note", "read")
    search_fields = ("tracking_number__exact",)
    search_help_text = gettext_lazy("Tracking, outbound, order or PO numbers; several at once")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find by the packages' own numbers and by any number of their orders."""
        return (queryset.filter(order__in=order_ids_for(search_term)) if search_term else queryset), False

    @display(description=gettext_lazy("carrier"))
    def carrier(self, package: Package) -> str:
        """Carrier and method."""
        return " ".join(part for part in (package.carrier_name, package.logistics_name) if part) or words.EMPTY

    @display(description=gettext_lazy("shipped at"))
    def shipped_time(self, package: Package) -> SafeString | str:
        """When the warehouse shipped it."""
        return words.moment(package.shipped_at) if package.shipped else words.EMPTY

    @display(description=gettext_lazy("not counted because"))
    def note(self, package: Package) -> str:
        """Why it never counts."""
        return words.reason(package.ignored) or words.EMPTY

    @display(description=gettext_lazy("last read"))
    def read(self, package: Package) -> SafeString | str:
        """When LingXing was last asked about it."""
        return words.ago(package.read_at)

    def sections(self, request: HttpRequest, record: Package) -> list[Section]:
        """Return the package and its contents."""
        rows = [
            [line.erp_sku, line.quantity, line.order_line or words.label(_("not in the order"), "warning")]
            for line in record.lines.select_related("order_line")
        ]
        return [
            facts(_("Package"), [
                (_("order"), self.its_order(record)), (_("outbound order"), record.wo_number),
                (_("ERP order number"), record.global_order_no), (_("tracking number"), record.tracking_number),
                (_("carrier"), self.carrier(record)), (_("not counted because"), words.reason(record.ignored)),
            ]),
            facts(_("Shipping"), [
                (_("outbound status"), outbound_status(record.status)), (_("shipped at"), self.shipped_time(record)),
                (_("LingXing warehouse"), named(record, "wid")),
                (_("shipping method"), named(record, "logistics_type_id")),
                (_("last read"), words.moment(record.read_at)),
            ]),
            table(_("Contents"), [_("ERP SKU"), _("quantity"), _("line of the order")], rows, _("Nothing known.")),
        ]  # fmt: skip


@admin.register(OrderLine)
class OrderLineAdmin(OfOrderAdmin):
    """Lines across orders: which orders contain a SKU."""

    list_display = ("its_order", "sku", "partner_sku", "erp_sku", "title", "quantity", "cancelled_quantity")
    list_display_links = ("sku",)
    search_fields = ("sku__exact",)
    search_help_text = gettext_lazy("SKU, or order and PO numbers; several at once")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find by exact SKU, else by the orders' numbers."""
        if not search_term:
            return queryset, False
        by_sku = queryset.filter(sku__in=numbers_in(search_term))
        return (by_sku if by_sku.exists() else queryset.filter(order__in=order_ids_for(search_term))), False

    def sections(self, request: HttpRequest, record: OrderLine) -> list[Section]:
        """Return the line."""
        return [
            facts(_("Line"), [
                (_("order"), self.its_order(record)), (_("line number"), record.line_number),
                (_("title"), record.title),
                (_("ordered"), record.quantity), (_("cancelled"), record.cancelled_quantity),
                (_("expected cost"), words.amount(record.expected_cost)),
                (_("consumer price"), words.amount(record.consumer_price)),
                (_("retail price"), words.amount(record.retail_price)),
            ]),
            facts(_("Codes"), [
                (_("SKU"), record.sku), (_("retailer's SKU"), record.partner_sku), (_("ERP SKU"), record.erp_sku),
                (_("DSCO item id"), record.dsco_item_id), ("UPC", record.upc), ("EAN", record.ean),
                (_("warehouse code"), record.warehouse_code),
            ]),
        ]  # fmt: skip
