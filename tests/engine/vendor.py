"""A vendor with a memory, and a kind of delivery that talks to it without HTTP: for the engine's own tests."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

from django.utils import timezone

from integrations.deliveries import outcomes
from integrations.deliveries.kinds import Call, DeliveryKind, Plan
from integrations.deliveries.outcomes import Outcome
from integrations.errors import ConfigurationError, Rejected, TransientError, Uncertain
from orders.models import Acknowledgement, Order

NAMES = {"vendor": "dsco", "operation": "test"}


class MemoryVendor:
    """Applies effects once per call, counts them, and can be told how each call ends."""

    def __init__(self) -> None:
        self.effects: Counter[str] = Counter()
        self.calls: list[list[str]] = []
        self.verified: list[str] = []
        self.script: list[Callable[[list[str]], None]] = []
        self.lock = threading.Lock()

    def apply(self, keys: list[str]) -> None:
        with self.lock:
            self.calls.append(keys)
            step = self.script.pop(0) if self.script else None
            if step:
                step(keys)
            self.effects.update(keys)

    def lose_reply(self, keys: list[str]) -> None:
        self.effects.update(keys)
        raise Uncertain("reply lost", code="timeout", **NAMES)

    def lose_request(self, _keys: list[str]) -> None:
        raise Uncertain("request lost", code="timeout", **NAMES)

    def refuse(self, _keys: list[str]) -> None:
        raise Rejected("not like this", code="bad", **NAMES)

    def be_busy(self, _keys: list[str]) -> None:
        raise TransientError("busy", code="http_503", **NAMES)

    def be_misconfigured(self, _keys: list[str]) -> None:
        raise ConfigurationError("IP not allowed", code="3001002", **NAMES)


class MemoryKind(DeliveryKind[Acknowledgement]):
    """Acknowledgements, sent to a MemoryVendor in batches of ``batch``."""

    name = "acknowledgement"
    vendor = "dsco"
    model = Acknowledgement
    claim_size = 20

    def __init__(self, vendor: MemoryVendor, batch: int = 1) -> None:
        self.memory = vendor
        self.batch = batch
        self.blocked: dict[str, Outcome] = {}
        self.during_check: Callable[[], None] | None = None

    def check(self, deliveries: Sequence[Acknowledgement], now: datetime) -> dict[int, Outcome]:
        if self.during_check:
            self.during_check()
        return {row.pk: self.blocked[row.key] for row in deliveries if row.key in self.blocked}

    def plan_send(self, deliveries: Sequence[Acknowledgement]) -> Plan[Acknowledgement]:
        alone = [[row] for row in deliveries if row.solo]
        together = [row for row in deliveries if not row.solo]
        groups = alone + [together[start : start + self.batch] for start in range(0, len(together), self.batch)]
        return Plan([Call(group, lambda group=group: self._send(group)) for group in groups])

    def _send(self, group: list[Acknowledgement]) -> dict[int, Outcome]:
        self.memory.apply([row.key for row in group])
        return {row.pk: outcomes.succeeded(f"R-{row.key}") for row in group}

    def plan_verify(self, deliveries: Sequence[Acknowledgement]) -> Plan[Acknowledgement]:
        def look(row: Acknowledgement) -> dict[int, Outcome]:
            self.memory.verified.append(row.key)
            return {row.pk: outcomes.succeeded("found") if self.memory.effects[row.key] else outcomes.absent()}

        return Plan([Call([row], lambda row=row: look(row)) for row in deliveries])


def make_due(count: int, prefix: str = "k") -> list[Acknowledgement]:
    """Store ``count`` due acknowledgements with their orders."""
    now = timezone.now()
    orders = Order.objects.bulk_create(
        Order(dsco_order_id=f"{prefix}{number}", first_seen_at=now, read_at=now) for number in range(count)
    )
    return Acknowledgement.objects.bulk_create(
        Acknowledgement(order=order, key=f"acknowledgement:{order.dsco_order_id}", status="due", due_at=now)
        for order in orders
    )
