"""The shapes of what the API tells about orders, for its description. ``facts.py`` builds them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers as s

from integrations.deliveries.states import State

from ..holds import KINDS
from ..models import EventKind, Stage

KIND_NAMES = [model.KIND for model in KINDS]
STATES = list(State.values)


def words(help_text: str = "") -> s.CharField:
    """Return a member that is a text."""
    return s.CharField(allow_blank=True, help_text=help_text)


def moment(help_text: str = "") -> s.DateTimeField:
    """Return a member that is a time, or null."""
    return s.DateTimeField(allow_null=True, help_text=help_text)


class StepsShape(s.Serializer[Any]):
    """The state of each step of the order; null where there is none."""

    erp_push = s.ChoiceField(STATES, allow_null=True)
    acknowledgement = s.ChoiceField(STATES, allow_null=True)
    shipment = s.ChoiceField(STATES, allow_null=True, help_text="Of the first report that is not done, else the last.")
    invoice = s.ChoiceField(STATES, allow_null=True)


class OrderShape(s.Serializer[Any]):
    """An order as lists show it."""

    dsco_order_id = s.CharField()
    po_number = words()
    consumer_order_number = words()
    supplier_order_number = words("The number under which DSCO shows our side.")
    retailer_id = words()
    retailer_name = words()
    order_type = words()
    test_order = s.BooleanField()
    stage = s.ChoiceField(Stage.choices)
    held = s.BooleanField()
    hold_reason = words()
    held_by = words("Who held or released it last.")
    held_at = moment()
    dsco_status = words()
    dsco_lifecycle = words()
    cancel_requested = s.BooleanField(help_text="The retailer has asked to cancel it.")
    warehouse_code = words()
    service_level = words()
    ship_carrier = words()
    ship_method = words()
    currency = words()
    acknowledge_by = moment()
    ship_by = moment()
    invoice_by = moment()
    cancel_after = moment()
    dsco_created_at = moment()
    dsco_updated_at = moment()
    first_seen_at = s.DateTimeField()
    read_at = s.DateTimeField(help_text="When it was last read from DSCO.")
    problem = words("Why the order could not be read in full.")
    steps = StepsShape()


class LineShape(s.Serializer[Any]):
    """A line with its units: how many have come how far."""

    position = s.IntegerField(help_text="Counts from 0; names the line in every request.")
    line_number = s.IntegerField(allow_null=True)
    sku = words()
    partner_sku = words()
    dsco_item_id = words()
    title = words()
    erp_sku = words()
    expected_cost = s.DecimalField(14, 4, allow_null=True)
    cancel_requested = s.BooleanField()
    ordered = s.IntegerField()
    cancelled = s.IntegerField()
    in_erp = s.IntegerField(allow_null=True, help_text="null: LingXing was not read yet.")
    packed = s.IntegerField(help_text="In packages that count: the units that actually left, or will.")
    reported = s.IntegerField(help_text="Shipped, as DSCO was told or shows.")
    invoiced = s.IntegerField()


class ErpOrderShape(s.Serializer[Any]):
    """A LingXing order (系统单号)."""

    number = s.CharField()
    store_id = words()
    status = s.IntegerField(allow_null=True)
    status_name = words()
    deleted = s.BooleanField()
    resend_of = s.ListField(child=s.CharField(), help_text="Not empty: a re-shipment of these ERP orders.")
    no_longer_linked = s.BooleanField()
    warehouse_id = words()
    logistics_type_id = words()
    tracking_number = words()
    read_at = s.DateTimeField()


class PackageLineShape(s.Serializer[Any]):
    """What lies in a package."""

    position = s.IntegerField(allow_null=True, help_text="The order's line; null: on no line.")
    erp_sku = words()
    quantity = s.IntegerField()


class PackageShape(s.Serializer[Any]):
    """An outbound order's package."""

    outbound_order = s.CharField()
    erp_order_number = words()
    tracking_number = words()
    shipped = s.BooleanField()
    shipped_at = moment()
    warehouse_id = words()
    logistics_type_id = words()
    logistics_name = words()
    carrier = words()
    not_counted_because = words()
    lines = PackageLineShape(many=True)


class DeliveryShape(s.Serializer[Any]):
    """One thing that we owe to a vendor for the order."""

    kind = s.ChoiceField(KIND_NAMES)
    id = s.IntegerField()
    action = s.ChoiceField(["erp", "dsco"], allow_null=True, help_text="Of a cancellation: where.")
    sequence = s.IntegerField(allow_null=True, help_text="Of a shipment: which report.")
    key = s.CharField()
    status = s.ChoiceField(STATES)
    reason_code = words()
    attempts = s.IntegerField()
    last_error_code = words()
    last_error = words()
    last_attempt_at = moment()
    next_attempt_at = moment()
    remote_reference = words()
    remote_request_id = words()
    created_at = s.DateTimeField()
    changed_at = s.DateTimeField()
    finished_at = moment()


class MissingShape(s.Serializer[Any]):
    """A code without a mapping, which keeps the order from LingXing."""

    code = s.CharField()
    value = words()
    message = words()


class OrderDetailShape(OrderShape):
    """An order with all that belongs to it."""

    lines = LineShape(many=True)
    erp_orders = ErpOrderShape(many=True)
    packages = PackageShape(many=True)
    deliveries = DeliveryShape(many=True)
    missing_mappings = MissingShape(many=True)


class DeliveryRefShape(s.Serializer[Any]):
    """Which delivery."""

    kind = s.CharField()
    id = s.IntegerField()


class CallShape(s.Serializer[Any]):
    """A call to a vendor."""

    id = s.IntegerField()
    vendor = s.CharField()
    operation = words()
    method = s.CharField()
    path = s.CharField()
    status = s.IntegerField(allow_null=True)
    error = words()
    started_at = s.DateTimeField()
    duration_ms = s.IntegerField()


class AttemptShape(s.Serializer[Any]):
    """One step in the life of a delivery."""

    delivery = DeliveryRefShape()
    action = s.ChoiceField(["send", "verify", "poll", "staff"])
    started_at = s.DateTimeField()
    duration_ms = s.IntegerField()
    outcome = words("The state that the delivery went to.")
    error_code = words()
    message = words()
    vendor_request_id = words()
    actor = words("User name; empty for the system.")
    calls = CallShape(many=True)


class OrderEventShape(s.Serializer[Any]):
    """Something that happened to the order outside its deliveries."""

    kind = s.ChoiceField(EventKind.values)
    at = s.DateTimeField()
    text = words()
    actor = words("User name; empty for the system.")


class TraceShape(OrderDetailShape):
    """An order with its story, newest first."""

    attempts = AttemptShape(many=True)
    events = OrderEventShape(many=True)
