"""Several processes at the same orders: nobody waits for somebody who waits for him, and nothing is made twice."""

from __future__ import annotations

import pytest
from django.db import connection  # noqa: F401 (the condition of skipif)
from django.utils import timezone

from integrations.deliveries import outcomes, staff
from integrations.deliveries.claims import Result, claim, record
from integrations.deliveries.kinds import delivery_kinds
from integrations.deliveries.releases import release_as_read
from integrations.models import AttemptAction
from orders.flows.apply_cancellations import _decide
from orders.models import Cancellation, ErpPush, Order
from orders.rebuilding import derive
from orders.staff_cancellations import CannotCancel, cancel_lines
from tests.at_once import together, waiting_for_us

from .factories import later, raw_line, raw_order, store, stored

pytestmark = pytest.mark.django_db(transaction=True)


class Context:
    """What deciding needs of a flow's context."""

    now = property(lambda _self: timezone.now())

    def count(self, *_what):
        """Nobody asks."""

    release = count


def test_a_cancellation_that_two_begin_at_once_is_one():
    raws = [raw_order() for _number in range(20)]
    store(*raws)
    store(*(later(raw, cancelRequested=True) for raw in raws))
    ids = list(Order.objects.order_by("pk").values_list("pk", flat=True))

    def by_staff():
        for pk in ids:
            try:
                cancel_lines(pk, {0: 1}, "CXSN", "", "mei")
            except CannotCancel:
                continue

    together(lambda: _decide(Context(), ids), lambda: _decide(Context(), ids), by_staff)
    assert sorted(Cancellation.objects.values_list("order", "action")) == [(pk, "dsco") for pk in ids]


def test_a_pull_an_engine_and_a_person_at_the_same_orders_do_not_block_each_other():
    raws = [raw_order(lineItems=[raw_line(1)]) for _number in range(30)]
    store(*raws)
    kind = delivery_kinds()["erp_push"]
    now = timezone.now()
    claimed = claim(kind, token="t", lease=timezone.timedelta(60), due_before=now, now=now, limit=100)
    rows = claimed.by_action[AttemptAction.SEND]
    assert len(rows) == 30

    def pull():
        for times in range(1, 6):
            newer = raws
            for _again in range(times):
                newer = [later(raw) for raw in newer]
            store(*(raw | {"cancelRequested": bool(times % 2)} for raw in newer))

    def engine():
        for row in reversed(rows):
            result = Result(row, outcomes.rejected("no", "No."), AttemptAction.SEND, now)
            record(kind, [result], token="t", now=timezone.now(), run_id=None)

    def person():
        for _times in range(5):
            staff.skip("erp_push", [row.pk for row in rows], "mei", "no")
            staff.retry("erp_push", [row.pk for row in reversed(rows)], "mei")

    def canceller():
        for _times in range(3):
            _decide(Context(), sorted(row.order_id for row in rows))

    together(pull, engine, person, canceller)
    assert not ErpPush.objects.filter(status="in_progress").exists()


def test_what_a_person_skipped_meanwhile_is_not_released():
    store(raw_order())
    ErpPush.objects.update(status="needs_attention", reason_code="unmapped_sku", due_at=None)
    read = list(ErpPush.objects.all())
    staff.skip("erp_push", [read[0].pk], "mei", "not ours")
    assert release_as_read(read, timezone.now()) == 0
    assert ErpPush.objects.get().status == "skipped"


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")
def test_a_rebuild_beside_a_pull_derives_what_the_pull_has_stored():
    """Under an emergency stop the pull goes on while the books are rebuilt."""
    raw = raw_order(lineItems=[raw_line(1)])
    order = stored(raw)
    newer = later(raw, lineItems=[raw_line(1, cancelledQuantity=1)])
    with waiting_for_us(lambda: derive([order.pk], timezone.now()), lambda: store(newer)):
        pass
    assert order.lines.get().cancelled_quantity == 1
