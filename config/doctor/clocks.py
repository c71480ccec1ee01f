"""Whether this machine's clock agrees with the vendors': by the Date header of their replies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from integrations.calls import CallRecord
from integrations.models import Vendor

from .findings import Finding, note, ok, stops, warning

if TYPE_CHECKING:
    from .examination import Examination

# The header counts whole seconds; a reply is measured from the middle of its call.
EXACTNESS = 1.0
# DSCO refuses a pull whose end is not 5 s in the past by its own clock; ours lies 10 s in the past.
DSCO_AHEAD = 5.0
# LingXing refuses signatures that are two minutes old, by its own clock.
LINGXING_OFF = 100.0
# Leases and limits are shared by the machines' clocks.
WORTH_MENDING = 3.0


def look(examination: Examination) -> Iterator[Finding]:
    """Compare with every reply that the doctor got so far; the smallest difference is nearest to the truth."""
    for vendor in Vendor:
        offsets = [seconds for call in examination.calls if (seconds := _ahead(call, vendor)) is not None]
        if offsets:
            yield _verdict(vendor, min(offsets, key=abs))
        else:
            yield note(
                _("%(vendor)s's replies had no readable date: the clock could not be compared.")
                % {"vendor": vendor.label},
                _("Make sure that NTP keeps this machine's clock (timedatectl)."),
            )


def _ahead(call: CallRecord, vendor: str) -> float | None:
    """Return by how many seconds our clock was ahead of the vendor's, or None."""
    if call.vendor != vendor or not call.server_date:
        return None
    try:
        theirs = parsedate_to_datetime(call.server_date)
    except ValueError:
        return None
    if theirs.tzinfo is None:
        return None
    ours = call.started_at + timedelta(milliseconds=call.duration_ms / 2)
    difference = (ours - theirs).total_seconds() - EXACTNESS / 2  # on average half a second was cut off
    doubt = EXACTNESS / 2 + call.duration_ms / 2000
    return 0.0 if abs(difference) <= doubt else difference


def _verdict(vendor: Vendor, ahead: float) -> Finding:
    named = {"vendor": vendor.label, "seconds": round(abs(ahead), 1)}
    what = (
        _("This machine's clock is %(seconds)s seconds ahead of %(vendor)s's.")
        if ahead > 0
        else _("This machine's clock is %(seconds)s seconds behind %(vendor)s's.")
    ) % named
    do = _("Let NTP keep the clock (timedatectl set-ntp true) on every machine with workers.")
    if vendor == Vendor.DSCO and ahead > DSCO_AHEAD:
        return stops(what + " " + _("DSCO refuses to list orders up to a moment that has not come yet."), do)
    if vendor == Vendor.LINGXING and abs(ahead) > LINGXING_OFF:
        return stops(what + " " + _("LingXing refuses signatures that are two minutes off."), do)
    if abs(ahead) > WORTH_MENDING:
        return warning(what + " " + _("Leases, limits and deadlines go by the clock."), do)
    return ok(_("This machine's clock agrees with %(vendor)s's.") % named)
