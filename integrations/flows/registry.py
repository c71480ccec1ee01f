"""Which flows there are. Each package announces its own; the order is the order of one whole pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.functional import Promise

if TYPE_CHECKING:
    from .context import FlowContext

FlowFunction = Callable[["FlowContext"], None]


@dataclass(frozen=True, slots=True)
class FlowDefinition:
    """A flow: its fixed name, its label for staff, its usual interval, its place in a whole pass.

    ``delivers``: the kind of delivery that it carries out; ``by_order``: whether it can be limited to certain orders;
    ``daily_at``: the time of day ("02:30") at which a flow with an interval of one day runs, "" for any.
    """

    name: str
    label: str | Promise
    interval_seconds: int
    position: int
    run: FlowFunction
    delivers: str = ""
    by_order: bool = True
    daily_at: str = ""


class UnknownFlow(Exception):
    """There is no flow of that name."""


_flows: dict[str, FlowDefinition] = {}


def flow(
    name: str,
    label: str | Promise,
    *,
    interval_seconds: int,
    position: int,
    delivers: str = "",
    by_order: bool = True,
    daily_at: str = "",
) -> Callable[[FlowFunction], FlowFunction]:
    """Announce a function as the flow ``name``; see ``FlowDefinition``."""

    def announce(function: FlowFunction) -> FlowFunction:
        _flows[name] = FlowDefinition(name, label, interval_seconds, position, function, delivers, by_order, daily_at)
        return function

    return announce


def flow_definitions() -> list[FlowDefinition]:
    """Return all flows in the order of one whole pass."""
    return sorted(_flows.values(), key=lambda definition: definition.position)


def flow_label(name: str) -> str:
    """Return a flow's name for staff, in the reader's language; an unknown one as it is."""
    return str(_flows[name].label) if name in _flows else name


def get_flow(name: str) -> FlowDefinition:
    """Return one flow; raises UnknownFlow with the names that exist."""
    try:
        return _flows[name]
    except KeyError:
        names = ", ".join(definition.name for definition in flow_definitions())
        raise UnknownFlow(f"There is no flow {name!r}. Flows: {names}.") from None
