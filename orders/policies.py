"""Which policy applies to a retailer: its own row, or the defaults."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings

from .models import RetailerPolicy


def policies_for(retailer_ids: Iterable[str]) -> dict[str, RetailerPolicy]:
    """Return a policy for every retailer id, read in one query; unsaved defaults where there is no row."""
    wanted = set(retailer_ids)
    if not wanted:
        return {}
    found = {policy.retailer_id: policy for policy in RetailerPolicy.objects.filter(retailer_id__in=wanted)}
    return {retailer_id: found.get(retailer_id) or RetailerPolicy(retailer_id=retailer_id) for retailer_id in wanted}


def acknowledge_statuses(policy: RetailerPolicy) -> frozenset[int]:
    """Return the LingXing order statuses at which the retailer's orders are acknowledged (seed 002, 4.3)."""
    return frozenset(int(status) for status in policy.acknowledge_statuses or settings.ACK_ORDER_STATUSES)
