"""LingXing's order service (/pb/mp/order): create, list, cancel and change orders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from ..http import Answer, Effects
from .answers import Envelopes, LooseTypes
from .entrance import Refused
from .floor import SHIPPED, Floor
from .order_rows import Row, amount, line_row, order_row, render_order, with_quantity
from .rearranging import split

THIRTY_DAYS = 30 * 86400
WINDOW = ("date_type", "start_time", "end_time")


@dataclass
class OrderService:
    """Answers the calls of the order service; the gateway has already checked their form."""

    floor: Floor
    envelopes: Envelopes
    loose: LooseTypes
    effects: Effects
    violation: Callable[[str], None]
    allow_duplicates: bool = False
    drop_optional_fields: bool = False
    refusals: dict[str, str] = field(default_factory=dict)
    page_size: Callable[[int], int] = int
    _numbers: Iterator[int] = field(default_factory=lambda: count(103664089112657001))
    _line_numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def next_number(self) -> str:
        """A fresh global_order_no."""
        return str(next(self._numbers))

    def _refuse(self, now: float, text: str, operation: str = "") -> Refused:
        if operation:
            self.violation(f"lingxing {operation}: {text}")
        return Refused(self.envelopes.invalid(now, text))

    def create_orders(self, body: dict[str, Any], now: float) -> Answer:
        """Creates each order on its own; the answer says per order what came of it."""
        store = self.floor.catalogue.stores.get(body["store_id"])
        if store is None or store.platform_code != body["platform_code"]:
            raise self._refuse(now, "店铺不存在")
        for sent in body["orders"]:
            if ("wid" in sent) != ("logistics_type_id" in sent):
                raise self._refuse(now, "wid和logistics_type_id必须同时填写", "create_orders")
            if any(not line.get("sku") and not line.get("msku") for line in sent["items"]):
                raise self._refuse(now, "sku和msku必须填写一个", "create_orders")
        made, refused = [], []
        for sent in body["orders"]:
            self.loose.next_row()
            reason = self._reason_to_refuse(sent, store.store_id)
            outcome: Row = {"platform_order_no": self.loose.identifier(sent["platform_order_no"])}
            if reason:
                refused.append({**outcome, "error_message": reason})
            else:
                number = self._create(sent, store.store_id, now)
                made.append({**outcome, "global_order_no": self.loose.identifier(number)})
        return self.envelopes.multi_platform(now, {"error_details": refused, "success_details": made})

    def _create(self, sent: dict[str, Any], store_id: str, now: float) -> str:
        number = self.enter(sent, store_id, now)
        self.effects.add("erp_order", sent["platform_order_no"], now, {"global_order_no": number, "store_id": store_id})
        return number

    def enter(self, sent: dict[str, Any], store_id: str, now: float) -> str:
        """A new order, whoever types it; return its global_order_no."""
        catalogue = self.floor.catalogue
        platform_number = sent["platform_order_no"]
        lines = []
        for line in sent["items"]:
            sku = line.get("sku") or catalogue.local_sku(store_id, line["msku"])
            lines.append(line_row(next(self._line_numbers), line, platform_number, sku, catalogue))
        number = self.next_number()
        granted = not self.drop_optional_fields
        self.floor.enter(order_row(number, sent, lines, catalogue.stores[store_id], now, granted), now)
        return number

    def _reason_to_refuse(self, sent: dict[str, Any], store_id: str) -> str:
        catalogue = self.floor.catalogue
        number = sent["platform_order_no"]
        if number in self.refusals:
            return self.refusals[number]
        required = ("platform_order_no", "receiver_name", "city", "address_line1")
        empty = next((name for name in required if not sent[name].strip()), None)
        if empty:
            return f"{empty}不能为空"
        if len(sent["receiver_country_code"]) != 2:
            return "国家/地区二字简码不正确"
        taken = any(row["store_id"] == store_id for row in self.floor.book.orders_of(number))
        if taken and not self.allow_duplicates:
            return "同一店铺平台单号已存在"
        if "wid" in sent:
            if sent["wid"] not in catalogue.warehouses:
                return "仓库不存在"
            method = catalogue.logistics_types.get(sent["logistics_type_id"])
            if method is None or method.wid not in ("", sent["wid"]):
                return "物流方式不存在"
        return self._reason_to_refuse_lines(sent["items"])

    def _reason_to_refuse_lines(self, lines: list[dict[str, Any]]) -> str:
        for line in lines:
            if line.get("sku") and line["sku"] not in self.floor.catalogue.products:
                return f"SKU不存在: {line['sku']}"
            try:
                amount(line["unit_price"])
            except ValueError:
                return "单价不正确"
        return ""

    def list_orders(self, body: dict[str, Any], now: float, known_until: float) -> Answer:
        """Lists orders as known at the epoch second `known_until`, newest first."""
        window = [name for name in WINDOW if name in body]
        by_number = "platform_order_nos" in body or "platform_order_names" in body
        if (window and len(window) < len(WINDOW)) or not (window or by_number):
            raise self._refuse(now, "date_type,start_time,end_time不能为空", "list_orders")
        if window and not 0 <= body["end_time"] - body["start_time"] <= THIRTY_DAYS:
            raise self._refuse(now, "时间跨度不能超过30天", "list_orders")
        rows = self.floor.book.visible_orders(known_until, body.get("platform_order_nos"))
        found = [row for row in rows if _listed(row, body, bool(window))]
        page = found[body["offset"] : body["offset"] + self.page_size(body["length"])]
        return self.envelopes.page(now, [render_order(row, self.loose) for row in page], len(found))

    def cancel_orders(self, body: dict[str, Any], now: float) -> Answer:
        """Marks orders as not to ship, unless the warehouse already works on them."""
        failures = []
        for number in body["order_list"]:
            reason = self._reason_not_to_cancel(number)
            if reason:
                failures.append({"global_order_no": number, "message": reason})
            else:
                row = self.floor.cancel(self.floor.book.orders[number], now)
                for info in row["platform_info"]:
                    self.effects.add("erp_cancellation", info["platform_order_no"], now, {"global_order_no": number})
        succeeded = len(body["order_list"]) - len(failures)
        data = {
            "success_num": succeeded,
            "fail_num": len(failures),
            # As in the vendor's own example, not what its table says for "all failed".
            "process_code": 10001 if failures else 10002,
            "failure_info": failures,
        }
        return self.envelopes.multi_platform(now, data)

    def _reason_not_to_cancel(self, number: str) -> str:
        row = self.floor.book.orders.get(number)
        if row is None or row["is_delete"]:
            return "订单不存在！"
        if row["status"] not in (3, 4, 5):
            return "订单状态不允许标记不发货"
        if any(out["status"] in (2, SHIPPED) for out in self.floor.live_outbound(row)):
            return "订单已进入仓库，请截单"
        return ""

    def update_order(self, body: dict[str, Any], now: float) -> Answer:
        """Changes address and lines of orders in status 4."""
        return self._each(body["order_list"], now, self._update, 10002)

    def _update(self, change: dict[str, Any], row: Row, now: float) -> str:
        if row["status"] != 4:
            return "只有待审核的订单可以编辑"
        address = change.get("address_info", {})
        renamed = {"company_name" if name == "receiver_company_name" else name: text for name, text in address.items()}
        lines = list(row["item_info"])
        for edit in change["order_item_list"]:
            index = next((i for i, line in enumerate(lines) if edit.get("id") == line["id"]), None)
            if edit["type"] != 3 or index is None or edit.get("sku", "") not in {"", *self.floor.catalogue.products}:
                return "商品信息不正确"
            lines[index] = with_quantity(lines[index], edit.get("quantity", lines[index]["quantity"]))
            lines[index]["local_sku"] = edit.get("sku") or lines[index]["local_sku"]
        tags = [
            tag for tag in row["order_tag"] if tag["tag_no"] != "3-8" or any(not line["local_sku"] for line in lines)
        ]
        self.floor.change(row, now, address_info={**row["address_info"], **renamed}, item_info=lines, order_tag=tags)
        return ""

    def set_remark(self, body: dict[str, Any], now: float) -> Answer:
        """Appends to or replaces the remark."""
        return self._each(body["orders"], now, self._set_remark, 10002)

    def _set_remark(self, change: dict[str, Any], row: Row, now: float) -> str:
        before = row["remark"] if change.get("remark_is_append", True) else ""
        self.floor.change(row, now, remark=f"{before} {change['remark']}".strip())
        return ""

    def edit_order(self, body: dict[str, Any], now: float) -> Answer:
        """Sets warehouse and logistics method of orders that have not been audited."""
        return self._each(body["order_list"], now, self._edit, 0)

    def _edit(self, change: dict[str, Any], row: Row, now: float) -> str:
        wid, method = str(change["logistics"]["sys_wid"]), str(change["logistics"]["logistics_type_id"])
        if wid not in self.floor.catalogue.warehouses or method not in self.floor.catalogue.logistics_types:
            return "仓库或物流方式不存在"
        if row["status"] != 4:
            return "只有待审核的订单可以编辑"
        logistics = {**row["logistics_info"], "logistics_type_id": method}
        self.floor.lock(self.floor.change(row, now, wid=wid, logistics_info=logistics))
        return ""

    def _each(
        self,
        changes: list[dict[str, Any]],
        now: float,
        apply: Callable[[dict[str, Any], Row, float], str],
        success: int,
    ) -> Answer:
        errors = []
        for change in changes:
            number = str(change["global_order_no"])
            row = self.floor.book.orders.get(number)
            reason = "订单不存在！" if row is None or row["is_delete"] else apply(change, row, now)
            if reason:
                errors.append({"global_order_no": number, "error_message": reason})
        code = success if not errors else 10000 if len(errors) == len(changes) else 10001
        message = "操作成功" if code == success else "操作失败"
        return self.envelopes.multi_platform(now, {"error_details": errors}, code, message)

    def split_order(self, body: dict[str, Any], now: float) -> Answer:
        """Splits an order by its lines (split_mod 1)."""
        row = self.floor.book.orders.get(body["global_order_no"])
        if row is None or body["split_mod"] != 1:
            raise self._refuse(now, "订单不存在！")
        names = {line["id"]: line["local_sku"] or line["msku"] for line in row["item_info"]}
        parts: list[Counter[str]] = []
        for group in body["order_item"]:
            part: Counter[str] = Counter()
            for line in group:
                part[names.get(str(line["item_id"]), "")] += int(line["quantity"])
            parts.append(part)
        try:
            made = [part["global_order_no"] for part in split(self.floor, row, parts, now, self.next_number)]
        except ValueError:
            raise self._refuse(now, "拆分数量不正确") from None
        result = [{"global_order_no": number} for number in made]
        return self.envelopes.multi_platform(now, {"num": 1, "global_order_no": made[1:], "result": result})


def _listed(row: Row, body: dict[str, Any], windowed: bool) -> bool:
    if row["is_delete"] and not body.get("include_delete", False):
        return False
    if "order_status" in body and row["status"] != body["order_status"]:
        return False
    if body.get("store_id") and row["store_id"] not in body["store_id"]:
        return False
    codes = {info["platform_code"] for info in row["platform_info"]}
    if body.get("platform_code") and codes.isdisjoint(str(code) for code in body["platform_code"]):
        return False
    if "platform_order_names" in body and "platform_order_nos" not in body:
        # Names are known for six other platforms only.
        return False
    if not windowed:
        return True
    name = {"delivery_time": "global_delivery_time"}.get(body["date_type"], body["date_type"])
    return bool(body["start_time"] < row[name] < body["end_time"])
