"""Flow ``reconcile``: what both vendors show is compared with what we have; differences become rows that mend or close.

A night compares the time since the last one: DSCO's changed orders (1000 a page), LingXing's changed orders (500 a
page), DSCO's logs of invoices and stock. Every source goes on by itself, an hour or more at a time, with a bookmark of
its own, so that a run that is stopped goes on where it was. What is safe is mended at once, everything else waits for a
person. How a piece is compared stands in ``orders/reconciling/comparing.py``.
"""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy

from integrations.dsco.errors import ScrollExpired
from integrations.flows.context import FlowContext
from integrations.flows.registry import flow
from integrations.flows.runner import FlowStopped
from integrations.sentences import from_label
from integrations.sentences import gettext as _

from ..models import Reconciliation, Source
from ..reconciling import ranges
from ..reconciling.comparing import CHUNK, VENDORS, Comparison, Part

DAY = 86_400
TRIES_PER_SLICE = 3
# A part that fails by itself is tried in so many runs.
MOST_TRIES = 3


@flow(
    "reconcile", gettext_lazy("Compare with the vendors"), interval_seconds=DAY, position=8, daily_at="02:30",
)  # fmt: skip
def reconcile(context: FlowContext) -> None:
    """Compare what is planned and asked for, then look again at open differences; or the orders in ``order_ids``."""
    run = _Run(context)
    if context.order_ids:
        run.comparison.compare_named(context.order_ids)
        run.troubles.tell()
        return
    ranges.plan(context.now)
    for row in ranges.unfinished():
        run.carry_out(row)
        if run.out_of_time:
            context.release("reconcile")  # the rest is a run of its own
            break
    else:
        run.comparison.recheck()
    run.troubles.tell()


class _Run:
    """One execution: which pieces are compared, and what becomes of those that fail."""

    def __init__(self, context: FlowContext) -> None:
        self.context = context
        self.comparison = Comparison(context)
        self.troubles = self.comparison.troubles

    @property
    def out_of_time(self) -> bool:
        """Whether the rest is left to the next run."""
        left = self.context.seconds_left
        return left is not None and left < 1

    def carry_out(self, row: Reconciliation) -> None:
        """Compare one range or list, from its bookmarks on, and what failed before. What fails now is tried again."""
        now = self.context.now
        counts, troubles = self.context.counts.copy(), self.troubles.number
        Reconciliation.objects.filter(pk=row.pk, started_at=None).update(started_at=now)
        self.comparison.unread.clear()
        self._orders_left(row)
        if row.order_ids:
            self._named_part(row)
        else:
            for source, part in self.comparison.parts().items():
                self._range_part(row, source, part)
        row.left += [{"order": order_id, "tries": 1} for order_id in sorted(self.comparison.unread)]
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
        return all(row.bookmarks.get(source.value) == row.until.isoformat() for source in self.comparison.parts())

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
                row.left += [
                    {"source": source.value, "since": begin.isoformat(), "until": end.isoformat(), "tries": 1}
                    for begin, end in ranges.short_slices(since, until)
                ]
            row.bookmarks[source.value] = until.isoformat()
            Reconciliation.objects.filter(pk=row.pk).update(bookmarks=row.bookmarks, left=row.left)
        if source == Source.DSCO_STOCK and not row.requested_by and not self._over(source):
            self.troubles.attempt("dsco", from_label(source.label), self.comparison.stock_sample)

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
        self.comparison.compare_named(list(pieces))
        if self._any_down():
            self.comparison.unread -= pieces.keys()  # not their fault: the next run begins with them
            return
        for order_id, piece in pieces.items():
            piece["tries"] += 1
            if order_id not in self.comparison.unread or piece["tries"] > MOST_TRIES:
                row.left.remove(piece)
        self.comparison.unread -= pieces.keys()

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
            self.comparison.compare_named(chunk)
            if self._any_down():
                self.comparison.unread -= set(chunk)  # the next run begins with them
                return
            done += len(chunk)
            row.bookmarks["orders"] = done
            Reconciliation.objects.filter(pk=row.pk).update(bookmarks=row.bookmarks)
