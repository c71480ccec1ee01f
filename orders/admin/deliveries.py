"""The deliveries of orders: the shared admin with the order as their subject."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.admin import words
from integrations.admin.base import ChoicesCheckboxFilter, display
from integrations.admin.deliveries import DeliveryAdmin, body_section
from integrations.admin.records import Section, link_to, table

from ..models import Acknowledgement, Cancellation, ErpPush, Invoice, Shipment
from .composing import compose_button, composing_urls
from .package_queue import queue_urls
from .search import order_ids_for


class OrderDeliveryAdmin(DeliveryAdmin):
    """A delivery that belongs to an order: found by any of the order's numbers."""

    search_fields = ("order__dsco_order_id__exact",)
    search_help_text = gettext_lazy("Order, PO, ERP, tracking or invoice numbers; several at once")
    list_select_related = ("order",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Read of the order only what the list shows."""
        rows = super().get_queryset(request)
        return rows.defer("order__payload", "order__reported_tracking_numbers", "order__problem")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find the orders by index, then their deliveries."""
        return (queryset.filter(order__in=order_ids_for(search_term)) if search_term else queryset), False

    @display(description=gettext_lazy("order"))
    def subject(self, delivery: Any) -> SafeString | str:
        """The order, with its PO number."""
        order = delivery.order
        if not order.po_number:
            return link_to(order, order.dsco_order_id)
        return format_html(
            '{} <span class="ob-quiet ob-nowrap">{}</span>', link_to(order, order.dsco_order_id), order.po_number
        )


@admin.register(ErpPush)
class ErpPushAdmin(OrderDeliveryAdmin):
    """推单."""

    def own_facts(self, record: ErpPush) -> Iterable[tuple[Any, Any]]:
        """Return the numbers that LingXing knows it by."""
        return [(_("platform order number"), record.platform_order_no), (_("store"), record.store_id)]


@admin.register(Acknowledgement)
class AcknowledgementAdmin(OrderDeliveryAdmin):
    """订单确认."""

    def own_facts(self, record: Acknowledgement) -> Iterable[tuple[Any, Any]]:
        """Return when LingXing was last asked."""
        return [(_("last checked"), words.moment(record.checked_at))]


@admin.register(Shipment)
class ShipmentAdmin(OrderDeliveryAdmin):
    """发货回传."""

    def get_urls(self) -> list[URLPattern]:
        """Add the pages for packages by hand."""
        return [*queue_urls(), *composing_urls(), *super().get_urls()]

    def buttons(self, request: HttpRequest, record: Any) -> list[SafeString]:
        """Offer to put the packages together by hand."""
        return [*compose_button(request, record), *super().buttons(request, record)]

    def own_facts(self, record: Shipment) -> Iterable[tuple[Any, Any]]:
        """Return who composed it and when DSCO showed it."""
        return [
            (_("composed by"), record.chosen_by), (_("seen at DSCO"), words.moment(record.confirmed_at)),
            (_("last checked"), words.moment(record.checked_at)),
        ]  # fmt: skip

    def own_sections(self, record: Shipment) -> Iterable[Section]:
        """Return what is sent."""
        return body_section(_("Shipments as sent"), record.body)


@admin.register(Invoice)
class InvoiceAdmin(OrderDeliveryAdmin):
    """发票."""

    list_display: Any = ("subject", "invoice_id", "total", *OrderDeliveryAdmin.list_display[1:])

    def own_facts(self, record: Invoice) -> Iterable[tuple[Any, Any]]:
        """Return number and total."""
        return [(_("invoice number"), record.invoice_id), (_("total"), record.total)]

    def own_sections(self, record: Invoice) -> Iterable[Section]:
        """Return what is sent."""
        return body_section(_("Invoice as sent"), record.body)


@admin.register(Cancellation)
class CancellationAdmin(OrderDeliveryAdmin):
    """Both actions of a cancellation."""

    list_display: Any = ("subject", "action", *OrderDeliveryAdmin.list_display[1:])
    list_filter: ClassVar[Any] = (*OrderDeliveryAdmin.list_filter, ("action", ChoicesCheckboxFilter))

    def own_facts(self, record: Cancellation) -> Iterable[tuple[Any, Any]]:
        """Return which action it is, and the code that is sent."""
        return [(_("action"), record.get_action_display()), (_("cancel code"), record.cancel_code)]

    def own_sections(self, record: Cancellation) -> Iterable[Section]:
        """Return the lines that are confirmed."""
        lines = {line.position: line for line in record.order.lines.all()} if record.lines else {}
        rows = [
            [line.line_number, line.sku, line.title, item["quantity"]]
            for item in record.lines if (line := lines.get(item["position"]))
        ]  # fmt: skip
        return [table(_("Lines"), ["#", _("SKU"), _("title"), _("to cancel")], rows, "")] if rows else []
