"""One run of everything with troubles on the way; then all that it left behind is searched for what must not be there.

Searched: the whole database as it is stored, every log line as it is written, every page and list of the admin, the
REST API, exports, metrics, error pages.
"""

from __future__ import annotations

import io
import logging.config
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import NoReverseMatch, path, reverse

from config.logs import logging_settings
from integrations.api.tokens import create_token
from integrations.deliveries.kinds import delivery_kinds
from integrations.exports import exportable
from integrations.exports.making import make, request_export
from integrations.models import AlertRule, ApiScope, Export, VendorToken
from integrations.redaction import MASK
from integrations.sandbox.faults import Fault
from orders.models import Order
from tests.end_to_end.journeys import stages, travel

WEBHOOK = "https://hooks.slack.com/services/T0001/B0002/WEBHOOK-KEY-0003"
SIGNING = "SEC-signing-secret-of-the-robot"
PASSWORD = "the-password-of-mei"
PERSONAL = ("firstName", "lastName", "address1", "phone", "email", "attention")


@pytest.fixture
def log_lines() -> Iterator[io.StringIO]:
    """Everything that is logged, at the finest level, written as production writes it."""
    lines = io.StringIO()
    formatter = logging_settings("DEBUG", "json")["formatters"]["structured"]
    make_formatter = formatter.pop("()")
    handler = logging.StreamHandler(lines)
    handler.setFormatter(make_formatter(**formatter))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(handler)
    root.setLevel(before)


def stored_text() -> str:
    """The whole database as its files have it: every column of every table, not opened by our code."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            for row in cursor.fetchall():
                found += [bytes(cell).decode("utf-8", "replace") if isinstance(cell, bytes | memoryview) else str(cell)
                          for cell in row]  # fmt: skip
    return "\n".join(found)


def admin_pages(client: Client) -> str:
    """Every list of the admin, and the first records of each."""
    addresses = [reverse("admin:index"), reverse("audit-trail"), reverse("unmapped-codes"), reverse("second-factor")]
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        addresses.append(reverse(f"{name}_changelist"))
        for row in model._default_manager.order_by("-pk")[:3]:
            for page in ("change", "history"):
                try:
                    addresses.append(reverse(f"{name}_{page}", args=[row.pk]))
                except NoReverseMatch:
                    continue
    pages = []
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code < 500, address
        pages.append(b"".join(answer.streaming_content) if answer.streaming else answer.content)
    assert len(pages) > 60
    return b"\n".join(pages).decode("utf-8", "replace")


def exported(user: User) -> str:
    """Every list that can be exported, as a file."""
    files = []
    for subject in ("order", *delivery_kinds()):
        if exportable(subject) is None:
            continue
        export = request_export(subject, "csv", user)
        make(export.pk)
        files.append(bytes(Export.objects.get(pk=export.pk).content or b""))
    assert files
    return b"\n".join(files).decode("utf-8-sig")


def answers_of_the_api(user: User) -> tuple[str, str]:
    _token, secret = create_token("scan", user, list(ApiScope.values), 30)
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    number = Order.objects.order_by("pk")[0].dsco_order_id
    orders = "/api/v1/orders/"
    own = [orders, f"{orders}{number}/", f"{orders}{number}/trace/", f"/api/v1/order-status/?order={number}"]
    addresses = [*own, "/metrics", "/readyz", "/api/schema/"]
    return "\n".join(client.get(address).content.decode() for address in addresses), secret


def secrets_of(world: Any) -> set[str]:
    found = {world.dsco.client_secret, world.lingxing.app_id, world.lingxing.app_secret, WEBHOOK, "WEBHOOK-KEY-0003",
             SIGNING, PASSWORD}  # fmt: skip
    for row in VendorToken.objects.all():
        found |= {row.access_token, row.refresh_token} - {""}
    return found | {
        value for call in world.request_log for name in ("sign", "access_token") for value in call.query.get(name, [])
    }


def consumers_of(world: Any) -> set[str]:
    """Names, streets, phones and mails of the consumers, as DSCO has them; short ones would be found anywhere."""
    found = set()
    for order in world.dsco.orders.values():
        place = order["shipping"]
        found |= {str(place[name]) for name in PERSONAL if place.get(name)}
    return {value for value in found if len(value) >= 6}


def test_a_whole_run_leaves_no_secret_anywhere_and_no_person_in_the_logs(
    world: Any, clock: Any, settings: Any, log_lines: io.StringIO, capfd: Any
) -> None:
    settings.METRICS_TOKEN = "metrics-token-of-prometheus"
    mei = User.objects.create_superuser("mei", "mei@example.com", PASSWORD)
    AlertRule.objects.create(name="ops", channel="slack", target=WEBHOOK, secret=SIGNING, kinds=["vendor_down"])
    world.dsco.add_orders(4)
    for vendor in ("dsco", "lingxing"):
        for kind in ("unauthorized", "html_after", "reset_after", "broken_json_before", "error_after"):
            world.faults.add(Fault(vendor=vendor, operation="*", kind=kind, times=2, after=3))
    travel(world, clock, rounds=20)
    assert sum(stages().values()) == 4
    client = Client()
    client.post("/admin/login/", {"username": "mei", "password": "a-wrong-guess-that-was-nearly-right"})
    client.post("/admin/login/", {"username": "mei", "password": PASSWORD})
    consumers = consumers_of(world)
    assert len(consumers) >= 8
    client.get("/admin/orders/order/", {"q": sorted(consumers)[0]})
    pages, files = admin_pages(client), exported(mei)
    answers, token = answers_of_the_api(mei)
    output = capfd.readouterr()
    places = {
        "database": stored_text(), "logs": log_lines.getvalue() + output.out + output.err, "admin": pages,
        "exports": files, "API": answers,
    }  # fmt: skip
    assert all(len(text) > 1000 for text in places.values())
    secrets = secrets_of(world) | {token, settings.METRICS_TOKEN, settings.SECRET_KEY, "a-wrong-guess-that-was-nearly"}
    assert len(secrets) > 20
    found = [(place, secret) for place, text in places.items() for secret in secrets if secret in text]
    assert found == []
    # Names belong to the order; a log goes to other machines and other people.
    assert [person for person in consumers if person in places["logs"]] == []
    assert any(person in pages for person in consumers), "the scan would have found a name"
    assert "sealed:1:" in places["database"]


def broken(_request: HttpRequest) -> HttpResponse:
    raise RuntimeError("access_token=VERY-SECRET-TOKEN")


urlpatterns = [path("broken", broken)]


@pytest.mark.urls("tests.security.test_nothing_leaks")
def test_an_error_page_tells_nothing_and_its_log_line_is_masked(db: None, log_lines: io.StringIO) -> None:
    answer = Client(raise_request_exception=False).get("/broken")
    assert answer.status_code == 500
    assert b"VERY-SECRET" not in answer.content
    assert b"Traceback" not in answer.content
    assert "RuntimeError" in log_lines.getvalue()
    assert "VERY-SECRET" not in log_lines.getvalue()
    assert MASK in log_lines.getvalue()
