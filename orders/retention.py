"""How long the orders' own history and the consumers' names and addresses are kept, and removing a person on request.

Only orders that are at their end lose their personal data: an open one still needs its address.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from integrations.redaction import MASK, PERSONAL_KEYS, mask_personal
from integrations.retention import register_chore
from integrations.sentences import gettext as _
from integrations.sentences import with_words

from .events import record_events
from .models import EventKind, Invoice, Order, OrderEvent, OrderVersion, Shipment, Stage

ENDED = (Stage.INVOICED, Stage.CANCELLED, Stage.CLOSED)
# Orders that are read at once while a person is looked for.
CHUNK = 500
# Shorter texts would be found in half of all comments.
SHORTEST_NEEDLE = 4


class StillOpen(Exception):
    """An order is not at its end: its consumer's data are still needed. ``args``: the DSCO order ids."""


def orders_of(person: str) -> Iterator[Order]:
    """Yield the orders whose names, addresses, phones or mails contain a text, whatever its case.

    Reads every payload that still has personal data, CHUNK at a time: minutes on a million orders.
    """
    wanted = person.strip().casefold()
    rows = Order.objects.filter(personal_removed_at=None).order_by("pk")
    for order in rows.iterator(chunk_size=CHUNK):
        if any(wanted in value.casefold() for value in personal_values(order.payload)):
            yield order


def personal_values(document: Any, inside: bool = False) -> Iterator[str]:
    """Yield the personal texts of a payload."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield from personal_values(value, inside or str(key).lower() in PERSONAL_KEYS)
    elif isinstance(document, list):
        for value in document:
            yield from personal_values(value, inside)
    elif inside and document not in (None, "", MASK):
        yield str(document)


@transaction.atomic
def remove_personal_data(orders: Iterable[Order], now: datetime) -> int:
    """Mask who these ended orders went to, wherever it stands: payload, versions, what was sent, comments.

    Returns how many were changed. Raises StillOpen, with nothing changed, when one is not at its end.
    """
    chosen = [order for order in orders if order.personal_removed_at is None]
    if still_open := [order.dsco_order_id for order in chosen if order.stage not in ENDED]:
        raise StillOpen(*still_open)
    ids = [order.pk for order in chosen]
    known = {order.pk: set(personal_values(order.payload)) for order in chosen}
    for order in chosen:
        order.payload, order.personal_removed_at = mask_personal(order.payload), now
    Order.objects.bulk_update(chosen, ["payload", "personal_removed_at"], batch_size=CHUNK)
    versions = list(OrderVersion.objects.filter(order__in=ids))
    for version in versions:
        version.payload = mask_personal(version.payload)
    OrderVersion.objects.bulk_update(versions, ["payload"], batch_size=CHUNK)
    for shipment in (shipments := list(Shipment.objects.filter(order__in=ids))):
        shipment.body = mask_personal(shipment.body)
    Shipment.objects.bulk_update(shipments, ["body"], batch_size=CHUNK)
    for invoice in (invoices := list(Invoice.objects.filter(order__in=ids))):
        invoice.body = mask_personal(invoice.body)
    Invoice.objects.bulk_update(invoices, ["body"], batch_size=CHUNK)
    _clean_comments(ids, known)
    return len(chosen)


def _clean_comments(ids: list[int], known: dict[int, set[str]]) -> None:
    changed = []
    for event in OrderEvent.objects.filter(order__in=ids).exclude(text=""):
        text = event.text
        for value in sorted(known[event.order_id], key=len, reverse=True):
            if len(value) >= SHORTEST_NEEDLE:
                text = with_words(text, lambda words, value=value: words.replace(value, MASK))  # type: ignore[misc]
        if text != event.text:
            event.text = text
            changed.append(event)
    OrderEvent.objects.bulk_update(changed, ["text"], batch_size=CHUNK)


def forget(orders: Iterable[Order], now: datetime, actor: str) -> int:
    """Remove the personal data of these orders on somebody's request, and say so on each. Raises StillOpen."""
    chosen = list(orders)
    with transaction.atomic():
        number = remove_personal_data(chosen, now)
        text = _("Names and addresses were removed on request.")
        record_events([order.pk for order in chosen], EventKind.STAFF, text, actor, now)
    return number


def _remove_old_personal_data(before: datetime, limit: int) -> int:
    old = Order.objects.filter(personal_removed_at=None, first_seen_at__lt=before, stage__in=ENDED)
    return remove_personal_data(old.order_by("first_seen_at")[:limit], timezone.now())


def _delete_versions(before: datetime, limit: int) -> int:
    """Delete former payloads of ended orders; what DSCO sent last stands in the order itself."""
    old = OrderVersion.objects.filter(received_at__lt=before, order__stage__in=ENDED).order_by("pk")
    ids = list(old.values_list("pk", flat=True)[:limit])
    if ids:
        OrderVersion.objects.filter(pk__in=ids).delete()
    return len(ids)


register_chore("order_versions_deleted", "RETENTION_VERSION_DAYS", _delete_versions)
register_chore("orders_made_anonymous", "RETENTION_PERSONAL_DAYS", _remove_old_personal_data)
