"""From a DSCO order to the order that is created in LingXing: all lines or nothing, and no value invented."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from pydantic import ValidationError

from integrations.deliveries import outcomes
from integrations.deliveries.outcomes import Outcome
from integrations.dsco.schemas import DscoAddress, DscoOrder
from integrations.lingxing.schemas import NewErpLine, NewErpOrder
from integrations.sentences import gettext as _
from integrations.sentences import joined, pgettext

from .mappings import MappingBook, Resolved, UnmappedCodes
from .models import ErpPush, Order, OrderLine, RetailerPolicy

PRICE_FIELDS = ("consumer_price", "retail_price", "expected_cost")
ADDRESS_TYPES: dict[str, Literal[1, 2]] = {"residential": 1, "commercial": 2}
REMARK_LENGTH = 200


class CannotBuild(Exception):
    """The order cannot be created as it is; ``outcome`` says why and what to do."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What is sent for one push, and where it goes."""

    push: ErpPush
    store_id: str
    body: NewErpOrder
    erp_skus: dict[int, str]


def build(push: ErpPush, lines: Sequence[OrderLine], book: MappingBook, policy: RetailerPolicy) -> NewOrder:
    """Return the LingXing order for a push (``order`` loaded); raise CannotBuild with what is missing.

    lines: all lines of the order; those with nothing open are left out.
    """
    order = push.order
    wanted = [line for line in lines if line.open_quantity > 0]
    if not wanted:
        raise _cannot("no_lines", _("Order %(order)s has no line that is still to be delivered.") % _name(order))
    try:
        resolved = book.resolve(order, wanted)
    except UnmappedCodes as missing:
        raise _cannot(missing.code, str(missing)) from None
    items = tuple(_item(order, line, resolved, policy) for line in wanted)
    try:
        body = _body(push, resolved, items)
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:5])
        message = _("Order %(order)s cannot be created in LingXing: %(found)s. Correct it at DSCO or in the mappings.")
        raise _cannot("invalid_order", message % {**_name(order), "found": found}) from None
    return NewOrder(push, resolved.store_id, body, resolved.erp_skus)


def _item(order: Order, line: OrderLine, resolved: Resolved, policy: RetailerPolicy) -> NewErpLine:
    price = _price(line, policy.price_field)
    if price is None or price < 0:
        message = _(
            "Line %(line)d (SKU %(sku)s) of order %(order)s has no price: neither consumer price, retail price nor"
            " expected cost. Ask the retailer to add it at DSCO; the order then goes by itself."
        )
        raise _cannot("missing_price", message % {**_name(order), "line": line.position + 1, "sku": line.sku})
    return NewErpLine(sku=resolved.erp_skus[line.position], quantity=line.open_quantity, unit_price=_plain(price))


def _price(line: OrderLine, preferred: str) -> Decimal | None:
    prices: list[Decimal | None] = [getattr(line, name) for name in (preferred, *PRICE_FIELDS)]
    return next((price for price in prices if price is not None), None)


def _plain(price: Decimal) -> Decimal:
    """Without the zeros that the database column adds: 12.5000 is 12.5."""
    return Decimal(f"{price.normalize():f}")


def _body(push: ErpPush, resolved: Resolved, items: tuple[NewErpLine, ...]) -> NewErpOrder:
    order = push.order
    read = DscoOrder.parse({key: value for key, value in order.payload.items() if key not in ("lineItems", "packages")})
    address = read.shipping
    _check_removed(push)
    _check_address(order, address)
    line1, line2, line3 = _three_lines(address.address_lines)
    bought_at = read.retailer_create_date or read.dsco_create_date
    return NewErpOrder(
        platform_order_no=push.platform_order_no,
        receiver_name=address.full_name,
        receiver_country_code=address.country or "",
        city=address.city or "",
        address_line1=line1,
        address_line2=line2,
        address_line3=line3,
        state_or_region=address.region_or_state,
        postal_code=address.postal,
        receiver_mobile=address.phone,
        buyer_email=address.email,
        buyer_name=address.full_name,
        receiver_company_name=address.company,
        address_type=ADDRESS_TYPES.get((address.address_type or "").lower()),
        amount_currency=order.currency,
        wid=resolved.wid,
        logistics_type_id=resolved.logistics_type_id,
        global_purchase_time=int(bought_at.timestamp()) if bought_at else None,
        remark=f"DSCO {order.dsco_order_id} PO {order.po_number}"[:REMARK_LENGTH],
        items=items,
    )


def _check_removed(push: ErpPush) -> None:
    """A masked address is no address: nothing is created with it."""
    order = push.order
    if order.personal_removed_at is None:
        return
    message = _(
        "The names and addresses of order %(order)s were removed on %(when)s, so it cannot be created in LingXing by"
        " itself. Create it there by hand, under the number %(number)s and with the address from DSCO's portal, and"
        " mark the push as done; or skip it."
    )
    names = {"when": order.personal_removed_at, "number": push.platform_order_no}
    raise _cannot("personal_removed", message % {**_name(order), **names})


def _check_address(order: Order, address: DscoAddress) -> None:
    parts = {
        pgettext("part of an address", "name"): address.full_name,
        _("street"): " ".join(address.address_lines),
        _("city"): address.city,
        _("country"): address.country,
    }
    missing = [name for name, value in parts.items() if not _printable(value or "")]
    if missing:
        message = _(
            "The shipping address of order %(order)s lacks: %(missing)s. Ask the retailer to correct it at DSCO; the"
            " order then goes by itself."
        )
        raise _cannot("missing_address", message % {**_name(order), "missing": joined(missing, ", ")})


def _printable(value: str) -> str:
    return re.sub("[\x00-\x1f\x7f\u2028\u2029]", " ", value).strip()


def _three_lines(lines: Sequence[str]) -> tuple[str, str | None, str | None]:
    """LingXing has three address lines; a fourth and further ones are joined to the third, none is dropped."""
    printable = [line for line in lines if _printable(line)]
    rest = ", ".join(printable[2:])
    return printable[0], printable[1] if len(printable) > 1 else None, rest or None


def _name(order: Order) -> dict[str, str]:
    return {"order": str(order)}


def _cannot(code: str, message: str) -> CannotBuild:
    return CannotBuild(outcomes.needs_attention(code, message))
