"""The emergency stop: no writes to a vendor while a row is open."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from .calls import Vendor


class VendorStop(models.Model):
    """All writes to a vendor are stopped from ``started_at`` until ``ended_at`` (NULL: still). Reads go on.

    ``released`` is how many deliveries its end made due.
    """

    vendor = models.CharField(_("vendor"), max_length=20, choices=Vendor.choices)
    reason = models.CharField(_("reason"), max_length=300)
    started_by = models.CharField(_("stopped by"), max_length=150)
    started_at = models.DateTimeField(_("stopped at"))
    ended_by = models.CharField(_("ended by"), max_length=150, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    end_note = models.CharField(_("what was put right"), max_length=300, blank=True)
    released = models.PositiveIntegerField(_("released"), default=0)

    class Meta:
        verbose_name = _("emergency stop")
        verbose_name_plural = _("emergency stops")
        ordering: ClassVar = ["-id"]
        permissions: ClassVar = [("stop_vendor", _("Can stop and resume all writes to a vendor"))]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["vendor"], condition=models.Q(ended_at__isnull=True), name="one_open_stop_per_vendor"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_vendor_display()}: {self.reason}"
