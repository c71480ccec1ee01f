"""The access token: shared, renewed in time and after a 401, and never shown."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest
import requests
from django.db import connection

from integrations.calls import collect_calls
from integrations.dsco import DscoClient
from integrations.dsco.auth import TokenKeeper
from integrations.errors import ConfigurationError, RateLimited, TransientError, VendorError
from integrations.http import HttpDoor
from integrations.models import VendorToken

from . import examples as example
from .conftest import BASE_URL, CLIENT_ID, CLIENT_SECRET, Vendor, new_client

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


def used_tokens(vendor: Vendor) -> list[str]:
    return [request.headers["Authorization"].removeprefix("bearer ") for request in vendor.requests]


@pytest.fixture
def hello(dsco: Vendor) -> None:
    dsco.answers("GET", "/hello", {"hello": "World!"})


def test_the_token_is_asked_for_with_a_form_and_no_authorization(vendor: Vendor, hello, client):
    client.hello()
    request = vendor.token_requests[0]
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert "Authorization" not in request.headers
    assert parse_qs(request.body) == {
        "grant_type": ["client_credentials"],
        "client_id": [CLIENT_ID],
        "client_secret": [CLIENT_SECRET],
    }


def test_two_programs_share_one_token(vendor: Vendor, hello, client):
    client.hello()
    client.hello()
    new_client().hello()
    assert len(vendor.token_requests) == 1
    assert used_tokens(vendor) == ["token-1"] * 3


def test_a_cached_token_costs_no_database_read(vendor: Vendor, hello, client, django_assert_num_queries):
    client.hello()
    with django_assert_num_queries(1):  # the turn of the call
        client.hello()


def test_another_account_never_gets_this_token(vendor: Vendor, hello, client):
    client.hello()
    DscoClient(BASE_URL, "other-client", CLIENT_SECRET).hello()
    assert len(vendor.token_requests) == 2
    accounts = VendorToken.objects.values_list("account", flat=True)
    assert len(set(accounts)) == 2
    assert not any(CLIENT_ID in account or BASE_URL in account for account in accounts)


def test_the_token_is_renewed_a_minute_before_it_expires(dsco: Vendor, hello, client, time_machine):
    time_machine.move_to(NOW, tick=False)
    dsco.gives_token("token-1", expires_in=3600)
    dsco.gives_token("token-2", expires_in=3600)
    client.hello()
    time_machine.move_to(NOW + timedelta(seconds=3539), tick=False)
    client.hello()
    time_machine.move_to(NOW + timedelta(seconds=3540), tick=False)
    client.hello()
    new_client().hello()
    assert used_tokens(dsco) == ["token-1", "token-1", "token-2", "token-2"]
    row = VendorToken.objects.get()
    assert (row.access_token, row.generation) == ("token-2", 2)
    assert row.expires_at == NOW + timedelta(seconds=3540 + 3600)


def test_a_short_lived_token_is_used_for_half_of_its_life(dsco: Vendor, hello, client, time_machine):
    time_machine.move_to(NOW, tick=False)
    dsco.gives_token("token-1", expires_in=40)
    dsco.gives_token("token-2", expires_in=40)
    for seconds in (0, 19, 20):
        time_machine.move_to(NOW + timedelta(seconds=seconds), tick=False)
        client.hello()
    assert used_tokens(dsco) == ["token-1", "token-1", "token-2"]


@pytest.mark.parametrize("expires_in", [None, "soon", -5, 0])
def test_a_token_of_unknown_life_is_renewed_early(dsco: Vendor, hello, client, time_machine, expires_in):
    time_machine.move_to(NOW, tick=False)
    dsco.gives_token("token-1", expires_in=expires_in)
    client.hello()
    assert VendorToken.objects.get().expires_at == NOW + timedelta(minutes=10)


def test_a_refused_token_is_renewed_once_and_the_call_repeated(dsco: Vendor, client):
    dsco.gives_token("token-1")
    dsco.gives_token("token-2")
    dsco.answers("POST", "/order/singleShipment", b"", 401)
    dsco.answers("POST", "/order/singleShipment", example.DONE, 201)
    client.single_shipment(example.SHIPMENT)
    assert used_tokens(dsco) == ["token-1", "token-2"]
    assert dsco.requests[0].body == dsco.requests[1].body
    assert VendorToken.objects.get().access_token == "token-2"


def test_a_token_that_other_programs_still_hold_is_healed_for_them_too(dsco: Vendor, hello, client):
    dsco.gives_token("token-1")
    dsco.gives_token("token-2")
    client.hello()
    other = new_client()
    dsco.answers("GET", "/order/", b"", 401)
    dsco.answers("GET", "/order/", example.raw_order())
    assert other.get_order("9100000001")
    third = new_client()
    third.hello()
    assert used_tokens(dsco) == ["token-1", "token-1", "token-2", "token-2"]


def test_a_second_401_is_a_matter_of_configuration(vendor: Vendor, client):
    vendor.answers("GET", "/hello", {"messages": [{"code": "unauthorized", "description": "no"}]}, 401)
    with pytest.raises(ConfigurationError) as caught:
        client.hello()
    assert (caught.value.operation, caught.value.code, caught.value.http_status) == ("hello", "unauthorized", 401)
    assert len(vendor.requests) == 2
    assert len(vendor.token_requests) == 2


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (401, {"error": "invalid_client", "error_description": "unknown client"}, ConfigurationError, "invalid_client"),
        (400, {"error": "invalid_request"}, ConfigurationError, "invalid_request"),
        (400, b"", ConfigurationError, "http_400"),
        (302, b"", ConfigurationError, "http_302"),
        (403, "<html>", ConfigurationError, "http_403"),
        (404, b"", ConfigurationError, "http_404"),
        (429, b"", RateLimited, "http_429"),
        (408, b"", TransientError, "http_408"),
        (503, "<html>", TransientError, "http_503"),
        (200, "<html>", TransientError, "unreadable_reply"),
        (200, {"token_type": "Bearer"}, TransientError, "unreadable_reply"),
        (None, requests.ReadTimeout(), TransientError, "timeout"),
    ],
)
def test_a_refused_token_request_has_its_class(dsco: Vendor, client, status, body, kind, code):
    dsco.answers("POST", "/oauth2/token", body, status or 200)
    with pytest.raises(VendorError) as caught:
        client.create_invoice(example.INVOICE)
    error = caught.value
    assert (type(error), error.code, error.operation) == (kind, code, "token")
    if kind is ConfigurationError:
        assert "DSCO_CLIENT_ID" in error.message
        assert "DSCO_CLIENT_SECRET" in error.message
    assert len(dsco.token_requests) == 1  # credentials that are refused are not tried again and again


def test_a_token_request_on_a_stale_connection_is_sent_once_more(dsco: Vendor, hello, client):
    dsco.answers("POST", "/oauth2/token", requests.ConnectionError("reset"))
    dsco.gives_token()
    client.hello()
    assert used_tokens(dsco) == ["token-1"]


def test_no_secret_is_kept_or_said(dsco: Vendor, client):
    dsco.gives_token("token-secret-1")
    dsco.gives_token("token-secret-2")
    echo = {"message": "Invalid key=value pair (missing equal-sign) in Authorization header: 'bearer token-secret-1'"}
    dsco.answers("GET", "/hello", echo, 403)
    dsco.answers("GET", "/order/", {"messages": [{"code": "x", "description": "token-secret-1 is bad"}]}, 400)
    dsco.mock.add_callback("GET", BASE_URL + "/warehouse/page", lambda request: (401, {}, str(request.headers)))
    with collect_calls() as calls:
        errors = []
        for call in (client.hello, lambda: client.get_order("1"), lambda: list(client.warehouse_pages())):
            with pytest.raises(VendorError) as caught:
                call()
            errors.append(caught.value)
    shown = repr(calls) + "".join(f"{error!s} {error!r} {error.__dict__}" for error in errors) + repr(client.__dict__)
    for secret in ("token-secret", CLIENT_SECRET, CLIENT_ID):
        assert secret not in shown
    assert any("Authorization header" in call.response_excerpt for call in calls)


def test_a_token_reply_that_repeats_the_credentials_is_masked(dsco: Vendor, client):
    words = f"client {CLIENT_ID} / {CLIENT_SECRET} is unknown"
    dsco.answers("POST", "/oauth2/token", {"error": "invalid_client", "error_description": words}, 401)
    with collect_calls() as calls, pytest.raises(ConfigurationError) as caught:
        client.hello()
    for shown in (repr(calls), str(caught.value)):
        assert CLIENT_SECRET not in shown
        assert CLIENT_ID not in shown


@pytest.mark.django_db(transaction=True)
def test_threads_that_need_a_token_at_once_ask_for_one(vendor: Vendor):
    keeper = TokenKeeper(HttpDoor("dsco", BASE_URL), CLIENT_ID, CLIENT_SECRET)
    gate = threading.Barrier(8)
    values: list[str] = []

    def work() -> None:
        gate.wait()
        try:
            values.append(keeper.current())
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert values == ["token-1"] * 8
    assert len(vendor.token_requests) == 1


def test_threads_that_were_refused_together_renew_once(dsco: Vendor, db):
    for number in (1, 2, 3):
        dsco.gives_token(f"token-{number}")
    keeper = TokenKeeper(HttpDoor("dsco", BASE_URL), CLIENT_ID, CLIENT_SECRET)
    refused = keeper.current()
    assert [keeper.renewed(refused), keeper.renewed(refused)] == ["token-2", "token-2"]
    assert len(dsco.token_requests) == 2
