"""Flow ``pull_orders``: read what changed at DSCO, window by window, and store it.

The bookmark moves only when a window is complete; windows overlap, because DSCO's reads lag behind its writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.utils.translation import gettext_lazy

from integrations.dsco import DscoClient
from integrations.dsco.errors import ScrollExpired
from integrations.flows.context import FlowContext
from integrations.flows.registry import flow
from integrations.flows.runner import FlowStopped
from integrations.sentences import gettext as _

from ..intake import store_page
from ..pulling import OVERLAP
from ..reading import read_each

LONGEST_WINDOW = timedelta(days=1)
# DSCO refuses an end of the window that is less than 5 s old.
MARGIN = timedelta(seconds=10)
TRIES_PER_WINDOW = 3


@flow("pull_orders", gettext_lazy("Pull orders from DSCO"), interval_seconds=60, position=1)
def pull_orders(context: FlowContext) -> None:
    """Store new and changed orders since the last complete window; or the orders named in ``order_ids``."""
    client = DscoClient.from_settings()
    if context.order_ids:
        _pull_named(context, client)
        return
    started = context.now
    until = started - MARGIN
    bookmark = _bookmark(context, until)
    while True:
        since = bookmark - OVERLAP
        end = min(since + LONGEST_WINDOW, until)
        _pull_window(context, client, since, end)
        if end >= until:
            context.save_cursor(updated_until=end.isoformat(), last_complete_at=started.isoformat())
            return
        context.save_cursor(updated_until=end.isoformat())
        if (left := context.seconds_left) is not None and left < 1:
            context.release("pull_orders")  # the rest of a long backfill is a run of its own
            return
        bookmark = end


def _bookmark(context: FlowContext, until: datetime) -> datetime:
    saved = context.flow.cursor.get("updated_until")
    if saved:
        return min(datetime.fromisoformat(saved), until)
    return until - timedelta(days=settings.ORDER_BACKFILL_DAYS) + OVERLAP


def _pull_window(context: FlowContext, client: DscoClient, since: datetime, until: datetime) -> None:
    """Store every page of the window; a search that DSCO forgot starts again."""
    for _attempt in range(TRIES_PER_WINDOW):
        try:
            for page in context.pool.read_ahead(client.order_pages(since=since, until=until, by="updated")):
                _store(context, page.portions())
            return
        except ScrollExpired:
            context.count("windows_restarted")
    raise FlowStopped(
        "scroll_expired",
        _(
            "DSCO forgot the search for orders changed between %(since)s and %(until)s %(times)d times. The next run"
            " starts there again."
        )
        % {"since": since.isoformat(), "until": until.isoformat(), "times": TRIES_PER_WINDOW},
    )


def _pull_named(context: FlowContext, client: DscoClient) -> None:
    wanted = list(dict.fromkeys(context.order_ids))
    found, failed = read_each(context, client.get_order, wanted)
    for order_id, raw in found:
        if raw is None:
            context.count("unknown")
            context.note(_("DSCO does not know the order %(order)s.") % {"order": order_id})
    for order_id, error in failed:
        context.count("not_read")
        context.note(_("Order %(order)s could not be read: %(why)s") % {"order": order_id, "why": str(error)})
    _store(context, [[raw for _order_id, raw in found if raw is not None]])


def _store(context: FlowContext, parts: Iterable[list[dict[str, object]]]) -> None:
    """Store a page part by part: as a whole, large orders take many times their size in memory."""
    for part in parts:
        _store_part(context, part)
    context.save_progress()


def _store_part(context: FlowContext, part: list[dict[str, object]]) -> None:
    result = store_page(part, context.now)
    context.count("pulled", len(part))
    for name in ("new", "changed", "unchanged", "unreadable"):
        context.count(name, getattr(result, name))
    for note in result.notes:
        context.note(note)
    for flow_name in result.released:
        context.release(flow_name)
