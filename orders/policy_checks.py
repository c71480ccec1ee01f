"""Combinations in a retailer's policy that cannot work, or that hardly anybody wants."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from integrations.findings import Finding, Weight
from integrations.sentences import listed
from inventory.models import WarehouseMapping

from .models import ErpStatus, InvoiceTiming, Mode, Order, RetailerPolicy, StoreMapping
from .policies import acknowledge_statuses
from .policy_words import status_names
from .retailers import known_retailers
from .staff_cancellations import CANCEL_CODES

DEAD = frozenset({ErpStatus.CANCELLED.value, ErpStatus.HIDDEN.value})
TOO_EARLY = frozenset({1, 2, 3, ErpStatus.TO_REVIEW.value})


@dataclass(frozen=True, slots=True)
class Known:
    """What policies are checked against: retailers that an order or a store mapping names, and warehouse mappings."""

    retailers: frozenset[str]
    warehouses: bool


def known_to_all() -> Known:
    """Read it for any number of policies: four queries."""
    mapped = StoreMapping.objects.values_list("retailer_id", flat=True)
    return Known(frozenset(known_retailers()).union(mapped), WarehouseMapping.objects.exists())


def _known_to(policy: RetailerPolicy) -> Known:
    own = policy.retailer_id
    named = policy.pk or any(model.objects.filter(retailer_id=own).exists() for model in (Order, StoreMapping))
    warehouses = not policy.require_warehouse_code or WarehouseMapping.objects.exists()
    return Known(frozenset({own} if named else ()), warehouses)


def check_policy(policy: RetailerPolicy, known: Known | None = None) -> list[Finding]:
    """Return what speaks against a policy, saved or not. known: what was read for many policies at once."""
    known = known or _known_to(policy)
    return [*_retailer(policy, known), *_statuses(policy), *_steps(policy), *_details(policy, known)]


def _retailer(policy: RetailerPolicy, known: Known) -> list[Finding]:
    own = policy.retailer_id
    if own in known.retailers or policy.pk:
        return []
    text = _("No order and no store mapping names the retailer %(retailer)s. Check the id (dscoRetailerId).")
    return [Finding(Weight.CONFIRM, "retailer_id", text % {"retailer": own})]


def _statuses(policy: RetailerPolicy) -> list[Finding]:
    wanted = acknowledge_statuses(policy)
    unknown = wanted - {status.value for status in ErpStatus}
    if dead := (wanted & DEAD) | unknown:
        text = _("Orders in status %(statuses)s are not going to be shipped: they cannot be acknowledged.")
        return [Finding(Weight.REFUSE, "acknowledge_statuses", text % {"statuses": status_names(dead)})]
    found = []
    if early := wanted & TOO_EARLY:
        text = _(
            "In status %(statuses)s nobody has reviewed the order in LingXing yet: the retailer would be promised"
            " goods that may be missing."
        )
        found.append(Finding(Weight.CONFIRM, "acknowledge_statuses", text % {"statuses": status_names(early)}))
    if ErpStatus.SHIPPED.value not in wanted:
        text = _(
            "Status %(statuses)s is not ticked: an order that is shipped before we look again would never be"
            " acknowledged, and its shipment never reported."
        )
        shipped = status_names([ErpStatus.SHIPPED.value])
        found.append(Finding(Weight.CONFIRM, "acknowledge_statuses", text % {"statuses": shipped}))
    return found


def _steps(policy: RetailerPolicy) -> list[Finding]:
    """A step that is not live stops all that come after it."""
    steps = [
        ("push_mode", _("ERP push"), policy.push_mode),
        ("acknowledge_mode", _("acknowledgement"), policy.acknowledge_mode),
        ("shipment_mode", _("shipment"), policy.shipment_mode),
    ]
    if policy.invoice_timing != InvoiceTiming.NEVER:
        steps.append(("invoice_mode", _("invoice"), policy.invoice_mode))
    found = []
    for index, (column, name, mode) in enumerate(steps[:-1]):
        later = [title for _column, title, other in steps[index + 1 :] if other == Mode.LIVE]
        if mode != Mode.LIVE and later:
            text = _("%(step)s is not live, so these wait for it and nothing of them is sent either: %(later)s.")
            words = {"step": name[:1].upper() + name[1:], "later": listed(later)}
            found.append(Finding(Weight.CONFIRM, column, text % words))
            break
    return found


def _details(policy: RetailerPolicy, known: Known) -> list[Finding]:
    found = []
    if policy.cancel_code not in CANCEL_CODES:
        text = _("%(code)s is none of DSCO's cancel codes for suppliers (%(known)s): DSCO may refuse it.")
        words = {"code": policy.cancel_code, "known": ", ".join(CANCEL_CODES)}
        found.append(Finding(Weight.CONFIRM, "cancel_code", text % words))
    if policy.require_warehouse_code and not known.warehouses:
        text = _("There is no warehouse mapping: shipments of orders that name no warehouse would all wait.")
        found.append(Finding(Weight.CONFIRM, "require_warehouse_code", text))
    if policy.automatic_packages and policy.shipment_mode != Mode.LIVE:
        text = _("Several packages are to be reported automatically, but shipments are not live: it has no effect yet.")
        found.append(Finding(Weight.NOTE, "automatic_packages", text))
    return found
