"""``manage.py forget``: one person's names and addresses are removed from everything that is kept."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from orders.models import Order
from orders.personal_removal import SHORTEST_NEEDLE, StillOpen, open_among
from orders.retention import forget, orders_of


class Command(BaseCommand):
    """Answer a deletion request."""

    help = "Remove one person's names, addresses, phones and mails: of named orders, or of all orders that hold a text."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take orders or a text, and --dry-run."""
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("--order", action="extend", nargs="+", metavar="DSCO_ORDER_ID", help="these orders")
        who.add_argument(
            "--person", metavar="TEXT", help="every order whose name, address, phone or mail contains this"
        )
        parser.add_argument("--dry-run", action="store_true", help="only say which orders these are")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 2, with nothing changed, for an unknown order, a short text, or when an order is still open."""
        orders = self._named(options["order"]) if options["order"] else self._of_person(options["person"])
        still_open = open_among(orders)
        answer: dict[str, Any] = {"orders": [order.dsco_order_id for order in orders], "still_open": still_open}
        if not options["dry_run"]:
            try:
                answer["changed"] = forget(orders, timezone.now(), "command forget")
            except StillOpen as reason:
                raise CommandError(
                    f"Still open, their addresses are needed: {', '.join(reason.args)}. Cancel or finish them first."
                    " Nothing was changed.",
                    returncode=2,
                ) from None
        self.stdout.write(json.dumps(answer))

    def _named(self, wanted: list[str]) -> list[Order]:
        found = {order.dsco_order_id: order for order in Order.objects.filter(dsco_order_id__in=wanted)}
        if unknown := [order_id for order_id in wanted if order_id not in found]:
            raise CommandError(f"Unknown orders: {', '.join(unknown)}. Nothing was changed.", returncode=2)
        return list(found.values())

    def _of_person(self, person: str) -> list[Order]:
        if len(person.strip()) < SHORTEST_NEEDLE:
            raise CommandError(
                f"--person needs at least {SHORTEST_NEEDLE} characters. Nothing was changed.", returncode=2
            )
        return list(orders_of(person))
