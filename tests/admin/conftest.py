"""A seeded database, people with different rights, and their browsers."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from .seed import seed


@pytest.fixture
def orders(db: None) -> list[Any]:
    return seed(60)


@pytest.fixture
def boss(db: None) -> User:
    return User.objects.create_superuser("boss", "boss@example.com", "not-a-real-password")


@pytest.fixture
def viewer(db: None) -> User:
    """May look at everything, change nothing."""
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return user


@pytest.fixture
def browser(boss: User) -> Client:
    return as_user(boss)


@pytest.fixture
def viewers_browser(viewer: User) -> Client:
    return as_user(viewer)


def as_user(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
