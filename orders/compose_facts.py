"""What is read before packages are put together by a person: the order's facts, other orders' tracking numbers,
whether the shipment may be touched at all, and what of all this changed since somebody looked.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Max, Q, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from integrations import sentences
from integrations.deliveries.states import OPEN, State
from integrations.sentences import told
from inventory.mappings import WarehouseBook

from .composed_packages import ComposeFacts, line_name
from .conditions import asks_to_cancel
from .models import Order, OrderLine, Package, Shipment
from .packages import BY_STAFF, spellings
from .policies import policies_for
from .reported import is_busy, told_body, units_told
from .shipment_bodies import numbers_in

OPEN_TO_STAFF = frozenset({State.WAITING, State.DUE, State.NEEDS_ATTENTION, State.FAILED})
# Packages hold every number for ever; bodies are read besides because LingXing may have corrected a package since.
NEWEST_BODIES = 100_000


def shipment_for(order_id: int) -> Shipment | None:
    """Return the shipment of an order (by its primary key) that is to be composed, with everything that this needs.

    It is the first that is not finished; when all are, the last.
    """
    rows = Shipment.objects.select_related("order__erp_push", "order__acknowledgement").filter(order=order_id)
    rows = rows.prefetch_related("order__lines", "order__packages__lines", "order__shipments").order_by("sequence")
    found = list(rows)
    return next((row for row in found if row.status in OPEN), found[-1] if found else None)


def facts_for(row: Shipment, numbers: Iterable[str]) -> ComposeFacts:
    """Return what packages with these tracking numbers are checked against when this shipment reports them."""
    order = row.order
    lines = list(order.lines.all())
    others = [other for other in order.shipments.all() if other.pk != row.pk]
    told = units_told(order, lines, others)
    numbers_told = [*order.reported_tracking_numbers, *numbers_in(told_body(others))]
    return ComposeFacts(
        order=order,
        lines=lines,
        policy=policies_for([order.retailer_id])[order.retailer_id],
        reported={line.pk: told[line.position] for line in lines if told.get(line.position)},
        numbers_at_dsco=frozenset(str(number).strip().casefold() for number in numbers_told),
        used=used_by_others(order, numbers),
        warehouse_codes=frozenset(WarehouseBook.load().codes()),
    )


def used_by_others(order: Order, numbers: Iterable[str]) -> dict[str, str]:
    """Return which of these tracking numbers another order has: its DSCO id by ``number.casefold()``.

    One outbound order may carry several orders (a merged ERP order): that is one package and no clash.
    """
    wanted = {number.strip() for number in numbers if number.strip()}
    if not wanted:
        return {}
    together = {package.wo_number for package in order.packages.all() if package.ignored != BY_STAFF}
    rows = Package.objects.filter(tracking_number__in=spellings(wanted), ignored__in=["", BY_STAFF]).exclude(
        order=order
    )
    found = {
        number.casefold(): order_id
        for number, wo_number, order_id in rows.values_list("tracking_number", "wo_number", "order__dsco_order_id")
        if wo_number not in together
    }
    bodies = _in_bodies(order, wanted)
    return {number: order_id for number, order_id in bodies.items() if not _is_merged(order, number)} | found


def _is_merged(order: Order, number: str) -> bool:
    """Return whether the number is that of an outbound order which also carries another order (in casefold)."""
    ours = [one.wo_number for one in order.packages.all() if one.tracking_number.casefold() == number]
    return bool(ours) and Package.objects.filter(wo_number__in=ours).exclude(order=order).exists()


def _in_bodies(order: Order, numbers: Collection[str]) -> dict[str, str]:
    newest = Shipment.objects.aggregate(newest=Max("pk"))["newest"] or 0
    mentions = Q()
    for number in numbers:
        mentions |= Q(text__icontains=f'"trackingNumber": {json.dumps(number)}')
    rows = Shipment.objects.filter(pk__gt=newest - NEWEST_BODIES).exclude(order=order)
    rows = rows.annotate(text=Cast("body", TextField())).filter(mentions)
    wanted = {number.casefold() for number in numbers}
    return {
        number.casefold(): order_id
        for body, order_id in rows.values_list("body", "order__dsco_order_id")
        for number in numbers_in(body)
        if number.casefold() in wanted
    }


# --- May it be touched? -------------------------------------------------------------------------------


def closed_because(row: Shipment) -> tuple[str, str] | None:
    """Return (code, words) why a person may not compose this shipment, or None when he may."""
    words = _closing_words()
    if row.lease_token or row.status in (State.IN_PROGRESS, State.ACCEPTED):
        return "in_flight", words["in_flight"]
    if row.status == State.UNCERTAIN or row.maybe_sent:
        return "uncertain", words["uncertain"]
    if row.status not in OPEN_TO_STAFF:
        return str(row.status), words[row.status]
    if any(is_busy(other) for other in row.order.shipments.all() if other.pk != row.pk):
        return "other_report", words["other_report"]
    if row.order.erp_push.status != State.SUCCEEDED:
        return "not_in_erp", words["not_in_erp"]
    return None


def may_mark_done(row: Shipment) -> bool:
    """Return whether a person may say that it was reported elsewhere."""
    return row.status in OPEN_TO_STAFF and not row.lease_token


def _closing_words() -> dict[str, str]:
    return {
        "in_flight": _("DSCO is being told right now, or still works on what it was told. Look again in a minute."),
        "uncertain": _(
            "The packages may have reached DSCO although no clear answer came back. OrderBridge looks at DSCO first;"
            " nothing is sent a second time before that is known."
        ),
        State.SUCCEEDED: _("The packages are reported. They cannot be sent a second time."),
        State.SKIPPED: _(
            "This shipment was skipped. Retry it on its own page first if it is to be reported after all."
        ),
        State.CANCELLED: _("This shipment is no longer owed."),
        "other_report": _(
            "Another report of this order is under way, or its outcome is not known yet. What is left of the order is"
            " known after that."
        ),
        "not_in_erp": _("The order is not in LingXing yet, so nothing can have left the warehouse for it."),
    }


# --- What changed since? ------------------------------------------------------------------------------


def snapshot(row: Shipment, facts: ComposeFacts) -> dict[str, Any]:
    """Return what a person sees before he decides, small enough for a form, in no language."""
    return {
        "lines": {str(line.pk): facts.remaining(line) for line in facts.lines},
        "packages": {
            one.wo_number: package_summary(one) for one in row.order.packages.all() if one.ignored != BY_STAFF
        },
        "policy": [facts.policy.require_carrier, facts.policy.require_warehouse_code],
        "composed": [row.chosen_by, numbers_in(row.body) if row.chosen_by else []],
        "order": [row.order.held, asks_to_cancel(row.order, facts.lines)],
    }


def package_summary(package: Package) -> str:
    """Return a package's number, contents and state (✓ shipped, ✕ does not count) in a line, in no language."""
    contents = ", ".join(sorted(f"{line.erp_sku} × {line.quantity}" for line in package.lines.all()))
    state = "✕" if package.ignored else "✓" if package.shipped else "…"
    return f"{package.tracking_number or '–'} · {contents or '–'} · {state}"


def changes(before: Mapping[str, Any], after: Mapping[str, Any], lines: Sequence[OrderLine]) -> list[str]:
    """Return in words what differs between two snapshots; nothing when ``before`` is empty."""
    if not before:
        return []
    names = {str(line.pk): line_name(line) for line in lines}
    found = []
    for pk, units in after["lines"].items():
        old = before.get("lines", {}).get(pk)
        if old != units:
            text = _("Line %(line)s: %(before)s units could be reported before, %(after)s now.")
            found.append(text % {"line": names[pk], "before": 0 if old is None else old, "after": units})
    found += [told(text) for text in package_changes(before.get("packages", {}), after["packages"])]
    if before.get("composed") != after["composed"]:
        text = _("%(who)s has confirmed packages meanwhile: %(numbers)s.")
        who, numbers = after["composed"]
        found.append(text % {"who": who or "–", "numbers": ", ".join(numbers) or "–"})
    if before.get("policy") != after["policy"]:
        found.append(_("The retailer's policy was changed: look which codes it wants."))
    if before.get("order") != after["order"]:
        found.append(_("The order was held or released, or the retailer has asked to cancel or taken that back."))
    return found


def package_changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return in sentences what differs between two sets of packages (``package_summary`` by outbound order)."""
    found: list[str] = []
    for wo_number in sorted({*before, *after}):
        old, new = before.get(wo_number), after.get(wo_number)
        if old == new:
            continue
        if old is None:
            text = sentences.gettext("New outbound order %(number)s: %(after)s")
        elif new is None:
            text = sentences.gettext("Outbound order %(number)s is gone (it was: %(before)s)")
        else:
            text = sentences.gettext("Outbound order %(number)s was: %(before)s; it is now: %(after)s")
        found.append(text % {"number": wo_number, "before": old, "after": new})
    return found
