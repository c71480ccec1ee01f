"""A vendor call as the page of one order may show it: of a batch, only what is about this order."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from integrations.redaction import closed

# What an entry of a batch is known by at either vendor. An entry with one of these belongs to the order it names.
NAMES = frozenset(
    {
        "dscoOrderId", "poNumber", "orderNumber", "supplierOrderNumber", "consumerOrderNumber", "invoiceId", "id",
        "dscoInvoiceId", "trackingNumber", "platform_order_no", "platform_order_name", "platform_info", "wo_number",
        "global_order_no", "order_number", "tracking_no",
    }
)  # fmt: skip
CUT_OFF = "…"


@dataclass(frozen=True, slots=True)
class Part:
    """The text that may be shown; left_out: entries of other orders; cut: the rest of the call was not stored."""

    text: str
    left_out: int = 0
    cut: bool = False


def part_for(text: str, numbers: Collection[str]) -> Part:
    """Return what a stored request or response says about the order with these numbers.

    Entries of other orders are left out, also where the stored text was cut off in the middle of one. Text that is
    not JSON (an error page) is returned as it is.
    """
    cut = text.endswith(CUT_OFF)
    try:
        document = json.loads(closed(text[: -len(CUT_OFF)], entries=True) if cut else text)
    except ValueError:
        return Part("" if cut and text[:1] in "[{" else text, cut=cut)
    kept, left_out = _kept(document, {number for number in numbers if number})
    return Part(json.dumps(kept, ensure_ascii=False) if kept not in ([], {}, None) else "", left_out, cut)


def _kept(value: Any, numbers: Collection[str]) -> tuple[Any, int]:
    if isinstance(value, dict):
        if any(_is_number(item, numbers) for item in value.values()):
            return value, 0
        pairs = {key: _kept(item, numbers) for key, item in value.items()}
        return {key: kept for key, (kept, _count) in pairs.items()}, sum(count for _kept_part, count in pairs.values())
    if not isinstance(value, list):
        return value, 0
    if any(_is_number(item, numbers) for item in value):  # a list of numbers that were asked for
        ours = [item for item in value if _is_number(item, numbers)]
        return ours, len(value) - len(ours)
    left_out, kept = 0, []
    for item in value:
        if _names_an_order(item) and not _mentions(item, numbers):
            left_out += 1
            continue
        part, count = _kept(item, numbers)
        kept.append(part)
        left_out += count
    return kept, left_out


def _is_number(value: Any, numbers: Collection[str]) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and str(value) in numbers


def _names_an_order(value: Any) -> bool:
    if isinstance(value, dict):
        return bool(NAMES & value.keys()) or any(_names_an_order(item) for item in value.values())
    return isinstance(value, list) and any(_names_an_order(item) for item in value)


def _mentions(value: Any, numbers: Collection[str]) -> bool:
    if isinstance(value, dict):
        return any(_mentions(item, numbers) for item in value.values())
    if isinstance(value, list):
        return any(_mentions(item, numbers) for item in value)
    return _is_number(value, numbers)
