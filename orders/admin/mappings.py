"""Stores, store mappings and shipping mappings."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar

import tablib
from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from import_export import fields, widgets

from integrations.admin import words
from integrations.admin.base import display
from integrations.admin.lingxing_names import named, read_names
from integrations.admin.mapping_forms import CheckedForm, SuggestWidget
from integrations.admin.mapping_imports import CodeWidget, MappingResource, resource_meta
from integrations.admin.mappings import MappingAdmin
from integrations.models import ListName
from integrations.recent import recent

from ..mapping_checks import SHIPPING_RULES, STORE_MAPPING_RULES, STORE_RULES
from ..mapping_files import ensure_stores
from ..models import ShippingMapping, Store, StoreMapping
from ..retailers import known_retailers
from .filters import RETAILERS_SECONDS


class StoreResource(MappingResource):
    rules = STORE_RULES
    Meta = resource_meta(Store, ["store_id"], ["store_id", "sid", "name"])


class StoreWidget(widgets.ForeignKeyWidget):  # type: ignore[misc]
    """A store named by its LingXing id; ``stores`` has those that the file names."""

    stores: Mapping[str, Store] = {}

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Store | None:
        """Return the store; raises ValueError for an empty cell and for an id that Excel has rounded."""
        store_id = CodeWidget().clean(value)
        if not store_id:
            raise ValueError(StoreMapping._meta.get_field("store").error_messages["blank"])
        return self.stores[store_id]


class StoreMappingResource(MappingResource):
    """The store is named by its LingXing id; one that we don't have yet is made."""

    rules = STORE_MAPPING_RULES
    store_id = fields.Field(column_name="store_id", attribute="store", widget=StoreWidget(Store, "store_id"))
    Meta = resource_meta(StoreMapping, ["retailer_id"], ["retailer_id", "store_id"])

    def get_queryset(self) -> QuerySet[StoreMapping]:
        """Return the mappings with their stores."""
        return StoreMapping.objects.select_related("store")

    def before_import(self, dataset: tablib.Dataset, **kwargs: Any) -> None:
        """Find or make all stores of the file at once."""
        super().before_import(dataset, **kwargs)
        named = set()
        for row in dataset.dict:
            with suppress(ValueError):  # an unreadable id is told with its row
                named.add(CodeWidget().clean(row.get("store_id")))
        self.fields["store_id"].widget.stores = ensure_stores(named - {""}, "import")


class ShippingMappingResource(MappingResource):
    rules = SHIPPING_RULES
    Meta = resource_meta(
        ShippingMapping,
        ["warehouse_code", "service_level"],
        [
            "warehouse_code", "service_level", "logistics_type_id", "report_carrier", "report_method",
            "report_service_level",
        ],
    )  # fmt: skip


class StoreForm(CheckedForm):
    rules = STORE_RULES

    class Meta:
        widgets: ClassVar = {"store_id": SuggestWidget(ListName.STORES)}


class StoreMappingForm(CheckedForm):
    """The store is chosen by its LingXing id; one that we don't have yet is made."""

    rules = STORE_MAPPING_RULES
    store_id = forms.CharField(label=_("LingXing store id"), max_length=40, widget=SuggestWidget(ListName.STORES))

    class Meta:
        model = StoreMapping
        fields = ("retailer_id",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["store_id"] = self.instance.store.store_id


class ShippingMappingForm(CheckedForm):
    rules = SHIPPING_RULES

    class Meta:
        widgets: ClassVar = {"logistics_type_id": SuggestWidget(ListName.LOGISTICS_TYPES)}


@admin.register(Store)
class StoreAdmin(MappingAdmin):
    """LingXing's stores."""

    form = StoreForm
    resource_classes = (StoreResource,)
    list_display = ("store_id", "name", "sid")
    search_fields = ("store_id", "sid", "name")


@admin.register(StoreMapping)
class StoreMappingAdmin(MappingAdmin):
    """Which store a retailer's orders go to."""

    form = StoreMappingForm
    fields = ("retailer_id", "store_id")
    resource_classes = (StoreMappingResource,)
    list_display = ("retailer", "its_store")
    list_select_related = ("store",)
    search_fields = ("retailer_id", "store__store_id", "store__name")

    def prepare_page(self, request: HttpRequest, rows: list[Any]) -> None:
        """Read our names of the retailers and LingXing's of the stores."""
        read_names([row.store for row in rows], {"store_id": ListName.STORES})
        names = recent("retailers", RETAILERS_SECONDS, known_retailers)
        for row in rows:
            row.retailer_name = names.get(row.retailer_id, "")

    @display(description=_("retailer"), ordering="retailer_id")
    def retailer(self, row: Any) -> SafeString | str:
        """The retailer by name, where orders or a policy give one, with the id."""
        return words.named(row.retailer_id, row.retailer_name)

    @display(description=_("store"), ordering="store__store_id")
    def its_store(self, row: StoreMapping) -> SafeString | str:
        """The store by our name or LingXing's, with its id."""
        return words.named(row.store.store_id, row.store.name) if row.store.name else named(row.store, "store_id")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Put the chosen store in."""
        store_id = form.cleaned_data["store_id"]
        obj.store = ensure_stores([store_id], "")[store_id]
        super().save_model(request, obj, form, change)


@admin.register(ShippingMapping)
class ShippingMappingAdmin(MappingAdmin):
    """Which shipping method a warehouse and service level mean."""

    form = ShippingMappingForm
    resource_classes = (ShippingMappingResource,)
    list_display = ("warehouse_code", "service_level", "its_method", "report_carrier", "report_method")
    list_editable = ("report_carrier", "report_method")
    list_display_links = ("warehouse_code", "service_level")
    search_fields = ("warehouse_code", "service_level", "logistics_type_id")

    def prepare_page(self, request: HttpRequest, rows: list[Any]) -> None:
        """Read LingXing's names of the methods."""
        read_names(rows, {"logistics_type_id": ListName.LOGISTICS_TYPES})

    @display(description=_("shipping method"), ordering="logistics_type_id")
    def its_method(self, row: ShippingMapping) -> SafeString | str:
        """The shipping method by its name, with its id."""
        return named(row, "logistics_type_id")
