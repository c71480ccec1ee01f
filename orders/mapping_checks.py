"""What speaks against a store, store mapping or shipping mapping, and the same for a whole mapping file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _

from integrations.findings import Finding, Rules, Weight
from integrations.lingxing.checking import KnownIds
from integrations.models import ListName
from inventory.mapping_checks import check_sku_mappings, check_warehouse_mappings
from inventory.mappings import WarehouseBook

from .mapping_files import MappingFile
from .mappings import ANY
from .models import StoreMapping

NAMED = 5


def check_stores(rows: Sequence[Mapping[str, str]]) -> list[list[Finding]]:
    """Return the findings of each store (``store_id``)."""
    known = KnownIds(ListName.STORES, {row["store_id"] for row in rows})
    return [known.findings(row["store_id"], "store_id") for row in rows]


def check_store_mappings(rows: Sequence[Mapping[str, str]]) -> list[list[Finding]]:
    """Return the findings of each row (``retailer_id``, ``store_id``). Two retailers may share a store: it is said."""
    retailers: dict[str, set[str]] = defaultdict(set)
    stored = StoreMapping.objects.filter(store__store_id__in={row["store_id"] for row in rows})
    for retailer, store in stored.values_list("retailer_id", "store__store_id"):
        retailers[store].add(retailer)
    for row in rows:
        retailers[row["store_id"]].add(row["retailer_id"])
    checked = []
    for row, found in zip(rows, check_stores(rows), strict=True):
        others = sorted(retailers[row["store_id"]] - {row["retailer_id"]})
        if others:
            text = _("Store %(store)s also takes the orders of: %(retailers)s. That is allowed.")
            named = ", ".join(others[:NAMED]) + (" …" if len(others) > NAMED else "")
            found.append(Finding(Weight.NOTE, "store_id", text % {"store": row["store_id"], "retailers": named}))
        checked.append(found)
    return checked


def check_shipping_mappings(
    rows: Sequence[Mapping[str, str]], planned: Mapping[str, str] | None = None
) -> list[list[Finding]]:
    """Return the findings of each row (``warehouse_code``, ``service_level``, ``logistics_type_id``).

    planned: warehouse mappings (code → wid) that are saved together with them.
    """
    known = KnownIds(ListName.LOGISTICS_TYPES, {row["logistics_type_id"] for row in rows})
    warehouses = WarehouseBook.load()
    checked = []
    for row in rows:
        code, method = row["warehouse_code"], row["logistics_type_id"]
        found = known.findings(method, "logistics_type_id")
        wid = (warehouses.for_order(code) or (planned or {}).get(code)) if code != ANY else None
        if code != ANY and not wid:
            text = _(
                "Warehouse %(code)s has no warehouse mapping: no order can use this shipping mapping until there is"
                " one. Map the warehouse too."
            )
            found.append(Finding(Weight.CONFIRM, "warehouse_code", text % {"code": code}))
        owners = {entry.owner for entry in known.entries(method)} - {""}
        if wid and owners and wid not in owners:
            text = _(
                "Shipping method %(method)s belongs to LingXing warehouse %(theirs)s, but %(code)s means warehouse"
                " %(wid)s: LingXing may refuse orders with it."
            )
            named = {"method": known.name_of(method) or method, "theirs": ", ".join(sorted(owners))}
            found.append(Finding(Weight.CONFIRM, "logistics_type_id", text % {**named, "code": code, "wid": wid}))
        checked.append(found)
    return checked


STORE_RULES = Rules(check_stores, ("store_id",))
STORE_MAPPING_RULES = Rules(check_store_mappings, ("retailer_id", "store_id"), ("retailer_id", "store__store_id"))
SHIPPING_RULES = Rules(check_shipping_mappings, ("warehouse_code", "service_level", "logistics_type_id"))


def check_mapping_file(file: MappingFile) -> list[str]:
    """Return what speaks against a mapping file a sentence each. Looks only into the database."""
    shipping = []
    for key, method in file.shipping.items():
        code, _bar, level = key.partition("|")
        shipping.append({"warehouse_code": code, "service_level": level, "logistics_type_id": method})
    warehouses = [{"dsco_code": code, "wid": wid} for code, wid in file.warehouses.items()]
    stores = [{"retailer_id": retailer, "store_id": store} for retailer, store in file.stores.items()]
    skus = [{"dsco_sku": dsco, "erp_sku": erp} for dsco, erp in file.skus.items()]
    checked = [
        *check_store_mappings(stores), *check_warehouse_mappings(warehouses), *check_sku_mappings(skus),
        *check_shipping_mappings(shipping, file.warehouses),
    ]  # fmt: skip
    return list(dict.fromkeys(item.message for found in checked for item in found if item.weight is not Weight.NOTE))
