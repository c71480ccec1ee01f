"""Guessing passwords: accounts and addresses are locked, the message is clear, and the lock can be ended."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client, RequestFactory

from config.addresses import client_address
from config.login_lock import ADDRESS_SHARE, open_locks

LOGIN = "/admin/login/"
PASSWORD = "a-good-password"


@pytest.fixture
def mei(db: None) -> User:
    return User.objects.create_superuser("mei", "mei@example.com", PASSWORD)


def attempt(name: str, password: str, address: str = "203.0.113.5", **headers: str) -> Any:
    return Client(REMOTE_ADDR=address, headers=headers).post(LOGIN, {"username": name, "password": password})


def fail(name: str, times: int, address: str = "203.0.113.5", **headers: str) -> Any:
    for _each in range(times):
        answer = attempt(name, "guessed", address, **headers)
    return answer


def test_the_right_password_logs_in(mei: User) -> None:
    assert attempt("mei", PASSWORD).status_code == 302


def test_an_account_is_locked_wherever_the_guesses_came_from(mei: User) -> None:
    for number in range(4):
        assert fail("mei", 1, f"198.51.100.{number}").status_code == 200
    assert fail("mei", 1, "198.51.100.9").status_code == 429
    answer = attempt("mei", PASSWORD, "192.0.2.77")
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) == 15 * 60
    page = answer.content.decode()
    assert "Try again in 15 minutes" in page
    assert "administrator" in page


def test_a_name_that_nobody_has_is_locked_alike_so_that_the_answer_tells_nothing(mei: User) -> None:
    assert fail("nobody", 5).content == fail("mei", 5, "198.51.100.1").content


def test_an_address_that_tries_many_accounts_is_locked(mei: User) -> None:
    for number in range(5 * ADDRESS_SHARE):
        fail(f"name-{number}", 1)
    assert attempt("mei", PASSWORD).status_code == 429
    assert attempt("mei", PASSWORD, "192.0.2.77").status_code == 302


def test_the_lock_ends_by_itself_and_guessing_on_does_not_prolong_it(mei: User, clock: Any) -> None:
    fail("mei", 5)
    clock.advance(14 * 60)
    assert fail("mei", 3).status_code == 429
    clock.advance(61)
    assert attempt("mei", PASSWORD).status_code == 302


def test_a_login_of_ones_own_does_not_clear_the_guesses_at_another_account(mei: User) -> None:
    User.objects.create_user("insider", password=PASSWORD, is_staff=True)
    for _each in range(4):
        fail("mei", 1)
        assert attempt("insider", PASSWORD).status_code == 302
    assert fail("mei", 1).status_code == 429


def test_an_administrator_unlocks_in_the_admin(mei: User) -> None:
    fail("ling", 5)
    client = Client()
    client.force_login(mei)
    page = client.get("/admin/config/failedlogin/").content.decode()
    assert "account locked" in page
    from config.models import FailedLogin

    row = FailedLogin.objects.get()
    client.post("/admin/config/failedlogin/", {"action": "end_lock", "_selected_action": [row.pk]})
    assert open_locks() == []


def test_an_engineer_unlocks_by_command(mei: User, capsys: Any) -> None:
    fail("mei", 5)
    call_command("unlock")
    assert "locked: account mei, 5 failures" in capsys.readouterr().out
    call_command("unlock", "--user", "mei")
    assert "Nothing is locked." in capsys.readouterr().out
    assert attempt("mei", PASSWORD).status_code == 302


def test_the_password_that_was_typed_is_not_kept(mei: User) -> None:
    from config.models import FailedLogin

    fail("mei", 1)
    assert "guessed" not in str(FailedLogin.objects.values().get())


@pytest.mark.parametrize(
    ("trusted", "remote", "forwarded", "expected"),
    [
        ("", "203.0.113.5", "10.1.1.1", "203.0.113.5"),
        ("10.0.0.0/8", "10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", "203.0.113.5", "203.0.113.5"),
        # What the client wrote itself stands left of what the proxy added.
        ("10.0.0.0/8", "10.0.0.1", "198.51.100.1, 203.0.113.5", "203.0.113.5"),
        ("10.0.0.0/8", "10.0.0.1", "203.0.113.5, 10.0.0.2", "203.0.113.5"),
        ("10.0.0.0/8", "203.0.113.5", "198.51.100.1", "203.0.113.5"),
        ("10.0.0.0/8", "10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.0/8", "::ffff:10.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("", "", "", "0.0.0.0"),
    ],
)
def test_a_forwarded_address_is_believed_only_from_a_trusted_proxy(
    settings: Any, trusted: str, remote: str, forwarded: str, expected: str
) -> None:
    settings.TRUSTED_PROXIES = [ip_network(trusted)] if trusted else []
    request = RequestFactory(REMOTE_ADDR=remote, HTTP_X_FORWARDED_FOR=forwarded).get("/")
    assert client_address(request) == expected


def test_without_a_trusted_proxy_a_guesser_cannot_hide_behind_invented_addresses(mei: User) -> None:
    for number in range(5 * ADDRESS_SHARE):
        fail(f"name-{number}", 1, **{"X-Forwarded-For": f"198.51.100.{number}"})
    assert attempt("mei", PASSWORD).status_code == 429
