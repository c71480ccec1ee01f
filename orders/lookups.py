"""Finding orders by whatever number a person has at hand. Every probe uses an index, also with a million orders."""

from __future__ import annotations

from django.db.models import Model, QuerySet

from .models import ErpPush, Invoice, Order, OrderErpLink, Package

MOST = 200
RELATED: tuple[tuple[type[Model], str], ...] = (
    (OrderErpLink, "erp_order__global_order_no"),
    (Package, "tracking_number"),
    (Package, "wo_number"),
    (ErpPush, "platform_order_no"),
    (Invoice, "invoice_id"),
)


def find_order_ids(number: str) -> list[int]:
    """Return the primary keys of orders (at most MOST, newest first) that carry exactly this number.

    number: DSCO order id, PO number, number in LingXing (platform or system order), outbound order,
    tracking number or invoice number; blanks around it do not matter.
    """
    wanted = number.strip()
    if not wanted:
        return []
    found: set[int] = set(Order.objects.filter(dsco_order_id=wanted).values_list("pk", flat=True))
    found.update(Order.objects.filter(po_number=wanted).values_list("pk", flat=True)[:MOST])
    for model, column in RELATED:
        found.update(model._default_manager.filter(**{column: wanted}).values_list("order__pk", flat=True)[:MOST])
    return sorted(found, reverse=True)[:MOST]


def find_orders(number: str) -> QuerySet[Order]:
    """Return the orders that carry this number, newest first, without their payloads."""
    return Order.objects.filter(pk__in=find_order_ids(number)).defer("payload")
