"""LingXing's other services: outbound orders, stock, warehouses, logistics methods, stores, pairs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..http import Answer, Effects
from .answers import Envelopes, LooseTypes, epoch_of, moment_text
from .catalogue import LogisticsType, Store, Warehouse
from .entrance import Refused
from .floor import SHIPPED, Floor
from .outbound_rows import render_outbound

Row = dict[str, Any]
LAST_MONTH = 31 * 86400
PLATFORM_NAMES = {10009: "自定义平台"}


@dataclass
class WarehouseService:
    """Answers the calls of these services; the gateway has already checked their form."""

    floor: Floor
    envelopes: Envelopes
    loose: LooseTypes
    effects: Effects
    violation: Callable[[str], None]
    page_size: Callable[[int], int] = int

    def outbound_orders(self, body: dict[str, Any], now: float, known_until: float) -> Answer:
        """Lists outbound orders as known at `known_until`; without dates only those of the last month."""
        first, last = self._window(body, now)
        field = body.get("time_type", "create_at")
        rows = self.floor.book.visible_outbound(
            known_until, body.get("platform_order_no_arr"), body.get("order_number_arr")
        )
        found = [row for row in rows if _matches(row, body) and row[field] and first <= row[field] < last]
        size = self.page_size(body.get("page_size", 20))
        start = (body.get("page", 1) - 1) * size
        rendered = [render_outbound(row, self.loose) for row in found[start : start + size]]
        return self.envelopes.warehouse(now, rendered, len(found))

    def _window(self, body: dict[str, Any], now: float) -> tuple[str, str]:
        """Both ends as UTC+8 texts, which sort like the times they name. The end day is not part of the window."""
        try:
            first = epoch_of(body["start_date"], "%Y-%m-%d") if "start_date" in body else now - LAST_MONTH
            last = epoch_of(body["end_date"], "%Y-%m-%d") if "end_date" in body else now + 86400
        except ValueError:
            self.violation("lingxing outbound_orders: dates must be Y-m-d")
            raise Refused(self.envelopes.invalid(now, "日期格式不符合 yyyy-MM-dd")) from None
        return moment_text(first), moment_text(last)

    def intercept_outbound(self, body: dict[str, Any], now: float) -> Answer:
        """Asks warehouses to stop; the outcome shows later in the order list."""
        failures = []
        for number in body["orderNumbers"]:
            reason = self._reason_not_to_intercept(number)
            if reason:
                failures.append({"orderNumber": number, "message": reason})
                continue
            row = self.floor.book.orders[number]
            self.floor.intercept(row, now)
            for info in row["platform_info"]:
                self.effects.add("interception", info["platform_order_no"], now, {"global_order_no": number})
        succeeded = len(body["orderNumbers"]) - len(failures)
        data = {"successNum": succeeded, "failedNum": len(failures), "failedReason": failures}
        # The vendor's first example has no data at all when everything was accepted.
        return self.envelopes.warehouse(now, data if failures else None)

    def _reason_not_to_intercept(self, number: str) -> str:
        row = self.floor.book.orders.get(number)
        if row is None or row["is_delete"]:
            return "订单不存在！"
        if self.floor.intercepting(number):
            return "该单号正在截单中"
        live = self.floor.live_outbound(row)
        if row["status"] != 5 or not live or any(out["status"] == SHIPPED for out in live):
            return "该订单状态不支持截单"
        return ""

    def inventory_details(self, body: dict[str, Any], now: float) -> Answer:
        """Stock rows of warehouses, by fuzzy SKU."""
        wids = {wid.strip() for wid in body.get("wid", "").split(",") if wid.strip()}
        rows = self.floor.catalogue.stock.listed(wids, body.get("sku", ""))
        start = body.get("offset", 0)
        page = rows[start : start + self.page_size(body.get("length", 20))]
        return self.envelopes.warehouse(now, [self._stock_row(row) for row in page], len(rows))

    def _stock_row(self, row: Row) -> Row:
        self.loose.next_row()
        counts = ("product_total", "product_valid_num", "product_bad_num", "product_qc_num", "product_lock_num")
        third = row["third_inventory"]
        overseas = {"qty_pending": 0, "qty_onway": 0, **third} if third is not None else []
        return self.loose.surprise(
            {
                **row,
                **{name: self.loose.number(row[name]) for name in counts},
                "wid": self.loose.identifier(row["wid"]),
                "seller_id": self.loose.identifier(row["seller_id"]),
                "fnsku": self.loose.text(row["fnsku"]),
                "third_inventory": overseas,
                "quantity_receive": "0",
                "product_onway": 0,
                "stock_cost_total": "0.00",
                "stock_cost": "0.0000",
                "average_age": 12,
                "stock_age_list": [{"name": "0-15天库龄", "qty": row["product_valid_num"]}],
                "purchase_price": "1.00",
            }
        )

    def warehouses(self, body: dict[str, Any], now: float) -> Answer:
        """Warehouses of one type (local unless asked otherwise), without deleted ones unless asked otherwise."""
        deleted = {text.strip() for text in str(body.get("is_delete", 0)).split(",")}
        found = [
            warehouse
            for warehouse in self.floor.catalogue.warehouses.values()
            if warehouse.type == body.get("type", 1) and str(int(warehouse.deleted)) in deleted
        ]
        start = body.get("offset", 0)
        page = found[start : start + body.get("length", 1000)]
        return self.envelopes.warehouse(now, [self._warehouse_row(warehouse) for warehouse in page], len(found))

    def _warehouse_row(self, warehouse: Warehouse) -> Row:
        self.loose.next_row()
        overseas = warehouse.type == 3
        return {
            "wid": self.loose.identifier(warehouse.wid),
            "type": self.loose.number(warehouse.type),
            "name": warehouse.name,
            "is_delete": self.loose.number(int(warehouse.deleted)),
            "wp_id": 9 if overseas else 0,
            "wp_name": "Sandbox 3PL" if overseas else "",
            "t_country_area_name": "美国" if overseas else "",
            "t_status": 1 if overseas else "",
            "t_warehouse_code": f"SB-{warehouse.wid}" if overseas else "",
            "t_warehouse_name": warehouse.name if overseas else "",
            "country_code": "US",
        }

    def stores(self, body: dict[str, Any], now: float) -> Answer:
        """Stores, all of them authorized and synchronized."""
        codes = body.get("platform_code", [])
        wanted = body.get("is_sync", 1) == 1 and body.get("status", 1) == 1
        stores = self.floor.catalogue.stores.values() if wanted else []
        found = [store for store in stores if not codes or store.platform_code in codes]
        start = body.get("offset", 0)
        page = found[start : start + body.get("length", 200)]
        return self.envelopes.page(now, [self._store_row(store) for store in page], len(found))

    def _store_row(self, store: Store) -> Row:
        self.loose.next_row()
        return {
            "store_id": self.loose.identifier(store.store_id),
            "sid": store.sid,
            "store_name": store.name,
            "platform_code": self.loose.number(store.platform_code),
            "platform_name": PLATFORM_NAMES.get(store.platform_code, "平台"),
            "currency": store.currency,
            "is_sync": self.loose.number(1),
            "status": self.loose.number(1),
        }

    def logistics_types(self, body: dict[str, Any], now: float) -> Answer:
        """Logistics methods of one provider type."""
        wanted = body["param"]
        methods = self.floor.catalogue.logistics_types.values()
        found = [method for method in methods if method.provider_type == wanted["provider_type"]]
        size = wanted.get("length", 20)
        start = (wanted.get("page", 1) - 1) * size
        rows = [self._logistics_row(method) for method in found[start : start + size]]
        return self.envelopes.warehouse(now, rows, len(found))

    def _logistics_row(self, method: LogisticsType) -> Row:
        self.loose.next_row()
        row: Row = {
            "type_id": self.loose.identifier(method.type_id),
            "name": method.name,
            "code": "",
            "is_used": self.loose.number(1),
            "logistics_provider_id": self.loose.identifier(method.provider_id),
            "logistics_provider_name": method.provider_name,
            "type": self.loose.number(method.provider_type),
        }
        return {**row, "wid": self.loose.identifier(method.wid)} if method.wid else row

    def pairs(self, body: dict[str, Any], now: float) -> Answer:
        """Store SKUs and their local SKUs, by offset or by cursor."""
        cursor = body.get("use_cursor", False)
        if cursor and "cursor_id" not in body:
            self.violation("lingxing pairs: use_cursor needs cursor_id")
            raise Refused(self.envelopes.invalid(now, "cursor_id不能为空"))
        found = self._pairs_found(body)
        start = int(body["cursor_id"]) if cursor else body.get("offset", 0)
        end = start + body.get("length", 20)
        rows = found[start:end]
        if not cursor:
            return self.envelopes.page(now, rows, len(found))
        data = {"has_next": end < len(found), "next_cursor_id": start + len(rows), "list": rows}
        return self.envelopes.multi_platform(now, data)

    def _pairs_found(self, body: dict[str, Any]) -> list[Row]:
        rows = []
        for pair in self.floor.catalogue.pairs.values():
            store = self.floor.catalogue.stores[pair.store_id]
            modified = moment_text(pair.modified_at)
            filters = (
                ("msku", pair.msku),
                ("sku", pair.sku),
                ("store_ids", pair.store_id),
                ("platform_codes", str(store.platform_code)),
            )
            if any(body.get(name) and value not in body[name] for name, value in filters):
                continue
            if not body.get("start_time", "") <= modified < body.get("end_time", "9999"):
                continue
            product = self.floor.catalogue.products.get(pair.sku)
            self.loose.next_row()
            rows.append(
                {
                    "store_id": self.loose.identifier(pair.store_id),
                    "store_name": store.name,
                    "platform_code": str(store.platform_code),
                    "platform_name": PLATFORM_NAMES.get(store.platform_code, "平台"),
                    "msku": pair.msku,
                    "sku": pair.sku,
                    "local_name": product.name if product else "",
                    "modify_time": modified,
                }
            )
        return rows


def _matches(row: Row, body: dict[str, Any]) -> bool:
    filters = (
        ("status_arr", "status"),
        ("logistics_status_arr", "logistics_status"),
        ("sid_arr", "sid"),
        ("wo_number_arr", "wo_number"),
    )
    return all(row[field] in body[name] for name, field in filters if body.get(name))
