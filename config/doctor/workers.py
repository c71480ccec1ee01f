"""Whether the workers live and their queue moves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django_q.brokers import get_broker
from django_q.models import OrmQ, Schedule

from config.health import WORKER_SILENCE
from integrations.flows import flow_definitions
from integrations.models import Heartbeat

from .findings import Finding, ok, stops, warning
from .settings_values import mail_trouble

if TYPE_CHECKING:
    from .examination import Examination

LONG_QUEUE = 100
LATE = timedelta(minutes=10)


def look(examination: Examination) -> Iterator[Finding]:
    """Look at heartbeats, queue and schedules, and whether alerts can leave."""
    now = timezone.now()
    yield from _heartbeats(now)
    yield from _queue()
    yield from _schedules(now)
    yield from mail_trouble()


def _heartbeats(now: datetime) -> Iterator[Finding]:
    start = _("Start manage.py qcluster (or the service orderbridge-workers) and look at its log.")
    newest = Heartbeat.objects.order_by("-seen_at").first()
    if newest is None:
        yield stops(_("No worker has ever started: nothing is pulled, sent or reported."), start)
        return
    silence = now - newest.seen_at
    names = {"worker": newest.worker, "minutes": int(silence.total_seconds() // 60)}
    if silence > WORKER_SILENCE:
        what = _("No worker was seen for %(minutes)d minutes; the last one was on %(worker)s.")
        yield stops(what % names, start)
    else:
        yield ok(_("Workers live; the last heartbeat, from %(worker)s, is %(minutes)d minutes old.") % names)


def _queue() -> Iterator[Finding]:
    if settings.REDIS_URL:
        yield from _redis()
        return
    waiting = OrmQ.objects.count()
    what = _("%(number)d jobs wait in the queue.") % {"number": waiting}
    if waiting > LONG_QUEUE:
        yield warning(what, _("Workers may be too few (WORKERS) or stuck: look at their log, restart them."))
    else:
        yield ok(what)


def _redis() -> Iterator[Finding]:
    from redis import RedisError  # noqa: PLC0415 - installed where REDIS_URL is used

    try:
        get_broker().ping()
    except (RedisError, OSError) as problem:
        yield stops(
            _("The job queue in Redis does not answer (%(words)s): no flow is started.")
            % {"words": type(problem).__name__},
            _("Start Redis or correct REDIS_URL; without REDIS_URL the database is the queue."),
        )
    else:
        yield ok(_("The job queue in Redis answers."))


def _schedules(now: datetime) -> Iterator[Finding]:
    wanted = {definition.name for definition in flow_definitions()}
    missing = sorted(wanted - set(Schedule.objects.values_list("name", flat=True)))
    if missing:
        yield stops(
            _("No schedule starts these flows: %(flows)s.") % {"flows": ", ".join(missing)},
            _("Restart manage.py qcluster: it makes the schedules that are missing."),
        )
    late = Schedule.objects.filter(next_run__lt=now - LATE).order_by("next_run").first()
    if late is not None:
        yield warning(
            _("The schedule “%(name)s” is late: nothing takes up jobs, or each takes too long.") % {"name": late.name},
            _("Look at the workers' log, and at the flows' pages for runs that do not end."),
        )
