"""What LingXing's gateway lets through: tokens, signatures, paths, and bodies that keep the contract."""

from __future__ import annotations

import json
import time

import pytest

from integrations.sandbox.http import Request
from integrations.sandbox.lingxing import signature
from tests import contracts

from .lingxing_caller import PATHS, STORE, Caller, new_order


@pytest.fixture
def caller():
    return Caller()


def test_a_token_is_given_for_the_right_secret(caller):
    found = caller.fetch_token()
    assert found["code"] == "200"
    assert set(found["data"]) == {"access_token", "refresh_token", "expires_in"}


def test_a_wrong_secret_or_app_gets_no_token(caller):
    path = "/api/auth-server/oauth/access-token"
    assert caller.form(path, appId=caller.lingxing.app_id, appSecret="x")["code"] == "2001002"
    assert caller.form(path, appId="nobody", appSecret="x")["code"] == "2001001"


def test_the_token_form_must_be_multipart(caller):
    request = Request(
        "POST",
        "/api/auth-server/oauth/access-token",
        {},
        {"content-type": "application/x-www-form-urlencoded"},
        b"appId=ak_SandboxApp001&appSecret=x",
    )
    assert caller.send(request)["code"] == "102"


def test_a_refresh_token_works_once(caller):
    caller.fetch_token()
    path = "/api/auth-server/oauth/refresh"
    old = caller.refresh
    assert caller.form(path, appId=caller.lingxing.app_id, refreshToken=old)["code"] == "200"
    assert caller.form(path, appId=caller.lingxing.app_id, refreshToken=old)["code"] == "2001009"


def test_a_refresh_token_ends_after_two_hours(caller):
    caller.fetch_token()
    caller.clock.advance(7201)
    answer = caller.form("/api/auth-server/oauth/refresh", appId=caller.lingxing.app_id, refreshToken=caller.refresh)
    assert answer["code"] == "2001008"


def test_a_token_taken_by_another_program_replaces_ours(caller):
    caller.fetch_token()
    caller.lingxing.steal_token()
    assert caller.call("stores", offset=0, length=20) == {"code": "2001005", "msg": " access token not match"}


def test_a_replaced_token_may_live_on_for_a_while(caller):
    caller.lingxing.old_token_lives_seconds = 60
    caller.fetch_token()
    caller.lingxing.steal_token()
    assert str(caller.call("stores", offset=0, length=20)["code"]) == "0"
    caller.clock.advance(61)
    assert caller.call("stores", offset=0, length=20)["code"] == "2001005"


def test_tokens_expire(caller):
    caller.fetch_token()
    caller.clock.advance(7200)
    assert caller.call("stores", offset=0, length=20)["code"] == "2001003"
    caller.fetch_token()
    caller.lingxing.expire_token()
    assert caller.call("stores", offset=0, length=20)["code"] == "2001003"


def test_a_missing_query_parameter_is_named(caller):
    request = caller.request("stores", {"offset": 0, "length": 20})
    del request.query["sign"]
    assert caller.send(request)["code"] == "3001001"


def test_a_wrong_signature_is_refused_and_noted(caller):
    request = caller.request("stores", {"offset": 0, "length": 20})
    request.query["sign"] = [request.query["sign"][0].replace("/", " ").replace("+", " ")]
    request.body = b'{"length":20,"offset":1}'
    assert caller.send(request)["code"] == "2001006"
    assert caller.violations.entries


def test_a_signature_lives_two_minutes(caller):
    request = caller.request("stores", {"offset": 0, "length": 20})
    caller.clock.advance(121)
    assert caller.send(request)["code"] == "2001007"


def test_a_client_need_not_know_that_the_sandbox_clock_was_moved(caller):
    request = caller.request("stores", {"offset": 0, "length": 20}, timestamp=str(int(time.time())))
    assert str(caller.send(request)["code"]) == "0"


def test_business_parameters_do_not_belong_into_the_url(caller):
    request = caller.request("stores", {"length": 20})
    request.query["offset"] = ["0"]
    assert caller.send(request)["code"] == 102


def test_bytes_other_than_the_signed_ones_are_noted(caller):
    request = caller.request("stores", {"offset": 0, "length": 20})
    request.body = b'{"offset": 0, "length": 20}'
    assert str(caller.send(request)["code"]) == "0"
    assert "the bytes sent are not the bytes signed" in caller.violations.entries[0]


def test_wrong_paths_and_methods(caller):
    assert caller.call("/pb/mp/order/v3/list")["msg"] == "404 NOT_FOUND"
    answer = caller.lingxing.answer(Request("GET", PATHS["list"]))
    assert (answer.status, answer.content_type) == (405, "text/html")
    assert caller.call("/pb/mp/returns/v2/list")["code"] == "2001004"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("list", {"offset": 0, "length": 19, "platform_order_nos": ["1"]}),
        ("list", {"offset": 0, "length": 501, "platform_order_nos": ["1"]}),
        ("list", {"offset": 0, "length": 20, "platform_order_nos": [str(n) for n in range(201)]}),
        ("list", {"offset": 0, "length": 20}),
        ("list", {"offset": 0, "length": 20, "date_type": "update_time", "start_time": 1}),
        (
            "list",
            {"offset": 0, "length": 20, "date_type": "update_time", "start_time": 0, "end_time": 30 * 86400 + 1},
        ),
        ("list", {"offset": "0", "length": 20, "platform_order_nos": ["1"]}),
        ("list", {"offset": 0, "length": 20, "platform_order_nos": '["1"]'}),
        ("list", {"offset": 0, "length": 20, "platform_order_nos": ["1"], "order_status": None}),
        ("list", {"offset": 0, "length": 20, "platform_order_nos": ["1"], "include_delete": 1}),
        ("list", {"offset": 0, "length": 20, "platform_order_nos": ["1"], "page": 1}),
        ("wms", {"page": 1, "page_size": 201}),
        ("wms", {"page": 0}),
        ("wms", {"start_date": "2026-1-1 00:00:00"}),
        ("inventory", {"length": 801}),
        ("inventory", {"wid": 50}),
        ("logistics", {"provider_type": 0}),
        ("intercept", {"orderNumbers": ["1"], "tagType": "x"}),
        ("pairs", {"use_cursor": True, "length": 20}),
        ("create", {"platform_code": "10009", "store_id": STORE, "orders": [new_order("1")]}),
        ("create", {"platform_code": 10009, "store_id": STORE, "orders": [new_order("1", wid=None)]}),
        ("create", {"platform_code": 10009, "store_id": STORE, "orders": [new_order("1", email="x")]}),
        ("create", {"platform_code": 10009, "store_id": STORE, "orders": [new_order("1", city=None)]}),
        ("create", {"platform_code": 10009, "store_id": STORE, "orders": [new_order("1", items=[])]}),
        (
            "create",
            {
                "platform_code": 10009,
                "store_id": STORE,
                "orders": [new_order("1", items=[{"quantity": 1, "unit_price": "1"}])],
            },
        ),
    ],
)
def test_a_body_that_breaks_the_contract_is_refused_and_noted(caller, path, body):
    answer = caller.call(path, **body)
    assert answer["code"] == 102
    assert len(caller.violations.entries) == 1


def test_operations_and_capacities_by_path(caller):
    def of(path):
        request = Request("POST", path)
        return caller.lingxing.operation(request), caller.lingxing.capacity(request)

    assert of(PATHS["create"]) == ("create_orders", 10)
    assert of(PATHS["wms"]) == ("outbound_orders", 1)
    assert of(PATHS["inventory"]) == ("inventory_details", 1)
    assert of(PATHS["pairs"]) == ("pairs", 10)
    assert of("/api/auth-server/oauth/refresh") == ("refresh_token", 100)
    assert of("/nowhere")[0] == "unknown"


@pytest.mark.contracts
def test_signatures_agree_with_the_published_vectors():
    for vector in json.loads((contracts.folder() / "lingxing-sign-vectors.json").read_text())["vectors"]:
        common = {key: vector[key] for key in ("access_token", "timestamp")} | {"app_key": vector["app_id"]}
        parameters = {**vector.get("body", {}), **vector.get("query", {}), **common}
        assert signature(parameters, vector["app_id"]) == vector["sign"], vector["name"]
