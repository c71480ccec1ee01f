"""Whether the mappings are there and point to what the vendors have: the checks of the pages, over all rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db.models import Model
from django.utils.translation import gettext as _

from integrations.dsco import DscoClient
from integrations.errors import VendorError
from integrations.findings import Finding as InputFinding
from inventory.mapping_checks import SKU_RULES, WAREHOUSE_RULES
from inventory.mappings import WarehouseBook
from inventory.models import SkuMapping, WarehouseMapping
from orders.mapping_checks import SHIPPING_RULES, STORE_MAPPING_RULES
from orders.models import ShippingMapping, StoreMapping
from orders.unmapped import SHIPPING, SKU, STOCK, STORE, WAREHOUSE, unmapped_codes

from .findings import Finding, from_input, note, ok, only_some, stops, warning
from .vendor_errors import refused

if TYPE_CHECKING:
    from .examination import Examination

CHUNK = 500
Check = Callable[[Sequence[Mapping[str, str]]], list[list[InputFinding]]]


def look(examination: Examination) -> Iterator[Finding]:
    """Look at tables that are empty, rows that point nowhere, codes that orders wait for, and DSCO's own lists."""
    yield from _empty_tables()
    for model, rules in (
        (StoreMapping, STORE_MAPPING_RULES),
        (WarehouseMapping, WAREHOUSE_RULES),
        (SkuMapping, SKU_RULES),
        (ShippingMapping, SHIPPING_RULES),
    ):
        yield from only_some(_rows(model, rules.columns, rules.stored or rules.columns, rules.check))
    yield from _wanted_codes()
    if not examination.offline:
        yield from _at_dsco(examination.sample)


def _empty_tables() -> Iterator[Finding]:
    load = _("Load a mapping file (manage.py loadmappings) or enter them under Mappings.")
    for model, lack in (
        (StoreMapping, _("There is no store mapping: no order can be created in LingXing.")),
        (SkuMapping, _("There is no SKU mapping: no order can be created in LingXing.")),
    ):
        if not model._default_manager.exists():
            yield stops(lack, load)
    if not WarehouseMapping.objects.exists():
        yield warning(_("There is no warehouse mapping: no stock is told to DSCO."), load)
    if not ShippingMapping.objects.exists():
        yield note(
            _("There is no shipping mapping: LingXing's own rules choose warehouse and method when it reviews."),
            _("That works; with the first shipping mapping every order that names a service level needs one."),
        )


def _rows(model: type[Model], columns: Sequence[str], stored: Sequence[str], check: Check) -> Iterator[Finding]:
    values = model._default_manager.order_by("pk").values_list("pk", *stored)
    rows: list[tuple[Any, ...]] = list(values)
    doubtful = False
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        asked = [{"pk": str(row[0])} | dict(zip(columns, map(str, row[1:]), strict=True)) for row in chunk]
        for row, found in zip(asked, check(asked), strict=True):
            for finding in from_input(" → ".join(row[column] for column in columns), found):
                doubtful = True
                yield finding
    if rows and not doubtful:
        named = {"number": len(rows), "name": model._meta.verbose_name_plural}
        yield ok(_("%(number)d rows of %(name)s: nothing speaks against them.") % named)


def _wanted_codes() -> Iterator[Finding]:
    words = {
        SKU: _("%(orders)d orders need SKU %(code)s, which has no SKU mapping."),
        WAREHOUSE: _("%(orders)d orders name warehouse %(code)s, which has no warehouse mapping."),
        STORE: _("%(orders)d orders are of retailer %(code)s, which has no store mapping."),
        SHIPPING: _("%(orders)d orders name shipping %(code)s, which has no shipping mapping."),
    }
    codes = unmapped_codes()
    do = _("Map it on the page “Codes without a mapping”: the orders then go by themselves.")
    for kind, text in words.items():
        yield from only_some(stops(text % {"orders": row.orders, "code": row.code}, do) for row in codes[kind].rows)
    if codes[STOCK].number:
        yield note(
            _("%(number)d ERP SKUs are in stock that no SKU mapping names: DSCO is not told of them.")
            % {"number": codes[STOCK].number},
            _("Map those that are for sale on the page “Codes without a mapping”."),
        )


def _at_dsco(sample: int) -> Iterator[Finding]:
    try:
        client = DscoClient.from_settings()
        codes = {str(row.get("code")) for page in client.warehouse_pages() for row in page}
        skus = list(SkuMapping.objects.filter(sync_stock=True).order_by("-id").values_list("dsco_sku", flat=True))
        looked_up = list(dict.fromkeys(skus))[:sample]
        unknown = [sku for sku in looked_up if client.get_inventory(sku) is None]
    except VendorError as error:
        yield refused("DSCO", _("warehouses and items"), error)
        return
    yield from only_some(
        warning(
            _("DSCO has no warehouse with the code %(code)s: stock for it will be refused.") % {"code": code},
            _("Correct the code in the warehouse mapping, or create the warehouse in DSCO's portal."),
        )
        for code in WarehouseBook.load().stock_codes()
        if code not in codes
    )
    for sku in unknown:
        yield warning(
            _("DSCO has no item with the SKU %(sku)s: its stock will be refused.") % {"sku": sku},
            _("Correct the SKU in the mapping, or create the item in DSCO's catalogue."),
        )
    if looked_up and not unknown:
        yield ok(_("DSCO knows the newest %(number)d mapped SKUs.") % {"number": len(looked_up)})
