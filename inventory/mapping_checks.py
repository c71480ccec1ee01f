"""What speaks against a warehouse or SKU mapping: ids that LingXing doesn't have, two sources on one target."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _

from integrations.findings import Finding, Rules, Weight
from integrations.lingxing.checking import KnownIds
from integrations.lingxing.lists import list_states, pairs_with
from integrations.models import ListName

from .models import SkuMapping, StockLevel, WarehouseMapping

CHUNK = 400
NAMED = 5


def check_warehouse_mappings(rows: Sequence[Mapping[str, str]]) -> list[list[Finding]]:
    """Return the findings of each row (``dsco_code``, ``wid``): few queries, however many rows."""
    known = KnownIds(ListName.WAREHOUSES, {row["wid"] for row in rows})
    pairs = _stored(WarehouseMapping, ("dsco_code", "wid"), rows)
    by_wid, by_code = _index(pairs)
    checked = []
    for row in rows:
        code, wid, pk = row["dsco_code"], row["wid"], row.get("pk", "")
        found = known.findings(wid, "wid")
        codes = [other for other, own in by_wid[wid].items() if other != code and own - {pk}]
        if codes:
            text = _(
                "DSCO code %(others)s means LingXing warehouse %(wid)s already. Orders of both codes go there; its"
                " stock is reported to DSCO once only, under the code that was mapped first."
            )
            found.append(Finding(Weight.CONFIRM, "wid", text % {"others": _named(codes), "wid": wid}))
        wids = [other for other, own in by_code[code].items() if other != wid and own - {pk}]
        if wids:
            text = _(
                "DSCO code %(code)s means LingXing warehouse %(others)s already. Their stock is added up; orders go to"
                " the one that was mapped first."
            )
            found.append(Finding(Weight.CONFIRM, "dsco_code", text % {"code": code, "others": _named(wids)}))
        checked.append(found)
    return checked


def check_sku_mappings(rows: Sequence[Mapping[str, str]]) -> list[list[Finding]]:
    """Return the findings of each row (``dsco_sku``, ``erp_sku``): few queries, however many rows.

    LingXing has no list of all its SKUs that we may read: a SKU that is neither paired nor in stock may exist
    all the same, so it is never refused.
    """
    wanted = {row["erp_sku"] for row in rows if row["erp_sku"]}
    unknown = unknown_erp_skus(wanted)
    was_read = list_states()[ListName.PAIRS].read_at is not None
    pairs = _stored(SkuMapping, ("dsco_sku", "erp_sku"), rows)
    by_erp, by_dsco = _index(pairs)
    checked = []
    for row in rows:
        dsco, erp, pk = row["dsco_sku"], row["erp_sku"], row.get("pk", "")
        found = []
        if erp in unknown:
            found.append(_unknown_sku(erp, was_read))
        others = [other for other, own in by_erp[erp].items() if other != dsco and own - {pk}]
        if others:
            text = _(
                "DSCO SKU %(others)s sells ERP SKU %(sku)s already: the same units would be offered under both, and"
                " could be sold twice. Set a safety buffer or an upper limit, or switch off the stock of one."
            )
            found.append(Finding(Weight.CONFIRM, "erp_sku", text % {"others": _named(others), "sku": erp}))
        several = [other for other, own in by_dsco[dsco].items() if other != erp and own - {pk}]
        if several:
            text = _(
                "DSCO SKU %(sku)s means ERP SKU %(others)s already. Their stock is added up; orders use the one that"
                " is marked for orders."
            )
            found.append(Finding(Weight.CONFIRM, "dsco_sku", text % {"sku": dsco, "others": _named(several)}))
        checked.append(found)
    return checked


def unknown_erp_skus(erp_skus: set[str]) -> set[str]:
    """Return those SKUs that neither LingXing's pairs nor its stock name."""
    left = erp_skus - set(pairs_with(erp_skus))
    wanted = sorted(left)
    for start in range(0, len(wanted), CHUNK):
        chunk = wanted[start : start + CHUNK]
        left -= set(StockLevel.objects.filter(erp_sku__in=chunk).values_list("erp_sku", flat=True))
    return left


def _unknown_sku(erp_sku: str, was_read: bool) -> Finding:
    if not was_read:
        text = _(
            "Whether LingXing has the SKU %(sku)s could not be checked: its pairs have not been read yet. Read"
            " LingXing's lists now, or make sure that the SKU is right."
        )
        return Finding(Weight.NOTE, "erp_sku", text % {"sku": erp_sku})
    text = _(
        "SKU %(sku)s is neither paired in LingXing nor in stock there. Check its spelling (upper and lower case count);"
        " if it is new in LingXing, it is right all the same."
    )
    return Finding(Weight.CONFIRM, "erp_sku", text % {"sku": erp_sku})


@dataclass(frozen=True, slots=True)
class PlannedSku:
    """A SKU mapping as a file wants it. ``for_orders`` None: as it stands, and yes for a new one."""

    dsco_sku: str
    erp_sku: str
    for_orders: bool | None = None


def second_mappings_for_orders(plans: Mapping[int, PlannedSku]) -> dict[int, Finding]:
    """Return, by the keys of ``plans``, which of them would become another mapping for orders of one DSCO SKU.

    Judged by how things stand when all are saved, so that one row may take over what another one gives up.
    """
    stored: dict[str, dict[str, bool]] = defaultdict(dict)
    wanted = sorted({plan.dsco_sku for plan in plans.values()})
    for start in range(0, len(wanted), CHUNK):
        rows = SkuMapping.objects.filter(dsco_sku__in=wanted[start : start + CHUNK])
        for dsco_sku, erp_sku, for_orders in rows.values_list("dsco_sku", "erp_sku", "for_orders"):
            stored[dsco_sku][erp_sku] = for_orders
    after = {dsco_sku: dict(stored[dsco_sku]) for dsco_sku in wanted}
    for plan in plans.values():
        standing = after[plan.dsco_sku].get(plan.erp_sku, True)
        after[plan.dsco_sku][plan.erp_sku] = standing if plan.for_orders is None else plan.for_orders
    found = {}
    for number, plan in plans.items():
        takers = [erp_sku for erp_sku, for_orders in after[plan.dsco_sku].items() if for_orders]
        if len(takers) > 1 and plan.erp_sku in takers and not stored[plan.dsco_sku].get(plan.erp_sku):
            text = _(
                "Orders can use only one mapping of a DSCO SKU, but %(sku)s would have several: %(skus)s. Write 0 into"
                " this column for all but one."
            )
            named = {"sku": plan.dsco_sku, "skus": _named(takers)}
            found[number] = Finding(Weight.REFUSE, "for_orders", text % named)
    return found


WAREHOUSE_RULES = Rules(check_warehouse_mappings, ("dsco_code", "wid"))
SKU_RULES = Rules(check_sku_mappings, ("dsco_sku", "erp_sku"))
Sources = dict[str, dict[str, set[str]]]


def _stored(
    model: type[WarehouseMapping | SkuMapping], columns: tuple[str, str], rows: Sequence[Mapping[str, str]]
) -> list[tuple[str, str, str]]:
    """Return (source, target, pk) of the stored rows that share a source or a target, and of the rows themselves."""
    source, target = columns
    found: dict[tuple[str, str], str] = {}
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        wanted = Q(**{f"{source}__in": {row[source] for row in chunk}})
        wanted |= Q(**{f"{target}__in": {row[target] for row in chunk}})
        for left, right, pk in model._default_manager.filter(wanted).values_list(source, target, "pk"):
            found[left, right] = str(pk)
    for row in rows:
        found.setdefault((row[source], row[target]), "new")
    return [(left, right, pk) for (left, right), pk in found.items()]


def _index(pairs: Sequence[tuple[str, str, str]]) -> tuple[Sources, Sources]:
    """Return target → {source: rows} and source → {target: rows}."""
    by_target: Sources = defaultdict(lambda: defaultdict(set))
    by_source: Sources = defaultdict(lambda: defaultdict(set))
    for source, target, pk in pairs:
        by_target[target][source].add(pk)
        by_source[source][target].add(pk)
    return by_target, by_source


def _named(codes: Sequence[str]) -> str:
    shown = ", ".join(sorted(codes)[:NAMED])
    return f"{shown} …" if len(codes) > NAMED else shown
