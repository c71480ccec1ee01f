"""Tokens: shown once, stored as a hash, limited by scope, permission, time and person, and revocable at once."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from integrations.models import ApiToken

from .conftest import Caller, caller, caller_for, staff

pytestmark = pytest.mark.django_db


def command(*arguments: str) -> tuple[list[Any], str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("apitoken", *arguments, stdout=out, stderr=err)
    return [json.loads(line) for line in out.getvalue().splitlines()], err.getvalue()


def problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    assert found["detail"]
    assert found["advice"]
    return found


def test_a_token_is_printed_once_and_only_its_hash_is_stored() -> None:
    staff("mei", "view_order")
    [made], warning = command("create", "warehouse screen", "--user", "mei", "--scope", "read", "--days", "10")
    assert "not shown again" in warning
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM integrations_apitoken")
        assert made["token"] not in str(cursor.fetchall())
    [listed], _err = command("list")
    assert "token" not in listed
    assert listed["begins_with"] == made["token"][:9]
    assert Caller(made["token"]).get("orders/").status_code == 200


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "x", "--user", "nobody"), "no user"),
        (("create", "x", "--user", "mei", "--days", "0"), "days"),
        (("create", "x", "--user", "mei", "--days", "9999"), "days"),
        (("create", "taken", "--user", "mei"), "new"),
        (("create", "x", "--user", "customer"), "no active staff"),
        (("revoke", "x"), "no token"),
    ],
)
def test_bad_use_of_the_command_ends_with_2_and_makes_nothing(arguments: tuple[str, ...], said: str) -> None:
    staff("mei", "view_order")
    User.objects.create_user("customer")
    command("create", "taken", "--user", "mei")
    with pytest.raises(CommandError, match=said) as error:
        command(*arguments)
    assert error.value.returncode == 2
    assert ApiToken.objects.count() == 1


def test_a_call_without_a_valid_token_is_told_why() -> None:
    mei = caller("mei", "view_order", scopes=("read",))
    answer = mei.client.get("/api/v1/orders/")
    assert problem(answer, 401)["code"] == "not_authenticated"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert problem(Caller("ob_wrong").get("orders/"), 401)["code"] == "unknown_token"
    assert problem(mei.get("orders/", Authorization="Basic bWVpOnB3"), 401)["code"] == "malformed_header"
    assert problem(mei.get("orders/", Authorization="Bearer ключ"), 401)["code"] == "malformed_header"

    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert problem(mei.get("orders/"), 401)["code"] == "expired_token"
    ApiToken.objects.update(expires_at=timezone.now() + timedelta(days=1))
    assert mei.get("orders/").status_code == 200

    User.objects.filter(username="mei").update(is_active=False)
    assert problem(mei.get("orders/"), 401)["code"] == "inactive_user"
    User.objects.filter(username="mei").update(is_active=True)
    command("revoke", mei.token.name)
    assert problem(mei.get("orders/"), 401)["code"] == "revoked_token"


def test_what_the_user_may_not_do_no_scope_allows_and_the_other_way_round() -> None:
    without_right = caller("li", "view_flow")
    assert problem(without_right.get("orders/"), 403)["code"] == "missing_permission"
    without_scope = caller("mei", "view_order", scopes=("orders:write",))
    told = problem(without_scope.get("orders/"), 403)
    assert told["code"] == "missing_scope"
    assert "read" in told["detail"]


def test_a_token_is_noted_as_used_at_most_once_a_minute(clock: Any, django_assert_num_queries: Any) -> None:
    mei = caller("mei", "view_order")
    mei.get("orders/")
    first = ApiToken.objects.get().last_used_at
    mei.get("orders/")
    assert ApiToken.objects.get().last_used_at == first
    clock.advance(61)
    mei.get("orders/")
    assert ApiToken.objects.get().last_used_at > first


def test_more_calls_than_allowed_in_a_minute_are_told_when_to_come_back(settings: Any, clock: Any) -> None:
    settings.API_READS_PER_MINUTE = 3
    mei = caller("mei", "view_order")
    assert [mei.get("orders/").status_code for _ in range(3)] == [200] * 3
    refused = mei.get("orders/")
    assert problem(refused, 429)["type"] == "/api/problems/too_many_requests/"
    wait = int(refused.headers["Retry-After"])
    assert 19 <= wait <= 21
    clock.advance(wait)
    assert [mei.get("orders/").status_code for _ in range(2)] == [200, 429]
    # The turns stand in the database, so that every process counts the same; another token has its own.
    assert caller_for(User.objects.get(username="mei")).get("orders/").status_code == 200


def test_every_other_address_is_told_as_a_problem_and_each_kind_of_problem_explains_itself() -> None:
    mei = caller("mei", "view_order")
    assert problem(mei.get("/api/v1/oders/"), 404)["code"] == "no_such_address"
    assert "slash" in problem(mei.get("/api/v1/order"), 404)["detail"]
    told = problem(mei.post("orders/"), 405)
    explained = mei.get(told["type"]).json()
    assert explained["status"] == 405
    assert {kind["code"] for kind in mei.get("/api/problems/").json()["results"]} >= {"not_found", "key_reused"}
    assert problem(mei.get("/api/problems/nothing/"), 404)


def test_an_administrator_sees_tokens_and_ends_one_at_once(admin_client: Any, client: Any) -> None:
    mei = caller("mei", "view_order", scopes=("read",))
    page = admin_client.get("/admin/integrations/apitoken/")
    assert mei.token.start in page.content.decode()
    assert mei.secret not in page.content.decode()
    chosen = {"action": "revoke", "_selected_action": [mei.token.pk]}
    client.force_login(staff("li", "view_apitoken"))
    client.post("/admin/integrations/apitoken/", chosen)
    assert mei.get("orders/").status_code == 200
    admin_client.post("/admin/integrations/apitoken/", chosen)
    assert problem(mei.get("orders/"), 401)["code"] == "revoked_token"
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.object_repr) == ("admin", mei.token.name)
