"""What the ERP orders of an order say together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import Q

from integrations.deliveries import outcomes
from integrations.deliveries.outcomes import Outcome
from integrations.deliveries.states import State
from integrations.sentences import gettext as _

from .models import Cancellation, CancellationAction, ErpOrder, ErpStatus, Order


def live_orders(erp_orders: Iterable[ErpOrder]) -> list[ErpOrder]:
    """Return the ERP orders that still carry the order: not cancelled, deleted or hidden behind a merged one."""
    return [erp_order for erp_order in erp_orders if not erp_order.dead and erp_order.status != ErpStatus.HIDDEN]


def being_cancelled(order_ids: Iterable[int]) -> set[int]:
    """Return those orders (primary keys) that we are cancelling, or have stopped in LingXing altogether.

    What was cancelled in part is over once it is confirmed: the rest is still to be delivered.
    """
    ours = Cancellation.objects.filter(order__in=list(order_ids)).exclude(status=State.SKIPPED)
    over = Q(status=State.SUCCEEDED) & (Q(action=CancellationAction.DSCO) | ~Q(lines=[]))
    return set(ours.exclude(over).values_list("order_id", flat=True))


def is_dead(erp_orders: Sequence[ErpOrder]) -> bool:
    """Return whether LingXing shows the order and nothing will ever leave the warehouse for it."""
    return bool(erp_orders) and all(erp_order.dead for erp_order in erp_orders)


def cancelled_in_erp(order: Order, platform_order_no: str) -> Outcome:
    """LingXing will not deliver what DSCO still wants: a person decides."""
    return outcomes.needs_attention(
        "cancelled_in_erp",
        _(
            "Order %(order)s is cancelled or deleted in LingXing, but DSCO still wants it. Restore it there (or create"
            " it again under the platform order number %(number)s): it then goes on by itself. If you cannot deliver,"
            " cancel its items at DSCO."
        )
        % {"order": order.dsco_order_id, "number": platform_order_no},
    )
