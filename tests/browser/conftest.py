"""A page in a real Chromium, in front of a live server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def page(chromium: Any, live_server: Any, django_user_model: Any) -> Iterator[Any]:
    """A page of a logged-in administrator."""
    django_user_model.objects.create_superuser("mei", "mei@example.com", "a-good-password")
    context = chromium.new_context(base_url=live_server.url, viewport={"width": 1400, "height": 900}, locale="en-US")
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.goto("/admin/login/")
    page.fill("#id_username", "mei")
    page.fill("#id_password", "a-good-password")
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/")
    yield page
    context.close()
