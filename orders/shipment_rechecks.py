"""What may have changed between composing a shipment and sending it, so that units would be reported twice.

Looked at in the transaction of the claim; a person decides about what was found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from integrations.deliveries import outcomes
from integrations.deliveries.outcomes import Outcome
from integrations.sentences import gettext as _
from integrations.sentences import joined

from .invoices import packages_of, shipped_by_report
from .models import Order, Package, Shipment
from .packages import BY_STAFF, tracking_numbers
from .reported import units_told
from .shipment_bodies import Body, numbers_in

# Under which name the draft keeps what LingXing showed when a person confirmed.
SEEN = "outbound"


def outbound_of(body: Body, packages: Iterable[Package]) -> dict[str, dict[str, Any]]:
    """Return what LingXing shows of the outbound orders that a body reports, ready for a JSON column."""
    numbers = {number.casefold() for number in numbers_in(body)}
    return {
        package.wo_number: _shown(package)
        for package in packages
        if package.ignored != BY_STAFF and numbers & {number.casefold() for number in tracking_numbers(package)}
    }


def changed_since_composed(
    rows: Sequence[Shipment], bodies: Mapping[int, Body], others: Mapping[int, Sequence[Shipment]]
) -> dict[int, Outcome]:
    """Return the outcome of rows (``order`` with ``lines``) that would report too much now, by primary key."""
    found = _besides_dsco(rows, bodies, others)
    return _besides_lingxing([row for row in rows if row.pk not in found]) | found


# --- What DSCO shows by now ---------------------------------------------------------------------------


def _besides_dsco(
    rows: Sequence[Shipment], bodies: Mapping[int, Body], others: Mapping[int, Sequence[Shipment]]
) -> dict[int, Outcome]:
    """Somebody has reported packages in DSCO's portal meanwhile: theirs and ours may be more than the order."""
    shown = [row for row in rows if row.order.reported_tracking_numbers]
    payloads = dict(Order.objects.filter(pk__in=[row.order_id for row in shown]).values_list("pk", "payload"))
    return {
        row.pk: _reported_meanwhile(row, bodies[row.pk])
        for row in shown
        if _would_exceed(row, bodies[row.pk], others.get(row.pk, ()), payloads[row.order_id])
    }


def _would_exceed(row: Shipment, body: Body, others: Sequence[Shipment], payload: Any) -> bool:
    order, lines = row.order, list(row.order.lines.all())
    there = {number.strip().casefold() for number in order.reported_tracking_numbers}
    ours = {number.casefold() for number in numbers_in(body)}
    told = {number.casefold() for other in others for number in numbers_in(other.body)}
    if (there - told) & ours:
        return True  # a part of the body is there already
    order.payload = payload
    units = Counter(units_told(order, lines, others))
    units.update(shipped_by_report(packages_of(body), lines).quantities)
    return any(units[line.position] > line.open_quantity for line in lines)


def _reported_meanwhile(row: Shipment, body: Body) -> Outcome:
    return outcomes.needs_attention(
        "reported_meanwhile",
        _(
            "Order %(order)s: DSCO shows packages %(there)s meanwhile; with %(ours)s units would be reported twice."
            " Nothing was sent. Put together what is left of the order, or mark the shipment as done."
        )
        % {
            "order": row.order.dsco_order_id,
            "there": ", ".join(row.order.reported_tracking_numbers),
            "ours": ", ".join(numbers_in(body)),
        },
    )


# --- What LingXing shows by now -----------------------------------------------------------------------


def _besides_lingxing(rows: Sequence[Shipment]) -> dict[int, Outcome]:
    """Outbound orders that a person has reported by his confirm were deleted, taken back or emptied since."""
    confirmed = {row.pk: row for row in rows if row.chosen_by and row.draft.get(SEEN)}
    if not confirmed:
        return {}
    packages = Package.objects.filter(order__in=[row.order_id for row in confirmed.values()]).prefetch_related("lines")
    now = {(package.order_id, package.wo_number): _shown(package) for package in packages}
    found = {}
    for pk, row in confirmed.items():
        less = [
            sentence
            for wo_number, before in sorted(row.draft[SEEN].items())
            if (sentence := _less(wo_number, before, now.get((row.order_id, wo_number))))
        ]
        if less:
            found[pk] = _packages_changed(row, less)
    return found


def _shown(package: Package) -> dict[str, Any]:
    units: Counter[str] = Counter()
    for line in package.lines.all():
        units[line.erp_sku] += line.quantity
    return {
        "tracking": tracking_numbers(package), "shipped": package.shipped, "ignored": package.ignored,
        "units": dict(units),
    }  # fmt: skip


def _less(wo_number: str, before: Mapping[str, Any], after: Mapping[str, Any] | None) -> str:
    """Return in words what is no longer in an outbound order, or ""."""
    names = {"number": wo_number}
    if after is None or (after["ignored"] and not before["ignored"]):
        return _("outbound order %(number)s does not count any more") % names
    if before["shipped"] and not after["shipped"]:
        return _("outbound order %(number)s is not shipped any more") % names
    if set(before["tracking"]) - set(after["tracking"]):
        return _("outbound order %(number)s has another tracking number: %(tracking)s") % {
            **names, "tracking": ", ".join(after["tracking"]) or "–",
        }  # fmt: skip
    if any(after["units"].get(sku, 0) < units for sku, units in before["units"].items()):
        return _("outbound order %(number)s holds less than before") % names
    return ""


def _packages_changed(row: Shipment, less: Sequence[str]) -> Outcome:
    return outcomes.needs_attention(
        "packages_changed",
        _(
            "Order %(order)s: since %(who)s confirmed the packages, LingXing has changed (%(changes)s). Nothing was"
            " sent. Look at the packages and confirm them again, or mark the shipment as done."
        )
        % {"order": row.order.dsco_order_id, "who": row.chosen_by, "changes": joined(less, "; ")},
    )
