"""The doctor: what stops orders is found before orders find it, and every finding says what to do."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from config.doctor import settings_values
from integrations.flows.schedules import ensure_schedules
from integrations.models import AlertRule, Flow, VendorOutage
from integrations.sandbox.faults import Fault
from integrations.tasks import heartbeat
from inventory.models import WarehouseMapping
from orders.models import Order, Package, RetailerPolicy, StoreMapping
from tests.orders.factories import raw_order, stored

READS = {"token", "hello", "get_orders", "get_invoice", "get_inventory", "inventory_log", "warehouses"}


def visit(*options):
    """Return the findings by subject, and the exit code."""
    out, code = StringIO(), 0
    try:
        call_command("doctor", "--json", *options, stdout=out)
    except SystemExit as end:
        code = end.code
    return json.loads(out.getvalue())["subjects"], code


def texts(found, level):
    return [row["what"] for rows in found.values() for row in rows if row["level"] == level]


@pytest.fixture
def at_work(world):
    """A world whose workers live and whose flows have all just run."""
    ensure_schedules()
    heartbeat()
    now = timezone.now()
    Flow.objects.update(last_started_at=now, last_success_at=now)
    return world


def test_nothing_stops_orders_where_all_is_well_and_nothing_is_written_at_the_vendors(at_work):
    found, code = visit()
    assert texts(found, "stops") == [], found
    assert code == 0
    assert list(found) == [
        "settings", "database", "machine", "workers", "flows", "dsco", "lingxing", "clock", "mappings", "policies",
        "assumptions",
    ]  # fmt: skip
    assert {operation for vendor, operation in at_work.requests if vendor == "dsco"} <= READS
    assert not {call.path for call in at_work.request_log if call.path.endswith(("create", "cancelOrder", "cancel"))}
    assert at_work.violations == []
    assert Order.objects.count() == 0


def test_every_finding_that_is_no_ok_says_what_to_do(at_work):
    found, _code = visit()
    # The checks of mappings and policies say it in the sentence itself, as on their pages.
    spoken = {name: rows for name, rows in found.items() if name not in ("mappings", "policies")}
    silent = [row for rows in spoken.values() for row in rows if row["level"] != "ok" and not row["do"]]
    assert silent == []


def test_offline_calls_no_vendor(at_work):
    at_work.forget_requests()
    found, _code = visit("--offline")
    assert not at_work.requests
    assert "dsco" not in found
    assert "mappings" in found


def test_an_address_that_is_not_on_the_white_list_is_said_so(at_work):
    at_work.faults.add(Fault("lingxing", "*", "forbidden_ip", times=0))
    found, code = visit()
    assert code == 1
    (row,) = [row for row in found["lingxing"] if row["level"] == "stops"]
    assert "3001002" in row["what"]
    assert "white list" in row["do"]


@pytest.mark.parametrize(("vendor", "setting"), [("dsco", "DSCO_CLIENT_SECRET"), ("lingxing", "LINGXING_APP_SECRET")])
def test_refused_credentials_are_named_although_a_token_of_the_former_ones_is_still_good(
    at_work, settings, vendor, setting
):
    assert visit()[1] == 0
    setattr(settings, setting, "hidden-word")
    found, code = visit()
    assert code == 1
    assert found[vendor][0]["level"] == "stops"
    assert setting in found[vendor][0]["what"] + found[vendor][0]["do"]
    assert "hidden-word" not in json.dumps(found)


def test_an_interface_that_was_not_granted_is_named_and_the_others_are_still_tried(at_work):
    at_work.faults.add(Fault("lingxing", "outbound_orders", "forbidden_ip", times=0, code="2001004"))
    found, code = visit()
    assert code == 1
    (row,) = [row for row in found["lingxing"] if row["level"] == "stops"]
    assert "outbound orders" in row["what"]
    assert "grant" in row["do"]
    assert any(row["level"] == "ok" and "orders" in row["what"] for row in found["lingxing"])


@pytest.mark.parametrize(("seconds", "level"), [(1, "ok"), (-20, "stops"), (20, "warning")])
def test_the_clock_is_compared_with_the_vendors(at_work, seconds, level):
    at_work.clock.advance(seconds)
    found, _code = visit()
    assert found["clock"][0]["level"] == level, found["clock"]


def test_a_mapping_to_what_lingxing_does_not_have_is_found(at_work):
    WarehouseMapping.objects.filter(dsco_code="WEST").update(wid="999")
    found, code = visit()
    assert code == 1
    assert any("999" in what for what in texts(found, "stops"))


def test_a_warehouse_code_that_dsco_does_not_have_is_found(at_work):
    WarehouseMapping.objects.create(dsco_code="NORTH", wid="51")
    WarehouseMapping.objects.filter(dsco_code="WEST").update(sync_stock=False)
    found, _code = visit()
    assert any("NORTH" in what and "DSCO" in what for what in texts(found, "warning"))


def test_dead_workers_and_paused_flows_stop_orders(at_work, clock):
    Flow.objects.filter(name="push_orders").update(paused=True, pause_reason="stock-taking")
    clock.advance(600)
    found, code = visit("--offline")
    assert code == 1
    assert any("No worker was seen" in what for what in texts(found, "stops"))
    assert any("stock-taking" in what for what in texts(found, "stops"))


def test_a_vendor_that_is_out_stops_orders_and_asks_for_nothing(at_work):
    now = timezone.now()
    VendorOutage.objects.create(vendor="lingxing", began_at=now, last_failure_at=now, opened_at=now)
    found, code = visit("--offline")
    assert code == 1
    (row,) = [row for row in found["flows"] if row["level"] == "stops"]
    assert "has not answered since" in row["what"]


def test_a_step_in_shadow_mode_is_told(at_work):
    retailer = StoreMapping.objects.first().retailer_id
    RetailerPolicy.objects.create(retailer_id=retailer, push_mode="shadow")
    found, _code = visit("--offline")
    assert any(retailer in row["what"] and "Shadow" in row["what"] for row in found["policies"])


def test_times_that_lie_in_the_future_speak_against_the_time_zone(at_work):
    now = timezone.now()
    order = stored(raw_order())
    Package.objects.create(order=order, wo_number="WO1", shipped=True, shipped_at=now + timedelta(hours=8), read_at=now)
    found, _code = visit("--offline")
    assert any("future" in what for what in texts(found, "warning"))


def test_findings_are_told_in_chinese(at_work):
    out = StringIO()
    call_command("doctor", "--offline", "--language", "zh-hans", stdout=out)
    assert "供应商" in out.getvalue() or "领星" in out.getvalue()
    assert "Workers live" not in out.getvalue()
    assert "workers" not in out.getvalue()


@pytest.mark.django_db
def test_a_database_without_its_migrations_ends_the_visit_early():
    for migration in MigrationLoader(connection).graph.leaf_nodes("orders"):
        MigrationRecorder(connection).record_unapplied(*migration)
    found, code = visit("--offline")
    assert code == 1
    assert any("migrations are not applied" in what for what in texts(found, "stops"))
    assert list(found) == ["settings", "database", "machine"]


@pytest.mark.django_db
def test_secrets_that_no_key_opens_are_counted(settings):
    settings.DATABASE_SEAL_KEY = "another key than today's"
    AlertRule.objects.create(name="night", channel="wecom", target="https://hooks.example.com/x")
    settings.DATABASE_SEAL_KEY = "today's key"
    found, _code = visit("--offline")
    assert any("1 secrets" in what for what in texts(found, "warning"))


def test_a_misspelt_variable_in_the_env_file_is_found(tmp_path, monkeypatch):
    dotenv = tmp_path / ".env"
    dotenv.write_text("DSCO_CLIENTID=abc\nWORKERS=3\n# DSCO_NOTE=x\n")
    monkeypatch.setattr(settings_values.env, "dotenv", str(dotenv))
    (finding,) = settings_values._unknown_names()
    assert "DSCO_CLIENTID" in finding.what
    assert "abc" not in finding.what
