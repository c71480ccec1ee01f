"""Names that the program and Django keep in English are said in the reader's language, with whom and when."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client
from django.utils import timezone, translation

from config.roles import ROLES
from integrations.admin.people import ROLE_WORDS
from integrations.admin.words import known_reasons
from integrations.models import Flow, FlowRun
from integrations.sentences import listed
from inventory.models import SkuMapping
from orders import policy_words

pytestmark = pytest.mark.django_db
ENGLISH = re.compile(r"[A-Za-z]{3,}(?: [A-Za-z]{2,}){2,}")  # three English words in a row


@pytest.fixture
def chinese(admin_client: Client) -> Client:
    admin_client.cookies["django_language"] = "zh-hans"
    return admin_client


def shown(page: Any) -> str:
    """The text of a page's own part, without markup and scripts."""
    main = page.text.split('id="content"', 1)[-1]
    return re.sub(r"<(script|style|template)\b.*?</\1>|<[^>]+>", " ", main, flags=re.DOTALL)


def test_every_count_of_a_flow_has_words() -> None:
    sources = [path for package in ("orders", "inventory", "integrations")
               for path in (Path(settings.BASE_DIR) / package).rglob("*.py")]  # fmt: skip
    counted = {name for path in sources for name in re.findall(r'context\.count\("(\w+)"', path.read_text())}
    assert len(counted) > 15
    assert counted - set(known_reasons()) == set()


def test_every_role_has_a_name_and_a_purpose_in_chinese(chinese: Client) -> None:
    assert set(ROLE_WORDS) == set(ROLES)
    assert "主管" in shown(chinese.get("/admin/auth/group/"))
    page = shown(chinese.get(f"/admin/auth/group/{Group.objects.get(name='operator').pk}/change/"))
    assert "可暂停订单和解除暂停" in page
    assert ENGLISH.findall(page) == []


def test_permissions_are_offered_in_chinese(chinese: Client) -> None:
    own = Group.objects.create(name="夜班")
    page = shown(chinese.get(f"/admin/auth/group/{own.pk}/change/"))
    assert ENGLISH.findall(page) == []
    assert "操作员" in shown(chinese.get("/admin/integrations/alertrule/add/"))


def test_roles_are_called_roles_in_english_too(admin_client: Client) -> None:
    """Django calls them groups."""
    page = admin_client.get("/admin/auth/group/")
    assert "Roles" in page.text
    assert "roup" not in shown(page)
    assert "roup" not in shown(admin_client.get("/admin/integrations/alertrule/add/"))


def test_a_password_is_changed_in_polite_chinese_alone(chinese: Client) -> None:
    answer = chinese.post("/admin/password_change/", {"old_password": "x", "new_password1": "1", "new_password2": "1"})
    text = shown(answer)
    assert "密码太短：至少须有 8 个字符。" in text
    assert "你" not in text
    assert not ENGLISH.search(text), ENGLISH.search(text)


def test_a_mappings_history_says_that_a_command_made_it(chinese: Client, tmp_path: Path) -> None:
    file = tmp_path / "mappings.json"
    file.write_text('{"skus": {"A-1": "LX-A-1"}}')
    call_command("loadmappings", str(file), verbosity=0)
    mapping = SkuMapping.objects.get()
    page = shown(chinese.get(f"/admin/inventory/skumapping/{mapping.pk}/history/"))
    assert "非人工" in page
    assert "命令 loadmappings，文件 mappings.json" in page


def test_a_run_is_called_by_its_flow_and_its_time_here(chinese: Client) -> None:
    Flow.objects.create(name="pull_orders")
    at = timezone.datetime(2026, 3, 1, 20, 30, tzinfo=timezone.get_fixed_timezone(0))
    run = FlowRun.objects.create(flow="pull_orders", trigger="released", started_at=at)
    page = chinese.get(f"/admin/integrations/flowrun/{run.pk}/change/").text
    assert "从 DSCO 拉取订单 2026-03-02 04:30:00" in page  # Shanghai
    assert "有订单可继续" in page
    assert str(run) == "pull_orders 2026-03-01 20:30:00", "logs keep English and UTC"
    with translation.override("en"):
        assert run.page_title.startswith("Pull orders from DSCO")


def test_chinese_lists_names_its_own_way() -> None:
    assert listed(["pull", "push"]) == "pull, push"
    with translation.override("zh-hans"):
        assert listed(["推单", "发票"]) == "推单、发票"
        assert policy_words.status_names([5, 6]) == "5 待发货、6 已发货"
