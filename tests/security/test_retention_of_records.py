"""Tables that would only ever grow are kept short: bulk runs, shadow calls, differences, comparisons, log-ins."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.sessions.models import Session
from django.utils import timezone

from integrations import retention
from integrations.models import BulkRow, BulkRun, ShadowCall
from integrations.retention import tidy
from orders.models import Discrepancy, Reconciliation

pytestmark = pytest.mark.django_db


def test_old_records_go_in_small_batches_and_what_is_needed_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    now = timezone.now()
    old, young = now - timedelta(days=500), now - timedelta(days=1)
    for finished in (old, young, None):
        run = BulkRun.objects.create(action="retry", subject="erp_push", finished_at=finished)
        BulkRow.objects.bulk_create(BulkRow(run=run, object_id=number, label="x") for number in range(5))
    for number, made in enumerate((old, young)):
        ShadowCall.objects.create(kind="erp_push", delivery_id=number, key=str(number), vendor="dsco", made_at=made)
    seen: dict[str, Any] = {"source": "dsco_orders", "kind": "missing_here", "fingerprint": "f", "first_seen_at": old,
                            "last_seen_at": old}  # fmt: skip
    Discrepancy.objects.create(**seen, code="a", subject="1", closed_at=old)
    Discrepancy.objects.create(**seen, code="a", subject="2", closed_at=old, accepted=True)
    Discrepancy.objects.create(**seen, code="a", subject="3")
    for days in (900, 700, 600):
        moment = now - timedelta(days=days)
        Reconciliation.objects.create(requested_at=moment, since=moment, until=moment, finished_at=moment)
    Session.objects.create(session_key="over", expire_date=now - timedelta(days=8))
    Session.objects.create(session_key="alive", expire_date=now + timedelta(hours=1))
    AccessAttempt.objects.create(username="mei", user_agent="x", failures_since_start=1)
    AccessAttempt.objects.update(attempt_time=now - timedelta(days=8))

    done = tidy(now, budget_seconds=60)

    assert done["bulk_rows_deleted"] == 6
    assert set(BulkRun.objects.values_list("finished_at", flat=True)) == {young, None}
    assert BulkRow.objects.count() == 10
    assert ShadowCall.objects.get().made_at == young
    assert set(Discrepancy.objects.values_list("subject", flat=True)) == {"2", "3"}
    assert Reconciliation.objects.get().until == now - timedelta(days=600)
    assert Session.objects.get().session_key == "alive"
    assert not AccessAttempt.objects.exists()
