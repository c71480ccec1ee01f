"""A small language for the shape of request bodies: which members exist, of which type, and how large."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Scalar:
    """A single value. `types` are the JSON types allowed; the limits apply to numbers and the choices to everything."""

    types: tuple[type, ...]
    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[object, ...] = ()


@dataclass(frozen=True)
class ListOf:
    """A JSON list whose entries all have one shape."""

    item: Shape
    at_least: int = 0
    at_most: int | None = None


@dataclass(frozen=True)
class Members:
    """A JSON object with exactly these members, some of them required."""

    fields: Mapping[str, Shape]
    required: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class AnyObject:
    """A JSON object whose members the contract leaves open."""


Shape = Scalar | ListOf | Members | AnyObject


def problem(value: object, shape: Shape, where: str) -> str | None:
    """What is wrong with the value, in words that name the member, or None."""
    if isinstance(shape, Scalar):
        return _scalar_problem(value, shape, where)
    if isinstance(shape, ListOf):
        return _list_problem(value, shape, where)
    if not isinstance(value, dict):
        return f"{where}: object expected"
    return None if isinstance(shape, AnyObject) else _members_problem(value, shape, where)


def _scalar_problem(value: object, shape: Scalar, where: str) -> str | None:
    # bool is an int for Python, but not for JSON.
    if not isinstance(value, shape.types) or (isinstance(value, bool) and bool not in shape.types):
        return f"{where}: {'/'.join(kind.__name__ for kind in shape.types)} expected, {type(value).__name__} received"
    if shape.choices and value not in shape.choices:
        return f"{where}: {value!r} is not one of {list(shape.choices)}"
    if isinstance(value, int) and shape.minimum is not None and value < shape.minimum:
        return f"{where}: {value} is less than {shape.minimum}"
    if isinstance(value, int) and shape.maximum is not None and value > shape.maximum:
        return f"{where}: {value} is more than {shape.maximum}"
    return None


def _list_problem(value: object, shape: ListOf, where: str) -> str | None:
    if not isinstance(value, list):
        return f"{where}: list expected"
    if len(value) < shape.at_least:
        return f"{where}: at least {shape.at_least} entries expected"
    if shape.at_most is not None and len(value) > shape.at_most:
        return f"{where}: at most {shape.at_most} entries allowed, {len(value)} received"
    return next(
        (found for index, item in enumerate(value) if (found := problem(item, shape.item, f"{where}[{index}]"))), None
    )


def _members_problem(value: dict[str, object], shape: Members, where: str) -> str | None:
    unknown = sorted(set(value) - set(shape.fields))
    if unknown:
        return f"{where}: unknown member {unknown[0]}"
    absent = sorted(shape.required - set(value))
    if absent:
        return f"{where}: member {absent[0]} is missing"
    return next(
        (found for name, item in value.items() if (found := problem(item, shape.fields[name], f"{where}.{name}"))), None
    )
