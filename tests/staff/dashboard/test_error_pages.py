"""Instead of a page: staff read what happened in their language and find the way back; strangers learn nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.utils import translation

from .conftest import as_user, staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def chinese() -> Client:
    client = as_user(staff("mei", "view_order"))
    client.cookies["django_language"] = "zh-hans"
    return client


def test_a_missing_right_is_named_with_whom_to_ask(chinese: Client) -> None:
    page = chinese.get("/admin/auth/user/")
    assert page.status_code == 403
    assert "您以 mei 登录，无权查看此页面" in page.text
    assert 'href="/admin/"' in page.text


def test_an_address_without_a_page_leads_back(chinese: Client) -> None:
    page = chinese.get("/admin/orders/nothing-of-the-kind/")
    assert page.status_code == 404
    assert "此地址没有页面" in page.text


def test_a_form_of_another_session_changes_nothing_and_says_so() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(staff("mei", "view_order"))
    page = client.post("/admin/preferences/", {"language": "en"})
    assert page.status_code == 403
    assert "Nothing was changed" in page.text


def test_strangers_and_programs_get_no_page_of_ours(client: Client) -> None:
    for address in ("/nothing/", "/admin/nothing/"):
        assert "nav-sidebar" not in client.get(address).text
    answer: Any = as_user(staff("mei")).get("/nothing/")
    assert (answer.status_code, "nav-sidebar" in answer.text) == (404, False)


def test_when_we_broke_the_page_needs_no_database_and_is_translated() -> None:
    with translation.override("zh-hans"):
        page = render_to_string("500.html")
    assert "程序出错" in page
    assert 'lang="zh-hans"' in page
