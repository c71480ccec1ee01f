"""REST: where orders come from (order sources), and how they can be shipped (shipping types)."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.paging import PageQuery, by_id
from integrations.api.schema import described, page_of
from integrations.api.views import ApiView, Nothing, checked_query
from integrations.models import LingXingEntry, ListName

from ..mappings import ANY
from ..models import ShippingMapping, StoreMapping
from ..retailers import known_retailers
from .shapes import words


class SourceShape(s.Serializer[Any]):
    """A retailer whose orders come through DSCO."""

    retailer_id = s.CharField()
    name = words()
    store_id = s.CharField(allow_null=True, help_text="LingXing store that its orders go to; null: not mapped.")
    store_name = words()


class SourcesShape(s.Serializer[Any]):
    """All order sources, by name."""

    results = SourceShape(many=True)


class OrderSources(ApiView):
    """Order sources."""

    to_read: ClassVar[str] = "orders.view_order"
    group: ClassVar[str] = "lists"

    @described("Order sources", SourcesShape)
    def get(self, request: Request) -> Response:
        """Every retailer that has an order or a policy, and the LingXing store that its orders are created in."""
        checked_query(request, Nothing)
        stores = {row.retailer_id: row.store for row in StoreMapping.objects.select_related("store")}
        ids = [store.store_id for store in stores.values()]
        in_lingxing = LingXingEntry.objects.filter(list=ListName.STORES, code__in=ids)
        names = dict(in_lingxing.values_list("code", "name"))
        results = [
            {
                "retailer_id": retailer_id, "name": name, "store_id": store.store_id if store else None,
                "store_name": (store.name or names.get(store.store_id, "")) if store else "",
            }
            for retailer_id, name in known_retailers().items()
            for store in (stores.get(retailer_id),)
        ]  # fmt: skip
        return Response({"results": results})


class MappedShape(s.Serializer[Any]):
    """A warehouse code and service level of DSCO that mean a shipping type; null: any."""

    warehouse_code = s.CharField(allow_null=True)
    service_level = s.CharField(allow_null=True)


class ShippingTypeShape(s.Serializer[Any]):
    """A LingXing shipping method."""

    logistics_type_id = s.CharField()
    name = words()
    warehouse_id = words("The overseas warehouse that it belongs to; empty: of no particular one.")
    in_use = s.BooleanField()
    mapped_from = MappedShape(many=True)


class ShippingTypes(ApiView):
    """Shipping types."""

    to_read: ClassVar[str] = "integrations.view_lingxingentry"
    group: ClassVar[str] = "lists"

    @described("Shipping types", page_of(ShippingTypeShape), query=PageQuery)
    def get(self, request: Request) -> Response:
        """LingXing's shipping methods as last read, and which of DSCO's codes are mapped to each."""
        query = checked_query(request, PageQuery)
        page, cursor = by_id(LingXingEntry.objects.filter(list=ListName.LOGISTICS_TYPES), query)
        mapped: dict[str, list[dict[str, Any]]] = {}
        for row in ShippingMapping.objects.filter(logistics_type_id__in=[one.code for one in page]).order_by("pk"):
            codes = {name: getattr(row, name) for name in ("warehouse_code", "service_level")}
            mapped.setdefault(row.logistics_type_id, []).append(
                {name: None if code == ANY else code for name, code in codes.items()}
            )
        results = [
            {
                "logistics_type_id": one.code, "name": one.name, "warehouse_id": one.owner, "in_use": one.usable,
                "mapped_from": mapped.get(one.code, []),
            }
            for one in page
        ]  # fmt: skip
        return Response({"results": results, "next_cursor": cursor})
