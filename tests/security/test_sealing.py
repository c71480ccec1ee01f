"""Secrets at rest: what stands in the database opens nothing without the key."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from integrations.models import AlertRule, VendorToken
from integrations.sealing import seal, unseal

pytestmark = pytest.mark.django_db


def stored(model: Any, column: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {model._meta.db_table} ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def test_tokens_are_sealed_and_read_back() -> None:
    VendorToken.objects.create(vendor="dsco", account="a", access_token="ACCESS-1", refresh_token="")
    assert VendorToken.objects.get().access_token == "ACCESS-1"
    assert stored(VendorToken, "access_token")[0].startswith("sealed:1:")
    assert stored(VendorToken, "refresh_token") == [""]
    VendorToken.objects.update(access_token="ACCESS-2")
    assert VendorToken.objects.exclude(access_token="").get().access_token == "ACCESS-2"
    assert "ACCESS" not in str(stored(VendorToken, "access_token"))


def test_the_same_secret_never_looks_the_same_and_cannot_be_searched_for() -> None:
    assert seal("secret") != seal("secret")
    with pytest.raises(TypeError):
        VendorToken.objects.filter(access_token="ACCESS-1").exists()


def test_a_changed_byte_or_another_key_opens_nothing(settings: Any) -> None:
    text = seal("secret")
    assert unseal(text[:-6] + "AAAAA=") == ""
    settings.DATABASE_SEAL_KEY = "another key"
    assert unseal(text) == ""


def test_the_key_is_changed_without_losing_anything(settings: Any) -> None:
    settings.DATABASE_SEAL_KEY = "old key"
    AlertRule.objects.create(name="ops", channel="slack", target="https://hooks.example.com/T/KEY", secret="SIGN")
    settings.DATABASE_SEAL_KEY, settings.DATABASE_SEAL_KEYS_FORMER = "new key", ["old key"]
    call_command("reseal", verbosity=0)
    settings.DATABASE_SEAL_KEYS_FORMER = []
    rule = AlertRule.objects.get()
    assert (rule.target, rule.secret) == ("https://hooks.example.com/T/KEY", "SIGN")


def test_a_reseal_with_the_wrong_key_destroys_nothing(settings: Any) -> None:
    settings.DATABASE_SEAL_KEY = "old key"
    AlertRule.objects.create(name="ops", channel="slack", target="https://hooks.example.com/T/KEY")
    settings.DATABASE_SEAL_KEY = "wrong key"
    call_command("reseal", verbosity=0)
    settings.DATABASE_SEAL_KEY = "old key"
    assert AlertRule.objects.get().target == "https://hooks.example.com/T/KEY"


def test_rows_from_before_are_sealed_by_the_migration_and_opened_on_the_way_back() -> None:
    VendorToken.objects.create(vendor="dsco", account="a")
    AlertRule.objects.create(name="ops", channel="slack")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE integrations_vendortoken SET access_token = 'PLAIN', refresh_token = ''")
        cursor.execute("UPDATE integrations_alertrule SET target = 'https://hooks.example.com/T/KEY'")
    assert VendorToken.objects.get().access_token == "PLAIN"
    migration = import_module("integrations.migrations.0005_sealed_secrets")
    editor = SimpleNamespace(connection=connection)
    migration.seal_all(apps, editor)
    assert stored(VendorToken, "access_token")[0].startswith("sealed:1:")
    assert VendorToken.objects.get().access_token == "PLAIN"
    assert AlertRule.objects.get().target == "https://hooks.example.com/T/KEY"
    migration.open_all(apps, editor)
    assert stored(VendorToken, "access_token") == ["PLAIN"]
    assert stored(AlertRule, "target") == ["https://hooks.example.com/T/KEY"]
