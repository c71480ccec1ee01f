"""The vendors' documented limits, as the vendors would count them: arrivals per second and minute (DSCO), calls in
flight (LingXing).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from .options import SandboxOptions

SLOT_SECONDS = 120.0

# Calls per second and per minute. Operations that are not named have no documented limit.
DSCO_RATES: dict[str, tuple[int, int]] = {
    "get_order": (10, 500),
    "get_orders": (10, 500),
    "acknowledge": (15, 1000),
    "acknowledge_items": (15, 1000),
    "single_shipment": (15, 300),
    "get_invoice": (15, 1000),
    "create_invoice": (15, 1000),
    "get_inventory": (15, 300),
    "single_item": (5, 300),
}


@dataclass
class Slot:
    """One call in flight. The vendor takes the slot back by itself when the call takes too long."""

    path: str
    taken_at: float


class Limits:
    """Counts every call in real time (not in sandbox time: limits protect machines), or in that of ``monotonic``."""

    def __init__(self, options: SandboxOptions, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._options = options
        self._monotonic = monotonic
        self._arrivals: dict[str, deque[float]] = {}
        self._slots: dict[str, list[Slot]] = {}
        self._lock = threading.Lock()

    def arrive(self, operation: str) -> str:
        """Count a DSCO call. Returns "" or the limit that it broke. Refused calls do not use up the rate."""
        rate = DSCO_RATES.get(operation)
        if rate is None:
            return ""
        now = self._monotonic()
        per_second, per_minute = (round(limit * self._options.limit_scale) for limit in rate)
        with self._lock:
            arrivals = self._arrivals.setdefault(operation, deque())
            while arrivals and arrivals[0] <= now - 60:
                arrivals.popleft()
            broken = ""
            if len(arrivals) >= per_minute:
                broken = f"{per_minute} calls per minute"
            elif len(arrivals) >= per_second and arrivals[-per_second] > now - 1:
                broken = f"{per_second} calls per second"
            if not broken:
                arrivals.append(now)
        return broken

    def take_slot(self, path: str, capacity: int) -> Slot | str:
        """Begin a LingXing call of a path with room for ``capacity`` calls in flight. Returns its slot, or what is
        used up.
        """
        now = self._monotonic()
        hold = SLOT_SECONDS / self._options.limit_scale
        with self._lock:
            slots = [slot for slot in self._slots.get(path, []) if slot.taken_at > now - hold]
            self._slots[path] = slots
            if len(slots) >= capacity:
                return f"{capacity} call{'s' * (capacity > 1)} in flight"
            slot = Slot(path, now)
            slots.append(slot)
            return slot

    def give_back(self, slot: Slot) -> None:
        """End a LingXing call."""
        with self._lock:
            slots = self._slots.get(slot.path, [])
            if slot in slots:
                self._slots[slot.path] = [other for other in slots if other is not slot]

    def reset(self) -> None:
        """Forget every call so far."""
        with self._lock:
            self._arrivals.clear()
            self._slots.clear()
