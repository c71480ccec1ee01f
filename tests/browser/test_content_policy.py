"""The content security policy: every kind of page works under it, and what is smuggled into a page does not run.

The main pages are watched where they are visited for their other rules (test_accessibility.py).
"""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from integrations.models import ApiCall
from inventory.models import SkuMapping
from tests.admin.seed import seed

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

# Notes what the policy refused, from the first script of a page on.
WATCH = """window.refused = [];
document.addEventListener("securitypolicyviolation", (event) =>
    window.refused.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));"""


def watched(page: Any) -> list[str]:
    """Let the page note what is refused and what breaks."""
    broken: list[str] = []
    page.add_init_script(WATCH)
    page.on("pageerror", lambda error: broken.append(f"{page.url}: {error}"))
    page.on(
        "console",
        lambda said: broken.append(f"{page.url}: {said.text}") if "Content Security Policy" in said.text else None,
    )
    return broken


def goes_by_the_policy(answer: Any) -> bool:
    """Whether a page has come, under the policy."""
    return answer.status == 200 and "script-src 'self'" in answer.headers["content-security-policy"]


def test_no_page_breaks_the_policy(open_page: Any, boss: Any) -> None:
    page = open_page()
    broken = watched(page)
    seed(12)
    mapping = SkuMapping.objects.order_by("pk")[0]
    pages = {
        "second factor": reverse("second-factor"),
        "audit trail": reverse("audit-trail"),
        "API documents": reverse("api-docs"),
        "password": reverse("admin:password_change"),
        "policy": reverse("admin:orders_retailerpolicy_add"),
        "import": reverse("admin:inventory_skumapping_import"),
        "differences": reverse("admin:orders_discrepancy_changelist"),
        "calls": reverse("admin:integrations_apicall_changelist"),
    }
    pages["mapping"] = reverse("admin:inventory_skumapping_change", args=[mapping.pk])
    pages["history"] = reverse("admin:inventory_skumapping_history", args=[mapping.pk])
    pages["call"] = reverse("admin:integrations_apicall_change", args=[ApiCall.objects.all()[0].pk])
    refused = {}
    for name, address in pages.items():
        assert goes_by_the_policy(page.goto(address)), name
        page.wait_for_load_state("networkidle")
        if found := page.evaluate("window.refused"):
            refused[name] = found
    assert refused == {}
    assert broken == []


def test_the_login_and_the_answer_to_too_many_failures_keep_to_it(open_page: Any) -> None:
    page = open_page()
    broken = watched(page)
    page.context.clear_cookies(name="sessionid")
    for _each in range(5):
        page.goto("/admin/login/")
        page.fill("#id_username", "mei")
        page.fill("#id_password", "wrong")
        page.press("#id_password", "Enter")
        page.wait_for_load_state("networkidle")
    assert "Too many failed log-ins" in page.inner_text("main")
    assert broken == []


def test_a_script_that_was_smuggled_into_a_page_does_not_run(open_page: Any) -> None:
    page = open_page()
    page.add_init_script(WATCH)
    page.goto("/admin/")
    page.evaluate(
        """() => {
            const tag = document.createElement("div");
            tag.innerHTML = "<img src=x onerror='window.hacked = 1'>";
            document.body.append(tag);
            const script = document.createElement("script");
            script.textContent = "window.hacked = 2";
            document.body.append(script);
            const far = document.createElement("script");
            far.src = "https://elsewhere.example/x.js";
            document.body.append(far);
        }"""
    )
    page.wait_for_function("window.refused.length >= 3")
    assert page.evaluate("window.hacked") is None
