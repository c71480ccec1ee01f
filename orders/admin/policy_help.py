"""What each field of a retailer policy does, what follows from it, and its default."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _

from ..models import RetailerPolicy
from ..policies import acknowledge_statuses
from ..policy_words import status_names


def _statuses() -> str:
    text = _(
        "Every part of the order in LingXing must be in a ticked status before DSCO is told that the order is"
        " accepted. None ticked: the default, %(usual)s (setting ACK_ORDER_STATUSES)."
    )
    return text % {"usual": status_names(acknowledge_statuses(RetailerPolicy()))}


HELP: dict[str, Callable[[], str]] = {
    "retailer_id": lambda: _("The dscoRetailerId in the retailer's orders."),
    "name": lambda: _("What staff see. Empty: the name in the orders, else the id."),
    "push_mode": lambda: _(
        "Live: orders are created in LingXing. Shadow: they are checked and shown, nothing is created. Off: they wait."
        " While it is not live, no later step happens either. Default: live."
    ),
    "price_field": lambda: _(
        "The price that an order line gets in LingXing; the others stand in where it is missing. It changes LingXing's"
        " sales figures, not the invoice. Default: consumer price."
    ),
    "push_test_orders": lambda: _(
        "Ticked: the retailer's test orders go to LingXing, and the warehouse would ship them. Default: no."
    ),
    "acknowledge_mode": lambda: _(
        "Live: DSCO is told. Shadow or off: it is not, and the order's shipment and invoice wait as"
        " well. Default: live."
    ),
    "acknowledge_statuses": _statuses,
    "shipment_mode": lambda: _(
        "Live: shipments are reported. Shadow or off: packages are collected and shown, nothing is reported, and"
        " invoices wait. Default: live."
    ),
    "automatic_packages": lambda: _(
        "Ticked: several packages are reported in one call when together they are exactly what was ordered. Otherwise"
        " a person looks at them first. Default: no."
    ),
    "require_carrier": lambda: _(
        "Ticked: a shipment without carrier and method waits for a person or a shipping mapping. Otherwise a service"
        " level is enough; a retailer that wants more then refuses the shipment. Default: no."
    ),
    "require_warehouse_code": lambda: _(
        "Ticked: a shipment without the retailer's warehouse code waits for a warehouse mapping. Default: no."
    ),
    "invoice_mode": lambda: _(
        "Live: invoices are sent. Shadow: computed and shown, not sent. Off: nothing happens. Default: live."
    ),
    "invoice_timing": lambda: _(
        "Never: invoices are skipped; those that were skipped stay so when you change it back, retry them in the list"
        " of invoices. Default: when every line is shipped in full."
    ),
    "cancellation_mode": lambda: _(
        "Live: cancellations are carried out in LingXing and confirmed to DSCO. Shadow or off: they are only shown; the"
        " order stops all the same. Default: live."
    ),
    "accept_cancel_requests": lambda: _(
        "Ticked: a request is accepted by itself as long as nothing has shipped. Otherwise a person decides each."
        " Default: yes."
    ),
    "cancel_code": lambda: _("The reason that DSCO is told with a cancellation. Default: CXSC."),
}
