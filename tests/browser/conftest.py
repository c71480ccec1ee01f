"""A page in a real Chromium, in front of a live server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client


@pytest.fixture
def boss(transactional_db: None) -> User:
    return User.objects.create_superuser("mei", "mei@example.com", "a-good-password")


@pytest.fixture
def open_page(chromium: Any, live_server: Any, boss: User) -> Iterator[Any]:
    """Return what opens an empty page of an administrator who is logged in, in a language and at a width."""
    contexts = []

    def opened(language: str = "en", width: int = 1400, **options: Any) -> Any:
        cache.clear()
        client = Client()
        client.force_login(boss)
        context = chromium.new_context(
            base_url=live_server.url, viewport={"width": width, "height": 900}, locale="en-US", **options
        )
        cookies = {"sessionid": client.cookies["sessionid"].value, "django_language": language}
        context.add_cookies([{"name": name, "value": value, "url": live_server.url} for name, value in cookies.items()])
        context.set_default_timeout(15_000)
        contexts.append(context)
        return context.new_page()

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page: Any) -> Any:
    """A page of an administrator, in English."""
    return open_page()
