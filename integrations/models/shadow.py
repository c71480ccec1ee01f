"""What shadow mode computed: the call that would have been made."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..sentences import SentenceField
from .calls import Vendor


class ShadowCall(models.Model):
    """The call that a delivery in shadow mode would have made, composed by the same code and redacted like any call.

    ``kind`` and ``delivery_id`` name the delivery. Without a call, ``problem`` says why there would have been none.
    """

    kind = models.CharField(_("kind"), max_length=30)
    delivery_id = models.BigIntegerField()
    key = models.CharField(_("idempotency key"), max_length=160)
    vendor = models.CharField(_("vendor"), max_length=20, choices=Vendor.choices)
    operation = models.CharField(_("operation"), max_length=60, blank=True)
    method = models.CharField(_("method"), max_length=10, blank=True)
    path = models.CharField(_("path"), max_length=300, blank=True)
    body = models.TextField(_("what would have been sent"), blank=True)
    problem = SentenceField(_("why it would not have been sent"), blank=True)
    made_at = models.DateTimeField(_("computed"))

    class Meta:
        verbose_name = _("call in shadow mode")
        verbose_name_plural = _("calls in shadow mode")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "delivery_id"], name="one_shadow_call_per_delivery")
        ]

    def __str__(self) -> str:
        return self.key
