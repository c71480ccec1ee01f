"""Which orders wait for a person to decide about their packages, and how many for what reason."""

from __future__ import annotations

from collections import Counter

from django.db.models import Count, F, Q, QuerySet

from integrations.deliveries.states import State

from .further_shipments import REST_LEFT
from .models import Shipment

# Reasons of ``report_shipments`` that a person can settle by putting the packages together himself.
REASONS = (
    "several_packages", REST_LEFT, "quantities_differ", "reported_already", "reported_meanwhile", "packages_changed",
    "no_carrier", "no_warehouse_code",
    "no_tracking_number", "no_outbound", "tracking_number_used", "reported_differently", "invalid_shipment",
)  # fmt: skip
# What a person composed and DSCO refused: he corrects it and sends it again.
REFUSED = "refused"
_UNDECIDED = Q(status=State.NEEDS_ATTENTION, reason_code__in=REASONS)
_REFUSED = Q(status=State.FAILED) & ~Q(chosen_by="")


def undecided(reason: str = "") -> QuerySet[Shipment]:
    """Return the shipments that wait for a decision, the most urgent ship-by first. reason: only those for it."""
    rows = Shipment.objects.filter(status__in=[State.NEEDS_ATTENTION, State.FAILED])
    if reason == REFUSED:
        rows = rows.filter(_REFUSED)
    elif reason:
        rows = rows.filter(_UNDECIDED, reason_code=reason)
    else:
        rows = rows.filter(_UNDECIDED | _REFUSED)
    return rows.order_by(F("order__ship_by").asc(nulls_last=True), "pk")


def counts_by_reason() -> dict[str, int]:
    """Return how many wait for each reason: one query by the index on the status; reasons without any are left out."""
    found: Counter[str] = Counter()
    rows = undecided().order_by().values("status", "reason_code").annotate(number=Count("pk"))
    for row in rows:
        found[REFUSED if row["status"] == State.FAILED else row["reason_code"]] += row["number"]
    return {reason: found[reason] for reason in (*REASONS, REFUSED) if found[reason]}
