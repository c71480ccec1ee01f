"""A new push for an order that LingXing does not have any more, because a person says so."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from integrations.deliveries.owners import lock_by_key
from integrations.deliveries.states import State
from integrations.models import Attempt, AttemptAction
from integrations.sentences import gettext as _

from .models import ErpPush, Order, OrderErpLink
from .remaining_goods import goods_on_record
from .stages import refresh_stages


class CannotPushAgain(Exception):
    """Something of the first ERP order is left: a second one would be shipped, too. The message is for staff."""


def push_again(push: ErpPush, actor: str, now: datetime) -> bool:
    """Put a new push in the place of one that succeeded; False when it has changed meanwhile.

    The caller has found that LingXing has neither the order nor outbound orders of it (``remaining_goods``). Raises
    CannotPushAgain when our own records know of goods.

    A finished delivery never changes its state, so this is a row of its own with its own key. Its platform order
    number and store are the same, so the look-up before the create still finds what LingXing has. The history of the
    old one goes over to it.
    """
    with transaction.atomic():
        lock_by_key(Order.objects.filter(pk=push.order_id))
        old = ErpPush.objects.select_for_update().filter(pk=push.pk, status=State.SUCCEEDED).first()
        if old is None:
            return False
        if reason := goods_on_record(push.order_id):
            raise CannotPushAgain(reason)
        number = old.key.partition(f"{push.order.dsco_order_id}:")[2]
        key = f"{ErpPush.KIND}:{push.order.dsco_order_id}:{int(number or 1) + 1}"
        old.delete()
        new = ErpPush.objects.create(
            order=push.order, key=key, platform_order_no=push.platform_order_no, store_id=push.store_id,
            status=State.DUE, due_at=now,
        )  # fmt: skip
        Attempt.objects.filter(kind=ErpPush.KIND, delivery_id=push.pk).update(delivery_id=new.pk)
        Attempt.objects.create(
            kind=ErpPush.KIND, delivery_id=new.pk, action=AttemptAction.STAFF, started_at=now, outcome=new.status,
            message=_("a new push: LingXing does not have the order any more"), actor=actor[:150],
        )  # fmt: skip
        OrderErpLink.objects.filter(order=push.order, ended_at=None).update(ended_at=now)
        refresh_stages([push.order_id])
    return True
