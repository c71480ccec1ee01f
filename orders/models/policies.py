"""Retailer policies: what one retailer wants. A retailer without a row gets the defaults."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords


class Mode(models.TextChoices):
    LIVE = "live", _("Live")
    SHADOW = "shadow", _("Shadow: computed and shown, not sent")
    OFF = "off", _("Off")


class InvoiceTiming(models.TextChoices):
    WHEN_COMPLETE = "complete", _("When every line is shipped in full")
    NEVER = "never", _("Never")


class RetailerPolicy(models.Model):
    """How orders of one retailer are handled; every default behaves as the requirement says."""

    retailer_id = models.CharField(_("retailer id"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=200, blank=True)
    push_mode = models.CharField(_("ERP push"), max_length=10, choices=Mode.choices, default=Mode.LIVE)
    acknowledge_mode = models.CharField(_("acknowledgement"), max_length=10, choices=Mode.choices, default=Mode.LIVE)
    shipment_mode = models.CharField(_("shipment"), max_length=10, choices=Mode.choices, default=Mode.LIVE)
    invoice_mode = models.CharField(_("invoice"), max_length=10, choices=Mode.choices, default=Mode.LIVE)
    cancellation_mode = models.CharField(_("cancellation"), max_length=10, choices=Mode.choices, default=Mode.LIVE)
    acknowledge_statuses = models.JSONField(
        _("acknowledge at ERP status"),
        default=list,
        blank=True,
        help_text=_("LingXing order statuses; empty: ACK_ORDER_STATUSES of the settings."),
    )
    automatic_packages = models.BooleanField(
        _("report several packages automatically"),
        default=False,
        help_text=_("Only when the packages together cover the order in full."),
    )
    accept_cancel_requests = models.BooleanField(
        _("accept cancel requests"),
        default=True,
        help_text=_("Otherwise each request waits for a person."),
    )
    push_test_orders = models.BooleanField(_("push test orders"), default=False)
    invoice_timing = models.CharField(
        _("invoice"), max_length=20, choices=InvoiceTiming.choices, default=InvoiceTiming.WHEN_COMPLETE
    )
    require_carrier = models.BooleanField(
        _("carrier and method required"),
        default=False,
        help_text=_("A service level alone is not enough for this retailer."),
    )
    require_warehouse_code = models.BooleanField(_("warehouse code required"), default=False)
    cancel_code = models.CharField(_("cancel code"), max_length=30, default="CXSC")
    price_field = models.CharField(
        _("ERP unit price"),
        max_length=20,
        default="consumer_price",
        choices=[
            ("consumer_price", _("Consumer price")),
            ("retail_price", _("Retail price")),
            ("expected_cost", _("Expected cost")),
        ],
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("retailer policy")
        verbose_name_plural = _("retailer policies")

    def __str__(self) -> str:
        return self.name or self.retailer_id
