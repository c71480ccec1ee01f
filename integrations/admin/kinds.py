"""Which tables hold deliveries, and how many of each need a person. Nothing here knows an order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.apps import apps
from django.db.models import CharField, Count, Value
from django.http import HttpRequest
from django.utils.text import capfirst

from ..deliveries.models import Delivery, subject_of
from ..deliveries.states import State
from ..flows import flow_definitions
from ..recent import recent
from .records import list_address

# What a person should look at, worst first.
PROBLEMS = (State.NEEDS_ATTENTION, State.FAILED, State.UNCERTAIN)
_REQUEST_CACHE = "_delivery_tallies"
# So many rows are counted in a moment, for each page anew; of more the numbers may be KEPT_SECONDS old.
MANY = 5_000
KEPT_SECONDS = 15.0


@cache
def delivery_models() -> dict[str, type[Delivery]]:
    """Return every kind's table by the kind's name, in the order of the flows that carry them out."""
    positions = {definition.delivers: definition.position for definition in flow_definitions()}
    found = [model for model in apps.get_models() if issubclass(model, Delivery)]
    return {model.KIND: model for model in sorted(found, key=lambda model: positions.get(model.KIND, 99))}


def kind_label(kind: str) -> str:
    """Return a kind's name for staff."""
    model = delivery_models().get(kind)
    return capfirst(str(model._meta.verbose_name)) if model else kind


def delivery_subjects(wanted: Iterable[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """Return what each delivery (kind, primary key) is for, in one query; what is gone is not in it."""
    ids: dict[str, list[int]] = {}
    for kind, pk in wanted:
        ids.setdefault(kind, []).append(pk)
    parts: list[Any] = [
        model._default_manager.order_by()
        .filter(pk__in=ids[kind])
        .annotate(kind=Value(kind, output_field=CharField()))
        .values_list("kind", "pk", "key")
        for kind, model in delivery_models().items()
        if kind in ids
    ]
    rows = parts[0].union(*parts[1:], all=True) if parts else ()
    return {(kind, pk): subject_of(key) for kind, pk, key in rows}


@dataclass(slots=True)
class Tally:
    """How many deliveries of one kind are in which of the states that matter."""

    kind: str
    model: type[Delivery]
    numbers: dict[str, int] = field(default_factory=dict)

    @property
    def problems(self) -> int:
        """Return how many need a person (or the verification of an uncertain outcome)."""
        return sum(self.numbers.get(state, 0) for state in PROBLEMS)

    @property
    def address(self) -> str:
        """Return the list of those that need a person."""
        return list_address(self.model, status__in=",".join(PROBLEMS))

    def address_of(self, state: str) -> str:
        """Return the list of those in one state."""
        return list_address(self.model, status__exact=state)


def tallies(request: HttpRequest) -> dict[str, Tally]:
    """Count the open problems and the due work of every kind: one query, by the index on status, once a request.

    After an outage these may be a hundred thousand rows, and every page shows them: then they are counted now and then.
    """
    known: dict[str, Tally] | None = getattr(request, _REQUEST_CACHE, None)
    if known is None:
        known = recent("tallies", KEPT_SECONDS, _count, dear=_are_many)
        setattr(request, _REQUEST_CACHE, known)
    return known


def _are_many(found: dict[str, Tally]) -> bool:
    return sum(sum(tally.numbers.values()) for tally in found.values()) > MANY


def _count() -> dict[str, Tally]:
    result = {kind: Tally(kind, model) for kind, model in delivery_models().items()}
    wanted = [*PROBLEMS, State.DUE, State.IN_PROGRESS, State.ACCEPTED]
    parts: list[Any] = [
        model._default_manager.order_by()
        .filter(status__in=wanted)
        .values("status")
        .annotate(number=Count("pk"), kind=Value(kind, output_field=CharField()))
        .values_list("kind", "status", "number")
        for kind, model in delivery_models().items()
    ]
    for kind, state, number in parts[0].union(*parts[1:], all=True):
        result[kind].numbers[state] = number
    return result
