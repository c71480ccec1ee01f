"""The keys, in a real browser: they move, select, open, and leave fields, dialogs and other key combinations alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache

from tests.admin.seed import seed

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.django_db(transaction=True),
]
WIDTHS = (768, 1400)
DAILY = (
    "/admin/", "/admin/words/", "/admin/orders/order/", "/admin/integrations/cause/", "/admin/integrations/flow/",
    "/admin/preferences/",
)  # fmt: skip


@pytest.fixture
def page(chromium: Any, live_server: Any, client: Any) -> Iterator[Any]:
    cache.clear()
    seed(30)
    client.force_login(User.objects.create_superuser("boss", "boss@example.com", "not-a-real-password"))
    context = chromium.new_context(viewport={"width": 1400, "height": 900}, base_url=live_server.url)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    elsewhere: list[str] = []
    context.on(
        "request", lambda request: None if request.url.startswith(live_server.url) else elsewhere.append(request.url)
    )
    found = context.new_page()
    found.set_default_timeout(10_000)
    yield found
    context.close()
    assert not [url for url in elsewhere if not url.startswith("data:")]


def is_focused(page: Any, identifier: str) -> bool:
    return bool(page.evaluate("document.activeElement.id") == identifier)


def test_g_leads_to_the_daily_pages(page: Any) -> None:
    page.goto("/admin/preferences/")
    for key, path in (("o", "/admin/orders/order/"), ("e", "/admin/integrations/cause/"),
                      ("f", "/admin/integrations/flow/"), ("w", "/admin/words/"), ("d", "/admin/")):  # fmt: skip
        page.keyboard.press("g")
        page.keyboard.press(key)
        page.wait_for_url(f"**{path}")


def test_rows_are_moved_through_selected_and_opened(page: Any) -> None:
    page.goto("/admin/orders/order/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    rows = page.locator("#result_list tr.data-row")
    assert "ob-current-row" in rows.nth(1).get_attribute("class")
    page.keyboard.press("x")
    assert rows.nth(1).locator("input.action-select").is_checked()
    page.keyboard.press("x")
    assert not rows.nth(1).locator("input.action-select").is_checked()
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/orders/order/*/change/**")


def test_slash_searches_the_list_else_any_number(page: Any) -> None:
    page.goto("/admin/orders/order/")
    page.keyboard.press("/")
    assert is_focused(page, "searchbar")
    page.goto("/admin/preferences/")
    page.keyboard.press("/")
    assert is_focused(page, "ob-find")
    page.keyboard.type("1190000003")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/orders/order/*/change/**")


def test_keys_do_nothing_while_typing_or_with_modifiers(page: Any) -> None:
    page.goto("/admin/orders/order/")
    page.focus("#searchbar")
    page.keyboard.type("g o j x ?/")
    assert page.input_value("#searchbar") == "g o j x ?/"
    assert not page.locator("dialog#ob-keys").is_visible()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Control+j")
    page.keyboard.press("Alt+j")
    assert page.locator(".ob-current-row").count() == 0


def test_the_help_opens_closes_and_holds_the_other_keys_back(page: Any) -> None:
    page.goto("/admin/orders/order/")
    page.keyboard.press("?")
    assert page.locator("dialog#ob-keys").is_visible()
    page.keyboard.press("j")
    assert page.locator(".ob-current-row").count() == 0
    page.keyboard.press("Escape")
    assert not page.locator("dialog#ob-keys").is_visible()
    page.click("[data-ob-keys]")
    assert page.locator("dialog#ob-keys").is_visible()


def test_single_keys_can_be_switched_off_for_good(page: Any) -> None:
    page.goto("/admin/orders/order/")
    page.keyboard.press("?")
    page.check("[data-ob-keys-off]")
    page.keyboard.press("Escape")
    page.reload()
    page.keyboard.press("j")
    assert page.locator(".ob-current-row").count() == 0
    page.click("[data-ob-keys]")
    assert page.is_checked("[data-ob-keys-off]")


def test_no_page_scrolls_sideways(page: Any) -> None:
    too_wide = {}
    for path in DAILY:
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(path)
            if (found := page.evaluate("document.documentElement.scrollWidth")) > width:
                too_wide[path, width] = found
    assert too_wide == {}


def test_the_start_page_does_not_jump(page: Any) -> None:
    page.add_init_script(
        "window.jumps = 0; new PerformanceObserver(list => { for (const each of list.getEntries())"
        " if (!each.hadRecentInput) window.jumps += each.value; }).observe({type: 'layout-shift', buffered: true});"
    )
    page.goto("/admin/")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.jumps") < 0.1
    assert page.evaluate("Boolean(Chart.getChart(document.querySelector('canvas.chart')))")
