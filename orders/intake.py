"""Storing what DSCO returned: a page of raw orders at once, as often as it comes.

One transaction: what is unchanged or older than what we have costs one query and writes nothing; the rest is
upserted in bulk, in the order of the ids, so that two writers cannot block each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from django.db import DatabaseError, OperationalError, transaction
from django.db.models import Case, F, Value, When

from integrations.deliveries.states import State
from integrations.redaction import mask_personal
from integrations.sentences import gettext as _
from integrations.sentences import ngettext
from integrations.upserts import upsert

from .first_sight import create_deliveries
from .models import Cancellation, Order, OrderLine
from .order_rows import OrderRow, RawOrder, is_older, line_key, newest_of_each, raw_order, read_order
from .remote_changes import Known, react
from .stages import refresh_stages
from .versions import keep_versions, stored_payloads

log = structlog.get_logger(__name__)

# Never overwritten by what DSCO sends: ours, or fixed at first sight.
OURS = frozenset(
    {
        "id",
        "dsco_order_id",
        "stage",
        "held",
        "hold_reason",
        "held_by",
        "held_at",
        "first_seen_at",
        "personal_removed_at",
    }
)
ORDER_COLUMNS = [column.name for column in Order._meta.concrete_fields if column.name not in OURS]
LINE_COLUMNS = [
    column.name
    for column in OrderLine._meta.concrete_fields
    if column.name not in {"id", "order", "position", "erp_sku"}
]
# Where lines stay while they change places: no two of an order may have one position.
FAR_AWAY = 1_000_000
# Where a cancellation looks for a line that DSCO has removed: nowhere, and never at the line that took its place.
GONE = -1
UNSTORABLE = (DatabaseError, ValueError, ArithmeticError, TypeError)


@dataclass(slots=True)
class IntakeResult:
    """What became of the orders of a page; each counts once.

    unreadable: stored with its problem, or without an id and not storable (``notes`` says so).
    released: the flows that have something to do now. new_ids, changed_ids: the DSCO order ids of what was written.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    unreadable: int = 0
    released: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    new_ids: list[str] = field(default_factory=list)
    changed_ids: list[str] = field(default_factory=list)


def store_page(raw_orders: Sequence[dict[str, Any]], now: datetime) -> IntakeResult:
    """Store raw orders and what is owed for them; storing the same page again changes nothing.

    An order that cannot be read or stored never stops its neighbours: it is kept with its payload and a
    ``problem`` that staff see. Raises DatabaseError only when the database itself does not work.
    """
    result = IntakeResult()
    read = [raw_order(raw) for raw in raw_orders]
    known = [order for order in read if order is not None]
    if len(known) < len(read):
        result.unreadable += len(read) - len(known)
        result.notes.append(
            ngettext(
                "%(number)d order came from DSCO without a dscoOrderId; not storable. Ask DSCO support about it.",
                "%(number)d orders came from DSCO without a dscoOrderId; not storable. Ask DSCO support about it.",
                len(read) - len(known),
            )
            % {"number": len(read) - len(known)}
        )
    newest = newest_of_each(known)
    result.unchanged += len(known) - len(newest)
    try:
        _add(result, _store(newest, now))
    except OperationalError:
        raise
    except UNSTORABLE:
        log.exception("page_not_stored_at_once", orders=len(newest))
        for order in newest:
            _add(result, _store_alone(order, now))
    return result


def _store_alone(raw: RawOrder, now: datetime) -> IntakeResult:
    try:
        return _store([raw], now)
    except OperationalError:
        raise
    except UNSTORABLE as error:
        problem = _("DSCO order %(order)s could not be stored as it came (%(error)s). Report it to the developers.") % {
            "order": raw.dsco_order_id,
            "error": type(error).__name__,
        }
        return _store([raw], now, problem)


@transaction.atomic
def _store(raws: Sequence[RawOrder], now: datetime, problem: str = "") -> IntakeResult:
    result = IntakeResult()
    before = _known([raw.dsco_order_id for raw in raws])
    fresh = [raw for raw in raws if not _is_stale(raw, before.get(raw.dsco_order_id))]
    result.unchanged = len(raws) - len(fresh)
    if not fresh:
        return result
    rows = [read_order(raw, now, problem) for raw in fresh]
    _keep_removed(rows, before)
    stored_before = [known for raw in fresh if (known := before.get(raw.dsco_order_id))]
    _load_lines(stored_before)
    payloads = stored_payloads([known.order.pk for known in stored_before])
    _follow_lines(rows, before)
    upsert_orders(rows)
    _delete_vanished(rows, before)
    keep_versions([row.order for row in rows], payloads, now)
    new = [row for row in rows if row.order.dsco_order_id not in before]
    changed = [(before[row.order.dsco_order_id], row) for row in rows if row.order.dsco_order_id in before]
    _count(result, new, [row for _known_before, row in changed])
    result.new_ids = [row.order.dsco_order_id for row in new]
    result.changed_ids = [row.order.dsco_order_id for _known_before, row in changed]
    _owe(result, new, now)
    if changed:
        result.released |= react(changed, now)
    for row in rows:
        row.order.payload = {}  # the rows refer to each other and wait for the garbage collector; this need not
    return result


def _known(ids: Sequence[str]) -> dict[str, Known]:
    rows = Order.objects.select_for_update(no_key=True).filter(dsco_order_id__in=ids).order_by("pk")
    return {order.dsco_order_id: Known(order) for order in rows.defer("payload")}


def _keep_removed(rows: Sequence[OrderRow], before: dict[str, Known]) -> None:
    """Personal data that were removed do not come back with a later payload."""
    for row in rows:
        known = before.get(row.order.dsco_order_id)
        if known is not None and known.order.personal_removed_at:
            row.order.payload = mask_personal(row.order.payload)


def _is_stale(raw: RawOrder, known: Known | None) -> bool:
    if known is None:
        return False
    return raw.payload_hash == known.order.payload_hash or is_older(raw.updated_at, known.order.dsco_updated_at)


def _load_lines(known: Sequence[Known]) -> None:
    """Load the lines that were stored before."""
    by_order = {item.order.pk: item for item in known}
    for line in OrderLine.objects.filter(order__in=by_order) if by_order else ():
        by_order[line.order_id].lines.append(line)


def upsert_orders(rows: Sequence[OrderRow]) -> None:
    """Write orders and their lines, new and known ones alike, and nothing that follows from them."""
    upsert([row.order for row in rows], unique=["dsco_order_id"], update=ORDER_COLUMNS)
    for row in rows:
        for line in row.lines or ():
            line.order = row.order  # which has its primary key now
    lines = [line for row in rows for line in row.lines or ()]
    upsert(lines, unique=["order", "position"], update=LINE_COLUMNS)


def _follow_lines(rows: Sequence[OrderRow], before: dict[str, Known]) -> None:
    """A line that DSCO lists in another place keeps its row, and no other line gets it: what refers to a line goes
    with it. Where lines look alike, the place tells them apart.
    """
    for row in rows:
        known = before.get(row.order.dsco_order_id)
        if known is None or not row.lines:
            continue
        old = {line_key(line): line for line in known.lines}
        new = {line_key(line): line for line in row.lines}
        if len(old) < len(known.lines) or len(new) < len(row.lines):
            continue
        places = {line.position: new[key].position for key, line in old.items() if key in new}
        free = {line.position: line for key, line in new.items() if key not in old}
        for key, line in old.items():
            if key not in new:
                there = free.get(line.position)
                places[line.position] = line.position if there is not None and _same_item(line, there) else GONE
        if any(position != place for position, place in places.items()):
            _move_lines(known, places)


def _same_item(line: OrderLine, other: OrderLine) -> bool:
    """Return whether a line at the same place was only named otherwise: an item id came, or a number changed."""
    return bool(line.sku and line.sku == other.sku) or bool(
        line.dsco_item_id and line.dsco_item_id == other.dsco_item_id
    )


def _move_lines(known: Known, places: dict[int, int]) -> None:
    """Give the stored lines of an order their new positions, and the cancellations that name them by position."""
    lines = OrderLine.objects.filter(order=known.order)
    lines.filter(position__in=[position for position, place in places.items() if place == GONE]).delete()
    moved = {old: new for old, new in places.items() if new not in (old, GONE)}
    if moved:
        whens = (When(position=old, then=Value(new + FAR_AWAY)) for old, new in moved.items())
        lines.filter(position__in=list(moved)).update(position=Case(*whens))
        lines.filter(position__gte=FAR_AWAY).update(position=F("position") - FAR_AWAY)
    known.lines = [line for line in known.lines if places[line.position] != GONE]
    for line in known.lines:
        line.position = places[line.position]
    for cancellation in Cancellation.objects.filter(order=known.order).exclude(lines=[]):
        items = [item | {"position": places.get(item["position"], item["position"])} for item in cancellation.lines]
        items.sort(key=lambda item: item["position"])
        Cancellation.objects.filter(pk=cancellation.pk).update(lines=items)


def _delete_vanished(rows: Sequence[OrderRow], before: dict[str, Known]) -> None:
    """Delete stored lines that a readable payload no longer has; an unreadable one says nothing about lines."""
    gone = [
        line.pk
        for row in rows
        if row.lines is not None and (known := before.get(row.order.dsco_order_id))
        for line in known.lines
        if line.position >= len(row.lines)
    ]
    if gone:
        OrderLine.objects.filter(pk__in=gone).delete()


def _count(result: IntakeResult, new: Sequence[OrderRow], changed: Sequence[OrderRow]) -> None:
    result.new = sum(not row.order.problem for row in new)
    result.changed = sum(not row.order.problem for row in changed)
    result.unreadable = len(new) + len(changed) - result.new - result.changed


def _owe(result: IntakeResult, new: Sequence[OrderRow], now: datetime) -> None:
    if not new:
        return
    first = create_deliveries([(row.order, row.lines or []) for row in new], now)
    if any(state.state == State.DUE for state in first.values()):
        result.released.add("push_orders")
    if any(state.reason == "cancel_requested" for state in first.values()):
        result.released.add("apply_cancellations")
    refresh_stages(pk for pk, state in first.items() if state.state in (State.CANCELLED, State.SKIPPED))


def _add(result: IntakeResult, more: IntakeResult) -> None:
    result.new += more.new
    result.changed += more.changed
    result.unchanged += more.unchanged
    result.unreadable += more.unreadable
    result.released |= more.released
    result.new_ids += more.new_ids
    result.changed_ids += more.changed_ids
