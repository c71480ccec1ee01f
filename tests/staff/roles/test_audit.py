"""Whatever a person does stands in the audit trail, with who and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.utils import timezone

from config.audit import Wanted, entries
from integrations.deliveries import staff
from integrations.models import Attempt, Flow, FlowRun, VendorStop
from orders.models import ErpPush, EventKind, Order, OrderEvent
from tests.admin.seed import seed

PAGE = "/admin/audit/"


@pytest.fixture
def mei(db: None) -> User:
    user = User.objects.create_user("mei", is_staff=True)
    user.groups.add(Group.objects.get(name="administrator"))
    return user


@pytest.fixture
def browser(mei: User) -> Client:
    client = Client()
    client.force_login(mei)
    return client


@pytest.fixture
def order(db: None) -> Order:
    return seed(6)[0]


def test_every_source_is_told(order: Order, browser: Client, mei: User) -> None:
    push = ErpPush.objects.filter(status="needs_attention").first()
    assert push is not None
    staff.skip("erp_push", [push.pk], "mei", "ordered by phone")
    OrderEvent.objects.create(order=order, kind=EventKind.COMMENT, at=timezone.now(), text="called them", actor="mei")
    OrderEvent.objects.create(order=order, kind=EventKind.REMOTE, at=timezone.now(), text="machine", actor="")
    FlowRun.objects.create(flow="push_orders", trigger="mei", started_at=timezone.now())
    FlowRun.objects.create(flow="push_orders", trigger="schedule", started_at=timezone.now(), error="not told")
    VendorStop.objects.create(vendor="dsco", reason="wrong prices", started_by="mei", started_at=timezone.now())
    browser.post("/admin/inventory/skumapping/add/", {"dsco_sku": "NEW", "erp_sku": "LX-NEW", "stock_buffer": "0"})
    flow = Flow.objects.get(name="push_orders")
    pause = {
        "action": "pause",
        "index": "0",
        "_selected_action": str(flow.pk),
        "confirmed": "1",
        "reason": "stocktaking",
    }
    browser.post("/admin/integrations/flow/", pause)

    told = entries(Wanted(person="mei"))

    details = " | ".join(f"{entry.what} {entry.subject} {entry.detail}" for entry in told)
    for expected in ("ordered by phone", "called them", "wrong prices", "NEW", "stocktaking", "Flow started"):
        assert expected in details
    assert "machine" not in details
    assert "not told" not in details
    assert {entry.who for entry in told} == {"mei"}
    assert sum("NEW" in entry.subject for entry in told) == 1, "the admin's log and the history are one thing"
    assert [entry.at for entry in told] == sorted((entry.at for entry in told), reverse=True)


def test_imports_are_told_from_the_history(order: Order, mei: User) -> None:
    from inventory.models import SkuMapping

    row = SkuMapping(dsco_sku="FILE", erp_sku="LX-FILE")
    row._history_user, row._change_reason = mei, "import"
    row.save()
    assert any("FILE" in entry.subject and entry.detail == "Import" for entry in entries(Wanted(person="mei")))


def test_the_page_is_filtered_by_person_and_day(order: Order, browser: Client) -> None:
    _comment(order, "mei", "today's words", timezone.now())
    _comment(order, "li", "li's words", timezone.now())
    _comment(order, "mei", "old words", datetime(2026, 3, 4, 10, tzinfo=UTC))
    User.objects.create_user("li", is_staff=True)

    everything = browser.get(PAGE).content.decode()
    assert all(words in everything for words in ("today&#x27;s words", "li&#x27;s words", "old words"))
    mine = browser.get(PAGE, {"person": "mei"}).content.decode()
    assert "old words" in mine
    assert "li&#x27;s words" not in mine
    that_day = browser.get(PAGE, {"day": "2026-03-04"}).content.decode()
    assert "old words" in that_day
    assert "today&#x27;s words" not in that_day


def test_a_day_is_the_readers_day(order: Order, browser: Client, mei: User) -> None:
    from integrations.models import StaffPreference

    StaffPreference.objects.create(user=mei, time_zone="America/Los_Angeles")
    _comment(order, "mei", "in the evening", datetime(2026, 3, 5, 3, tzinfo=UTC))
    assert "in the evening" in browser.get(PAGE, {"day": "2026-03-04"}).content.decode()
    assert "in the evening" not in browser.get(PAGE, {"day": "2026-03-05"}).content.decode()


def test_long_trails_are_paged_without_losing_what_happened_at_one_moment(order: Order, browser: Client) -> None:
    now = timezone.now()
    rows = [
        Attempt(kind="erp_push", delivery_id=7, action="staff", started_at=now, outcome="due", message=f"row {n:03}.",
                actor="mei")
        for n in range(150)
    ]  # fmt: skip
    Attempt.objects.bulk_create(rows)
    first = browser.get(PAGE, {"person": "mei"})
    second = browser.get(PAGE, {"person": "mei", "page": "2"})
    shown = first.content.decode() + second.content.decode()
    assert all(f"row {n:03}." in shown for n in range(150))
    assert "page=2" in first.content.decode()
    assert "page=1" in second.content.decode()


@pytest.mark.parametrize("query", [{"day": "yesterday"}, {"person": "nobody"}, {"page": "-3"}, {"page": "²"}])
def test_bad_filters_break_nothing(query: dict[str, str], browser: Client) -> None:
    assert browser.get(PAGE, query).status_code == 200


def test_the_page_is_for_staff_with_the_permission_and_read_only(browser: Client, db: None) -> None:
    stranger = Client()
    assert stranger.get(PAGE).status_code == 302
    stranger.force_login(User.objects.create_user("clerk", is_staff=True))
    assert stranger.get(PAGE).status_code == 403
    assert browser.post(PAGE).status_code == 405


def test_the_page_costs_the_same_however_long_the_trail(
    order: Order, browser: Client, django_assert_max_num_queries: Any
) -> None:
    for n in range(40):
        _comment(order, "mei", f"word {n}", timezone.now() - timedelta(minutes=n))
    with django_assert_max_num_queries(32):
        browser.get(PAGE)


def _comment(order: Order, actor: str, text: str, at: datetime) -> None:
    OrderEvent.objects.create(order=order, kind=EventKind.COMMENT, at=at, text=text, actor=actor)


def test_a_rows_own_history_begins_with_what_was_done_last(order: Order, browser: Client, mei: User) -> None:
    flow = Flow.objects.get(name="push_orders")
    address = f"/admin/integrations/flow/{flow.pk}/history/"
    assert "Nobody has changed it on these pages yet." in browser.get(address).content.decode()
    begun = datetime(2026, 3, 2, 8, tzinfo=UTC)
    LogEntry.objects.bulk_create(
        LogEntry(
            user=mei, content_type=ContentType.objects.get_for_model(flow), object_id=str(flow.pk), object_repr="push",
            action_flag=CHANGE, change_message=f"number {number}", action_time=begun + timedelta(minutes=number),
        )
        for number in range(103)
    )  # fmt: skip
    first, second = browser.get(address).content.decode(), browser.get(f"{address}?p=2").content.decode()
    assert first.index("number 102") < first.index("number 101") < first.index("number 3<")
    assert "number 2<" not in first
    assert 'rel="next">Older' in first
    assert second.index("number 2<") < second.index("number 0<") < second.index('rel="prev">Newer')
