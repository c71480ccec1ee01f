"""Two DSCO orders under one number in one LingXing store, where LingXing is given PO numbers.

LingXing cannot tell them apart. So what it shows under the number belongs to the order that has gone there, and is
never taken for the other one's, which a person makes by hand under another number.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Count, Q

from integrations.deliveries import outcomes
from integrations.deliveries.outcomes import Outcome
from integrations.deliveries.states import IN_FLIGHT, State
from integrations.sentences import gettext as _

from .models import ErpPush, StoreMapping

GONE_OUT = Q(status__in=[*IN_FLIGHT, State.SUCCEEDED]) | Q(maybe_sent=True)


def under_anothers_number(pushes: Iterable[ErpPush]) -> set[int]:
    """Return those pushes (primary keys; ``order`` loaded) under whose number another DSCO order has gone to LingXing.

    A push with an ERP order of its own is never among them, nor is one under its DSCO order id: that costs no query.
    """
    asked = [
        push for push in pushes if not push.remote_reference and push.platform_order_no != push.order.dsco_order_id
    ]
    if not asked:
        return set()
    numbers = {push.platform_order_no for push in asked}
    others = ErpPush.objects.filter(GONE_OUT, platform_order_no__in=numbers).select_related("order")
    users = list(others)
    retailers = {push.order.retailer_id for push in (*asked, *users)}
    stores = dict(StoreMapping.objects.filter(retailer_id__in=retailers).values_list("retailer_id", "store__store_id"))

    def store_of(push: ErpPush) -> str:
        return push.store_id or stores.get(push.order.retailer_id, "")

    return {
        push.pk
        for push in asked
        for other in users
        if other.pk != push.pk
        and other.platform_order_no == push.platform_order_no
        and ("" in (store_of(push), store_of(other)) or store_of(push) == store_of(other))
    }


def of_several_orders(pushes: Iterable[tuple[str, str]]) -> set[str]:
    """Return those platform order numbers that several DSCO orders have. pushes: (number, DSCO order id)."""
    numbers = {number for number, order_id in pushes if number != order_id}
    if not numbers:
        return set()
    counted = ErpPush.objects.filter(platform_order_no__in=numbers).values("platform_order_no")
    several = counted.annotate(orders=Count("pk")).filter(orders__gt=1)
    return set(several.values_list("platform_order_no", flat=True))


def beside_one_made_by_hand(pushes: Iterable[ErpPush]) -> frozenset[int]:
    """Return those pushes (primary keys; ``order`` loaded) beside which a person made another order of the same number.

    What LingXing shows under the number may be that order, made under the number by mistake.
    """
    asked = [push for push in pushes if push.platform_order_no != push.order.dsco_order_id]
    if not asked:
        return frozenset()
    numbers = {push.platform_order_no for push in asked}
    by_hand = ErpPush.objects.filter(status=State.SUCCEEDED, remote_reference="", platform_order_no__in=numbers)
    taken = set(by_hand.values_list("platform_order_no", flat=True))
    return frozenset(push.pk for push in asked if push.platform_order_no in taken)


def number_taken(number: str) -> Outcome:
    """LingXing shows something under the number, and it may be the order that a person made."""
    return outcomes.needs_attention(
        "number_taken",
        _(
            "LingXing shows an order under number %(number)s already, and another DSCO order with the same PO number"
            " was made by hand. If it is that one, give it another number in LingXing, then retry. If it is this order,"
            " mark its push as done, and acknowledge and report it in DSCO's portal."
        )
        % {"number": number},
    )


def same_number(number: str) -> Outcome:
    """Two orders want the same number: a person makes one of them."""
    return outcomes.needs_attention(
        "same_order_number",
        _(
            "Another DSCO order has the same number %(number)s in the same LingXing store, so LingXing could not tell"
            " them apart. Create one of them in LingXing by hand under another number, and mark its push as done;"
            " acknowledge and report it in DSCO's portal. Then retry the other one."
        )
        % {"number": number},
    )


def made_by_hand(number: str) -> Outcome:
    """Nothing of an order that a person made under another number is found by its own."""
    return outcomes.needs_attention(
        "same_order_number",
        _(
            "What LingXing shows under number %(number)s is another DSCO order with the same PO number. Carry this step"
            " out by hand in the vendors' screens, then mark it as done."
        )
        % {"number": number},
    )
