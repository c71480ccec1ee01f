"""Mappings from a file: checked as a whole, then written as a whole. The command and the admin import share it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, TypeVar

from django.db import models, transaction
from django.utils.translation import gettext as _
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from simple_history.utils import bulk_create_with_history, bulk_update_with_history

from integrations.lingxing.lists import entries_of
from integrations.models import ListName
from inventory.models import SkuMapping, WarehouseMapping

from .models import ShippingMapping, Store, StoreMapping

M = TypeVar("M", bound=models.Model)


class BadMappingFile(ValueError):
    """The file cannot be used; ``problems`` has one sentence for each thing to correct."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


def _identifier(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        kind = _("a number with a fraction or exponent") if isinstance(value, float) else type(value).__name__
        raise ValueError(_("must be a text or a whole number, not %(kind)s") % {"kind": kind})
    found = str(value).strip()
    if not found:
        raise ValueError(_("must not be empty"))
    return found


def _at_most(longest: int) -> AfterValidator:
    def check(value: str) -> str:
        if len(value) > longest:
            raise ValueError(_("is longer than %(longest)d characters") % {"longest": longest})
        return value

    return AfterValidator(check)


def _shipping_key(value: str) -> str:
    parts = [part.strip() for part in value.split("|")]
    if len(parts) != 2 or not all(parts):
        raise ValueError(_("must look like WAREHOUSE|SERVICE_LEVEL, with * for any"))
    if any(len(part) > 120 for part in parts):
        raise ValueError(_("is longer than %(longest)d characters") % {"longest": 120})
    return "|".join(parts)


Text = BeforeValidator(_identifier)
Id = Annotated[str, Text, _at_most(40)]
Retailer = Annotated[str, Text, _at_most(64)]
Code = Annotated[str, Text, _at_most(120)]
Sku = Annotated[str, Text, _at_most(200)]
ShippingKey = Annotated[str, Text, AfterValidator(_shipping_key)]


class MappingFile(BaseModel):
    """The file: DSCO's codes on the left, LingXing's ids on the right. A section may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stores: dict[Retailer, Id] = Field(default_factory=dict)
    store_sids: dict[Id, Id] = Field(default_factory=dict)
    warehouses: dict[Code, Id] = Field(default_factory=dict)
    skus: dict[Sku, Sku] = Field(default_factory=dict)
    shipping: dict[ShippingKey, Id] = Field(default_factory=dict)


@dataclass(slots=True)
class SectionCounts:
    """What was done to one section."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0


def parse_mapping_file(content: bytes | str) -> MappingFile:
    """Read a mapping file; raises BadMappingFile with every problem, so that one correction is enough."""
    problems: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: set[str] = set()
        for key, _value in pairs:
            code = "|".join(part.strip() for part in key.split("|"))
            if code in seen:
                problems.append(_("%(code)s stands twice in the file.") % {"code": json.dumps(key, ensure_ascii=False)})
            seen.add(code)
        return dict(pairs)

    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
        raw = json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise BadMappingFile([_("The file is not JSON: %(error)s.") % {"error": error}]) from None
    if not isinstance(raw, dict):
        raise BadMappingFile([_("The file must hold one JSON object with the sections, not a list or a single value.")])
    try:
        parsed = MappingFile.model_validate(raw)
    except ValidationError as error:
        problems += [_sentence(dict(item)) for item in error.errors()]
    if problems:
        raise BadMappingFile(problems)
    return parsed


def _sentence(error: Mapping[str, Any]) -> str:
    section, *rest = (str(step) for step in error["loc"])
    if error["type"] == "extra_forbidden":
        known = ", ".join(MappingFile.model_fields)
        return _("%(section)s: there is no such section; known sections: %(known)s.") % {
            "section": section,
            "known": known,
        }
    what = str(error["ctx"]["error"]) if error["type"] == "value_error" else str(error["msg"])
    if not rest:
        return f"{section}: {what}."
    code, side = rest[0], _(" (the code)") if rest[-1] == "[key]" else ""
    return f"{section}[{json.dumps(code, ensure_ascii=False)}]{side}: {what}."


def save_mappings(file: MappingFile, *, dry_run: bool = False, reason: str = "") -> dict[str, dict[str, int]]:
    """Write the mappings in one transaction (``dry_run``: take it back); return counts for each section.

    What the file does not name stays. reason: kept in the history of each changed row.
    """
    with transaction.atomic():
        counts = {
            "stores": _save_stores(file.stores, reason),
            "store_sids": _save_sids(file.store_sids, reason),
            "warehouses": _save_warehouses(file.warehouses, reason),
            "skus": _save_skus(file.skus, reason),
            "shipping": _save_shipping(file.shipping, reason),
        }
        if dry_run:
            transaction.set_rollback(True)
    return {section: asdict(count) for section, count in counts.items()}


def ensure_stores(store_ids: Iterable[str], reason: str) -> dict[str, Store]:
    """Return these stores by id; the missing ones are made, with name and sid where LingXing's list has them."""
    wanted = set(store_ids)
    missing = sorted(wanted - set(Store.objects.filter(store_id__in=wanted).values_list("store_id", flat=True)))
    listed = {code: entries[0] for code, entries in entries_of(ListName.STORES, missing).items()}
    made = [Store(store_id=code) for code in missing]
    for store in made:
        if entry := listed.get(store.store_id):
            store.name, store.sid = entry.name[:200], entry.sid
    _create(Store, made, reason)
    return {store.store_id: store for store in Store.objects.filter(store_id__in=wanted)}


def _save_stores(section: Mapping[str, str], reason: str) -> SectionCounts:
    stores = ensure_stores(section.values(), reason)
    known = {row.retailer_id: row for row in StoreMapping.objects.filter(retailer_id__in=section)}
    return _upsert(
        StoreMapping, {retailer: stores[store_id].pk for retailer, store_id in section.items()}, known, "store_id",
        lambda retailer, store: StoreMapping(retailer_id=retailer, store_id=store), reason,
    )  # fmt: skip


def _save_sids(section: Mapping[str, str], reason: str) -> SectionCounts:
    stores = ensure_stores(section, reason)
    return _upsert(Store, section, stores, "sid", lambda store_id, sid: Store(store_id=store_id, sid=sid), reason)


def _save_warehouses(section: Mapping[str, str], reason: str) -> SectionCounts:
    known: dict[str, WarehouseMapping] = {}
    for row in WarehouseMapping.objects.filter(dsco_code__in=section).order_by("id"):
        # Where a code has several warehouses the file speaks of the one it names, else of the one that orders go to.
        if row.dsco_code not in known or row.wid == section[row.dsco_code]:
            known[row.dsco_code] = row
    return _upsert(
        WarehouseMapping, section, known, "wid", lambda code, wid: WarehouseMapping(dsco_code=code, wid=wid), reason
    )


def _save_skus(section: Mapping[str, str], reason: str) -> SectionCounts:
    for_orders: dict[str, SkuMapping] = {}
    named: dict[str, SkuMapping] = {}
    for row in SkuMapping.objects.filter(dsco_sku__in=section).order_by("id"):
        if row.for_orders:
            for_orders[row.dsco_sku] = row
        if row.erp_sku == section[row.dsco_sku]:
            named[row.dsco_sku] = row
    # A mapping that so far counts for stock only takes the orders over.
    taking_over = [row for sku, row in named.items() if not row.for_orders]
    giving_up = [for_orders[row.dsco_sku] for row in taking_over if row.dsco_sku in for_orders]
    for row in taking_over + giving_up:
        row.for_orders = row in taking_over
    for rows in (giving_up, taking_over):
        _update(SkuMapping, rows, "for_orders", reason)
    counts = _upsert(
        SkuMapping, section, for_orders | named, "erp_sku",
        lambda dsco_sku, erp_sku: SkuMapping(dsco_sku=dsco_sku, erp_sku=erp_sku), reason,
    )  # fmt: skip
    counts.updated += len(taking_over)
    counts.unchanged -= len(taking_over)
    return counts


def _save_shipping(section: Mapping[str, str], reason: str) -> SectionCounts:
    rows = {f"{row.warehouse_code}|{row.service_level}": row for row in ShippingMapping.objects.all()}

    def new(key: str, logistics_type_id: str) -> ShippingMapping:
        warehouse, _bar, level = key.partition("|")
        return ShippingMapping(warehouse_code=warehouse, service_level=level, logistics_type_id=logistics_type_id)

    return _upsert(ShippingMapping, section, rows, "logistics_type_id", new, reason)


def _upsert(
    model: type[M],
    section: Mapping[str, Any],
    known: Mapping[str, M],
    column: str,
    new: Callable[[str, Any], M],
    reason: str,
) -> SectionCounts:
    changed = [row for code, row in known.items() if code in section and getattr(row, column) != section[code]]
    for code, value in section.items():
        if code in known:
            setattr(known[code], column, value)
    created = [new(code, value) for code, value in section.items() if code not in known]
    _update(model, changed, column, reason)
    _create(model, created, reason)
    return SectionCounts(len(created), len(changed), len(section) - len(created) - len(changed))


def _create(model: type[M], rows: list[M], reason: str) -> None:
    if rows:
        bulk_create_with_history(rows, model, batch_size=500, default_change_reason=reason)


def _update(model: type[M], rows: list[M], column: str, reason: str) -> None:
    if rows:
        bulk_update_with_history(rows, model, [column], batch_size=500, default_change_reason=reason)
