"""Staff who read Chinese see no English: the catalogue is whole, and the main pages show it."""

from __future__ import annotations

import ast
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse

from .seed import RETAILERS

CATALOGUE = Path(settings.BASE_DIR) / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
# What stays Latin in Chinese texts: names, codes, and the abbreviations of the trade.
KNOWN = {"DSCO", "ERP", "PO", "SKU", "ID", "API", "HTTP", "OrderBridge", "English"}


def test_every_text_of_ours_is_translated() -> None:
    entries = CATALOGUE.read_text(encoding="utf-8").split("\n\n")[1:]
    empty = [entry for entry in entries if re.search(r'^msgstr(\[\d\])? ""\n?$', entry + "\n", re.MULTILINE)
             and not re.search(r'^msgstr(\[\d\])? ""\n"', entry, re.MULTILINE)]  # fmt: skip
    assert empty == []
    assert "#, fuzzy" not in CATALOGUE.read_text(encoding="utf-8")


def test_no_text_hides_in_an_f_string_where_makemessages_does_not_look() -> None:
    found = []
    for package in ("config", "integrations", "inventory", "orders"):
        for path in (Path(settings.BASE_DIR) / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    called = [call.func.id for call in ast.walk(node)
                              if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)]  # fmt: skip
                    if {"_", "gettext", "ngettext", "gettext_lazy", "kept"} & set(called):
                        found.append(f"{path.name}:{node.lineno}")
    assert found == []


@pytest.mark.parametrize(
    "page", ["index", "orders_order_changelist", "orders_erppush_changelist", "integrations_flow_changelist",
             "inventory_skumapping_changelist", "orders_retailerpolicy_add", "integrations_apicall_changelist"],
)  # fmt: skip
def test_headings_and_menus_are_chinese(page: str, orders: Any, browser: Any) -> None:
    browser.cookies["django_language"] = "zh-hans"
    text = browser.get(reverse(f"admin:{page}")).text
    assert "订单" in text
    heads = "".join(re.findall(r"<thead.*?</thead>", text, re.DOTALL))
    shown = re.findall(r"<th[^>]*>(.*?)</th>", heads, re.DOTALL)
    for tag in ("h1", "h2", "label", "option"):
        shown += re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}>", text, re.DOTALL)
    for found in shown:
        words = unescape(re.sub(r"<[^>]+>|\s+", " ", found)).strip()
        foreign = set(re.findall(r"[A-Za-z]{3,}", words)) - KNOWN
        if foreign and not re.search(r"[\u4e00-\u9fff]", words):
            assert words in RETAILERS.values(), f"not translated: {words}"
