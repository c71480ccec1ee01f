"""The demo's world and the command that runs the sandbox."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import requests

from integrations.sandbox.demo import UNMAPPED_SKU, connect, demo_mappings, erp_sku, seed_demo, stock_dsco
from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.sandbox import Sandbox

from .lingxing_caller import PATHS, new_order, sign, text

REPOSITORY = Path(__file__).resolve().parents[3]


def test_the_demo_has_its_cast_and_leaves_out_one_sku(sandbox):
    cast = seed_demo(sandbox)
    orders = sandbox.dsco.orders
    assert len(orders) == len(cast) + 12
    assert UNMAPPED_SKU not in demo_mappings()["skus"]
    assert orders[cast["missing SKU mapping"]]["lineItems"][0]["sku"] == UNMAPPED_SKU
    assert orders[cast["missing price"]]["lineItems"][0]["expectedCost"] is None
    assert orders[cast["cancellation asked at once"]]["cancelRequested"] is True
    assert orders[cast["cancelled by the retailer"]]["dscoStatus"] == "cancelled"
    shared = [cast["shared PO number"], cast["PO number of another retailer"]]
    assert len({orders[one]["poNumber"] for one in shared}) == 1
    assert len({orders[one]["dscoRetailerId"] for one in shared}) == 2


def test_every_normal_order_of_the_demo_is_mapped(sandbox):
    cast = seed_demo(sandbox)
    mappings = demo_mappings()
    for order in sandbox.dsco.orders.values():
        if order["dscoOrderId"] not in cast.values():
            assert order["dscoRetailerId"] in mappings["stores"]
            assert f"{order['requestedWarehouseCode']}|{order['shippingServiceLevelCode']}" in mappings["shipping"]
            assert {line["sku"] for line in order["lineItems"]} <= set(mappings["skus"])


def test_connect_maps_whatever_the_orders_name(sandbox):
    sandbox.dsco.add_order(
        lines=[{"sku": "ODD", "quantity": 1}], retailer="77", warehouse="NORTH", service_level="SLOW"
    )
    mappings = connect(sandbox, stock=9)
    assert mappings["stores"]["77"].isdigit()
    assert len(mappings["stores"]["77"]) == 18
    assert mappings["skus"]["ODD"] == erp_sku("ODD")
    assert "NORTH|SLOW" in mappings["shipping"]
    assert (mappings["warehouses"]["NORTH"], "LX-ODD") in sandbox.lingxing.stock
    values = [value for part in mappings.values() for value in part.values()]
    assert all(isinstance(value, str) for value in values)
    assert len(set(mappings["shipping"].values())) == len(mappings["shipping"])


def wait_until(condition, seconds=10):
    """The sandbox looks five times a second whether something is to be done."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.02)


def push(sandbox, token, order):
    """Create an order in the ERP over HTTP, as a client with its own signing does."""
    lines = [
        {"sku": erp_sku(line["sku"]), "quantity": line["quantity"], "unit_price": "10.00"}
        for line in order["lineItems"]
    ]
    mappings = demo_mappings()
    place = f"{order['requestedWarehouseCode']}|{order['shippingServiceLevelCode']}"
    routing = {
        "wid": mappings["warehouses"][order["requestedWarehouseCode"]],
        "logistics_type_id": mappings["shipping"][place],
    }
    new = new_order(order["dscoOrderId"], items=lines, **routing)
    body = {"platform_code": 10009, "store_id": mappings["stores"][order["dscoRetailerId"]], "orders": [new]}
    common = {"access_token": token, "app_key": sandbox.lingxing.app_id, "timestamp": str(int(sandbox.clock.now()))}
    query = common | {"sign": sign({**body, **common}, sandbox.lingxing.app_id)}
    headers = {"Content-Type": "application/json"}
    address = f"{sandbox.lingxing_url}{PATHS['create']}"
    answer = requests.post(address, params=query, data=text(body).encode(), headers=headers, timeout=10).json()
    assert answer["data"]["success_details"], answer


def test_the_catalogue_holds_every_mapped_sku_in_every_mapped_warehouse(sandbox):
    stock_dsco(sandbox)
    sandbox.dsco.add_orders(3)
    mappings = connect(sandbox)
    items = sandbox.dsco.items
    assert set(mappings["skus"]) == set(items)
    for item in items.values():
        assert {place["code"] for place in item["warehouses"]} == set(mappings["warehouses"])


def test_the_demos_people_act_once_an_order_has_reached_the_erp():
    with Sandbox(SandboxOptions(audit_after_seconds=10, ship_after_seconds=10)) as sandbox:
        cast = seed_demo(sandbox)
        form = {"appId": (None, sandbox.lingxing.app_id), "appSecret": (None, sandbox.lingxing.app_secret)}
        answer = requests.post(f"{sandbox.lingxing_url}/api/auth-server/oauth/access-token", files=form, timeout=10)
        token = answer.json()["data"]["access_token"]
        troubles = ("two packages", "split in the ERP", "cancellation asked too late")
        for trouble in troubles:
            push(sandbox, token, sandbox.dsco.orders[cast[trouble]])

        def packages():
            outbound = sandbox.lingxing.outbound_of(cast["two packages"])
            return {out["tracking_no"] for out in outbound if out["status"] == 3}

        def late_request():
            return sandbox.dsco.orders[cast["cancellation asked too late"]]["cancelRequested"]

        wait_until(lambda: len(sandbox.lingxing.by_platform(cast["split in the ERP"])) == 2)
        sandbox.clock.advance(11)
        wait_until(lambda: len(packages()) == 2)
        assert not late_request()
        sandbox.clock.advance(11)
        wait_until(late_request)
        assert sandbox.violations == []
        assert sandbox.lingxing.duplicates() == []


def test_new_orders_arrive_by_themselves():
    with Sandbox(SandboxOptions(new_order_every_seconds=0.1)) as sandbox:
        wait_until(lambda: len(sandbox.dsco.orders) >= 2)


def test_the_command_serves_until_it_is_told_to_stop(tmp_path):
    mappings = tmp_path / "mappings.json"
    process = subprocess.Popen(
        [sys.executable, "manage.py", "sandbox", "--port", "0", "--troubles", "--mappings", str(mappings)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        lines = []
        while not any("Ctrl-C" in line for line in lines):
            line = process.stdout.readline()
            assert line, "the command ended early"
            lines.append(line.strip())
        exported = dict(line.removeprefix("export ").split("=", 1) for line in lines if line.startswith("export "))
        assert {"DSCO_BASE_URL", "DSCO_CLIENT_SECRET", "LINGXING_APP_ID", "LINGXING_PLATFORM_CODE"} <= set(exported)
        health = exported["DSCO_BASE_URL"].replace("/dsco/api/v3", "/healthz")
        assert requests.get(health, timeout=10).status_code == 200
        assert json.loads(mappings.read_text()) == demo_mappings()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
