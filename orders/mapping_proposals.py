"""What an unmapped code probably means, and why: from LingXing's lists and from the mappings that there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _

from integrations.lingxing.lists import entries_of, names_of, pairs_with
from integrations.models import LingXingEntry, ListName
from inventory.models import StockLevel

from .models import ShippingMapping
from .unmapped import SHIPPING, SKU, STOCK, STORE, WAREHOUSE, UnmappedRow

CHUNK: Final = 400
NAMED: Final = 4


@dataclass(frozen=True, slots=True)
class Proposal:
    """A target and why it is proposed. Without target (""): several are possible, and the sentence names them."""

    target: str
    why: str


def propose(kind: str, rows: Sequence[UnmappedRow]) -> dict[str, Proposal]:
    """Return proposals by code for unmapped codes of one kind. Few queries, however many codes."""
    return _PROPOSERS[kind](rows)


def _skus(rows: Sequence[UnmappedRow]) -> dict[str, Proposal]:
    """LingXing's own pairing of the MSKU first, then a local SKU of the same name."""
    codes = {row.code for row in rows}
    found = {}
    pairs = entries_of(ListName.PAIRS, codes)
    stores = names_of({ListName.STORES: {entry.owner for entries in pairs.values() for entry in entries}})
    for code, entries in pairs.items():
        skus = sorted({entry.sku for entry in entries})
        if len(skus) == 1:
            owners = {entry.owner for entry in entries}
            where = _named(sorted(stores.get((ListName.STORES, owner), owner) for owner in owners))
            text = _("LingXing pairs MSKU %(code)s with it (store %(stores)s).")
            found[code] = Proposal(skus[0], text % {"code": code, "stores": where})
        else:
            text = _("LingXing pairs MSKU %(code)s with several SKUs: %(skus)s. Choose one.")
            found[code] = Proposal("", text % {"code": code, "skus": _named(skus)})
    left = codes - set(found)
    same = set(pairs_with(left)) | _in_stock(left)
    why = _("LingXing has a local SKU of the same name.")
    return found | {code: Proposal(code, why) for code in same}


def _stock(rows: Sequence[UnmappedRow]) -> dict[str, Proposal]:
    """The MSKU that LingXing pairs with the SKU in stock."""
    found = {}
    for sku, entries in pairs_with({row.code for row in rows}).items():
        mskus = sorted({entry.code for entry in entries})
        if len(mskus) == 1:
            found[sku] = Proposal(mskus[0], _("LingXing pairs MSKU %(msku)s with this SKU.") % {"msku": mskus[0]})
        else:
            text = _("LingXing pairs several MSKUs with this SKU: %(mskus)s.")
            found[sku] = Proposal("", text % {"mskus": _named(mskus)})
    return found


def _warehouses(rows: Sequence[UnmappedRow]) -> dict[str, Proposal]:
    """A LingXing warehouse of that very name, or with that code at the third party."""
    codes = {row.code for row in rows}
    wanted = Q(name__in=codes) | Q(third_party_code__in=codes)
    wids: dict[str, set[str]] = defaultdict(set)
    for entry in LingXingEntry.objects.filter(wanted, list=ListName.WAREHOUSES, usable=True):
        for code in {entry.name, entry.third_party_code} & codes:
            wids[code].add(entry.code)
    why = _("LingXing has a warehouse of the same name or third-party code.")
    return {code: Proposal(next(iter(found)), why) for code, found in wids.items() if len(found) == 1}


def _stores(rows: Sequence[UnmappedRow]) -> dict[str, Proposal]:
    """The store of the retailer's name; else the only store there is."""
    stores = LingXingEntry.objects.filter(list=ListName.STORES, usable=True, kind=settings.LINGXING_PLATFORM_CODE)
    listed = dict(stores.values_list("code", "name"))
    found = {}
    for row in rows:
        same = [code for code, name in listed.items() if row.retailer and name.casefold() == row.retailer.casefold()]
        if len(same) == 1:
            found[row.code] = Proposal(same[0], _("The LingXing store has the retailer's name."))
        elif len(listed) == 1:
            found[row.code] = Proposal(next(iter(listed)), _("It is the only store of this platform in LingXing."))
    return found


def _shipping(rows: Sequence[UnmappedRow]) -> dict[str, Proposal]:
    """The method of the same service level, where all other warehouses agree on it."""
    levels = {row.code.partition("|")[2] for row in rows} - {""}
    methods: dict[str, set[str]] = defaultdict(set)
    for level, method in ShippingMapping.objects.filter(service_level__in=levels).values_list(
        "service_level", "logistics_type_id"
    ):
        methods[level].add(method)
    found = {}
    for row in rows:
        level = row.code.partition("|")[2]
        if len(methods.get(level, ())) == 1:
            text = _("The other warehouses use it for %(level)s.")
            found[row.code] = Proposal(next(iter(methods[level])), text % {"level": level})
    return found


_PROPOSERS: Final[dict[str, Callable[[Sequence[UnmappedRow]], dict[str, Proposal]]]] = {
    SKU: _skus,
    WAREHOUSE: _warehouses,
    STORE: _stores,
    SHIPPING: _shipping,
    STOCK: _stock,
}


def _in_stock(codes: set[str]) -> set[str]:
    wanted, found = sorted(codes), set()
    for start in range(0, len(wanted), CHUNK):
        levels = StockLevel.objects.filter(erp_sku__in=wanted[start : start + CHUNK])
        found |= set(levels.values_list("erp_sku", flat=True))
    return found


def _named(names: Iterable[str]) -> str:
    known = list(names)
    return ", ".join(known[:NAMED]) + (" …" if len(known) > NAMED else "")
