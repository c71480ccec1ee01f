"""Digests, quiet hours, no repeats, and targets that fail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.core.management import call_command

from integrations.alerts.book import evaluate
from integrations.alerts.sending import is_quiet, send_due
from integrations.alerts.tasks import tell_alerts
from integrations.flows.schedules import ensure_schedules
from integrations.models import Alert, AlertNotice, AlertRule, Flow
from integrations.retention import tidy

from .conftest import START, Time, cause

pytestmark = pytest.mark.django_db


def test_the_groups_active_members_get_one_mail(rule: AlertRule, time: Time, settings: Any) -> None:
    settings.PUBLIC_URL = "https://orders.example.com"
    cause()
    assert tell_alerts() == 1
    (message,) = mail.outbox
    assert sorted(message.to) == ["li@example.com", "mei@example.com"]
    assert message.subject == "OrderBridge: 1 new alert"
    assert "SKU … is unknown" in message.body
    assert "https://orders.example.com/admin/integrations/cause/" in message.body
    rule.refresh_from_db()
    assert rule.last_sent_at == time.now
    assert rule.sending_until is None


def test_named_addresses_win_over_the_group(rule: AlertRule, time: Time) -> None:
    AlertRule.objects.update(target="duty@example.com, boss@example.com")
    cause()
    tell_alerts()
    assert mail.outbox[0].to == ["duty@example.com", "boss@example.com"]


def test_dead_workers_are_told_by_the_command_that_cron_calls(rule: AlertRule, time: Time, capsys: Any) -> None:
    Flow.objects.create(name="push_orders", interval_seconds=120, last_started_at=START)
    time.minutes(11)
    call_command("tellalerts")
    assert "has not started since" in mail.outbox[0].body
    call_command("tellalerts")
    assert len(mail.outbox) == 1
    assert capsys.readouterr().out.splitlines() == ["1 messages sent", "0 messages sent"]


def test_an_open_alert_is_told_once(rule: AlertRule, time: Time) -> None:
    cause()
    for _minute in range(5):
        tell_alerts()
        time.minutes(1)
    assert len(mail.outbox) == 1


def close(row: Any, at: Any) -> None:
    row.closed_at = at
    row.save()


def test_an_alert_that_is_over_before_it_was_told_is_never_told(rule: AlertRule, time: Time) -> None:
    AlertRule.objects.update(quiet_from=clock_time(0), quiet_until=clock_time(23, 59))
    row = cause()
    tell_alerts()
    close(row, time.now)
    tell_alerts()
    AlertRule.objects.update(quiet_from=None)
    assert tell_alerts() == 0
    assert not mail.outbox


def test_the_end_of_what_was_told_is_told_once(rule: AlertRule, time: Time) -> None:
    row = cause()
    tell_alerts()
    close(row, time.now)
    for _minute in range(3):
        time.minutes(1)
        tell_alerts()
    assert [message.subject for message in mail.outbox] == ["OrderBridge: 1 new alert", "OrderBridge: 1 alert is over"]
    assert "Over: New cause" in mail.outbox[1].body
    assert row.message in mail.outbox[1].body


def test_what_comes_back_is_told_again_and_its_end_too(rule: AlertRule, time: Time) -> None:
    row = cause()
    for closed_at in (None, time.now, None, time.now):
        close(row, closed_at)
        tell_alerts()
    assert [message.subject[13:] for message in mail.outbox] == ["1 new alert", "1 alert is over"] * 2


def test_what_is_back_before_its_end_was_told_is_only_new(rule: AlertRule, time: Time) -> None:
    row = cause()
    tell_alerts()
    AlertRule.objects.update(digest_minutes=30)
    for closed_at in (time.now, None):
        close(row, closed_at)
        tell_alerts()
    time.minutes(31)
    assert tell_alerts() == 1
    assert mail.outbox[1].subject == "OrderBridge: 1 new alert"
    close(row, time.now)
    time.minutes(31)
    assert tell_alerts() == 1, "both ends are one line"
    assert mail.outbox[2].body.count("Over:") == 1
    time.minutes(31)
    assert tell_alerts() == 0


def test_new_and_over_stand_in_one_digest_new_ones_first(rule: AlertRule, time: Time) -> None:
    old = cause("c1", "the old one")
    tell_alerts()
    close(old, time.now)
    cause("c2", "the new one")
    tell_alerts()
    message = mail.outbox[1]
    assert message.subject == "OrderBridge: new alerts: 1, over: 1"
    assert message.body.index("the new one") < message.body.index("the old one")


def test_an_end_waits_for_the_quiet_hours_and_the_digest(rule: AlertRule, time: Time) -> None:
    row = cause()
    tell_alerts()
    AlertRule.objects.update(quiet_from=clock_time(10), quiet_until=clock_time(11), digest_minutes=90)
    close(row, time.now)
    time.minutes(59)  # 10:59 in Shanghai
    assert tell_alerts() == 0
    time.minutes(2)
    assert tell_alerts() == 0, "the digest's minutes are not over"
    time.minutes(30)
    assert tell_alerts() == 1


def test_the_end_of_what_staff_settled_themselves_is_no_news(rule: AlertRule, time: Time) -> None:
    alert = Alert.objects.create(kind="gave_up", key="invoice:0", subject="x", raised_at=time.now,
                                 facts={"step": "invoice", "key": "invoice:1"})  # fmt: skip
    AlertNotice.objects.create(rule=rule, alert=alert, sent_at=time.now)
    assert tell_alerts() == 0
    alert.refresh_from_db()
    assert alert.ended_at == time.now


def test_alerts_that_are_over_go_after_a_while(rule: AlertRule, time: Time, settings: Any) -> None:
    settings.RETENTION_ALERT_DAYS = 30
    kept = [
        Alert(kind="gave_up", key="fresh", subject="x", raised_at=START, ended_at=START - timedelta(days=29)),
        Alert(kind="new_cause", key="open", subject="x", raised_at=START - timedelta(days=99)),
    ]
    old = (
        Alert(kind="gave_up", key=f"old {number}", subject="x", raised_at=START, ended_at=START - timedelta(days=31))
        for number in range(700)
    )
    Alert.objects.bulk_create([*kept, *old])
    AlertNotice.objects.create(rule=rule, alert=Alert.objects.get(key="old 1"), sent_at=START)
    assert tidy(START, budget_seconds=30)["alerts_deleted"] == 700
    assert set(Alert.objects.values_list("key", flat=True)) == {"fresh", "open"}
    assert not AlertNotice.objects.exists()


def test_a_digest_gathers_what_comes_within_its_minutes(rule: AlertRule, time: Time) -> None:
    AlertRule.objects.update(digest_minutes=30)
    cause("c1")
    tell_alerts()
    assert len(mail.outbox) == 1
    for number in range(2, 6):
        cause(f"c{number}", f"message {number}")
        time.minutes(5)
        tell_alerts()
    assert len(mail.outbox) == 1
    time.minutes(10)
    tell_alerts()
    assert len(mail.outbox) == 2
    assert mail.outbox[1].subject == "OrderBridge: 4 new alerts"
    assert all(f"message {number}" in mail.outbox[1].body for number in range(2, 6))


def test_a_digest_has_twenty_lines_and_counts_the_rest(rule: AlertRule, time: Time) -> None:
    for number in range(33):
        cause(f"c{number}", f"message {number:02}.")
    tell_alerts()
    body = mail.outbox[0].body
    assert body.count("message") == 20
    assert "and 13 more" in body
    assert tell_alerts() == 0, "those that were only counted are told as well"


def test_nothing_is_sent_in_the_quiet_hours_and_what_lasts_is_told_after_them(rule: AlertRule, time: Time) -> None:
    AlertRule.objects.update(quiet_from=clock_time(22), quiet_until=clock_time(8))
    time.to(datetime(2026, 3, 4, 15, 0, tzinfo=UTC))  # 23:00 in Shanghai
    lasting, passing = cause("c1", "it lasts"), cause("c2", "it passes")
    assert tell_alerts() == 0
    passing.closed_at = time.now
    passing.save()
    time.to(datetime(2026, 3, 4, 23, 59, tzinfo=UTC))  # 07:59
    assert tell_alerts() == 0
    time.to(datetime(2026, 3, 5, 0, 0, tzinfo=UTC))  # 08:00
    assert tell_alerts() == 1
    assert lasting.message in mail.outbox[0].body
    assert passing.message not in mail.outbox[0].body


@pytest.mark.parametrize(
    ("start", "end", "hour", "quiet"),
    [(22, 8, 23, True), (22, 8, 7, True), (22, 8, 8, False), (12, 14, 13, True), (12, 14, 14, False), (9, 9, 9, False)],
)
def test_quiet_hours_may_span_midnight(start: int, end: int, hour: int, quiet: bool) -> None:
    rule = AlertRule(quiet_from=clock_time(start), quiet_until=clock_time(end), time_zone="America/New_York")
    assert is_quiet(rule, datetime(2026, 1, 10, hour, tzinfo=ZoneInfo("America/New_York"))) is quiet


def test_only_the_kinds_of_the_rule_are_told(rule: AlertRule, time: Time) -> None:
    AlertRule.objects.update(kinds=["vendor_down"])
    cause()
    assert tell_alerts() == 0


def test_a_switched_off_rule_is_silent(rule: AlertRule, time: Time) -> None:
    AlertRule.objects.update(enabled=False)
    cause()
    assert tell_alerts() == 0


def test_a_chinese_rule_speaks_chinese(rule: AlertRule, time: Time) -> None:
    AlertRule.objects.update(language="zh-hans")
    cause(message="商品不存在")
    tell_alerts()
    assert "商品不存在" in mail.outbox[0].body
    raw = mail.outbox[0].message().as_bytes()
    assert 'charset="utf-8"' in raw.decode("ascii", "replace")


def test_a_failing_mail_server_is_shown_and_tried_again(rule: AlertRule, time: Time, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 9, 1
    cause()
    assert tell_alerts() == 0
    rule.refresh_from_db()
    assert "mail server" in rule.last_error
    assert not AlertNotice.objects.exists()

    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    time.minutes(1)
    assert tell_alerts() == 1
    rule.refresh_from_db()
    assert rule.last_error == ""
    assert len(mail.outbox) == 1
    assert tell_alerts() == 0


def test_a_group_without_addresses_is_an_error_on_the_rule(rule: AlertRule, time: Time) -> None:
    rule.group.user_set.update(email="")
    cause()
    assert tell_alerts() == 0
    rule.refresh_from_db()
    assert "Nobody to write to" in rule.last_error


def test_two_processes_do_not_tell_twice(rule: AlertRule, time: Time) -> None:
    cause()
    tell_alerts_without_sending()
    AlertRule.objects.update(sending_until=time.now + timedelta(minutes=5))
    assert send_due(time.now) == 0, "another process is sending"
    time.minutes(6)
    assert send_due(time.now) == 1, "that process died"


def tell_alerts_without_sending() -> None:
    evaluate(START)
    assert Alert.objects.count() == 1


def test_a_broken_rule_does_not_silence_the_others(rule: AlertRule, time: Time) -> None:
    AlertRule.objects.create(name="broken", kinds=["new_cause"], target="a@example.com", time_zone="Moon/Base")
    AlertRule.objects.create(name="fine", kinds=["new_cause"], target="b@example.com")
    cause()
    tell_alerts()
    assert ["b@example.com"] in [message.to for message in mail.outbox]


def test_the_clock_calls_it_every_minute(db: None) -> None:
    from django.utils.module_loading import import_string
    from django_q.models import Schedule

    ensure_schedules()
    row = Schedule.objects.get(name="alerts")
    assert (row.schedule_type, row.minutes) == (Schedule.MINUTES, 1)
    assert import_string(row.func) is tell_alerts
