"""What is to be compared: the range since the last night, and what people ask for. One row each, taken up again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations import clock

from ..models import Reconciliation
from .facts import grace

# The first night compares one day; a shorter range than this is not worth a run.
FIRST_RANGE = timedelta(days=1)
SHORTEST_SECONDS = 600.0
# Read, compared and forgotten at a time: what bounds the memory, and what an interruption can cost. Where little has
# changed, a longer one costs no more.
SLICE = timedelta(hours=1)
LONGEST_SLICE = timedelta(days=1)
QUICK_SECONDS = 5.0
TIMES_LONGER = 4
LONGEST_RANGE = timedelta(days=92)
MOST_IDS = 500


class BadRequest(ValueError):
    """A range or list of orders that cannot be compared; the message says why."""


def plan(now: datetime) -> Reconciliation | None:
    """Make the row for the time since the last range was planned; None while that is not long ago."""
    until = (now - grace()).replace(microsecond=0)
    own = Reconciliation.objects.filter(requested_by="", until__isnull=False)
    last = own.order_by("-until").first()
    since = last.until if last is not None and last.until is not None else until - FIRST_RANGE
    if until - since < timedelta(seconds=SHORTEST_SECONDS * min(settings.RETRY_BACKOFF_SCALE, 1)):
        return None
    if until <= since:
        return None
    return Reconciliation.objects.create(since=since, until=until, requested_at=now)


def request_range(since: datetime, until: datetime, actor: str) -> Reconciliation:
    """Ask for a range (aware times). Raises BadRequest."""
    now = timezone.now()
    latest = (now - grace()).replace(microsecond=0)
    until = min(until, latest)
    if since >= until:
        raise BadRequest(
            _("The range must begin before it ends, and before %(time)s: what is newer is still on its way.")
            % {"time": timezone.localtime(latest).strftime("%Y-%m-%d %H:%M")}
        )
    if until - since > LONGEST_RANGE:
        raise BadRequest(_("At most %(days)d days at once.") % {"days": LONGEST_RANGE.days})
    return Reconciliation.objects.create(since=since, until=until, requested_by=actor[:150], requested_at=now)


def request_orders(dsco_order_ids: Sequence[str], actor: str) -> Reconciliation:
    """Ask for orders by their DSCO ids. Raises BadRequest."""
    ids = list(dict.fromkeys(dsco_order_ids))
    if not ids or len(ids) > MOST_IDS:
        raise BadRequest(_("Between 1 and %(most)d orders at once.") % {"most": MOST_IDS})
    return Reconciliation.objects.create(order_ids=ids, requested_by=actor[:150], requested_at=timezone.now())


def unfinished() -> Iterable[Reconciliation]:
    """Return what is still to be compared, requests of people first."""
    rows = list(Reconciliation.objects.filter(finished_at=None).order_by("pk"))
    return sorted(rows, key=lambda row: not row.requested_by)


def last_compared() -> Reconciliation | None:
    """Return the range that was compared last, by the machine or for a person."""
    return (
        Reconciliation.objects.filter(finished_at__isnull=False, until__isnull=False).order_by("-finished_at").first()
    )


def slices(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Cut a range into parts, oldest first: the first an hour, longer ones where the one before it took no time."""
    length = SLICE
    while since < until:
        end = min(since + length, until)
        started = clock.monotonic()
        yield since, end
        quick = clock.monotonic() - started < QUICK_SECONDS
        length = min(length * TIMES_LONGER, LONGEST_SLICE) if quick else SLICE
        since = end


def short_slices(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Cut a range into parts of an hour: what one of them holds keeps no other from being compared."""
    while since < until:
        end = min(since + SLICE, until)
        yield since, end
        since = end
