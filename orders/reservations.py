"""Units of DSCO orders that LingXing does not know yet: its available stock still counts them (decision 3)."""

from __future__ import annotations

from django.db.models import Case, F, Sum, When

from integrations.deliveries.states import FINISHED
from inventory.reservations import register_reservations

from .models import OrderLine


def units_not_in_the_erp() -> dict[tuple[str, str], int]:
    """Return ``{(DSCO SKU, DSCO warehouse code or ""): units}`` of open lines whose push has not succeeded.

    An uncertain push counts: selling a unit too few for minutes is better than selling one twice.
    """
    warehouse = Case(When(warehouse_code="", then=F("order__warehouse_code")), default=F("warehouse_code"))
    rows = (
        OrderLine.objects.exclude(order__erp_push__status__in=FINISHED)
        .filter(order__erp_push__isnull=False, quantity__gt=F("cancelled_quantity"))
        .exclude(sku="")
        .annotate(place=warehouse)
        .order_by()
        .values("sku", "place")
        .annotate(units=Sum(F("quantity") - F("cancelled_quantity")))
    )
    return {(row["sku"], row["place"]): row["units"] for row in rows}


register_reservations(units_not_in_the_erp)
