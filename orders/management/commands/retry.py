"""``manage.py retry``: failed deliveries, and those that need attention, are due again now."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q

from integrations.deliveries import staff
from integrations.deliveries.kinds import delivery_kinds
from integrations.deliveries.states import State
from orders.models import Order

CHUNK = 1000
RETRIED = (State.FAILED, State.NEEDS_ATTENTION)


class Command(BaseCommand):
    """Make failed and needs-attention deliveries of one kind due now."""

    # CI runs the checks; here they would load every page first.
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own form
    help = "Make failed and needs-attention deliveries of a kind due now; what may have happened is verified first."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take --kind and, any number of times, --order."""
        parser.add_argument("--kind", required=True, metavar="KIND")
        parser.add_argument(
            "--order", action="extend", nargs="+", default=[], metavar="DSCO_ORDER_ID", help="only these orders"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit 2, with nothing changed, for an unknown kind or order. Prints one JSON line with the count."""
        kinds = delivery_kinds()
        name: str = options["kind"]
        if name not in kinds:
            raise CommandError(f"There is no kind {name!r}. Kinds: {', '.join(kinds)}.", returncode=2)
        conditions = Q(status__in=RETRIED)
        if wanted := list(dict.fromkeys(options["order"])):
            conditions &= Q(order__in=self._orders(name, wanted))
        rows = kinds[name].model._default_manager.filter(conditions)
        ids = list(rows.order_by("pk").values_list("pk", flat=True))
        chunks = (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
        results = [staff.retry(name, chunk, "command retry") for chunk in chunks]
        refused = {key: reason for result in results for key, reason in result.refused.items()}
        answer = {"kind": name, "retried": sum(result.changed for result in results)}
        self.stdout.write(json.dumps(answer | ({"refused": refused} if refused else {})))

    def _orders(self, kind: str, wanted: list[str]) -> list[int]:
        if kind == "stock_update":
            raise CommandError("A stock update belongs to no order: leave --order out.", returncode=2)
        found = dict(Order.objects.filter(dsco_order_id__in=wanted).values_list("dsco_order_id", "pk"))
        if unknown := [order_id for order_id in wanted if order_id not in found]:
            raise CommandError(f"Unknown orders: {', '.join(unknown)}. Nothing was changed.", returncode=2)
        return list(found.values())
