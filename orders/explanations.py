"""What each cause means and what to do about it: every code that the product itself creates, in plain words.

A vendor's own codes have no entry: for them ``explain`` gives the general text for what the vendor's answer was.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


class Remedy(Enum):
    """The page on which the cause is mended."""

    ORDER = "order"
    MAPPING = "mapping"
    COMPOSE = "compose"
    POLICY = "policy"
    FLOW = "flow"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What happened, what to do in order, where that is done; ``heals``: it goes on by itself once that is done."""

    meaning: Text
    steps: tuple[Text, ...]
    remedies: tuple[Remedy, ...] = (Remedy.ORDER,)
    heals: bool = False


_ADD_MAPPING: Final = _("Add the missing mapping below, or import a file under Mappings.")
_GOES_BY_ITSELF: Final = _("Nothing more: the orders that waited for it go by themselves.")
_LOOK_FIRST: Final = _("Open the order and look at its last API call and at the vendor's own screens.")
_RETRY_SAFE: Final = _("Retry: what may have happened already is checked first, so nothing is sent twice.")
_DONE_OR_SKIP: Final = _("If it was settled by hand, mark it as done elsewhere; if it is not wanted any more, skip it.")

_MAPPING: Final = (Remedy.MAPPING,)
_UNCERTAIN_STEPS: Final = (
    _("Wait: OrderBridge asks the vendor by itself, first after two minutes, then less and less often."),
    _("If it stays for hours, look at the vendor's own screens, then retry or mark it as done elsewhere."),
)
_LOOK_AND_WAIT: Final = (Remedy.ORDER, Remedy.FLOW)

# By code, or by "kind:code" where a code means different things for different steps.
CATALOGUE: Final[dict[str, Explanation]] = {
    # --- Orders to LingXing ---
    "unmapped_sku": Explanation(
        _("A line's SKU has no SKU mapping, so nobody knows which LingXing product it is. Nothing was sent."),
        (_ADD_MAPPING, _GOES_BY_ITSELF), _MAPPING, heals=True,
    ),
    "unmapped_store": Explanation(
        _("The retailer has no store mapping, so nobody knows in which LingXing store to create the order."),
        (_ADD_MAPPING, _GOES_BY_ITSELF), _MAPPING, heals=True,
    ),
    "unmapped_warehouse": Explanation(
        _("The order's warehouse code has no warehouse mapping. Nothing was sent."),
        (_ADD_MAPPING, _GOES_BY_ITSELF), _MAPPING, heals=True,
    ),
    "unmapped_shipping": Explanation(
        _("The order's warehouse and service level have no shipping mapping. Nothing was sent."),
        (_ADD_MAPPING, _GOES_BY_ITSELF), _MAPPING, heals=True,
    ),
    "unreadable_order": Explanation(
        _("DSCO sent the order in a form that cannot be read in full, so it was not pushed."),
        (
            _("Open the order: it says which field could not be read."),
            _("Ask the retailer to correct it at DSCO; the next pull reads it again and the order goes by itself."),
        ),
        heals=True,
    ),
    "no_lines": Explanation(
        _("No line of the order is still to be delivered: all of them are cancelled or have no quantity."),
        (_("Compare the order with DSCO."), _DONE_OR_SKIP), heals=True,
    ),
    "invalid_order": Explanation(
        _("LingXing's format does not take the order as it is; the message names the field. Nothing was sent."),
        (
            _("Open the order and compare the named field with DSCO."),
            _("Have it corrected at DSCO (it then goes by itself) or correct the mapping, then retry."),
        ),
        (Remedy.ORDER, Remedy.MAPPING), heals=True,
    ),
    "missing_price": Explanation(
        _("A line has no price at all: neither consumer price, retail price nor expected cost. None is invented."),
        (_("Ask the retailer to add the price at DSCO; after the next pull the order goes by itself."),), heals=True,
    ),
    "missing_address": Explanation(
        _("The shipping address lacks something that LingXing needs. Nothing is invented and nothing was sent."),
        (_("Ask the retailer to correct the address at DSCO; after the next pull the order goes by itself."),),
        heals=True,
    ),
    "personal_removed": Explanation(
        _("The consumer's names and addresses were removed from this order, so nothing can be sent to them."),
        (
            _("Create the order by hand in LingXing, with the address from DSCO's portal and the number on the push."),
            _("Mark the push as done elsewhere; or skip it when the order is not wanted."),
        ),
    ),
    "same_order_number": Explanation(
        _("Another DSCO order has the same number in the same LingXing store: LingXing could not tell them apart."),
        (
            _("Create one of the two by hand in LingXing, under another number: under the same one, LingXing and we"
              " would take it for the other order."),
            _("Mark its ERP push as done elsewhere."),
        ),
    ),
    "number_taken": Explanation(
        _("LingXing shows an order under this number, and another DSCO order with the same number was made by hand."),
        (
            _("Look at the order in LingXing. If it is the other one, give it another number there, then retry."),
            _("If it is this one, mark its ERP push as done elsewhere."),
        ),
    ),
    "exists_cancelled": Explanation(
        _("LingXing has this order already, but cancelled or deleted. It is not created a second time."),
        (_("Restore it in LingXing, then retry."), _("If it is not to be delivered, skip the push.")),
    ),
    "erp_push:refused": Explanation(
        _("LingXing refused the order for good; its words are in the message."),
        (
            _("Correct what LingXing names: usually a product, a warehouse or a shipping method that it doesn't have."),
            _("Then retry all of them at once."),
        ),
        (Remedy.ORDER, Remedy.MAPPING),
    ),
    "refused_maybe_duplicate": Explanation(
        _("LingXing refused the order, but an earlier attempt may have created it. That is being looked up."),
        _UNCERTAIN_STEPS,
    ),
    "not_in_reply": Explanation(
        _("LingXing's reply did not say what became of the order. That is being looked up."), _UNCERTAIN_STEPS
    ),
    "incomplete_look_up": Explanation(
        _("LingXing's order list could not be read in full, so it is not known whether the order exists there."),
        (_("Wait for the next try; if it lasts, retry or tell an engineer."),), _LOOK_AND_WAIT,
    ),
    # --- Acknowledgements ---
    "missing_in_erp": Explanation(
        _("The order was created in LingXing, but LingXing does not show it any more."),
        (
            _("Look for it in LingXing under its platform order number."),
            _("If it is gone, create it again under that number; the acknowledgement then goes by itself."),
        ),
        heals=True,
    ),
    "cancelled_in_erp": Explanation(
        _("The order is cancelled or deleted in LingXing, but DSCO still wants it."),
        (
            _("Restore it in LingXing, or create it again under the same platform order number; it then goes on."),
            _("If you cannot deliver, cancel its items at DSCO."),
        ),
        heals=True,
    ),
    "refused": Explanation(
        _("DSCO refused it without a code of its own; its words are in the message."), (_LOOK_FIRST, _DONE_OR_SKIP)
    ),
    "not_in_log": Explanation(
        _("DSCO's change log does not mention this. DSCO's own record is being looked at."), _UNCERTAIN_STEPS
    ),
    # --- Shipments ---
    "several_packages": Explanation(
        _("The order left in several packages, and the retailer's policy leaves it to you what to report."),
        (
            _("Compose the packages: see them beside the order's lines, then send them in one report."),
            _("If it was reported in DSCO's portal already, mark the shipment as done elsewhere."),
        ),
        (Remedy.COMPOSE, Remedy.POLICY),
    ),
    "rest_to_report": Explanation(
        _("A part of the order was reported by hand. Packages that were left out, or that left since, are not."),
        (
            _("Compose what is left of the order: only that can be reported now."),
            _("If it was reported in DSCO's portal already, mark this shipment as done elsewhere."),
            _("If the rest is not delivered, cancel its lines, or skip this shipment."),
        ),
        (Remedy.COMPOSE,), heals=True,
    ),
    "reported_already": Explanation(
        _("A part of these packages was reported already by another shipment of the order."),
        (_("Compose what is left of the order, or skip this shipment."),), (Remedy.COMPOSE,),
    ),
    "no_outbound": Explanation(
        _("LingXing shows the order as shipped, but no outbound order that says how. Nothing was reported."),
        (
            _("Look it up in LingXing: when the outbound order is completed there, the shipment goes by itself."),
            _("Else put the packages together here, or mark the shipment as done elsewhere."),
        ),
        (Remedy.COMPOSE,), heals=True,
    ),
    "reported_meanwhile": Explanation(
        _("DSCO shows packages of the order by now; with these, units would be reported twice. Nothing was sent."),
        (_("Compose what is left of the order."), _DONE_OR_SKIP), (Remedy.COMPOSE,),
    ),
    "packages_changed": Explanation(
        _("Outbound orders that were composed into a report have changed in LingXing since. Nothing was sent."),
        (_("Look at the packages and confirm them again."), _DONE_OR_SKIP), (Remedy.COMPOSE,),
    ),
    "shipment:quantities_differ": Explanation(
        _("What was packed is not what was ordered. Nothing was reported."),
        (
            _("Correct the outbound order in LingXing: the shipment then goes by itself."),
            _("Or report it in DSCO's portal and mark the shipment as done elsewhere."),
        ),
        (Remedy.COMPOSE,), heals=True,
    ),
    "tracking_number_used": Explanation(
        _("The tracking number also stands on another order's package."),
        (_("Correct it in LingXing: the shipment then goes by itself."), _DONE_OR_SKIP), (Remedy.COMPOSE,), heals=True,
    ),
    "no_tracking_number": Explanation(
        _("The package left more than a day ago, but LingXing has no tracking number for it."),
        (_("Enter the tracking number in LingXing: the shipment then goes by itself."),), heals=True,
    ),
    "no_carrier": Explanation(
        _("Neither the order nor a shipping mapping says which carrier and method, or service level, to report."),
        (_("Add what to report to the shipping mapping of LingXing's method."), _GOES_BY_ITSELF), _MAPPING, heals=True,
    ),
    "no_warehouse_code": Explanation(
        _("The retailer wants a warehouse code with the shipment, and LingXing's warehouse has no mapping."),
        (_("Add a warehouse mapping for LingXing's warehouse."), _GOES_BY_ITSELF), _MAPPING, heals=True,
    ),
    "invalid_shipment": Explanation(
        _("DSCO's format does not take the package as it is; the message names the field."),
        (_("Correct it in LingXing: the shipment then goes by itself."), _DONE_OR_SKIP), (Remedy.COMPOSE,), heals=True,
    ),
    "reported_differently": Explanation(
        _("DSCO shows other tracking numbers for the order than LingXing, or fewer units under them."),
        (
            _("Compare both, and report what is missing in DSCO's portal."),
            _("Then mark the shipment as done elsewhere."),
        ),
        (Remedy.COMPOSE,),
    ),
    "partly_reported": Explanation(
        _("DSCO shows only some of the packages that were reported."),
        (_("Report the rest in DSCO's portal."), _("Then mark the shipment as done elsewhere.")), (Remedy.ORDER,),
    ),
    "shipment:cancel_requested": Explanation(
        _("The retailer asks to cancel an order whose package has left already."),
        (
            _("To refuse, skip the order's cancellation: the shipment then goes by itself."),
            _("To accept, stop the package, then skip this shipment."),
        ),
    ),
    "shipment:cancelled_after_shipment": Explanation(
        _("The order was cancelled at DSCO, but its package has left."),
        (_("Stop or fetch back the package and skip the shipment."), _("Or settle it with the retailer.")),
    ),
    "cancelled_again": Explanation(
        _("The retailer wants more cancelled than what was already carried out for the order."),
        (
            _("Do the second cancellation by hand in LingXing and in the DSCO portal."),
            _("Then retry to ship the rest, or skip the shipment."),
        ),
    ),
    # --- Invoices ---
    "invoice:quantities_differ": Explanation(
        _("DSCO shows other quantities as shipped than are owed, so no invoice was sent."),
        (
            _("Compare the order in the DSCO portal; when it is put right there, retry."),
            _("If it was invoiced there, mark the invoice as done elsewhere."),
        ),
    ),
    "missing_cost": Explanation(
        _("DSCO gave no expected cost for a line, and no price is invented."),
        (
            _("Ask the retailer to add it to the order, wait for the next pull and retry."),
            _("Or invoice in the DSCO portal and mark the invoice as done elsewhere."),
        ),
    ),
    "fraction_of_a_cent": Explanation(
        _("The expected cost has fractions of a cent, which changes the amount: DSCO takes prices to the cent."),
        (
            _("Retry to invoice at the rounded price."),
            _("Or invoice in the DSCO portal and mark it as done elsewhere."),
        ),
    ),
    "nothing_to_invoice": Explanation(
        _("Nothing of the order was shipped, so there is nothing to invoice."), (_("Compare with DSCO."), _DONE_OR_SKIP)
    ),
    "invoiced_elsewhere": Explanation(
        _("DSCO already has another invoice for this order."),
        (_("Compare it in the DSCO portal; if it is right, mark this invoice as done elsewhere."),),
    ),
    "invoice_differs": Explanation(
        _("DSCO has an invoice with this number, but with another total."),
        (_("Compare both in the DSCO portal; if DSCO's is right, mark this invoice as done elsewhere."),),
    ),
    "invoice_number_taken": Explanation(
        _("The invoice number belongs to another order at DSCO; the next one is tried by itself."), (_RETRY_SAFE,)
    ),
    "shipment_not_visible": Explanation(
        _("DSCO does not show the shipment, so it takes no invoice."),
        (_("Check the shipment in the DSCO portal."), _("When it is there, retry.")),
    ),
    "invoice:cancelled_after_shipment": Explanation(
        _("The order was cancelled at DSCO after it had been shipped."),
        (_("Agree with the retailer what is owed."), _DONE_OR_SKIP),
    ),
    # --- Cancellations ---
    "cancellation:cancel_requested": Explanation(
        _("The retailer asks to cancel, and the retailer's policy leaves the answer to you."),
        (
            _("Retry to accept: the order is stopped and the cancellation confirmed to DSCO."),
            _("Skip to refuse: the order goes on and is shipped."),
        ),
        (Remedy.ORDER, Remedy.POLICY),
    ),
    "cancellation:cancelled_after_shipment": Explanation(
        _("The retailer cancelled, but the order has already left the warehouse."),
        (
            _("Reject the request in the DSCO portal and skip this: the shipment stands."),
            _("Or recall the parcel, cancel in the DSCO portal, and mark this as done elsewhere."),
        ),
    ),
    "partly_cancelled": Explanation(
        _("Only a part of the order is cancelled, and LingXing has it in full."),
        (_("Reduce the order in LingXing by hand, then mark this as done elsewhere."), _("Skip it to refuse.")),
    ),
    "erp_refused": Explanation(
        _("LingXing neither cancelled nor intercepted the order."),
        (_("Stop it in LingXing by hand and mark this as done elsewhere."), _("Or skip it: the order is shipped.")),
    ),
    "merged_erp_order": Explanation(
        _("In LingXing the order was merged with others, which must not be stopped."),
        (_("Take this order out of it in LingXing by hand, then mark this as done elsewhere."),),
    ),
    "withdrawn_too_late": Explanation(
        _("The request to cancel was taken back or refused, but LingXing has cancelled the order."),
        (
            _("Create the order again in LingXing by hand and skip this."),
            _("Or retry to cancel at DSCO all the same."),
        ),
    ),
    "cancel_refused": Explanation(
        _("DSCO refused to cancel the items; its words are in the message."), (_LOOK_FIRST, _DONE_OR_SKIP)
    ),
    "not_listed": Explanation(
        _("LingXing does not list the order, so it can't be stopped there."), (_LOOK_FIRST, _RETRY_SAFE, _DONE_OR_SKIP)
    ),
    # --- Stock ---
    "stock_drop": Explanation(
        _("The last stock read would set very many items to zero at once, so nothing was sent."),
        (
            _("Check these warehouses' stock in LingXing."),
            _("If the zeros are right, retry; if not, mend the stock there and the next run goes on by itself."),
        ),
        (Remedy.FLOW,), heals=True,
    ),
    # --- Any step ---
    "gave_up": Explanation(
        _("It was tried for a day without success, always for a reason that should pass. The last one is below."),
        (_("Check whether the vendor works again: the flow's page and the API calls tell."), _RETRY_SAFE),
        (Remedy.FLOW, Remedy.ORDER),
    ),
    "outcome_unknown": Explanation(
        _("Nobody could tell for hours whether this was carried out."),
        (_("Look at the vendor's own screens."), _RETRY_SAFE, _DONE_OR_SKIP),
    ),
    "internal_error": Explanation(
        _("OrderBridge itself broke on these. That is a defect, no mistake of yours."),
        (_("Tell an engineer: the log has the details."), _("After the repair, retry all of them at once.")),
        (Remedy.ORDER, Remedy.FLOW),
    ),
    "lease_expired": Explanation(
        _("The worker ended in the middle of a call. Whether it happened is being looked up."), _UNCERTAIN_STEPS
    ),
    "timeout": Explanation(
        _("The vendor gave no answer in time. Whether it happened is being looked up."), _UNCERTAIN_STEPS
    ),
    "connection_lost": Explanation(
        _("The connection broke before the whole answer came. Whether it happened is being looked up."),
        _UNCERTAIN_STEPS,
    ),
    "unreadable_reply": Explanation(
        _("The vendor's answer could not be read. Whether it happened is being looked up."), _UNCERTAIN_STEPS
    ),
    "unclear_outcome": Explanation(
        _("LingXing did not say which orders it took. That is being looked up."), _UNCERTAIN_STEPS
    ),
    "no_outcome": Explanation(
        _("The vendor's answer did not mention these. They are looked at, or sent, singly."), _UNCERTAIN_STEPS
    ),
    "batch_failure": Explanation(
        _("DSCO refused these within a batch; each is repeated alone to learn why."), (_RETRY_SAFE, _LOOK_FIRST)
    ),
    "batch_unavailable": Explanation(
        _("The account has no batch operation; each is sent alone."), (_RETRY_SAFE,), _LOOK_AND_WAIT
    ),
}  # fmt: skip

_BEING_VERIFIED: Final = Explanation(
    _("It may or may not have happened at the vendor. OrderBridge asks the vendor and sends nothing twice."),
    _UNCERTAIN_STEPS,
)
_REJECTED: Final = Explanation(
    _("The vendor understood the request and refused it for good; its words are in the message."),
    (
        _("Correct what the vendor names: in LingXing, at DSCO, in a mapping or in the retailer's policy."),
        _("Then retry all of them at once."),
        _DONE_OR_SKIP,
    ),
    (Remedy.ORDER, Remedy.POLICY),
)


def explain(kind: str, code: str, *, verifying: bool = False) -> Explanation:
    """Return what a code of a kind of delivery means.

    verifying: all its deliveries are uncertain. A code without an entry is the vendor's own.
    """
    found = CATALOGUE.get(f"{kind}:{code}") or CATALOGUE.get(code)
    return found or (_BEING_VERIFIED if verifying else _REJECTED)
