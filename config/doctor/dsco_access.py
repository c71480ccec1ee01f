"""Whether DSCO lets us in, and into every part that we read: one cheap read each. Nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.dsco import DscoClient
from integrations.errors import VendorError

from .findings import Finding, note, ok
from .vendor_errors import refused

if TYPE_CHECKING:
    from .examination import Examination

# No order, invoice or item has this number: only whether we may ask is of interest.
NOBODYS = "orderbridge-doctor"
MARGIN = timedelta(seconds=10)
SPAN = timedelta(minutes=1)


def look(examination: Examination) -> Iterator[Finding]:
    """Try token and hello first; only when these work, one read of each kind."""
    try:
        client = DscoClient.from_settings()
        client.hello()
    except VendorError as error:
        yield refused("DSCO", _("token and greeting (GET /hello)"), error)
        return
    yield ok(_("DSCO accepts the credentials."))
    now = timezone.now()
    since, until = now - MARGIN - SPAN, now - MARGIN
    reads: dict[str, Callable[[], object]] = {
        _("orders (GET /order/page)"): lambda: next(client.order_pages(since=since, until=until, page_size=10), None),
        _("invoices (GET /invoice)"): lambda: client.get_invoices(NOBODYS),
        _("stock of an item (GET /inventory)"): lambda: client.get_inventory(NOBODYS),
        _("log of stock changes (GET /inventory/log)"): lambda: next(
            client.inventory_log_pages(since=since, until=until), None
        ),
        _("warehouses (GET /warehouse/page)"): lambda: next(client.warehouse_pages(), None),
    }
    allowed = []
    for name, read in reads.items():
        try:
            read()
        except VendorError as error:
            yield refused("DSCO", name, error)
        else:
            allowed.append(name)
    if allowed:
        yield ok(_("DSCO lets us read: %(names)s.") % {"names": ", ".join(allowed)})
    yield note(
        _("Whether this account may also acknowledge, ship, invoice and set stock shows only with the first write."),
        _("Go live with one order of each retailer (docs/going-live.md)."),
    )
