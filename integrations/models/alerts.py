"""Alerts: whom to tell about what, and what was told."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.utils.translation import gettext_lazy as _

from ..sealing import SealedField
from ..sentences import SentenceField


class AlertKind(models.TextChoices):
    NEW_CAUSE = "new_cause", _("New cause")
    FLOW_OVERDUE = "flow_overdue", _("Flow overdue")
    VENDOR_DOWN = "vendor_down", _("Vendor down")
    VENDOR_STOP = "vendor_stop", _("Emergency stop")
    DEADLINE = "deadline", _("Deadline at risk")
    GAVE_UP = "gave_up", _("Gave up")


# What goes on until it is over, so that people wait for the word; the others end by what staff did themselves.
TOLD_WHEN_OVER = (AlertKind.NEW_CAUSE, AlertKind.FLOW_OVERDUE, AlertKind.VENDOR_DOWN)


class Channel(models.TextChoices):
    EMAIL = "email", _("E-mail")
    WECOM = "wecom", _("WeCom (企业微信)")
    DINGTALK = "dingtalk", _("DingTalk (钉钉)")
    SLACK = "slack", "Slack"


def usual_language() -> str:
    """Return the language of a new rule: DJANGO_LANGUAGE."""
    return str(settings.LANGUAGE_CODE)


class AlertRule(models.Model):
    """How one group of staff is told: channel, kinds of alert, digest and quiet hours.

    ``target``: e-mail addresses separated by commas (empty: the members' own), or the webhook's address.
    ``secret``: DingTalk's signing secret, where the robot has one. ``sending_until``: lease of the sending process.
    Target and secret are sealed in the database.
    ``digest_minutes`` 0: at once; quiet hours are in the rule's time zone, and what falls in them is sent after.
    """

    name = models.CharField(_("name"), max_length=100)
    group = models.ForeignKey(Group, null=True, blank=True, on_delete=models.CASCADE, verbose_name=_("group"))
    enabled = models.BooleanField(_("enabled"), default=True)
    channel = models.CharField(_("channel"), max_length=20, choices=Channel.choices, default=Channel.EMAIL)
    target = SealedField(_("target"), max_length=500, blank=True)
    secret = SealedField(_("signing secret"), max_length=200, blank=True)
    kinds = models.JSONField(_("alerts"), default=list)
    language = models.CharField(_("language"), max_length=10, default=usual_language)
    digest_minutes = models.PositiveIntegerField(_("digest (minutes)"), default=0)
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)
    quiet_until = models.TimeField(_("quiet until"), null=True, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=60, default="Asia/Shanghai")
    last_sent_at = models.DateTimeField(_("last sent"), null=True, blank=True)
    last_error = SentenceField(_("last error"), blank=True)
    sending_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("alert rule")
        verbose_name_plural = _("alert rules")

    def __str__(self) -> str:
        return self.name


class Alert(models.Model):
    """Something worth telling, once: ``key`` says what; ``ended_at`` is when it was over. No repeats while open."""

    kind = models.CharField(_("kind"), max_length=20, choices=AlertKind.choices)
    key = models.CharField(max_length=160)
    subject = models.CharField(_("subject"), max_length=300)
    facts = models.JSONField(default=dict, blank=True)
    path = models.CharField(_("link"), max_length=300, blank=True)
    raised_at = models.DateTimeField(_("raised"))
    ended_at = models.DateTimeField(_("over"), null=True, blank=True)

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind", "key"], condition=models.Q(ended_at__isnull=True), name="one_open_alert_per_key"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["ended_at", "id"], name="alert_ended")]

    def __str__(self) -> str:
        return self.subject


class AlertNotice(models.Model):
    """That a rule told (or is yet to tell) an alert, and that it told its end. Unique, so nobody is told twice."""

    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="notices")
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="notices")
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    end_sent_at = models.DateTimeField(_("end sent"), null=True, blank=True)

    class Meta:
        verbose_name = _("alert notice")
        verbose_name_plural = _("alert notices")
        constraints: ClassVar = [models.UniqueConstraint(fields=["rule", "alert"], name="one_notice_per_rule")]

    def __str__(self) -> str:
        return f"{self.rule} – {self.alert}"
