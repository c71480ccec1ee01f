"""A digest in words: a title, at most twenty lines with links, how many more. And how each channel writes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone, translation
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..admin.records import list_address
from ..models import Alert, AlertKind, AlertRule, Channel
from .book import describe
from .words import spaced

MOST_LINES = 20
LONGEST_LINE = 220
# The worst first; within a kind the oldest.
URGENCY = (
    AlertKind.VENDOR_STOP,
    AlertKind.VENDOR_DOWN,
    AlertKind.FLOW_OVERDUE,
    AlertKind.DEADLINE,
    AlertKind.GAVE_UP,
    AlertKind.NEW_CAUSE,
)
# Bytes that a message of the channel may have (WeCom takes 4096, DingTalk 20,000); the rest is for the envelope.
LIMITS = {Channel.WECOM: 4000, Channel.DINGTALK: 18_000, Channel.SLACK: 12_000}


@dataclass(frozen=True, slots=True)
class Line:
    """One alert: what is the matter, and where to look (empty without PUBLIC_URL)."""

    text: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Digest:
    """A message before a channel writes it; ``more`` alerts are only counted."""

    title: str
    lines: tuple[Line, ...]
    more: int = 0
    list_link: str = ""

    def shortened(self, number: int) -> Digest:
        """Return the digest with at most so many lines."""
        lines = self.lines[:number]
        return Digest(self.title, lines, self.more + len(self.lines) - len(lines), self.list_link)


def digest_of(rule: AlertRule, alerts: Sequence[Alert], over: Sequence[Alert] = ()) -> Digest:
    """Return the message for a rule, in its language and time zone: what is new, then what is over."""
    ordered = [*sorted(alerts, key=_urgency), *sorted(over, key=_urgency)]
    with translation.override(rule.language), timezone.override(ZoneInfo(rule.time_zone)):
        lines = tuple(_line(alert) for alert in ordered[:MOST_LINES])
        return Digest(_title(len(alerts), len(over)), lines, len(ordered) - len(lines), link(list_address(Alert)))


def _urgency(alert: Alert) -> tuple[int, datetime, int]:
    return URGENCY.index(AlertKind(alert.kind)), alert.raised_at, alert.pk


def _title(new: int, over: int) -> str:
    if not over:
        return ngettext("OrderBridge: %(n)d new alert", "OrderBridge: %(n)d new alerts", new) % {"n": new}
    if not new:
        return ngettext("OrderBridge: %(n)d alert is over", "OrderBridge: %(n)d alerts are over", over) % {"n": over}
    return _("OrderBridge: new alerts: %(new)d, over: %(over)d") % {"new": new, "over": over}


def test_digest(rule: AlertRule) -> Digest:
    """Return the message that shows whether a rule's target works."""
    with translation.override(rule.language):
        text = _("This is a test. Alerts of the rule “%(rule)s” come here.") % {"rule": rule.name}
        return Digest(_("OrderBridge: test message"), (Line(spaced(text), link(list_address(Alert))),))


def link(path: str) -> str:
    """Return the address of a page of ours as seen from outside, nothing when PUBLIC_URL is not set."""
    return f"{settings.PUBLIC_URL}{path}" if settings.PUBLIC_URL and path else ""


def _line(alert: Alert) -> Line:
    text = f"{alert.get_kind_display()}: {describe(alert)}"
    if alert.ended_at:
        text = _("Over: %(alert)s") % {"alert": text}
    return Line(Truncator(spaced(text)).chars(LONGEST_LINE), link(alert.path))


def mail_text(digest: Digest) -> str:
    """Return the body of a mail."""
    parts = [f"- {line.text}" + (f"\n  {line.link}" if line.link else "") for line in digest.lines]
    return "\n".join([*parts, *_tail(digest, "{text}\n  {link}")]) + "\n"


def payload(channel: str, digest: Digest) -> dict[str, Any]:
    """Return what a webhook of the channel takes, with as many lines as its limit allows.

    Speaks the active language.
    """
    for number in range(len(digest.lines), 0, -1):
        body = _PAYLOADS[Channel(channel)](digest.shortened(number))
        if len(str(body).encode()) <= LIMITS[Channel(channel)]:
            return body
    return _PAYLOADS[Channel(channel)](digest.shortened(0))


def _wecom(digest: Digest) -> dict[str, Any]:
    lines = [f"> {_marked_down(line)}" for line in digest.lines]
    text = "\n".join([f"**{digest.title}**", *lines, *_tail(digest, "[{text}]({link})")])
    return {"msgtype": "markdown", "markdown": {"content": text}}


def _dingtalk(digest: Digest) -> dict[str, Any]:
    lines = [f"- {_marked_down(line)}" for line in digest.lines]
    text = "\n".join([f"#### {digest.title}", "", *lines, "", *_tail(digest, "[{text}]({link})")]).rstrip()
    return {"msgtype": "markdown", "markdown": {"title": digest.title, "text": text}}


def _slack(digest: Digest) -> dict[str, Any]:
    show = _("Show")
    lines = [f"• {_for_slack(line.text)}" + (f" <{line.link}|{show}>" if line.link else "") for line in digest.lines]
    return {"text": "\n".join([f"*{_for_slack(digest.title)}*", *lines, *_tail(digest, "<{link}|{text}>")])}


_PAYLOADS = {Channel.WECOM: _wecom, Channel.DINGTALK: _dingtalk, Channel.SLACK: _slack}


def _tail(digest: Digest, linked: str) -> list[str]:
    if not digest.more:
        return []
    text = ngettext("and %(n)d more", "and %(n)d more", digest.more) % {"n": digest.more}
    return [linked.format(text=text, link=digest.list_link) if digest.list_link else text]


def _marked_down(line: Line) -> str:
    # A vendor's words must not become a link or a heading of ours.
    text = line.text.translate({ord("["): "［", ord("]"): "］", ord("<"): "＜", ord(">"): "＞"})
    show = _("Show")
    return f"{text} [{show}]({line.link})" if line.link else text


def _for_slack(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
