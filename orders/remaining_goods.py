"""Whether anything of an ERP order is left although LingXing's order list does not show it: goods, or a report of them.

As long as there is, a second ERP order would ship everything a second time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from integrations.deliveries.references import numbers_in
from integrations.deliveries.states import IN_FLIGHT, State
from integrations.lingxing import LingXingClient
from integrations.lingxing.rows import Rows
from integrations.lingxing.schemas import OutboundOrderRow
from integrations.sentences import gettext as _

from .erp_reading import NUMBERS_PER_CALL
from .models import ErpPush, OrderErpLink, Package, Shipment
from .packages import DELETED, SHIPPED
from .reading import Reads


def goods_in_lingxing(reads: Reads, client: LingXingClient, pushes: Sequence[ErpPush], now: datetime) -> dict[int, str]:
    """Return why there must be no second ERP order, by the push's primary key: outbound orders that are not deleted.

    Asked for by our number and by every ERP order number that the order ever had. Raises VendorError.
    """
    numbers: dict[int, set[str]] = defaultdict(set)
    links = OrderErpLink.objects.filter(order__in=[push.order_id for push in pushes])
    for order_id, number in links.values_list("order_id", "erp_order__global_order_no"):
        numbers[order_id].add(number)
    found: dict[int, str] = {}
    for start in range(0, len(pushes), NUMBERS_PER_CALL):
        chunk = pushes[start : start + NUMBERS_PER_CALL]
        for push in chunk:
            numbers[push.order_id] |= set(numbers_in(push.remote_reference))
        rows = _outbound(reads, client, chunk, numbers, now)
        for push in chunk:
            if reason := _reason(rows, {push.platform_order_no}, numbers[push.order_id]):
                found[push.pk] = reason
    return found


def goods_on_record(order_id: int) -> str:
    """Return why there must be no second ERP order of this order, as far as our own records say it, or ""."""
    told = Shipment.objects.filter(order=order_id, status__in=[*IN_FLIGHT, State.SUCCEEDED])
    if told.exists() or Shipment.objects.filter(order=order_id, maybe_sent=True).exists():
        return _("DSCO was told that it has left: a second order in LingXing would be shipped again.")
    left = Package.objects.filter(order=order_id, shipped=True).exclude(ignored="deleted").first()
    if left is not None:
        names = {"number": left.wo_number, "tracking": left.tracking_number or "–"}
        return (
            _(
                "Outbound order %(number)s (tracking number %(tracking)s) has left the warehouse for it: a second order"
                " in LingXing would be shipped again."
            )
            % names
        )
    return ""


def _outbound(
    reads: Reads, client: LingXingClient, pushes: Sequence[ErpPush], numbers: dict[int, set[str]], now: datetime
) -> Rows[OutboundOrderRow]:
    first = min(push.order.first_seen_at for push in pushes)

    def read(_only: None) -> Rows[OutboundOrderRow]:
        return client.outbound_orders(
            platform_order_nos=sorted({push.platform_order_no for push in pushes}),
            order_numbers=sorted(set().union(*(numbers[push.order_id] for push in pushes))),
            start_date=(first - timedelta(days=1)).date(), end_date=(now + timedelta(days=1)).date(),
        )  # fmt: skip

    (rows,) = reads.in_parallel(read, [None])
    return rows


def _reason(rows: Rows[OutboundOrderRow], platform_numbers: set[str], erp_numbers: Iterable[str]) -> str:
    if any(not row.platform_order_nos or platform_numbers & set(row.platform_order_nos) for row in rows.unreadable):
        return _("LingXing answered with an outbound order that cannot be read: nobody knows whether it is this one's.")
    known = set(erp_numbers)
    left = [
        row for row in rows
        if row.status != DELETED and (row.order_number in known or platform_numbers & set(row.platform_order_nos))
    ]  # fmt: skip
    if not left:
        return ""
    names = ", ".join(sorted(row.wo_number for row in left))
    if any(row.status == SHIPPED for row in left):
        return _("LingXing has shipped it (outbound order %(numbers)s): a second order would be shipped again.") % {
            "numbers": names
        }
    return _(
        "LingXing still has outbound order %(numbers)s for it, in the warehouse or on its way there: a second order"
        " would be shipped, too. Delete it in LingXing first, or go on with it."
    ) % {"numbers": names}
