"""The world in which orders travel from end to end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.sandbox.sandbox import Sandbox
from orders.models import Reconciliation
from orders.reconciling.facts import grace


@pytest.fixture
def world(world: Sandbox) -> Sandbox:
    """In business since yesterday, with last night compared: the first pass looks at minutes, not at an empty day."""
    until = (timezone.now() - grace()).replace(microsecond=0)
    Reconciliation.objects.create(
        since=until - timedelta(days=1), until=until, requested_at=until, started_at=until, finished_at=until
    )
    return world
