"""What our own staff do in the back office, at any moment and not always wisely."""

from __future__ import annotations

from integrations.deliveries import staff
from integrations.deliveries.kinds import delivery_kinds
from integrations.stopping import end_stop, stop_vendor
from integrations.stops import open_stops
from inventory.models import SkuMapping, StockUpdate
from orders.holds import hold, release_hold
from orders.models import Order, ShippingMapping
from orders.staff_cancellations import CannotCancel, cancel_lines
from tests.conftest import LOGISTICS_TYPES

from .world import SKUS, World


class Staff(World):
    """Holds, retries, skips, cancellations and mappings."""

    def hold_or_release(self) -> None:
        """An order is held, or goes on."""
        order = self._some_order()
        if order is not None:
            act = self.chance.choice([hold, release_hold])
            self.say(f"{act.__name__} {order.dsco_order_id}")
            act([order.pk], "wait", "staff") if act is hold else act([order.pk], "staff")

    def retry(self) -> None:
        """Two deliveries of a kind are retried, whatever state they are in."""
        kind, ids = self._some_deliveries(2)
        result = staff.retry(kind, ids, "staff")
        self.say(f"staff retries {kind} {ids}: {result.changed} {result.refused}")

    def skip(self) -> None:
        """A delivery is given up."""
        kind, ids = self._some_deliveries(1)
        result = staff.skip(kind, ids, "staff", "not wanted")
        self.say(f"staff skips {kind} {ids}: {result.changed} {result.refused}")
        if result.changed and kind != StockUpdate.KIND:
            rows = delivery_kinds()[kind].model.objects.filter(pk__in=ids)
            gone = set(rows.values_list("order__dsco_order_id", flat=True))
            self.skipped |= gone
            self.touched |= gone

    def cancel(self) -> None:
        """Some units of an order cannot be delivered."""
        order = self._some_order()
        lines = [line for line in order.lines.all() if line.open_quantity] if order else []
        if not lines:
            return
        chosen = self.chance.sample(lines, self.chance.randint(1, len(lines)))
        units = {line.position: self.chance.randint(1, line.open_quantity) for line in chosen}
        try:
            cancel_lines(order.pk, units, "CXSS", "broken", "staff")
        except CannotCancel as reason:
            self.say(f"staff cannot cancel {units} of {order.dsco_order_id}: {reason.code}")
            return
        self.touched.add(order.dsco_order_id)
        self.say(f"staff cancels {units} of {order.dsco_order_id}")

    def map_a_sku(self) -> None:
        """A missing mapping is entered."""
        if self.unmapped:
            self.enter_mapping(self.chance.choice(list(self.unmapped)))

    def enter_mapping(self, sku: str) -> None:
        """Map a SKU that was not."""
        self.say(f"mapping for {sku}")
        SkuMapping.objects.create(dsco_sku=sku, erp_sku=self.unmapped.pop(sku))

    def change_a_mapping(self) -> None:
        """A SKU becomes another product, or a service level another shipping method, while orders are under way."""
        if self.chance.random() < 0.5:
            mapping = ShippingMapping.objects.order_by("pk").first()
            mapping.logistics_type_id = self.chance.choice(list(LOGISTICS_TYPES.values()))
            mapping.save()
            self.say(f"shipping mapping {mapping.service_level} is now {mapping.logistics_type_id}")
            return
        mapping = SkuMapping.objects.get(dsco_sku=self.chance.choice(SKUS))
        mapping.erp_sku = f"LX-{mapping.dsco_sku}-{self.chance.randint(2, 3)}"
        if ("50", mapping.erp_sku) not in self.stock_set:
            self.add_product(mapping.erp_sku)
        mapping.save()
        self.say(f"{mapping.dsco_sku} is now {mapping.erp_sku}")

    def stop_or_end(self) -> None:
        """All writes to a vendor are stopped, or go on."""
        stops = open_stops()
        vendor = self.chance.choice(["dsco", "lingxing"])
        if vendor in stops:
            self.say(f"the emergency stop of {vendor} ends")
            end_stop(stops[vendor].pk, "put right", "staff")
        else:
            self.say(f"emergency stop of {vendor}")
            stop_vendor(vendor, "wrong prices", "staff")

    def end_all_stops(self) -> None:
        """Everything may be written again."""
        for stop in open_stops().values():
            end_stop(stop.pk, "put right", "staff")

    def _some_deliveries(self, number: int) -> tuple[str, list[int]]:
        kind = self.chance.choice(list(delivery_kinds()))
        ids = list(delivery_kinds()[kind].model.objects.order_by("pk").values_list("pk", flat=True))
        return kind, self.chance.sample(ids, min(len(ids), number))

    def _some_order(self) -> Order | None:
        found = list(Order.objects.order_by("pk"))
        return self.chance.choice(found) if found else None
