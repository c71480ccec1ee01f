"""Two comparisons, or a comparison and a person, at the same differences: each keeps the one order of locks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection  # noqa: F401 (the condition of ONLY_POSTGRESQL)
from django.utils import timezone

from orders.models import Discrepancy, Source
from orders.reconciling.findings import Compared, Difference, accept, close, keep, note_mended
from tests.at_once import together, waiting_for_us

SUBJECTS = [f"SKU-{number:02}" for number in range(20)]
ONLY_POSTGRESQL = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")
pytestmark = pytest.mark.django_db(transaction=True)


def compare(subjects: list[str]) -> None:
    found = [Difference("stock_differs", subject) for subject in subjects]
    keep(Compared(Source.DSCO_STOCK, subjects=set(subjects), differences=found), timezone.now())


def stored_backwards() -> list[int]:
    """Differences that the database finds in another order than that of their keys; return the keys, lowest first."""
    compare(SUBJECTS)
    ids = list(Discrepancy.objects.order_by("pk").values_list("pk", flat=True))
    for pk in reversed(ids):
        Discrepancy.objects.filter(pk=pk).update(result="seen")
    return ids


@ONLY_POSTGRESQL
@pytest.mark.parametrize(
    "work",
    [
        lambda rows: compare(SUBJECTS),
        lambda rows: close(rows, timezone.now()),
        lambda rows: accept(rows, "mei", "Known.", timezone.now()),
        lambda rows: note_mended(rows, "mei", "done", timezone.now()),
    ],
    ids=["compare", "close", "accept", "mend"],
)
def test_differences_are_locked_lowest_key_first(work: Callable[..., object]) -> None:
    ids = stored_backwards()
    rows = Discrepancy.objects.all()
    with waiting_for_us(lambda: work(rows), lambda: rows.select_for_update().get(pk=ids[0])):
        free = rows.select_for_update(skip_locked=True).values_list("pk", flat=True)
        assert sorted(free) == ids


@ONLY_POSTGRESQL
def test_new_differences_are_stored_in_one_order_whatever_order_they_were_found_in() -> None:
    first, last = SUBJECTS[0], SUBJECTS[-1]
    with waiting_for_us(lambda: compare([last, first]), lambda: compare([first])):
        compare([last])  # a deadlock, had the other comparison stored it before it waited
    assert list(Discrepancy.objects.order_by("subject").values_list("subject", flat=True)) == [first, last]


def test_comparisons_and_people_at_the_same_differences_all_come_to_an_end() -> None:
    compare(SUBJECTS)

    def comparison(subjects: list[str]) -> None:
        for _time in range(10):
            compare(subjects)

    def person() -> None:
        for _time in range(10):
            accept(Discrepancy.objects.order_by("-pk"), "mei", "Known.", timezone.now())

    together(lambda: comparison(SUBJECTS), lambda: comparison(SUBJECTS[::-1]), person)
    open_subjects = Discrepancy.objects.filter(closed_at=None).values_list("subject", flat=True)
    assert len(open_subjects) == len(set(open_subjects))
