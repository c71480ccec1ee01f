"""What we owe to both vendors for an order, one table for each kind of delivery."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from integrations.deliveries.models import Delivery

from .order import Order


class ErpPush(Delivery):
    """推单: create the order in LingXing. ``remote_reference`` is the ERP order number.

    ``platform_order_no`` is fixed when the row is made, so that a changed setting cannot double an order.
    """

    KIND = "erp_push"
    OWNER = "order"

    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="erp_push", verbose_name=_("order"))
    platform_order_no = models.CharField(_("platform order number"), max_length=120, db_index=True)
    store_id = models.CharField(_("store"), max_length=40, blank=True)

    class Meta(Delivery.Meta):
        verbose_name = _("ERP push")
        verbose_name_plural = _("ERP pushes")


class Acknowledgement(Delivery):
    """订单确认: POST /order/acknowledge. ``checked_at`` is when LingXing was last asked about the order."""

    KIND = "acknowledgement"
    OWNER = "order"

    order = models.OneToOneField(
        Order, on_delete=models.CASCADE, related_name="acknowledgement", verbose_name=_("order")
    )
    checked_at = models.DateTimeField(_("last checked"), null=True, blank=True)

    class Meta(Delivery.Meta):
        verbose_name = _("acknowledgement")
        verbose_name_plural = _("acknowledgements")
        indexes: ClassVar = [
            *Delivery.Meta.indexes,
            models.Index(fields=["status", "checked_at"], name="acknowledgement_check"),
        ]


class Shipment(Delivery):
    """发货回传: report packages to DSCO. ``remote_reference`` holds the tracking numbers.

    ``sequence`` 1 is the one that every order has; when a person reports a part of the order, the rest gets the next
    (``orders/further_shipments.py``). One of them at a time is told to DSCO.
    ``body`` is what is (or was) sent: a list of DSCO shipments, fixed before the first call.
    ``chosen_by`` is the staff member who composed it, empty when one package covered the order.
    """

    KIND = "shipment"
    OWNER = "order"

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="shipments", verbose_name=_("order"))
    sequence = models.PositiveSmallIntegerField(_("report"), default=1)
    body = models.JSONField(_("shipments as sent"), default=list, blank=True)
    draft = models.JSONField(_("draft"), default=dict, blank=True)
    edited_by = models.CharField(_("being edited by"), max_length=150, blank=True)
    edited_at = models.DateTimeField(_("edited"), null=True, blank=True)
    chosen_by = models.CharField(_("composed by"), max_length=150, blank=True)
    confirmed_at = models.DateTimeField(_("seen at DSCO"), null=True, blank=True)
    checked_at = models.DateTimeField(_("last checked"), null=True, blank=True)

    class Meta(Delivery.Meta):
        verbose_name = _("shipment")
        verbose_name_plural = _("shipments")
        indexes: ClassVar = [
            *Delivery.Meta.indexes,
            models.Index(fields=["status", "checked_at"], name="shipment_check"),
            models.Index(fields=["remote_reference"], name="shipment_reference"),
        ]
        constraints: ClassVar = [
            *Delivery.Meta.constraints,
            models.UniqueConstraint(fields=["order", "sequence"], name="one_shipment_per_sequence"),
        ]


class Invoice(Delivery):
    """发票: POST /invoice. ``invoice_id`` and ``body`` are stored before they are sent."""

    KIND = "invoice"
    OWNER = "order"

    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="invoice", verbose_name=_("order"))
    invoice_id = models.CharField(_("invoice number"), max_length=120, unique=True, null=True, blank=True)
    total = models.DecimalField(_("total"), max_digits=14, decimal_places=2, null=True, blank=True)
    body = models.JSONField(_("invoice as sent"), default=dict, blank=True)

    class Meta(Delivery.Meta):
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")


class CancellationAction(models.TextChoices):
    ERP = "erp", _("Cancel in LingXing")
    DSCO = "dsco", _("Confirm to the retailer")


class Cancellation(Delivery):
    """One action of a cancellation: stop the order in LingXing, or confirm the items' cancellation to DSCO.

    Two rows with a key each: a crash between them loses neither. ``lines`` (DSCO only) says what
    is confirmed: ``[{"position": 0, "quantity": 1}]``; with ``until`` it was decided by staff: cancel until the line
    shows so many cancelled units.
    """

    KIND = "cancellation"
    OWNER = "order"

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="cancellations", verbose_name=_("order"))
    action = models.CharField(_("action"), max_length=10, choices=CancellationAction.choices)
    lines = models.JSONField(_("lines"), default=list, blank=True)
    cancel_code = models.CharField(_("cancel code"), max_length=30, blank=True)

    class Meta(Delivery.Meta):
        verbose_name = _("cancellation")
        verbose_name_plural = _("cancellations")
        constraints: ClassVar = [
            *Delivery.Meta.constraints,
            models.UniqueConstraint(fields=["order", "action"], name="one_cancellation_per_action"),
        ]
