"""A shipment by hand: one confirm stores what is sent and makes it due; from there on it is a delivery like any other.

Nothing here knows a page: the REST API calls the same functions. What may be sent is decided in
``orders/composed_packages.py``; ``report_shipments`` leaves a shipment with ``chosen_by`` as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from integrations.deliveries import staff
from integrations.deliveries.claims import OUTCOME_FIELDS
from integrations.deliveries.kinds import delivery_kinds
from integrations.deliveries.outcomes import Outcome
from integrations.deliveries.owners import lock_by_key
from integrations.deliveries.states import State
from integrations.deliveries.stopped import while_stopped
from integrations.deliveries.transitions import apply_outcome
from integrations.models import Attempt, AttemptAction
from integrations.sentences import gettext as _
from integrations.sentences import joined, ngettext

from .compose_drafts import editor_of, require_ours, version_of
from .compose_facts import changes, facts_for, may_mark_done, shipment_for, snapshot
from .composed_packages import (
    ComposedPackage,
    ComposeFacts,
    NotConfirmed,
    Problem,
    body_of,
    check,
    missing_units,
)
from .deciding import READY
from .events import record_event, record_events
from .models import EventKind, Order, Package, PackageLine, Shipment
from .packages import BY_STAFF
from .shipment_bodies import Body
from .shipment_kind import conditions
from .shipment_rechecks import SEEN, outbound_of

__all__ = [
    "ComposedPackage",
    "Confirmed",
    "NotConfirmed",
    "Problem",
    "body_of",
    "check",
    "confirm",
    "hindrance",
    "report_elsewhere",
]


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The shipment as stored, and why it will wait (``None``: the next run of the flow sends it)."""

    shipment: Shipment
    waits: Outcome | None


def confirm(
    shipment: Shipment,
    packages: Sequence[ComposedPackage],
    actor: str,
    *,
    partial: bool = False,
    partial_reason: str = "",
    seen: Mapping[str, Any] | None = None,
    version: int | None = None,
) -> Confirmed:
    """Store what these packages mean as the shipment's body and make it due: one DSCO call will report all of them.

    actor: user name, kept as ``chosen_by``. partial, partial_reason: less than the order may be reported only so.
    seen, version: what the person saw (``compose_facts.snapshot``) and which draft he worked from; given, anything
    that changed since refuses the confirm. Raises NotConfirmed with every problem; nothing is stored or sent then.
    """
    now = timezone.now()
    packages = [package.stripped() for package in packages]
    with transaction.atomic():
        lock_by_key(Order.objects.filter(pk=shipment.order_id))
        Shipment.objects.select_for_update(of=("self",)).get(pk=shipment.pk)
        row = shipment_for(shipment.order_id)
        if row is None or row.pk != shipment.pk:
            raise NotConfirmed([Problem("other_report", _("Another shipment of this order is to be composed first."))])
        facts = facts_for(row, [package.tracking_number for package in packages])
        _require_unchanged(row, facts, actor, seen, version, now)
        problems = check(facts, packages, now, partial=partial, partial_reason=partial_reason)
        if problems:
            raise NotConfirmed(problems)
        body = body_of(facts, packages)
        row.draft = row.draft | {SEEN: outbound_of(body, row.order.packages.all())}
        _store(row, body, actor, now)
        reason = partial_reason.strip() if missing_units(facts, packages) else ""
        _record(row, facts, packages, actor, reason, now)
        return Confirmed(row, hindrance(row, body))


def hindrance(row: Shipment, body: Body) -> Outcome | None:
    """Return why a composed shipment would wait (a hold, shadow mode, an emergency stop …), or None when it can go."""
    kind = delivery_kinds()[row.KIND]
    return conditions([row], {row.pk: body}).get(row.pk) or while_stopped(kind, [row], lock=False).get(row.pk)


def report_elsewhere(shipment: Shipment, actor: str, reason: str) -> None:
    """Record that a person has reported the packages by hand, in DSCO's portal. Raises NotConfirmed."""
    if not reason.strip():
        raise NotConfirmed([Problem("reason", _("Say where and when it was reported: it is kept with your name."))])
    with transaction.atomic():
        lock_by_key(Order.objects.filter(pk=shipment.order_id))
        row = Shipment.objects.select_for_update(of=("self",)).get(pk=shipment.pk)
        editor = editor_of(row, timezone.now())
        if editor is not None and editor.name != actor:
            text = _("%(who)s is editing these packages. Agree with each other first.") % {"who": editor.name}
            raise NotConfirmed([Problem("being_edited", text)])
        result = staff.mark_done("shipment", [row.pk], actor, reason.strip()) if may_mark_done(row) else None
        if result is None or not result.changed:
            text = _("It is %(state)s, so that it cannot be marked as reported elsewhere now.")
            raise NotConfirmed([Problem("in_flight", text % {"state": State(row.status).label})])
        Shipment.objects.filter(pk=row.pk).update(edited_by="", edited_at=None)
        text = _("Reported elsewhere: %(reason)s") % {"reason": reason.strip()}
        record_event(row.order_id, EventKind.STAFF, text, actor)


def _require_unchanged(
    row: Shipment, facts: ComposeFacts, actor: str, seen: Mapping[str, Any] | None, version: int | None, now: datetime
) -> None:
    changed = changes(seen or {}, snapshot(row, facts), facts.lines)
    try:
        require_ours(row, actor, version, now)
    except NotConfirmed as refusal:
        raise NotConfirmed([*refusal.problems, *(Problem("changed", text) for text in changed)]) from None
    if changed:
        raise NotConfirmed([Problem("changed", text) for text in changed])


def _store(row: Shipment, body: Body, actor: str, now: datetime) -> None:
    row.failures, row.failing_since = 0, None
    apply_outcome(row, READY, now, AttemptAction.STAFF)
    row.last_error_kind = row.last_error_code = row.last_error = ""
    row.body, row.chosen_by, row.changed_at = body, actor[:150], now
    row.draft = row.draft | {"version": version_of(row) + 1, "saved_by": actor, "saved_at": now.isoformat(), "seen": {}}
    row.edited_by, row.edited_at = "", None
    row.save(update_fields=[*OUTCOME_FIELDS, "body", "chosen_by", "draft", "edited_by", "edited_at"])


def _record(
    row: Shipment, facts: ComposeFacts, packages: Sequence[ComposedPackage], actor: str, reason: str, now: datetime
) -> None:
    """Keep who did it and why, and the tracking numbers that no outbound order has."""
    numbers = ", ".join(package.tracking_number for package in packages)
    said = ngettext("Composed %(n)d package: %(numbers)s", "Composed %(n)d packages: %(numbers)s", len(packages))
    why = _("only a part of the order: %(reason)s") % {"reason": reason} if reason else ""
    text = joined([said % {"n": len(packages), "numbers": numbers}, why], "; ")
    record_events([row.order_id], EventKind.STAFF, text, actor, now)
    Attempt.objects.create(
        kind=Shipment.KIND, delivery_id=row.pk, action=AttemptAction.STAFF, started_at=now, outcome=row.status,
        message=text, actor=actor[:150],
    )  # fmt: skip
    _keep_numbers(row, facts, packages, now)


def _keep_numbers(row: Shipment, facts: ComposeFacts, packages: Sequence[ComposedPackage], now: datetime) -> None:
    """Store typed numbers as packages that don't count: the order is found by them, and no other order can use them."""
    name = f"staff-{row.order_id}-{row.sequence}-"
    Package.objects.filter(order=row.order, ignored=BY_STAFF, wo_number__startswith=name).delete()
    known = {one.tracking_number for one in row.order.packages.all() if not one.ignored}
    typed = [package for package in packages if package.tracking_number not in known]
    stored = Package.objects.bulk_create(
        Package(
            order=row.order, wo_number=f"{name}{index}", tracking_number=one.tracking_number,
            shipped=True, shipped_at=one.ship_date, carrier_name=one.carrier, ignored=BY_STAFF, read_at=now,
        )
        for index, one in enumerate(typed, 1)
    )  # fmt: skip
    skus = {line.pk: line.erp_sku or line.sku for line in facts.lines}
    PackageLine.objects.bulk_create(
        PackageLine(package=package, order_line_id=pk, erp_sku=skus[pk], quantity=units)
        for package, one in zip(stored, typed, strict=True)
        for pk, units in one.quantities.items()
    )
