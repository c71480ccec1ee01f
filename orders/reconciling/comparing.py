"""Comparing one piece with the vendors: a slice of time of one source, named orders, or differences that are open.

What is found is kept as rows, and what is safe is mended at once. Which pieces a run compares, and what becomes of
those that fail, is the flow's (``orders/flows/reconcile.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from integrations.dsco import DscoClient
from integrations.flows.context import FlowContext
from integrations.lingxing import LingXingClient
from integrations.sentences import from_label
from integrations.sentences import gettext as _

from ..models import Discrepancy, Source
from ..pulling import settled_until
from . import dsco_orders, erp_orders, invoices, stock
from . import facts as our
from .findings import Compared, keep
from .mends import mend
from .troubles import Troubles
from .words import SITUATIONS

CHUNK = 200
MOST_RECHECKED = 500
MOST_UNKNOWN = 50
# A difference is looked at again after so long, and what did not mend it is tried again after a day.
RECHECK_AFTER = 4
MEND_AGAIN_AFTER = timedelta(days=1)
MOST_NAMED = 10
VENDORS = {
    Source.DSCO_ORDERS: "dsco", Source.DSCO_INVOICES: "dsco", Source.DSCO_STOCK: "dsco", Source.ERP_ORDERS: "lingxing",
}  # fmt: skip
Part = Callable[[datetime, datetime], None]


class Comparison:
    """The clients of one run, what it compared, and what it could not."""

    def __init__(self, context: FlowContext) -> None:
        self.context = context
        self.dsco = DscoClient.from_settings()
        self.lingxing = LingXingClient.from_settings()
        self.settled = settled_until()
        self.troubles = Troubles(context)
        # Orders (DSCO ids) that could not be read, since this was last emptied.
        self.unread: set[str] = set()

    # --- Named orders ------------------------------------------------------------------------------

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

    # --- Slices of time ----------------------------------------------------------------------------

    def parts(self) -> dict[Source, Part]:
        """Return what compares a slice of time, by source."""
        return {
            Source.DSCO_ORDERS: self._dsco_orders,
            Source.ERP_ORDERS: self._erp_orders,
            Source.DSCO_INVOICES: self._invoices,
            Source.DSCO_STOCK: self._stock,
        }

    def _dsco_orders(self, since: datetime, until: datetime) -> None:
        seen: set[int] = set()
        for page in self.dsco.order_pages(since=since, until=until, by="updated"):
            for part in page.portions():
                result = dsco_orders.compare_page(part, self.context.now, self.settled)
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

    def stock_sample(self) -> None:
        """Compare the next share of all items, so that each has its turn."""
        skus, bookmark = stock.next_sample(int(self.context.flow.cursor.get("stock_after") or 0))
        self._compare_stock(skus)
        self.context.save_cursor(stock_after=bookmark)

    def _compare_stock(self, skus: Sequence[str]) -> None:
        if skus:
            compared = stock.examine(self.context, self.dsco, skus, self.context.now)
            self.context.count("items_compared", len(compared.subjects))
            self._keep(compared)

    # --- What is open ------------------------------------------------------------------------------

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

    # --- What follows ------------------------------------------------------------------------------

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
