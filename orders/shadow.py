"""Shadow mode for staff: which retailers' steps wait in it, and turning a step live."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import CharField, Count, Value

from integrations.deliveries.owners import lock_owners
from integrations.deliveries.rehearsal import SHADOW
from integrations.deliveries.releases import release
from integrations.deliveries.states import State
from integrations.flows import flow_definitions
from integrations.jobs import start_released

from .holds import KINDS
from .models import Mode, RetailerPolicy

# The policy's column with the mode of each kind of delivery.
MODES: Final = {
    "erp_push": "push_mode",
    "acknowledgement": "acknowledge_mode",
    "shipment": "shipment_mode",
    "invoice": "invoice_mode",
    "cancellation": "cancellation_mode",
}


@dataclass(frozen=True, slots=True)
class InShadow:
    """How many deliveries of one kind of one retailer wait in shadow mode."""

    retailer_id: str
    kind: str
    number: int


def in_shadow() -> list[InShadow]:
    """Count what waits in shadow mode, by retailer and kind: one query."""
    parts: list[Any] = [
        model._default_manager.filter(status=State.WAITING, reason_code=SHADOW)
        .order_by()
        .values("order__retailer_id")
        .annotate(kind_name=Value(model.KIND, output_field=CharField()), number=Count("pk"))
        .values_list("order__retailer_id", "kind_name", "number")
        for model in KINDS
    ]
    found = [InShadow(*row) for row in parts[0].union(*parts[1:], all=True)]
    places = list(MODES)
    return sorted(found, key=lambda row: (row.retailer_id, places.index(row.kind)))


def release_live(policies: Iterable[RetailerPolicy], now: datetime) -> dict[str, int]:
    """Make due what waited in shadow mode where the policy is live now, and start its flows; return how many by kind.

    All other conditions (a hold, a cancellation …) are checked again before anything is sent.
    """
    released: dict[str, int] = dict.fromkeys(MODES, 0)
    chosen = list(policies)
    with transaction.atomic():
        lock_owners(*(
            model._default_manager.filter(
                order__retailer_id__in=[policy.retailer_id for policy in chosen], status=State.WAITING,
                reason_code=SHADOW,
            )
            for model in KINDS
        ))  # fmt: skip
        for policy in chosen:
            for model in KINDS:
                if getattr(policy, MODES[model.KIND]) == Mode.LIVE:
                    rows = model._default_manager.filter(
                        order__retailer_id=policy.retailer_id, status=State.WAITING, reason_code=SHADOW
                    )
                    released[model.KIND] += release(rows, now)
        flows = [definition.name for definition in flow_definitions() if released.get(definition.delivers)]
        transaction.on_commit(lambda: _start(flows))
    return {kind: number for kind, number in released.items() if number}


def _start(flows: Iterable[str]) -> None:
    for name in flows:
        start_released(name)
