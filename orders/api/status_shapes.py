"""The shape of where an order stands, and how it is told."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers as s

from integrations.admin.words import reason
from integrations.sentences import told

from ..models import ErpStatus
from ..standing import Part, Standing, Waiting
from .shapes import KIND_NAMES, STATES, moment, words


class DscoSideShape(s.Serializer[Any]):
    """What DSCO shows."""

    status = words()
    lifecycle = words()
    cancel_requested = s.BooleanField()
    tracking_numbers = s.ListField(child=s.CharField())
    updated_at = moment()


class PartPackageShape(s.Serializer[Any]):
    """A package of a part."""

    outbound_order = s.CharField()
    tracking_number = words()
    shipped = s.BooleanField()
    shipped_at = moment()


class PartShape(s.Serializer[Any]):
    """One ERP order that carries the order or a part of it."""

    erp_order_number = s.CharField()
    status = s.IntegerField(allow_null=True)
    status_name = words()
    deleted = s.BooleanField()
    packages = PartPackageShape(many=True)


class FurthestShape(s.Serializer[Any]):
    """How far the furthest part is in LingXing."""

    status = s.ChoiceField([int(value) for value in ErpStatus.values])
    status_name = words()


class LingXingSideShape(s.Serializer[Any]):
    """What LingXing shows."""

    furthest = FurthestShape(allow_null=True)
    parts = PartShape(many=True)
    reshipments = s.ListField(child=s.CharField(), help_text="Numbers of re-shipments: they count as no part.")


class WaitShape(s.Serializer[Any]):
    """A step that is not done."""

    kind = s.ChoiceField(KIND_NAMES)
    id = s.IntegerField()
    status = s.ChoiceField(STATES)
    code = words()
    why = words()
    what_to_do = s.ListField(child=s.CharField(), help_text="For a person; empty where nobody is needed.")
    next_attempt_at = moment()


class CancelledUnitsShape(s.Serializer[Any]):
    """Units of a line."""

    position = s.IntegerField(help_text="-1: a line that DSCO has removed since.")
    quantity = s.IntegerField()
    until = s.IntegerField(required=False, help_text="Decided by staff: cancel until the line shows so many.")


class CancellationShape(s.Serializer[Any]):
    """A cancellation: in LingXing (erp), or confirmed to the retailer (dsco)."""

    id = s.IntegerField()
    action = s.ChoiceField(["erp", "dsco"])
    status = s.ChoiceField(STATES)
    code = words("DSCO's cancel code.")
    lines = CancelledUnitsShape(many=True)
    changed_at = s.DateTimeField()


class ReturnShape(s.Serializer[Any]):
    """A package that DSCO marks as come back undeliverable."""

    tracking_number = words()
    returned_at = s.CharField(allow_null=True)
    return_number = words()
    reason = words()


class StandingShape(s.Serializer[Any]):
    """Where an order stands: what each side has, why it waits, what was cancelled and what came back."""

    dsco_order_id = s.CharField()
    po_number = words()
    retailer_id = words()
    stage = s.CharField()
    stage_name = words()
    held = s.BooleanField()
    hold_reason = words()
    dsco = DscoSideShape()
    lingxing = LingXingSideShape()
    waits = WaitShape(many=True)
    cancellations = CancellationShape(many=True)
    returns = ReturnShape(many=True)


class StandingsShape(s.Serializer[Any]):
    """The orders that carry a number, newest first."""

    results = StandingShape(many=True)


def standing(found: Standing) -> dict[str, Any]:
    """Return where an order stands as plain data, in the reader's language."""
    order = found.order
    return {
        "dsco_order_id": order.dsco_order_id, "po_number": order.po_number, "retailer_id": order.retailer_id,
        "stage": order.stage, "stage_name": order.get_stage_display(), "held": order.held,
        "hold_reason": order.hold_reason,
        "dsco": {
            "status": order.dsco_status, "lifecycle": order.dsco_lifecycle, "updated_at": order.dsco_updated_at,
            "cancel_requested": order.cancel_requested,
            "tracking_numbers": [str(number) for number in order.reported_tracking_numbers],
        },
        "lingxing": {
            "furthest": furthest(found),
            "parts": [_part(part) for part in found.parts],
            "reshipments": [row.global_order_no for row in found.reshipments],
        },
        "waits": [_wait(waiting) for waiting in found.waits],
        "cancellations": [
            {
                "id": row.pk, "action": row.action, "status": row.status, "code": row.cancel_code, "lines": row.lines,
                "changed_at": row.changed_at,
            }
            for row in found.cancellations
        ],
        "returns": found.returned,
    }  # fmt: skip


def furthest(found: Standing) -> dict[str, Any] | None:
    """Return the furthest status of the parts."""
    if found.furthest is None:
        return None
    return {"status": int(found.furthest), "status_name": str(found.furthest.label)}


def _part(part: Part) -> dict[str, Any]:
    row = part.erp_order
    return {
        "erp_order_number": row.global_order_no, "status": row.status, "deleted": row.deleted,
        "status_name": str(row.get_status_display()) if row.status is not None else "",
        "packages": [
            {
                "outbound_order": one.wo_number, "tracking_number": one.tracking_number, "shipped": one.shipped,
                "shipped_at": one.shipped_at,
            }
            for one in part.packages
        ],
    }  # fmt: skip


def _wait(waiting: Waiting) -> dict[str, Any]:
    row = waiting.row
    return {
        "kind": row.KIND, "id": row.pk, "status": row.status, "code": waiting.code,
        "why": told(waiting.why) or (reason(waiting.code) if waiting.code else str(row.get_status_display())),
        "what_to_do": list(waiting.steps), "next_attempt_at": row.next_attempt_at,
    }  # fmt: skip
