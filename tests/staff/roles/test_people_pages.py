"""The pages of users and groups: what can be given is told in the reader's language, and does something."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.urls import reverse

from tests.staff.people import boss, browser

__all__ = ["boss", "browser"]

pytestmark = pytest.mark.django_db


def boxes(page: Any, name: str) -> int:
    return len(re.findall(rf'<input type="checkbox" name="{name}"', page.text))


def test_groups_and_permissions_are_boxes_in_chinese(browser: Any, boss: User) -> None:
    browser.cookies["django_language"] = "zh-hans"
    page = browser.get(reverse("admin:auth_user_change", args=[boss.pk]))
    assert boxes(page, "groups") == Group.objects.count()
    assert boxes(page, "user_permissions") > 50
    assert "操作员" in page.text
    for foreign in ("Historical", "Retention marks", "Choose"):
        assert foreign not in page.text


def test_what_is_ticked_is_given(browser: Any, boss: User) -> None:
    permission = Permission.objects.get(codename="retry_delivery")
    address = reverse("admin:auth_group_add")
    assert boxes(browser.get(address), "permissions") > 50
    browser.post(address, {"name": "Night shift", "permissions": [permission.pk]})
    assert list(Group.objects.get(name="Night shift").permissions.all()) == [permission]
