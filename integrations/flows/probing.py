"""Asking a vendor that is out whether it is back: by one process at a time, before a flow's own work."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

import structlog
from django.utils import timezone

from ..deliveries.after_outage import bring_forward
from ..deliveries.kinds import delivery_kinds
from ..dsco import DscoClient
from ..errors import VendorError
from ..lingxing import LingXingClient
from ..models import Vendor, VendorOutage
from ..outages import Watch, is_no_answer, is_over, probe_failed, take_probe, unheeded
from .registry import flow_definitions

# One cheap read each, which an account of any kind may make.
QUESTIONS: dict[str, Callable[[], None]] = {
    Vendor.DSCO: lambda: DscoClient.from_settings().hello(),
    Vendor.LINGXING: lambda: LingXingClient.from_settings().check_credentials(),
}
# Several flows started by hand one after the other need not ask each for itself.
JUST_ASKED = timedelta(seconds=10)
log = structlog.get_logger(__name__)


def ask_vendors(watch: Watch, *, at_once: bool) -> list[str]:
    """Ask each vendor that is out, if it is time and nobody else does; return those that have answered.

    at_once: do not wait for the time (a command, or a person). What the answer is does not matter: what is wrong
    besides (credentials, an address that is not allowed) the flow itself will hear and tell.
    """
    back = []
    for outage in watch.outages():
        now = timezone.now()
        asked_lately = outage.failed_probes and now - outage.last_failure_at < JUST_ASKED
        if not take_probe(outage, now, at_once=at_once and not asked_lately):
            continue
        error = _asked(outage.vendor)
        if error is not None:
            probe_failed(outage, error.code, timezone.now())
            continue
        _go_on(outage)
        watch.over(outage.vendor)
        back.append(outage.vendor)
    return back


def _asked(vendor: str) -> VendorError | None:
    try:
        with unheeded():
            QUESTIONS[vendor]()
    except VendorError as error:
        return error if is_no_answer(error) else None
    return None


def _go_on(outage: VendorOutage) -> None:
    """Bring the work forward before the end is written: should we die between, it is done again."""
    now = timezone.now()
    kinds = [kind for kind in delivery_kinds().values() if kind.writes_to(outage.vendor)]
    # The vendor answered the first question: some calls have failed, and are repeated as always.
    number = sum(bring_forward(kind, outage, now) for kind in kinds) if outage.failed_probes else 0
    is_over(outage, number, now)


def flows_of(vendors: Iterable[str]) -> list[str]:
    """Return the flows that deliver to one of these vendors."""
    kinds = delivery_kinds()
    wanted = [name for name, kind in kinds.items() if any(kind.writes_to(vendor) for vendor in vendors)]
    return [definition.name for definition in flow_definitions() if definition.delivers in wanted]
