"""Language and time zone belong to the user."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone, translation

from integrations.models import FlowRun, StaffPreference

PAGE = "/admin/preferences/"


@pytest.fixture(autouse=True)
def _english_again() -> Any:
    yield
    translation.activate("en")


@pytest.fixture
def mei(db: None) -> User:
    user = User.objects.create_user("mei", password="x", is_staff=True)
    user.groups.add(Group.objects.get(name="viewer"))
    return user


@pytest.fixture
def browser(mei: User) -> Client:
    client = Client()
    client.force_login(mei)
    return client


def lang(response: Any) -> str:
    return str(response.headers["Content-Language"])


def test_the_page_saves_the_users_own_row(browser: Client, mei: User) -> None:
    other = StaffPreference.objects.create(user=User.objects.create_user("li"), language="en")
    answer = browser.post(PAGE, {"language": "zh-hans", "time_zone": "America/Chicago", "user": str(other.user_id)})
    assert answer.status_code == 302
    mine = StaffPreference.objects.get(user=mei)
    assert (mine.language, mine.time_zone) == ("zh-hans", "America/Chicago")
    other.refresh_from_db()
    assert (other.language, other.time_zone) == ("en", "")
    assert lang(browser.get("/admin/")) == "zh-hans"


def test_the_page_shows_what_is_chosen_and_refuses_what_is_unknown(browser: Client) -> None:
    browser.post(PAGE, {"language": "", "time_zone": "Europe/Berlin"})
    assert 'value="Europe/Berlin" selected' in browser.get(PAGE).content.decode()
    answer = browser.post(PAGE, {"language": "tlh", "time_zone": "Moon/Base"})
    assert answer.status_code == 200
    assert answer.content.decode().count("ob-field-error") == 2


def test_times_are_shown_in_the_users_zone(browser: Client, mei: User, settings: Any) -> None:
    run = FlowRun.objects.create(flow="push_orders", started_at=datetime(2026, 3, 4, 23, 30, tzinfo=UTC))
    address = f"/admin/integrations/flowrun/{run.pk}/change/"
    assert "2026-03-05 07:30:00" in browser.get(address).content.decode()  # Asia/Shanghai, the system's
    StaffPreference.objects.create(user=mei, time_zone="America/Chicago")
    assert "2026-03-04 17:30:00" in browser.get(address).content.decode()
    assert timezone.get_current_timezone_name() == settings.TIME_ZONE, "the next request starts afresh"


def test_without_a_preference_the_browser_decides(browser: Client) -> None:
    assert lang(browser.get("/admin/", headers={"accept-language": "zh-CN,zh;q=0.9"})) == "zh-hans"
    assert lang(browser.get("/admin/", headers={"accept-language": "de"})) == "en"


def test_the_preference_wins_over_the_browser(browser: Client, mei: User) -> None:
    StaffPreference.objects.create(user=mei, language="en")
    assert lang(browser.get("/admin/", headers={"accept-language": "zh-CN"})) == "en"


def test_the_language_switch_is_remembered(browser: Client, mei: User) -> None:
    StaffPreference.objects.create(user=mei, time_zone="Europe/Berlin")
    browser.post("/i18n/setlang/", {"language": "zh-hans", "next": "/admin/"})
    row = StaffPreference.objects.get(user=mei)
    assert (row.language, row.time_zone) == ("zh-hans", "Europe/Berlin")
    elsewhere = Client()
    elsewhere.force_login(mei)
    assert lang(elsewhere.get("/admin/")) == "zh-hans"


def test_the_switch_on_the_log_in_page_touches_nobodys_preference(db: None) -> None:
    assert Client().post("/i18n/setlang/", {"language": "zh-hans"}).status_code in (204, 302)
    assert not StaffPreference.objects.exists()


def test_an_unknown_saved_value_is_ignored(browser: Client, mei: User) -> None:
    StaffPreference.objects.create(user=mei, language="xx", time_zone="Gone/Away")
    assert browser.get("/admin/").status_code == 200


def test_the_browsers_language_can_be_chosen_again(browser: Client, mei: User) -> None:
    browser.post("/i18n/setlang/", {"language": "zh-hans"})
    browser.post(PAGE, {"language": "", "time_zone": ""})
    assert lang(browser.get("/admin/", headers={"accept-language": "en"})) == "en"


def test_the_preference_costs_no_query(browser: Client, mei: User, django_assert_num_queries: Any) -> None:
    StaffPreference.objects.create(user=mei, language="en", time_zone="Europe/Berlin")
    with django_assert_num_queries(2):  # session, user with preference
        assert browser.get("/admin/jsi18n/").status_code == 200  # shows nothing from the database itself


def test_the_user_menu_leads_to_the_page(browser: Client) -> None:
    assert f'href="{PAGE}"' in browser.get("/admin/").content.decode()


def test_strangers_are_sent_to_the_log_in(db: None) -> None:
    assert Client().get(PAGE).status_code == 302
    assert Client().get("/admin/login/").status_code == 200


def test_logging_in_still_works(mei: User) -> None:
    known = {"username": "mei", "password": "x"}
    assert Client().post("/admin/login/", known).status_code == 302
    mei.is_active = False
    mei.save()
    assert Client().post("/admin/login/", known).status_code == 200
