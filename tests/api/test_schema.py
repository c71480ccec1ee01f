"""The description of the API: OpenAPI 3.1, complete, with examples and problems; its page is served from here."""

from __future__ import annotations

import re
from typing import Any

import jsonschema
import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from integrations.api.idempotency import HEADER

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def schema() -> Any:
    return SchemaGenerator().get_schema(request=None, public=True)


def operations(schema: Any) -> list[tuple[str, str, Any]]:
    return [(path, method, one) for path, methods in schema["paths"].items() for method, one in methods.items()]


def test_it_is_valid_openapi_3_1_without_a_warning(schema: Any, capsys: Any) -> None:
    validate_schema(schema)
    assert schema["openapi"] == "3.1.0"
    assert schema["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    SchemaGenerator().get_schema(request=None, public=True)
    assert capsys.readouterr().err == ""


def test_every_operation_has_a_name_a_text_a_scope_and_its_problems(schema: Any) -> None:
    names = [one["operationId"] for _path, _method, one in operations(schema)]
    assert len(names) == len(set(names))
    for path, method, one in operations(schema):
        where = f"{method} {path}"
        assert one["summary"], where
        assert "Scope `" in one["description"], where
        assert {"400", "401", "403", "429", "500"} <= set(one["responses"]), where
        assert "application/problem+json" in one["responses"]["403"]["content"], where
        if "{" in path:
            assert "404" in one["responses"], where


def test_every_write_asks_for_an_idempotency_key_and_shows_an_example(schema: Any) -> None:
    for path, method, one in operations(schema):
        if method == "get":
            continue
        headers = [item for item in one["parameters"] if item["in"] == "header"]
        assert [item["name"] for item in headers] == [HEADER], path
        assert headers[0]["required"], path
        if "requestBody" in one:
            assert "examples" in one["requestBody"]["content"]["application/json"], path


def test_schema_and_page_are_served_and_the_page_needs_no_script_from_elsewhere_nor_inline() -> None:
    client = Client()
    assert client.get("/api/schema/").status_code == 200
    page = client.get("/api/docs/")
    text = page.content.decode()
    assert page.status_code == 200
    assert "://" not in re.sub(r'"http://testserver[^"]*"', "", text)
    assert re.findall(r"<script(?![^>]*\bsrc=)", text) == []
    assert not re.search(r"\son\w+=", text)


def test_every_example_is_as_its_shape_says(schema: Any) -> None:
    checked = 0
    for path, method, one in operations(schema):
        contents = [(one["requestBody"], "request")] if "requestBody" in one else []
        contents += [(answer, status) for status, answer in one["responses"].items()]
        for holder, where in contents:
            for content in holder.get("content", {}).values():
                document = {**content["schema"], "components": schema["components"]}
                for example in content.get("examples", {}).values():
                    jsonschema.validate(example["value"], document, cls=jsonschema.Draft202012Validator), (path, where)
                    checked += 1
        if method == "post":
            assert "examples" in next(iter(one["responses"].items()))[1]["content"]["application/json"], path
    assert checked > 300
