"""Rules are set in the admin; keys never leave it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core import mail
from django.test import Client
from django.utils import translation

from integrations.alerts.tasks import tell_alerts
from integrations.models import Alert, AlertRule

from .conftest import Time, cause

pytestmark = pytest.mark.django_db
LIST = "/admin/integrations/alertrule/"
KEY = "693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa"
WECOM = f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}"
FORM = {
    "name": "Night", "enabled": "on", "kinds": ["vendor_down", "gave_up"], "channel": "wecom", "target": WECOM,
    "secret": "", "language": "zh-hans", "time_zone": "Asia/Shanghai", "digest_minutes": "15", "quiet_from": "",
    "quiet_until": "",
}  # fmt: skip


def client_of(role: str) -> Client:
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def office() -> Client:
    return client_of("administrator")


@pytest.fixture
def saved(office: Client) -> AlertRule:
    answer = office.post(f"{LIST}add/", FORM)
    assert answer.status_code == 302, answer.content.decode()
    return AlertRule.objects.get()


def test_a_rule_is_made(saved: AlertRule) -> None:
    assert saved.kinds == ["vendor_down", "gave_up"]
    assert saved.target == WECOM
    assert (saved.language, saved.digest_minutes) == ("zh-hans", 15)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_new_rule_begins_with_the_language_and_the_clock_of_its_reader(language: str, office: Client) -> None:
    office.cookies["django_language"] = language
    form = office.get(f"{LIST}add/").context["adminform"].form
    assert form["language"].value() == language
    assert form["time_zone"].value() == "Asia/Shanghai"


def test_the_key_is_never_shown_and_survives_another_save(saved: AlertRule, office: Client) -> None:
    AlertRule.objects.update(secret="SEC-robot", last_error="old")
    page = office.get(f"{LIST}{saved.pk}/change/").content.decode()
    assert KEY not in page
    assert "SEC-robot" not in page
    assert KEY not in office.get(LIST).content.decode()
    shown = "https://qyapi.weixin.qq.com/cgi-bin/***"
    assert shown in page
    target = page.split(shown)[1].split('"')[0]
    office.post(f"{LIST}{saved.pk}/change/", FORM | {"target": shown + target, "name": "Renamed"})
    saved.refresh_from_db()
    assert (saved.name, saved.target, saved.secret) == ("Renamed", WECOM, "SEC-robot")
    office.post(f"{LIST}{saved.pk}/change/", FORM | {"target": WECOM, "secret": "-"})
    saved.refresh_from_db()
    assert saved.secret == ""


def test_who_may_only_look_sees_neither_address_nor_secret(saved: AlertRule) -> None:
    AlertRule.objects.update(secret="SEC-robot")
    page = client_of("viewer").get(f"{LIST}{saved.pk}/change/")
    assert page.status_code == 200
    assert KEY not in page.content.decode()
    assert "SEC-robot" not in page.content.decode()
    assert "Send a test message" not in page.content.decode()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target": ""}, "Enter the address of the webhook"),
        ({"target": "http://qyapi.weixin.qq.com/x"}, "https://"),
        ({"channel": "email", "target": "not an address"}, "valid email"),
        ({"channel": "email", "target": ""}, "choose the role"),
        ({"quiet_from": "22:00"}, "beginning and an end"),
        ({"kinds": []}, "required"),
        ({"time_zone": "Moon/Base"}, "valid choice"),
    ],
)
def test_what_cannot_work_is_refused(change: dict[str, Any], words: str, office: Client) -> None:
    page = office.post(f"{LIST}add/", FORM | change)
    assert page.status_code == 200
    assert words in page.content.decode()
    assert not AlertRule.objects.exists()


def test_a_test_message_is_sent_at_any_hour(office: Client, group: Group, time: Time) -> None:
    rule = AlertRule.objects.create(name="Ops", group=group, kinds=["gave_up"], quiet_from="00:00", quiet_until="23:59")
    data = {"action": "test", "index": "0", "_selected_action": str(rule.pk)}
    page = office.post(LIST, data, follow=True).content.decode()
    assert "the test message was sent" in page
    assert "This is a test" in mail.outbox[0].body
    rule.refresh_from_db()
    assert rule.last_sent_at is None, "a test is no digest"


def test_a_test_message_that_fails_says_why(office: Client, saved: AlertRule, web: Any) -> None:
    web.post(WECOM, json={"errcode": 93000, "errmsg": "invalid webhook"})
    page = office.post(LIST, {"action": "test", "index": "0", "_selected_action": str(saved.pk)}, follow=True)
    assert "93000 invalid webhook" in page.content.decode()
    saved.refresh_from_db()
    assert "93000" in saved.last_error


def test_operators_send_no_test_messages(saved: AlertRule, web: Any) -> None:
    client_of("operator").post(LIST, {"action": "test", "index": "0", "_selected_action": str(saved.pk)})
    assert len(web.calls) == 0


def test_alerts_are_listed_in_the_readers_language(time: Time, rule: AlertRule) -> None:
    cause()
    tell_alerts()
    viewer = client_of("viewer")
    page = viewer.get("/admin/integrations/alert/").content.decode()
    assert "SKU … is unknown" in page
    assert viewer.get("/admin/integrations/alert/", {"over": "yes"}).status_code == 200
    alert = Alert.objects.get()
    detail = viewer.get(f"/admin/integrations/alert/{alert.pk}/change/").content.decode()
    assert "Operators" in detail
    viewer.post("/i18n/setlang/", {"language": "zh-hans"})
    assert viewer.get("/admin/integrations/alert/").status_code == 200
    chinese = viewer.get(f"/admin/integrations/alert/{alert.pk}/change/").content.decode()
    assert "推单" in chinese[chinese.index("<h1") : chinese.index("</h1>")]
    translation.activate("en")


def test_quiet_hours_are_entered_by_the_rules_own_clock(office: Client, saved: AlertRule) -> None:
    assert office.get(f"{LIST}add/").content.decode().count('type="time"') == 2
    answer = office.post(f"{LIST}{saved.pk}/change/", FORM | {"quiet_from": "22:00", "quiet_until": "07:30"})
    assert answer.status_code == 302
    saved.refresh_from_db()
    assert (str(saved.quiet_from), str(saved.quiet_until)) == ("22:00:00", "07:30:00")
    assert 'value="22:00' in office.get(f"{LIST}{saved.pk}/change/").content.decode()
