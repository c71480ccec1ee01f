"""How long the orders' own history and the consumers' names and addresses are kept, and removing a person on request.

Only orders that are at their end lose their personal data: an open one still needs its address. What is masked, and
where it stands: ``orders/personal_removal.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from integrations.deliveries.states import IN_FLIGHT
from integrations.retention import register_chore
from integrations.sentences import gettext as _

from .events import record_events
from .holds import KINDS
from .models import Discrepancy, EventKind, Order, OrderVersion, Reconciliation
from .personal_removal import CHUNK, ENDED, StillOpen, mask_anywhere, mask_orders, open_among, personal_values


def orders_of(person: str) -> Iterator[Order]:
    """Yield the orders whose names, addresses, phones or mails contain a text, whatever its case.

    Reads every payload that still has personal data, CHUNK at a time: minutes on a million orders.
    """
    wanted = person.strip().casefold()
    rows = Order.objects.filter(personal_removed_at=None).order_by("pk")
    for order in rows.iterator(chunk_size=CHUNK):
        if any(wanted in value.casefold() for value in personal_values(order.payload)):
            yield order


def forget(orders: Iterable[Order], now: datetime, actor: str) -> int:
    """Remove the personal data of these orders on somebody's request, and say so on each.

    Returns how many were changed. Raises StillOpen, with nothing changed, when one is not at its end.
    """
    ids = [order.pk for order in orders]
    with transaction.atomic():
        chosen = _locked(Order.objects.filter(pk__in=ids))
        if still_open := open_among(chosen):
            raise StillOpen(*still_open)
        known = mask_orders([order for order in chosen if order.personal_removed_at is None], now)
        text = _("Names and addresses were removed on request.")
        record_events([order.pk for order in chosen], EventKind.STAFF, text, actor, now)
    mask_anywhere(set().union(*known.values()) if known else set())
    return len(known)


def _locked(rows: QuerySet[Order]) -> list[Order]:
    """Read orders as they are now and keep every other writer away: what DSCO sends meanwhile waits."""
    return list(rows.select_for_update(no_key=True).order_by("pk"))


def _remove_old_personal_data(before: datetime, limit: int) -> int:
    """Mask ended orders that are old enough; one with a delivery under way waits for its end."""
    old = Order.objects.filter(personal_removed_at=None, first_seen_at__lt=before, stage__in=ENDED)
    for kind in KINDS:
        old = old.filter(~Exists(kind._default_manager.filter(order=OuterRef("pk"), status__in=sorted(IN_FLIGHT))))
    ids = list(old.order_by("first_seen_at").values_list("pk", flat=True)[:limit])
    chosen = _locked(Order.objects.filter(pk__in=ids, personal_removed_at=None, stage__in=ENDED))
    mask_orders(chosen, timezone.now())
    return len(ids)


def _delete_versions(before: datetime, limit: int) -> int:
    """Delete former payloads of ended orders; what DSCO sent last stands in the order itself."""
    old = OrderVersion.objects.filter(received_at__lt=before, order__stage__in=ENDED).order_by("pk")
    ids = list(old.values_list("pk", flat=True)[:limit])
    if ids:
        OrderVersion.objects.filter(pk__in=ids).delete()
    return len(ids)


register_chore("order_versions_deleted", "RETENTION_VERSION_DAYS", _delete_versions)
register_chore("orders_made_anonymous", "RETENTION_PERSONAL_DAYS", _remove_old_personal_data)


def _delete_differences(before: datetime, limit: int) -> int:
    """Delete differences that are closed; one that was accepted as it is must stay, else it would be told again."""
    old = Discrepancy.objects.filter(closed_at__lt=before, accepted=False).order_by("pk")
    ids = list(old.values_list("pk", flat=True)[:limit])
    return Discrepancy.objects.filter(pk__in=ids).delete()[0] if ids else 0


def _delete_comparisons(before: datetime, limit: int) -> int:
    """Delete comparisons that are finished, but for the newest: the next night begins where it ended."""
    newest = Reconciliation.objects.exclude(until=None).order_by("-until").values_list("pk", flat=True)[:1]
    old = Reconciliation.objects.filter(finished_at__lt=before).exclude(pk__in=list(newest)).order_by("pk")
    ids = list(old.values_list("pk", flat=True)[:limit])
    return Reconciliation.objects.filter(pk__in=ids).delete()[0] if ids else 0


register_chore("differences_deleted", "RETENTION_HISTORY_DAYS", _delete_differences)
register_chore("comparisons_deleted", "RETENTION_HISTORY_DAYS", _delete_comparisons)
