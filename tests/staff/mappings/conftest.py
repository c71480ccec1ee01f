"""LingXing's lists as if they had been read, and people with different rights."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.models import LingXingEntry, LingXingList, ListName
from tests.staff.inbox.conftest import browser_of
from tests.staff.people import boss, browser

__all__ = ["boss", "browser", "browser_of"]


def listed(name: ListName, *entries: dict[str, Any], days_ago: float = 0, complete: bool = True) -> None:
    """Keep a list as it would be after reading it."""
    at = timezone.now() - timedelta(days=days_ago)
    LingXingList.objects.update_or_create(name=name, defaults={"read_at": at, "tried_at": at, "complete": complete})
    LingXingEntry.objects.bulk_create(LingXingEntry(list=name, read_at=at, **entry) for entry in entries)


@pytest.fixture
def lists(db: None) -> None:
    """Two warehouses (one of them switched off), a store, a method of warehouse 51, a pair."""
    listed(ListName.WAREHOUSES, {"code": "50", "name": "Newark"}, {"code": "51", "name": "Reno"},
           {"code": "59", "name": "Closed", "usable": False}, {"code": "70", "name": "FBA", "kind": 4})  # fmt: skip
    listed(ListName.STORES, {"code": "110000000000000001", "name": "DSCO US", "kind": 10009},
           {"code": "220", "name": "Amazon US", "kind": 10001})  # fmt: skip
    listed(ListName.LOGISTICS_TYPES, {"code": "826", "name": "UPS Ground"},
           {"code": "827", "name": "3PL Ground", "owner": "51"})  # fmt: skip
    listed(ListName.PAIRS, {"code": "HP-RUG-03", "sku": "LX-RUG", "owner": "110000000000000001"})
