"""The emergency stop as the machine sees it: while one is open, nothing is written to that vendor; reads go on.

It is enforced twice. A claim lets no row go that would write to a stopped vendor (``integrations/deliveries/claims``),
and the HTTP door refuses what had been claimed before (``integrations/http.py``): a certain non-send. Setting and
ending a stop stands in ``integrations/stopping.py``.
"""

from __future__ import annotations

from .errors import VendorStopped
from .models import Vendor, VendorStop
from .sentences import gettext as _

STOPPED_CODE = "vendor_stopped"


def open_stops(*, lock: bool = False) -> dict[str, VendorStop]:
    """Return the emergency stops that are open, by vendor: one query.

    lock: in a transaction that parks rows because of them. The end of a stop releases what waits for it; without the
    lock, a row that is being parked at that moment would be overlooked and wait for ever.
    """
    rows = VendorStop.objects.filter(ended_at__isnull=True).order_by("vendor")
    return {stop.vendor: stop for stop in (rows.select_for_update() if lock else rows)}


def refuse_if_stopped(vendor: str, operation: str) -> None:
    """Raise VendorStopped while writes to the vendor are stopped: one query by a small index."""
    stop = VendorStop.objects.filter(vendor=vendor, ended_at__isnull=True).first()
    if stop is not None:
        raise VendorStopped(stop_text(stop), vendor=vendor, operation=operation, code=STOPPED_CODE)


def stop_text(stop: VendorStop) -> str:
    """Return why nothing is sent, for staff."""
    return _("Emergency stop: nothing is written to %(vendor)s until it is ended. Reason: %(reason)s") % {
        "vendor": Vendor(stop.vendor).label, "reason": stop.reason,
    }  # fmt: skip
