"""The sandbox: both vendors on one loopback port, with faults on order, a clock that can be moved and a book of what
really happened.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from types import TracebackType

from .control import ControlApi
from .dispatch import Dispatcher, LoggedCall
from .dsco import DscoStandIn
from .dsco.invented import RETAILERS, SERVICE_LEVELS
from .faults import Faults
from .http import Clock, Violations
from .lingxing import LingXingStandIn
from .options import SandboxOptions
from .server import LoopbackServer

DSCO_PREFIX = "/dsco/api/v3"
LINGXING_PREFIX = "/lingxing"
LINGXING_PLATFORM_CODE = 10009
TICK_SECONDS = 0.2


class Sandbox:
    """Both stand-ins behind real HTTP. Use it as a context manager, or with start() and stop().

    port: 0 picks a free one; None opens none at all: then requests are handed to ``dispatcher`` in this process, and
    nothing happens by itself (``tick``). monotonic: the time in which the documented limits are counted.
    """

    def __init__(
        self,
        options: SandboxOptions | None = None,
        port: int | None = 0,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.options = options or SandboxOptions()
        self.clock = Clock()
        self.faults = Faults(self._chance(0))
        self._violations = Violations()
        self.dsco = DscoStandIn(self.options, self.clock, self._chance(1), self._violations)
        self.lingxing = LingXingStandIn(self.options, self.clock, self._chance(2), self._violations)
        self.dispatcher = Dispatcher(self.options, self.clock, self.faults, self._violations, monotonic)
        self.dispatcher.add_vendor(DSCO_PREFIX, self.dsco)
        self.dispatcher.add_vendor(LINGXING_PREFIX, self.lingxing)
        control = ControlApi(self)
        self.dispatcher.add_handler("/control", control.answer)
        self.dispatcher.add_handler("/healthz", control.health)
        self.scenes: list[Callable[[], None]] = []
        """Called about five times a second: what the demo's people do when something has happened."""
        self._server = None if port is None else LoopbackServer(self.dispatcher, port)
        self._ticker = threading.Thread(target=self._tick, name="sandbox-ticker", daemon=True)
        self._next_order_at: float | None = None
        self._randomness = self._chance(3)

    def start(self) -> Sandbox:
        """Serve in background threads."""
        if self._server is not None:
            self._server.start()
            self._ticker.start()
        if self.options.troubles:
            from .demo import seed_demo  # noqa: PLC0415 (demo needs this module)

            seed_demo(self)
        return self

    def stop(self) -> None:
        """Close every connection and the port."""
        self.dispatcher.stopping.set()
        if self._server is not None:
            self._server.stop()
        if self._ticker.is_alive():
            self._ticker.join(timeout=1)

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The server's address, without a slash at the end."""
        return "http://127.0.0.1" if self._server is None else f"http://127.0.0.1:{self._server.port}"

    @property
    def dsco_url(self) -> str:
        """DSCO_BASE_URL for a client of this sandbox."""
        return self.url + DSCO_PREFIX

    @property
    def lingxing_url(self) -> str:
        """LINGXING_BASE_URL for a client of this sandbox."""
        return self.url + LINGXING_PREFIX

    @property
    def requests(self) -> Counter[tuple[str, str]]:
        """How many requests came, by (vendor, operation)."""
        return self.dispatcher.requests

    @property
    def request_log(self) -> deque[LoggedCall]:
        """The last 10,000 requests, oldest first."""
        return self.dispatcher.log

    @property
    def violations(self) -> list[str]:
        """Every time a client broke a limit, sent an invalid body or signed wrongly."""
        return self._violations.entries

    def forget_requests(self) -> None:
        """Start counting anew: requests, log, violations and the limits' memory; the vendors' state stays."""
        self.dispatcher.requests.clear()
        self.dispatcher.log.clear()
        self.dispatcher.limits.reset()
        self._violations.entries.clear()
        self._violations.total = 0

    def environment(self) -> dict[str, str]:
        """The environment variables that point OrderBridge to this sandbox."""
        return {
            "DSCO_BASE_URL": self.dsco_url,
            "DSCO_CLIENT_ID": self.dsco.client_id,
            "DSCO_CLIENT_SECRET": self.dsco.client_secret,
            "LINGXING_BASE_URL": self.lingxing_url,
            "LINGXING_APP_ID": self.lingxing.app_id,
            "LINGXING_APP_SECRET": self.lingxing.app_secret,
            "LINGXING_PLATFORM_CODE": str(LINGXING_PLATFORM_CODE),
        }

    def _chance(self, number: int) -> random.Random:
        return random.Random(self.options.seed * 10 + number)  # noqa: S311 (repeatable chances, not secrets)

    def _tick(self) -> None:
        while not self.dispatcher.stopping.wait(TICK_SECONDS):
            self.tick()

    def tick(self) -> None:
        """Do what is due at both vendors; called about five times a second where a port is open."""
        for step in (self.dsco.tick, self.lingxing.tick, self._order_by_itself, *self.scenes):
            try:
                step()
            except Exception as error:  # one failed scene must not stop the world; tests see it here
                self._violations.add(f"sandbox: {getattr(step, '__qualname__', step)} failed: {error!r}")

    def _order_by_itself(self) -> None:
        every = self.options.new_order_every_seconds
        if every is None:
            self._next_order_at = None
            return
        now = self.clock.now()
        if self._next_order_at is None:
            self._next_order_at = now + every
        if now >= self._next_order_at:
            self._next_order_at = now + every
            self.dsco.add_order(
                retailer=self._randomness.choice(list(RETAILERS)),
                warehouse=self._randomness.choice(list(self.dsco.warehouses) or ["EAST"]),
                service_level=self._randomness.choice(list(SERVICE_LEVELS)),
                lines=self._randomness.randint(1, 3),
            )
