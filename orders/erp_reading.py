"""LingXing's order rows become ErpOrder rows and links, in bulk. Splits, merges and re-shipments included."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import structlog
from django.db import transaction
from django.utils import timezone

from integrations.dsco.schemas import DscoAddress
from integrations.lingxing.rows import Rows
from integrations.lingxing.schemas import ErpOrderRow
from integrations.sentences import ngettext
from integrations.upserts import upsert

from .erp_quantities import items_of
from .models import ErpOrder, Order, OrderErpLink
from .packages import kept_tracking
from .reading import Pages, Reads, read_in_chunks
from .shared_numbers import under_anothers_number

if TYPE_CHECKING:
    from integrations.flows.context import FlowContext
    from integrations.lingxing import LingXingClient

    from .models import ErpPush

log = structlog.get_logger(__name__)
NUMBERS_PER_CALL = 200
# Address fields that LingXing may drop when it has not granted them (decision 1).
CHECKED_ADDRESS_FIELDS = ("state_or_region", "postal_code", "receiver_mobile")


def read_erp_orders(context: Reads, client: LingXingClient, pushes: Sequence[ErpPush]) -> dict[int, list[ErpOrder]]:
    """Read the ERP orders of these pushes (``order`` loaded) and store them.

    Returns ``{order pk: its ERP orders}``, re-shipments left out; an order that LingXing does not
    show has an empty list, one that could not be read, or with a row that could not, is not in the answer
    at all: nobody may decide by half of it. Raises VendorError when nothing can be read.
    """
    by_number: dict[str, list[ErpPush]] = defaultdict(list)
    for push in pushes:
        by_number[push.platform_order_no].append(push)
    numbers = sorted(by_number)
    pages = read_in_chunks(
        context, lambda chunk: client.orders_by_platform_numbers(chunk, include_deleted=True), numbers, NUMBERS_PER_CALL
    )
    rows = [row for page in pages.answers for row in page]
    found: dict[int, list[ErpOrderRow]] = {push.order_id: [] for push in pushes}
    anothers = under_anothers_number(pushes)
    for row in rows:
        for number in row.platform_order_nos:
            for push in by_number.get(number, ()):
                same_store = not push.store_id or not row.store_id or row.store_id == push.store_id
                if same_store and push.pk not in anothers:
                    found[push.order_id].append(row)
    for number in _unreadable(pages, found, by_number):
        for push in by_number.get(number, ()):
            found.pop(push.order_id, None)
    stored = store_erp_orders(found, _dropped_fields(found))
    return {
        order_id: [erp_order for erp_order in erp_orders if not erp_order.resend_of]
        for order_id, erp_orders in stored.items()
    }


def note_unread(context: FlowContext, number: int) -> None:
    """Say in a run that orders could not be read in LingXing."""
    if number:
        context.count("not_read", number)
        text = ngettext(
            "%(number)d order could not be read in LingXing and waits for the next run; see the API calls.",
            "%(number)d orders could not be read in LingXing and wait for the next run; see the API calls.",
            number,
        )
        context.note(text % {"number": number})


def _unreadable(
    pages: Pages[str, Rows[ErpOrderRow]], found: Mapping[int, Sequence[ErpOrderRow]],
    by_number: Mapping[str, Sequence[ErpPush]],
) -> set[str]:  # fmt: skip
    """The numbers about which nothing certain is known."""
    for number, error in pages.unread.items():
        log.warning("erp_order_not_read", number=number, error=str(error))
    broken = [row for page in pages.answers for row in page.unreadable]
    numbers = {number for row in broken for number in row.platform_order_nos} | set(pages.unread)
    if any(not row.platform_order_nos for row in broken):  # it may be the row of any order that seems to be missing
        numbers |= {number for number, pushes in by_number.items() if any(not found[one.order_id] for one in pushes)}
    return numbers


def store_erp_orders(
    found: dict[int, list[ErpOrderRow]], dropped: dict[str, list[str]] | None = None
) -> dict[int, list[ErpOrder]]:
    """Upsert the rows and their links to orders (primary keys); links that LingXing no longer shows are ended.

    dropped: address fields that LingXing lost, by ERP order number, where this was looked at.
    """
    now = timezone.now()
    dropped = dropped or {}
    rows = {row.global_order_no: row for order_rows in found.values() for row in order_rows}
    instances = [
        ErpOrder(
            global_order_no=row.global_order_no, store_id=row.store_id or "", status=row.status,
            split_type=row.split_type, deleted=row.is_deleted, resend_of=row.original_global_order_nos,
            tracking_no=kept_tracking(row.tracking_no), wid=row.wid or "",
            logistics_type_id=row.logistics_type_id or "", items=items_of(row),
            dropped_fields=dropped.get(row.global_order_no, []), read_at=now,
        )
        for row in sorted(rows.values(), key=lambda row: row.global_order_no)
    ]  # fmt: skip
    with transaction.atomic():
        upsert(
            instances, unique=["global_order_no"],
            update=[
                "store_id", "status", "split_type", "deleted", "resend_of", "tracking_no", "wid", "logistics_type_id",
                "items", "read_at",
            ],
        )  # fmt: skip
        by_number = {erp_order.global_order_no: erp_order for erp_order in instances}
        for fields in {tuple(fields) for fields in dropped.values()}:
            numbers = [number for number, lost in dropped.items() if tuple(lost) == fields]
            ErpOrder.objects.filter(global_order_no__in=numbers).update(dropped_fields=list(fields))
        result = {
            order_id: [by_number[number] for number in dict.fromkeys(row.global_order_no for row in order_rows)]
            for order_id, order_rows in found.items()
        }
        _link(result)
    return result


def _dropped_fields(found: dict[int, list[ErpOrderRow]]) -> dict[str, list[str]]:
    """Compare the addresses of ERP orders that are read for the first time with what DSCO gave."""
    numbers = {row.global_order_no for rows in found.values() for row in rows}
    read_before = ErpOrder.objects.filter(global_order_no__in=numbers, status__isnull=False)
    new = numbers - set(read_before.values_list("global_order_no", flat=True))
    rows = {pk: [row for row in rows if row.global_order_no in new] for pk, rows in found.items()}
    rows = {pk: new_rows for pk, new_rows in rows.items() if new_rows}
    if not rows:
        return {}
    dropped: dict[str, list[str]] = {}
    for pk, raw in Order.objects.filter(pk__in=list(rows)).values_list("pk", "payload__shipping"):
        sent = DscoAddress.model_validate(raw if isinstance(raw, dict) else {})
        given = dict(zip(CHECKED_ADDRESS_FIELDS, (sent.region_or_state, sent.postal, sent.phone), strict=True))
        for row in rows[pk]:
            lost = [name for name, value in given.items() if value and not getattr(row.address, name)]
            if lost:
                dropped[row.global_order_no] = lost
    return dropped


def _link(orders: dict[int, list[ErpOrder]]) -> None:
    wanted = {(order_id, erp_order.pk) for order_id, erp_orders in orders.items() for erp_order in erp_orders}
    existing = {
        (link.order_id, link.erp_order_id): link for link in OrderErpLink.objects.filter(order__in=list(orders))
    }
    OrderErpLink.objects.bulk_create(
        [OrderErpLink(order_id=order_id, erp_order_id=erp_id) for order_id, erp_id in sorted(wanted - existing.keys())],
        ignore_conflicts=True,
    )
    # Only an order that LingXing did show has lost a part; an empty answer proves nothing.
    gone = [
        link.pk
        for pair, link in existing.items()
        if pair not in wanted and link.ended_at is None and orders[link.order_id]
    ]
    back = [link.pk for pair, link in existing.items() if pair in wanted and link.ended_at is not None]
    _end_links(gone, back)


def _end_links(gone: Iterable[int], back: Iterable[int]) -> None:
    if gone:
        OrderErpLink.objects.filter(pk__in=gone).update(ended_at=timezone.now())
    if back:
        OrderErpLink.objects.filter(pk__in=back).update(ended_at=None)
