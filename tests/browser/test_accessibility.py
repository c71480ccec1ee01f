"""The main pages for people who see little, no colours, or use no mouse: axe-core's rules in light and dark, in English
and Chinese, and the keyboard. Nor does any of them break the content security policy on the way.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.db import connection

from .main_pages import choose_all, furnish
from .test_content_policy import goes_by_the_policy, watched

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(
        connection.vendor == "postgresql" and bool(os.environ.get("CI")), reason="a page looks the same on any database"
    ),
]

# All that axe knows. Contrast takes most of the time: it is looked at by itself, in one language.
ALL_BUT_CONTRAST = {"resultTypes": ["violations"], "rules": {"color-contrast": {"enabled": False}}}
CONTRAST = {"resultTypes": ["violations"], "runOnly": {"type": "rule", "values": ["color-contrast"]}}
# Colours change at once, not in a transition that would be measured half-way; a long table's rows look alike.
QUICK = """*, *::before, *::after { transition: none !important; animation: none !important; }
    table > :nth-child(n+16), tbody > :nth-child(n+16), dl > :nth-child(n+32) { display: none !important; }"""
# What axe does not look at: one h1, tables with heads, and a word beside every colour.
OWN_RULES = """() => {
    const shown = (each) => each.checkVisibility();
    const found = [];
    const heads = Array.from(document.querySelectorAll("h1")).filter(shown);
    if (heads.length !== 1) found.push(`${heads.length} h1`);
    for (const table of Array.from(document.querySelectorAll("table")).filter(shown))
        if (!table.querySelector("th")) found.push(`table without heads: ${table.outerHTML.slice(0, 120)}`);
    const coloured = ".ob-label, .ob-strip-chip, .ob-tab-number";
    for (const label of Array.from(document.querySelectorAll(coloured)).filter(shown))
        if (!label.innerText.trim()) found.push(`colour without a word: ${label.outerHTML.slice(0, 120)}`);
    return found;
}"""
# Notes every element that gets the focus, in order, and whether one sees that it has it.
WATCH_FOCUS = """() => {
    window.visited = [];
    const marked = (each) => {
        const style = getComputedStyle(each);
        return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
    };
    document.addEventListener("focusin", ({target}) => {
        let around = target;
        let seen = false;
        for (let steps = 0; around && steps < 4 && !seen; steps += 1, around = around.parentElement)
            seen = marked(around);
        window.visited.push({target, seen});
    });
}"""
CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button]"
NOT_REACHED = f"""() => {{
    const visited = new Set(window.visited.map(({{target}}) => target));
    const open = (each) => each.checkVisibility({{visibilityProperty: true}}) && !each.disabled
        && !each.closest("[aria-hidden=true]");
    const radios = (each) => each.type === "radio" && window.visited.some(({{target}}) => target.name === each.name);
    return Array.from(document.querySelectorAll("{CONTROLS}"))
        .filter((each) => open(each) && each.tabIndex >= 0 && !visited.has(each) && !radios(each))
        .map((each) => each.outerHTML.slice(0, 160));
}}"""
NOT_SEEN = "() => window.visited.filter(({seen}) => !seen).map(({target}) => target.outerHTML.slice(0, 160))"
MOUSE_ONLY = """() => Array.from(document.querySelectorAll("[x-on\\\\:click]"))
    .filter((each) => each.checkVisibility() && each.id !== "changelist-filter-close"
        && !each.matches("a[href], button, input, select, textarea, summary, [tabindex]")
        && !each.querySelector("[role=button]"))
    .map((each) => each.outerHTML.slice(0, 160))"""


def violations(page: Any, where: str, options: dict[str, Any], without: str = "") -> list[str]:
    """What axe finds on the page, or on it without a part, one line for each element."""
    context = {"exclude": [without]} if without else {"include": ["html"]}
    answer = page.evaluate("([context, options]) => axe.run(context, options)", [context, options])
    return [
        f"{where}: {rule['id']}: {node['html'][:160]} {(node['any'] + node['all'] + node['none'])[0]['message'][:200]}"
        for rule in answer["violations"] for node in rule["nodes"][:3]
    ]  # fmt: skip


@pytest.mark.parametrize(("language", "width"), [("en", 1400), ("zh-hans", 820)])
def test_every_main_page_keeps_the_rules(
    language: str, width: int, open_page: Any, boss: Any, live_server: Any
) -> None:
    pages = furnish(boss)
    page = open_page(language, width)
    broken = watched(page)
    found: list[str] = []

    def look(name: str) -> None:
        page.add_style_tag(content=QUICK)
        page.evaluate(AXE_SCRIPT)
        menu = "" if name in ("start", "login") else "#nav-sidebar"  # it is the same on every page
        assert page.evaluate("document.documentElement.lang") == language
        found.extend(f"{name}, {language}: {text}" for text in page.evaluate(OWN_RULES))
        found.extend(violations(page, f"{name}, {language}", ALL_BUT_CONTRAST, menu))
        if language == "en":
            found.extend(violations(page, name, CONTRAST, menu))
            page.evaluate("document.documentElement.classList.add('dark')")
            found.extend(violations(page, f"{name}, dark", CONTRAST, menu))
        found.extend(f"{name}, {language}: refused: {text}" for text in page.evaluate("window.refused"))

    for name, address in pages.items():
        assert goes_by_the_policy(page.goto(address)), name
        look(name)
    page.goto(pages["deliveries"])
    choose_all(page, "retry_now")
    look("bulk preview")
    page.context.clear_cookies(name="sessionid")
    page.goto("/admin/login/")
    look("login")
    assert found == []
    assert broken == []


@pytest.mark.parametrize(("name", "width"), [("start", 1400), ("order list", 820), ("compose", 1400)])
def test_the_keyboard_reaches_everything_and_shows_where_it_is(
    name: str, width: int, open_page: Any, boss: Any
) -> None:
    address = furnish(boss, 3)[name]
    page = open_page("en", width)
    page.goto(address)
    page.evaluate(WATCH_FOCUS)
    for _press in range(300):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
    else:
        pytest.fail(f"the focus never left {page.evaluate('document.activeElement.outerHTML')}")
    assert page.evaluate(NOT_REACHED) == []
    assert page.evaluate(NOT_SEEN) == []
    assert page.evaluate(MOUSE_ONLY) == []


def test_the_first_key_leads_past_the_menu(page: Any) -> None:
    page.goto("/admin/preferences/")
    page.keyboard.press("Tab")
    assert page.locator(".ob-skip").is_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("Boolean(document.activeElement.closest('#content'))")


def test_the_menu_and_the_way_out_open_by_keyboard(open_page: Any) -> None:
    page = open_page("en", 820)
    page.goto("/admin/preferences/")
    menu = page.get_by_role("button", name="Menu").locator("visible=true")
    menu.first.focus()
    page.keyboard.press("Enter")
    group = page.get_by_role("button", name="Inventory")
    group.focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Stock levels").wait_for()
    page.get_by_role("button", name="mei").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Log out").wait_for()


def test_the_pages_are_shown_without_javascript(open_page: Any, boss: Any) -> None:
    page = open_page("en", 1400, java_script_enabled=False)
    for address in ("/admin/", "/admin/orders/order/", "/admin/integrations/cause/"):
        page.goto(address)
        assert page.locator("#content").is_visible()
    page.context.clear_cookies(name="sessionid")
    page.goto("/admin/login/")
    assert page.locator("#id_username").is_visible()
