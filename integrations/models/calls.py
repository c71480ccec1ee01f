"""The call log and the attempts of deliveries."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..errors import ErrorKind
from ..sentences import SentenceField


class Vendor(models.TextChoices):
    DSCO = "dsco", "DSCO"
    LINGXING = "lingxing", _("LingXing")


class ApiCall(models.Model):
    """One HTTP exchange with a vendor, bodies redacted and shortened."""

    vendor = models.CharField(_("vendor"), max_length=20, choices=Vendor.choices)
    operation = models.CharField(_("operation"), max_length=60)
    method = models.CharField(_("method"), max_length=10)
    path = models.CharField(_("path"), max_length=300)
    started_at = models.DateTimeField(_("started"))
    duration_ms = models.PositiveIntegerField(_("duration (ms)"))
    status = models.PositiveSmallIntegerField(_("HTTP status"), null=True, blank=True)
    request_excerpt = models.TextField(_("request"), blank=True)
    response_excerpt = models.TextField(_("response"), blank=True)
    vendor_request_id = models.CharField(_("vendor's request id"), max_length=120, blank=True)
    error = models.CharField(_("error"), max_length=60, blank=True)
    flow_run = models.ForeignKey(
        "integrations.FlowRun",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="api_calls",
        verbose_name=_("flow run"),
    )

    class Meta:
        verbose_name = _("API call")
        verbose_name_plural = _("API calls")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["vendor", "operation", "-id"], name="apicall_operation"),
            models.Index(fields=["vendor", "-id"], name="apicall_failed", condition=models.Q(error__gt="")),
            models.Index(fields=["-started_at"], name="apicall_started"),
            # What the list's filter on the answer looks for; good answers, nearly all, cost nothing.
            models.Index(
                fields=["status", "-id"],
                name="apicall_refused",
                condition=models.Q(status__isnull=True) | models.Q(status__gte=400),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class AttemptAction(models.TextChoices):
    SEND = "send", _("Sent")
    VERIFY = "verify", _("Verified")
    POLL = "poll", _("Asked for the outcome")
    STAFF = "staff", _("By staff")


class Attempt(models.Model):
    """One step in the life of a delivery: a call, a verification, an answer asked for, a staff action.

    ``kind`` and ``delivery_id`` name the delivery (every kind has its own table); ``outcome`` is the
    state that the delivery went to. ``actor`` is the user name of staff, empty for the system.
    """

    kind = models.CharField(_("kind"), max_length=30)
    delivery_id = models.BigIntegerField()
    action = models.CharField(_("action"), max_length=10, choices=AttemptAction.choices)
    started_at = models.DateTimeField(_("started"))
    duration_ms = models.PositiveIntegerField(_("duration (ms)"), default=0)
    outcome = models.CharField(_("outcome"), max_length=20)
    error_kind = models.CharField(_("error class"), max_length=20, choices=ErrorKind.choices, blank=True)
    error_code = models.CharField(_("error code"), max_length=120, blank=True)
    message = SentenceField(_("message"), blank=True)
    vendor_request_id = models.CharField(_("vendor's request id"), max_length=120, blank=True)
    api_call = models.ForeignKey(
        ApiCall, null=True, blank=True, on_delete=models.SET_NULL, related_name="attempts", verbose_name=_("API call")
    )
    # What was called before ``api_call`` in the same attempt: usually nothing.
    earlier_calls = models.ManyToManyField(ApiCall, related_name="earlier_attempts", verbose_name=_("earlier calls"))
    actor = models.CharField(_("by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("recorded attempts")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["kind", "delivery_id", "-id"], name="attempt_delivery"),
            models.Index(
                fields=["started_at"],
                name="attempt_failed",
                condition=models.Q(outcome__in=["failed", "needs_attention"]),
            ),
            models.Index(fields=["-started_at", "-id"], name="attempt_staff", condition=models.Q(action="staff")),
            models.Index(fields=["-started_at"], name="attempt_started"),
            models.Index(
                fields=["outcome", "-id"],
                name="attempt_troubled",
                condition=~models.Q(outcome__in=["succeeded", "accepted"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.delivery_id}: {self.outcome}"
