"""Sending one digest to one rule's target."""

from __future__ import annotations

import smtplib

from django.core.mail import EmailMessage
from django.utils import translation

from ..models import AlertRule, Channel
from ..sentences import gettext as _
from . import webhooks
from .messages import Digest, mail_text, payload
from .webhooks import TargetFailed


def send(rule: AlertRule, digest: Digest) -> None:
    """Send a digest. Raises TargetFailed with a reason for staff."""
    if rule.channel == Channel.EMAIL:
        _mail(rule, digest)
        return
    if not rule.target:
        raise TargetFailed(_("The rule has no target."))
    with translation.override(rule.language):
        body = payload(rule.channel, digest)
    webhooks.post(rule.target, body, secret=rule.secret if rule.channel == Channel.DINGTALK else "")


def recipients(rule: AlertRule) -> list[str]:
    """Return the rule's addresses, else those of the group's active members."""
    named = [address.strip() for address in rule.target.split(",") if address.strip()]
    if named or rule.group is None:
        return named
    members = rule.group.user_set.filter(is_active=True).exclude(email="").order_by("email")
    return list(dict.fromkeys(members.values_list("email", flat=True)))


def shown_target(rule: AlertRule) -> str:
    """Return where a rule sends to, as it may be shown: the key in a webhook's address is masked."""
    if rule.channel == Channel.EMAIL:
        return rule.target
    return webhooks.masked(rule.target) if rule.target else ""


def _mail(rule: AlertRule, digest: Digest) -> None:
    addresses = recipients(rule)
    if not addresses:
        raise TargetFailed(_("Nobody to write to: the rule has no address and no member of the role has one."))
    with translation.override(rule.language):
        text = mail_text(digest)
    try:
        EmailMessage(subject=digest.title, body=text, to=addresses).send()
    except smtplib.SMTPResponseException as error:
        raise TargetFailed(_("The mail server refused the message (%(code)s).") % {"code": error.smtp_code}) from error
    except (smtplib.SMTPException, OSError) as error:
        text = _("The mail could not be handed to the mail server (%(what)s).")
        raise TargetFailed(text % {"what": type(error).__name__}) from error
