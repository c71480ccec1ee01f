"""What the comparison with both vendors found, and which ranges were compared."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from integrations.sentences import SentenceField

from .order import Order


class DifferenceKind(models.TextChoices):
    """What differs, in one word for filters."""

    MISSING_HERE = "missing_here", _("Missing here")
    MISSING_AT_DSCO = "missing_at_dsco", _("Missing at DSCO")
    MISSING_IN_ERP = "missing_in_erp", _("Missing in LingXing")
    STATE = "state", _("State differs")
    QUANTITY = "quantity", _("Quantity differs")
    AMOUNT = "amount", _("Amount differs")
    PRICE = "price", _("Price differs")
    TRACKING = "tracking", _("Tracking number differs")
    STOCK = "stock", _("Stock differs")


class Source(models.TextChoices):
    """What was compared with ours."""

    DSCO_ORDERS = "dsco_orders", _("DSCO: orders and packages")
    DSCO_INVOICES = "dsco_invoices", _("DSCO: invoices")
    DSCO_STOCK = "dsco_stock", _("DSCO: stock")
    ERP_ORDERS = "erp_orders", _("LingXing: orders and outbound orders")
    TOLD = "told", _("Told by staff or another system")


class Discrepancy(models.Model):
    """One difference between a vendor and us. Open until a later comparison finds it equal, or a person closes it.

    ``code`` says exactly what is the matter (``orders/reconciling/words.py``); ``subject`` is what it is about: a
    DSCO order id, a platform order number or a SKU. ``ours`` and ``theirs`` are ``{name: value}`` without personal
    data. A difference that comes back opens a new row, so the old one stays as history; one that a person has accepted
    (``accepted``) stays closed as long as both sides stay as they were (``fingerprint``).
    """

    source = models.CharField(_("compared with"), max_length=20, choices=Source.choices)
    kind = models.CharField(_("kind"), max_length=20, choices=DifferenceKind.choices)
    code = models.CharField(_("situation"), max_length=40)
    subject = models.CharField(_("about"), max_length=200)
    order = models.ForeignKey(
        Order, null=True, blank=True, on_delete=models.CASCADE, related_name="discrepancies", verbose_name=_("order")
    )
    ours = models.JSONField(_("what we have"), default=dict, blank=True)
    theirs = models.JSONField(_("what the vendor has"), default=dict, blank=True)
    fingerprint = models.CharField(max_length=64)
    first_seen_at = models.DateTimeField(_("first seen"))
    last_seen_at = models.DateTimeField(_("last seen"))
    times_seen = models.PositiveIntegerField(_("times seen"), default=1)
    mended_at = models.DateTimeField(_("mended"), null=True, blank=True)
    mended_by = models.CharField(_("mended by"), max_length=150, blank=True)
    result = SentenceField(_("result"), blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    closed_by = models.CharField(_("closed by"), max_length=150, blank=True)
    accepted = models.BooleanField(_("accepted as it is"), default=False)

    class Meta:
        verbose_name = _("difference")
        verbose_name_plural = _("differences")
        ordering: ClassVar = ["-first_seen_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["code", "subject"], condition=models.Q(closed_at=None), name="one_open_discrepancy"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["-first_seen_at", "-id"], name="discrepancy_open", condition=models.Q(closed_at__isnull=True)
            ),
            models.Index(fields=["subject", "code"], name="discrepancy_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.subject}"


class Reconciliation(models.Model):
    """A range that is (to be) compared, or orders that a person named. One row for each night and each request.

    ``bookmarks`` say how far each source has been compared (``{source: ISO time}``, or a number of ids), so that a
    run that was stopped goes on where it was. ``left`` is what failed by itself and is tried again: slices
    (``{source, since, until, tries}``) and orders (``{order, tries}``).
    """

    since = models.DateTimeField(_("from"), null=True, blank=True)
    until = models.DateTimeField(_("to"), null=True, blank=True)
    order_ids = models.JSONField(_("orders"), default=list, blank=True)
    requested_by = models.CharField(_("requested by"), max_length=150, blank=True)
    requested_at = models.DateTimeField(_("requested"))
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    bookmarks = models.JSONField(_("bookmarks"), default=dict, blank=True)
    left = models.JSONField(_("could not be compared yet"), default=list, blank=True)
    counts = models.JSONField(_("counts"), default=dict, blank=True)
    error = SentenceField(_("error"), blank=True)

    class Meta:
        verbose_name = _("comparison with the vendors")
        verbose_name_plural = _("comparisons with the vendors")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["id"], name="reconciliation_open", condition=models.Q(finished_at__isnull=True)),
        ]

    def __str__(self) -> str:
        if self.order_ids:
            return ", ".join(str(number) for number in self.order_ids[:3]) + (" …" if len(self.order_ids) > 3 else "")
        if self.since is None or self.until is None:
            return str(self.pk)
        return f"{self.since:%Y-%m-%d %H:%M} – {self.until:%Y-%m-%d %H:%M} UTC"

    @property
    def page_title(self) -> str:
        """The range in the reader's time zone, or the orders."""
        if self.order_ids or self.since is None or self.until is None:
            return str(self)
        return " – ".join(f"{timezone.localtime(at):%Y-%m-%d %H:%M}" for at in (self.since, self.until))
