"""The shared token: one per account, fetched by one process at a time, healed when another program takes it away."""

from __future__ import annotations

import json
import multiprocessing
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.db import connection, connections
from django.utils import timezone

from integrations.errors import TransientError
from integrations.lingxing import LingXingClient
from integrations.lingxing import gateway as paths
from integrations.lingxing.auth import ACCESS_TOKEN_PATH, REFRESH_PATH, TokenStore
from integrations.models import VendorToken

from .conftest import APP_ID, APP_SECRET, BASE_URL, Vendor

EXPIRED = {"code": "2001003", "msg": "access token is missing or expire", "data": None}
REPLACED = {"code": "2001005", "msg": " access token not match"}


def shared_row(**changes: Any) -> VendorToken:
    """The row as an earlier renewal left it, two hours of life by default."""
    now = timezone.now()
    fields: dict[str, Any] = {
        "access_token": "token-0",
        "refresh_token": "refresh-0",
        "generation": 3,
        "expires_at": now + timedelta(hours=2),
        "refresh_expires_at": now + timedelta(hours=2),
    }
    account = TokenStore(LingXingClient(BASE_URL, APP_ID, APP_SECRET)._gateway._door, APP_ID, APP_SECRET).account
    return VendorToken.objects.create(vendor="lingxing", account=account, **fields | changes)


def aged(minutes_left: float) -> dict[str, Any]:
    """A token of two hours with this much life left."""
    end = timezone.now() + timedelta(minutes=minutes_left)
    return {"expires_at": end, "refresh_expires_at": end + timedelta(seconds=1)}


@pytest.mark.django_db
class TestRenewal:
    def test_the_first_call_fetches_a_token_and_the_next_ones_share_it(
        self, lingxing: Vendor, client: LingXingClient
    ) -> None:
        lingxing.gives(paths.STORES, [])

        client.stores()
        client.stores()
        LingXingClient(BASE_URL, APP_ID, APP_SECRET).stores()

        assert lingxing.token_requests == ["secret"]
        assert lingxing.tokens_used == ["token-1"] * 3
        row = VendorToken.objects.get()
        assert (row.access_token, row.refresh_token, row.generation) == ("token-1", "refresh-1", 1)
        assert row.renewing_until == 0

    def test_the_token_calls_are_multipart_forms(self, lingxing: Vendor, client: LingXingClient) -> None:
        lingxing.gives(paths.STORES, [])

        client.stores()

        request = lingxing.mock.calls[0].request
        assert request.headers["Content-Type"].startswith("multipart/form-data; boundary=")
        assert b'name="appId"\r\n\r\n' + APP_ID.encode() in request.body
        assert b'name="appSecret"\r\n\r\n' + APP_SECRET.encode() in request.body

    def test_another_account_or_address_never_gets_this_token(self, lingxing: Vendor, client: LingXingClient) -> None:
        shared_row()
        lingxing.gives(paths.STORES, [])

        LingXingClient(BASE_URL, "ak_TestApp000002", APP_SECRET).stores()

        assert lingxing.tokens_used == ["token-1"]
        assert VendorToken.objects.count() == 2

    @pytest.mark.parametrize(("minutes_left", "asked"), [(5.5, []), (4.5, ["refresh"]), (-1, ["secret"])])
    def test_a_token_is_renewed_when_less_than_five_minutes_are_left(
        self, fresh_lingxing: Vendor, client: LingXingClient, minutes_left: float, asked: list[str]
    ) -> None:
        shared_row(**aged(minutes_left))
        fresh_lingxing.gives_token("token-1", "refresh-1", REFRESH_PATH)
        fresh_lingxing.gives_token("token-1", "refresh-1")
        fresh_lingxing.gives(paths.STORES, [])

        client.stores()

        assert fresh_lingxing.token_requests == asked
        assert fresh_lingxing.tokens_used == ["token-1" if asked else "token-0"]

    def test_a_token_with_a_short_life_is_not_renewed_at_every_call(
        self, fresh_lingxing: Vendor, client: LingXingClient
    ) -> None:
        data = {"access_token": "short", "refresh_token": "r", "expires_in": "60"}
        fresh_lingxing.answers(ACCESS_TOKEN_PATH, {"code": "200", "data": data})
        fresh_lingxing.gives(paths.STORES, [])

        client.stores()
        client.stores()

        assert fresh_lingxing.token_requests == ["secret"]

    @pytest.mark.parametrize("code", ["2001008", "2001009", 500, "77777"])
    def test_a_refused_refresh_token_falls_back_to_the_secret(
        self, lingxing: Vendor, client: LingXingClient, code: Any
    ) -> None:
        shared_row(**aged(1))
        lingxing.refuses(REFRESH_PATH, code)
        lingxing.gives(paths.STORES, [])

        client.stores()

        assert lingxing.token_requests == ["refresh", "secret"]
        assert lingxing.tokens_used == ["token-1"]

    def test_a_refresh_token_is_never_used_twice_even_when_its_answer_is_lost(
        self, lingxing: Vendor, client: LingXingClient
    ) -> None:
        shared_row(**aged(1))
        lingxing.answers(REFRESH_PATH, requests.ReadTimeout("lost"))
        lingxing.gives(paths.STORES, [])

        with pytest.raises(TransientError):
            client.stores()
        client.stores()

        assert lingxing.token_requests == ["refresh", "secret"]

    @pytest.mark.parametrize("body", ["<html>", {"code": "200", "data": None}, {"code": "200", "data": {"x": 1}}])
    def test_a_token_reply_without_a_token_is_transient_and_frees_the_lease(
        self, fresh_lingxing: Vendor, client: LingXingClient, body: Any
    ) -> None:
        fresh_lingxing.answers(ACCESS_TOKEN_PATH, body)

        with pytest.raises(TransientError):
            client.stores()

        assert VendorToken.objects.get().renewing_until == 0


@pytest.mark.django_db
class TestHealing:
    def test_an_expired_token_is_renewed_and_the_call_repeated_once(
        self, fresh_lingxing: Vendor, client: LingXingClient
    ) -> None:
        shared_row()
        fresh_lingxing.gives_token("token-1", "refresh-1", REFRESH_PATH)
        fresh_lingxing.answers(paths.STORES, EXPIRED)
        fresh_lingxing.gives(paths.STORES, [])

        client.stores()

        assert fresh_lingxing.token_requests == ["refresh"]
        assert fresh_lingxing.tokens_used == ["token-0", "token-1"]

    def test_a_token_replaced_by_another_program_is_fetched_anew_with_the_secret(
        self, lingxing: Vendor, client: LingXingClient
    ) -> None:
        shared_row()
        lingxing.answers(paths.CREATE_ORDERS, REPLACED)
        lingxing.gives(paths.CREATE_ORDERS, [])

        client._gateway.call("create_orders", paths.CREATE_ORDERS, {}, writes=True)

        assert lingxing.token_requests == ["secret"]
        assert lingxing.tokens_used == ["token-0", "token-1"]

    @pytest.mark.parametrize("refusal", [REPLACED, EXPIRED])
    def test_a_token_replaced_by_another_of_our_processes_is_taken_from_the_row(
        self, fresh_lingxing: Vendor, client: LingXingClient, refusal: dict[str, Any]
    ) -> None:
        row = shared_row()

        def refuse_and_renew_elsewhere(request: Any) -> tuple[int, dict[str, str], str]:
            VendorToken.objects.filter(pk=row.pk).update(access_token="token-other", generation=4)
            return 200, {}, json.dumps(refusal)

        fresh_lingxing.mock.add_callback("POST", BASE_URL + paths.STORES, refuse_and_renew_elsewhere)
        fresh_lingxing.gives(paths.STORES, [])

        client.stores()

        assert fresh_lingxing.token_requests == []
        assert fresh_lingxing.tokens_used == ["token-0", "token-other"]

    def test_a_program_that_keeps_taking_the_token_is_named_as_the_cause(
        self, lingxing: Vendor, client: LingXingClient
    ) -> None:
        shared_row()
        lingxing.answers(paths.STORES, REPLACED)

        with pytest.raises(TransientError, match="Another program keeps fetching") as caught:
            client.stores()

        assert caught.value.code == "2001005"
        assert lingxing.token_requests == ["secret"]
        assert len(lingxing.requests) == 2

    def test_a_new_token_refused_as_expired_is_not_fetched_for_ever(
        self, lingxing: Vendor, client: LingXingClient
    ) -> None:
        lingxing.answers(paths.STORES, EXPIRED)
        lingxing.gives_token("token-2", "refresh-2", REFRESH_PATH)

        with pytest.raises(TransientError):
            client.stores()

        assert len(lingxing.requests) == 2


@pytest.mark.django_db
class TestLease:
    def test_the_lease_of_a_dead_process_is_taken_over_at_once(self, lingxing: Vendor, client: LingXingClient) -> None:
        dead = f"{socket.gethostname()}:{2**22 + 1}:1"
        shared_row(access_token="", refresh_token="", renewing_until=time.time() + 3600, renewing_by=dead)
        lingxing.gives(paths.STORES, [])

        client.stores()

        assert lingxing.tokens_used == ["token-1"]

    def test_a_lease_that_ran_out_is_taken_over(self, lingxing: Vendor, client: LingXingClient) -> None:
        shared_row(access_token="", refresh_token="", renewing_until=time.time() - 0.1, renewing_by="elsewhere:1:1")
        lingxing.gives(paths.STORES, [])

        client.stores()

        assert lingxing.tokens_used == ["token-1"]

    def test_a_renewal_elsewhere_is_waited_for_but_not_for_ever(
        self, fresh_lingxing: Vendor, client: LingXingClient, monkeypatch: Any
    ) -> None:
        shared_row(access_token="", refresh_token="", renewing_until=time.time() + 3600, renewing_by="elsewhere:1:1")
        monkeypatch.setattr("integrations.lingxing.auth.MAX_WAIT_SECONDS", 0.2)

        with pytest.raises(TransientError) as caught:
            client.stores()

        assert caught.value.code == "token_wait"
        assert fresh_lingxing.token_requests == []

    def test_a_token_fetched_after_the_lease_ran_out_does_not_overwrite_a_newer_one(
        self, fresh_lingxing: Vendor, client: LingXingClient
    ) -> None:
        row = shared_row(access_token="", refresh_token="")

        def answer_late(request: Any) -> tuple[int, dict[str, str], str]:
            VendorToken.objects.filter(pk=row.pk).update(
                access_token="newer", generation=4, renewing_until=0, expires_at=timezone.now() + timedelta(hours=2)
            )
            data = {"access_token": "late", "refresh_token": "r", "expires_in": 7199}
            return 200, {}, json.dumps({"code": "200", "data": data})

        fresh_lingxing.mock.add_callback("POST", BASE_URL + ACCESS_TOKEN_PATH, answer_late)
        fresh_lingxing.gives(paths.STORES, [])

        client.stores()

        assert fresh_lingxing.tokens_used == ["newer"]
        assert VendorToken.objects.get().access_token == "newer"


class TokenServer(ThreadingHTTPServer):
    """LingXing's token rules: the latest token only, refresh tokens once. Each token takes 0.2 s to make."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lock = threading.Lock()
        self.token_calls: list[str] = []
        self.concurrent_token_calls = 0
        self.most_concurrent = 0
        self.refused = 0
        self.valid = ""

    def new_token(self, path: str) -> dict[str, Any]:
        with self.lock:
            self.token_calls.append(path)
            self.concurrent_token_calls += 1
            self.most_concurrent = max(self.most_concurrent, self.concurrent_token_calls)
        time.sleep(0.2)
        with self.lock:
            self.concurrent_token_calls -= 1
            self.valid = f"token-{len(self.token_calls)}"
        data = {"access_token": self.valid, "refresh_token": "r-" + self.valid, "expires_in": 7199}
        return {"code": "200", "data": data}

    def business(self, token: str) -> dict[str, Any]:
        if token == self.valid:
            return {"code": 0, "data": []}
        self.refused += 1
        return REPLACED


class _Handler(BaseHTTPRequestHandler):
    server: TokenServer

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        url = urlsplit(self.path)
        if "/auth-server/" in url.path:
            reply = self.server.new_token(url.path)
        else:
            reply = self.server.business(parse_qs(url.query)["access_token"][0])
        body = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with TokenServer() as running:
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield running
        running.shutdown()


def call_in_thread(client: LingXingClient) -> int:
    try:
        return len(client.stores())
    finally:
        connections.close_all()


def call_in_process(address: str, results: Any) -> None:
    connections.close_all()
    client = LingXingClient(address, APP_ID, APP_SECRET)
    with ThreadPoolExecutor(3) as pool:
        results.put(sum(pool.map(call_in_thread, [client] * 6)))
    connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_many_threads_fetch_one_token(server: TokenServer) -> None:
    client = LingXingClient(f"http://127.0.0.1:{server.server_port}", APP_ID, APP_SECRET)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(call_in_thread, [client] * 24)) == [0] * 24

    assert len(server.token_calls) == 1
    assert server.refused == 0


@pytest.mark.django_db(transaction=True)
def test_a_stolen_token_is_healed_by_one_fetch_for_all_threads(server: TokenServer) -> None:
    client = LingXingClient(f"http://127.0.0.1:{server.server_port}", APP_ID, APP_SECRET)
    client.stores()
    server.valid = "stolen"

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(call_in_thread, [client] * 24)) == [0] * 24

    assert len(server.token_calls) == 2
    assert server.most_concurrent == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_many_processes_fetch_one_token(server: TokenServer) -> None:
    connection.close()
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    address = f"http://127.0.0.1:{server.server_port}"
    workers = [context.Process(target=call_in_process, args=(address, results)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert [results.get(timeout=5) for _ in workers] == [0, 0, 0]
    assert len(server.token_calls) == 1
    assert server.refused == 0
