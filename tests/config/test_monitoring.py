"""What a monitoring system reads: /healthz, /readyz, /metrics."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from integrations.deliveries.states import State
from integrations.flows import flow_definitions
from integrations.models import ApiCall, Flow, FlowRun, Heartbeat, RateLimit, RunStatus, VendorStop
from tests.orders.factories import raw_order, stored

pytestmark = pytest.mark.django_db
DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def all_is_well():
    now = timezone.now()
    Heartbeat.objects.create(worker="one", seen_at=now)
    for definition in flow_definitions():
        Flow.objects.create(name=definition.name, interval_seconds=60, last_started_at=now, last_success_at=now)


def ago(**time):
    return timezone.now() - timedelta(**time)


def test_the_process_answers_without_a_database_query(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get("/healthz").json() == {"status": "ok"}


class TestReadiness:
    def test_green_while_all_is_well(self, client, all_is_well):
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["problems"]) == (200, [])

    def test_red_while_no_worker_lives(self, client, all_is_well):
        Heartbeat.objects.update(seen_at=ago(minutes=6))
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["problems"][0].startswith("workers: none seen since")

    def test_red_when_a_flow_does_not_start(self, client, all_is_well):
        Flow.objects.filter(name="pull_orders").update(last_started_at=ago(hours=1))
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["problems"]) == (503, ["flow pull_orders: overdue"])

    def test_red_when_a_flow_starts_and_never_ends_well(self, client, all_is_well):
        Flow.objects.filter(name="push_orders").update(last_success_at=ago(hours=1))
        problems = client.get("/readyz").json()["problems"]
        assert problems == ["flow push_orders: has not succeeded for long; its last run says why"]

    def test_red_when_a_flow_has_never_succeeded_since_its_first_run(self, client, all_is_well):
        Flow.objects.filter(name="push_orders").update(last_success_at=None)
        assert client.get("/readyz").status_code == 200  # it has only just begun
        FlowRun.objects.create(flow="push_orders", status=RunStatus.STOPPED, started_at=ago(hours=1))
        assert client.get("/readyz").status_code == 503

    def test_a_paused_flow_is_nobodys_fault(self, client, all_is_well):
        Flow.objects.filter(name="push_orders").update(paused=True, last_started_at=ago(days=1))
        assert client.get("/readyz").status_code == 200


class TestMetrics:
    @pytest.fixture(autouse=True)
    def token(self, settings):
        settings.METRICS_TOKEN = "figures-for-prometheus"

    def read(self, client):
        answer = client.get("/metrics", headers={"Authorization": "Bearer figures-for-prometheus"})
        assert answer.status_code == 200
        lines = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _space, value in (line.rpartition(" ") for line in lines)}

    def test_are_not_there_until_a_token_is_set(self, client, settings):
        settings.METRICS_TOKEN = ""
        assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404

    @pytest.mark.parametrize("given", ["", "Bearer ", "Bearer wrong", "figures-for-prometheus", "Bearer ünwahr"])
    def test_are_only_for_who_has_the_token(self, client, given):
        assert client.get("/metrics", headers={"Authorization": given}).status_code == 401

    def test_tell_how_far_behind_each_flow_is(self, client, all_is_well):
        Flow.objects.filter(name="push_orders").update(last_success_at=ago(hours=1), last_started_at=ago(hours=1))
        found = self.read(client)
        assert found['orderbridge_flow_seconds_since_success{flow="push_orders"}'] == pytest.approx(3600, abs=30)
        assert found['orderbridge_flow_overdue{flow="push_orders"}'] == 1
        assert found['orderbridge_flow_overdue{flow="pull_orders"}'] == 0

    def test_tell_what_is_still_to_be_done_and_how_long_it_waits(self, client):
        for number in range(3):
            push = stored(raw_order(f"10{number}")).erp_push
            push.status, push.due_at = State.DUE, ago(minutes=number)
            push.save()
        found = self.read(client)
        assert found['orderbridge_deliveries{kind="erp_push",state="due"}'] == 3
        assert found['orderbridge_deliveries{kind="erp_push",state="failed"}'] == 0
        assert found['orderbridge_oldest_due_seconds{kind="erp_push"}'] == pytest.approx(120, abs=30)
        assert found['orderbridge_oldest_due_seconds{kind="invoice"}'] == 0

    def test_tell_the_vendors_latency_and_errors(self, client):
        for duration, error in ((100, ""), (300, "timeout")):
            ApiCall.objects.create(
                vendor="dsco", operation="get_orders", method="GET", path="/", started_at=ago(minutes=1),
                duration_ms=duration, error=error,
            )  # fmt: skip
        VendorStop.objects.create(vendor="dsco", reason="stock", started_by="lin", started_at=timezone.now())
        found = self.read(client)
        labels = '{operation="get_orders",vendor="dsco"}'
        assert found[f"orderbridge_vendor_calls_5m{labels}"] == 2
        assert found[f"orderbridge_vendor_errors_5m{labels}"] == 1
        assert found[f"orderbridge_vendor_seconds_mean_5m{labels}"] == pytest.approx(0.2)
        assert found['orderbridge_vendor_stopped{vendor="dsco"}'] == 1
        assert found['orderbridge_vendor_stopped{vendor="lingxing"}'] == 0

    def test_tell_how_long_a_call_waits_for_the_vendors_limit(self, client):
        RateLimit.objects.create(name="dsco:create_invoice", reserved_until=timezone.now().timestamp() + 50)
        wait = self.read(client)['orderbridge_rate_limit_wait_seconds{limit="dsco:create_invoice"}']
        assert wait == pytest.approx(50, abs=5)

    def test_tell_whether_workers_live(self, client, all_is_well):
        assert self.read(client)["orderbridge_workers_alive"] == 1
        Heartbeat.objects.update(seen_at=ago(minutes=6))
        assert self.read(client)["orderbridge_workers_alive"] == 0


class TestExamples:
    """The rules and the dashboard in docs/ name only figures that there are."""

    @pytest.mark.parametrize("name", ["monitoring/alerts.yml", "monitoring/dashboard.json", "monitoring.md"])
    def test_every_figure_they_name_exists(self, client, settings, all_is_well, name):
        settings.METRICS_TOKEN = "t"
        answer = client.get("/metrics", headers={"Authorization": "Bearer t"}).content.decode()
        known = set(re.findall(r"^# TYPE (\S+) gauge", answer, re.MULTILINE))
        named = set(re.findall(r"orderbridge_\w+", (DOCS / name).read_text())) - {"orderbridge_token"}
        assert named
        assert named <= known

    def test_the_documentation_tells_of_every_figure(self, client, settings, all_is_well):
        settings.METRICS_TOKEN = "t"
        answer = client.get("/metrics", headers={"Authorization": "Bearer t"}).content.decode()
        text = (DOCS / "monitoring.md").read_text()
        for figure in re.findall(r"^# TYPE orderbridge_(\S+) gauge", answer, re.MULTILINE):
            assert any(figure.endswith(word) for word in re.findall(r"`(?:orderbridge_|…_)(\w+)`", text)), figure


class TestLogs:
    def test_a_run_ends_with_its_counts_and_an_order_that_needs_people_is_named(self, world, clock):
        from structlog.testing import capture_logs

        from integrations.flows import run_flow

        order = world.dsco.add_order(lines=[{"sku": "NOT-MAPPED", "quantity": 1}])
        clock.advance(15)
        with capture_logs() as lines:
            run_flow("pull_orders")
            run_flow("push_orders")
        ended = [line for line in lines if line["event"] == "flow_ended"]
        assert [(line["flow"], line["status"]) for line in ended] == [
            ("pull_orders", "succeeded"),
            ("push_orders", "succeeded"),
        ]
        assert ended[0]["count_pulled"] == 1
        assert [line["delivery"] for line in lines if line["event"] == "delivery_needs_people"] == [
            f"erp_push:{order['dscoOrderId']}"
        ]
