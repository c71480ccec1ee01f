"""A seeded database and people with different rights."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from tests.admin.seed import seed


@pytest.fixture
def orders(db: None) -> list[Any]:
    return seed(60)


@pytest.fixture
def boss(db: None) -> User:
    return User.objects.create_superuser("boss", "boss@example.com", "not-a-real-password")


@pytest.fixture
def browser(boss: User) -> Client:
    return as_user(boss)


def as_user(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def staff(name: str, *codenames: str) -> User:
    """Make a staff member with these rights."""
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    assert user.user_permissions.count() >= len(codenames)
    return user
