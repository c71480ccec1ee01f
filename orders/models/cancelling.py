"""An order that somebody wants to cancel: held, or stopped in LingXing, until it is known whether it can be."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from integrations.sentences import SentenceField

from .order import Order


class PauseOutcome(models.TextChoices):
    OPEN = "open", _("Open")
    CANCELLED = "cancelled", _("Cancelled")
    REFUSED = "refused", _("Refused: the order goes on")
    RESUMED = "resumed", _("Taken back: the order goes on")


class CancellationPause(models.Model):
    """The question whether an order can be cancelled, and its answer. At most one is open for an order.

    ``erp_asked``: LingXing had the order, so it is asked to stop it (the order's cancellation rows); before that the
    order is only held. ``result`` says how it ended.
    """

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="pauses", verbose_name=_("order"))
    code = models.CharField(_("cancel code"), max_length=30)
    reason = models.CharField(_("reason"), max_length=300)
    actor = models.CharField(_("asked by"), max_length=150)
    asked_at = models.DateTimeField(_("asked"))
    erp_asked = models.BooleanField(_("LingXing was asked"), default=False)
    outcome = models.CharField(_("outcome"), max_length=10, choices=PauseOutcome.choices, default=PauseOutcome.OPEN)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    result = SentenceField(_("result"), blank=True, default="")

    class Meta:
        verbose_name = _("pause for cancellation")
        verbose_name_plural = _("pauses for cancellation")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["order"], condition=models.Q(outcome="open"), name="one_open_pause_per_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}: {self.outcome}"
