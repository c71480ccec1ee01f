"""REST: mappings, read by section and written in bulk by the function that ``loadmappings`` and the import use."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.idempotency import once
from integrations.api.paging import PageQuery, by_id
from integrations.api.problems import Fault, Problem
from integrations.api.schema import described, page_of
from integrations.api.views import ApiView, Strict, checked_body, checked_query
from integrations.models import ApiScope
from inventory.models import SkuMapping, WarehouseMapping

from ..flows.push_orders import release_mapped
from ..mapping_checks import check_mapping_file
from ..mapping_files import BadMappingFile, parse_mapping_file, save_mappings
from ..models import ShippingMapping, Store, StoreMapping

MOST_WARNINGS = 200
# Section: its table, and how a row is told as (code, id).
SECTIONS: dict[str, tuple[type[Model], Callable[[Any], tuple[str, str]]]] = {
    "stores": (StoreMapping, lambda row: (row.retailer_id, row.store.store_id)),
    "store_sids": (Store, lambda row: (row.store_id, row.sid)),
    "warehouses": (WarehouseMapping, lambda row: (row.dsco_code, row.wid)),
    "skus": (SkuMapping, lambda row: (row.dsco_sku, row.erp_sku)),
    "shipping": (ShippingMapping, lambda row: (f"{row.warehouse_code}|{row.service_level}", row.logistics_type_id)),
}


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
class CodesField(s.JSONField):
    """DSCO's codes on the left, LingXing's ids on the right. Checked by ``mapping_files``."""


class MappingsBody(Strict):
    """The file of ``loadmappings``; a section may be left out. What it does not name stays as it is."""

    stores = CodesField(required=False, help_text="retailer id → LingXing store_id")
    store_sids = CodesField(required=False, help_text="LingXing store_id → sid")
    warehouses = CodesField(required=False, help_text="DSCO warehouse code → wid")
    skus = CodesField(required=False, help_text="DSCO SKU → ERP SKU")
    shipping = CodesField(required=False, help_text="WAREHOUSE|SERVICE_LEVEL → logistics_type_id; * for any")
    dry_run = s.BooleanField(required=False, default=False, help_text="Check and count, but change nothing.")


class CountsShape(s.Serializer[Any]):
    """What was, or would be, done to a section."""

    created = s.IntegerField()
    updated = s.IntegerField()
    unchanged = s.IntegerField()


class SavedShape(s.Serializer[Any]):
    """What was done."""

    dry_run = s.BooleanField()
    stores = CountsShape()
    store_sids = CountsShape()
    warehouses = CountsShape()
    skus = CountsShape()
    shipping = CountsShape()
    released = s.IntegerField(help_text="Orders that waited for one of these mappings and go on now.")
    warnings = s.ListField(child=s.CharField(), help_text=f"What speaks against them; at most {MOST_WARNINGS}.")


class PairShape(s.Serializer[Any]):
    """One mapping."""

    code = s.CharField()
    id = s.CharField(allow_blank=True)


class Mappings(ApiView):
    """Mappings in bulk."""

    scope: ClassVar[str] = ApiScope.MAPPINGS

    @described(
        "Add and change mappings", SavedShape, body=MappingsBody,
        send={"skus": {"HP-LAMP-01": "LX-HP-LAMP-01"}, "warehouses": {"EAST": "50"}, "dry_run": True},
        example={
            "dry_run": True, "stores": {"created": 0, "updated": 0, "unchanged": 0},
            "store_sids": {"created": 0, "updated": 0, "unchanged": 0},
            "warehouses": {"created": 0, "updated": 0, "unchanged": 1},
            "skus": {"created": 1, "updated": 0, "unchanged": 0},
            "shipping": {"created": 0, "updated": 0, "unchanged": 0}, "released": 0, "warnings": [],
        },
    )  # fmt: skip
    @once
    def post(self, request: Request) -> Response:
        """All of it or nothing. Needs the permissions to add and change each kind that it names. Orders that waited for
        one of these mappings go on by themselves."""
        body = checked_body(request, MappingsBody)
        dry_run = body.pop("dry_run")
        self._require(body)
        try:
            file = parse_mapping_file(json.dumps(body))
        except BadMappingFile as bad:
            raise Problem("invalid_request", faults=[Fault("", text, "bad_mapping") for text in bad.problems]) from None
        reason = f"API: {self.request.auth}"[:100]
        counts = save_mappings(file, dry_run=dry_run, reason=reason)
        released = 0 if dry_run else release_mapped(timezone.now())
        warnings = [str(text) for text in check_mapping_file(file)[:MOST_WARNINGS]]
        return Response({"dry_run": dry_run, **counts, "released": released, "warnings": warnings})

    def _require(self, body: dict[str, Any]) -> None:
        for section in body:
            model, _pair = SECTIONS[section]
            name = f"{model._meta.app_label}.%s_{model._meta.model_name}"
            missing = [name % verb for verb in ("add", "change") if not self.user.has_perm(name % verb)]
            if missing:
                text = f"The user {self.actor} lacks the permission {missing[0]}, for “{section}”."
                raise Problem("forbidden", text, code="missing_permission")


class Section(ApiView):
    """Mappings of one section."""

    @described("Mappings of a section", page_of(PairShape), query=PageQuery, problems=["not_found"])
    def get(self, request: Request, section: str) -> Response:
        """`stores`, `store_sids`, `warehouses`, `skus` or `shipping`: DSCO's code and LingXing's id. A code may have
        several ids for stock. Needs the permission to view that kind of mapping."""
        query = checked_query(request, PageQuery)
        if section not in SECTIONS:
            raise Problem("not_found", f"Sections: {', '.join(SECTIONS)}.", code="unknown_section")
        model, pair = SECTIONS[section]
        permission = f"{model._meta.app_label}.view_{model._meta.model_name}"
        if not self.user.has_perm(permission):
            text = f"The user {self.actor} lacks the permission {permission}."
            raise Problem("forbidden", text, code="missing_permission")
        rows: QuerySet[Any] = model._default_manager.all()
        page, cursor = by_id(rows.select_related("store") if model is StoreMapping else rows, query)
        results = [dict(zip(("code", "id"), pair(row), strict=True)) for row in page]
        return Response({"results": results, "next_cursor": cursor})
