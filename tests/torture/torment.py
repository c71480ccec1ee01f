"""One run of ``make torture``: what is done to the processes, and what must be true in the end."""

from __future__ import annotations

import argparse
import json
import os
import random
import shlex
import socket
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connections
from django_q.models import OrmQ

from integrations.deliveries.kinds import delivery_kinds
from integrations.models import Flow
from integrations.processes import is_dead
from integrations.sandbox.demo import connect, stock_dsco
from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.sandbox import Sandbox
from orders.models import Order, Stage

from .clusters import ClusterProblem, ClusterProcess

EFFECTS = ("acknowledgement", "shipment", "invoice")
# A dead worker's own leases are released when the next one looks; nothing waits longer than a lease.
LONGEST_WAIT = 600.0


class Torment:
    """Starts the clusters, does all that is asked for to them, waits, compares."""

    def __init__(self, options: argparse.Namespace, directory: Path) -> None:
        self.options = options
        self.directory = directory
        self.chance = random.Random(options.seed)
        self.clusters: list[ClusterProcess] = []
        self.orders: list[str] = []
        self.stops: list[float] = []
        self.problems: list[str] = []
        self.redis: subprocess.Popen[bytes] | None = None
        self.redis_port = _free_port() if options.redis else 0

    def run(self) -> int:
        """Return the exit code."""
        how = SandboxOptions(
            async_seconds=0.3, audit_after_seconds=0.5, ship_after_seconds=0.5, latency_seconds=0.02,
            limit_scale=settings.RATE_LIMIT_SCALE,
        )  # fmt: skip
        with Sandbox(how) as self.sandbox:
            try:
                self._prepare()
                self._torment()
                self._judge(self._converge())
            finally:
                for cluster in self.clusters:
                    cluster.end()
                if self.redis:
                    self.redis.kill()
                    self.redis.wait()
                connections.close_all()
        for problem in self.problems[:30]:
            print(f"PROBLEM: {problem}")
        print("torture: " + ("failed" if self.problems else "passed"))
        return 1 if self.problems else 0

    # --- Before -----------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        os.environ.update(self.sandbox.environment())
        call_command("migrate", verbosity=0, interactive=False)
        stock_dsco(self.sandbox)
        self._order(max(self.options.orders // 20, 1))
        mappings = self.directory / "mappings.json"
        mappings.write_text(json.dumps(connect(self.sandbox, stock=100 * self.options.orders)))
        with open(os.devnull, "w") as nowhere:
            call_command("loadmappings", str(mappings), stdout=nowhere)
        if self.options.redis:
            os.environ["REDIS_URL"] = f"redis://127.0.0.1:{self.redis_port}/0"
            self._start_redis()
        for number in range(1 if self.options.sqlite else 2):
            log = self.directory / f"cluster-{number}.log"
            self.clusters.append(ClusterProcess(f"cluster {number}", dict(os.environ), log))

    def _order(self, count: int) -> None:
        self.orders += [str(order["dscoOrderId"]) for order in self.sandbox.dsco.add_orders(count)]

    def _start_redis(self) -> None:
        self.redis = subprocess.Popen(
            ["redis-server", "--port", str(self.redis_port), "--save", "", "--bind", "127.0.0.1"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    # --- What is done to them ---------------------------------------------------------------------------

    def _torment(self) -> None:
        kills = self.options.kills
        special = {kills // 3: self._lose_redis, kills // 2: self._restart_postgresql, 2 * kills // 3: self._fill_disk}
        time.sleep(6)  # the first run of everything
        for number in range(1, kills + 1):
            self._order((self.options.orders - len(self.orders)) // (kills - number + 1))
            time.sleep(self.chance.uniform(0.5, 8))
            if number in special:
                special[number]()
            cluster = self.chance.choice(self.clusters)
            way = self.chance.choice(["all", "all", "worker", "worker", "stop"])
            self._tell(f"{number} of {kills}: {way} of {cluster.name}")
            try:
                if way == "all":
                    cluster.kill()
                elif way == "worker":
                    cluster.kill_a_worker(self.chance)
                else:
                    self.stops.append(cluster.stop_in_good_order())
            except ClusterProblem as problem:
                self.problems.append(str(problem))
                cluster.keep_alive()
            for one in self.clusters:
                one.keep_alive()

    def _lose_redis(self) -> None:
        if self.redis is None:
            return
        self._tell("the Redis broker is lost, with all that was in it")
        self.redis.kill()
        self.redis.wait()
        time.sleep(3)
        self._start_redis()

    def _restart_postgresql(self) -> None:
        if self.options.restart_postgresql:
            self._tell("PostgreSQL restarts")
            subprocess.run(shlex.split(self.options.restart_postgresql), check=True)

    def _fill_disk(self) -> None:
        cluster = self.clusters[-1]
        self._tell(f"the disk for the log of {cluster.name} is full from now on")
        cluster.fill_the_disk()

    def _tell(self, text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {text}; {dict(self._stages())}", flush=True)

    # --- And then ---------------------------------------------------------------------------------------

    def _converge(self) -> float:
        """Wait until every order is at its end; return the seconds since the last fault."""
        started, told = time.monotonic(), 0.0
        while time.monotonic() - started < LONGEST_WAIT:
            for cluster in self.clusters:
                cluster.keep_alive()
            if self._stages() == Counter({Stage.INVOICED: self.options.orders}) and not self._left_by_the_dead():
                break
            time.sleep(0.5)
            if (waited := time.monotonic() - started) > told + 5:
                told = waited
                self._tell(f"{waited:.0f} s later; {self._what_is_open()}")
        return time.monotonic() - started

    def _what_is_open(self) -> str:
        """Return what the time is spent on: rows by state and reason, flows that run, jobs that wait."""
        try:
            parts = []
            for name, kind in delivery_kinds().items():
                rows = kind.model._default_manager.exclude(status__in=["succeeded", "skipped", "cancelled"])
                counted = Counter(rows.values_list("status", "reason_code"))
                parts += [f"{name} {state} {reason}: {count}" for (state, reason), count in counted.items()]
            running = Flow.objects.exclude(lease_token="").values_list("name", flat=True)
            return "; ".join([*parts, f"runs {', '.join(running)}", f"queue {OrmQ.objects.count()}"])
        except DatabaseError:
            connections.close_all()
            return "the database is away"

    def _left_by_the_dead(self) -> bool:
        """Whether a flow is still leased by a killed worker: the next run of it takes the lease over."""
        holders = Flow.objects.exclude(lease_token="").values_list("lease_holder", flat=True)
        return any(is_dead(holder) for holder in holders)

    def _stages(self) -> Counter[Any]:
        try:
            return Counter(Order.objects.values_list("stage", flat=True))
        except DatabaseError:
            connections.close_all()
            return Counter()

    def _judge(self, seconds: float) -> None:
        print(f"converged {seconds:.0f} s after the last fault: {dict(self._stages())}")
        if seconds > self.options.patience:
            self.problems.append(f"it took {seconds:.0f} s; at most {self.options.patience:.0f} are promised")
        for cluster in self.clusters:
            try:
                self.stops.append(cluster.stop_for_good())
            except ClusterProblem as problem:
                self.problems.append(str(problem))
        kills = sum(cluster.kills for cluster in self.clusters)
        longest = max(self.stops, default=0)
        ended = sum(cluster.ended for cluster in self.clusters)
        print(f"{ended} times a cluster ended by itself and was started again")
        print(f"{kills} times kill -9; {len(self.stops)} times SIGTERM, the slowest stop took {longest:.1f} s")
        self._compare_books()
        for name, kind in delivery_kinds().items():
            rows = kind.model._default_manager
            self.problems += [f"{name} {row.key} is still leased" for row in rows.exclude(lease_token="")]
            parked = rows.filter(status__in=["failed", "needs_attention"])
            self.problems += [f"{name} {row.key}: {row.status} {row.reason_code}" for row in parked]
        held = Flow.objects.exclude(lease_token="").values_list("name", flat=True)
        self.problems += [f"flow {name} is still leased" for name in held]

    def _compare_books(self) -> None:
        dsco, lingxing = self.sandbox.dsco, self.sandbox.lingxing
        self.problems += [f"twice: {one}" for one in dsco.duplicates() + lingxing.duplicates()]
        for order_id in self.orders:
            counts = {kind: dsco.effect_count(kind, order_id) for kind in EFFECTS}
            counts["erp_order"] = lingxing.effect_count("erp_order", order_id)
            self.problems += [f"{order_id}: {kind} {count} times" for kind, count in counts.items() if count != 1]
        self.problems += [f"the vendors complain: {text}" for text in self.sandbox.violations[:10]]


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
