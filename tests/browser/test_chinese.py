"""Staff who read Chinese meet no English of ours: what the browser shows is compared with the catalogue's English."""

from __future__ import annotations

import gettext
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import translation

from tests.admin.seed import TROUBLES

from .main_pages import choose_all, furnish

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

CATALOGUE = Path(settings.BASE_DIR) / "locale/zh_Hans/LC_MESSAGES/django.mo"
PLACE = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")
SHOWN = """() => {
    const texts = new Set();
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const around = walk.currentNode.parentElement;
        const text = walk.currentNode.textContent.replace(/\\s+/g, " ").trim();
        const code = around.closest("script, style, pre, code, .material-symbols-outlined");
        if (text && !code && around.checkVisibility()) texts.add(text);
    }
    for (const each of document.querySelectorAll("[title], [placeholder], [aria-label]"))
        for (const name of ["title", "placeholder", "aria-label"])
            if (each.getAttribute(name)) texts.add(each.getAttribute(name).trim());
    return Array.from(texts);
}"""


def english_of_ours() -> tuple[set[str], list[re.Pattern[str]]]:
    """Return the English texts that have a Chinese one: plain ones, and patterns of those with places to fill."""
    with CATALOGUE.open("rb") as file:
        texts = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    plain, patterns = set(), []
    for key, chinese in texts.items():
        english = (key[0] if isinstance(key, tuple) else key).split("\x04")[-1]
        words = re.findall(r"[A-Za-z]{2,}", PLACE.sub(" ", english))
        if not words or english == chinese:
            continue
        if not PLACE.search(english):
            plain.add(english.strip().casefold())
        elif len(words) > 1:
            patterns.append(
                re.compile(".+".join(re.escape(part) for part in PLACE.split(english.strip())), re.IGNORECASE)
            )
    return plain, patterns


def test_no_main_page_shows_english_of_ours(open_page: Any, boss: Any) -> None:
    with translation.override("zh-hans"):  # what a bulk run says about its rows is kept in the words of who started it
        pages = furnish(boss)
    pages.pop("words")  # the dictionary shows both languages side by side
    stored = {message for troubles in TROUBLES.values() for _state, _code, message in troubles}
    plain, patterns = english_of_ours()
    assert len(plain) > 800
    page = open_page("zh-hans")
    left: list[str] = []

    def read(name: str) -> None:
        for text in page.evaluate(SHOWN):
            if text not in stored and (
                text.casefold() in plain or any(pattern.fullmatch(text) for pattern in patterns)
            ):
                left.append(f"{name}: {text}")

    for name, address in pages.items():
        page.goto(address)
        assert re.search(r"[\u4e00-\u9fff]", page.inner_text("#content"))
        read(name)
    page.goto(pages["deliveries"])
    choose_all(page, "retry_now")
    read("bulk preview")
    assert left == []
