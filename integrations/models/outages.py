"""When a vendor did not answer: noticed by our calls, asked again by one process, ended by its first answer."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .calls import Vendor


class VendorOutage(models.Model):
    """A vendor did not answer from ``began_at`` until ``ended_at`` (NULL: still). See ``integrations/outages.py``.

    Until enough calls in a row have failed (``opened_at`` NULL) the row is only a suspicion and holds nothing back;
    the next answer deletes it. ``failed_probes``: how often the vendor was asked in vain since; ``probe_seconds``: the
    wait between two questions; ``brought_forward``: how many deliveries went at once when it was over.
    """

    vendor = models.CharField(_("vendor"), max_length=20, choices=Vendor.choices)
    began_at = models.DateTimeField(_("first failed call"))
    failures = models.PositiveIntegerField(_("failed calls"), default=0)
    last_failure_at = models.DateTimeField(_("last failed call"))
    last_error_code = models.CharField(_("error code"), max_length=120, blank=True)
    opened_at = models.DateTimeField(_("noticed"), null=True, blank=True)
    next_probe_at = models.DateTimeField(_("asked again"), null=True, blank=True)
    probe_seconds = models.FloatField(default=0)
    failed_probes = models.PositiveIntegerField(_("asked in vain"), default=0)
    ended_at = models.DateTimeField(_("answered again"), null=True, blank=True)
    brought_forward = models.PositiveIntegerField(_("brought forward"), default=0)

    class Meta:
        verbose_name = _("vendor outage")
        verbose_name_plural = _("vendor outages")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["vendor"], condition=models.Q(ended_at__isnull=True), name="one_open_outage_per_vendor"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_vendor_display()} {timezone.localtime(self.began_at):%Y-%m-%d %H:%M}"
