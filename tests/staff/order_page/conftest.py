"""People with different rights, and an order on its way."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

RIGHTS = ("hold_order", "retry_delivery", "skip_delivery", "cancel_order", "comment_order", "view_personal_data")


def person(name: str, *codenames: str) -> Client:
    """A browser of somebody who may look at everything, and do what these permissions say."""
    user = User.objects.create_user(name, is_staff=True)
    looking = Permission.objects.filter(codename__startswith="view_").exclude(codename="view_personal_data")
    user.user_permissions.set([*looking, *Permission.objects.filter(codename__in=codenames)])
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def operator(transactional_db: None) -> Client:
    return person("mei", *RIGHTS)


@pytest.fixture
def viewer(transactional_db: None) -> Client:
    return person("viewer")


def page(browser: Client, order: Any) -> Any:
    answer = browser.get(address(order))
    assert answer.status_code == 200
    return answer


def address(order: Any) -> str:
    return reverse("admin:orders_order_change", args=[order.pk])


def act_address(order: Any, name: str, delivery: Any = None) -> str:
    if delivery is None:
        return reverse("admin:orders_order_act", args=[order.pk, name])
    return reverse("admin:orders_order_act_step", args=[order.pk, name, delivery.KIND, delivery.pk])


def act(browser: Client, order: Any, name: str, delivery: Any = None, **data: Any) -> Any:
    """Post an action and follow it back to the page."""
    return browser.post(act_address(order, name, delivery), data, follow=True)


def told(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])
