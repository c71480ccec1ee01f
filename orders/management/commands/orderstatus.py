"""``manage.py orderstatus``: the trace of one order."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders.finding import find_orders
from orders.models import Order
from orders.order_status import order_status, waiting_reasons

LABELS = {"last_attempt_at": "last", "next_attempt_at": "next", "remote_reference": "reference"}


class Command(BaseCommand):
    """Print where an order stands and why."""

    # CI runs the checks; here they would load every page first.
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own form
    help = "Show where an order stands: its ERP orders and every delivery with attempts and errors."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the DSCO order id and --json."""
        parser.add_argument("dsco_order_id", metavar="DSCO_ORDER_ID")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 1 when there is no such order."""
        wanted: str = options["dsco_order_id"]
        order = Order.objects.defer("payload").filter(dsco_order_id=wanted.strip()).first()
        if order is None:
            raise CommandError(_unknown(wanted), returncode=1)
        status = order_status(order)
        if options["json"]:
            self.stdout.write(json.dumps(status, ensure_ascii=False))
        else:
            self.stdout.write("\n".join(_lines(status, waiting_reasons(order))))


def _unknown(wanted: str) -> str:
    others = ", ".join(find_orders(wanted).values_list("dsco_order_id", flat=True)[:5])
    if others:
        return f"{wanted} is no DSCO order id, but belongs to: {others}."
    return f"There is no order with the DSCO order id {wanted}. To pull it: runflow pull_orders --order {wanted}"


def _lines(status: dict[str, Any], reasons: dict[str, str]) -> list[str]:
    numbers = ", ".join(status["lingxing_order_numbers"]) or "none"
    lines = [
        f"Order {status['dsco_order_id']}  PO {status['po_number'] or '-'}  stage {status['stage']}"
        + ("  HELD" if status["held"] else ""),
        f"LingXing orders: {numbers}",
    ]
    for row in status["deliveries"]:
        line = f"{row['kind']:<16} {row['status']:<16} attempts {row['attempts']}"
        for name, label in LABELS.items():
            line += f"  {label} {row[name]}" if row[name] else ""
        if reason := reasons.get(row["kind"]) if row["status"] == "waiting" else None:
            line += f"  because {reason}"
        lines.append(line)
        if row["last_error_code"] or row["last_error"]:
            lines.append(f"{'':<16} {row['last_error_code']}: {row['last_error']}")
    return lines
