"""Warehouse and SKU mappings, stock as last read, and stock updates owed to DSCO."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from integrations.deliveries.models import Delivery


class StockSource(models.TextChoices):
    ERP = "erp", _("LingXing's available quantity (可用量)")
    THIRD_PARTY = "third_party", _("The third-party warehouse's sellable quantity")


class WarehouseMapping(models.Model):
    """Which LingXing warehouse a DSCO warehouse code means. Several rows of one code are added up for stock;
    the first one (lowest id) is where orders go."""

    dsco_code = models.CharField(_("DSCO warehouse code"), max_length=120)
    wid = models.CharField(_("LingXing warehouse id"), max_length=40)
    stock_source = models.CharField(
        _("stock figure"), max_length=20, choices=StockSource.choices, default=StockSource.ERP
    )
    sync_stock = models.BooleanField(_("synchronise stock"), default=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("warehouse mapping")
        verbose_name_plural = _("warehouse mappings")
        constraints: ClassVar = [models.UniqueConstraint(fields=["dsco_code", "wid"], name="one_warehouse_mapping")]

    def __str__(self) -> str:
        return f"{self.dsco_code} → {self.wid}"


class SkuMapping(models.Model):
    """Which ERP SKU a DSCO SKU means. Several rows of one DSCO SKU are added up for stock; orders use the one
    marked ``for_orders``."""

    dsco_sku = models.CharField("DSCO SKU", max_length=200)
    erp_sku = models.CharField(_("ERP SKU"), max_length=200, db_index=True)
    for_orders = models.BooleanField(_("used for orders"), default=True)
    sync_stock = models.BooleanField(_("synchronise stock"), default=True)
    stock_buffer = models.PositiveIntegerField(_("safety buffer"), default=0)
    stock_cap = models.PositiveIntegerField(_("upper limit"), null=True, blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("SKU mapping")
        verbose_name_plural = _("SKU mappings")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["dsco_sku", "erp_sku"], name="one_sku_mapping"),
            models.UniqueConstraint(
                fields=["dsco_sku"],
                condition=models.Q(for_orders=True),
                name="one_sku_mapping_for_orders",
                violation_error_message=_(
                    "Orders use another mapping of this DSCO SKU. Untick “used for orders” there first, or here."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dsco_sku} → {self.erp_sku}"


class StockLevel(models.Model):
    """Quantity of an ERP SKU in an ERP warehouse as last read in full."""

    wid = models.CharField(_("LingXing warehouse id"), max_length=40)
    erp_sku = models.CharField(_("ERP SKU"), max_length=200)
    available = models.IntegerField(_("available"))
    locked = models.IntegerField(_("locked"), default=0)
    total = models.IntegerField(_("total"), default=0)
    third_party_sellable = models.IntegerField(_("sellable at the third party"), null=True, blank=True)
    read_at = models.DateTimeField(_("last read"))

    class Meta:
        verbose_name = _("stock level")
        verbose_name_plural = _("stock levels")
        constraints: ClassVar = [models.UniqueConstraint(fields=["wid", "erp_sku"], name="one_stock_level")]

    def __str__(self) -> str:
        return f"{self.erp_sku} @ {self.wid}: {self.available}"


class StockItem(models.Model):
    """What DSCO was last told about an item, and what it should be told: ``{dsco warehouse code: quantity}``."""

    dsco_sku = models.CharField("DSCO SKU", max_length=200, unique=True)
    confirmed = models.JSONField(_("confirmed quantities"), default=dict, blank=True)
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, blank=True)
    target = models.JSONField(_("target quantities"), default=dict, blank=True)
    target_at = models.DateTimeField(_("computed"), null=True, blank=True)

    class Meta:
        verbose_name = _("stock item")
        verbose_name_plural = _("stock items")

    def __str__(self) -> str:
        return self.dsco_sku


class StockUpdate(Delivery):
    """库存同步记录: set a DSCO item's quantities in all its DSCO warehouses. Absolute figures, safe to repeat."""

    KIND = "stock_update"
    OWNER = "item"

    item = models.ForeignKey(StockItem, on_delete=models.CASCADE, related_name="updates", verbose_name=_("item"))
    quantities = models.JSONField(_("quantities"), default=dict)
    drop_approved = models.BooleanField(_("drop to zero approved"), default=False)

    class Meta(Delivery.Meta):
        verbose_name = _("stock update")
        verbose_name_plural = _("stock updates")
        constraints: ClassVar = [
            *Delivery.Meta.constraints,
            models.UniqueConstraint(
                fields=["item"],
                condition=~models.Q(status__in=["succeeded", "skipped", "cancelled"]),
                name="one_open_stock_update_per_item",
            ),
        ]
