"""Rows through which all processes share tokens and limits."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from ..sealing import SealedField


class RateLimit(models.Model):
    """Until when (epoch seconds) the turns of one rate-limited operation are reserved. See ``limits.py``."""

    name = models.CharField(_("operation"), max_length=100, unique=True)
    reserved_until = models.FloatField(default=0)

    class Meta:
        verbose_name = _("rate limit")
        verbose_name_plural = _("rate limits")

    def __str__(self) -> str:
        return self.name


class Slot(models.Model):
    """One call that may be in flight to a LingXing endpoint. See ``limits.py``."""

    name = models.CharField(_("operation"), max_length=100)
    position = models.PositiveSmallIntegerField(_("position"))
    token = models.CharField(max_length=32, default="", blank=True)
    holder = models.CharField(_("taken by"), max_length=120, default="", blank=True)
    held_until = models.FloatField(default=0)

    class Meta:
        verbose_name = _("slot")
        verbose_name_plural = _("slots")
        constraints: ClassVar = [models.UniqueConstraint(fields=["name", "position"], name="one_row_per_slot")]

    def __str__(self) -> str:
        return f"{self.name} #{self.position}"


class BatchSize(models.Model):
    """How many things a vendor takes in one call, as far as it was tried. See ``batch_sizes.py``."""

    name = models.CharField(_("operation"), max_length=100, unique=True)
    size = models.PositiveSmallIntegerField(_("at most"))
    refused = models.PositiveSmallIntegerField(_("last refused"), null=True, blank=True)
    refused_at = models.DateTimeField(_("refused at"), null=True, blank=True)

    class Meta:
        verbose_name = _("batch size")
        verbose_name_plural = _("batch sizes")

    def __str__(self) -> str:
        return self.name


def token_account(base_url: str, client_id: str, secret: str) -> str:
    """Return what tells an account at a vendor, with its secret, from others: a keyed hash that shows neither."""
    text = "\n".join((base_url, client_id, secret))
    return salted_hmac("integrations.VendorToken", text, algorithm="sha256").hexdigest()


class VendorToken(models.Model):
    """The access token of one account at one vendor, shared by all processes.

    The tokens are sealed. ``account`` is ``token_account``: another account, and another secret of the same one, never
    get this token, so that a wrong secret is noticed when it is set and not when the token has run out.
    ``generation`` counts renewals; ``renewing_until`` (epoch seconds) is the lease of the one
    process that is renewing just now.
    """

    vendor = models.CharField(_("vendor"), max_length=20)
    account = models.CharField(max_length=64)
    access_token = SealedField(default="", blank=True)
    refresh_token = SealedField(default="", blank=True)
    expires_at = models.DateTimeField(_("valid until"), null=True)
    refresh_expires_at = models.DateTimeField(_("can be renewed until"), null=True)
    generation = models.PositiveIntegerField(_("renewals"), default=0)
    renewing_until = models.FloatField(default=0)
    renewing_by = models.CharField(_("being renewed by"), max_length=120, default="", blank=True)

    class Meta:
        verbose_name = _("vendor token")
        verbose_name_plural = _("vendor tokens")
        constraints: ClassVar = [models.UniqueConstraint(fields=["vendor", "account"], name="one_token_per_account")]

    def __str__(self) -> str:
        return self.vendor
