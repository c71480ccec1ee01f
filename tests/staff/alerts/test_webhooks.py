"""The formats of the three messengers, and what a webhook may not do."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from integrations.alerts import webhooks
from integrations.alerts.tasks import tell_alerts
from integrations.alerts.webhooks import TargetFailed
from integrations.models import AlertNotice, AlertRule

from .conftest import PRIVATE, PUBLIC, Time, cause

pytestmark = pytest.mark.django_db

KEY = "693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa"
WECOM = f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}"
DINGTALK = f"https://oapi.dingtalk.com/robot/send?access_token={KEY}"
SLACK = f"https://hooks.slack.com/services/T000/B000/{KEY}"


@pytest.fixture(autouse=True)
def _public_url(settings: Any) -> None:
    settings.PUBLIC_URL = "https://orders.example.com"


def use(rule: AlertRule, channel: str, target: str, **values: Any) -> AlertRule:
    AlertRule.objects.filter(pk=rule.pk).update(channel=channel, target=target, **values)
    rule.refresh_from_db()
    return rule


def sent(web: Any, number: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(web.calls[number].request.body)
    return found


def test_wecom_gets_markdown(rule: AlertRule, web: Any, time: Time) -> None:
    use(rule, "wecom", WECOM, language="zh-hans")
    web.post(WECOM, json={"errcode": 0, "errmsg": "ok"})
    cause(message="商品不存在")
    assert tell_alerts() == 1
    body = sent(web)
    assert body["msgtype"] == "markdown"
    assert "商品不存在" in body["markdown"]["content"]
    assert "](https://orders.example.com/admin/integrations/cause/" in body["markdown"]["content"]
    assert "商品不存在".encode() in web.calls[0].request.body, "UTF-8, not escapes"


def test_a_long_digest_fits_wecoms_four_kilobytes(rule: AlertRule, web: Any, time: Time) -> None:
    use(rule, "wecom", WECOM)
    web.post(WECOM, json={"errcode": 0})
    for number in range(30):
        cause(f"c{number}", f"{number} " + "商品信息错误" * 30)
    assert tell_alerts() == 1
    content = sent(web)["markdown"]["content"]
    assert len(content.encode()) <= 4096
    shown = content.count("> ")
    assert 3 <= shown < 20
    assert f"and {30 - shown} more" in content
    assert AlertNotice.objects.count() == 30


def test_dingtalk_gets_markdown_and_a_signature(rule: AlertRule, web: Any, time: Time) -> None:
    use(rule, "dingtalk", DINGTALK, secret="SEC-of-the-robot")
    web.post("https://oapi.dingtalk.com/robot/send", json={"errcode": 0})
    cause()
    assert tell_alerts() == 1
    body = sent(web)
    assert body["msgtype"] == "markdown"
    assert body["markdown"]["title"] == "OrderBridge: 1 new alert"
    assert "- New cause" in body["markdown"]["text"]
    query = parse_qs(urlsplit(web.calls[0].request.url).query)
    stamp = str(int(time.now.timestamp() * 1000))
    assert query["timestamp"] == [stamp]
    expected = hmac.new(b"SEC-of-the-robot", f"{stamp}\nSEC-of-the-robot".encode(), hashlib.sha256).digest()
    assert query["sign"] == [base64.b64encode(expected).decode()]
    assert query["access_token"] == [KEY]


def test_dingtalk_without_a_secret_is_not_signed(rule: AlertRule, web: Any, time: Time) -> None:
    use(rule, "dingtalk", DINGTALK)
    web.post("https://oapi.dingtalk.com/robot/send", json={"errcode": 0})
    cause()
    tell_alerts()
    assert web.calls[0].request.url == DINGTALK


def test_slack_gets_text_with_links(rule: AlertRule, web: Any, time: Time) -> None:
    use(rule, "slack", SLACK)
    web.post(SLACK, body="ok")
    cause(message="<!channel> & more")
    assert tell_alerts() == 1
    text = sent(web)["text"]
    assert "*OrderBridge: 1 new alert*" in text
    assert "&lt;!channel&gt; &amp; more" in text
    assert "<https://orders.example.com/admin/integrations/cause/" in text


def test_a_vendors_words_do_not_become_links(rule: AlertRule, web: Any, time: Time) -> None:
    use(rule, "wecom", WECOM)
    web.post(WECOM, json={"errcode": 0})
    cause(message="[click](https://evil.example)")
    tell_alerts()
    assert "[click]" not in sent(web)["markdown"]["content"]


@pytest.mark.parametrize(
    ("channel", "target", "answer", "words"),
    [
        ("wecom", WECOM, {"json": {"errcode": 93000, "errmsg": f"invalid webhook url, key={KEY}"}}, "93000"),
        ("dingtalk", DINGTALK, {"json": {"errcode": 310000, "errmsg": "sign not match"}}, "sign not match"),
        ("slack", SLACK, {"status": 403, "body": "invalid_token"}, "HTTP 403"),
        ("slack", SLACK, {"status": 302, "headers": {"Location": "http://10.0.0.7/"}}, "another address"),
        ("slack", SLACK, {"body": requests.ConnectionError(f"no route to {SLACK}")}, "No connection"),
        ("slack", SLACK, {"body": requests.ReadTimeout(SLACK)}, "did not answer"),
    ],
)
def test_a_failing_target_is_shown_without_its_key_and_tried_again(
    channel: str, target: str, answer: dict[str, Any], words: str, rule: AlertRule, web: Any, time: Time, caplog: Any
) -> None:
    use(rule, channel, target)
    failure = web.post(target, **answer)
    cause()
    assert tell_alerts() == 0
    rule.refresh_from_db()
    assert words in rule.last_error
    assert KEY not in rule.last_error
    assert not AlertNotice.objects.exists()
    web.remove(failure)
    web.post(target, body="ok" if channel == "slack" else '{"errcode": 0}')
    time.minutes(1)
    assert tell_alerts() == 1
    assert tell_alerts() == 0
    rule.refresh_from_db()
    assert rule.last_error == ""
    assert AlertNotice.objects.count() == 1
    assert len(web.calls) == 2


def test_no_log_line_names_the_key(rule: AlertRule, web: Any, time: Time, capsys: Any, caplog: Any) -> None:
    use(rule, "slack", SLACK)
    web.post(SLACK, body=requests.ConnectionError(f"no route to {SLACK}"))
    cause()
    tell_alerts()
    output = capsys.readouterr()
    assert KEY not in output.out + output.err + caplog.text
    rule.refresh_from_db()
    assert KEY not in rule.last_error


@pytest.mark.parametrize(
    "addresses",
    [[PRIVATE], [PUBLIC, "192.168.1.4"], ["127.0.0.1"], ["169.254.169.254"], ["::1"], ["::ffff:10.0.0.7"],
     ["fd00::1"], ["0.0.0.0"], ["100.64.0.1"], ["224.0.0.1"]],
)  # fmt: skip
def test_private_addresses_are_refused(addresses: list[str], rule: AlertRule, web: Any, hosts: Any, time: Time) -> None:
    hosts["hooks.slack.com"] = addresses
    use(rule, "slack", SLACK)
    cause()
    assert tell_alerts() == 0
    assert len(web.calls) == 0
    rule.refresh_from_db()
    assert "private address" in rule.last_error


def test_private_addresses_can_be_allowed(rule: AlertRule, web: Any, hosts: Any, time: Time, settings: Any) -> None:
    settings.ALERT_WEBHOOK_PRIVATE = True
    hosts["relay.internal"] = [PRIVATE]
    use(rule, "slack", "http://relay.internal/hook")
    web.post("http://relay.internal/hook", body="ok")
    cause()
    assert tell_alerts() == 1


@pytest.mark.parametrize(
    "url", ["http://hooks.slack.com/x", "ftp://hooks.slack.com/x", "https://", "https://u:p@hooks.slack.com/x", "x",
            "https://[::1/x", "https://hooks.slack.com:port/x"],
)  # fmt: skip
def test_only_https_addresses_without_a_log_in_are_taken(url: str, hosts: Any) -> None:
    with pytest.raises(TargetFailed):
        webhooks.check_address(url)


def test_an_unknown_host_is_said_so(hosts: Any) -> None:
    hosts["nowhere.example"] = []
    with pytest.raises(TargetFailed, match=r"nowhere\.example is not known"):
        webhooks.check_address("https://nowhere.example/x")


@pytest.mark.parametrize("url", [WECOM, DINGTALK, SLACK])
def test_a_masked_address_says_where_it_goes_and_not_the_key(url: str) -> None:
    shown = webhooks.masked(url)
    assert urlsplit(url).hostname in shown
    assert KEY not in shown
    assert KEY[:12] not in shown
