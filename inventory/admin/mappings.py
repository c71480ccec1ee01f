"""Warehouse and SKU mappings."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, ClassVar

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from integrations.admin.base import ChoicesCheckboxFilter
from integrations.admin.mapping_forms import CheckedForm, SuggestWidget
from integrations.admin.mapping_imports import MappingResource, resource_meta
from integrations.admin.mappings import MappingAdmin
from integrations.findings import Finding
from integrations.models import ListName

from ..mapping_checks import SKU_RULES, WAREHOUSE_RULES, PlannedSku, second_mappings_for_orders
from ..models import SkuMapping, WarehouseMapping


class WarehouseMappingResource(MappingResource):
    rules = WAREHOUSE_RULES
    Meta = resource_meta(WarehouseMapping, ["dsco_code", "wid"], ["dsco_code", "wid", "stock_source", "sync_stock"])


class SkuMappingResource(MappingResource):
    rules = SKU_RULES
    Meta = resource_meta(
        SkuMapping,
        ["dsco_sku", "erp_sku"],
        ["dsco_sku", "erp_sku", "for_orders", "sync_stock", "stock_buffer", "stock_cap"],
    )

    def check_file(self, rows: list[dict[str, Any]]) -> dict[int, list[Finding]]:
        """Add what speaks against two mappings of a DSCO SKU for orders, as they would be after the whole file."""
        found = super().check_file(rows)
        for number, finding in second_mappings_for_orders(self._plans(rows)).items():
            found.setdefault(number, []).append(finding)
        return found

    def _plans(self, rows: list[dict[str, Any]]) -> dict[int, PlannedSku]:
        """Return what the readable rows want, by number."""
        plans = {}
        for number, row in enumerate(rows, start=1):
            with suppress(ValueError):  # an unreadable cell is told with its row
                dsco_sku, erp_sku = (self.fields[name].clean(row) for name in ("dsco_sku", "erp_sku"))
                answer = self.fields["for_orders"].clean(row) if "for_orders" in row else None
                plans[number] = PlannedSku(dsco_sku, erp_sku, answer)
        return plans

    def in_turn(self, changed: list[SkuMapping]) -> list[list[SkuMapping]]:
        """A mapping gives the orders up before another one of its DSCO SKU takes them."""
        return [[row for row in changed if not row.for_orders], [row for row in changed if row.for_orders]]


class WarehouseMappingForm(CheckedForm):
    rules = WAREHOUSE_RULES

    class Meta:
        widgets: ClassVar = {"wid": SuggestWidget(ListName.WAREHOUSES)}
        help_texts: ClassVar = {
            "stock_source": _("Which of LingXing's figures counts as the stock of this warehouse."),
            "sync_stock": _("The stock of this warehouse counts in what DSCO is told."),
        }


class SkuMappingForm(CheckedForm):
    rules = SKU_RULES

    class Meta:
        widgets: ClassVar = {"erp_sku": SuggestWidget(ListName.PAIRS)}
        help_texts: ClassVar = {
            "for_orders": _("Orders for this DSCO SKU get this ERP SKU. Only one mapping of a DSCO SKU can be used."),
            "sync_stock": _("The stock of this ERP SKU counts in what DSCO is told."),
            "stock_buffer": _("Units that are kept back: DSCO is told so many fewer."),
            "stock_cap": _("DSCO is never told more than this. Empty: no limit."),
        }


@admin.register(WarehouseMapping)
class WarehouseMappingAdmin(MappingAdmin):
    """Which LingXing warehouse a DSCO code means."""

    form = WarehouseMappingForm
    resource_classes = (WarehouseMappingResource,)
    list_display = ("dsco_code", "wid", "stock_source", "sync_stock")
    list_editable = ("stock_source", "sync_stock")
    list_filter = (("stock_source", ChoicesCheckboxFilter), "sync_stock")
    search_fields = ("dsco_code", "wid")


@admin.register(SkuMapping)
class SkuMappingAdmin(MappingAdmin):
    """Which ERP SKU a DSCO SKU means."""

    form = SkuMappingForm
    resource_classes = (SkuMappingResource,)
    list_display = ("dsco_sku", "erp_sku", "for_orders", "sync_stock", "stock_buffer", "stock_cap")
    list_editable = ("for_orders", "sync_stock", "stock_buffer", "stock_cap")
    list_filter = ("for_orders", "sync_stock")
    search_fields = ("dsco_sku", "erp_sku")
