"""The sandbox's server: what a client sees of faults, limits, the control API and the end."""

from __future__ import annotations

import socket
import threading
import time

import pytest
import requests

from integrations.sandbox.faults import Fault
from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.sandbox import Sandbox

from .callers import DscoCaller


def acknowledge(dsco: DscoCaller, timeout: float = 10) -> requests.Response:
    order = dsco.sandbox.dsco.add_order()
    body = [{"id": order["dscoOrderId"], "type": "DSCO_ORDER_ID"}]
    return dsco.post("/order/acknowledge", body, timeout)


def acknowledgements(dsco: DscoCaller) -> int:
    dsco.settle()
    return len(dsco.sandbox.dsco.book.of("acknowledgement"))


@pytest.mark.parametrize(("kind", "applied"), [("error_before", 0), ("error_after", 1)])
def test_an_error_answer_says_nothing_about_what_was_applied(dsco, kind, applied):
    dsco.sandbox.faults.add(Fault("dsco", "acknowledge", kind))
    assert acknowledge(dsco).status_code == 503
    assert acknowledgements(dsco) == applied


@pytest.mark.parametrize(("kind", "applied"), [("reset_before", 0), ("reset_after", 1)])
def test_a_reset_closes_the_connection_without_a_reply(dsco, kind, applied):
    dsco.sandbox.faults.add(Fault("dsco", "acknowledge", kind))
    with pytest.raises(requests.ConnectionError):
        acknowledge(dsco)
    assert acknowledgements(dsco) == applied


@pytest.mark.parametrize(("kind", "applied"), [("timeout_before", 0), ("timeout_after", 1)])
def test_a_time_out_keeps_the_client_waiting(dsco, kind, applied):
    dsco.sandbox.faults.add(Fault("dsco", "acknowledge", kind, seconds=30))
    with pytest.raises(requests.ReadTimeout):
        acknowledge(dsco, timeout=0.1)
    assert acknowledgements(dsco) == applied


def test_a_time_out_ends_with_a_closed_connection_for_a_patient_client(dsco):
    dsco.sandbox.faults.add(Fault("dsco", "acknowledge", "timeout_before", seconds=0.05))
    with pytest.raises(requests.ConnectionError):
        acknowledge(dsco)


@pytest.mark.parametrize(("kind", "applied"), [("broken_json_before", 0), ("broken_json_after", 1)])
def test_broken_json_arrives_with_status_200(dsco, kind, applied):
    dsco.sandbox.faults.add(Fault("dsco", "acknowledge", kind))
    answer = acknowledge(dsco)
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert acknowledgements(dsco) == applied


@pytest.mark.parametrize(("kind", "applied"), [("html_before", 0), ("html_after", 1)])
def test_a_proxys_html_page_can_come_with_any_status(dsco, kind, applied):
    dsco.sandbox.faults.add(Fault("dsco", "acknowledge", kind, status=502))
    answer = acknowledge(dsco)
    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html")
    assert acknowledgements(dsco) == applied


@pytest.mark.parametrize(("kind", "status"), [("throttled", 429), ("unauthorized", 401), ("forbidden_ip", 403)])
def test_dsco_turns_callers_away_by_status(dsco, kind, status):
    dsco.sandbox.faults.add(Fault("dsco", "acknowledge", kind, retry_after=7))
    answer = acknowledge(dsco)
    assert answer.status_code == status
    assert answer.headers["Retry-After"] == "7"
    assert acknowledgements(dsco) == 0


@pytest.mark.parametrize(
    ("kind", "code", "expected"),
    [
        ("throttled", "", "3001008"),
        ("throttled", "103", 103),
        ("unauthorized", "", "2001003"),
        ("unauthorized", "2001005", "2001005"),
        ("forbidden_ip", "", "3001002"),
    ],
)
def test_lingxing_turns_callers_away_by_a_code_in_a_200(sandbox, kind, code, expected):
    sandbox.faults.add(Fault("lingxing", "*", kind, code=code))
    answer = requests.post(f"{sandbox.lingxing_url}/pb/mp/order/v2/list", json={}, timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (200, expected)


def test_a_delayed_request_is_answered_normally(dsco):
    dsco.sandbox.faults.add(Fault("dsco", "hello", "delay", seconds=0.1))
    started = time.monotonic()
    assert dsco.get("/hello").json() == {"hello": "World!"}
    assert time.monotonic() - started >= 0.1


def test_partial_apply_takes_the_first_half_and_drops_the_connection(dsco):
    orders = dsco.sandbox.dsco.add_orders(4)
    dsco.sandbox.faults.add(Fault("dsco", "acknowledge", "partial_apply"))
    body = [{"id": order["dscoOrderId"], "type": "DSCO_ORDER_ID"} for order in orders]
    with pytest.raises(requests.ConnectionError):
        dsco.post("/order/acknowledge", body)
    dsco.settle()
    counts = [dsco.sandbox.dsco.effect_count("acknowledgement", order["dscoOrderId"]) for order in orders]
    assert counts == [1, 1, 0, 0]


def test_a_fault_counts_its_hits_skips_the_first_and_looks_at_the_text(dsco):
    dsco.sandbox.faults.add(Fault("dsco", "get_order", "error_before", times=2, after=1, contains="PO-1"))
    dsco.sandbox.dsco.add_order(po_number="PO-1")
    dsco.sandbox.dsco.add_order(po_number="XX")

    def read(number: str) -> int:
        return dsco.get("/order/", orderKey="poNumber", value=number).status_code

    assert [read("PO-1"), read("XX"), read("PO-1"), read("PO-1"), read("PO-1")] == [200, 200, 503, 503, 200]
    assert dsco.sandbox.faults.active() == []


def test_chances_are_the_same_for_the_same_seed():
    def strikes() -> list[int]:
        with Sandbox(SandboxOptions(seed=5, enforce_limits=False)) as sandbox:
            sandbox.faults.add(Fault("dsco", "hello", "error_before", times=0, probability=0.5))
            dsco = DscoCaller(sandbox)
            statuses = [dsco.get("/hello").status_code for _ in range(20)]
            dsco.session.close()
            return statuses

    first = strikes()
    assert set(first) == {200, 503}
    assert strikes() == first


def test_dsco_refuses_more_calls_per_second_than_documented(dsco):
    statuses = [dsco.get("/order/", orderKey="poNumber", value="none").status_code for _ in range(12)]
    assert statuses[:10] == [404] * 10
    assert 429 in statuses
    assert dsco.sandbox.violations == ["dsco get_order: more than 10 calls per second"] * statuses.count(429)


def test_limits_can_be_scaled_and_switched_off(dsco):
    dsco.sandbox.options.limit_scale = 10
    assert {dsco.get("/order/", orderKey="poNumber", value="none").status_code for _ in range(30)} == {404}
    dsco.sandbox.options.limit_scale = 0.1
    dsco.sandbox.options.enforce_limits = False
    assert {dsco.get("/order/", orderKey="poNumber", value="none").status_code for _ in range(30)} == {404}


def list_outbound(sandbox: Sandbox) -> object:
    answer = requests.post(f"{sandbox.lingxing_url}/erp/sc/routing/wms/order/wmsOrderList", json={}, timeout=10)
    return answer.json()["code"]


def test_lingxing_has_room_for_one_call_in_flight_where_the_capacity_is_one(sandbox):
    sandbox.faults.add(Fault("lingxing", "*", "delay", seconds=0.5))
    first = threading.Thread(target=list_outbound, args=(sandbox,))
    first.start()
    while not sandbox.request_log:
        time.sleep(0.005)
    assert list_outbound(sandbox) == "3001008"
    first.join()
    assert list_outbound(sandbox) != "3001008"
    assert any("more than 1 call in flight" in text for text in sandbox.violations)


def test_lingxing_gives_an_abandoned_slot_back_after_two_scaled_minutes(sandbox):
    sandbox.options.limit_scale = 200  # two minutes become 0.6 seconds
    sandbox.faults.add(Fault("lingxing", "*", "timeout_before", seconds=5))
    path = f"{sandbox.lingxing_url}/erp/sc/routing/wms/order/wmsOrderList"
    with pytest.raises(requests.ReadTimeout):
        requests.post(path, json={}, timeout=0.05)
    assert list_outbound(sandbox) == "3001008"
    time.sleep(0.65)
    assert list_outbound(sandbox) != "3001008"


def test_requests_are_counted_and_logged(dsco):
    dsco.get("/hello")
    assert dsco.sandbox.requests["dsco", "hello"] == 1
    call = dsco.sandbox.request_log[-1]
    assert (call.vendor, call.operation, call.status) == ("dsco", "hello", 200)
    assert call.ended_at >= call.arrived_at


def test_the_sandbox_stops_at_once_although_connections_are_open_and_waiting():
    sandbox = Sandbox()
    sandbox.start()
    sandbox.faults.add(Fault("dsco", "*", "timeout_before", seconds=60))
    port = int(sandbox.url.rsplit(":", 1)[1])
    with (
        socket.create_connection(("127.0.0.1", port)) as idle,
        socket.create_connection(("127.0.0.1", port)) as waiting,
    ):
        idle.settimeout(10)
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200" in idle.recv(1000)
        waiting.sendall(b"GET /dsco/api/v3/hello HTTP/1.1\r\nHost: x\r\n\r\n")
        while not sandbox.request_log:
            time.sleep(0.005)
        started = time.monotonic()
        sandbox.stop()
        assert time.monotonic() - started < 1
        assert idle.recv(1) == b""
    with pytest.raises(ConnectionError):
        socket.create_connection(("127.0.0.1", port))


def test_a_garbled_request_is_answered_400(sandbox):
    port = int(sandbox.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400")


def test_other_processes_play_the_world_through_the_control_api(dsco):
    sandbox = dsco.sandbox
    url = sandbox.url
    assert requests.get(f"{url}/healthz", timeout=10).json() == {"status": "ok"}
    orders = requests.post(f"{url}/control/orders", json={"count": 2, "retailer": "1000041002"}, timeout=10).json()
    order_id = orders[0]["dscoOrderId"]
    answer = requests.post(f"{url}/control/dsco/request_cancel", json={"dsco_order_id": order_id}, timeout=10)
    assert answer.status_code == 200
    assert sandbox.dsco.orders[order_id]["cancelRequested"] is True
    requests.post(
        f"{url}/control/faults", json={"vendor": "dsco", "operation": "hello", "kind": "error_before"}, timeout=10
    )
    assert dsco.get("/hello").status_code == 503
    before = sandbox.clock.now()
    requests.post(f"{url}/control/clock", json={"advance": 500}, timeout=10)
    assert sandbox.clock.now() >= before + 500
    requests.post(f"{url}/control/options", json={"async_seconds": 0}, timeout=10)
    dsco.acknowledge(orders[1])
    dsco.settle()
    effects = requests.get(f"{url}/control/effects?kind=acknowledgement", timeout=10).json()
    assert [effect["key"] for effect in effects] == [orders[1]["dscoOrderId"]]
    state = requests.get(f"{url}/control/state", timeout=10).json()
    assert state["dsco"]["orders"][orders[1]["dscoOrderId"]]["dscoLifecycle"] == "acknowledged"
    assert state["violations"] == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/control/faults", {"vendor": "dsco", "operation": "*", "kind": "earthquake"}),
        ("/control/options", {"gravity": 0}),
        ("/control/dsco/rewrite", {}),
        ("/control/lingxing/answer", {}),
        ("/control/nothing", {}),
    ],
)
def test_bad_use_of_the_control_api_is_refused_with_a_reason(sandbox, path, body):
    answer = requests.post(sandbox.url + path, json=body, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["error"]
