"""A vendor that does not answer: noticed from the calls themselves, and left alone until it answers again.

So many calls in a row without an answer (transport failures, 5xx; ``OUTAGE_AFTER_FAILURES``) open an outage, one row
that all processes share. While it is open nothing is claimed for that vendor, and the HTTP door refuses every call to
it (``VendorOut``: nothing was sent, no delivery has failed). One process at a time asks the vendor, at growing
intervals; a command or a person asks at once. Its first answer ends the outage (``integrations/flows/probing.py``),
and the work goes on by itself (``integrations/deliveries/after_outage.py``).

All this counts inside a flow's run (``watching``). What a person does on a page is neither refused nor counted.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from .errors import TransientError, Uncertain, VendorError, VendorOut
from .models import Vendor, VendorOutage
from .sentences import gettext as _

OUT_CODE = "vendor_out"
# Failures this far apart are not "in a row", even if no call succeeded between them. Long: flows may run seldom.
FORGOTTEN_AFTER = timedelta(hours=2)
# An outage that opens so soon after another goes on with the other's wait between two questions.
SAME_TROUBLE_WITHIN = timedelta(minutes=10)
# Who asks has this long; should he die, another one asks then.
PROBE_LEASE = timedelta(seconds=150)
NO_ANSWER = frozenset({"connect_failed", "timeout", "connection_lost"})
log = structlog.get_logger(__name__)


class Watch:
    """What one flow run knows about the vendors' outages. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, VendorOutage] = {}
        self._suspected: set[str] = set()
        for row in VendorOutage.objects.filter(ended_at=None):
            if row.opened_at is None:
                self._suspected.add(row.vendor)
            else:
                self._open[row.vendor] = row

    def outages(self) -> list[VendorOutage]:
        """Return the outages that are open."""
        return list(self._open.values())

    def out(self, vendor: str) -> VendorOutage | None:
        """Return the vendor's outage while there is one."""
        return self._open.get(vendor)

    def over(self, vendor: str) -> None:
        """The vendor has answered: calls may leave again."""
        self._open.pop(vendor, None)

    def failed(self, vendor: str, code: str, since: datetime) -> None:
        """Count a call that got no answer; ``since``: when it was sent."""
        row = _count_failure(vendor, code, since)
        with self._lock:
            if row.opened_at is None:
                self._suspected.add(vendor)
            else:
                self._open[vendor] = row

    def answered(self, vendor: str) -> None:
        """An answer, whatever it says, ends a suspicion."""
        with self._lock:
            if vendor not in self._suspected:
                return
            self._suspected.discard(vendor)
        VendorOutage.objects.filter(vendor=vendor, ended_at=None, opened_at=None).delete()


_watch: ContextVar[Watch | None] = ContextVar("watch_of_outages", default=None)


@contextmanager
def watching() -> Iterator[Watch]:
    """Heed and notice outages in the block, in this thread and in the calls that it starts: one query."""
    watch = Watch()
    token = _watch.set(watch)
    try:
        yield watch
    finally:
        _watch.reset(token)


@contextmanager
def unheeded() -> Iterator[None]:
    """Let calls in the block leave, and end as they may: the question whether the vendor answers."""
    token = _watch.set(None)
    try:
        yield
    finally:
        _watch.reset(token)


def vendors_out() -> list[str]:
    """Return the vendors to which nothing can be sent in this run."""
    watch = _watch.get()
    return [outage.vendor for outage in watch.outages()] if watch else []


def refuse_while_out(vendor: str, operation: str) -> None:
    """Raise VendorOut while the vendor has an outage: no query."""
    watch = _watch.get()
    outage = watch.out(vendor) if watch else None
    if outage is not None:
        raise out_error(outage, operation)


def out_error(outage: VendorOutage, operation: str) -> VendorOut:
    """Return the error that ends a run because of an outage."""
    return VendorOut(outage_text(outage), vendor=outage.vendor, operation=operation, code=OUT_CODE)


def error_while_out(vendors: Collection[str], operation: str) -> VendorOut | None:
    """Return the error of the first of these vendors that has an outage, or None."""
    watch = _watch.get()
    found = [outage for vendor in vendors if watch and (outage := watch.out(vendor))]
    return out_error(found[0], operation) if found else None


def outage_text(outage: VendorOutage) -> str:
    """Return what staff read while it lasts."""
    return _("%(vendor)s has not answered since %(since)s. What is due waits and goes by itself when it answers.") % {
        "vendor": Vendor(outage.vendor).label, "since": f"{timezone.localtime(outage.began_at):%Y-%m-%d %H:%M}",
    }  # fmt: skip


def note_reply(vendor: str, status: int, sent_at: datetime) -> None:
    """Note a complete reply: below 500 the vendor is there, whatever it says."""
    watch = _watch.get()
    if watch is None:
        return
    if status >= 500:
        watch.failed(vendor, f"http_{status}", sent_at)
    else:
        watch.answered(vendor)


def note_failure(vendor: str, error: VendorError, sent_at: datetime) -> None:
    """Note a call that brought no reply."""
    watch = _watch.get()
    if watch is not None and error.code in NO_ANSWER:
        watch.failed(vendor, error.code, sent_at)


def is_no_answer(error: VendorError) -> bool:
    """Return whether the error means that the vendor is not there: nothing came back, or only a server's failure."""
    lost = isinstance(error, TransientError | Uncertain) and error.code in NO_ANSWER
    return lost or (error.http_status or 0) >= 500


def _count_failure(vendor: str, code: str, since: datetime) -> VendorOutage:
    now = timezone.now()
    with transaction.atomic():
        row, _made = VendorOutage.objects.select_for_update().get_or_create(
            vendor=vendor, ended_at=None, defaults={"began_at": since, "last_failure_at": now}
        )
        if row.opened_at is None and now - row.last_failure_at > FORGOTTEN_AFTER:
            row.began_at, row.failures = since, 0
        row.failures += 1
        row.began_at = min(row.began_at, since)
        row.last_failure_at, row.last_error_code = now, code[:120]
        if row.opened_at is None and row.failures >= settings.OUTAGE_AFTER_FAILURES:
            row.opened_at, row.probe_seconds = now, _first_wait(vendor, now)
            row.next_probe_at = now + _scaled(row.probe_seconds)
            log.warning("vendor_out", vendor=vendor, code=code)
        row.save()
    return row


def _first_wait(vendor: str, now: datetime) -> float:
    before = VendorOutage.objects.filter(vendor=vendor, ended_at__gt=now - SAME_TROUBLE_WITHIN).first()
    return longer(before.probe_seconds) if before else settings.OUTAGE_PROBE_SECONDS


def longer(seconds: float) -> float:
    """Return the wait after a question in vain, given the one before it."""
    return min(max(seconds * 2, settings.OUTAGE_PROBE_SECONDS), settings.OUTAGE_PROBE_LONGEST_SECONDS)


def _scaled(seconds: float) -> timedelta:
    return timedelta(seconds=seconds * settings.RETRY_BACKOFF_SCALE)


# --- Asking ---------------------------------------------------------------------------------------


def take_probe(outage: VendorOutage, now: datetime, *, at_once: bool) -> bool:
    """Become the one who asks, if it is time (``at_once``: in any case). False: another one does, or it is over."""
    rows = VendorOutage.objects.filter(pk=outage.pk, ended_at=None)
    if not at_once:
        rows = rows.filter(next_probe_at__lte=now)
    return bool(rows.update(next_probe_at=now + PROBE_LEASE))


def probe_failed(outage: VendorOutage, code: str, now: datetime) -> None:
    """Ask again later, and later each time."""
    outage.probe_seconds = longer(outage.probe_seconds)
    outage.next_probe_at = now + _scaled(outage.probe_seconds)
    VendorOutage.objects.filter(pk=outage.pk).update(
        probe_seconds=outage.probe_seconds, next_probe_at=outage.next_probe_at, last_failure_at=now,
        last_error_code=code[:120], failed_probes=F("failed_probes") + 1,
    )  # fmt: skip


def is_over(outage: VendorOutage, brought_forward: int, now: datetime) -> None:
    """Write down that the vendor has answered."""
    rows = VendorOutage.objects.filter(pk=outage.pk, ended_at=None)
    if rows.update(ended_at=now, brought_forward=brought_forward):
        log.info("vendor_back", vendor=outage.vendor, brought_forward=brought_forward)


# --- Looking back ---------------------------------------------------------------------------------


class Absences:
    """When vendors were out since a time. Time in which nobody could answer does not count against a delivery.

    Only outages in which the vendor was asked in vain: a few failed calls in a row are failures like others.
    """

    def __init__(self, vendors: Collection[str], since: datetime) -> None:
        self._spans: Sequence[tuple[str, datetime, datetime | None]] = list(
            VendorOutage.objects.filter(
                Q(ended_at=None) | Q(ended_at__gt=since), vendor__in=vendors, opened_at__isnull=False,
                failed_probes__gt=0,
            ).values_list("vendor", "began_at", "ended_at")
        )  # fmt: skip

    def of(self, vendor: str, since: datetime, until: datetime) -> timedelta:
        """Return how much of the time between the two the vendor was out."""
        spans = [(max(began, since), min(ended or until, until)) for one, began, ended in self._spans if one == vendor]
        return sum((max(end - start, timedelta()) for start, end in spans), timedelta())
