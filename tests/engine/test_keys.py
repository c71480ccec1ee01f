"""The database itself refuses a second delivery for the same thing."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection

from integrations.deliveries.models import Delivery

KINDS = [model for model in apps.get_models() if issubclass(model, Delivery)]


@pytest.mark.django_db
@pytest.mark.parametrize("model", KINDS, ids=lambda model: model.__name__)
def test_a_key_can_be_stored_once(model):
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, model._meta.db_table)
    assert any(one["columns"] == ["key"] and one["unique"] for one in found.values())
