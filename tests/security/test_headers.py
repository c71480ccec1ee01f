"""What every answer tells the browser: no frames, no guessing of types, no inline script; and which hosts we answer."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

pytestmark = pytest.mark.django_db


def directives(answer: Any) -> dict[str, str]:
    pairs = (part.strip().partition(" ") for part in answer["Content-Security-Policy"].split(";"))
    return {name: sources for name, _space, sources in pairs}


@pytest.mark.parametrize("path", ["/admin/login/", "/admin/nothing-here/", "/api/docs/", "/healthz"])
def test_no_answer_may_be_framed_or_guessed_at(path: str) -> None:
    answer = Client().get(path)
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert directives(answer)["frame-ancestors"] == "'none'"
    assert "'unsafe-inline'" not in directives(answer).get("script-src", "")


def test_only_the_themes_pages_may_evaluate_and_data_may_do_nothing() -> None:
    User.objects.create_superuser("mei")
    client = Client()
    client.force_login(User.objects.get())
    assert directives(client.get("/admin/"))["script-src"] == "'self' 'unsafe-eval'"
    assert directives(client.get("/api/docs/"))["script-src"] == "'self'"
    assert directives(client.get("/healthz"))["default-src"] == "'none'"


def test_a_host_that_is_not_ours_is_not_answered() -> None:
    assert Client(headers={"host": "evil.example"}).get("/admin/login/").status_code == 400


def test_forms_need_their_token() -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post("/admin/login/", {"username": "mei", "password": "x"}).status_code == 403
    assert client.post("/i18n/setlang/", {"language": "en"}).status_code == 403


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites() -> None:
    User.objects.create_superuser("mei", "", "a-good-password")
    client = Client()
    client.get("/admin/login/")
    client.post("/admin/login/", {"username": "mei", "password": "a-good-password"})
    for name in ("sessionid", "csrftoken"):
        assert client.cookies[name]["httponly"]
        assert client.cookies[name]["samesite"] == "Lax"
    assert client.cookies["sessionid"]["max-age"] == 12 * 3600
