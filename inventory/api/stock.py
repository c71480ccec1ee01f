"""REST: stock as LingXing shows it, what DSCO was told of it, and telling DSCO now."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Q
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.idempotency import once
from integrations.api.paging import PageQuery, by_id
from integrations.api.problems import Fault, Problem, not_possible
from integrations.api.schema import described, page_of
from integrations.api.views import ApiView, Strict, checked_body, checked_query
from integrations.models import ApiScope
from integrations.sentences import told

from ..by_hand import (
    MOST_ITEMS,
    ItemFigures,
    computed,
    figures_of,
    not_synchronised,
    stale_because,
    tell_dsco,
)
from ..figures import DIFFERS
from ..mappings import WarehouseBook
from ..models import StockItem, StockLevel
from ..targets import Quantities

LARGEST = 2_147_483_647
DIFFERENCE = {
    "dsco_sku": "HP-LAMP-01", "target": {"EAST": 7, "WEST": 100}, "confirmed": {"EAST": 9, "WEST": 100},
    "changes": {"EAST": -2}, "differs": True, "confirmed_at": "2026-03-01T08:10:00Z",
}  # fmt: skip
DIFFERENCES = {"results": [{**DIFFERENCE, "computed_at": "2026-03-01T08:20:00Z"}], "next_cursor": None}
SYNCED = {"dry_run": True, "items": [DIFFERENCE], "sending": [], "remarks": []}


@extend_schema_field({"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}})
class QuantitiesField(s.JSONField):
    """Units by DSCO warehouse code."""


@extend_schema_field({"type": "object", "additionalProperties": {"type": "integer"}})
class ChangesField(s.JSONField):
    """Changes of units by DSCO warehouse code."""


class LevelShape(s.Serializer[Any]):
    """Stock of an ERP SKU in an ERP warehouse as last read."""

    warehouse_id = s.CharField()
    erp_sku = s.CharField()
    available = s.IntegerField()
    locked = s.IntegerField()
    total = s.IntegerField()
    third_party_sellable = s.IntegerField(allow_null=True)
    read_at = s.DateTimeField()


class LevelsQuery(PageQuery):
    """Which levels."""

    warehouse_id = s.CharField(required=False, max_length=40, help_text="LingXing's wid.")
    warehouse_code = s.CharField(required=False, max_length=120, help_text="DSCO's code: the warehouses mapped to it.")
    erp_sku = s.CharField(required=False, max_length=200)
    read_since = s.DateTimeField(required=False)
    read_until = s.DateTimeField(required=False, help_text="Excluded.")


class Levels(ApiView):
    """Stock levels."""

    to_read: ClassVar[str] = "inventory.view_stocklevel"

    @described("Stock levels", page_of(LevelShape), query=LevelsQuery)
    def get(self, request: Request) -> Response:
        """LingXing's stock as last read in full, by warehouse, SKU and time of the read."""
        query = checked_query(request, LevelsQuery)
        rows = StockLevel.objects.all()
        if "warehouse_code" in query:
            wids = [mapping.wid for mapping in WarehouseBook.load().for_stock(query["warehouse_code"])]
            rows = rows.filter(wid__in=wids)
        columns = {
            "warehouse_id": "wid",
            "erp_sku": "erp_sku",
            "read_since": "read_at__gte",
            "read_until": "read_at__lt",
        }
        rows = rows.filter(**{column: query[name] for name, column in columns.items() if name in query})
        page, cursor = by_id(rows, query)
        names = ("erp_sku", "available", "locked", "total", "third_party_sellable", "read_at")
        results = [{"warehouse_id": row.wid, **{name: getattr(row, name) for name in names}} for row in page]
        return Response({"results": results, "next_cursor": cursor})


class DifferenceShape(s.Serializer[Any]):
    """What an item should show at DSCO, and what DSCO last confirmed."""

    dsco_sku = s.CharField()
    target = QuantitiesField(allow_null=True, help_text="null: a figure is unknown.")
    confirmed = QuantitiesField()
    changes = ChangesField(help_text="By how much each warehouse's figure is to change; only warehouses that differ.")
    differs = s.BooleanField()
    confirmed_at = s.DateTimeField(allow_null=True, help_text="null: nobody knows what DSCO shows.")


class DatedShape(DifferenceShape):
    """A difference, and when the target was computed."""

    computed_at = s.DateTimeField(allow_null=True)


class DifferencesQuery(PageQuery):
    """Which items."""

    dsco_sku = s.CharField(required=False, max_length=200)
    warehouse_code = s.CharField(required=False, max_length=120, help_text="Only items that differ in this warehouse.")
    computed_since = s.DateTimeField(required=False)
    computed_until = s.DateTimeField(required=False, help_text="Excluded.")
    all = s.BooleanField(required=False, default=False, help_text="Also items without a difference.")


class Differences(ApiView):
    """Differences between DSCO's figures and what they should be."""

    to_read: ClassVar[str] = "inventory.view_stockitem"

    @described("Stock differences", page_of(DatedShape), example=DIFFERENCES, query=DifferencesQuery)
    def get(self, request: Request) -> Response:
        """Items of which DSCO shows, as far as it confirmed, another figure than the last computed target. With
        `warehouse_code` a page may hold fewer items than `limit`; go on while there is a cursor."""
        query = checked_query(request, DifferencesQuery)
        rows = StockItem.objects.all()
        if not query["all"]:
            rows = rows.filter(DIFFERS | (Q(confirmed_at=None) & ~Q(target={})))
        columns = {"dsco_sku": "dsco_sku", "computed_since": "target_at__gte", "computed_until": "target_at__lt"}
        rows = rows.filter(**{column: query[name] for name, column in columns.items() if name in query})
        page, cursor = by_id(rows, query)
        results = []
        for row in page:
            item = ItemFigures(row.dsco_sku, row.target or None, row.confirmed, row.confirmed_at)
            if "warehouse_code" in query and not query["all"] and query["warehouse_code"] not in item.changes:
                continue
            results.append(_figures(item) | {"computed_at": row.target_at})
        return Response({"results": results, "next_cursor": cursor})


class ByWarehouse(Strict):
    """An item's quantities in all DSCO warehouses that stock is reported for."""

    dsco_sku = s.CharField(max_length=200)
    quantities = s.DictField(child=s.IntegerField(min_value=0, max_value=LARGEST), allow_empty=False)


class SyncBody(Strict):
    """Which items: by their SKUs (computed), or with given quantities. One of the two."""

    skus = s.ListField(
        child=s.CharField(max_length=200), required=False, allow_empty=False, max_length=MOST_ITEMS,
        help_text="DSCO SKUs, told as computed from the stock as last read.",
    )  # fmt: skip
    items = s.ListField(
        child=ByWarehouse(), required=False, allow_empty=False, max_length=MOST_ITEMS,
        help_text="DSCO SKUs with quantities; they hold until the next synchronisation.",
    )  # fmt: skip
    dry_run = s.BooleanField(required=False, default=True, help_text="Only show what DSCO would be told.")
    approve_zero = s.BooleanField(required=False, default=False, help_text="Very many zeros at once are right.")


class SyncedShape(s.Serializer[Any]):
    """What is, or would be, told to DSCO."""

    dry_run = s.BooleanField()
    items = DifferenceShape(many=True)
    sending = s.ListField(child=s.CharField(), help_text="DSCO SKUs that the workers tell DSCO now.")
    remarks = s.ListField(child=s.CharField())


class Sync(ApiView):
    """Telling DSCO the stock of certain items."""

    to_write: ClassVar[str] = "integrations.run_flow"
    scope: ClassVar[str] = ApiScope.STOCK

    @described(
        "Synchronise the stock of certain items", SyncedShape, example=SYNCED,
        body=SyncBody, problems=["already_running"],
        refusals=["stale", "stock_drop", "flow_paused"], send={"skus": ["HP-LAMP-01"], "dry_run": True},
    )  # fmt: skip
    @once
    def post(self, request: Request) -> Response:
        """A dry run unless `dry_run` is false; at most 1,000 items; refused while the flow `sync_inventory` runs. Only
        figures that differ from what DSCO last confirmed are sent, by the flow's own deliveries."""
        body = checked_body(request, SyncBody)
        now = timezone.now()
        wanted, remarks = self._wanted(body), []
        if "skus" in body and (stale := stale_because(now)):
            if not body["dry_run"]:
                raise Problem("not_possible", stale, code="stale")
            remarks.append(told(stale))
        remarks += [
            f"{sku}: a figure of its stock is unknown; it is left out." for sku, one in wanted.items() if one is None
        ]
        figures = figures_of(wanted)
        sending: list[str] = []
        if not body["dry_run"]:
            with not_possible():
                sending = list(tell_dsco(wanted, self.actor, now, approved=body["approve_zero"]))
        items = [_figures(item) for item in figures]
        return Response({"dry_run": body["dry_run"], "items": items, "sending": sending, "remarks": remarks})

    def _wanted(self, body: dict[str, Any]) -> dict[str, Quantities | None]:
        if ("skus" in body) == ("items" in body):
            text = "Name either skus or items."
            raise Problem("invalid_request", text, faults=[Fault("/skus", text), Fault("/items", text)])
        given = [item["dsco_sku"] for item in body.get("items", ())]
        names: list[str] = body.get("skus", given)
        where = "/skus/{}" if "skus" in body else "/items/{}/dsco_sku"
        unknown = set(not_synchronised(names))
        faults = [
            Fault(where.format(index), f"{sku} has no SKU mapping with stock synchronisation.", "unknown_sku")
            for index, sku in enumerate(names) if sku in unknown
        ]  # fmt: skip
        faults += [
            Fault(where.format(index), f"{sku} stands twice.", "sku_twice")
            for index, sku in enumerate(names) if sku in names[:index]
        ] if len(set(names)) < len(names) else []  # fmt: skip
        if "items" in body:
            faults += list(_warehouse_faults(body["items"]))
        if faults:
            raise Problem("invalid_request", faults=faults)
        return computed(names) if "skus" in body else {item["dsco_sku"]: item["quantities"] for item in body["items"]}


def _warehouse_faults(items: list[dict[str, Any]]) -> list[Fault]:
    codes = set(WarehouseBook.load().stock_codes())
    return [
        Fault(
            f"/items/{index}/quantities",
            f"Name each warehouse that stock is reported for, and no other: {', '.join(sorted(codes)) or '(none)'}.",
            "warehouses",
        )
        for index, item in enumerate(items)
        if set(item["quantities"]) != codes
    ]


def _figures(item: ItemFigures) -> dict[str, Any]:
    names = ("dsco_sku", "target", "confirmed", "changes", "differs", "confirmed_at")
    return {name: getattr(item, name) for name in names}
