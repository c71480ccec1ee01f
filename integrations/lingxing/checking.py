"""Whether LingXing knows an id, as far as its lists were read: the sentences that staff see."""

from __future__ import annotations

from collections.abc import Collection

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from ..findings import Finding, Weight
from ..models import LingXingEntry, ListName
from .lists import ListState, entries_of, list_states

AMAZON_TYPES = (4, 6)


class KnownIds:
    """The entries of one list that some ids name, read at once, with the list's state."""

    def __init__(self, name: ListName, codes: Collection[str]) -> None:
        self.state: ListState = list_states()[name]
        self._entries = entries_of(name, {code for code in codes if code})

    def entries(self, code: str) -> list[LingXingEntry]:
        """Return what the list says about an id; none when it is not there."""
        return self._entries.get(code, [])

    def name_of(self, code: str) -> str:
        """Return the name under which LingXing knows an id, or ""."""
        return next((entry.name for entry in self.entries(code)), "")

    def findings(self, code: str, column: str) -> list[Finding]:
        """Return what speaks against an id: not in the list (refused while the list is certain), or out of use."""
        found = self.entries(code)
        if not found:
            return [self._missing(code, column)]
        return [Finding(Weight.CONFIRM, column, text) for text in self._doubts(found[0])]

    def _missing(self, code: str, column: str) -> Finding:
        what = {"what": _NAMES[self.state.name](), "code": code}
        if self.state.certain:
            text = _(
                "LingXing has no %(what)s %(code)s. Check the id in LingXing; if it is new there, read LingXing's"
                " lists now and save again (list of %(read)s)."
            )
            return Finding(Weight.REFUSE, column, text % {**what, "read": _moment(self.state)})
        if self.state.read_at is None:
            text = _(
                "Whether LingXing has a %(what)s %(code)s could not be checked: its list has not been read yet."
                " Read LingXing's lists now, or make sure that the id is right."
            )
            return Finding(Weight.NOTE, column, text % what)
        text = _(
            "The %(what)s %(code)s is not in LingXing's list as read on %(read)s, which is old or incomplete. Read"
            " LingXing's lists now, or make sure that the id is right."
        )
        return Finding(Weight.CONFIRM, column, text % {**what, "read": _moment(self.state)})

    def _doubts(self, entry: LingXingEntry) -> list[str]:
        what = {"what": _NAMES[self.state.name](), "code": str(entry)}
        found = []
        if not entry.usable:
            found.append(_("The %(what)s %(code)s is switched off or deleted in LingXing.") % what)
        if self.state.name == ListName.STORES and entry.kind not in (None, settings.LINGXING_PLATFORM_CODE):
            text = _(
                "Store %(code)s is of another platform (%(kind)s) than the one in which orders are created"
                " (%(ours)s, LINGXING_PLATFORM_CODE): LingXing will refuse orders for it."
            )
            found.append(text % {**what, "kind": entry.kind, "ours": settings.LINGXING_PLATFORM_CODE})
        if self.state.name == ListName.WAREHOUSES and entry.kind in AMAZON_TYPES:
            found.append(_("Warehouse %(code)s is Amazon's: LingXing cannot ship dropship orders from it.") % what)
        return found


_NAMES = {
    ListName.STORES: lambda: _("store with the id"),
    ListName.WAREHOUSES: lambda: _("warehouse with the id (wid)"),
    ListName.LOGISTICS_TYPES: lambda: _("shipping method with the id"),
    ListName.PAIRS: lambda: _("store SKU"),
}


def _moment(state: ListState) -> str:
    return date_format(timezone.localtime(state.read_at), "Y-m-d H:i") if state.read_at else ""
