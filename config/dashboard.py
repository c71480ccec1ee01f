"""What the start page shows, worked out for one user from figures that all users share.

The figures hold numbers and codes only and are at most FRESH seconds old; the words are put to them here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from integrations import inbox
from integrations.admin.records import list_address
from integrations.models import Cause
from integrations.recent import recent
from inventory.figures import StockFigures, stock_figures
from orders import deadlines, figures
from orders.deadlines import DEADLINES, Range
from orders.models import Order, Stage
from orders.reconciling.figures import DifferenceFigures, difference_figures

FRESH = 15.0
# Finished days do not change any more.
FINISHED_DAYS = 3600.0
WEEK = 7
MOST_CAUSES = 8


@dataclass(slots=True)
class Step:
    """One step of the funnel: how many of today's orders have reached it, how many of all were done today."""

    title: str
    number: int
    address: str
    percent: int
    done: int | None = None
    done_address: str = ""


def day_start(day_offset: int = 0) -> datetime:
    """Return the midnight at which today (plus some days) began, in the current time zone."""
    day = timezone.localdate() + timedelta(days=day_offset)
    return timezone.make_aware(datetime.combine(day, time.min))


# --- Today ---------------------------------------------------------------------------------------------


def _today() -> tuple[dict[str, int], dict[str, int]]:
    """Return today's orders by stage, and what was done today by kind."""
    start = day_start()
    return recent(
        f"funnel:{start.timestamp()}", FRESH, lambda: (figures.stages_since(start), figures.done_since(start))
    )


def funnel() -> list[Step]:
    """Return today's orders by what they have reached."""
    stages, done = _today()
    total = sum(stages.values())
    steps = [Step(_("Pulled"), total, list_address(Order, seen="today"), 100 if total else 0)]
    for (stage, reached), step in zip(figures.FUNNEL, figures.STEPS, strict=True):
        number = sum(stages.get(one, 0) for one in reached)
        address = list_address(Order, seen="today", stage__exact=[str(one) for one in reached])
        percent = round(100 * number / total) if total else 0
        steps.append(
            Step(str(stage.label), number, address, percent, done[step.KIND], list_address(step, succeeded="today"))
        )
    return steps


def left_the_way() -> list[dict[str, Any]]:
    """Return today's orders that will not go the way: cancelled, closed elsewhere."""
    stages = _today()[0]
    return [
        {"title": stage.label, "number": stages[stage],
         "address": list_address(Order, seen="today", stage__exact=str(stage))}
        for stage in (Stage.CANCELLED, Stage.CLOSED) if stages.get(stage)
    ]  # fmt: skip


# --- What needs a person -----------------------------------------------------------------------------------


@dataclass(slots=True)
class Causes:
    """The newest open causes, and how many there are."""

    newest: list[Cause]
    number: int


def open_causes() -> Causes:
    """Return the causes that need a person, newest first: two queries at most."""

    def work_out() -> Causes:
        rows = inbox.causes_in(inbox.OPEN, timezone.now())
        newest = list(rows[:MOST_CAUSES])
        return Causes(newest, rows.count() if len(newest) == MOST_CAUSES else len(newest))

    return recent("causes", FRESH, work_out)


# --- Deadlines -----------------------------------------------------------------------------------------


def deadline_rows() -> list[dict[str, Any]]:
    """Return the deadlines with how many orders are late, due in 4 hours and due today, each with its list."""
    now = timezone.now()
    found = recent(f"deadlines:{day_start().timestamp()}", FRESH, lambda: deadlines.counts(now))
    return [
        {
            "title": deadline.label,
            "cells": [
                {"number": found[deadline.name][reach], "reach": reach.value,
                 "address": list_address(Order, due=f"{deadline.name}:{reach.value}")}
                for reach in Range
            ],
        }
        for deadline in DEADLINES
    ]  # fmt: skip


def late_orders(rows: Iterable[dict[str, Any]]) -> int:
    """Return how many deadlines are missed."""
    return sum(cell["number"] for row in rows for cell in row["cells"] if cell["reach"] == Range.LATE)


# --- Stock ---------------------------------------------------------------------------------------------


def stock() -> StockFigures:
    """Return how DSCO's stock differs from what it should be."""
    return recent("stock", FRESH, stock_figures)


# --- Differences ---------------------------------------------------------------------------------------


def differences() -> DifferenceFigures:
    """Return what differs from the vendors."""
    return recent("differences", FRESH, difference_figures)


# --- The week ------------------------------------------------------------------------------------------


def week() -> dict[str, Any]:
    """Return orders and failures of the last seven days, as a table and as a chart's data."""
    spans = [(day_start(-back), day_start(1 - back)) for back in range(WEEK - 1, -1, -1)]
    orders, failures = _week_numbers(spans)
    rows = [
        {"day": _day_name(start), "orders": ordered, "failures": failed}
        for (start, _end), ordered, failed in zip(spans, orders, failures, strict=True)
    ]
    return {"rows": rows, "chart": _chart(rows), "options": CHART_OPTIONS, "empty": not any(orders + failures)}


def _week_numbers(spans: list[tuple[datetime, datetime]]) -> tuple[list[int], list[int]]:
    """Read the six finished days seldom, today often."""
    finished, today = spans[:-1], spans[-1:]
    start = today[0][0].timestamp()
    before = recent(
        f"week:{start}", FINISHED_DAYS, lambda: (figures.orders_per_day(finished), figures.failures_per_day(finished))
    )
    now = recent(f"day:{start}", FRESH, lambda: (figures.orders_per_day(today), figures.failures_per_day(today)))
    return before[0] + now[0], before[1] + now[1]


def _day_name(start: datetime) -> str:
    return date_format(timezone.localtime(start), "D m-d")


def _chart(rows: list[dict[str, Any]]) -> str:
    datasets = [
        {"type": "bar", "label": _("Orders"), "data": [row["orders"] for row in rows], "yAxisID": "y",
         "backgroundColor": "var(--color-primary-500)", "order": 2},
        {"type": "line", "label": _("Failures"), "data": [row["failures"] for row in rows], "yAxisID": "failures",
         "borderColor": "#dc2626", "backgroundColor": "#dc2626", "order": 1},
    ]  # fmt: skip
    return json.dumps({"labels": [row["day"] for row in rows], "datasets": datasets}, ensure_ascii=False)


_TICKS = {"color": "#9ca3af", "precision": 0}
CHART_OPTIONS = json.dumps({
    "animation": False, "responsive": True, "maintainAspectRatio": False, "maxBarThickness": 28,
    "interaction": {"mode": "index", "intersect": False},
    "datasets": {"line": {"borderWidth": 2, "pointRadius": 3}, "bar": {"borderRadius": 4}},
    "plugins": {"legend": {"display": True, "align": "end", "labels": {
        "color": "#9ca3af", "usePointStyle": True, "boxWidth": 6, "boxHeight": 6}}},
    "scales": {
        "x": {"grid": {"display": False}, "ticks": {"color": "#9ca3af"}},
        "y": {"beginAtZero": True, "grid": {"tickWidth": 0}, "border": {"display": False}, "ticks": _TICKS},
        "failures": {"beginAtZero": True, "position": "right", "grid": {"display": False}, "ticks": _TICKS,
                     "border": {"display": False}, "suggestedMax": 4},
    },
})  # fmt: skip
