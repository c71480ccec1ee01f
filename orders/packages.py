"""LingXing's outbound orders become packages: what lies in each, what counts, and how much of an order they cover."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from integrations.lingxing.schemas import OutboundOrderRow

from .models import Order, OrderLine, Package, PackageLine

SHIPPED = 3
DELETED = 4
BUNDLE_COMPONENT = 2
# ``Package.ignored`` of what a person typed: it belongs to no outbound order, but its tracking number is taken.
BY_STAFF = "by_staff"
SEVERAL_NUMBERS = re.compile(r"[,;，；、\n]+")
LONGEST_TRACKING = 200
PACKAGE_COLUMNS = [
    "global_order_no", "tracking_number", "status", "shipped", "shipped_at", "wid", "logistics_type_id",
    "logistics_name", "carrier_name", "ignored", "read_at",
]  # fmt: skip


@dataclass(slots=True)
class Packed:
    """A package with its lines."""

    package: Package
    lines: list[PackageLine] = field(default_factory=list)

    @property
    def counts(self) -> bool:
        """It belongs to the order and has left, or will leave, the warehouse."""
        return not self.package.ignored


@dataclass(frozen=True, slots=True)
class Parcel:
    """Everything of one order under one tracking number.

    quantities: units by the order line's primary key; unmatched: units by ERP SKU that are on no line.
    """

    tracking_number: str
    packages: tuple[Package, ...]
    quantities: Mapping[int, int]
    unmatched: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Coverage:
    """Parcels against the open quantities of an order: too little and too much by line, and what is on no line."""

    missing: Mapping[int, int]
    excess: Mapping[int, int]
    unmatched: Mapping[str, int]

    @property
    def exact(self) -> bool:
        """Whether the parcels are the order: nothing missing, nothing over, nothing foreign."""
        return not (self.missing or self.excess or self.unmatched)


@dataclass(frozen=True, slots=True)
class ErpNumbers:
    """ERP order numbers that decide to whom an outbound order belongs: live ones of the order, and re-shipments."""

    live: Collection[str]
    reshipments: Collection[str] = ()


def packages_of(
    order: Order,
    lines: Sequence[OrderLine],
    platform_order_no: str,
    rows: Iterable[OutboundOrderRow],
    numbers: ErpNumbers,
    now: datetime,
) -> list[Packed]:
    """Return the packages (unsaved) that these outbound orders mean for one order.

    Every outbound order gives one; those that never count say why in ``ignored``. Products are matched
    by ERP SKU, and where two lines have the same one, the first line is filled first.
    """  # fmt: skip
    packed = []
    for row in rows:
        products = _products(row, platform_order_no)
        package = _package(order, row, now)
        package.ignored = _ignored(row, numbers, products)
        packed.append((Packed(package), products))
    packed.sort(key=lambda pair: _first_what_left(pair[0].package))
    left = {line.pk: line.open_quantity for line in lines}
    for one, products in packed:
        open_units = left if one.counts else {line.pk: line.open_quantity for line in lines}
        one.lines = _placed(lines, open_units, products)
    return [one for one, _products_of_it in packed]


def _package(order: Order, row: OutboundOrderRow, now: datetime) -> Package:
    return Package(
        order=order,
        wo_number=row.wo_number,
        global_order_no=row.order_number,
        tracking_number=kept_tracking(row.tracking_no),
        status=row.status,
        shipped=row.status == SHIPPED,
        shipped_at=row.delivered_at or row.stock_delivered_at,
        wid=row.wid,
        logistics_type_id=row.logistics_type_id,
        logistics_name=row.logistics_type_name[:200],
        carrier_name=(row.actual_carrier or row.logistics_provider_name)[:200],
        read_at=now,
    )


def kept_tracking(text: str) -> str:
    """Return LingXing's field for the tracking number as its column holds it: of very many numbers the first ones.

    A single one that does not fit is left out: cut off it would be another number.
    """
    text = text.strip()
    if len(text) <= LONGEST_TRACKING:
        return text
    numbers = [number for part in SEVERAL_NUMBERS.split(text) if (number := part.strip())]
    while len(kept := ",".join(numbers)) > LONGEST_TRACKING:
        numbers.pop()
    return kept


def _products(row: OutboundOrderRow, platform_order_no: str) -> list[tuple[str, int, bool]]:
    """Return (ERP SKU, units, certainly ours); a merged ERP order also carries products of other orders."""
    merged = len(row.platform_order_nos) > 1
    found = []
    for product in row.products:
        if product.bundle_type == BUNDLE_COMPONENT or product.count <= 0:
            continue
        named = product.platform_order_no.strip()
        if merged and named and named != platform_order_no:
            continue
        found.append((product.sku.strip(), product.count, not merged or bool(named)))
    return found


def _ignored(row: OutboundOrderRow, numbers: ErpNumbers, products: Sequence[tuple[str, int, bool]]) -> str:
    if row.status == DELETED:
        return "deleted"
    if row.order_number in numbers.reshipments:
        return "reshipment"
    if row.order_number not in numbers.live:
        return "other_erp_order"
    return "other_order" if len(row.platform_order_nos) > 1 and not products else ""


def _first_what_left(package: Package) -> tuple[bool, bool, str, str]:
    shipped_at = package.shipped_at.isoformat() if package.shipped_at else ""
    return bool(package.ignored), not package.shipped, shipped_at, package.wo_number


def _placed(
    lines: Sequence[OrderLine], left: dict[int, int], products: Sequence[tuple[str, int, bool]]
) -> list[PackageLine]:
    units: Counter[tuple[int | None, str]] = Counter()
    for sku, count, certain in products:
        for line_pk, part in shared_out(lines if certain else (), left, sku, count):
            units[line_pk, sku] += part
    return [
        PackageLine(order_line_id=line_pk, erp_sku=sku[:200], quantity=count) for (line_pk, sku), count in units.items()
    ]


def shared_out(lines: Sequence[OrderLine], left: dict[int, int], sku: str, count: int) -> list[tuple[int | None, int]]:
    """Share units of an ERP SKU out to the lines: (line's primary key, units); None where no line has the SKU.

    left: what is still open of each line; it is reduced. Lines with the same SKU are filled in their order.
    """
    matching = [line for line in lines if sku and sku == (line.erp_sku or line.sku)]
    if not matching:
        return [(None, count)]
    parts: list[tuple[int | None, int]] = []
    for line in sorted(matching, key=lambda line: line.position):
        part = min(count, max(left[line.pk], 0))
        if part:
            parts.append((line.pk, part))
            left[line.pk] -= part
            count -= part
    if count:  # more than was ordered: it stands on the last line, where it is seen as too much
        parts.append((matching[-1].pk, count))
        left[matching[-1].pk] -= count
    return parts


def tracking_numbers(package: Package) -> list[str]:
    """Return the tracking numbers in the package's field: usually one, [] when there is none yet."""
    parts = SEVERAL_NUMBERS.split(package.tracking_number)
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def spellings(numbers: Iterable[str]) -> set[str]:
    """Return tracking numbers in the spellings in which they may be stored: carriers' systems don't mind the case."""
    return {spelling for number in numbers for spelling in (number, number.upper(), number.lower())}


def parcels_of(packed: Iterable[Packed]) -> list[Parcel]:
    """Group what was shipped under a single tracking number; outbound orders with the same number are one parcel."""
    groups: dict[str, list[Packed]] = defaultdict(list)
    for one in packed:
        numbers = tracking_numbers(one.package)
        if one.counts and one.package.shipped and len(numbers) == 1:
            groups[numbers[0]].append(one)
    return [_parcel(number, group) for number, group in groups.items()]


def _parcel(number: str, group: Sequence[Packed]) -> Parcel:
    quantities: Counter[int] = Counter()
    unmatched: Counter[str] = Counter()
    for line in (line for one in group for line in one.lines):
        if line.order_line_id is None:
            unmatched[line.erp_sku] += line.quantity
        else:
            quantities[line.order_line_id] += line.quantity
    return Parcel(number, tuple(one.package for one in group), dict(quantities), dict(unmatched))


def coverage_of(lines: Iterable[OrderLine], parcels: Iterable[Parcel]) -> Coverage:
    """Compare parcels with what is open of the order's lines."""
    packed: Counter[int] = Counter()
    unmatched: Counter[str] = Counter()
    for parcel in parcels:
        packed.update(parcel.quantities)
        unmatched.update(parcel.unmatched)
    differences = {line.pk: packed[line.pk] - line.open_quantity for line in lines}
    return Coverage(
        missing={pk: -units for pk, units in differences.items() if units < 0},
        excess={pk: units for pk, units in differences.items() if units > 0},
        unmatched=dict(unmatched),
    )


def store_packages(packed: Sequence[Packed]) -> None:
    """Save packages and lines in bulk; what did not change is not written. Sets the packages' primary keys."""
    order_ids = {one.package.order_id for one in packed}
    with transaction.atomic():
        stored = Package.objects.filter(order__in=order_ids).prefetch_related("lines")
        before = {(package.order_id, package.wo_number): package for package in stored}
        changed = []
        for one in packed:
            known = before.get((one.package.order_id, one.package.wo_number))
            if known is not None and _signature(known, known.lines.all()) == _signature(one.package, one.lines):
                one.package.pk = known.pk
            else:
                changed.append(one)
        if changed:
            _write(changed)


def _write(changed: Sequence[Packed]) -> None:
    saved = Package.objects.bulk_create(
        [one.package for one in changed],
        update_conflicts=True, unique_fields=["order", "wo_number"], update_fields=PACKAGE_COLUMNS,
    )  # fmt: skip
    PackageLine.objects.filter(package__in=[package.pk for package in saved]).delete()
    for one, package in zip(changed, saved, strict=True):
        one.package.pk = package.pk
        for line in one.lines:
            line.package = package
    PackageLine.objects.bulk_create([line for one in changed for line in one.lines])


def _signature(package: Package, lines: Iterable[PackageLine]) -> tuple[object, ...]:
    columns = [getattr(package, name) for name in PACKAGE_COLUMNS if name != "read_at"]
    return *columns, *sorted((line.order_line_id or 0, line.erp_sku, line.quantity) for line in lines)
