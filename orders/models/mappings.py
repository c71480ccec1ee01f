"""Store and shipping mappings: DSCO's codes on the left, LingXing's ids on the right."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords


class Store(models.Model):
    """A LingXing store. ``store_id`` has up to 18 digits and is a text; ``sid`` exists for some platforms only."""

    store_id = models.CharField(_("store id"), max_length=40, unique=True)
    sid = models.CharField(_("LingXing sid"), max_length=40, blank=True)
    name = models.CharField(_("name"), max_length=200, blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("store")
        verbose_name_plural = _("stores")

    def __str__(self) -> str:
        return self.name or self.store_id


class StoreMapping(models.Model):
    """Which LingXing store a retailer's orders are created in."""

    retailer_id = models.CharField(_("retailer id"), max_length=64, unique=True)
    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="mappings", verbose_name=_("store"))
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("store mapping")
        verbose_name_plural = _("store mappings")

    def __str__(self) -> str:
        return f"{self.retailer_id} → {self.store}"


class ShippingMapping(models.Model):
    """Which LingXing shipping method a warehouse and service level mean; ``*`` stands for any.

    The other way round it names what DSCO is told about a package when the order itself says nothing:
    ``report_*`` where given, else the service level.
    """

    warehouse_code = models.CharField(_("warehouse code"), max_length=120)
    service_level = models.CharField(_("service level"), max_length=120)
    logistics_type_id = models.CharField(_("shipping method id"), max_length=40)
    report_carrier = models.CharField(_("carrier to report"), max_length=120, blank=True)
    report_method = models.CharField(_("method to report"), max_length=120, blank=True)
    report_service_level = models.CharField(_("service level to report"), max_length=120, blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("shipping mapping")
        verbose_name_plural = _("shipping mappings")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["warehouse_code", "service_level"], name="one_shipping_mapping")
        ]

    def __str__(self) -> str:
        return f"{self.warehouse_code}|{self.service_level} → {self.logistics_type_id}"
