"""Parked deliveries in numbers, and people with different rights."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from integrations.deliveries.states import State
from orders.models import ErpPush, Order, OrderLine

RETAILERS = ("1000012345", "1000023456")


def make_orders(number: int, start: int = 0) -> list[Order]:
    now = timezone.now()
    orders = Order.objects.bulk_create(
        Order(
            dsco_order_id=str(2_000_000 + index), po_number=f"PO-{index}", retailer_id=RETAILERS[index % 2],
            retailer_name=f"Retailer {index % 2}", first_seen_at=now, read_at=now, dsco_status="created",
            ship_by=now + timedelta(hours=index + 1),
        )
        for index in range(start, start + number)
    )  # fmt: skip
    OrderLine.objects.bulk_create(OrderLine(order=order, position=0, sku="HP-RUG-03", quantity=1) for order in orders)
    return orders


def park(
    orders: list[Order], status: str = State.NEEDS_ATTENTION, code: str = "unmapped_sku", message: str = "SKU ? {}",
    error_kind: str = "", model: Any = ErpPush, **columns: Any,
) -> list[Any]:  # fmt: skip
    extra = [{"platform_order_no": order.dsco_order_id} if model is ErpPush else {} for order in orders]
    return model.objects.bulk_create(
        model(
            order=order, key=f"{model.KIND}:{order.dsco_order_id}", status=status, reason_code=code,
            last_error_code=code, last_error=message.format(order.dsco_order_id), last_error_kind=error_kind,
            **{"due_at": timezone.now() if status == State.UNCERTAIN else None, **more, **columns},
        )
        for order, more in zip(orders, extra, strict=True)
    )  # fmt: skip


@pytest.fixture
def boss(db: None) -> User:
    return User.objects.create_superuser("boss", "boss@example.com", "not-a-real-password")


@pytest.fixture
def browser(boss: User) -> Client:
    client = Client()
    client.force_login(boss)
    return client


@pytest.fixture
def browser_of(db: None) -> Callable[..., Client]:
    """A browser of somebody who may view everything, and what is named."""

    def make(*codenames: str) -> Client:
        user = User.objects.create_user(f"user-{'-'.join(codenames)}", is_staff=True)
        viewing = Permission.objects.filter(codename__startswith="view_").exclude(codename="view_personal_data")
        user.user_permissions.set(viewing | Permission.objects.filter(codename__in=codenames))
        client = Client()
        client.force_login(user)
        return client

    return make
