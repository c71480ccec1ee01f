"""``/metrics`` for Prometheus: figures read from the database, so one scrape of any web process tells of all.

Off until METRICS_TOKEN is set; the scraper then sends it as a bearer token. Gauges only: whoever wants rates takes
them from the gauges' history.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Avg, Count, Max, Min, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from integrations.deliveries.kinds import delivery_kinds
from integrations.deliveries.states import State
from integrations.flows.overdue import interval_of, is_overdue
from integrations.models import ApiCall, Cause, Flow, Heartbeat, RateLimit, Slot, Vendor, VendorOutage, VendorStop

from .health import WORKER_SILENCE

# Finished rows are millions and only ever grow; these are what is still to be done.
OPEN = [
    State.WAITING,
    State.DUE,
    State.IN_PROGRESS,
    State.ACCEPTED,
    State.UNCERTAIN,
    State.FAILED,
    State.NEEDS_ATTENTION,
]
RECENT = timedelta(minutes=5)
# The call log has no index on its time: this many newest rows are looked at.
CALLS_LOOKED_AT = 5000


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer the figures to whoever has METRICS_TOKEN; 404 while it is not set, 401 without it."""
    if not settings.METRICS_TOKEN:
        raise Http404
    given = request.headers.get("Authorization", "")
    if not hmac.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode()):
        return HttpResponse("The bearer token of METRICS_TOKEN is needed.\n", status=401, content_type="text/plain")
    registry = CollectorRegistry()
    registry.register(Figures())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class Figures(Collector):
    """Reads every figure anew at each scrape: three queries for each kind of delivery and nine more."""

    def describe(self) -> list[Metric]:
        """Return nothing: what there is depends on the rows."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield all figures."""
        now = timezone.now()
        yield from _flows(now)
        yield from _deliveries(now)
        yield from _vendors(now)
        yield from _limits()
        yield from _workers(now)
        yield _gauge(
            "open_causes", "Causes that wait for a person", [], [([], Cause.objects.filter(closed_at=None).count())]
        )


def _gauge(name: str, text: str, labels: list[str], samples: Sequence[tuple[list[str], float]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"orderbridge_{name}", text, labels=labels)
    for values, number in samples:
        family.add_metric(values, float(number))
    return family


def _flows(now: datetime) -> Iterator[Metric]:
    rows = list(Flow.objects.all())
    started = [([row.name], (now - row.last_started_at).total_seconds()) for row in rows if row.last_started_at]
    succeeded = [([row.name], (now - row.last_success_at).total_seconds()) for row in rows if row.last_success_at]
    yield _gauge("flow_seconds_since_start", "Since the flow started last", ["flow"], started)
    yield _gauge("flow_seconds_since_success", "Since the flow succeeded last", ["flow"], succeeded)
    intervals = [([row.name], interval_of(row).total_seconds()) for row in rows]
    yield _gauge("flow_interval_seconds", "The flow's interval", ["flow"], intervals)
    yield _gauge(
        "flow_paused", "1 while staff have paused the flow", ["flow"], [([row.name], row.paused) for row in rows]
    )
    overdue = [([row.name], not row.paused and is_overdue(row, now)) for row in rows]
    yield _gauge("flow_overdue", "1 while the flow should have started long ago", ["flow"], overdue)


def _deliveries(now: datetime) -> Iterator[Metric]:
    states, oldest, finished = [], [], []
    for name, kind in delivery_kinds().items():
        rows = kind.model._default_manager
        counts = dict(rows.filter(status__in=OPEN).order_by().values_list("status").annotate(Count("pk")))
        states += [([name, state.value], counts.get(state.value, 0)) for state in OPEN]
        due_at = rows.filter(status=State.DUE, due_at__lte=now).aggregate(oldest=Min("due_at"))["oldest"]
        oldest.append(([name], (now - due_at).total_seconds() if due_at else 0))
        hour = rows.filter(status=State.SUCCEEDED, finished_at__gt=now - timedelta(hours=1)).count()
        finished.append(([name], hour))
    yield _gauge("deliveries", "Deliveries that are not finished, by state", ["kind", "state"], states)
    yield _gauge("oldest_due_seconds", "How long the oldest due delivery is due already", ["kind"], oldest)
    yield _gauge("deliveries_succeeded_last_hour", "Deliveries finished in the last hour", ["kind"], finished)


def _vendors(now: datetime) -> Iterator[Metric]:
    newest = ApiCall.objects.order_by("-id").values_list("id", flat=True).first() or 0
    calls = (
        ApiCall.objects.filter(id__gt=newest - CALLS_LOOKED_AT, started_at__gt=now - RECENT)
        .order_by("vendor", "operation")
        .values_list("vendor", "operation")
        .annotate(
            number=Count("id"),
            errors=Count("id", filter=~Q(error="")),
            mean=Avg("duration_ms"),
            most=Max("duration_ms"),
        )
    )
    made, failed, average, longest = [], [], [], []
    for vendor, operation, number, errors, mean, most in calls:
        labels = [vendor, operation]
        made.append((labels, number))
        failed.append((labels, errors))
        average.append((labels, mean / 1000))
        longest.append((labels, most / 1000))
    labels = ["vendor", "operation"]
    yield _gauge("vendor_calls_5m", "Calls of the last five minutes", labels, made)
    yield _gauge("vendor_errors_5m", "Calls of the last five minutes that ended in an error", labels, failed)
    yield _gauge("vendor_seconds_mean_5m", "Mean duration of the last five minutes' calls", labels, average)
    yield _gauge("vendor_seconds_max_5m", "Longest of the last five minutes' calls", labels, longest)
    stopped = set(VendorStop.objects.filter(ended_at=None).values_list("vendor", flat=True))
    stops = [([vendor], vendor in stopped) for vendor in Vendor.values]
    yield _gauge("vendor_stopped", "1 while staff have stopped all writes to the vendor", ["vendor"], stops)
    out = set(VendorOutage.objects.filter(ended_at=None, opened_at__isnull=False).values_list("vendor", flat=True))
    outages = [([vendor], vendor in out) for vendor in Vendor.values]
    yield _gauge("vendor_out", "1 while the vendor does not answer and nothing is sent to it", ["vendor"], outages)


def _limits() -> Iterator[Metric]:
    now = time.time()
    waits = [([row.name], max(row.reserved_until - now, 0.0)) for row in RateLimit.objects.order_by("name")]
    yield _gauge("rate_limit_wait_seconds", "How long a call would wait for its turn now", ["limit"], waits)
    slots = (
        Slot.objects.order_by("name")
        .values_list("name")
        .annotate(places=Count("id"), used=Count("id", filter=Q(held_until__gt=now)))
    )
    yield _gauge(
        "slots_in_use",
        "Calls in flight, or still counted by the vendor",
        ["limit"],
        [([n], used) for n, _all, used in slots],
    )
    yield _gauge("slots", "Calls that may be in flight", ["limit"], [([n], places) for n, places, _used in slots])


def _workers(now: datetime) -> Iterator[Metric]:
    seen = list(Heartbeat.objects.values_list("seen_at", flat=True))
    alive = sum(now - moment < WORKER_SILENCE for moment in seen)
    yield _gauge("workers_alive", "Worker processes seen in the last five minutes", [], [([], alive)])
    if seen:
        yield _gauge(
            "worker_seconds_since_seen",
            "Since the newest sign of life of a worker",
            [],
            [([], (now - max(seen)).total_seconds())],
        )
