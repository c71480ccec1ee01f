"""What happens outside: the retailers order and change their minds, LingXing's people split, merge, pack and ship."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.dsco.invented import RETAILERS
from tests.conftest import LOGISTICS_TYPES, WAREHOUSES

from .world import SKUS, World

# How an order leaves the warehouse. Only "plain", "relabelled" and "withdrawn" can be reported without a person.
FATES = ("plain",) * 5 + ("relabelled", "withdrawn", "split", "packages", "merged", "resent", "dropped")


class Outside(World):
    """The moves of everybody but us."""

    # --- Retailers ------------------------------------------------------------------------------------

    def place_order(self) -> None:
        """A retailer orders; his PO number may be one that he, or another, has used before."""
        chance = self.chance
        skus = chance.choices(SKUS, k=chance.randint(1, 3))
        if self.has("unmapped") and chance.random() < 0.4:
            sku = f"NEW-{len(self.orders)}"
            self.add_product(f"LX-{sku}")
            self.unmapped[sku] = f"LX-{sku}"
            skus[0] = sku
        test = chance.random() < 0.05
        order = self.sandbox.dsco.add_order(
            retailer=chance.choice(list(RETAILERS)),
            po_number=f"PO-{chance.randint(1, 4)}-{chance.randint(1, 2)}",
            warehouse=chance.choice(list(WAREHOUSES)),
            service_level=chance.choice(list(LOGISTICS_TYPES)),
            lines=[{"sku": sku, "quantity": chance.randint(1, 3)} for sku in skus],
            test=test,
        )
        fate = "test" if test else chance.choice(FATES) if self.has("fates") else "plain"
        self.orders[str(order["dscoOrderId"])] = fate
        self.say(f"order {order['dscoOrderId']} ({fate}) {order['poNumber']} {skus}")

    def retailer_changes_his_mind(self) -> None:
        """Cancels an order or some of it, asks us to, takes it back, changes a price, or lists the lines anew."""
        ways = [("cancellations", "request_cancel"), ("cancellations", "cancel_by_retailer"), ("withdrawals", "ask"),
                ("withdrawals", "withdraw"), ("partial_cancellations", "cancel_line"), ("prices", "price"),
                ("withdrawals", "list_anew")]  # fmt: skip
        possible = [way for feature, way in ways if self.has(feature)]
        if not possible or not self.orders:
            return
        order_id, how = self.chance.choice(list(self.orders)), self.chance.choice(possible)
        dsco = self.sandbox.dsco
        order = dsco.orders[order_id]
        if not any(line["remainingQuantity"] for line in order["lineItems"]):
            return
        if how == "withdraw" and not order.get("cancelRequested"):
            return
        self.say(f"{how} {order_id}")
        self.happened[f"retailer {how}"] += 1
        if how == "withdraw":
            self.withdrawn.add(order_id)
            dsco.rewrite(order_id, _withdraw, backdate=60)
            return
        if how == "list_anew":
            dsco.rewrite(order_id, lambda order: self.chance.shuffle(order["lineItems"]), backdate=60)
            return
        self.touched.add(order_id)
        if how == "cancel_line":
            dsco.rewrite(order_id, self._cancel_a_line, backdate=60)
        elif how == "price":
            self.prices_changed.add(order_id)
            dsco.rewrite(order_id, self._change_a_price, backdate=60)
        else:
            (dsco.cancel_by_retailer if how == "cancel_by_retailer" else dsco.request_cancel)(order_id)

    def _cancel_a_line(self, order: dict[str, Any]) -> None:
        line = self.chance.choice([line for line in order["lineItems"] if line["remainingQuantity"]])
        units = self.chance.randint(1, line["remainingQuantity"])
        line["cancelledQuantity"] += units
        line["remainingQuantity"] -= units

    def _change_a_price(self, order: dict[str, Any]) -> None:
        line = self.chance.choice(order["lineItems"])
        line["expectedCost"] = round(line["expectedCost"] + self.chance.choice([-1.11, 0.07, 3.335]), 2)

    # --- LingXing's people ----------------------------------------------------------------------------

    def work_in_the_warehouse(self) -> None:
        """Some of what is open is audited, or leaves in the way that its fate says."""
        waiting = [row for row in self.sandbox.lingxing.orders.values() if is_open(row)]
        for row in self.chance.sample(waiting, min(len(waiting), self.chance.randint(1, 3))):
            if is_open(self.sandbox.lingxing.orders[row["global_order_no"]]):
                self._move_on(row["global_order_no"])

    def finish_in_the_warehouse(self) -> None:
        """Whatever is open is audited and shipped."""
        for row in list(self.sandbox.lingxing.orders.values()):
            for _step in range(4):
                now = self.sandbox.lingxing.orders[row["global_order_no"]]
                if is_open(now) and not now["order_tag"]:
                    self._move_on(now["global_order_no"])

    def count_the_stock(self) -> None:
        """Goods arrive, or are counted again; a new product stands before all others in the list."""
        lingxing, chance = self.sandbox.lingxing, self.chance
        if chance.random() < 0.3:
            name = f"A-{len(self.stock_set)}"
            self.add_product(name, 7)
            rows = lingxing.stock
            for wid in WAREHOUSES.values():  # the list is in the order of the rows
                first = {(wid, name): rows.pop((wid, name))}
                rest = dict(rows)
                rows.clear()
                rows.update(first | rest)
            self.say(f"LingXing has a new product {name}")
            return
        wid, sku, units = chance.choice(list(WAREHOUSES.values())), f"LX-{chance.choice(SKUS)}", chance.randint(60, 140)
        self.stock_set[wid, sku].append(units)
        lingxing.set_stock(wid, sku, units)
        self.say(f"stock of {sku} in {wid} is {units}")

    def _move_on(self, number: str) -> None:
        lingxing = self.sandbox.lingxing
        row = lingxing.orders[number]
        self.warehouse_moves += 1
        order_id = row["platform_info"][0]["platform_order_no"]
        fate = self.orders.get(order_id, "plain")
        self.say(f"warehouse: {number} of {order_id} ({fate}) in {row['status']}")
        if row["status"] == 4:
            lingxing.audit(number)
            return
        self.happened["warehouse " + fate.rstrip("!")] += 1
        if fate != "plain":
            self.orders[order_id] = "shipped as plain" if fate in ("relabelled", "withdrawn") else f"{fate}!"
        {
            "relabelled": lambda: lingxing.label_only(number),
            "withdrawn": lambda: lingxing.delete_outbound(lingxing.outbound_of(number)[-1]["wo_number"]),
            "split": lambda: lingxing.split(number) if sum(i["quantity"] for i in row["item_info"]) > 1 else None,
            "packages": lambda: self._ship_in_packages(number, row),
            "merged": lambda: self._merge(number, row),
            "resent": lambda: (lingxing.ship(number), lingxing.resend(number)),
            "dropped": lambda: lingxing.cancel(number),
        }.get(fate, lambda: lingxing.ship(number))()

    def _ship_in_packages(self, number: str, row: dict[str, Any]) -> None:
        lines = [{line["local_sku"]: line["quantity"]} for line in row["item_info"]]
        self.sandbox.lingxing.ship(number, [{"lines": line} for line in lines])

    def _merge(self, number: str, row: dict[str, Any]) -> None:
        others = [
            other["global_order_no"] for other in self.sandbox.lingxing.orders.values()
            if is_open(other) and other["store_id"] == row["store_id"] and other["global_order_no"] != number
            and self.orders.get(other["platform_info"][0]["platform_order_no"]) == "plain"
        ]  # fmt: skip
        if others:
            other = self.chance.choice(others)
            self.orders[self.sandbox.lingxing.orders[other]["platform_info"][0]["platform_order_no"]] = "merged!"
            self.sandbox.lingxing.merge([number, other])


def is_open(row: dict[str, Any]) -> bool:
    """Whether LingXing's people still have something to do for an order."""
    return row["status"] in (4, 5) and not row["is_delete"]


def _withdraw(order: dict[str, Any]) -> None:
    for part in (order, *order["lineItems"]):
        part |= {"cancelRequested": False, "cancelRequestedCode": None}
