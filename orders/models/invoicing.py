"""Documents of invoices: where the papers of an invoice are kept."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from .deliveries import Invoice


class InvoiceDocument(models.Model):
    """A document of an invoice, by its address: OrderBridge keeps no file."""

    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="documents", verbose_name=_("invoice"))
    name = models.CharField(_("name"), max_length=200)
    url = models.URLField(_("address"), max_length=1000)
    added_by = models.CharField(_("by"), max_length=150)
    added_at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("invoice document")
        verbose_name_plural = _("invoice documents")
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["invoice", "url"], name="one_document_per_address")]

    def __str__(self) -> str:
        return self.name
