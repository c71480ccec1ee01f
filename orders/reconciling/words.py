"""Every situation that a comparison can find: its kind, what it is called, what to do, and what mends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ..models import DifferenceKind as Kind

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Situation:
    """``mend`` names the action of ``mends.py`` ("" when only a person can settle it at the vendor).

    by_itself: the action is safe and carried out without being asked.
    """

    kind: Kind
    title: Text
    advice: Text
    mend: str = ""
    by_itself: bool = False


SITUATIONS: Final[dict[str, Situation]] = {
    # --- DSCO: orders and packages -----------------------------------------------------------------------
    "not_pulled": Situation(
        Kind.MISSING_HERE, _("An order of DSCO was missing here"),
        _("It is fetched and goes its way like any other. Nothing to do."), "fetch", True,
    ),
    "change_not_seen": Situation(
        Kind.STATE, _("A change at DSCO had not been seen here"),
        _("The order is stored as DSCO shows it now. Nothing to do."), "fetch", True,
    ),
    "missing_at_dsco": Situation(
        Kind.MISSING_AT_DSCO, _("DSCO does not show this order any more"),
        _("Look it up in DSCO's portal. If it is gone there, hold it here and stop it in LingXing; ask DSCO support."),
    ),
    "shipped_by_hand": Situation(
        Kind.STATE, _("Shipped by hand in DSCO's portal"),
        _("Its packages are taken over, nothing is reported a second time, and the invoice goes on."),
        "adopt_shipment", True,
    ),
    "partly_shipped": Situation(
        Kind.QUANTITY, _("DSCO shows packages with a part of the order"),
        _("Report the rest in DSCO's portal, or compose it here under Packages to decide. It closes by itself."),
    ),
    "shipped_too_much": Situation(
        Kind.QUANTITY, _("DSCO shows more units as shipped than are owed"),
        _("Compare the packages in DSCO's portal with the order and settle it with the retailer."),
    ),
    "shipment_lost": Situation(
        Kind.TRACKING, _("DSCO does not show the packages that were reported"),
        _("Look at the order in DSCO's portal. If the packages are gone, enter them there: nothing is sent twice."),
    ),
    "more_packages_at_dsco": Situation(
        Kind.TRACKING, _("DSCO shows packages that we did not report"),
        _("Somebody added them in DSCO's portal. If they are right, accept the difference."),
    ),
    "not_acknowledged": Situation(
        Kind.STATE, _("DSCO does not show the acknowledgement"),
        _("We acknowledged the order, DSCO still shows it as new. Accept it in DSCO's portal."),
    ),
    "acknowledged_after_all": Situation(
        Kind.STATE, _("DSCO has the acknowledgement that was given up"),
        _("It had arrived. It counts as done, and the order goes on. Nothing to do."), "adopt_acknowledgement", True,
    ),
    "cancelled_at_dsco": Situation(
        Kind.STATE, _("Cancelled at DSCO, not stopped here yet"),
        _("The flow “Apply cancellations” is started for it. If it stays, look at that flow's runs."),
        "stop", True,
    ),
    "open_at_dsco": Situation(
        Kind.STATE, _("Cancelled here, but DSCO still wants it"),
        _("If it can be delivered, create it again in LingXing by hand. If not, cancel its items in DSCO's portal."),
    ),
    "cost_changed": Situation(
        Kind.PRICE, _("The expected cost has changed since the invoice"),
        _("Agree with the retailer which cost counts; correct the invoice in DSCO's portal, or accept the difference."),
    ),
    # --- DSCO: invoices ------------------------------------------------------------------------------------
    "invoiced_by_hand": Situation(
        Kind.STATE, _("Invoiced by hand at DSCO"),
        _("The invoice is taken over and none is sent. While the shipment is not settled, it waits for that."),
        "adopt_invoice", True,
    ),
    "maybe_invoiced_by_hand": Situation(
        Kind.STATE, _("Perhaps invoiced by hand at DSCO"),
        _(
            "Several orders have this PO number, and DSCO's invoice does not say for which of them it is. Look at it in"
            " DSCO's portal: if it is this order's, mark its invoice as done; if not, accept the difference."
        ),
    ),
    "second_invoice": Situation(
        Kind.AMOUNT, _("DSCO has more than one invoice for the order"),
        _("Compare them in DSCO's portal and have the wrong one cancelled by the retailer."),
    ),
    "amount_differs": Situation(
        Kind.AMOUNT, _("The invoice's total at DSCO is not ours"),
        _("Compare both in DSCO's portal. If DSCO's is right, accept the difference."),
    ),
    "invoice_lost": Situation(
        Kind.MISSING_AT_DSCO, _("DSCO does not show the invoice"),
        _("Look it up in DSCO's portal under its number. If it is not there, enter it there: nothing is sent twice."),
    ),
    # --- DSCO: stock ---------------------------------------------------------------------------------------
    "stock_differs": Situation(
        Kind.STOCK, _("DSCO shows another stock than it was told"),
        _("The right figure is sent again with the next run of the stock flow. Nothing to do."), "send_stock", True,
    ),
    # --- Told by staff or another system -----------------------------------------------------------------
    "changed_after_report": Situation(
        Kind.TRACKING, _("Carrier or tracking number changed after the shipment was reported"),
        _("DSCO still shows what was reported; nothing is sent a second time. Change it in DSCO's portal or tell the"
          " retailer, then accept the difference with a note."),
    ),
    # --- LingXing ------------------------------------------------------------------------------------------
    "made_by_hand": Situation(
        Kind.STATE, _("Created by hand in LingXing"),
        _("The order there is taken over: no second one is created, and it goes on from there."), "take_over", True,
    ),
    "maybe_made_by_hand": Situation(
        Kind.STATE, _("LingXing has an order with this number"),
        _("It may be this order or another one with the same number. Compare both; if it is, take it over."),
        "take_over",
    ),
    "unknown_in_erp": Situation(
        Kind.MISSING_HERE, _("An order in our LingXing store that is not known here"),
        _("Its number is no order that DSCO shows us. If it was created on purpose, accept the difference."),
    ),
    "missing_in_erp": Situation(
        Kind.MISSING_IN_ERP, _("LingXing does not show the order that was created"),
        _("Look for it in LingXing. If it is gone, make a new push: LingXing is asked once more before it is created."),
        "push_again",
    ),
    "cancelled_in_erp": Situation(
        Kind.STATE, _("Cancelled or deleted in LingXing, still wanted by DSCO"),
        _("Restore it in LingXing: it then goes on by itself. If you cannot deliver, cancel its items at DSCO."),
    ),
    "cancelled_after_report": Situation(
        Kind.STATE, _("Cancelled in LingXing after the shipment was reported"),
        _("The retailer was told that it is on its way. Check what the warehouse did and settle it with the retailer."),
    ),
    "alive_in_erp": Situation(
        Kind.STATE, _("Cancelled here, but alive in LingXing"),
        _("Stop it in LingXing before the warehouse ships it."),
    ),
    "erp_quantity": Situation(
        Kind.QUANTITY, _("LingXing holds other quantities than the order"),
        _("Correct the order in LingXing before it is shipped, or cancel the units at DSCO."),
    ),
    "number_given_twice": Situation(
        Kind.QUANTITY, _("LingXing holds several orders' goods under one number"),
        _("Another DSCO order has the same PO number. If it was made by hand in LingXing under this number, give it"
          " another one there: else its packages count as this order's."),
    ),
    "tracking_changed": Situation(
        Kind.TRACKING, _("The tracking number in LingXing is not the one that was reported"),
        _("Correct it in DSCO's portal if LingXing is right; nothing is reported a second time by itself."),
    ),
    "more_packages": Situation(
        Kind.TRACKING, _("LingXing shows more packages than were reported"),
        _("Add them in DSCO's portal if they belong to the order; nothing is reported a second time by itself."),
    ),
}  # fmt: skip
