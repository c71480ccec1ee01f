"""One business call: what goes out, and what becomes of each kind of reply."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from integrations import http
from integrations.calls import collect_calls
from integrations.errors import (
    AuthenticationExpired,
    ConfigurationError,
    RateLimited,
    Rejected,
    TransientError,
    Uncertain,
    VendorError,
)
from integrations.lingxing import LingXingClient
from integrations.lingxing import gateway as paths
from integrations.lingxing.signing import sign
from integrations.models import Slot

from .conftest import APP_ID, APP_SECRET, BASE_URL, Vendor
from .examples import full_order, new_order

pytestmark = pytest.mark.django_db


def read(client: LingXingClient) -> Any:
    return client.stores()


def write(client: LingXingClient) -> Any:
    return client.create_orders("1", [new_order()])


def failure(client: LingXingClient, call: Callable[[LingXingClient], Any]) -> VendorError:
    with pytest.raises(VendorError) as caught:
        call(client)
    return caught.value


def test_the_bytes_that_were_signed_are_the_bytes_that_are_sent(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.gives(paths.CREATE_ORDERS, {"success_details": [], "error_details": []})

    client.create_orders("110000000000000001", [full_order(), new_order("订单-1", city="São Paulo")])

    request = lingxing.requests[-1]
    query = lingxing.query()
    assert set(query) == {"access_token", "app_key", "timestamp", "sign"}
    assert request.headers["Content-Type"] == "application/json"
    body = json.loads(request.body)
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert request.body == text.encode()
    signature = query.pop("sign")
    assert signature == sign(body | query, APP_ID)
    assert len(signature) == 64
    assert abs(int(query["timestamp"]) - time.time()) < 60


def test_the_signature_is_encoded_exactly_once(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.gives(paths.STORES, [])
    client.stores()

    raw = urlsplit(lingxing.requests[-1].url).query
    assert "+" not in raw
    assert "%25" not in raw


def test_base_and_path_meet_in_one_slash(lingxing: Vendor) -> None:
    lingxing.gives(paths.STORES, [])

    LingXingClient(BASE_URL + "/", APP_ID, APP_SECRET).stores()

    assert lingxing.requests[-1].url.startswith(BASE_URL + "/pb/mp/shop/v2/getSellerList?")


@pytest.mark.parametrize(
    ("code", "on_read", "on_write"),
    [
        ("2001001", ConfigurationError, ConfigurationError),
        ("2001002", ConfigurationError, ConfigurationError),
        ("2001004", ConfigurationError, ConfigurationError),
        ("2001006", ConfigurationError, Rejected),
        ("2001007", TransientError, TransientError),
        ("3001001", ConfigurationError, Rejected),
        ("3001002", ConfigurationError, ConfigurationError),
        ("0001001", ConfigurationError, ConfigurationError),
        (400, ConfigurationError, ConfigurationError),
        (401, ConfigurationError, ConfigurationError),
        ("403", ConfigurationError, ConfigurationError),
        (102, Rejected, Rejected),
        (500, TransientError, Uncertain),
        (1, TransientError, Uncertain),
        (100, TransientError, Uncertain),
        (104, TransientError, Uncertain),
        ("3001004", TransientError, Uncertain),
        (77777, Rejected, Rejected),
    ],
)
def test_each_code_means_what_is_to_be_done(
    lingxing: Vendor, client: LingXingClient, code: Any, on_read: type[VendorError], on_write: type[VendorError]
) -> None:
    lingxing.refuses(paths.STORES, code, "the vendor's words")
    lingxing.refuses(paths.CREATE_ORDERS, code, "the vendor's words")

    for call, expected in ((read, on_read), (write, on_write)):
        error = failure(client, call)
        assert type(error) is expected
        assert error.code == str(code)
        assert error.request_id == "request-9"
        assert error.vendor == "lingxing"
        assert "the vendor's words" in error.message


@pytest.mark.parametrize(
    ("status", "body", "on_read", "on_write", "code"),
    [
        (500, "<html>oops</html>", TransientError, Uncertain, "http_500"),
        (502, "", TransientError, Uncertain, "http_502"),
        (504, '{"timestamp":"x","status":504}', TransientError, Uncertain, "http_504"),
        (200, "<html>maintenance</html>", TransientError, Uncertain, "unreadable_reply"),
        (200, '{"code":0,"data":', TransientError, Uncertain, "unreadable_reply"),
        (200, "[]", TransientError, Uncertain, "unreadable_reply"),
        (200, '{"data":[]}', TransientError, Uncertain, "unreadable_reply"),
        (503, '{"code":0,"data":null}', TransientError, Uncertain, "http_503"),
        (500, '{"code":88888,"message":"?"}', TransientError, Uncertain, "88888"),
        (200, '{"code":500,"msg":"404 NOT_FOUND"}', ConfigurationError, ConfigurationError, "400"),
        (405, "<html>405</html>", ConfigurationError, ConfigurationError, "http_405"),
        (404, "not here", ConfigurationError, ConfigurationError, "http_404"),
        (302, "", ConfigurationError, ConfigurationError, "http_302"),
        (403, "<html>firewall</html>", ConfigurationError, ConfigurationError, "http_403"),
        (400, '{"code":102,"message":"bad"}', Rejected, Rejected, "102"),
    ],
)
def test_http_status_and_unreadable_replies_are_looked_at_too(
    lingxing: Vendor, client: LingXingClient, status: int, body: str, on_read: Any, on_write: Any, code: str
) -> None:
    lingxing.answers(paths.STORES, body, status)
    lingxing.answers(paths.CREATE_ORDERS, body, status)

    for call, expected in ((read, on_read), (write, on_write)):
        error = failure(client, call)
        assert type(error) is expected
        assert error.code == code
    assert len(lingxing.requests) == 2


def test_the_ip_white_list_is_named_in_what_staff_read(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.refuses(paths.STORES, "3001002", "ip not permit")

    assert "white list" in failure(client, read).message


def test_the_details_of_an_error_follow_its_message(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.refuses(paths.STORES, 102, "参数不合法", error_details=["store_id missing", {"field": "wid"}])

    assert failure(client, read).message == '参数不合法; store_id missing; {"field": "wid"}'


@pytest.mark.parametrize("code", ["3001008", 103])
@pytest.mark.parametrize("call", [read, write])
def test_a_limiter_is_waited_out(lingxing: Vendor, client: LingXingClient, code: Any, call: Any) -> None:
    for path in (paths.STORES, paths.CREATE_ORDERS):
        lingxing.refuses(path, code)
        lingxing.refuses(path, code)
        lingxing.gives(path, [])

    call(client)

    assert len(lingxing.requests) == 3


@pytest.mark.parametrize(("code", "retry_after"), [("3001008", 120), ("103", 60)])
def test_a_limiter_that_stays_closed_hands_the_call_back(
    lingxing: Vendor, client: LingXingClient, code: str, retry_after: float
) -> None:
    lingxing.refuses(paths.CREATE_ORDERS, code)

    error = failure(client, write)

    assert type(error) is RateLimited
    assert error.retry_after == retry_after
    assert len(lingxing.requests) == 1 + len(paths.PAUSES_SECONDS)
    assert sum(paths.PAUSES_SECONDS) == 20


def test_http_429_is_a_limiter_as_well(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.answers(paths.STORES, "slow down", 429)
    lingxing.gives(paths.STORES, [])

    assert client.stores() == []


def test_every_attempt_is_signed_anew(lingxing: Vendor, client: LingXingClient, monkeypatch: Any) -> None:
    lingxing.refuses(paths.STORES, "2001007", "api sign has expired")
    lingxing.gives(paths.STORES, [])
    clock = iter(range(1_763_690_400, 1_763_700_000, 7))
    monkeypatch.setattr(paths.time, "time", lambda: float(next(clock)))

    client.stores()

    first, second = lingxing.query(0), lingxing.query(1)
    assert first["timestamp"] != second["timestamp"]
    assert first["sign"] != second["sign"]


def test_a_time_out_of_a_write_is_uncertain_and_blocks_its_place(
    lingxing: Vendor, client: LingXingClient, settings: Any
) -> None:
    settings.RATE_LIMIT_SCALE = 1
    lingxing.answers(paths.INTERCEPT_OUTBOUND, requests.ReadTimeout("slow"))

    error = failure(client, lambda client: client.intercept_outbound(["1"]))

    assert type(error) is Uncertain
    assert error.code == "timeout"
    assert len(lingxing.requests) == 1
    slot = Slot.objects.get(name="lingxing:" + paths.INTERCEPT_OUTBOUND)
    assert 100 < slot.held_until - time.time() <= 120


def test_a_lost_connection_of_a_read_is_transient_and_blocks_its_place(
    lingxing: Vendor, client: LingXingClient, settings: Any
) -> None:
    settings.RATE_LIMIT_SCALE = 1
    lingxing.answers(paths.WAREHOUSES, requests.ConnectionError("reset"))

    error = failure(client, lambda client: client.warehouses([1]))

    assert type(error) is TransientError
    assert error.code == "connection_lost"
    assert Slot.objects.get(name="lingxing:" + paths.WAREHOUSES).held_until > time.time() + 100


def test_a_call_that_was_answered_gives_its_place_back(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.answers(paths.INTERCEPT_OUTBOUND, "<html>", 500)

    failure(client, lambda client: client.intercept_outbound(["1"]))

    assert Slot.objects.get(name="lingxing:" + paths.INTERCEPT_OUTBOUND).held_until == 0


@pytest.mark.parametrize(("configured", "store", "warehouse"), [(None, 30, 125), (2.5, 2.5, 2.5)])
def test_read_time_outs_follow_the_capacity_or_the_setting(
    lingxing: Vendor, client: LingXingClient, settings: Any, configured: Any, store: float, warehouse: float
) -> None:
    settings.HTTP_TIMEOUT_SECONDS = configured
    lingxing.gives(paths.STORES, [])
    lingxing.gives(paths.WAREHOUSES, [])

    client.stores()
    client.warehouses([1])

    waits = [request.req_kwargs["timeout"] for request in lingxing.requests]
    assert waits == [(http.CONNECT_TIMEOUT_SECONDS, store), (http.CONNECT_TIMEOUT_SECONDS, warehouse)]


@pytest.mark.parametrize(("path", "capacity"), [(paths.CREATE_ORDERS, 10), (paths.INTERCEPT_OUTBOUND, 1)])
def test_places_follow_the_vendors_capacities(
    lingxing: Vendor, client: LingXingClient, path: str, capacity: int
) -> None:
    lingxing.gives(path, [])
    call = write if path == paths.CREATE_ORDERS else lambda client: client.intercept_outbound(["1"])
    with contextlib.suppress(Uncertain):  # the empty reply says nothing; only the places matter here
        call(client)

    assert Slot.objects.filter(name=f"lingxing:{path}").count() == capacity


def test_nothing_secret_is_kept_of_a_call(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.gives(paths.CREATE_ORDERS, [])
    with collect_calls() as calls:
        write(client)

    assert [call.operation for call in calls] == ["access_token", "create_orders"]
    assert calls[-1].vendor_request_id == "request-1"
    signature = lingxing.query()["sign"]
    for secret in (APP_SECRET, APP_ID, "token-1", "refresh-1", signature):
        assert secret not in repr(calls)


def test_nothing_secret_is_in_an_error(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.answers(paths.STORES, f"<html>/getSellerList?access_token=token-1&app_key={APP_ID}&sign=abc</html>", 500)
    lingxing.refuses(paths.CREATE_ORDERS, 102, f"bad url ?access_token=token-1&app_key={APP_ID}&sign=abc")
    with collect_calls() as calls:
        errors = [failure(client, read), failure(client, write)]

    assert [call.error for call in calls] == ["", "http_500", "102"]
    for secret in (APP_SECRET, APP_ID, "token-1", "sign=abc"):
        assert secret not in f"{errors} {[str(error) for error in errors]} {calls}"


@pytest.mark.parametrize("variable", ["LINGXING_APP_ID", "LINGXING_APP_SECRET"])
def test_a_missing_setting_is_named(settings: Any, variable: str) -> None:
    setattr(settings, variable, "")

    with pytest.raises(ConfigurationError, match=variable) as caught:
        LingXingClient.from_settings()

    assert caught.value.code == "missing_setting"
    assert caught.value.vendor == "lingxing"


def test_an_app_id_that_cannot_be_a_key_is_a_configuration_problem() -> None:
    error = failure(LingXingClient(BASE_URL, "too-short", APP_SECRET), read)

    assert type(error) is ConfigurationError
    assert error.code == "bad_app_id"


def test_credentials_are_checked_with_the_smallest_page(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.gives(paths.STORES, {"total": "0", "list": []})

    client.check_credentials()

    assert lingxing.sent() == {"offset": 0, "length": 20}


def test_refused_credentials_reach_the_caller(fresh_lingxing: Vendor, client: LingXingClient) -> None:
    fresh_lingxing.answers("/api/auth-server/oauth/access-token", {"code": "2001002", "msg": "app secret not correct"})

    with pytest.raises(ConfigurationError, match="LINGXING_APP_SECRET"):
        client.check_credentials()


def test_a_refused_token_is_never_shown_as_expired(lingxing: Vendor, client: LingXingClient) -> None:
    lingxing.refuses(paths.STORES, "2001003", "access token is missing or expire")

    assert not isinstance(failure(client, read), AuthenticationExpired)
