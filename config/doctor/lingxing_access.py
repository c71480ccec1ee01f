"""Whether LingXing lets us in from this address, and into every list that we read. Nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from integrations.errors import VendorError
from integrations.lingxing.client import LingXingClient
from integrations.lingxing.lists import list_states, read_lists
from integrations.sentences import told
from inventory.mappings import WarehouseBook

from .findings import Finding, note, ok, stops
from .vendor_errors import refused

if TYPE_CHECKING:
    from .examination import Examination

NOBODYS = "orderbridge-doctor"


def look(examination: Examination) -> Iterator[Finding]:
    """Try token and one list first; only when these work, one read of each kind and the lists for the mappings."""
    try:
        client = LingXingClient.from_settings()
        client.check_credentials()
    except VendorError as error:
        yield refused("LingXing", _("token and list of stores"), error)
        return
    yield ok(_("LingXing accepts the credentials and this machine's address."))
    wids = WarehouseBook.load().stock_wids()[:1]
    reads: dict[str, Callable[[], object]] = {
        _("orders"): lambda: client.orders_by_platform_numbers([NOBODYS]),
        _("outbound orders (销售出库单)"): lambda: client.outbound_orders(platform_order_nos=[NOBODYS]),
    }
    if wids:
        reads[_("stock")] = lambda: next(client.inventory_pages(wids), None)
    allowed = []
    for name, read in reads.items():
        try:
            read()
        except VendorError as error:
            yield refused("LingXing", name, error)
        else:
            allowed.append(name)
    yield from _lists(allowed)
    if allowed:
        yield ok(_("LingXing lets us read: %(names)s.") % {"names": ", ".join(allowed)})
    yield note(
        _("Whether this application may also create and cancel orders shows only with the first write."),
        _("Ask LingXing for both interfaces, and go live with one order (docs/going-live.md)."),
    )


def _lists(allowed: list[str]) -> Iterator[Finding]:
    """Read the lists that mappings point into anew, as the workers do once a day."""
    read_lists()
    for name, state in list_states().items():
        if state.error:
            yield stops(
                _("LingXing's list “%(name)s” could not be read: %(words)s")
                % {"name": name.label, "words": told(state.error)},
                _("Until it can, mappings into this list are not checked. Ask LingXing to grant the interface."),
            )
        else:
            allowed.append(str(name.label))
