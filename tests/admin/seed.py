"""Fills a database with orders in every situation that staff can meet, without any vendor."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from integrations.causes import refresh_causes
from integrations.deliveries.states import State
from integrations.models import (
    Alert,
    AlertRule,
    ApiCall,
    Attempt,
    BatchSize,
    Flow,
    FlowRun,
    Heartbeat,
    LingXingEntry,
    RateLimit,
    Slot,
    VendorToken,
)
from inventory.models import SkuMapping, StockItem, StockLevel, StockUpdate, WarehouseMapping
from orders.models import (
    Acknowledgement,
    Cancellation,
    Discrepancy,
    ErpOrder,
    ErpPush,
    Invoice,
    Order,
    OrderErpLink,
    OrderLine,
    Package,
    PackageLine,
    Reconciliation,
    RetailerPolicy,
    Shipment,
    ShippingMapping,
    Store,
    StoreMapping,
)
from orders.stages import refresh_stages

RETAILERS = {"1000012345": "Harbor & Pine", "1000023456": "Nordstern Home", "1000034567": "Casa Mercado"}
SKUS = ("HP-LAMP-01", "HP-CHAIR-02", "HP-RUG-03")
# State, reason code and words of a troubled delivery, by kind.
TROUBLES: dict[str, list[tuple[State, str, str]]] = {
    "erp_push": [
        (State.NEEDS_ATTENTION, "unmapped_sku", "SKU HP-RUG-03 has no SKU mapping. Add it under Mappings."),
        (State.FAILED, "20001", "商品信息错误: SKU does not exist in LingXing"),
        (State.UNCERTAIN, "timeout", "LingXing gave no answer within 30 s."),
        (State.DUE, "", ""),
    ],
    "acknowledgement": [
        (State.ACCEPTED, "", ""),
        (State.NEEDS_ATTENTION, "outcome_unknown", "Nobody could tell for hours whether this was carried out."),
        (State.WAITING, "not_ready", ""),
    ],
    "shipment": [
        (State.NEEDS_ATTENTION, "several_packages", "Two packages carry this order. Choose what to report."),
        (State.FAILED, "invalid_carrier", "shipCarrier is not allowed for this trading partner."),
        (State.WAITING, "waiting_for_warehouse", ""),
    ],
    "invoice": [
        (State.FAILED, "duplicate_invoice", "An invoice with this invoiceId exists already."),
        (State.NEEDS_ATTENTION, "no_expected_cost", "Line 1 has no expected cost."),
        (State.WAITING, "waiting_for_dsco", ""),
    ],
}


def seed(number: int = 240, now: datetime | None = None) -> list[Order]:
    """Make ``number`` orders, with everything that belongs to them. Returns the orders."""
    now = now or timezone.now()
    _mappings()
    orders = Order.objects.bulk_create(_order(index, now) for index in range(number))
    lines = OrderLine.objects.bulk_create(line for index, order in enumerate(orders) for line in _lines(index, order))
    _deliveries(orders, now)
    _erp(orders, lines, now)
    _attempts(now)
    _stock(now)
    _machine(now)
    _differences(now)
    refresh_stages([order.pk for order in orders])
    refresh_causes(now)
    return orders


def _order(index: int, now: datetime) -> Order:
    retailer_id = list(RETAILERS)[index % 3]
    held = index % 37 == 5
    return Order(
        dsco_order_id=str(1_190_000_000 + index), po_number=f"PO-{70000 + index}",
        consumer_order_number=f"C-{index:06}",
        retailer_id=retailer_id, retailer_name=RETAILERS[retailer_id], currency="USD", dsco_status="shipment_pending",
        dsco_lifecycle="received", warehouse_code="EAST", service_level="FECG", test_order=index % 60 == 7,
        cancel_requested=index % 41 == 3, cancel_requested_code="CXBR" if index % 41 == 3 else "",
        acknowledge_by=now + timedelta(hours=2), ship_by=now + timedelta(hours=index % 60 - 12),
        dsco_created_at=now - timedelta(minutes=20 * index + 5), first_seen_at=now - timedelta(minutes=20 * index),
        read_at=now, held=held, hold_reason="The customer asked for another address" if held else "",
        held_by="mei" if held else "", held_at=now if held else None,
        payload={"dscoOrderId": str(1_190_000_000 + index), "lineItems": [{"sku": SKUS[index % 3], "quantity": 2}]},
    )  # fmt: skip


def _lines(index: int, order: Order) -> list[OrderLine]:
    return [
        OrderLine(
            order=order, position=position, line_number=position + 1, sku=SKUS[(index + position) % 3],
            partner_sku=f"RET-{index % 50}", title="Oak table lamp, 45 cm", quantity=2,
            expected_cost=Decimal("19.5000"), consumer_price=Decimal("39.9900"), warehouse_code="EAST",
            erp_sku=f"LX-{SKUS[(index + position) % 3]}",
        )
        for position in range(1 + index % 2)
    ]  # fmt: skip


def _deliveries(orders: list[Order], now: datetime) -> None:
    models: dict[str, Any] = {
        "erp_push": ErpPush, "acknowledgement": Acknowledgement, "shipment": Shipment, "invoice": Invoice,
    }  # fmt: skip
    rows: dict[str, list[Any]] = {kind: [] for kind in models}
    for index, order in enumerate(orders):
        reached = index % 5  # how many steps succeeded
        for step, (kind, model) in enumerate(models.items()):
            row = model(order=order, key=f"{kind}:{order.dsco_order_id}")
            if kind == "erp_push":
                row.platform_order_no = order.dsco_order_id
            if kind == "invoice" and step <= reached:
                row.invoice_id, row.total = f"INV-{order.po_number}", Decimal("78.00")
            if step < reached:
                row.status, row.attempts, row.finished_at, row.last_attempt_at = State.SUCCEEDED, 1, now, now
                row.remote_reference = f"10{order.dsco_order_id}" if kind == "erp_push" else ""
            elif step == reached:
                _trouble(row, TROUBLES[kind][(index // 5) % len(TROUBLES[kind])], now, index)
            rows[kind].append(row)
    for kind, model in models.items():
        model.objects.bulk_create(rows[kind])
    Cancellation.objects.bulk_create(
        Cancellation(
            order=order, key=f"cancellation:{order.dsco_order_id}:erp", action="erp", status=State.NEEDS_ATTENTION,
            reason_code="cancelled_after_shipment", last_error="It was shipped already. Answer the retailer.",
        )
        for order in orders if order.cancel_requested
    )  # fmt: skip


def _trouble(row: Any, trouble: tuple[State, str, str], now: datetime, index: int) -> None:
    row.status, row.reason_code, row.last_error = trouble
    if row.status != State.WAITING and row.status != State.DUE:
        row.last_error_code, row.attempts = trouble[1], 1 + index % 4
        row.last_error_kind = {"failed": "rejected", "uncertain": "uncertain"}.get(row.status, "")
        row.last_attempt_at = now - timedelta(minutes=index % 90)
    if row.status in (State.DUE, State.ACCEPTED, State.UNCERTAIN):
        row.due_at = now + timedelta(minutes=index % 20)
        row.maybe_sent = row.status == State.UNCERTAIN


def _erp(orders: list[Order], lines: list[OrderLine], now: datetime) -> None:
    pushed = [order for index, order in enumerate(orders) if index % 5 >= 1]
    erp_orders = ErpOrder.objects.bulk_create(
        ErpOrder(
            global_order_no=f"10{order.dsco_order_id}", store_id="110000000000000001", status=6, wid="50", read_at=now
        )
        for order in pushed
    )
    OrderErpLink.objects.bulk_create(
        OrderErpLink(order=order, erp_order=erp) for order, erp in zip(pushed, erp_orders, strict=True)
    )
    by_order: dict[int, list[OrderLine]] = {}
    for line in lines:
        by_order.setdefault(line.order_id, []).append(line)
    packages = Package.objects.bulk_create(
        Package(
            order=order, wo_number=f"WO{order.pk:08}-{part}", global_order_no=f"10{order.dsco_order_id}",
            tracking_number=f"1Z999AA1{order.dsco_order_id}{part}", status=3, shipped=True, shipped_at=now,
            carrier_name="UPS", logistics_name="UPS Ground", wid="50", read_at=now,
        )
        for index, order in enumerate(orders) if index % 5 >= 2 for part in range(1 + (index % 10 == 2))
    )  # fmt: skip
    PackageLine.objects.bulk_create(
        PackageLine(package=package, order_line=line, erp_sku=line.erp_sku, quantity=1)
        for package in packages for line in by_order[package.order_id]
    )  # fmt: skip


def _attempts(now: datetime) -> None:
    run = FlowRun.objects.create(
        flow="push_orders", trigger="schedule", started_at=now - timedelta(minutes=3), finished_at=now,
        status="stopped",
        counts={"released": 3, "succeeded": 14, "failed": 2}, error_code="http_503",
        error="LingXing, creating orders: HTTP 503: LingXing is not available at the moment. (code http_503)",
        notes=["Two orders have no SKU mapping."],
    )  # fmt: skip
    calls = ApiCall.objects.bulk_create(
        ApiCall(
            vendor="lingxing", operation="create_orders", method="POST", path="/pb/mp/order/v2/create", flow_run=run,
            started_at=now - timedelta(minutes=index), duration_ms=180 + index, status=503 if index % 7 == 0 else 200,
            request_excerpt='{"platform_code": "10009", "access_token": "[hidden]"}', response_excerpt='{"code": 0}',
            vendor_request_id=f"REQ-{index:05}",
        )
        for index in range(60)
    )  # fmt: skip
    pushes = list(ErpPush.objects.exclude(attempts=0).order_by("pk")[:60])
    Attempt.objects.bulk_create(
        Attempt(
            kind="erp_push", delivery_id=push.pk, action="send", started_at=now - timedelta(minutes=index),
            duration_ms=210,
            outcome=push.status, error_code=push.last_error_code, message=push.last_error, api_call=calls[index],
        )
        for index, push in enumerate(pushes)
    )  # fmt: skip


def _mappings() -> None:
    store = Store.objects.create(store_id="110000000000000001", sid="4321", name="DSCO US")
    for retailer_id in RETAILERS:
        StoreMapping.objects.create(retailer_id=retailer_id, store=store)
    RetailerPolicy.objects.create(retailer_id="1000012345", name="Harbor & Pine", automatic_packages=True)
    WarehouseMapping.objects.create(dsco_code="EAST", wid="50")
    ShippingMapping.objects.create(warehouse_code="EAST", service_level="FECG", logistics_type_id="826")
    for sku in SKUS[:2]:
        SkuMapping.objects.create(dsco_sku=sku, erp_sku=f"LX-{sku}")


def _stock(now: datetime) -> None:
    for index, sku in enumerate(SKUS):
        StockLevel.objects.create(wid="50", erp_sku=f"LX-{sku}", available=40 + index, total=50, locked=3, read_at=now)
        item = StockItem.objects.create(
            dsco_sku=sku, confirmed={"EAST": 40}, confirmed_at=now, target={"EAST": 38}, target_at=now
        )
        state = (State.SUCCEEDED, State.FAILED, State.DUE)[index]
        StockUpdate.objects.create(
            item=item, key=f"stock:{sku}", quantities={"EAST": 38}, status=state, attempts=1,
            due_at=now if state == State.DUE else None, last_error="Unknown SKU" if state == State.FAILED else "",
            last_error_code="unknown_sku" if state == State.FAILED else "",
        )  # fmt: skip


def _differences(now: datetime) -> None:
    since = now - timedelta(days=1)
    Reconciliation.objects.create(
        since=since, until=now, requested_at=now, started_at=now, finished_at=now,
        counts={"orders_compared": 60, "differences": 2}, bookmarks={"dsco_orders": now.isoformat()},
    )  # fmt: skip
    order = Order.objects.order_by("pk").first()
    for code, kind, theirs in (("tracking_changed", "tracking", "1Z999"), ("missing_in_erp", "missing_in_erp", "")):
        Discrepancy.objects.create(
            source="erp_orders", kind=kind, code=code, subject="1190000001", order=order, fingerprint="f",
            ours={"tracking": ["1Z111"]}, theirs={"tracking": [theirs]} if theirs else {}, first_seen_at=since,
            last_seen_at=now,
        )  # fmt: skip


def _machine(now: datetime) -> None:
    facts = {"step": "erp_push", "key": "erp_push:1190000005", "message": "商品不存在"}
    Alert.objects.create(kind="gave_up", key="erp_push:1", subject="Gave up", facts=facts, raised_at=now)
    AlertRule.objects.create(
        name="Night shift", enabled=False, channel="wecom", kinds=["gave_up"], secret="SECRET-OF-THE-ROBOT",
        target="https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=SECRET-WEBHOOK-KEY-0001",
    )  # fmt: skip
    Flow.objects.create(name="pull_orders", interval_seconds=120, last_started_at=now, last_success_at=now)
    Flow.objects.create(name="push_orders", interval_seconds=120, last_started_at=now, last_success_at=now)
    Flow.objects.create(name="report_invoices", interval_seconds=300, paused=True, pause_reason="Month end (mei)")
    LingXingEntry.objects.create(list="warehouses", code="50", name="Newark", read_at=now)
    Heartbeat.objects.create(worker="office-server", seen_at=now)
    RateLimit.objects.create(name="dsco", reserved_until=now.timestamp())
    Slot.objects.create(name="lingxing:create_orders", position=0)
    BatchSize.objects.create(name="lingxing:create_orders", size=20, refused=50, refused_at=now)
    VendorToken.objects.create(
        vendor="lingxing", account="a" * 64, access_token="SECRET-ACCESS-TOKEN", refresh_token="SECRET-REFRESH-TOKEN",
        expires_at=now + timedelta(hours=2), generation=4,
    )  # fmt: skip
