"""What each retailer's policy holds back, and what in it cannot work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from orders.models import Mode, RetailerPolicy, StoreMapping
from orders.policies import policies_for
from orders.policy_checks import check_policy

from .findings import Finding, from_input, note, ok

if TYPE_CHECKING:
    from .examination import Examination

MODES = ("push_mode", "acknowledge_mode", "shipment_mode", "invoice_mode", "cancellation_mode")


def look(examination: Examination) -> Iterator[Finding]:
    """Look at the policy of every retailer that has a policy of its own or a store."""
    retailers = set(RetailerPolicy.objects.values_list("retailer_id", flat=True))
    retailers |= set(StoreMapping.objects.values_list("retailer_id", flat=True))
    policies = policies_for(retailers)
    quiet = True
    for retailer in sorted(policies):
        for finding in _of(policies[retailer]):
            quiet = False
            yield finding
    if policies and quiet:
        yield ok(_("%(number)d retailers: every step is live, and the policies fit.") % {"number": len(policies)})


def _of(policy: RetailerPolicy) -> Iterator[Finding]:
    name = f"{policy} ({policy.retailer_id})" if policy.name else policy.retailer_id
    yield from from_input(name, check_policy(policy))
    held = [column for column in MODES if getattr(policy, column) != Mode.LIVE]
    if held:
        steps = ", ".join(
            f"{RetailerPolicy._meta.get_field(column).verbose_name} ({Mode(getattr(policy, column)).label})"  # type: ignore[union-attr]
            for column in held
        )
        yield note(
            _("%(retailer)s: not everything is sent: %(steps)s.") % {"retailer": name, "steps": steps},
            _("When you are ready, set these steps to live in the retailer's policy."),
        )
