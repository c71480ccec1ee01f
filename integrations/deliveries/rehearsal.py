"""Shadow mode: what a row would have sent, found out by the very code that sends it, with the door closed.

A row that waits for the reason ``SHADOW`` is planned alone and its call is run up to the first write: what would have
left then is kept (``ShadowCall``), nothing leaves. Reads before it are made as usual.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import structlog
from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils import timezone

from ..calls import CallRecord, collect_calls
from ..errors import VendorError
from ..http import Unsent, nothing_leaves
from ..models import ShadowCall
from ..sentences import from_label
from ..sentences import gettext as _
from .claims import save_calls
from .kinds import Call, DeliveryKind
from .models import Delivery
from .outcomes import Outcome
from .pool import CallPool
from .states import State

D = TypeVar("D", bound=Delivery)
log = structlog.get_logger(__name__)

# The reason of rows that wait because their policy is in shadow mode.
SHADOW = "shadow"
MOST_PER_PASS = 100
# What a row would send may change with its surroundings (a mapping, a price), so it is computed again after a while.
KEPT_FOR = timedelta(days=1)
FIELDS = ["key", "vendor", "operation", "method", "path", "body", "problem", "made_at"]


@dataclass(slots=True)
class _Found:
    unsent: list[Unsent]
    outcomes: dict[int, Outcome]
    calls: list[CallRecord] = field(default_factory=list)
    failed: bool = False


def rehearse(
    kind: DeliveryKind[D], pool: CallPool, *, run_id: int | None, ids: Iterable[int] | None = None, after: int = 0
) -> list[int]:
    """Keep what rows in shadow mode would have sent, where that is not known yet; return the rows that it looked at.

    after: the row at which the pass before ended; this one goes on behind it. What a vendor could not be read for is
    looked at again in its turn, so that it never keeps the others from theirs.
    Forgets rows that are not in shadow mode any more.
    """
    if not _any_shadow(kind):
        return []
    shadowed = kind.model._default_manager.filter(status=State.WAITING, reason_code=SHADOW)
    known = ShadowCall.objects.filter(
        kind=kind.name, delivery_id=OuterRef("pk"), made_at__gte=OuterRef("changed_at"),
        made_at__gt=timezone.now() - KEPT_FOR,
    )  # fmt: skip
    wanted = kind.queryset().filter(~Exists(known), status=State.WAITING, reason_code=SHADOW)
    wanted = (wanted if ids is None else wanted.filter(pk__in=list(ids))).order_by("pk")
    rows = list(wanted.filter(pk__gt=after)[:MOST_PER_PASS])
    if after and len(rows) < MOST_PER_PASS:
        rows += wanted.filter(pk__lte=after)[: MOST_PER_PASS - len(rows)]
    if rows:
        _compute(kind, rows, pool, run_id)
    elif ShadowCall.objects.filter(kind=kind.name).exclude(delivery_id__in=shadowed.values("pk")).exists():
        ShadowCall.objects.filter(kind=kind.name).exclude(delivery_id__in=shadowed.values("pk")).delete()
    return [row.pk for row in rows]


def _any_shadow(kind: DeliveryKind[D]) -> bool:
    """Whether a row of the kind is in shadow mode, or was: one small statement of plain SQL, asked in every pass."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT EXISTS (SELECT 1 FROM {ShadowCall._meta.db_table} WHERE kind = %s) OR EXISTS"  # noqa: S608 - our names
            f" (SELECT 1 FROM {kind.model._meta.db_table} WHERE status = %s AND reason_code = %s)",
            [kind.name, State.WAITING.value, SHADOW],
        )
        (found,) = cursor.fetchone()
    return bool(found)


def _compute(kind: DeliveryKind[D], rows: Sequence[D], pool: CallPool, run_id: int | None) -> None:
    under_way: list[tuple[D, Future[_Found]]] = []
    found: list[ShadowCall] = []
    for row in rows:
        try:
            plan = kind.plan_send([row])
        except Exception:
            log.exception("shadow_not_planned", delivery=row.key)
            found.append(_nothing(kind, row, _("OrderBridge could not compose it; the log has the details.")))
            continue
        if row.pk in plan.outcomes:
            found.append(_nothing(kind, row, _words(plan.outcomes[row.pk])))
        for call in plan.calls:
            under_way.append((row, pool.submit(lambda call=call: _run(call))))  # type: ignore[misc]
    calls: list[CallRecord] = []
    for row, future in under_way:
        answer = future.result()
        calls += answer.calls
        if answer.unsent:
            found.append(_call(kind, row, answer.unsent[0]))
        elif row.pk in answer.outcomes:
            found.append(_nothing(kind, row, _words(answer.outcomes[row.pk])))
    save_calls(calls, run_id)
    ShadowCall.objects.bulk_create(
        found, update_conflicts=True, unique_fields=["kind", "delivery_id"], update_fields=FIELDS
    )


def _run(call: Call[D]) -> _Found:
    """Run one call in an HTTP thread up to its first write."""
    with collect_calls() as calls, nothing_leaves() as unsent:
        try:
            found = _Found(unsent, call.run())
        except VendorError:
            found = _Found(unsent, {}, failed=not unsent)
        except Exception:
            log.exception("shadow_call_broke", deliveries=[delivery.key for delivery in call.deliveries])
            found = _Found(unsent, {}, failed=True)
    found.calls = calls
    return found


def _call(kind: DeliveryKind[D], row: D, unsent: Unsent) -> ShadowCall:
    return ShadowCall(
        kind=kind.name, delivery_id=row.pk, key=row.key, vendor=unsent.vendor, operation=unsent.operation,
        method=unsent.method, path=unsent.path[:300], body=unsent.body, made_at=timezone.now(),
    )  # fmt: skip


def _nothing(kind: DeliveryKind[D], row: D, problem: str) -> ShadowCall:
    return ShadowCall(
        kind=kind.name, delivery_id=row.pk, key=row.key, vendor=kind.vendor_of(row), problem=problem,
        made_at=timezone.now(),
    )  # fmt: skip


def _words(outcome: Outcome) -> str:
    state = from_label(State(outcome.state).label)
    words = outcome.message or outcome.code
    return _("%(state)s: %(words)s") % {"state": state, "words": words} if words else state
