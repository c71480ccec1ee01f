"""A seeded database and people with different rights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.test import Client

from orders.models import Order
from tests.admin.seed import seed

SEEDED = 60


@contextmanager
def kept(database: Any, make: Callable[[], Any]) -> Iterator[None]:
    """Keep what ``make`` writes for all tests of a class: each test rolls back to it, and at the end it goes too.

    database: pytest-django's ``django_db_blocker``. Not for tests that end in a flush (``transactional_db``).
    """
    with database.unblock():
        outer = transaction.atomic()
        outer.__enter__()
        make()
    yield
    with database.unblock():
        transaction.set_rollback(True)
        outer.__exit__(None, None, None)


@pytest.fixture(scope="class")
def seeded(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """``orders`` for all tests of a class that asks for it (``usefixtures``), made once: seeding takes long."""
    with kept(django_db_blocker, lambda: seed(SEEDED)):
        yield


@pytest.fixture
def orders(request: pytest.FixtureRequest, db: None) -> list[Any]:
    if "seeded" in request.fixturenames:
        return list(Order.objects.order_by("pk"))
    return seed(SEEDED)


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


def staff(name: str, *codenames: str) -> User:
    """Make a staff member with these rights."""
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    assert user.user_permissions.count() >= len(codenames)
    return user
