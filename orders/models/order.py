"""DSCO orders as last read, and the staff's hold on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from integrations.quick_prefetch import QuickQuerySet
from integrations.sentences import SentenceField

if TYPE_CHECKING:
    from .deliveries import Shipment


class Stage(models.TextChoices):
    """How far an order has come. Derived from its deliveries; see ``orders/stages.py``."""

    RECEIVED = "received", _("Received")
    IN_ERP = "in_erp", _("In ERP")
    ACKNOWLEDGED = "acknowledged", _("Acknowledged")
    SHIPPED = "shipped", _("Shipped")
    INVOICED = "invoiced", _("Invoiced")
    CANCELLED = "cancelled", _("Cancelled")
    CLOSED = "closed", _("Closed elsewhere")


# Orders that still have to leave the warehouse.
OPEN_STAGES: Final = (Stage.RECEIVED, Stage.IN_ERP, Stage.ACKNOWLEDGED)
# Stages in which the step that a deadline is about has not been done.
DEADLINE_STAGES: Final[dict[str, tuple[str, ...]]] = {
    "acknowledge_by": (Stage.RECEIVED, Stage.IN_ERP),
    "ship_by": OPEN_STAGES,
    "invoice_by": (*OPEN_STAGES, Stage.SHIPPED),
    "cancel_after": OPEN_STAGES,
}


def _deadline_index(column: str) -> models.Index:
    """Return the index of the orders that can still miss a deadline: small, however many are finished."""
    stages = [str(stage) for stage in DEADLINE_STAGES[column]]
    return models.Index(
        fields=[column, "id"],
        condition=models.Q(stage__in=stages) & models.Q(**{f"{column}__isnull": False}),
        name=f"order_{column}",
    )


class Order(models.Model):
    """A DSCO order. ``dsco_order_id`` is the key throughout; a PO number is unique per retailer only.

    ``payload`` is the order as DSCO last sent it; the other columns are read from it. ``problem``
    says why a payload could not be read in full; such an order is kept and shown, never pushed.
    """

    dsco_order_id = models.CharField(_("DSCO order id"), max_length=64, unique=True)
    po_number = models.CharField(_("PO number"), max_length=120, blank=True, db_index=True)
    consumer_order_number = models.CharField(_("consumer order number"), max_length=120, blank=True)
    retailer_id = models.CharField(_("retailer id"), max_length=64, blank=True)
    retailer_name = models.CharField(_("retailer"), max_length=200, blank=True)
    supplier_order_number = models.CharField(_("our number at DSCO"), max_length=120, blank=True)
    order_type = models.CharField(_("order type"), max_length=30, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    test_order = models.BooleanField(_("test order"), default=False)
    dsco_status = models.CharField(_("DSCO status"), max_length=30, blank=True)
    dsco_lifecycle = models.CharField(_("DSCO lifecycle"), max_length=30, blank=True)
    cancel_requested = models.BooleanField(_("cancellation requested"), default=False)
    cancel_requested_code = models.CharField(_("requested cancel code"), max_length=60, blank=True)
    warehouse_code = models.CharField(_("warehouse code"), max_length=120, blank=True)
    service_level = models.CharField(_("service level"), max_length=120, blank=True)
    ship_carrier = models.CharField(_("carrier"), max_length=120, blank=True)
    ship_method = models.CharField(_("shipping method"), max_length=120, blank=True)
    acknowledge_by = models.DateTimeField(_("acknowledge by"), null=True, blank=True)
    ship_by = models.DateTimeField(_("ship by"), null=True, blank=True)
    invoice_by = models.DateTimeField(_("invoice by"), null=True, blank=True)
    cancel_after = models.DateTimeField(_("cancel after"), null=True, blank=True)
    dsco_created_at = models.DateTimeField(_("created at DSCO"), null=True, blank=True)
    dsco_updated_at = models.DateTimeField(_("updated at DSCO"), null=True, blank=True)
    reported_tracking_numbers = models.JSONField(_("tracking numbers at DSCO"), default=list, blank=True)
    payload = models.JSONField(_("DSCO payload"), default=dict)
    payload_hash = models.CharField(max_length=64, blank=True)
    problem = SentenceField(_("problem with the payload"), blank=True)
    stage = models.CharField(_("stage"), max_length=20, choices=Stage.choices, default=Stage.RECEIVED)
    held = models.BooleanField(_("held"), default=False)
    hold_reason = models.CharField(_("reason for the hold"), max_length=300, blank=True)
    held_by = models.CharField(_("held by"), max_length=150, blank=True)
    held_at = models.DateTimeField(_("held since"), null=True, blank=True)
    first_seen_at = models.DateTimeField(_("first seen"))
    read_at = models.DateTimeField(_("last read"))
    # From then on names and addresses are masked, also in what DSCO sends later (orders/retention.py).
    personal_removed_at = models.DateTimeField(_("names and addresses removed"), null=True, blank=True)

    objects: ClassVar[models.Manager[Self]] = QuickQuerySet.as_manager()

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        permissions: ClassVar = [
            ("hold_order", _("Can hold and release orders")),
            ("retry_delivery", _("Can retry deliveries")),
            ("skip_delivery", _("Can skip deliveries and mark them as done elsewhere")),
            ("cancel_order", _("Can cancel orders and lines")),
            ("compose_shipment", _("Can compose and send shipments by hand")),
            ("bulk_action", _("Can act on many rows at once")),
            ("export_order", _("Can export lists")),
            ("comment_order", _("Can comment on orders")),
        ]
        ordering: ClassVar = ["-first_seen_at", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["-first_seen_at", "-id"], name="order_newest"),
            models.Index(fields=["stage", "-first_seen_at", "-id"], name="order_stage"),
            models.Index(fields=["retailer_id", "-first_seen_at", "-id"], name="order_retailer"),
            *(_deadline_index(column) for column in DEADLINE_STAGES),
            models.Index(fields=["consumer_order_number"], name="order_consumer_number"),
            models.Index(fields=["dsco_updated_at"], name="order_dsco_updated"),
            models.Index(fields=["stage"], condition=models.Q(cancel_requested=True), name="order_cancel_requested"),
            models.Index(fields=["-first_seen_at", "-id"], condition=models.Q(held=True), name="order_held"),
            models.Index(fields=["-first_seen_at", "-id"], condition=models.Q(test_order=True), name="order_test"),
            models.Index(fields=["-first_seen_at", "-id"], condition=~models.Q(problem=""), name="order_unreadable"),
            models.Index(
                fields=["first_seen_at"], condition=models.Q(personal_removed_at__isnull=True), name="order_personal"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dsco_order_id} ({self.po_number})" if self.po_number else self.dsco_order_id

    @property
    def shipment(self) -> Shipment:
        """The first of its ``shipments``, which every order has; the others report what that one left."""
        return next(shipment for shipment in self.shipments.all() if shipment.sequence == 1)


class OrderVersion(models.Model):
    """A payload of an order as DSCO sent it, kept when it changed; ``changed`` lists the paths that differ."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="versions", verbose_name=_("order"))
    received_at = models.DateTimeField(_("received"))
    payload = models.JSONField(_("DSCO payload"), default=dict)
    changed = models.JSONField(_("changed"), default=list, blank=True)

    class Meta:
        verbose_name = _("order version")
        verbose_name_plural = _("order versions")
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.order_id} {self.received_at:%Y-%m-%d %H:%M:%S}"


class EventKind(models.TextChoices):
    COMMENT = "comment", _("Comment")
    HOLD = "hold", _("Held")
    RELEASE = "release", _("Released")
    STAFF = "staff", _("Staff action")
    REMOTE = "remote", _("Changed at DSCO")


class OrderEvent(models.Model):
    """Something that happened to an order outside its deliveries: a comment, a hold, a staff action.

    ``actor`` is the user name of staff, empty for the system.
    """

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="events", verbose_name=_("order"))
    kind = models.CharField(_("kind"), max_length=20, choices=EventKind.choices)
    at = models.DateTimeField(_("at"))
    text = SentenceField(_("text"), blank=True)
    # The vendor calls that a person's wish has made.
    api_calls = models.ManyToManyField("integrations.ApiCall", related_name="order_events", verbose_name=_("API calls"))
    actor = models.CharField(_("by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("order event")
        verbose_name_plural = _("order events")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["-at", "-id"], name="orderevent_staff", condition=~models.Q(actor="")),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.text}"[:200]


class OrderLine(models.Model):
    """A line of a DSCO order. ``position`` counts from 0; ``line_number`` is the retailer's, where given.

    ``erp_sku`` is the ERP SKU that the line was pushed with, empty before.
    """

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines", verbose_name=_("order"))
    position = models.PositiveIntegerField(_("position"))
    line_number = models.IntegerField(_("line number"), null=True, blank=True)
    dsco_item_id = models.CharField(_("DSCO item id"), max_length=64, blank=True)
    sku = models.CharField(_("SKU"), max_length=200, blank=True, db_index=True)
    partner_sku = models.CharField(_("retailer's SKU"), max_length=200, blank=True)
    upc = models.CharField("UPC", max_length=64, blank=True)
    ean = models.CharField("EAN", max_length=64, blank=True)
    title = models.CharField(_("title"), max_length=500, blank=True)
    quantity = models.PositiveIntegerField(_("ordered"))
    cancelled_quantity = models.PositiveIntegerField(_("cancelled"), default=0)
    cancel_requested = models.BooleanField(_("cancellation requested"), default=False)
    expected_cost = models.DecimalField(_("expected cost"), max_digits=14, decimal_places=4, null=True, blank=True)
    consumer_price = models.DecimalField(_("consumer price"), max_digits=14, decimal_places=4, null=True, blank=True)
    retail_price = models.DecimalField(_("retail price"), max_digits=14, decimal_places=4, null=True, blank=True)
    warehouse_code = models.CharField(_("warehouse code"), max_length=120, blank=True)
    erp_sku = models.CharField(_("ERP SKU"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        ordering: ClassVar = ["order_id", "position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["order", "position"], name="one_row_per_order_line"),
            models.CheckConstraint(
                condition=models.Q(cancelled_quantity__lte=models.F("quantity")), name="cancelled_within_ordered"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sku or self.partner_sku or self.dsco_item_id} × {self.quantity}"

    def identity(self) -> dict[str, Any]:
        """Return every identifier that the order gave of the line, as DSCO's bodies name them."""
        names = ("dsco_item_id", "sku", "partner_sku", "upc", "ean")
        return {"line_number": self.line_number, **{name: getattr(self, name) or None for name in names}}

    @property
    def open_quantity(self) -> int:
        """What is still to be delivered of this line: ordered minus cancelled."""
        return self.quantity - self.cancelled_quantity
