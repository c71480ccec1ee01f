"""Mapping several unmapped codes at once: the rows that are checked, and the saving."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

from django.db import transaction
from django.db.models import Model
from simple_history.utils import bulk_create_with_history

from integrations.findings import Check, Finding
from inventory.mapping_checks import check_sku_mappings, check_warehouse_mappings
from inventory.models import SkuMapping, WarehouseMapping

from .mapping_checks import check_shipping_mappings, check_store_mappings
from .mapping_files import parse_mapping_file, save_mappings
from .models import ShippingMapping, StoreMapping
from .unmapped import SHIPPING, SKU, STOCK, STORE, WAREHOUSE

# Code → target, as a person or a proposal gives it.
Answers = Mapping[str, str]

MODELS: Final[dict[str, type[Model]]] = {
    SKU: SkuMapping, WAREHOUSE: WarehouseMapping, STORE: StoreMapping, SHIPPING: ShippingMapping, STOCK: SkuMapping,
}  # fmt: skip
_SECTIONS: Final = {SKU: "skus", WAREHOUSE: "warehouses", STORE: "stores", SHIPPING: "shipping"}


def _shipping_row(code: str, target: str) -> dict[str, str]:
    warehouse, _bar, level = code.partition("|")
    return {"warehouse_code": warehouse, "service_level": level, "logistics_type_id": target}


_ROWS: Final[dict[str, tuple[Check, Callable[[str, str], dict[str, str]]]]] = {
    SKU: (check_sku_mappings, lambda code, target: {"dsco_sku": code, "erp_sku": target}),
    WAREHOUSE: (check_warehouse_mappings, lambda code, target: {"dsco_code": code, "wid": target}),
    STORE: (check_store_mappings, lambda code, target: {"retailer_id": code, "store_id": target}),
    SHIPPING: (check_shipping_mappings, _shipping_row),
    STOCK: (check_sku_mappings, lambda code, target: {"dsco_sku": target, "erp_sku": code}),
}


def check_answers(kind: str, answers: Answers) -> dict[str, list[Finding]]:
    """Return what speaks against each answer, by code; codes without findings are not in it.

    Raises BadMappingFile with a sentence for each target that can be none at all (too long).
    """
    check, row_of = _ROWS[kind]
    parse_mapping_file(_document(kind, answers))
    rows = [row_of(code, target) for code, target in answers.items()]
    return {code: found for code, found in zip(answers, check(rows), strict=True) if found}


def save_answers(kind: str, answers: Answers, reason: str) -> int:
    """Save the mappings; return how many are new or changed. Raises BadMappingFile; then nothing was saved."""
    file = parse_mapping_file(_document(kind, answers))
    if kind == STOCK:
        return _save_stock(answers, reason)
    counts = save_mappings(file, reason=reason)[_SECTIONS[kind]]
    return counts["created"] + counts["updated"]


@transaction.atomic
def _save_stock(answers: Answers, reason: str) -> int:
    """Add a mapping for each ERP SKU; orders go on using the mapping that a DSCO SKU has already."""
    pairs = [(target, code) for code, target in answers.items()]
    wanted = SkuMapping.objects.filter(dsco_sku__in={dsco for dsco, _erp in pairs})
    stored = set(wanted.values_list("dsco_sku", "erp_sku"))
    taken = set(wanted.filter(for_orders=True).values_list("dsco_sku", flat=True))
    rows = []
    for dsco, erp in pairs:
        if (dsco, erp) not in stored:
            rows.append(SkuMapping(dsco_sku=dsco, erp_sku=erp, for_orders=dsco not in taken))
            taken.add(dsco)
    if rows:
        bulk_create_with_history(rows, SkuMapping, batch_size=500, default_change_reason=reason)
    return len(rows)


def _document(kind: str, answers: Answers) -> str:
    if kind == STOCK:
        return json.dumps({"skus": {target: code for code, target in answers.items()}})
    return json.dumps({_SECTIONS[kind]: dict(answers)})
