"""What LingXing shows: its orders, its outbound orders, and the packages we learn from these."""

from __future__ import annotations

from typing import ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from integrations.quick_prefetch import QuickQuerySet

from .order import Order, OrderLine


class ErpStatus(models.IntegerChoices):
    """Order status in LingXing."""

    SYNCING = 1, _("Syncing")
    SYNCED = 2, _("Synced")
    UNPAID = 3, _("Awaiting payment")
    TO_REVIEW = 4, _("To be reviewed")
    TO_SHIP = 5, _("To be shipped")
    SHIPPED = 6, _("Shipped in LingXing")
    CANCELLED = 7, _("Not to be shipped")
    HIDDEN = 8, _("Hidden")
    PLATFORM = 9, _("Fulfilled by the platform")


class ErpOrder(models.Model):
    """A LingXing order (系统单号) as last read."""

    global_order_no = models.CharField(_("ERP order number"), max_length=40, unique=True)
    store_id = models.CharField(_("store"), max_length=40, blank=True)
    status = models.PositiveSmallIntegerField(_("status"), choices=ErpStatus.choices, null=True, blank=True)
    split_type = models.PositiveSmallIntegerField(_("split type"), null=True, blank=True)
    deleted = models.BooleanField(_("deleted"), default=False)
    resend_of = models.JSONField(_("re-shipment of"), default=list, blank=True)
    tracking_no = models.CharField(_("tracking number"), max_length=200, blank=True)
    wid = models.CharField(_("warehouse id"), max_length=40, blank=True)
    logistics_type_id = models.CharField(_("shipping method id"), max_length=40, blank=True)
    # Units by ERP SKU and platform order number as LingXing last showed them; NULL: not read yet.
    items = models.JSONField(_("items"), null=True, blank=True)
    dropped_fields = models.JSONField(_("address fields that LingXing dropped"), default=list, blank=True)
    read_at = models.DateTimeField(_("last read"))
    orders = models.ManyToManyField(Order, through="OrderErpLink", related_name="erp_orders", verbose_name=_("orders"))

    class Meta:
        verbose_name = _("ERP order")
        verbose_name_plural = _("ERP orders")
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return self.global_order_no

    @property
    def dead(self) -> bool:
        """Nothing will ever leave the warehouse for it."""
        return self.deleted or self.status == ErpStatus.CANCELLED


class OrderErpLink(models.Model):
    """That an order is (or was) carried by an ERP order. LingXing splits and merges, so n : m, with history."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="erp_links")
    erp_order = models.ForeignKey(ErpOrder, on_delete=models.CASCADE, related_name="order_links")
    first_seen_at = models.DateTimeField(_("first seen"), auto_now_add=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("link to an ERP order")
        verbose_name_plural = _("links to ERP orders")
        constraints: ClassVar = [models.UniqueConstraint(fields=["order", "erp_order"], name="one_link_per_pair")]

    def __str__(self) -> str:
        return f"{self.order_id} – {self.erp_order_id}"


class Package(models.Model):
    """What an outbound order (wo_number) carries for one order: a tracking number with its lines.

    ``ignored`` says why it never counts: deleted, re-shipment, several numbers in one field …;
    ``shipped`` is LingXing's status 3.
    """

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="packages", verbose_name=_("order"))
    wo_number = models.CharField(_("outbound order"), max_length=60, db_index=True)
    global_order_no = models.CharField(_("ERP order number"), max_length=40, blank=True)
    tracking_number = models.CharField(_("tracking number"), max_length=200, blank=True, db_index=True)
    status = models.PositiveSmallIntegerField(_("outbound status"), null=True, blank=True)
    shipped = models.BooleanField(_("shipped"), default=False)
    shipped_at = models.DateTimeField(_("shipped at"), null=True, blank=True)
    wid = models.CharField(_("warehouse id"), max_length=40, blank=True)
    logistics_type_id = models.CharField(_("shipping method id"), max_length=40, blank=True)
    logistics_name = models.CharField(_("shipping method"), max_length=200, blank=True)
    carrier_name = models.CharField(_("carrier"), max_length=200, blank=True)
    ignored = models.CharField(_("not counted because"), max_length=60, blank=True)
    read_at = models.DateTimeField(_("last read"))

    objects: ClassVar[models.Manager[Self]] = QuickQuerySet.as_manager()

    class Meta:
        verbose_name = _("package")
        verbose_name_plural = _("packages")
        ordering: ClassVar = ["order_id", "wo_number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["order", "wo_number"], name="one_package_per_outbound")
        ]

    def __str__(self) -> str:
        return self.tracking_number or self.wo_number


class PackageLine(models.Model):
    """A quantity of one product in a package; ``order_line`` is NULL when it matches no line of the order."""

    package = models.ForeignKey(Package, on_delete=models.CASCADE, related_name="lines")
    order_line = models.ForeignKey(
        OrderLine, null=True, blank=True, on_delete=models.SET_NULL, related_name="package_lines"
    )
    erp_sku = models.CharField(_("ERP SKU"), max_length=200, blank=True)
    quantity = models.PositiveIntegerField(_("quantity"))

    class Meta:
        verbose_name = _("package line")
        verbose_name_plural = _("package lines")

    def __str__(self) -> str:
        return f"{self.erp_sku} × {self.quantity}"
