"""Reading one order again, now, because a person asked: from DSCO, or from LingXing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from django.utils import timezone

from integrations.calls import collect_calls
from integrations.deliveries.claims import save_calls
from integrations.dsco import DscoClient
from integrations.lingxing import LingXingClient
from integrations.sentences import gettext as _

from .erp_reading import read_erp_orders
from .events import record_event
from .intake import store_page
from .models import ErpPush, EventKind, Order
from .stages import refresh_stages

T = TypeVar("T")
R = TypeVar("R")


@dataclass(slots=True)
class Reread:
    """What came of it: a sentence for staff, whether anything was found, and the flows that have work now."""

    text: str
    found: bool
    released: set[str] = field(default_factory=set)


class DirectReads:
    """Makes the reads of ``read_erp_orders`` one after the other, in this thread."""

    def in_parallel(self, call: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Make the reads and return their results in order."""
        return [call(item) for item in items]


@contextmanager
def calls_kept() -> Iterator[None]:
    """Write the vendor calls made inside to the call log, also when they fail."""
    with collect_calls() as calls:
        try:
            yield
        finally:
            save_calls(calls, None)


def reread_from_dsco(order: Order, actor: str) -> Reread:
    """Store the order as DSCO shows it now. Raises VendorError; then nothing has changed."""
    with calls_kept():
        raw = DscoClient.from_settings().get_order(order.dsco_order_id)
    if raw is None:
        return _done(order, actor, Reread(_("DSCO does not know this order."), found=False))
    result = store_page([raw], timezone.now())
    if result.changed:
        text = _("Read again from DSCO: it had changed.")
    elif result.unreadable:
        text = _("Read again from DSCO: it cannot be read in full.")
    else:
        text = _("Read again from DSCO: nothing new.")
    return _done(order, actor, Reread(text, found=True, released=result.released))


def reread_from_lingxing(order: Order, actor: str) -> Reread:
    """Store the order's ERP orders as LingXing shows them now. Raises VendorError; then nothing has changed."""
    push = ErpPush.objects.select_related("order").get(order=order)
    with calls_kept():
        found = read_erp_orders(DirectReads(), LingXingClient.from_settings(), [push])
    if order.pk not in found:
        text = _("LingXing answered with a row that cannot be read; nothing was changed.")
        return _done(order, actor, Reread(text, found=False))
    refresh_stages([order.pk])
    numbers = ", ".join(erp_order.global_order_no for erp_order in found[order.pk])
    if not numbers:
        text = _("LingXing shows no order with the number %(number)s.") % {"number": push.platform_order_no}
        return _done(order, actor, Reread(text, found=False))
    return _done(order, actor, Reread(_("Read again from LingXing: %(numbers)s.") % {"numbers": numbers}, found=True))


def _done(order: Order, actor: str, result: Reread) -> Reread:
    record_event(order.pk, EventKind.STAFF, result.text, actor)
    return result
