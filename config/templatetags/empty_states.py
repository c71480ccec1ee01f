"""What an empty list says: why it is empty, and what to do."""

from __future__ import annotations

from typing import Any, Final

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from integrations.deliveries.models import Delivery

register = template.Library()

FILTERED: Final = _("Nothing matches. Take filters away, or look for another number; numbers must be complete.")
DELIVERIES: Final = _("Nothing is owed here yet. Steps appear by themselves when orders are pulled.")
NO_ORDER: Final = _("No order yet. They are pulled from DSCO by the flow “Pull orders”: see under Flows when it runs.")
OTHERWISE: Final = _("There is nothing yet.")
# By label of the model.
ADVICE: Final[dict[str, str | Promise]] = {
    "orders.Order": NO_ORDER,
    "orders.OrderLine": NO_ORDER,
    "orders.ErpOrder": _("No order is in LingXing yet. Orders get there by the flow “Push orders”."),
    "orders.Package": _("No package yet. They are read from LingXing's outbound orders when the warehouse ships."),
    "orders.Cancellation": _("No order was cancelled. Nothing to do."),
    "orders.Store": _("No store yet. Add the LingXing stores that orders go to; then map each retailer to one."),
    "orders.StoreMapping": _("No retailer has a store yet. Add one for each retailer, else its orders wait."),
    "orders.ShippingMapping": _("No shipping method is mapped yet. Add one for each warehouse and service level."),
    "orders.RetailerPolicy": _("No policy yet: every retailer gets the defaults. Add one where that is wrong."),
    "inventory.SkuMapping": _("No SKU is mapped yet: orders cannot be pushed. Add mappings, or import a file."),
    "inventory.WarehouseMapping": _("No warehouse is mapped yet: orders cannot be pushed. Add one for each DSCO code."),
    "inventory.StockItem": _("No item yet. Map SKUs and warehouses; the stock flow then fills this."),
    "inventory.StockLevel": _("No stock was read yet. Map warehouses; the stock flow then reads them."),
    "inventory.StockUpdate": _("DSCO was never told a quantity. The stock flow does it when figures differ."),
    "orders.Discrepancy": _("No difference. What was compared last, and when, stands above."),
    "orders.Reconciliation": _("Nothing was compared yet. The flow “Compare with the vendors” does it every night."),
    "integrations.Flow": _("No flow has run yet. Start the workers: manage.py qcluster."),
    "integrations.FlowRun": _("No flow has run yet. Start the workers: manage.py qcluster."),
    "integrations.ApiCall": _("No vendor was called yet. Calls appear when a flow runs."),
    "integrations.Attempt": _("Nothing was attempted yet. Attempts appear when a flow delivers."),
    "integrations.Heartbeat": _("No worker was ever seen. Start one: manage.py qcluster."),
    "integrations.BulkRun": _("No bulk action yet. Select rows in a list and choose an action."),
    "integrations.Export": _("No export yet. Open a list, filter it, and choose Export."),
    "integrations.Alert": _("Nothing was worth an alert yet."),
    "integrations.AlertRule": _("Nobody is told of anything yet. Add a rule: who, about what, by which channel."),
    "integrations.ShadowCall": _("Nothing waits in shadow mode. It is set step by step in a retailer's policy."),
    "integrations.VendorStop": _("No emergency stop. Both vendors are written to."),
}  # fmt: skip


@register.simple_tag
def empty_advice(change_list: Any) -> str:
    """Return what the empty list of a change list should say."""
    if change_list.query or change_list.has_active_filters:
        return str(FILTERED)
    model = change_list.model
    if model._meta.label in ADVICE:
        return str(ADVICE[model._meta.label])
    return str(DELIVERIES if issubclass(model, Delivery) else OTHERWISE)
