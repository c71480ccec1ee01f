"""Codes that orders or stock need and that nobody has mapped, counted by the database.

The database groups the open pushes by code; which code is mapped is asked of ``MappingBook``, as everywhere. Of SKUs,
which may be very many, the database leaves out the mapped ones and hands over the most wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import (
    Case,
    CharField,
    Count,
    Exists,
    F,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Concat, Greatest, NullIf, Trim

from integrations.deliveries.states import State
from inventory.mappings import SkuBook
from inventory.models import SkuMapping, StockLevel

from .mappings import MappingBook, UnmappedCode
from .models import ErpPush, Order, OrderLine

SKU, WAREHOUSE, STORE, SHIPPING, STOCK = "sku", "warehouse", "store", "shipping", "stock"
KINDS: Final = (SKU, WAREHOUSE, STORE, SHIPPING, STOCK)
# What an order that waits for its mapping is parked for; those that wait for something else need it later.
PARKED = Q(status=State.NEEDS_ATTENTION, reason_code__startswith="unmapped_")
NEEDED = PARKED | Q(status__in=[State.WAITING, State.DUE])
# Of each kind so many are listed; who has mapped these sees the next.
MOST_LISTED = 1_000


@dataclass(frozen=True, slots=True)
class UnmappedRow:
    """A code without mapping, and who needs it. ``parked``: orders that need a person for a missing mapping.

    Of stock ``units`` are in stock in LingXing and ``code`` is the ERP SKU; nothing waits for it.
    """

    kind: str
    code: str
    orders: int = 0
    parked: int = 0
    lines: int = 0
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    deadline: datetime | None = None
    example: int | None = None
    retailer: str = ""
    retailers: int = 0
    units: int = 0


@dataclass(slots=True)
class UnmappedRows:
    """The most wanted codes of a kind, at most MOST_LISTED, and how many there are in all."""

    rows: list[UnmappedRow]
    number: int


def unmapped_codes() -> dict[str, UnmappedRows]:
    """Return the codes without mapping by kind, most wanted first: few queries, however many orders wait."""
    places, retailers = _groups_of_places(), _groups_of_retailers()
    book = MappingBook.load_for({row["code"] for row in retailers}, ())
    missing = [(row, book.shipping_of(row["place"], row["level"], named=row["named"])) for row in places]
    warehouses = [(row, item) for row, item in missing if _is(item, "unmapped_warehouse")]
    shipping = [(row, item) for row, item in missing if _is(item, "unmapped_shipping")]
    found = {
        WAREHOUSE: _merged(WAREHOUSE, [(row["place"], row) for row, _item in warehouses]),
        STORE: [_row(STORE, row["code"], row) for row in retailers if not book.knows_retailer(row["code"])],
        SHIPPING: _merged(SHIPPING, [(item.value, row) for row, item in shipping if isinstance(item, UnmappedCode)]),
    }
    listed = {kind: sorted(rows, key=_most_wanted)[:MOST_LISTED] for kind, rows in found.items()}
    whole = {kind: UnmappedRows(listed[kind], len(rows)) for kind, rows in found.items()}
    return {SKU: _unmapped_skus(), **whole, STOCK: _unmapped_stock()}


def still_unmapped(kind: str, codes: Iterable[str]) -> set[str]:
    """Return those of some codes that have no mapping yet."""
    wanted = set(codes)
    if kind == SKU:
        return set(_open_lines().filter(sku__in=wanted).values_list("sku", flat=True))
    if kind == STOCK:
        return set(_free_stock().filter(erp_sku__in=wanted).values_list("erp_sku", flat=True))
    return wanted & {row.code for row in unmapped_codes()[kind].rows}


def _most_wanted(row: UnmappedRow) -> tuple[int, int, int, float, str]:
    deadline = row.deadline.timestamp() if row.deadline else float("inf")
    return -row.parked, -row.orders, -row.units, deadline, row.code


def lines_without_sku() -> int:
    """Return how many open lines of waiting orders name no SKU at all: no mapping can help these."""
    return OrderLine.objects.filter(_under("order__erp_push__", PARKED), sku="").count()


def number_parked() -> int:
    """Return how many orders need a person for a missing mapping."""
    return ErpPush.objects.filter(PARKED).count()


def example_orders(rows: Iterable[UnmappedRow]) -> dict[int, Order]:
    """Return the example orders of some rows, without their payload: one query."""
    wanted = {row.example for row in rows if row.example}
    return {order.pk: order for order in Order.objects.filter(pk__in=wanted).only("dsco_order_id", "po_number")}


def _free_stock() -> QuerySet[StockLevel]:
    """Return the stock whose ERP SKU no SKU mapping names: what ``sync_inventory`` leaves out."""
    in_stock = StockLevel.objects.filter(Q(available__gt=0) | Q(third_party_sellable__gt=0)).order_by()
    return in_stock.exclude(Exists(SkuMapping.objects.filter(erp_sku=OuterRef("erp_sku"))))


def _unmapped_stock() -> UnmappedRows:
    units = Sum(Greatest(F("available"), Coalesce(F("third_party_sellable"), 0)))
    grouped = _free_stock().values("erp_sku").annotate(units=units, seen=Max("read_at")).order_by("-units", "erp_sku")
    rows = [
        UnmappedRow(STOCK, row["erp_sku"], units=row["units"], last_seen=row["seen"]) for row in grouped[:MOST_LISTED]
    ]
    return UnmappedRows(rows, _in_all(rows, _free_stock(), "erp_sku"))


def _in_all(listed: list[UnmappedRow], rows: QuerySet[Any], column: str) -> int:
    """Return how many codes there are: counted only where not all are listed."""
    return len(listed) if len(listed) < MOST_LISTED else rows.aggregate(n=Count(column, distinct=True))["n"]


# --- Grouping in the database --------------------------------------------------------------------------


def _figures(order: str) -> dict[str, Any]:
    """Return the figures of a group; ``order`` is the path to the order, with its underscores, or "".

    An order has one push but several lines: only on the way over lines it could be counted twice.
    """
    return {
        "orders": Count(f"{order}id", distinct=bool(order)),
        "parked": Count(f"{order}id", distinct=bool(order), filter=_under(f"{order}erp_push__", PARKED)),
        "first_seen": Min(f"{order}first_seen_at"),
        "last_seen": Max(f"{order}first_seen_at"),
        "deadline": Min(Coalesce(f"{order}acknowledge_by", f"{order}ship_by")),
        "example": Min(f"{order}id"),
        "retailer": Coalesce(NullIf(Min(f"{order}retailer_name"), Value("")), Min(f"{order}retailer_id")),
        "retailers": Count(f"{order}retailer_id", distinct=True),
    }


def _under(path: str, wanted: Q) -> Q:
    """Return a condition with every column below ``path``."""
    moved = Q(_connector=wanted.connector, _negated=wanted.negated)
    for child in wanted.children:
        moved.children.append(_under(path, child) if isinstance(child, Q) else (f"{path}{child[0]}", child[1]))  # type: ignore[index]
    return moved


def _open_lines() -> QuerySet[OrderLine]:
    """Return the lines of waiting orders whose SKU has no mapping."""
    lines = OrderLine.objects.filter(_under("order__erp_push__", NEEDED)).exclude(sku="")
    mapped = SkuBook.mapped_for_orders().filter(dsco_sku=OuterRef("sku"))
    return lines.filter(~Exists(mapped), quantity__gt=F("cancelled_quantity")).order_by()


def _unmapped_skus() -> UnmappedRows:
    grouped = _open_lines().values(code=F("sku")).annotate(needed=Count("id"), **_figures("order__"))
    wanted = grouped.order_by(F("parked").desc(), F("orders").desc(), F("deadline").asc(nulls_last=True), F("code"))
    rows = [_row(SKU, row["code"], row) for row in wanted[:MOST_LISTED]]
    return UnmappedRows(rows, _in_all(rows, _open_lines(), "sku"))


def _needing() -> QuerySet[Order]:
    return Order.objects.filter(_under("erp_push__", NEEDED)).order_by()


def _groups_of_retailers() -> list[dict[str, Any]]:
    return [dict(row) for row in _needing().values(code=F("retailer_id")).annotate(**_figures(""))]


def _groups_of_places() -> list[dict[str, Any]]:
    """Group by warehouse code and service level, as ``warehouse_of`` and ``service_level_of`` find them."""
    of_lines = OrderLine.objects.filter(order=OuterRef("pk")).order_by().values("order")
    only_one = of_lines.annotate(least=Min("warehouse_code"), most=Max("warehouse_code")).filter(least=F("most"))
    carrier = Trim(Concat(F("ship_carrier"), Value(" "), F("ship_method"), output_field=CharField()))
    level = Case(When(service_level="", then=carrier), default=F("service_level"))
    named = Case(When(service_level="", then=Value(0)), default=Value(1))
    place = Coalesce(NullIf(F("warehouse_code"), Value("")), Subquery(only_one.values("least")), Value(""))
    rows = _needing().annotate(place=place, level=level, named=named).values("place", "level", "named")
    return [dict(row) for row in rows.annotate(**_figures(""))]


def _is(item: tuple[str, str] | UnmappedCode, code: str) -> bool:
    return isinstance(item, UnmappedCode) and item.code == code


def _row(kind: str, code: str, group: Mapping[str, Any]) -> UnmappedRow:
    names = ("orders", "parked", "first_seen", "last_seen", "deadline", "example", "retailer", "retailers")
    return UnmappedRow(kind, code, lines=group.get("needed", 0), **{name: group[name] for name in names})


def _merged(kind: str, groups: Iterable[tuple[str, Mapping[str, Any]]]) -> list[UnmappedRow]:
    """Put the groups of one code together: their orders are different ones."""
    by_code: dict[str, list[Mapping[str, Any]]] = {}
    for code, group in groups:
        by_code.setdefault(code, []).append(group)
    return [
        UnmappedRow(
            kind, code, orders=sum(group["orders"] for group in own), parked=sum(group["parked"] for group in own),
            first_seen=_least(own, "first_seen"), last_seen=max(group["last_seen"] for group in own),
            deadline=_least(own, "deadline"), example=_least(own, "example"), retailer=_least(own, "retailer"),
            retailers=max(group["retailers"] for group in own),
        )
        for code, own in by_code.items()
    ]  # fmt: skip


def _least(groups: Iterable[Mapping[str, Any]], name: str) -> Any:
    return min((group[name] for group in groups if group[name] is not None), default=None)
