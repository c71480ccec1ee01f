"""What the order list and the lists of deliveries look like as files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import F
from django.utils.translation import gettext_lazy as _

from integrations.exports import Column, Exportable, register_exportable

from .holds import KINDS
from .models import Invoice, Order, OrderErpLink, Package

# Where DSCO puts the consumer. Address lines differ by retailer, so each is taken from the first name that is there.
PERSONAL: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (_("consumer's name"), ("name", "firstName")),
    (_("last name"), ("lastName",)),
    (_("company"), ("company",)),
    (_("address"), ("address1", "address")),
    (_("address, second line"), ("address2",)),
    (_("city"), ("city",)),
    (_("state or region"), ("region", "state")),
    (_("postal code"), ("postal",)),
    (_("country"), ("country",)),
    (_("phone"), ("phone",)),
    (_("e-mail"), ("email",)),
)


def _name_of(model: Any, column: str) -> Any:
    return getattr(model._meta.get_field(column), "verbose_name", column)


def _attribute(name: str) -> Any:
    return lambda record: getattr(record, name)


def _shipping(names: tuple[str, ...]) -> Any:
    def value(order: Any) -> str:
        shipping = order.shipping if isinstance(order.shipping, dict) else {}
        found = next((shipping[name] for name in names if shipping.get(name)), "")
        return ", ".join(map(str, found)) if isinstance(found, list) else str(found)

    return value


class OrderExport(Exportable):
    """One row for each order, with its numbers on both sides."""

    subject = "order"
    model = Order

    def columns(self) -> Sequence[Column]:
        """Return what staff look for, in the order of the page."""
        own = (
            "dsco_order_id", "po_number", "consumer_order_number", "retailer_id", "retailer_name", "stage_text",
            "dsco_status", "held", "hold_reason", "test_order", "cancel_requested", "cancel_requested_code",
            "warehouse_code", "service_level", "ship_carrier", "ship_method", "currency", "acknowledge_by", "ship_by",
            "invoice_by", "cancel_after", "dsco_created_at", "first_seen_at",
        )  # fmt: skip
        headers = {"stage_text": _("stage")}
        return [
            *(Column(headers.get(name) or _name_of(Order, name), _attribute(name)) for name in own),
            Column(_("ERP order numbers"), _attribute("erp_numbers")),
            Column(_("tracking numbers"), _attribute("tracking")),
            Column(_("invoice number"), _attribute("invoice_number")),
            *(Column(header, _shipping(names), personal=True) for header, names in PERSONAL),
        ]

    def records(self, ids: Sequence[int], personal: bool) -> Sequence[Any]:
        """Read orders with their numbers: four queries; of the payload only the address, and only when allowed."""
        rows = Order.objects.filter(pk__in=ids).defer("payload", "reported_tracking_numbers")
        if personal:
            rows = rows.annotate(shipping=F("payload__shipping"))
        orders: dict[int, Any] = {order.pk: order for order in rows}
        erp: dict[int, list[str]] = {pk: [] for pk in orders}
        tracking: dict[int, list[str]] = {pk: [] for pk in orders}
        links = OrderErpLink.objects.filter(order__in=list(orders), ended_at__isnull=True)
        for pk, number in links.values_list("order_id", "erp_order__global_order_no"):
            erp[pk].append(number)
        packages = Package.objects.filter(order__in=list(orders), ignored="").exclude(tracking_number="")
        for pk, number in packages.order_by().values_list("order_id", "tracking_number"):
            tracking[pk].append(number)
        invoices = dict(Invoice.objects.filter(order__in=list(orders)).values_list("order_id", "invoice_id"))
        for pk, order in orders.items():
            order.erp_numbers, order.tracking = ", ".join(sorted(erp[pk])), ", ".join(sorted(tracking[pk]))
            order.invoice_number, order.stage_text = invoices.get(pk) or "", order.get_stage_display()
        return [orders[pk] for pk in ids if pk in orders]


class DeliveryExport(Exportable):
    """One row for each delivery of a kind, with its order."""

    def __init__(self, kind: Any) -> None:
        self.subject = kind.KIND
        self.model = kind
        self.kind = kind

    def columns(self) -> Sequence[Column]:
        """Return order, state, error, times."""
        own = ("reason_code", "last_error_code", "last_error", "attempts", "last_attempt_at", "due_at",
               "remote_request_id", "remote_reference", "created_at", "finished_at", "key")  # fmt: skip
        return [
            Column(_("DSCO order id"), lambda row: row.order.dsco_order_id),
            Column(_("PO number"), lambda row: row.order.po_number),
            Column(_("retailer"), lambda row: row.order.retailer_name or row.order.retailer_id),
            Column(_("state"), lambda row: row.get_status_display()),
            *(Column(_name_of(self.kind, name), _attribute(name)) for name in own),
        ]

    def records(self, ids: Sequence[int], personal: bool) -> Sequence[Any]:
        """Read deliveries with their orders: one query."""
        rows = self.kind._default_manager.filter(pk__in=ids).select_related("order")
        found = {row.pk: row for row in rows.defer("order__payload", "order__reported_tracking_numbers")}
        return [found[pk] for pk in ids if pk in found]


register_exportable(OrderExport())
for _kind in KINDS:
    register_exportable(DeliveryExport(_kind))
