"""Flow ``reconcile``: what both vendors show is compared with what we have; differences become rows that mend or close.

A night compares the time since the last one: DSCO's changed orders (1000 a page), LingXing's changed orders (500 a
page), DSCO's logs of invoices and stock. Every source goes on by itself, hour by hour, with a bookmark of its own, so
that a run that is stopped goes on where it was. What is safe is mended at once, everything else waits for a person.
The comparisons stand in ``orders/reconciling``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.utils.translation import gettext_lazy

from integrations.dsco import DscoClient
from integrations.dsco.errors import ScrollExpired
from integrations.flows.context import FlowContext
from integrations.flows.registry import flow
from integrations.flows.runner import FlowStopped
from integrations.lingxing import LingXingClient
from integrations.sentences import from_label
from integrations.sentences import gettext as _

from ..models import Discrepancy, Reconciliation, Source
from ..reconciling import dsco_orders, erp_orders, invoices, ranges, stock
from ..reconciling import facts as our
from ..reconciling.findings import Compared, keep
from ..reconciling.mends import mend
from ..reconciling.troubles import Troubles
from ..reconciling.words import SITUATIONS

DAY = 86_400
CHUNK = 200
TRIES_PER_SLICE = 3
MOST_RECHECKED = 500
MOST_UNKNOWN = 50
# A difference is looked at again after so long, and what did not mend it is tried again after a day.
RECHECK_AFTER = 4
MEND_AGAIN_AFTER = timedelta(days=1)
# A part that fails by itself is tried in so many runs.
MOST_TRIES = 3
MOST_NAMED = 10
VENDORS = {
    Source.DSCO_ORDERS: "dsco", Source.DSCO_INVOICES: "dsco", Source.DSCO_STOCK: "dsco", Source.ERP_ORDERS: "lingxing",
}  # fmt: skip
Part = Callable[[datetime, datetime], None]


@flow(
    "reconcile", gettext_lazy("Compare with the vendors"), interval_seconds=DAY, position=8, daily_at="02:30",
)  # fmt: skip
def reconcile(context: FlowContext) -> None:
    """Compare what is planned and asked for, then look again at open differences; or the orders in ``order_ids``."""
    run = _Run(context)
    if context.order_ids:
        run.compare_named(context.order_ids)
        run.troubles.tell()
        return
    ranges.plan(context.now)
    for row in ranges.unfinished():
        run.carry_out(row)
        if run.out_of_time:
            context.release("reconcile")  # the rest is a run of its own
            break
    else:
        run.recheck()
    run.troubles.tell()


class _Run:
    """One execution: the clients, what was compared, and what could not be."""

    def __init__(self, context: FlowContext) -> None:
        self.context = context
        self.dsco = DscoClient.from_settings()
        self.lingxing = LingXingClient.from_settings()
        self.pulled = dsco_orders.pulled_until()
        self.troubles = Troubles(context)
        # Orders (DSCO ids) that could not be read, since this was last emptied.
        self.unread: set[str] = set()

    @property
    def out_of_time(self) -> bool:
        """Whether the rest is left to the next run."""
        left = self.context.seconds_left
        return left is not None and left < 1

    # --- A range, or named orders ------------------------------------------------------------------

    def carry_out(self, row: Reconciliation) -> None:
        """Compare one range or list, from its bookmarks on, and what failed before. What fails now is tried again."""
        now = self.context.now
        counts, troubles = self.context.counts.copy(), self.troubles.number
        Reconciliation.objects.filter(pk=row.pk, started_at=None).update(started_at=now)
        self.unread.clear()
        self._orders_left(row)
        if row.order_ids:
            self._named_part(row)
        else:
            for source, part in self._parts().items():
                self._range_part(row, source, part)
        row.left += [{"order": order_id, "tries": 1} for order_id in sorted(self.unread)]
        counts = self.context.counts - counts
        row.counts = {name: row.counts.get(name, 0) + counts[name] for name in {*row.counts, *counts}}
        row.error = self.troubles.last if self.troubles.number > troubles else ""
        row.finished_at = self.context.now if self._is_complete(row) else None
        row.save(update_fields=["counts", "error", "finished_at", "left"])

    def _is_complete(self, row: Reconciliation) -> bool:
        if row.left:
            return False
        if row.order_ids:
            return int(row.bookmarks.get("orders", 0)) >= len(row.order_ids)
        if row.until is None:
            return True
        return all(row.bookmarks.get(source.value) == row.until.isoformat() for source in self._parts())

    def _parts(self) -> dict[Source, Part]:
        return {
            Source.DSCO_ORDERS: self._dsco_orders,
            Source.ERP_ORDERS: self._erp_orders,
            Source.DSCO_INVOICES: self._invoices,
            Source.DSCO_STOCK: self._stock,
        }

    def _range_part(self, row: Reconciliation, source: Source, part: Part) -> None:
        if row.since is None or row.until is None:
            return
        self._slices_left(row, source, part)
        saved = row.bookmarks.get(source)
        for since, until in ranges.slices(datetime.fromisoformat(saved) if saved else row.since, row.until):
            if self._over(source):
                return
            if not self._slice(source, part, since, until):
                if self._over(source):
                    return
                row.left.append(
                    {"source": source.value, "since": since.isoformat(), "until": until.isoformat(), "tries": 1}
                )
            row.bookmarks[source.value] = until.isoformat()
            Reconciliation.objects.filter(pk=row.pk).update(bookmarks=row.bookmarks, left=row.left)
            self.context.save_progress()
        if source == Source.DSCO_STOCK and not row.requested_by and not self._over(source):
            self.troubles.attempt("dsco", from_label(source.label), self._stock_sample)

    def _any_down(self) -> bool:
        return any(self.troubles.is_down(vendor) for vendor in set(VENDORS.values()))

    def _over(self, source: Source) -> bool:
        return self.out_of_time or self.troubles.is_down(VENDORS[source])

    def _slices_left(self, row: Reconciliation, source: Source, part: Part) -> None:
        """Slices of which an earlier run had trouble; after some tries they are given up, and the row says so."""
        for piece in [piece for piece in row.left if piece.get("source") == source]:
            if self._over(source):
                return
            since, until = datetime.fromisoformat(piece["since"]), datetime.fromisoformat(piece["until"])
            compared = self._slice(source, part, since, until)
            if not compared and self._over(source):
                return
            piece["tries"] += 1
            if compared or piece["tries"] > MOST_TRIES:
                row.left.remove(piece)
            Reconciliation.objects.filter(pk=row.pk).update(left=row.left)

    def _orders_left(self, row: Reconciliation) -> None:
        """Orders that an earlier run could not read."""
        pieces = {piece["order"]: piece for piece in row.left if "order" in piece}
        if not pieces or self.out_of_time:
            return
        self.compare_named(list(pieces))
        if self._any_down():
            self.unread -= pieces.keys()  # not their fault: the next run begins with them
            return
        for order_id, piece in pieces.items():
            piece["tries"] += 1
            if order_id not in self.unread or piece["tries"] > MOST_TRIES:
                row.left.remove(piece)
        self.unread -= pieces.keys()

    def _slice(self, source: Source, part: Part, since: datetime, until: datetime) -> bool:
        names = {"source": from_label(source.label), "since": since, "until": until}
        what = _("%(source)s, %(since)s to %(until)s") % names
        return self.troubles.attempt(VENDORS[source], what, lambda: self._restarted(part, since, until))

    def _restarted(self, part: Part, since: datetime, until: datetime) -> None:
        """Compare one slice; a search that DSCO forgot starts again."""
        for _attempt in range(TRIES_PER_SLICE):
            try:
                part(since, until)
                return
            except ScrollExpired:
                self.context.count("windows_restarted")
        raise FlowStopped("scroll_expired", _("DSCO forgot the search several times."))

    def _named_part(self, row: Reconciliation) -> None:
        done = int(row.bookmarks.get("orders", 0))
        while done < len(row.order_ids) and not self.out_of_time:
            chunk = row.order_ids[done : done + CHUNK]
            self.compare_named(chunk)
            if self._any_down():
                self.unread -= set(chunk)  # the next run begins with them
                return
            done += len(chunk)
            row.bookmarks["orders"] = done
            Reconciliation.objects.filter(pk=row.pk).update(bookmarks=row.bookmarks)

    def compare_named(self, order_ids: Sequence[str]) -> None:
        """Compare orders by their DSCO ids with everything that both vendors have for them."""
        what = _("Orders %(orders)s") % {"orders": _some(order_ids)}
        steps: tuple[tuple[str, Callable[[], None]], ...] = (
            ("dsco", lambda: self._named_at_dsco(order_ids)),
            ("lingxing", lambda: self._examine(our.by_id(order_ids))),
            ("dsco", lambda: self._named_invoices(order_ids)),
        )
        for vendor, step in steps:
            if not self.troubles.attempt(vendor, what, step):
                self.unread |= set(order_ids)

    def _named_at_dsco(self, order_ids: Sequence[str]) -> None:
        result = dsco_orders.compare_named(self.context, self.dsco, order_ids, self.context.now)
        self._took_in(result)
        for order_id in result.unknown:
            self.context.count("unknown")
            self.context.note(_("Neither we nor DSCO know the order %(order)s.") % {"order": order_id})

    def _named_invoices(self, order_ids: Sequence[str]) -> None:
        self._keep(invoices.examine(self.context, self.dsco, our.by_id(order_ids), self.context.now))

    # --- The parts of a range ----------------------------------------------------------------------

    def _dsco_orders(self, since: datetime, until: datetime) -> None:
        seen: set[int] = set()
        for page in self.dsco.order_pages(since=since, until=until, by="updated"):
            result = dsco_orders.compare_page(page, self.context.now, self.pulled)
            seen |= result.compared.order_ids
            self._took_in(result)
        absent = dsco_orders.not_listed(since, until, seen)
        if absent:
            self._took_in(dsco_orders.compare_named(self.context, self.dsco, absent, self.context.now))

    def _took_in(self, result: dsco_orders.PageResult) -> None:
        self.context.count("orders_compared", len(result.compared.order_ids))
        for name in result.intake.released:
            self.context.release(name)
        for note in result.intake.notes:
            self.context.note(note)
        self._keep(result.compared)

    def _erp_orders(self, since: datetime, until: datetime) -> None:
        seen: set[int] = set()
        pages = self.lingxing.order_pages(updated_from=since, updated_to=until, own_platform=True, include_deleted=True)
        for rows in pages:
            look = erp_orders.look_through(rows, self.context.now)
            seen |= look.seen.keys()
            self.context.count("erp_orders_compared", look.rows)
            equal = Compared(Source.ERP_ORDERS, set(look.seen) - look.doubtful, look.numbers - look.unknown.keys())
            self._keep(equal)
            self._examine([facts for pk, facts in look.seen.items() if pk in look.doubtful])
            self._unknown(look)
        self._examine(erp_orders.not_listed(since, until, seen))

    def _examine(self, found: Sequence[our.Facts]) -> None:
        for start in range(0, len(found), CHUNK * 5):
            chunk = found[start : start + CHUNK * 5]
            self._keep(erp_orders.examine(self.context, self.lingxing, chunk, self.context.now))

    def _unknown(self, look: erp_orders.PageLook) -> None:
        """Numbers in our stores that we don't know: DSCO is asked for them, as far as they can be order ids."""
        if not look.unknown:
            return
        ids = [number for number in look.unknown if number.isdecimal() and len(number) <= 64][:MOST_UNKNOWN]
        if ids:
            self._took_in(dsco_orders.compare_named(self.context, self.dsco, ids, self.context.now))
            self._examine(our.by_id(ids))
        known = {facts.dsco_order_id for facts in our.by_id(ids)}
        left = {number: row for number, row in look.unknown.items() if number not in known}
        self._keep(erp_orders.unknown_numbers(left, known))

    def _invoices(self, since: datetime, until: datetime) -> None:
        for page in self.dsco.invoice_log_pages(since=since, until=until):
            self.context.count("invoices_compared", len(page))
            self._keep(invoices.compare_log(self.context, self.dsco, page, self.context.now))

    def _stock(self, since: datetime, until: datetime) -> None:
        for page in self.dsco.inventory_log_pages(since=since, until=until):
            self.context.count("stock_changes_compared", len(page))
            self._compare_stock(stock.changed_by_others(page))

    def _stock_sample(self) -> None:
        skus, bookmark = stock.next_sample(int(self.context.flow.cursor.get("stock_after") or 0))
        self._compare_stock(skus)
        self.context.save_cursor(stock_after=bookmark)

    def _compare_stock(self, skus: Sequence[str]) -> None:
        if skus:
            compared = stock.examine(self.context, self.dsco, skus, self.context.now)
            self.context.count("items_compared", len(compared.subjects))
            self._keep(compared)

    # --- What follows ------------------------------------------------------------------------------

    def recheck(self) -> None:
        """Look again at open differences that were not looked at lately: what is equal meanwhile closes."""
        before = self.context.now - our.grace() * RECHECK_AFTER
        rows = Discrepancy.objects.filter(closed_at=None, last_seen_at__lt=before).order_by("last_seen_at")
        open_rows = list(rows.select_related("order")[:MOST_RECHECKED])
        ids = list(dict.fromkeys(row.order.dsco_order_id for row in open_rows if row.order))
        for start in range(0, len(ids), CHUNK):
            self.compare_named(ids[start : start + CHUNK])
        skus = [row.subject for row in open_rows if row.source == Source.DSCO_STOCK]
        self.troubles.attempt("dsco", from_label(Source.DSCO_STOCK.label), lambda: self._compare_stock(skus))
        unknown = [row.subject for row in open_rows if row.source == Source.ERP_ORDERS and row.order_id is None]
        if unknown:
            what = _("Orders %(orders)s") % {"orders": _some(unknown)}
            self.troubles.attempt("lingxing", what, lambda: self._recheck_unknown(unknown))

    def _recheck_unknown(self, numbers: Sequence[str]) -> None:
        """Numbers in LingXing that were no order of ours."""
        found = self.lingxing.orders_by_platform_numbers(numbers, include_deleted=True)
        look = erp_orders.look_through(found, self.context.now)
        self._keep(Compared(Source.ERP_ORDERS, subjects=set(numbers) - look.unknown.keys()))
        self._keep(erp_orders.unknown_numbers(look.unknown, set()))

    def _keep(self, compared: Compared) -> None:
        for subject, why in compared.unread.items():
            self.troubles.note(subject, why)
            if compared.source != Source.DSCO_STOCK:
                self.unread.add(subject)
        kept = keep(compared, self.context.now)
        self.context.count("differences", kept.opened)
        self.context.count("closed", kept.closed)
        if compared.undecided:
            self.context.count("undecided", len(compared.undecided))
        wanted = [row for row in kept.open_rows if SITUATIONS[row.code].by_itself and self._may_mend(row)]
        if wanted:
            what = _("What was to be mended by itself")
            self.troubles.attempt(VENDORS[compared.source], what, lambda: self._mend(wanted))

    def _mend(self, wanted: Sequence[Discrepancy]) -> None:
        done = mend(self.context, wanted, "", self.context.now)
        self.context.count("mended", done.number)
        for name in done.released:
            self.context.release(name)

    def _may_mend(self, row: Discrepancy) -> bool:
        return row.mended_at is None or self.context.now - row.mended_at > MEND_AGAIN_AFTER


def _some(order_ids: Sequence[str]) -> str:
    return ", ".join(order_ids[:MOST_NAMED]) + (" …" if len(order_ids) > MOST_NAMED else "")
