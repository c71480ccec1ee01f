"""The second factor: set up by scanning, asked for after the password, never used twice, recoverable, enforceable."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from django_otp.oath import TOTP

from config.models import Authenticator, RecoveryCodes

PAGE = "/admin/second-factor/"
PASSWORD = "a-good-password"


@pytest.fixture
def mei(db: None) -> User:
    return User.objects.create_superuser("mei", "mei@example.com", PASSWORD)


def signed_in() -> Client:
    client = Client()
    client.post("/admin/login/", {"username": "mei", "password": PASSWORD})
    return client


def code_of(user: User) -> str:
    totp = TOTP(base64.b32decode(Authenticator.objects.get(user=user).key))
    totp.time = timezone.now().timestamp()
    return f"{totp.token():06d}"


def enrol(user: User) -> list[str]:
    """Set the second factor up as a person does; return the recovery codes."""
    client = signed_in()
    page = client.get(PAGE).content.decode()
    assert "<svg" in page
    assert Authenticator.objects.get().key == re.search(r"ob-key\">([A-Z2-7 ]+)<", page)[1].replace(" ", "")
    answer = client.post(PAGE, {"code": code_of(user)})
    codes = re.findall(r"<code>([a-z2-7-]{19})</code>", answer.content.decode())
    assert len(codes) == 10
    assert client.get("/admin/").status_code == 200
    return codes


def test_after_setting_up_the_password_alone_reaches_nothing(mei: User, clock: Any) -> None:
    enrol(mei)
    client = signed_in()
    for path in ("/admin/", "/admin/orders/order/", "/admin/auth/user/", "/api/schema/"):
        assert client.get(path).status_code in (302, 403)
    assert client.get("/admin/orders/order/?q=1")["Location"] == f"{PAGE}?next=%2Fadmin%2Forders%2Forder%2F%3Fq%3D1"
    clock.advance(31)
    answer = client.post(PAGE, {"code": code_of(mei), "next": "/admin/orders/order/"})
    assert answer["Location"] == "/admin/orders/order/"
    assert client.get("/admin/orders/order/").status_code == 200


def test_a_session_from_before_the_setting_up_owes_the_code_too(mei: User) -> None:
    elsewhere = signed_in()
    assert elsewhere.get("/admin/").status_code == 200
    enrol(mei)
    assert elsewhere.get("/admin/").status_code == 302


def test_a_code_is_used_once_and_guessing_is_slowed_down(mei: User, clock: Any) -> None:
    enrol(mei)
    clock.advance(31)
    code = code_of(mei)
    assert signed_in().post(PAGE, {"code": code}).status_code == 302
    client = signed_in()
    assert client.post(PAGE, {"code": code}).status_code == 200
    clock.advance(31)
    for number in range(8):
        client.post(PAGE, {"code": "000000"})
        clock.advance(2**number if number < 7 else 0)
    assert client.post(PAGE, {"code": code_of(mei)}).status_code == 200
    clock.advance(128)
    assert client.post(PAGE, {"code": code_of(mei)}).status_code == 302


def test_a_recovery_code_lets_in_once(mei: User) -> None:
    codes = enrol(mei)
    assert signed_in().post(PAGE, {"code": codes[3].upper()}).status_code == 302
    assert signed_in().post(PAGE, {"code": codes[3]}).status_code == 200
    assert len(RecoveryCodes.objects.get().digests) == 9


def test_key_and_recovery_codes_do_not_stand_in_the_database(mei: User) -> None:
    codes = enrol(mei)
    with connection.cursor() as cursor:
        cursor.execute("SELECT key FROM config_authenticator")
        stored = str(cursor.fetchall())
        cursor.execute("SELECT digests FROM config_recoverycodes")
        stored += str(cursor.fetchall())
    assert "sealed:1:" in stored
    assert Authenticator.objects.get().key not in stored
    assert not any(code in stored or code.replace("-", "") in stored for code in codes)


def test_required_means_that_staff_without_one_reach_only_the_setting_up(mei: User, settings: Any) -> None:
    settings.SECOND_FACTOR = "required"
    client = signed_in()
    assert client.get("/admin/")["Location"].startswith(PAGE)
    assert "required" in client.get(PAGE).content.decode()
    assert client.post("/admin/logout/").status_code == 200
    enrol(mei)


def test_optional_asks_nobody_who_has_none_and_costs_no_query(mei: User, django_assert_num_queries: Any) -> None:
    client = signed_in()
    with django_assert_num_queries(2):  # session, user
        client.get("/admin/jsi18n/")  # an address that shows nothing


def test_removing_needs_a_code(mei: User, clock: Any) -> None:
    codes = enrol(mei)
    client = signed_in()
    client.post(PAGE, {"code": codes[0]})
    client.post(PAGE, {"action": "remove", "code": "123456"})
    assert Authenticator.objects.filter(confirmed=True).exists()
    clock.advance(31)
    client.post(PAGE, {"action": "remove", "code": code_of(mei)})
    assert not Authenticator.objects.exists()
    assert not RecoveryCodes.objects.exists()


def test_an_administrator_or_the_command_removes_it_for_who_lost_everything(mei: User, capsys: Any) -> None:
    enrol(mei)
    boss = User.objects.create_superuser("boss", "", PASSWORD)
    client = Client()
    client.force_login(boss)
    client.post("/admin/auth/user/", {"action": "drop_second_factor", "_selected_action": [mei.pk]})
    assert not Authenticator.objects.exists()
    enrol(mei)
    call_command("unlock", "--user", "mei", "--second-factor")
    assert "Second factor of mei removed." in capsys.readouterr().out


def test_nobody_is_sent_to_another_site_after_the_code(mei: User) -> None:
    codes = enrol(mei)
    answer = signed_in().post(PAGE, {"code": codes[0], "next": "https://elsewhere.example/"})
    assert answer["Location"] == "/admin/"
