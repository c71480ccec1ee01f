"""What LingXing's users do to whole orders: split, merge, send again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .floor import Floor
from .order_rows import with_quantity

Row = dict[str, Any]


def split(
    floor: Floor, row: Row, parts: Sequence[Mapping[str, int]] | None, at: float, number: Callable[[], str]
) -> list[Row]:
    """Splits an open order; the first part keeps its number.

    `parts` are units by local SKU (by MSKU where there is none), together the whole order; by default the first line
    and the rest. Returns the parts. ValueError when the order is no longer open or the parts are not exactly the order.
    """
    if row["status"] not in (4, 5):
        raise ValueError(f"Order {row['global_order_no']} in status {row['status']} can't be split")
    lines_of_parts = _divided(row["item_info"], parts if parts is not None else _halves(row["item_info"]))
    for out in floor.live_outbound(row):
        floor.delete_outbound(out, at)
    floor.catalogue.stock.release(row["global_order_no"])
    made = []
    for index, lines in enumerate(lines_of_parts):
        name = row["global_order_no"] if index == 0 else number()
        part = floor.change(row, at, global_order_no=name, split_type=3, item_info=lines)
        made.append(part)
        _continue(floor, part, at, known=index == 0)
    return made


def _halves(lines: Sequence[Row]) -> list[dict[str, int]]:
    if len(lines) > 1:
        rest: dict[str, int] = {}
        for line in lines[1:]:
            rest[_name(line)] = rest.get(_name(line), 0) + line["quantity"]
        return [{_name(lines[0]): lines[0]["quantity"]}, rest]
    units = lines[0]["quantity"]
    return [{_name(lines[0]): units - units // 2}, {_name(lines[0]): units // 2}]


def _name(line: Row) -> str:
    return str(line["local_sku"] or line["msku"])


def _divided(lines: Sequence[Row], parts: Sequence[Mapping[str, int]]) -> list[list[Row]]:
    left = [line["quantity"] for line in lines]
    divided: list[list[Row]] = []
    for part in parts:
        wanted = dict(part)
        divided.append([])
        for index, line in enumerate(lines):
            units = min(left[index], wanted.get(_name(line), 0))
            if units > 0:
                divided[-1].append(with_quantity(line, units))
                left[index] -= units
                wanted[_name(line)] -= units
        if any(wanted.values()):
            raise ValueError(f"The order has not as many units as the parts ask for: {dict(part)}")
    if any(left) or len(parts) < 2 or not all(divided):
        raise ValueError("The parts must be two or more, none empty, and together the whole order")
    return divided


def _continue(floor: Floor, row: Row, at: float, known: bool) -> None:
    """The order goes on where its predecessor stood: stock locked, outbound order planned, queues informed."""
    if row["wid"] != "0":
        floor.lock(row)
    if row["status"] == 5:
        floor.new_outbound(row, at)
    if not known:
        queue = floor.awaiting_audit if row["status"] == 4 else floor.awaiting_shipment
        queue.append((at, row["global_order_no"]))


def merge(floor: Floor, rows: Sequence[Row], at: float, number: Callable[[], str]) -> Row:
    """Merges open orders of one store into a new one; the originals are hidden and deleted."""
    if len(rows) < 2 or len({row["store_id"] for row in rows}) > 1 or any(row["status"] not in (4, 5) for row in rows):
        raise ValueError("Only two or more open orders of one store can be merged")
    for row in rows:
        floor.remove(row, at, status=8)
    merged = floor.change(
        rows[0],
        at,
        global_order_no=number(),
        is_delete=0,
        split_type=2,
        status=min(row["status"] for row in rows),
        item_info=[line for row in rows for line in row["item_info"]],
        platform_info=[info for row in rows for info in row["platform_info"]],
    )
    _continue(floor, merged, at, known=False)
    return merged


def resend(floor: Floor, row: Row, at: float, number: Callable[[], str]) -> Row:
    """Sends an order again: a new order in status 5 that names the original, with an outbound order of its own."""
    logistics = {**row["logistics_info"], "status": 1, "tracking_no": "", "waybill_no": ""}
    again = floor.change(
        row,
        at,
        global_order_no=number(),
        original_global_order_no=[row["global_order_no"]],
        status=5,
        split_type=1,
        global_delivery_time=0,
        global_cancel_time=0,
        logistics_info=logistics,
    )
    _continue(floor, again, at, known=False)
    return again
