"""What a kind of delivery must tell the engine. The engine does the rest, the same for all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar, cast

from django.db.models import Q, QuerySet

from ..models import AttemptAction
from ..sentences import gettext as _
from . import outcomes
from .models import Delivery
from .outcomes import Outcome

D = TypeVar("D", bound=Delivery)


@dataclass(slots=True)
class Call(Generic[D]):
    """One vendor call for one or more deliveries.

    ``run`` is executed in an HTTP thread, outside any transaction, and must not touch the
    database (the clients' limits and tokens excepted). It returns an outcome for every delivery
    by id, or raises a VendorError that then counts for all of them.
    """

    deliveries: Sequence[D]
    run: Callable[[], dict[int, Outcome]]


@dataclass(slots=True)
class Plan(Generic[D]):
    """The calls to make, and the outcomes of deliveries that need no call (``{id: outcome}``)."""

    calls: list[Call[D]] = field(default_factory=list)
    outcomes: dict[int, Outcome] = field(default_factory=dict)


class DeliveryKind(ABC, Generic[D]):
    """One kind of delivery: its table, its conditions, its calls."""

    name: ClassVar[str]
    # The vendor that the rows write to; ``vendor_by`` where that differs from row to row: the column that tells, and
    # the vendor for each of its values.
    vendor: ClassVar[str]
    vendor_by: ClassVar[tuple[str, Mapping[str, str]] | None] = None
    model: type[D]
    claim_size: ClassVar[int] = 100
    read_timeout_seconds: ClassVar[float] = 30.0
    # How many propagation delays after the last attempt "absent" is believed: more where the vendor may have queued
    # the call and carry it out later.
    absent_after_delays: ClassVar[int] = 1
    # Whether a person may take back a skip; not where a newer row has replaced the skipped one.
    skip_is_final: ClassVar[bool] = False
    # The time by which it must be done, as an expression over its row; None where there is no such time.
    deadline: ClassVar[Any] = None

    def queryset(self) -> QuerySet[D]:
        """Return the rows with what ``check`` and the plans need (``select_related``)."""
        return cast("QuerySet[D]", self.model._default_manager.all())

    def vendor_of(self, delivery: Delivery) -> str:
        """Return the vendor that sending this row writes to."""
        return self.vendor if self.vendor_by is None else self.vendor_for(getattr(delivery, self.vendor_by[0]))

    def vendor_for(self, value: str) -> str:
        """Return the vendor for a value of ``vendor_by``'s column."""
        return self.vendor if self.vendor_by is None else self.vendor_by[1].get(value, self.vendor)

    def writes_to(self, vendor: str) -> bool:
        """Return whether some of its rows write to this vendor."""
        return vendor in (self.vendor_by[1].values() if self.vendor_by else (self.vendor,))

    def writing_to(self, vendor: str) -> Q:
        """Return the condition on rows whose sending writes to this vendor."""
        if self.vendor_by is None:
            return Q() if self.vendor == vendor else Q(pk__in=[])
        column, vendors = self.vendor_by
        return Q(**{f"{column}__in": [value for value, known in vendors.items() if known == vendor]})

    def not_writing_to(self, vendors: Collection[str]) -> Q:
        """Return the condition on rows whose sending writes to none of these vendors."""
        if self.vendor_by is None:
            return Q(pk__in=[]) if self.vendor in vendors else Q()
        column, known = self.vendor_by
        return (
            ~Q(**{f"{column}__in": [value for value, vendor in known.items() if vendor in vendors]}) if vendors else Q()
        )

    @abstractmethod
    def check(self, deliveries: Sequence[D], now: datetime) -> dict[int, Outcome]:
        """Check the conditions again, in the transaction of the claim; return outcomes of those that may not go."""

    @abstractmethod
    def plan_send(self, deliveries: Sequence[D]) -> Plan[D]:
        """Plan the calls that bring about the effect."""

    @abstractmethod
    def plan_verify(self, deliveries: Sequence[D]) -> Plan[D]:
        """Plan reads that tell whether it happened: succeeded(), absent(), still_pending() or another outcome."""

    def plan_poll(self, deliveries: Sequence[D]) -> Plan[D]:
        """Plan questions to an asynchronous vendor about accepted deliveries."""
        return self.plan_verify(deliveries)

    def recorded(self, pairs: Sequence[tuple[D, Outcome]], now: datetime) -> None:
        """Write what follows from the outcomes, in the transaction that records them."""

    def plan(self, action: AttemptAction, deliveries: Sequence[D]) -> Plan[D]:
        """Plan ``action`` for the deliveries."""
        if action == AttemptAction.SEND:
            return self.plan_send(deliveries)
        if action == AttemptAction.POLL:
            return self.plan_poll(deliveries)
        return self.plan_verify(deliveries)


def broken_inside() -> Outcome:
    """The outcome of a delivery on which our own code broke before anything was sent."""
    return outcomes.needs_attention(
        "internal_error",
        _("OrderBridge could not handle this delivery; nothing was sent. The log has the details; tell an engineer."),
    )


_kinds: dict[str, DeliveryKind[Delivery]] = {}


def register_kind(kind: DeliveryKind[D]) -> DeliveryKind[D]:
    """Announce a kind of delivery under its name."""
    _kinds[kind.name] = kind  # type: ignore[assignment]
    return kind


def delivery_kinds() -> dict[str, DeliveryKind[Delivery]]:
    """Return all kinds by name, in the order in which they were announced."""
    return dict(_kinds)
