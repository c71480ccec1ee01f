"""Warehouse and SKU mappings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from integrations.admin.base import ChoicesCheckboxFilter, display
from integrations.admin.lingxing_names import named, read_names
from integrations.admin.mapping_forms import CheckedForm, SuggestWidget
from integrations.admin.mapping_imports import CHUNK, MappingResource, resource_meta
from integrations.admin.mappings import MappingAdmin
from integrations.findings import Finding, Weight
from integrations.models import ListName

from ..mapping_checks import SKU_RULES, WAREHOUSE_RULES, PlannedSku, second_mappings_for_orders
from ..models import SkuMapping, WarehouseMapping
from ..removal_checks import sku_consequences, warehouse_consequences

Consequences = Callable[[Sequence[int], Sequence[Any]], list[str]]


class StockResource(MappingResource):
    """A file that takes mappings out of stock says in its preview what DSCO is told then."""

    consequences: ClassVar[Consequences]

    def check_file(self, rows: list[dict[str, Any]]) -> dict[int, list[Finding]]:
        """Add what becomes of the stock when the file takes ticks away, all of them together."""
        found = super().check_file(rows)
        taken_out = self._taken_out(rows)
        for finding in _findings(type(self).consequences([], list(taken_out.values()))) if taken_out else ():
            for number in taken_out:
                found.setdefault(number, []).append(finding)
        return found

    def _taken_out(self, rows: list[dict[str, Any]]) -> dict[int, Any]:
        """Return the stored mappings that lose their tick, as they are then, by the number of their row."""
        key = self.get_import_id_fields()
        wanted = {}
        for number, row in enumerate(rows, start=1):
            with suppress(ValueError, KeyError):  # an unreadable cell is told with its row
                if self.fields["sync_stock"].clean(row) is False:
                    wanted[tuple(self.fields[name].clean(row) for name in key)] = number
        codes = sorted({values[0] for values in wanted})
        found = {}
        for start in range(0, len(codes), CHUNK):
            chunk = {f"{key[0]}__in": codes[start : start + CHUNK], "sync_stock": True}
            for stored in self._meta.model._default_manager.filter(**chunk):
                values = tuple(getattr(stored, name) for name in key)
                if values in wanted:
                    stored.sync_stock = False
                    found[wanted[values]] = stored
        return found


class StockForm(CheckedForm):
    """A mapping that is taken out of stock, or gets another code, must be confirmed where DSCO sells from it."""

    consequences: ClassVar[Consequences]

    def findings(self) -> list[Finding]:
        """Add what becomes of the stock."""
        found = super().findings()
        if not self.instance._state.adding and {"sync_stock", "dsco_code", "dsco_sku"} & set(self.changed_data):
            row = type(self.instance)(pk=self.instance.pk, **self.cleaned_data)
            found += _findings(type(self).consequences([], [row]))
        return found


class StockMappingAdmin(MappingAdmin):
    """Mappings by which stock is told to DSCO."""

    consequences: ClassVar[Consequences]

    def get_deleted_objects(self, objs: Sequence[Any] | QuerySet[Any], request: HttpRequest) -> Any:
        """Say on the page that asks for confirmation what DSCO is told when they are deleted."""
        if not request.POST.get("post"):
            for sentence in type(self).consequences([row.pk for row in objs], []):
                messages.warning(request, sentence)
        return super().get_deleted_objects(objs, request)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Say it of what was changed in the list, where nobody was asked before."""
        asked = isinstance(form, CheckedForm)
        sentences = [] if asked or "sync_stock" not in form.changed_data else type(self).consequences([], [obj])
        super().save_model(request, obj, form, change)
        for sentence in sentences:
            messages.warning(request, sentence)


def _findings(sentences: Iterable[str]) -> list[Finding]:
    return [Finding(Weight.CONFIRM, "sync_stock", sentence) for sentence in sentences]


class WarehouseMappingResource(StockResource):
    rules = WAREHOUSE_RULES
    consequences = staticmethod(warehouse_consequences)
    Meta = resource_meta(WarehouseMapping, ["dsco_code", "wid"], ["dsco_code", "wid", "stock_source", "sync_stock"])


class SkuMappingResource(StockResource):
    rules = SKU_RULES
    consequences = staticmethod(sku_consequences)
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


class WarehouseMappingForm(StockForm):
    rules = WAREHOUSE_RULES
    consequences = staticmethod(warehouse_consequences)

    class Meta:
        widgets: ClassVar = {"wid": SuggestWidget(ListName.WAREHOUSES)}
        help_texts: ClassVar = {
            "stock_source": _("Which of LingXing's figures counts as the stock of this warehouse."),
            "sync_stock": _("The stock of this warehouse counts in what DSCO is told. Without it DSCO is told 0."),
        }


class SkuMappingForm(StockForm):
    rules = SKU_RULES
    consequences = staticmethod(sku_consequences)

    class Meta:
        widgets: ClassVar = {"erp_sku": SuggestWidget(ListName.PAIRS)}
        help_texts: ClassVar = {
            "for_orders": _("Orders for this DSCO SKU get this ERP SKU. Only one mapping of a DSCO SKU can be used."),
            "sync_stock": _(
                "The stock of this ERP SKU counts in what DSCO is told. Without it DSCO keeps the last figure."
            ),
            "stock_buffer": _("Units that are kept back: DSCO is told so many fewer."),
            "stock_cap": _("DSCO is never told more than this. Empty: no limit."),
        }


@admin.register(WarehouseMapping)
class WarehouseMappingAdmin(StockMappingAdmin):
    """Which LingXing warehouse a DSCO code means."""

    consequences = staticmethod(warehouse_consequences)
    form = WarehouseMappingForm
    resource_classes = (WarehouseMappingResource,)
    list_display = ("dsco_code", "its_warehouse", "stock_source", "sync_stock")
    list_editable = ("stock_source", "sync_stock")
    list_filter = (("stock_source", ChoicesCheckboxFilter), "sync_stock")
    search_fields = ("dsco_code", "wid")

    def prepare_page(self, request: HttpRequest, rows: list[Any]) -> None:
        """Read LingXing's names of the warehouses."""
        read_names(rows, {"wid": ListName.WAREHOUSES})

    @display(description=_("LingXing warehouse"), ordering="wid")
    def its_warehouse(self, row: WarehouseMapping) -> SafeString | str:
        """The warehouse by its name, with its id."""
        return named(row, "wid")


@admin.register(SkuMapping)
class SkuMappingAdmin(StockMappingAdmin):
    """Which ERP SKU a DSCO SKU means."""

    consequences = staticmethod(sku_consequences)
    form = SkuMappingForm
    resource_classes = (SkuMappingResource,)
    list_display = ("dsco_sku", "erp_sku", "for_orders", "sync_stock", "stock_buffer", "stock_cap")
    list_editable = ("for_orders", "sync_stock", "stock_buffer", "stock_cap")
    list_filter = ("for_orders", "sync_stock")
    search_fields = ("dsco_sku", "erp_sku")
