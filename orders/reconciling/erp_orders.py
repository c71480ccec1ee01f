"""LingXing's orders and outbound orders compared with ours.

A page of its order list is looked through cheaply; what does not fit at first sight is read again whole, by platform
order number (all parts of a split order, deleted ones too), with its outbound orders, and only then judged.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q

from integrations.deliveries.states import State
from integrations.lingxing import LingXingClient
from integrations.lingxing.rows import Rows
from integrations.lingxing.schemas import ErpOrderRow, OutboundOrderRow
from integrations.sentences import gettext as _

from ..cancellations import is_dead
from ..erp_reading import store_erp_orders
from ..erp_state import being_cancelled
from ..first_sight import CLOSED_REASONS
from ..models import (
    Discrepancy,
    ErpOrder,
    ErpPush,
    ErpStatus,
    OrderErpLink,
    OrderLine,
    Source,
    Stage,
    Store,
    StoreMapping,
)
from ..packages import SEVERAL_NUMBERS, SHIPPED, kept_tracking
from ..reading import Reads, read_in_chunks
from ..shared_numbers import of_several_orders, under_anothers_number
from . import facts as our
from .facts import Facts, same_numbers
from .findings import Compared, Difference

NUMBERS_PER_CALL = 200


@dataclass(slots=True)
class PageLook:
    """What a page showed: the orders seen, those to be examined, and rows whose number is no order of ours."""

    seen: dict[int, Facts] = field(default_factory=dict)
    doubtful: set[int] = field(default_factory=set)
    unknown: dict[str, ErpOrderRow] = field(default_factory=dict)
    numbers: set[str] = field(default_factory=set)
    rows: int = 0


def look_through(rows: Rows[ErpOrderRow], now: datetime) -> PageLook:
    """Look through a page of the order list: a bounded number of queries, no call."""
    look = PageLook(rows=len(rows))
    originals = [row for row in rows if not row.original_global_order_nos]
    look.numbers = {number for row in originals for number in row.platform_order_nos}
    by_number = our.by_platform_number(look.numbers)
    look.seen = {facts.pk: facts for of_number in by_number.values() for facts in of_number}
    stored = _stored([row.global_order_no for row in originals])
    wanted = _units_wanted(look.seen)
    stores = set(Store.objects.values_list("store_id", flat=True))
    horizon = now - our.grace()
    for row in originals:
        for number in row.platform_order_nos:
            for facts in by_number.get(number, ()):
                if not _fits(facts, row, stored, wanted[facts.pk], horizon):
                    look.doubtful.add(facts.pk)
            if number not in by_number and row.store_id in stores and not is_dead(row):
                look.unknown[number] = row
    open_rows = Discrepancy.objects.filter(order__in=look.seen, source=Source.ERP_ORDERS, closed_at=None)
    look.doubtful |= set(open_rows.values_list("order_id", flat=True)) - {None}
    unreadable = {number for row in rows.unreadable for number in row.platform_order_nos}
    look.doubtful |= {facts.pk for facts in look.seen.values() if facts.platform_order_no in unreadable}
    return look


def not_listed(since: datetime, until: datetime, seen: Iterable[int]) -> list[Facts]:
    """Return the orders that were pushed in this span and that LingXing has never shown since."""
    shown = OrderErpLink.objects.filter(order=OuterRef("pk"), erp_order__status__isnull=False)
    in_span = Q(erp_push__status=State.SUCCEEDED, erp_push__finished_at__gte=since, erp_push__finished_at__lt=until)
    pushed = our.facts_of(in_span & Q(~Exists(shown)))
    known = set(seen)
    return [facts for facts in pushed if facts.pk not in known]


def _stored(numbers: Sequence[str]) -> dict[str, tuple[int | None, bool, str]]:
    rows = ErpOrder.objects.filter(global_order_no__in=numbers)
    return {
        number: (status, deleted, tracking)
        for number, status, deleted, tracking in rows.values_list("global_order_no", "status", "deleted", "tracking_no")
    }


def _units_wanted(order_ids: Iterable[int]) -> dict[int, Counter[str]]:
    """Units to be delivered by ERP SKU; an order with a line of which we don't know the ERP SKU is not compared."""
    wanted: dict[int, Counter[str]] = defaultdict(Counter)
    lines = OrderLine.objects.filter(order__in=list(order_ids))
    for order_id, sku, ordered, cancelled in lines.values_list("order_id", "erp_sku", "quantity", "cancelled_quantity"):
        wanted[order_id][sku] += ordered - cancelled
    return wanted


def _units_held(row: ErpOrderRow, number: str) -> Counter[str]:
    """Units of one of our numbers by ERP SKU; "" where a merged order does not say whose they are."""
    merged = len(row.platform_order_nos) > 1
    units: Counter[str] = Counter()
    for item in row.items:
        foreign = item.platform_order_no and item.platform_order_no != number
        if not item.is_deleted and not foreign:
            units["" if merged and not item.platform_order_no else item.local_sku] += item.quantity
    return units


def _fits(
    facts: Facts, row: ErpOrderRow, stored: Mapping[str, tuple[int | None, bool, str]], wanted: Counter[str],
    horizon: datetime,
) -> bool:  # fmt: skip
    """Whether a row says at first sight what we have."""
    if stored.get(row.global_order_no) != (row.status, row.is_deleted, kept_tracking(row.tracking_no)):
        return False
    alive = not is_dead(row) and row.status != ErpStatus.HIDDEN
    if not facts.push.done or row.store_id != facts.store_id or alive == (facts.stage in our.GONE):
        return False
    if "" not in wanted and _units_held(row, facts.platform_order_no) != +wanted:
        return False
    if not (facts.shipment.done and facts.reported):
        return True
    later = row.update_time is not None and row.update_time > (facts.shipment.finished_at or horizon)
    return not later and not (set(_numbers(row.tracking_no)) - same_numbers(_numbers(row.tracking_no), facts.reported))


def unknown_numbers(rows: Mapping[str, ErpOrderRow], known: set[str]) -> Compared:
    """Return the differences for live orders in our stores whose numbers are no order of ours."""
    compared = Compared(Source.ERP_ORDERS, subjects=set(known))
    for number, row in rows.items():
        theirs = {"numbers": [row.global_order_no], "erp_status": [row.status], "store": row.store_id}
        compared.differences.append(Difference("unknown_in_erp", number, None, {}, theirs))
    return compared


# --- Read whole, and judged ---------------------------------------------------------------------------


def examine(reads: Reads, client: LingXingClient, found: Sequence[Facts], now: datetime) -> Compared:
    """Read everything that LingXing has for these orders and compare; what cannot be read is left out.

    Raises VendorError when nothing can be read; then nothing has changed.
    """
    compared = Compared(Source.ERP_ORDERS)
    found = _under_their_own_number(found)
    if not found:
        return compared
    rows, compared.unread = _read_orders(reads, client, found)
    readable = [facts for facts in found if facts.dsco_order_id not in compared.unread]
    reported = [one for one in readable if one.shipment.done and one.reported]
    packages, unread = _read_outbound(reads, client, reported, rows, now)
    compared.unread |= unread
    readable = [facts for facts in readable if facts.dsco_order_id not in unread]
    done = {one.pk: rows[one.pk] for one in readable if one.push.done and rows[one.pk]}
    if done:
        store_erp_orders(done)
    wanted = _units_wanted(facts.pk for facts in readable)
    cancelling = being_cancelled(facts.pk for facts in readable)
    stores = dict(StoreMapping.objects.values_list("retailer_id", "store__store_id"))
    shared = of_several_orders((facts.platform_order_no, facts.dsco_order_id) for facts in readable)
    horizon = now - our.grace()
    compared.order_ids = {facts.pk for facts in readable}
    for facts in readable:
        is_shared = facts.platform_order_no in shared
        judge = _Judge(facts, rows[facts.pk], wanted[facts.pk], packages.get(facts.pk, []), horizon, is_shared)
        if facts.push.done:
            compared.differences += judge.pushed(facts.pk in cancelling)
        elif (difference := judge.not_pushed(stores.get(facts.retailer_id, ""))) is not None:
            compared.differences.append(difference)
        if judge.undecided:
            compared.undecided.add(facts.pk)
    return compared


def _under_their_own_number(found: Sequence[Facts]) -> list[Facts]:
    """Leave out the orders of which LingXing shows nothing but another DSCO order under the same PO number."""
    doubtful = [
        facts.push.pk for facts in found if not facts.erp_number and facts.platform_order_no != facts.dsco_order_id
    ]
    pushes = ErpPush.objects.filter(pk__in=doubtful).select_related("order") if doubtful else ()
    anothers = under_anothers_number(pushes)
    return [facts for facts in found if facts.push.pk not in anothers]


def _read_orders(
    reads: Reads, client: LingXingClient, found: Sequence[Facts]
) -> tuple[dict[int, list[ErpOrderRow]], dict[str, str]]:
    """All rows of each order (by primary key), and why orders (DSCO ids) could not be read in full."""
    numbers = sorted({facts.platform_order_no for facts in found})
    pages = read_in_chunks(reads, client.orders_by_platform_numbers, numbers, NUMBERS_PER_CALL)
    by_number: dict[str, list[ErpOrderRow]] = defaultdict(list)
    for row in (row for page in pages.answers for row in page):
        for number in row.platform_order_nos:
            by_number[number].append(row)
    why = {number: str(error) for number, error in pages.unread.items()}
    for number in {number for page in pages.answers for row in page.unreadable for number in row.platform_order_nos}:
        why[number] = _("LingXing answered with a row that cannot be read.")
    rows = {facts.pk: [row for row in by_number[facts.platform_order_no] if _is_ours(facts, row)] for facts in found}
    return rows, {
        facts.dsco_order_id: why[facts.platform_order_no] for facts in found if facts.platform_order_no in why
    }


def _is_ours(facts: Facts, row: ErpOrderRow) -> bool:
    """A DSCO order id is nobody else's number in any store; a PO number may be, in another store."""
    if facts.platform_order_no == facts.dsco_order_id or not facts.store_id or not row.store_id:
        return True
    return row.store_id == facts.store_id


def _read_outbound(
    reads: Reads, client: LingXingClient, found: Sequence[Facts], rows: Mapping[int, Sequence[ErpOrderRow]],
    now: datetime,
) -> tuple[dict[int, list[OutboundOrderRow]], dict[str, str]]:  # fmt: skip
    """The shipped outbound orders of each order, re-shipments left out, and why orders could not be read.

    Always with dates.
    """

    def read(chunk: Sequence[Facts]) -> Rows[OutboundOrderRow]:
        return client.outbound_orders(
            platform_order_nos=[facts.platform_order_no for facts in chunk],
            statuses=[SHIPPED],
            start_date=(min(facts.first_seen_at for facts in chunk) - timedelta(days=1)).date(),
            end_date=(now + timedelta(days=1)).date(),
        )

    oldest_first = sorted(found, key=lambda facts: facts.first_seen_at)
    by_order: dict[str, list[OutboundOrderRow]] = defaultdict(list)
    pages = read_in_chunks(reads, read, oldest_first, NUMBERS_PER_CALL)
    for row in (row for page in pages.answers for row in page):
        by_order[row.order_number].append(row)
    return {
        facts.pk: [
            package
            for row in rows[facts.pk]
            if not row.original_global_order_nos
            for package in by_order[row.global_order_no]
        ]
        for facts in found
    }, {facts.dsco_order_id: str(error) for facts, error in pages.unread.items()}


def _numbers(text: str) -> list[str]:
    return [number for part in SEVERAL_NUMBERS.split(text or "") if (number := part.strip())]


def _is_in(package: OutboundOrderRow, number: str) -> bool:
    """Whether a package holds something of the order: one of a merged order may be another order's alone."""
    if len(package.platform_order_nos) < 2 or not package.products:
        return True
    return any(product.platform_order_no in ("", number) for product in package.products)


@dataclass(slots=True)
class _Judge:
    """What LingXing has for one order against what we have."""

    facts: Facts
    rows: Sequence[ErpOrderRow]
    wanted: Counter[str]
    packages: Sequence[OutboundOrderRow]
    horizon: datetime
    is_shared: bool
    undecided: bool = False

    @property
    def originals(self) -> list[ErpOrderRow]:
        return [row for row in self.rows if not row.original_global_order_nos]

    @property
    def live(self) -> list[ErpOrderRow]:
        return [row for row in self.originals if not is_dead(row) and row.status != ErpStatus.HIDDEN]

    def not_pushed(self, mapped_store: str) -> Difference | None:
        """An order that we have not created exists all the same."""
        facts, push = self.facts, self.facts.push
        if not self.live or push.reason in CLOSED_REASONS - {"order_cancelled"}:
            return None
        if push.status == State.CANCELLED or facts.stage == Stage.CANCELLED:
            return self._difference("alive_in_erp", {"status": "cancelled"}, self._shown())
        if push.settles(self.horizon):
            self.undecided = True  # push_orders looks before it creates
            return None
        store = facts.store_id or mapped_store
        sure = facts.platform_order_no == facts.dsco_order_id or any(row.store_id == store for row in self.live)
        sure = sure and push.status != State.SKIPPED
        code = "made_by_hand" if sure else "maybe_made_by_hand"
        return self._difference(code, {"status": push.status, "store": store}, self._shown())

    def pushed(self, being_cancelled: bool) -> Iterable[Difference]:
        """An order that we have created (or taken over)."""
        facts = self.facts
        if not self.rows or not self.originals:
            if facts.push.settles(self.horizon):
                self.undecided = True
            elif facts.stage not in our.GONE:
                yield self._difference("missing_in_erp", {"numbers": _numbers(facts.erp_number)}, {})
            return
        if not self.live:
            if facts.stage not in our.GONE and not being_cancelled:
                late = facts.stage in (Stage.SHIPPED, Stage.INVOICED)
                code = "cancelled_after_report" if late else "cancelled_in_erp"
                yield self._difference(code, {"status": facts.stage}, self._shown())
            return
        if facts.stage == Stage.CANCELLED:
            yield self._difference("alive_in_erp", {"status": facts.stage}, self._shown())
            return
        if not being_cancelled:
            yield from self._quantities()
        yield from self._tracking()

    def _quantities(self) -> Iterable[Difference]:
        held: Counter[str] = Counter()
        for row in self.live:
            held += _units_held(row, self.facts.platform_order_no)
        # A line that is not paired has no SKU on one side or the other: nothing can be said then.
        if "" not in self.wanted and "" not in held and held != +self.wanted:
            twice = self.is_shared and len(self.live) > 1 and held - self.wanted
            code = "number_given_twice" if twice else "erp_quantity"
            yield self._difference(code, {"units": dict(+self.wanted)}, {"units": dict(held)})

    def _tracking(self) -> Iterable[Difference]:
        reported = self.facts.reported
        ours = [package for package in self.packages if _is_in(package, self.facts.platform_order_no)]
        shipped = sorted({number for package in ours for number in _numbers(package.tracking_no)})
        same = same_numbers(shipped, reported)
        if not reported or not set(shipped) - same:
            return
        if self.facts.shipment.settles(self.horizon):
            self.undecided = True
            return
        code = "more_packages" if same else "tracking_changed"
        yield self._difference(code, {"tracking": list(reported)}, {"tracking": shipped})

    def _shown(self) -> dict[str, Any]:
        rows = self.live or self.originals
        return {
            "numbers": [row.global_order_no for row in rows],
            "erp_status": [row.status for row in rows],
            "deleted": any(row.is_deleted for row in rows),
            "store": rows[0].store_id,
        }

    def _difference(self, code: str, ours: dict[str, Any], theirs: dict[str, Any]) -> Difference:
        return Difference(code, self.facts.platform_order_no, self.facts.pk, ours, theirs)
