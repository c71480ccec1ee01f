"""Tokens and limits of the vendors, for people: until when a token is valid, who waits for a turn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from .models import RateLimit, Slot, Vendor, VendorToken


@dataclass(slots=True)
class LimitFigures:
    """waits_until: when the longest queue of rate-limited calls ends, None without one; calls_in_flight: slots that
    are taken now; token: whether there is one, and until when."""

    vendor: str
    token: bool = False
    token_until: datetime | None = None
    sign_in_until: datetime | None = None
    waits_until: datetime | None = None
    calls_in_flight: int = 0


def limit_figures(now: datetime) -> dict[str, LimitFigures]:
    """Return the figures of each vendor: three small queries, never a token's text."""
    found = {vendor: LimitFigures(vendor) for vendor in Vendor.values}
    tokens = VendorToken.objects.exclude(access_token="").order_by("expires_at")
    for vendor, until, refresh_until in tokens.values_list("vendor", "expires_at", "refresh_expires_at"):
        if vendor in found:
            figures = found[vendor]
            figures.token, figures.token_until, figures.sign_in_until = True, until, refresh_until
    queues = RateLimit.objects.filter(reserved_until__gt=now.timestamp()).values_list("name", "reserved_until")
    for name, seconds in queues:
        figures = found.get(_vendor_in(name)) or LimitFigures("")
        figures.waits_until = max(figures.waits_until or now, datetime.fromtimestamp(seconds, UTC))
    for name in Slot.objects.filter(held_until__gt=now.timestamp()).values_list("name", flat=True):
        if _vendor_in(name) in found:
            found[_vendor_in(name)].calls_in_flight += 1
    return found


def _vendor_in(name: str) -> str:
    """Return the vendor that a limit's name begins with (``dsco:get_orders``)."""
    return name.replace(" ", ":").partition(":")[0]
