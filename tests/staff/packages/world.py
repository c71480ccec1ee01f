"""An order that left in two packages, in the database only, and people who may decide about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from integrations.deliveries.states import State
from orders.models import (
    Acknowledgement,
    ErpPush,
    Invoice,
    Order,
    OrderLine,
    Package,
    PackageLine,
    Shipment,
)


def make_order(order_id: str = "9100001", *, status: str = State.NEEDS_ATTENTION, **fields: Any) -> Shipment:
    """Lamp × 3 and rug × 2; WO-1 carries 2 lamps, WO-2 a lamp and both rugs. Returns the shipment."""
    now = timezone.now()
    values = {
        "po_number": f"PO-{order_id}", "retailer_id": "R1", "retailer_name": "Northgate Home",
        "dsco_status": "shipment_pending", "dsco_lifecycle": "acknowledged", "warehouse_code": "EAST",
        "service_level": "FEHD", "first_seen_at": now, "read_at": now, "ship_by": now + timedelta(hours=5),
    } | fields  # fmt: skip
    order = Order.objects.create(dsco_order_id=order_id, **values)
    lamp, rug = (
        OrderLine.objects.create(
            order=order, position=index, line_number=index + 1, sku=sku, dsco_item_id=f"70{index}", quantity=quantity,
            title=title, erp_sku=f"LX-{sku}",
        )
        for index, (sku, quantity, title) in enumerate([("LAMP", 3, "Oak table lamp"), ("RUG", 2, "Wool rug")])
    )  # fmt: skip
    done = {"order": order, "status": State.SUCCEEDED}
    ErpPush.objects.create(key=f"push:{order_id}", platform_order_no=order_id, **done)
    Acknowledgement.objects.create(key=f"ack:{order_id}", **done)
    Invoice.objects.create(order=order, key=f"invoice:{order_id}")
    for number, units in (("1", {lamp: 2}), ("2", {lamp: 1, rug: 2})):
        package = Package.objects.create(
            order=order, wo_number=f"WO{order_id}-{number}", tracking_number=f"T{order_id}-{number}", status=3,
            shipped=True, shipped_at=now - timedelta(hours=2), read_at=now,
        )  # fmt: skip
        for one, quantity in units.items():
            PackageLine.objects.create(package=package, order_line=one, erp_sku=one.erp_sku, quantity=quantity)
    return Shipment.objects.create(
        order=order, key=f"shipment:{order_id}", status=status, reason_code="several_packages",
        last_error="It left in 2 packages.", due_at=now if status in ("due", "accepted", "uncertain") else None,
    )  # fmt: skip


def person(name: str, *permissions: str) -> Client:
    """A staff member with these permissions (codenames), in a browser."""
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def operator(name: str) -> Client:
    """Somebody who may compose shipments."""
    return person(name, "view_shipment", "view_order", "compose_shipment")


def inputs(client: Client, shipment: Shipment, **changes: Any) -> dict[str, Any]:
    """Return what a browser would post from the page of the order, with changes ("" removes a tick)."""
    page = client.get(address(shipment))
    data = fields_of(page)
    for name, value in changes.items():
        data[name.replace("__", "-")] = value
    return {name: value for name, value in data.items() if value is not None}


def fields_of(page: Any) -> dict[str, Any]:
    """Return the form's fields as they stand in a page."""
    grid = page.context["grid"]
    data: dict[str, Any] = {
        "count": str(len(grid.packages)), "version": str(page.context["shown"].version), "seen": page.context["seen"],
        "reason": grid.reason,
    }  # fmt: skip
    if grid.partial:
        data["partial"] = "1"
    for package in grid.packages:
        index = package["index"]
        data |= {f"p{index}-source": package["source"], f"p{index}-note": package["note"]}
        if package["include"]:
            data[f"p{index}-include"] = "1"
    for row in (*grid.fields, *grid.lines):
        data |= {cell.name: cell.value for cell in row.cells}
    return data


def address(shipment: Shipment) -> str:
    return f"/admin/orders/shipment/by-hand/{shipment.order_id}/"


def lines_of(shipment: Shipment) -> list[int]:
    """Primary keys of lamp and rug."""
    return list(shipment.order.lines.values_list("pk", flat=True))
