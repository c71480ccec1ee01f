"""The API against whatever its own description allows, and what it forbids: never a server error."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from hypothesis import strategies as st

from integrations.causes import refresh_causes
from integrations.models import Cause, LingXingEntry
from inventory.models import StockItem, StockLevel
from orders.models import Order
from tests.admin.seed import seed
from tests.staff.people import kept

from .conftest import caller_for

schemathesis = pytest.importorskip("schemathesis", reason="the group “contract” is not installed")

pytestmark = pytest.mark.django_db
# Requests to each operation, always the same ones. More of them take longer and look further.
EXAMPLES = int(os.environ.get("API_FUZZ_EXAMPLES", "10"))


def operations() -> list[Any]:
    schema = schemathesis.openapi.from_dict(SchemaGenerator().get_schema(request=None, public=True))
    schema.app = get_wsgi_application()
    return [found.ok() for found in schema.get_all_operations()]


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """Keep the test's own connection between requests, as Django's test client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def furnish() -> None:
    """Orders in every state, causes, stock, a shipping method."""
    seed(25)
    now = timezone.now()
    refresh_causes(now)
    StockLevel.objects.get_or_create(wid="50", erp_sku="LX-A", defaults={"available": 3, "read_at": now})
    StockItem.objects.get_or_create(dsco_sku="NEVER", defaults={"target": {"EAST": 1}})
    LingXingEntry.objects.create(list="logistics_types", code="825", name="Ground", read_at=now)


@pytest.fixture(scope="class")
def furnished(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The same rows for all operations, made once."""
    with kept(django_db_blocker, furnish):
        yield


@pytest.fixture
def headers(furnished: None, db: None, settings: Any) -> dict[str, str]:
    """Those of a caller who may do everything."""
    settings.API_READS_PER_MINUTE = settings.API_WRITES_PER_MINUTE = 1_000_000
    return {"Authorization": f"Bearer {caller_for(User.objects.create_superuser('boss')).secret}"}


class TestEveryOperation:
    @pytest.mark.parametrize("operation", operations(), ids=lambda one: one.label)
    def test_no_request_breaks_it_and_every_answer_is_as_described(
        self, operation: Any, headers: dict[str, str]
    ) -> None:
        # Half of the requests are about what is there: invented numbers alone would find nothing but 404.
        known = {
            "dsco_order_id": list(Order.objects.values_list("dsco_order_id", flat=True)),
            "pk": list(Cause.objects.values_list("pk", flat=True)) or [1],
            "name": ["pull_orders", "sync_inventory"], "section": ["skus", "stores"], "kind": ["shipment", "erp_push"],
            "delivery_id": list(range(1, 30)),
        }  # fmt: skip

        @hypothesis.settings(
            max_examples=EXAMPLES, derandomize=True, deadline=None, database=None,
            suppress_health_check=list(hypothesis.HealthCheck), phases=[hypothesis.Phase.generate],
        )  # fmt: skip
        @hypothesis.given(
            case=st.one_of(
                operation.as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE),
                operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE),
            ),
            data=st.data(),
        )
        def ask(case: Any, data: Any) -> None:
            for name, values in known.items():
                if name in (case.path_parameters or {}) and data.draw(st.integers(0, 3)):
                    case.path_parameters[name] = data.draw(st.sampled_from(values))
            answer = case.call(headers=headers)
            assert answer.status_code < 500, (case.as_curl_command(), answer.content)
            case.validate_response(
                answer,
                checks=[
                    schemathesis.checks.not_a_server_error,
                    schemathesis.checks.status_code_conformance,
                    schemathesis.checks.content_type_conformance,
                    schemathesis.checks.response_schema_conformance,
                ],
            )

        ask()
