"""A seeded database, and people in each role."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from tests.staff.people import as_user, boss, browser, orders

__all__ = ["boss", "browser", "orders"]


@pytest.fixture
def in_role(db: None) -> Callable[[str], Client]:
    """Return a browser in which somebody of this role is logged in."""

    def log_in(role: str) -> Client:
        user = User.objects.create_user(f"one-{role}", is_staff=True)
        user.groups.add(Group.objects.get(name=role))
        return as_user(user)

    return log_in
