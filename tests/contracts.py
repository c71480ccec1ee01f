"""The vendors' published contracts, for tests: schemas of their OpenAPI documents and their samples.

They are not part of the repository. ``ORDERBRIDGE_CONTRACTS`` names their folder; without it,
``shared/contracts`` beside the repository is taken. Where neither exists the calling test is skipped.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

_REPOSITORY = Path(__file__).resolve().parent.parent
_JSON_TYPES = {"application/json", "application/x-www-form-urlencoded", "multipart/form-data"}
_formats = FormatChecker(formats=())


@_formats.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    if isinstance(value, str):
        return datetime.fromisoformat(value).tzinfo is not None
    return True


def folder() -> Path:
    """Return the folder of the contracts; skip the calling test when there is none."""
    named = os.environ.get("ORDERBRIDGE_CONTRACTS")
    place = Path(named) if named else _REPOSITORY.parent / "shared" / "contracts"
    if not place.is_dir():
        pytest.skip("the vendors' contracts are not on this machine (set ORDERBRIDGE_CONTRACTS)")
    return place


def document(spec_file: str) -> dict[str, Any]:
    """Return a whole OpenAPI document, for example ``document("dsco-openapi.yaml")``."""
    return _load(folder() / spec_file)


def validator(spec_file: str, schema_name: str) -> Draft202012Validator:
    """Return a validator for a component schema of ``spec_file``; ``$ref`` is resolved inside the document."""
    if schema_name not in document(spec_file)["components"]["schemas"]:
        raise LookupError(f"{spec_file} has no schema {schema_name}")
    return _validator(spec_file, {"$ref": f"urn:{spec_file}#/components/schemas/{schema_name}"})


def request_schema(spec_file: str, method: str, path: str) -> Draft202012Validator:
    """Return a validator for the request body of one operation, for example ``("post", "/invoice")``."""
    content = _operation(spec_file, method, path)["requestBody"]["content"]
    media_type = next(name for name in content if name in _JSON_TYPES)
    return _body_validator(spec_file, method, path, ["requestBody", "content", media_type, "schema"])


def response_schema(spec_file: str, method: str, path: str, status: int) -> Draft202012Validator:
    """Return a validator for the JSON reply of one operation with one HTTP status."""
    steps = ["responses", str(status), "content", "application/json", "schema"]
    return _body_validator(spec_file, method, path, steps)


def query_parameters(spec_file: str, method: str, path: str) -> dict[str, dict[str, Any]]:
    """Return the documented query parameters of one operation, by name."""
    parameters = _operation(spec_file, method, path).get("parameters", [])
    return {item["name"]: item for item in parameters if item.get("in") == "query"}


def sample_bytes(name: str) -> bytes:
    """Return a sample as it would come over the wire, for example ``sample_bytes("dsco-order-page.json")``."""
    return (folder() / "samples" / name).read_bytes()


def sample(name: str) -> Any:
    """Return a sample parsed from JSON, money as Decimal."""
    return json.loads(sample_bytes(name), parse_float=Decimal)


def samples(spec_file: str) -> list[dict[str, Any]]:
    """Return the entries of the samples' index that belong to ``spec_file`` (file, schema, direction, operation)."""
    index = json.loads(sample_bytes("index.json"))
    return [entry for entry in index["samples"] if entry["spec"] == spec_file]


def _operation(spec_file: str, method: str, path: str) -> dict[str, Any]:
    operation: dict[str, Any] = document(spec_file)["paths"][path][method.lower()]
    return operation


def _body_validator(spec_file: str, method: str, path: str, steps: list[str]) -> Draft202012Validator:
    found: Any = _operation(spec_file, method, path)
    for step in steps:
        found = found[step]
    pointer = "/".join(_escaped(step) for step in ["paths", path, method.lower(), *steps])
    return _validator(spec_file, {"$ref": f"urn:{spec_file}#/{pointer}"})


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")


def _validator(spec_file: str, schema: dict[str, Any]) -> Draft202012Validator:
    resource = Resource.from_contents(document(spec_file), default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource(f"urn:{spec_file}", resource)
    return Draft202012Validator(schema, registry=registry, format_checker=_formats)


@cache
def _load(path: Path) -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C loader is ten times faster on these large files
    loaded: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    return loaded
