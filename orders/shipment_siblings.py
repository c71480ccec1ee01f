"""Several shipments of one order: one at a time is told to DSCO, and nothing is told twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from integrations.deliveries import outcomes
from integrations.deliveries.outcomes import Outcome
from integrations.sentences import gettext as _

from .models import Shipment
from .reported import goes_first, told_body
from .shipment_bodies import Body, exceeds, numbers_in


def other_shipments(rows: Sequence[Shipment]) -> dict[int, list[Shipment]]:
    """Return the other shipments of the same orders by primary key, for the few that have several: two queries."""
    order_ids = {row.order_id for row in rows}
    several = Shipment.objects.filter(order__in=order_ids, sequence__gt=1).order_by().values("order")
    siblings: dict[int, list[Shipment]] = defaultdict(list)
    for sibling in Shipment.objects.filter(order__in=list(several.values_list("order", flat=True))):
        siblings[sibling.order_id].append(sibling)
    return {
        row.pk: [other for other in siblings[row.order_id] if other.pk != row.pk]
        for row in rows
        if row.order_id in siblings
    }


def taken_besides(rows: Sequence[Shipment]) -> set[int]:
    """Lock the other shipments of these orders; return the rows (primary keys) beside which another worker has one."""
    others = other_shipments(rows)
    wanted = {other.pk for siblings in others.values() for other in siblings}
    if not wanted:
        return set()
    free = Shipment.objects.select_for_update(skip_locked=True).filter(pk__in=wanted)
    taken = wanted - set(free.values_list("pk", flat=True))
    return {pk for pk, siblings in others.items() if any(other.pk in taken for other in siblings)}


def beside_others(row: Shipment, body: Body, others: Sequence[Shipment]) -> Outcome | None:
    """What other shipments of the order have told DSCO, or are telling it, is not told again."""
    if any(goes_first(other, row) for other in others):
        return outcomes.waiting("waiting_for_other_report")
    told = told_body(others)
    doubled = {number.casefold() for number in numbers_in(told)} & {number.casefold() for number in numbers_in(body)}
    if not doubled and not (told and exceeds(body, row.order.lines.all(), told)):
        return None
    return outcomes.needs_attention(
        "reported_already",
        _(
            "Order %(order)s: a part of package %(numbers)s was reported already by another shipment of the order. Put"
            " together what is left, or skip this shipment."
        )
        % {"order": row.order.dsco_order_id, "numbers": ", ".join(numbers_in(body))},
    )
