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
from integrations.models import ApiCall
from integrations.sentences import from_label, joined
from integrations.sentences import gettext as _

from .compose_facts import package_changes, package_summary
from .erp_reading import read_erp_orders
from .erp_state import live_orders
from .events import record_event
from .intake import store_page
from .models import ErpOrder, ErpPush, ErpStatus, EventKind, Order
from .package_reading import Wanted, read_packages
from .packages import BY_STAFF
from .stages import refresh_stages

# What may follow from LingXing's news.
FOLLOWING_FLOWS = ("acknowledge_orders", "report_shipments", "apply_cancellations")
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
def calls_kept() -> Iterator[list[ApiCall]]:
    """Write the vendor calls made inside to the call log, also when they fail; the list has them afterwards."""
    kept: list[ApiCall] = []
    with collect_calls() as calls:
        try:
            yield kept
        finally:
            kept += save_calls(calls, None)


def reread_from_dsco(order: Order, actor: str) -> Reread:
    """Store the order as DSCO shows it now. Raises VendorError; then nothing has changed."""
    with calls_kept() as calls:
        raw = DscoClient.from_settings().get_order(order.dsco_order_id)
    if raw is None:
        return _done(order, actor, Reread(_("DSCO does not know this order."), found=False), calls)
    result = store_page([raw], timezone.now())
    if result.changed:
        text = _("Read again from DSCO: it had changed.")
    elif result.unreadable:
        text = _("Read again from DSCO: it cannot be read in full.")
    else:
        text = _("Read again from DSCO: nothing new.")
    return _done(order, actor, Reread(text, found=True, released=result.released), calls)


def reread_from_lingxing(order: Order, actor: str) -> Reread:
    """Store the order's ERP orders, outbound orders and packages as LingXing shows them now, as the flows do.

    Raises VendorError; then what was read before the error is stored. What follows from it is left to the flows.
    """
    push = ErpPush.objects.select_related("order").prefetch_related("order__lines").get(order=order)
    before = _seen_in_lingxing(order)
    with calls_kept() as calls:
        client = LingXingClient.from_settings()
        found = read_erp_orders(DirectReads(), client, [push])
        wanted = [Wanted(push.order, live_orders(found[order.pk]))] if found.get(order.pk) else []
        read = read_packages(DirectReads(), client, wanted, timezone.now())
    if order.pk not in found or read.unreadable:
        text = _("LingXing answered with a row that cannot be read; what it is about was not changed.")
        return _done(order, actor, Reread(text, found=False), calls)
    refresh_stages([order.pk])
    if not wanted:
        text = _("LingXing shows no order with the number %(number)s.") % {"number": push.platform_order_no}
        return _done(order, actor, Reread(text, found=False), calls)
    changed = _changes(before, _seen_in_lingxing(order))
    numbers = ", ".join(erp_order.global_order_no for erp_order in found[order.pk])
    names = {"numbers": numbers, "packages": len(read.packed[order.pk])}
    text = _("Read again from LingXing: ERP order %(numbers)s, outbound orders: %(packages)d.") % names
    told = joined([text, *(changed or [_("Nothing has changed.")])])
    return _done(order, actor, Reread(told, found=True, released=set(FOLLOWING_FLOWS) if changed else set()), calls)


@dataclass(slots=True)
class _Seen:
    """What is stored of an order's LingXing side."""

    erp_orders: dict[str, str]
    packages: dict[str, str]


def _seen_in_lingxing(order: Order) -> _Seen:
    links = order.erp_links.filter(ended_at=None).select_related("erp_order").order_by("pk")
    packages = order.packages.exclude(ignored=BY_STAFF).prefetch_related("lines")
    return _Seen(
        {link.erp_order.global_order_no: _erp_summary(link.erp_order) for link in links},
        {package.wo_number: package_summary(package) for package in packages},
    )


def _erp_summary(erp_order: ErpOrder) -> str:
    state: str = _("deleted") if erp_order.deleted else ""
    if not erp_order.deleted and erp_order.status in ErpStatus.values:
        state = from_label(ErpStatus(erp_order.status).label)
    items = ", ".join(f"{item['sku']} × {item['units']}" for item in erp_order.items or ())
    return joined((state, items, erp_order.tracking_no), " · ")


def _changes(before: _Seen, after: _Seen) -> list[str]:
    found = []
    for number in sorted({*before.erp_orders, *after.erp_orders}):
        old, new = before.erp_orders.get(number), after.erp_orders.get(number)
        if old == new:
            continue
        text = _("ERP order %(number)s was: %(before)s; it is now: %(after)s.")
        found.append(text % {"number": number, "before": old or "–", "after": new or "–"})
    return found + [joined([text, "."], by="") for text in package_changes(before.packages, after.packages)]


def _done(order: Order, actor: str, result: Reread, calls: Iterable[ApiCall] = ()) -> Reread:
    record_event(order.pk, EventKind.STAFF, result.text, actor, calls)
    return result
