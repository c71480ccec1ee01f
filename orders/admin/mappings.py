"""Stores, store mappings and shipping mappings."""

from __future__ import annotations

from django.contrib import admin
from import_export import fields, widgets

from integrations.admin.mappings import MappingAdmin, MappingResource, resource_meta

from ..models import ShippingMapping, Store, StoreMapping


class StoreResource(MappingResource):
    Meta = resource_meta(Store, ["store_id"], ["store_id", "sid", "name"])


class StoreMappingResource(MappingResource):
    """The store is named by its LingXing id."""

    store_id = fields.Field(
        column_name="store_id", attribute="store", widget=widgets.ForeignKeyWidget(Store, "store_id")
    )
    Meta = resource_meta(StoreMapping, ["retailer_id"], ["retailer_id", "store_id"])


class ShippingMappingResource(MappingResource):
    Meta = resource_meta(
        ShippingMapping,
        ["warehouse_code", "service_level"],
        [
            "warehouse_code", "service_level", "logistics_type_id", "report_carrier", "report_method",
            "report_service_level",
        ],
    )  # fmt: skip


@admin.register(Store)
class StoreAdmin(MappingAdmin):
    """LingXing's stores."""

    resource_classes = (StoreResource,)
    list_display = ("store_id", "name", "sid")
    search_fields = ("store_id", "sid", "name")


@admin.register(StoreMapping)
class StoreMappingAdmin(MappingAdmin):
    """Which store a retailer's orders go to."""

    resource_classes = (StoreMappingResource,)
    list_display = ("retailer_id", "store")
    list_editable = ("store",)
    list_select_related = ("store",)
    search_fields = ("retailer_id", "store__store_id", "store__name")


@admin.register(ShippingMapping)
class ShippingMappingAdmin(MappingAdmin):
    """Which shipping method a warehouse and service level mean."""

    resource_classes = (ShippingMappingResource,)
    list_display = ("warehouse_code", "service_level", "logistics_type_id", "report_carrier", "report_method")
    list_editable = ("logistics_type_id", "report_carrier", "report_method")
    list_display_links = ("warehouse_code", "service_level")
    search_fields = ("warehouse_code", "service_level", "logistics_type_id")
