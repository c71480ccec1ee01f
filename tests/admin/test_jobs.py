"""The technical pages of background jobs say in words what runs, how often, and how it ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule, Success
from django_q.tasks import async_task

from config.jobs_admin import JOBS, how_often, job_label
from integrations.flows import flow_definitions
from integrations.flows.schedules import TASK, ensure_schedules

pytestmark = pytest.mark.django_db


def list_text(browser: Any, model: Any, language: str = "en") -> str:
    browser.cookies["django_language"] = language
    text: str = browser.get(reverse(f"admin:django_q_{model._meta.model_name}_changelist")).text
    return text[text.index('id="result_list"') :]


def test_the_clock_is_shown_in_words(browser: Any) -> None:
    ensure_schedules()
    text = list_text(browser, Schedule)
    for definition in flow_definitions():
        assert str(definition.label) in text
        assert definition.name not in text
    assert "Read LingXing&#x27;s lists" in text
    assert "integrations.tasks" not in text
    assert "every day at" in text
    assert "* * *" not in text


def test_the_clock_is_shown_in_chinese(browser: Any) -> None:
    ensure_schedules()
    text = list_text(browser, Schedule, "zh-hans")
    assert "拉取订单" in text
    assert "发送告警" in text
    assert "每 1 分钟" in text


@pytest.mark.parametrize(
    ("rhythm", "words"),
    [
        ({"schedule_type": Schedule.MINUTES, "minutes": 2}, "every 2 minutes"),
        ({"schedule_type": Schedule.CRON, "cron": "* * * * * */5"}, "every 5 seconds"),
        ({"schedule_type": Schedule.CRON, "cron": "30 2 * * *"}, "every day at 02:30"),
        ({"schedule_type": Schedule.CRON, "cron": "0 8 * * 1"}, "0 8 * * 1"),
        ({"schedule_type": Schedule.HOURLY}, "every 1 hour"),
        ({"schedule_type": Schedule.ONCE}, "Once"),
    ],
)
def test_a_rhythm_in_words(rhythm: dict[str, Any], words: str) -> None:
    assert how_often(Schedule(**rhythm)) == words


def test_every_job_that_the_clock_starts_has_a_name_for_staff() -> None:
    ensure_schedules()
    for schedule in Schedule.objects.all():
        assert job_label(schedule.func, schedule.args) not in (schedule.func, schedule.name)
    assert TASK not in JOBS


def test_what_is_handed_to_the_workers_is_called_by_the_flow(browser: Any) -> None:
    async_task(TASK, "push_orders", "mei", task_name="mei: push_orders")
    text = list_text(browser, OrmQ)
    assert "Push orders" in text
    assert "waits for a worker" in text
    OrmQ.objects.update(lock=timezone.now() + timedelta(minutes=30))
    assert "taken by a worker" in list_text(browser, OrmQ)


@pytest.mark.parametrize("model", [Success, Failure])
def test_what_ran_says_how_long_and_how_it_ended(model: Any, browser: Any) -> None:
    now = timezone.now()
    task = model.objects.create(
        id="7" * 32, name="mei: push_orders", func=TASK, args=("push_orders", "mei"), success=model is Success,
        started=now - timedelta(seconds=90), stopped=now, result="Traceback …\nValueError: no such thing",
    )  # fmt: skip
    text = list_text(browser, model)
    for words in ("Push orders", "1 minute", "ValueError: no such thing"):
        assert words in text
    page = browser.get(reverse(f"admin:django_q_{model._meta.model_name}_change", args=[task.pk])).text
    assert "Traceback …" in page
    assert TASK in page


def test_how_a_flow_ended_is_said_in_the_readers_language(browser: Any) -> None:
    now = timezone.now()
    Success.objects.create(
        id="f" * 32, name="flow", func=TASK, args=("pull_orders",), started=now, stopped=now,
        success=True, result="succeeded",
    )  # fmt: skip
    text = list_text(browser, Success, "zh-hans")
    assert "成功" in text
    assert "succeeded" not in text


@pytest.mark.parametrize("result", ["fresh", "stopping"])
def test_a_flow_that_did_not_run_says_why(result: str, browser: Any) -> None:
    now = timezone.now()
    Success.objects.create(
        id="e" * 32, name="flow", func=TASK, args=("pull_orders",), started=now, stopped=now,
        success=True, result=result,
    )  # fmt: skip
    text = list_text(browser, Success)
    assert result not in text
    assert "moment before" in text or "about to stop" in text
