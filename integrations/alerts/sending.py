"""Who is to be told what now: digests, quiet hours, no repeats; and what a target that fails means."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from ..models import TOLD_WHEN_OVER, Alert, AlertNotice, AlertRule
from .channels import send
from .messages import digest_of, test_digest
from .webhooks import TargetFailed

log = structlog.get_logger(__name__)
# While one process sends for a rule no other does; longer than the slowest mail server or webhook takes.
LEASE = timedelta(minutes=5)


def send_due(now: datetime) -> int:
    """Tell every rule what it has not told yet, as far as its digest and quiet hours let it. Returns messages sent."""
    sent = 0
    for rule in AlertRule.objects.filter(enabled=True).select_related("group").order_by("pk"):
        if is_quiet(rule, now) or not _digest_over(rule, now):
            continue
        if not untold(rule).exists() and not ends_untold(rule).exists():
            continue
        if not _claim(rule, now):
            continue
        try:
            sent += _tell(rule)
        except Exception:  # one rule must not silence the others
            log.exception("alert_rule_broke", rule=rule.pk)
        finally:
            AlertRule.objects.filter(pk=rule.pk).update(sending_until=None)
    return sent


def untold(rule: AlertRule) -> QuerySet[Alert]:
    """Return the open alerts that the rule is for and has not told."""
    told = AlertNotice.objects.filter(rule=rule, alert=OuterRef("pk"), sent_at__isnull=False)
    return Alert.objects.filter(~Exists(told), kind__in=rule.kinds, ended_at__isnull=True)


def ends_untold(rule: AlertRule) -> QuerySet[Alert]:
    """Return the alerts that the rule has told, that are over and have not come back, and whose end it has not told."""
    told = AlertNotice.objects.filter(rule=rule, alert=OuterRef("pk"), sent_at__isnull=False, end_sent_at__isnull=True)
    again = Alert.objects.filter(kind=OuterRef("kind"), key=OuterRef("key"), ended_at__isnull=True)
    kinds = [kind for kind in TOLD_WHEN_OVER if kind in rule.kinds]
    return Alert.objects.filter(Exists(told), ~Exists(again), kind__in=kinds, ended_at__isnull=False)


def is_quiet(rule: AlertRule, now: datetime) -> bool:
    """Return whether it is the rule's quiet time; the end is not part of it, and it may span midnight."""
    start, end = rule.quiet_from, rule.quiet_until
    if start is None or end is None or start == end:
        return False
    time = now.astimezone(ZoneInfo(rule.time_zone)).time()
    return start <= time < end if start < end else time >= start or time < end


def send_test(rule: AlertRule) -> str:
    """Send a test message at once, whatever the hour. Returns why it did not get through, or an empty text."""
    try:
        send(rule, test_digest(rule))
    except TargetFailed as reason:
        return str(reason)
    return ""


def _digest_over(rule: AlertRule, now: datetime) -> bool:
    if rule.last_sent_at is None or not rule.digest_minutes:
        return True
    return now >= rule.last_sent_at + timedelta(minutes=rule.digest_minutes)


def _claim(rule: AlertRule, now: datetime) -> bool:
    """Take the rule for this process, unless another has it."""
    free = Q(sending_until__isnull=True) | Q(sending_until__lt=now)
    return bool(AlertRule.objects.filter(free, pk=rule.pk).update(sending_until=now + LEASE))


def _tell(rule: AlertRule) -> bool:
    """Send one digest and note what it told; what did not get through stays untold and is tried the next minute."""
    # Read under the lease: another process may just have told some.
    alerts, ended = list(untold(rule)), list(ends_untold(rule))
    if not alerts and not ended:
        return False
    # What came back and ended again in the meantime is one line.
    over = list({(alert.kind, alert.key): alert for alert in sorted(ended, key=lambda alert: alert.pk)}.values())
    try:
        send(rule, digest_of(rule, alerts, over))
    except TargetFailed as reason:
        AlertRule.objects.filter(pk=rule.pk).update(last_error=str(reason))
        log.warning("alerts_not_sent", rule=rule.pk, channel=rule.channel, reason=str(reason))
        return False
    now = timezone.now()
    AlertNotice.objects.bulk_create(
        [AlertNotice(rule=rule, alert=alert, sent_at=now) for alert in alerts],
        update_conflicts=True, unique_fields=["rule", "alert"], update_fields=["sent_at"], batch_size=500,
    )  # fmt: skip
    for start in range(0, len(ended), 500):
        notices = AlertNotice.objects.filter(rule=rule, alert__in=ended[start : start + 500])
        notices.update(end_sent_at=now)
    AlertRule.objects.filter(pk=rule.pk).update(last_sent_at=now, last_error="")
    return True
