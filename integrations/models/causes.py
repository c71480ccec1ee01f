"""Causes: why deliveries need a person, one row for many deliveries."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from ..sentences import SentenceField
from .calls import Vendor


class Cause(models.Model):
    """A kind of delivery, a vendor, a code and a message without its particulars (numbers, ids).

    ``key`` is what ``Delivery.cause`` holds. ``open_count`` is how many deliveries are parked for it at the
    last look, ``verifying_count`` how many of them are uncertain and being verified; a cause without any is
    closed by itself and opens again (``opened_at``) when it comes back.
    """

    key = models.CharField(max_length=40, unique=True)
    kind = models.CharField(_("kind"), max_length=30)
    vendor = models.CharField(_("vendor"), max_length=20, choices=Vendor.choices, blank=True)
    code = models.CharField(_("code"), max_length=120)
    message = SentenceField(_("message"), blank=True)
    first_seen_at = models.DateTimeField(_("first seen"))
    opened_at = models.DateTimeField(_("open since"))
    last_seen_at = models.DateTimeField(_("last seen"))
    open_count = models.PositiveIntegerField(_("open"), default=0)
    verifying_count = models.PositiveIntegerField(_("being verified"), default=0)
    oldest_deadline = models.DateTimeField(_("oldest deadline"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    note = models.TextField(_("note"), blank=True)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, verbose_name=_("assigned to")
    )

    class Meta:
        verbose_name = _("cause")
        verbose_name_plural = _("causes")
        ordering: ClassVar = ["-opened_at", "-id"]
        indexes: ClassVar = [models.Index(fields=["closed_at", "-opened_at"], name="cause_open")]

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"[:200]
