"""The client of LingXing: one typed method per operation that OrderBridge uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from ..errors import ConfigurationError
from ..http import HttpDoor
from ..sentences import gettext as _
from . import gateway as paths
from .auth import TokenStore
from .errors import VENDOR, Answer
from .gateway import Gateway
from .outcomes import cancel_result, create_result
from .paging import WINDOW, aware_utc, chunks, incomplete, pages, windows
from .rows import Rows, read_rows
from .schemas import (
    CancelResult,
    CreateResult,
    ErpOrderRow,
    InventoryPage,
    InventoryRow,
    LogisticsTypeRow,
    NewErpOrder,
    OutboundOrderRow,
    PairRow,
    StoreRow,
    WarehouseRow,
)
from .schemas.fields import Row

ORDER_PAGE = 500
OUTBOUND_PAGE = 200
INVENTORY_PAGE = 800
WAREHOUSE_PAGE = 1000
STORE_PAGE = 200
# Page sizes whose maximum is undocumented.
PAIR_PAGE = 200
LOGISTICS_PAGE = 100
SMALLEST_PAGE = 20  # less is refused on some lists

RowT = TypeVar("RowT", bound=Row)


class LingXingClient:
    """Calls LingXing for one account. Thread-safe; make one per process.

    Every method raises the taxonomy of ``integrations.errors`` and nothing else from the vendor's side.
    Lists are ``Rows``: rows that could not be read are beside them in ``unreadable``, so that a caller who
    decides by absence can tell "not there" from "not readable".
    """

    def __init__(
        self,
        base_url: str,
        app_id: str,
        app_secret: str,
        *,
        platform_code: int = 10009,
        time_zone: str = "Asia/Shanghai",
    ) -> None:
        door = HttpDoor(VENDOR, base_url)
        self._gateway = Gateway(door, app_id, TokenStore(door, app_id, app_secret))
        self._platform_code = platform_code
        self._zone = ZoneInfo(time_zone)

    @classmethod
    def from_settings(cls) -> LingXingClient:
        """Return the client of the configured account; raise ConfigurationError naming a missing variable."""
        for name in ("LINGXING_APP_ID", "LINGXING_APP_SECRET"):
            if not getattr(settings, name):
                raise ConfigurationError(
                    _("%(name)s is not set; LingXing cannot be called without it.") % {"name": name},
                    vendor=VENDOR,
                    operation="from_settings",
                    code="missing_setting",
                )
        return cls(
            settings.LINGXING_BASE_URL,
            settings.LINGXING_APP_ID,
            settings.LINGXING_APP_SECRET,
            platform_code=settings.LINGXING_PLATFORM_CODE,
            time_zone=settings.LINGXING_TIME_ZONE,
        )

    def check_credentials(self) -> None:
        """Make a cheap call that works only with a valid token, permission and address."""
        self._gateway.call("check_credentials", paths.STORES, {"offset": 0, "length": SMALLEST_PAGE})

    # --- Orders -------------------------------------------------------------------------------------

    def create_orders(self, store_id: str, orders: Sequence[NewErpOrder]) -> CreateResult:
        """Create orders of one store in one call; each has an outcome of its own in the result.

        Raises Rejected when LingXing refuses the call as a whole, Uncertain when it may have been applied.
        """
        numbers = [order.platform_order_no for order in orders]
        if len(set(numbers)) != len(numbers):
            raise ValueError("A platform order number may be only once in a call.")
        if not numbers:
            return CreateResult()
        body = {
            "platform_code": self._platform_code,
            "store_id": store_id,
            "orders": [order.payload() for order in orders],
        }
        return create_result(numbers, self._gateway.call("create_orders", paths.CREATE_ORDERS, body, writes=True))

    def orders_by_platform_numbers(self, numbers: Sequence[str], *, include_deleted: bool = True) -> Rows[ErpOrderRow]:
        """Return every system order behind our numbers: split orders are several rows, merged ones a single row."""
        operation = "orders_by_platform_numbers"
        found: dict[str, ErpOrderRow] = {}
        result: Rows[ErpOrderRow] = Rows()
        for chunk in chunks(numbers):
            query: dict[str, Any] = {"platform_order_nos": chunk}
            if include_deleted:
                query["include_delete"] = True
            for page in self._order_pages(operation, query):
                found.update((row.global_order_no, row) for row in page)
                result.unreadable.extend(page.unreadable)
        result.extend(found.values())
        return result

    def order_pages(
        self,
        *,
        status: int | None = None,
        updated_from: datetime | None = None,
        updated_to: datetime | None = None,
        date_type: str = "update_time",
        store_ids: Sequence[str] = (),
        own_platform: bool = False,
        include_deleted: bool = False,
    ) -> Iterator[Rows[ErpOrderRow]]:
        """Yield pages of system orders whose ``date_type`` lies in the span (both ends included).

        Without ``updated_to`` the span ends now, without ``updated_from`` it is 30 days long. Longer spans
        are cut into windows, oldest first. Pages may repeat rows: upsert by global_order_no.
        own_platform: of every store of the configured platform code.
        """
        end = aware_utc(updated_to or timezone.now())
        start = aware_utc(updated_from) if updated_from else end - WINDOW
        for start_time, end_time in windows(start, end):
            query: dict[str, Any] = {"date_type": date_type, "start_time": start_time, "end_time": end_time}
            if status is not None:
                query["order_status"] = status
            if store_ids:
                query["store_id"] = list(store_ids)
            if own_platform:
                query["platform_code"] = [self._platform_code]
            if include_deleted:
                query["include_delete"] = True
            yield from self._order_pages("order_pages", query)

    def _order_pages(self, operation: str, query: dict[str, Any]) -> Iterator[Rows[ErpOrderRow]]:
        def fetch(received: int, page: int) -> Answer:
            body = query | {"offset": received, "length": ORDER_PAGE}
            return self._gateway.call(operation, paths.LIST_ORDERS, body)

        for raw, _total in pages(fetch, ORDER_PAGE, operation):
            yield read_rows(ErpOrderRow, raw, self._zone, operation)

    def cancel_orders(self, global_order_nos: Sequence[str]) -> CancelResult:
        """Mark system orders "not to be shipped". It works while they are not in the warehouse yet."""
        numbers = list(dict.fromkeys(global_order_nos))
        if not numbers:
            return CancelResult()
        answer = self._gateway.call("cancel_orders", paths.CANCEL_ORDERS, {"order_list": numbers}, writes=True)
        return cancel_result(
            numbers,
            answer,
            "cancel_orders",
            counts=("success_num", "fail_num"),
            failures=("failure_info", "global_order_no"),
        )

    # --- Outbound orders ----------------------------------------------------------------------------

    def intercept_outbound(self, global_order_nos: Sequence[str], comment: str = "") -> CancelResult:
        """Ask the warehouse to stop system orders. Overseas warehouses answer later: poll the orders' status."""
        numbers = list(dict.fromkeys(global_order_nos))
        if not numbers:
            return CancelResult()
        body = {"orderNumbers": numbers, "tagType": "3-17", "orderComment": comment}
        answer = self._gateway.call("intercept_outbound", paths.INTERCEPT_OUTBOUND, body, writes=True)
        return cancel_result(
            numbers,
            answer,
            "intercept_outbound",
            silence_is_consent=True,
            counts=("successNum", "failedNum"),
            failures=("failedReason", "orderNumber"),
        )

    def outbound_orders(
        self,
        *,
        platform_order_nos: Sequence[str] = (),
        order_numbers: Sequence[str] = (),
        statuses: Sequence[int] = (),
        start_date: date | None = None,
        end_date: date | None = None,
    ) -> Rows[OutboundOrderRow]:
        """Return packages by our numbers, by system order numbers (either matches), or by date of creation alone.

        The dates are widened by a day on both sides, because their zone is undocumented. Without dates
        LingXing covers the last month only. Deleted packages (status 4) are included.
        """
        common: dict[str, Any] = {"status_arr": list(statuses)} | _outbound_dates(start_date, end_date)
        queries = [{"platform_order_no_arr": chunk} for chunk in chunks(platform_order_nos)]
        queries += [{"order_number_arr": chunk} for chunk in chunks(order_numbers)]
        found: dict[str, OutboundOrderRow] = {}
        result: Rows[OutboundOrderRow] = Rows()
        for query in queries or [{}]:

            def fetch(received: int, page: int, body: dict[str, Any] = common | query) -> Answer:
                body = body | {"page": page, "page_size": OUTBOUND_PAGE}
                return self._gateway.call("outbound_orders", paths.OUTBOUND_ORDERS, body)

            rows = self._all_rows(OutboundOrderRow, fetch, OUTBOUND_PAGE, "outbound_orders")
            found.update((row.wo_number, row) for row in rows)
            result.unreadable.extend(rows.unreadable)
        result.extend(found.values())
        return result

    # --- Inventory and master data --------------------------------------------------------------------

    def inventory_pages(self, warehouse_ids: Sequence[str]) -> Iterator[InventoryPage]:
        """Yield all stock rows of the warehouses.

        Raises TransientError ``incomplete_read`` as soon as the read cannot be complete: rows missing or
        unreadable, or the total changed while it was read (rows moved between pages). Use the rows only
        when the last page has come.
        """
        operation = "inventory_pages"
        wids = ",".join(dict.fromkeys(warehouse_ids))
        if not wids:
            return

        def fetch(received: int, page: int) -> Answer:
            body = {"wid": wids, "offset": received, "length": INVENTORY_PAGE}
            return self._gateway.call(operation, paths.INVENTORY, body)

        first_total: int | None = None
        for number, (raw, total) in enumerate(pages(fetch, INVENTORY_PAGE, operation)):
            first_total = total if number == 0 else first_total
            if total != first_total:
                raise incomplete(operation, f"the total changed from {first_total} to {total} while it was read.")
            rows = read_rows(InventoryRow, raw, self._zone, operation)
            if rows.unreadable:
                raise incomplete(operation, f"a row is unreadable ({rows.unreadable[0].reason}).")
            yield InventoryPage(list(rows), total)

    def warehouses(self, types: Sequence[int] = (1, 3)) -> Rows[WarehouseRow]:
        """Return the warehouses of the given types: 1 local, 3 overseas, 4 Amazon, 6 AWD."""
        result: Rows[WarehouseRow] = Rows()
        for kind in types:

            def fetch(received: int, page: int, kind: int = kind) -> Answer:
                body = {"type": kind, "offset": received, "length": WAREHOUSE_PAGE}
                return self._gateway.call("warehouses", paths.WAREHOUSES, body)

            _join(result, self._all_rows(WarehouseRow, fetch, WAREHOUSE_PAGE, "warehouses"))
        return result

    def stores(self) -> Rows[StoreRow]:
        """Return all stores of the account, of every platform."""

        def fetch(received: int, page: int) -> Answer:
            return self._gateway.call("stores", paths.STORES, {"offset": received, "length": STORE_PAGE})

        return self._all_rows(StoreRow, fetch, STORE_PAGE, "stores")

    def pairs(self, store_ids: Sequence[str]) -> Rows[PairRow]:
        """Return which MSKU of the stores is paired with which local SKU."""
        if not store_ids:
            return Rows()

        def fetch(received: int, page: int) -> Answer:
            body = {"store_ids": list(store_ids), "offset": received, "length": PAIR_PAGE}
            return self._gateway.call("pairs", paths.PAIRS, body)

        return self._all_rows(PairRow, fetch, PAIR_PAGE, "pairs")

    def logistics_types(self, provider_types: Sequence[int] = (0, 1, 2, 4)) -> Rows[LogisticsTypeRow]:
        """Return the logistics methods in use: 0 API, 1 custom, 2 overseas warehouse, 4 platform."""
        result: Rows[LogisticsTypeRow] = Rows()
        for kind in provider_types:

            def fetch(received: int, page: int, kind: int = kind) -> Answer:
                param = {"provider_type": kind, "page": page, "length": LOGISTICS_PAGE}
                return self._gateway.call("logistics_types", paths.LOGISTICS_TYPES, {"param": param})

            _join(result, self._all_rows(LogisticsTypeRow, fetch, LOGISTICS_PAGE, "logistics_types"))
        return result

    def _all_rows(self, model: type[RowT], fetch: Any, size: int, operation: str) -> Rows[RowT]:
        result: Rows[RowT] = Rows()
        for raw, _total in pages(fetch, size, operation):
            _join(result, read_rows(model, raw, self._zone, operation))
        return result


def _join(result: Rows[RowT], more: Rows[RowT]) -> None:
    result.extend(more)
    result.unreadable.extend(more.unreadable)


def _outbound_dates(start: date | None, end: date | None) -> dict[str, str]:
    dates = {}
    if start:
        dates["start_date"] = (start - timedelta(days=1)).isoformat()
    if end:
        dates["end_date"] = (end + timedelta(days=1)).isoformat()
    return dates | ({"time_type": "create_at"} if dates else {})
