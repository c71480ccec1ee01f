"""The same write sent by several at the same moment: carried out once, and all get the same answer."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from orders.models import OrderEvent
from tests.staff.packages.world import make_order

from .conftest import Caller, caller_for

pytestmark = pytest.mark.django_db(transaction=True)


def test_equal_writes_at_once_have_one_effect_and_one_answer(transactional_db: None) -> None:
    order = make_order().order
    secret = caller_for(User.objects.create_superuser("boss")).secret
    start, answers = threading.Barrier(4), []

    def write() -> None:
        caller = Caller(secret)
        start.wait(10)
        try:
            answers.append(caller.post(f"orders/{order.dsco_order_id}/comments/", {"text": "called"}, key="one"))
        finally:
            connection.close()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 3
    assert OrderEvent.objects.count() == 1


def test_two_keys_for_the_same_hold_at_once_hold_it_once(transactional_db: None) -> None:
    order = make_order().order
    secret = caller_for(User.objects.create_superuser("boss")).secret
    start, answers = threading.Barrier(2), []

    def write() -> None:
        caller: Any = Caller(secret)
        start.wait(10)
        try:
            answers.append(caller.post(f"orders/{order.dsco_order_id}/hold/", {"reason": "clarify"}).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(answers) == [200, 409]
    assert OrderEvent.objects.filter(kind="hold").count() == 1
