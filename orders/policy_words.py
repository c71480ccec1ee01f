"""A retailer's policy in sentences: what happens to its orders, and what that means."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from integrations.sentences import listed

from .models import ErpStatus, InvoiceTiming, Mode, RetailerPolicy
from .policies import acknowledge_statuses
from .staff_cancellations import CANCEL_CODES


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence; ``own`` when the defaults would say another one."""

    text: str
    own: bool = False


@dataclass(frozen=True, slots=True)
class Chapter:
    """One step of an order, and what the policy says about it."""

    title: str
    sentences: list[Sentence]


def in_words(policy: RetailerPolicy) -> list[Chapter]:
    """Return a policy (also an unsaved one: the defaults) step by step, in the order of the steps."""
    defaults = RetailerPolicy(retailer_id=policy.retailer_id)
    chapters = []
    for title, told in _CHAPTERS:
        usual = set(told(defaults))
        chapters.append(Chapter(title(), [Sentence(text, text not in usual) for text in told(policy)]))
    return chapters


def status_names(statuses: Iterable[int]) -> str:
    """Return LingXing order statuses as "5 To be shipped, 6 …"."""
    known = {status.value: status.label for status in ErpStatus}
    return listed(f"{status} {known.get(status, '')}".strip() for status in sorted(statuses))


def _mode(mode: str, live: str, shadow: str, off: str) -> str:
    return {Mode.LIVE: live, Mode.SHADOW: shadow}.get(Mode(mode), off)


def _push(policy: RetailerPolicy) -> list[str]:
    prices = {
        "consumer_price": _("the consumer price, else the retail price, else the expected cost"),
        "retail_price": _("the retail price, else the consumer price, else the expected cost"),
        "expected_cost": _("the expected cost, else the consumer price, else the retail price"),
    }
    return [
        _mode(
            policy.push_mode,
            _("Orders are created in LingXing by themselves as soon as all their codes are mapped."),
            _("Orders are not created in LingXing (shadow): they are checked, and what is missing is shown."),
            _("Orders are not created in LingXing; they wait until this is switched on."),
        ),
        _("The unit price in LingXing is %(price)s.") % {"price": prices.get(policy.price_field, policy.price_field)},
        _("Test orders go to LingXing like any other order.")
        if policy.push_test_orders
        else _("Test orders are stored, but not created in LingXing."),
    ]


def _acknowledge(policy: RetailerPolicy) -> list[str]:
    statuses = status_names(acknowledge_statuses(policy))
    return [
        _mode(
            policy.acknowledge_mode,
            _("Orders are acknowledged to DSCO when LingXing shows all their parts in status: %(statuses)s."),
            _("Nothing is acknowledged (shadow); it would be when LingXing shows all parts in status: %(statuses)s."),
            _("Nothing is acknowledged until this is switched on; then, when all parts have status: %(statuses)s."),
        )
        % {"statuses": statuses}
    ]


def _ship(policy: RetailerPolicy) -> list[str]:
    found = [
        _mode(
            policy.shipment_mode,
            _("One package that covers the order is reported to DSCO as soon as the outbound order is shipped."),
            _("Shipments are not reported (shadow); packages are collected and shown."),
            _("Shipments are not reported until this is switched on; packages are collected and shown."),
        ),
        _("Several packages are reported together by themselves when they cover the order exactly.")
        if policy.automatic_packages
        else _("Several packages wait for a person, who chooses what is reported."),
        _("Parts of an order are never reported by themselves."),
    ]
    if policy.require_carrier:
        found.append(
            _("Carrier and method must be known; a service level alone is not enough, the shipment then waits.")
        )
    else:
        found.append(_("A service level is enough where carrier and method are not known."))
    if policy.require_warehouse_code:
        found.append(_("The warehouse code must be known, else the shipment waits for a warehouse mapping."))
    else:
        found.append(_("The warehouse code is reported where it is known."))
    return found


def _invoice(policy: RetailerPolicy) -> list[str]:
    if policy.invoice_timing == InvoiceTiming.NEVER:
        return [_("This retailer gets no invoices through DSCO: they are skipped.")]
    return [
        _mode(
            policy.invoice_mode,
            _("Orders are invoiced at expected cost when every line is shipped in full and DSCO shows the shipment."),
            _("Invoices are computed and shown, but not sent (shadow)."),
            _("Invoices are not sent until this is switched on."),
        )
    ]


def _cancel(policy: RetailerPolicy) -> list[str]:
    code = policy.cancel_code
    accepted = _(
        "When the retailer asks to cancel an order that has not shipped, it is stopped in LingXing and confirmed."
    )
    asked = _("When the retailer asks to cancel, the order stops and a person decides.")
    return [
        _mode(
            policy.cancellation_mode,
            accepted if policy.accept_cancel_requests else asked,
            _("Cancellations are prepared and shown, but neither stopped in LingXing nor confirmed (shadow)."),
            _("Cancellations are neither stopped in LingXing nor confirmed until this is switched on."),
        ),
        _("Cancellations are confirmed with the code %(code)s (%(meaning)s).")
        % {"code": code, "meaning": CANCEL_CODES.get(code, _("the retailer's own code"))},
    ]


_CHAPTERS: tuple[tuple[Callable[[], str], Callable[[RetailerPolicy], list[str]]], ...] = (
    (lambda: _("Orders into LingXing"), _push),
    (lambda: _("Acknowledging"), _acknowledge),
    (lambda: _("Shipping"), _ship),
    (lambda: _("Invoicing"), _invoice),
    (lambda: _("Cancelling"), _cancel),
)
