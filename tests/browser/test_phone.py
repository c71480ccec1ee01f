"""On a phone: no page scrolls sideways, and what staff need is not out of sight to the right."""

from __future__ import annotations

from typing import Any

import pytest

from .main_pages import furnish

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PHONE = 390
TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
# Values of cards that are cut off, or stand beside no name.
OUT_OF_SIGHT = """() => Array.from(document.querySelectorAll(".ob-stack tbody td, .ob-stack tbody th"))
    .filter((each) => each.checkVisibility() && each.innerText.trim())
    .filter((each) => each.getBoundingClientRect().right > innerWidth || each.scrollWidth > each.clientWidth + 1)
    .map((each) => each.outerHTML.slice(0, 120))"""
NAMELESS = """() => Array.from(document.querySelectorAll(".ob-stack td[data-label]"))
    .filter((each) => !each.dataset.label.trim()).length"""


def test_no_main_page_scrolls_sideways_and_cards_show_all(open_page: Any, boss: Any) -> None:
    pages = furnish(boss)
    page = open_page("zh-hans", PHONE)
    wide: list[str] = []
    hidden: list[str] = []
    for name, address in pages.items():
        page.goto(address)
        if page.evaluate(TOO_WIDE):
            wide.append(name)
        hidden += [f"{name}: {text}" for text in page.evaluate(OUT_OF_SIGHT)]
        assert page.evaluate(NAMELESS) == 0
    assert wide == []
    assert hidden == []
    page.goto(pages["inbox"])
    assert page.locator(".ob-stack td[data-label='数量']").first.is_visible()
