"""Live progress: what a run has counted so far, in the list and on the flow's page, without a reload."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from integrations.flows import context as flow_context
from integrations.flows import run_flow
from integrations.flows.pausing import pause, resume
from integrations.flows.schedules import ensure_schedules
from integrations.models import ApiCall, Attempt, Flow, FlowRun
from orders.models import ErpPush

PROGRESS = "/admin/integrations/flow/progress/"
RUNS = "/admin/integrations/flowrun/"


@pytest.fixture
def running(db: None) -> Flow:
    """push_orders runs since 42 seconds and has counted."""
    ensure_schedules()
    now = timezone.now()
    Flow.objects.update(last_started_at=now, last_success_at=now)
    Flow.objects.filter(name="push_orders").update(
        lease_token="x", lease_holder="office:1", lease_until=now + timedelta(minutes=1)
    )
    FlowRun.objects.create(
        flow="push_orders", status="running", trigger="schedule", started_at=now - timedelta(seconds=42),
        counts={"released": 3, "succeeded": 17},
    )  # fmt: skip
    return Flow.objects.get(name="push_orders")


def test_the_figures_say_what_runs_and_how_far_it_is(running: Flow, in_role: Any) -> None:
    figures = in_role("viewer").get(PROGRESS).json()
    assert figures["push_orders.state"] == "Running"
    assert figures["push_orders.tone"] == "info"
    assert figures["push_orders.counts"] == "for 42 seconds so far · released 3 · succeeded 17"
    assert figures["report_invoices.state"] == "OK"


def test_list_and_page_ask_for_them(running: Flow, browser: Any) -> None:
    for address in ("/admin/integrations/flow/", f"/admin/integrations/flow/{running.pk}/change/"):
        text = browser.get(address).content.decode()
        assert f'data-progress="{PROGRESS}"' in text
        assert 'data-show="push_orders.counts"' in text
        assert re.search(r"for 4\d seconds so far", text)
        assert "orderbridge/progress.js" in text


def test_only_who_may_see_flows(running: Flow, client: Any) -> None:
    from tests.staff.people import as_user, staff

    assert as_user(staff("nobody")).get(PROGRESS).status_code == 403
    assert client.get(PROGRESS).status_code == 302


def test_asking_is_cheap(running: Flow, browser: Any, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(8):
        browser.get(PROGRESS)


def test_a_run_writes_what_it_has_counted_so_far(world: Any, clock: Any, settings: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(flow_context, "PROGRESS_SECONDS", 0.0)
    settings.PUSH_BATCH_SIZE, settings.HTTP_THREADS = 1, 1
    world.dsco.add_orders(5)
    clock.advance(15)
    run_flow("pull_orders")
    seen = []
    original = flow_context.FlowContext.save_progress

    def watched(self: Any) -> None:
        original(self)
        seen.append(FlowRun.objects.get(pk=self.run.pk).counts.get("succeeded", 0))

    monkeypatch.setattr(flow_context.FlowContext, "save_progress", watched)
    run_flow("push_orders")
    assert seen == sorted(seen)
    # What has ended meanwhile is recorded together: how many at a time is the machine's pace.
    assert seen[-1] == 5
    assert any(0 < number < 5 for number in seen)


def test_it_writes_at_most_every_couple_of_seconds(world: Any, clock: Any, monkeypatch: Any) -> None:
    world.dsco.add_orders(5)
    clock.advance(15)
    run_flow("pull_orders")
    written = []
    monkeypatch.setattr(flow_context.FlowContext, "save_progress", lambda self: written.append(1))
    run_flow("push_orders")
    assert not written


class TestHistory:
    @pytest.fixture
    def runs(self, orders: list[Any]) -> list[FlowRun]:
        FlowRun.objects.all().delete()
        Attempt.objects.all().delete()
        now = timezone.now()
        facts: list[dict[str, Any]] = [
            {"status": "succeeded", "counts": {"succeeded": 2}},
            {"status": "succeeded", "counts": {"failed": 1, "succeeded": 2}},
            {"status": "stopped", "error": "dsco get: [http_503] busy", "error_code": "http_503"},
            {"status": "succeeded", "counts": {"succeeded": 1}, "orders_asked": 7},
        ]
        return [
            FlowRun.objects.create(
                flow="push_orders", trigger="schedule", started_at=now - timedelta(minutes=10 * place),
                finished_at=now - timedelta(minutes=10 * place - 1), **each,
            )
            for place, each in enumerate(facts, start=1)
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("?flow=push_orders", [0, 1, 2, 3]),
            ("?flow=report_invoices", []),
            ("?trouble=run", [2]),
            ("?trouble=deliveries", [1]),
            ("?scope=some", [3]),
            ("?scope=all", [0, 1, 2]),
            ("?status__exact=stopped", [2]),
        ],
    )
    def test_filters(self, runs: list[FlowRun], browser: Any, query: str, found: list[int]) -> None:
        answer = browser.get(f"{RUNS}{query}")
        assert {row.pk for row in answer.context["cl"].result_list} == {runs[place].pk for place in found}

    def test_a_flow_leads_to_its_runs(self, runs: list[FlowRun], browser: Any) -> None:
        flow = Flow.objects.get_or_create(name="push_orders")[0]
        assert f"{RUNS}?flow=push_orders" in browser.get(f"/admin/integrations/flow/{flow.pk}/change/").content.decode()

    def test_a_run_leads_to_what_went_wrong_in_it(self, runs: list[FlowRun], browser: Any) -> None:
        run, push = runs[1], ErpPush.objects.order_by("pk")[3]
        for minutes, kind, outcome, action in (
            (0.5, "erp_push", "failed", "send"),
            (0.5, "invoice", "failed", "send"),
            (0.5, "erp_push", "succeeded", "send"),
            (0.5, "erp_push", "failed", "staff"),
            (5, "erp_push", "failed", "send"),
        ):
            Attempt.objects.create(
                kind=kind, delivery_id=push.pk, action=action, outcome=outcome, message=f"{kind} {outcome} {action}",
                started_at=run.started_at + timedelta(minutes=minutes),
            )  # fmt: skip
        text = browser.get(f"{RUNS}{run.pk}/change/").content.decode()
        assert text.count("erp_push failed send") == 1
        assert "invoice failed" not in text
        assert "failed staff" not in text
        assert f"/admin/orders/erppush/{push.pk}/change/" in text
        assert not ApiCall.objects.filter(flow_run=run).exists()


def test_the_bookmark_of_a_flow_is_told_in_words(browser: Any) -> None:
    flow = Flow.objects.create(
        name="pull_orders", interval_seconds=60, cursor={"updated_until": "2026-03-01T08:00:00+00:00", "look_begun": ""}
    )
    page = browser.get(f"/admin/integrations/flow/{flow.pk}/change/").text
    assert "Changes at DSCO are read until: <time" in page
    assert "updated_until" not in page
    assert "look_begun" not in page


@pytest.mark.django_db(transaction=True)
def test_a_pause_is_asked_and_shown_in_words_and_stands_on_the_next_page(boss: Any, browser: Any) -> None:
    cache.clear()
    ensure_schedules()
    now = timezone.now()
    Flow.objects.update(last_started_at=now, last_success_at=now)
    flow = Flow.objects.get(name="sync_inventory")
    flows = "/admin/integrations/flow/"
    browser.cookies["django_language"] = "zh-hans"
    assert "流程已暂停" not in browser.get(flows).content.decode()  # how things stand is remembered for some seconds
    asked = browser.post(flows, {"action": "pause", "_selected_action": flow.pk})
    assert "<li>同步库存</li>" in asked.content.decode()
    pause([flow], "stock-taking", boss)
    assert "1 个流程已暂停" in browser.get(flows).content.decode()
    resume([flow], boss)
    assert "流程已暂停" not in browser.get(flows).content.decode()
