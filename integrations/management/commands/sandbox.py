"""``manage.py sandbox``: the stand-ins for both vendors on loopback, until Ctrl-C."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.management.arguments import port_number, seconds, whole_number
from integrations.sandbox.demo import connect, demo_mappings, stock_dsco
from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.sandbox import Sandbox


class Command(BaseCommand):
    """Run the sandbox in the foreground."""

    help = "Runs local stand-ins for DSCO and LingXing and prints the environment variables that lead to them."
    requires_system_checks: list[str] = []  # noqa: RUF012 (Django's own form)

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--port", type=port_number, default=8899, help="port on 127.0.0.1; 0 takes a free one")
        parser.add_argument("--seed", type=int, default=1, help="the same seed invents the same orders")
        parser.add_argument("--orders", type=whole_number, default=0, help="start with this many DSCO orders")
        parser.add_argument("--order-bytes", type=whole_number, default=0, help="size of an invented order as JSON")
        parser.add_argument("--latency", type=seconds, default=0, metavar="SECONDS", help="wait before every answer")
        parser.add_argument("--audit-after", type=seconds, metavar="SECONDS", help="the ERP audits orders by itself")
        parser.add_argument("--ship-after", type=seconds, metavar="SECONDS", help="the warehouse ships by itself")
        parser.add_argument(
            "--new-order-every", type=seconds, metavar="SECONDS", help="new DSCO orders arrive by themselves"
        )
        parser.add_argument(
            "--visibility-delay", type=seconds, default=0, metavar="SECONDS", help="reads lag behind writes"
        )
        parser.add_argument("--no-limits", action="store_true", help="do not enforce the vendors' limits")
        parser.add_argument(
            "--limit-scale", type=float, default=1, help="the vendors' limits are this many times higher"
        )
        parser.add_argument("--troubles", action="store_true", help="start with the demo's cast of orders")
        parser.add_argument(
            "--mappings", type=Path, metavar="FILE", help="write the fitting mappings for loadmappings here"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Start, print where to find it, and wait for SIGINT or SIGTERM."""
        done = threading.Event()

        def stop(number: int, frame: FrameType | None) -> None:
            done.set()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        try:
            sandbox = Sandbox(_sandbox_options(options), port=options["port"])
        except OSError as error:
            raise CommandError(
                f"Port {options['port']} cannot be used: {error.strerror}. Choose another with --port."
            ) from error
        with sandbox:
            if not options["troubles"]:
                stock_dsco(sandbox)
            sandbox.dsco.add_orders(options["orders"])
            self._introduce(sandbox, options)
            done.wait()
        self.stdout.write("Sandbox stopped.")

    def _introduce(self, sandbox: Sandbox, options: dict[str, Any]) -> None:
        mappings = demo_mappings() if options["troubles"] else connect(sandbox)
        if options["mappings"]:
            try:
                options["mappings"].write_text(json.dumps(mappings, indent=2) + "\n", encoding="utf-8")
            except OSError as error:
                text = f"{options['mappings']} cannot be written: {error.strerror}."
                raise CommandError(text, returncode=2) from None
        self.stdout.write(f"Sandbox at {sandbox.url} (state: {sandbox.url}/control/state). To use it:\n")
        for name, value in sandbox.environment().items():
            self.stdout.write(f"export {name}={value}")
        self.stdout.write("\nStop with Ctrl-C.")
        self.stdout.flush()


def _sandbox_options(options: dict[str, Any]) -> SandboxOptions:
    return SandboxOptions(
        seed=options["seed"],
        latency_seconds=options["latency"],
        visibility_delay_seconds=options["visibility_delay"],
        audit_after_seconds=options["audit_after"],
        ship_after_seconds=options["ship_after"],
        enforce_limits=not options["no_limits"],
        limit_scale=options["limit_scale"],
        new_order_every_seconds=options["new_order_every"],
        order_bytes=options["order_bytes"],
        troubles=options["troubles"],
    )
