"""Masking who ended orders went to, wherever it stands: in the payload, in what was sent, in texts about the orders.

What vendors and people wrote is no document with names and addresses in known places, so it is searched for the
values that the payloads had.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib.admin.models import LogEntry
from django.db import models
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from integrations.deliveries.states import IN_FLIGHT
from integrations.models import (
    Alert,
    ApiCall,
    ApiRequest,
    Attempt,
    BulkRow,
    BulkRun,
    Cause,
    Export,
    FlowRun,
    ShadowCall,
)
from integrations.redaction import MASK, PERSONAL_KEYS, mask_personal
from integrations.sentences import gettext as _
from integrations.sentences import with_words

from .holds import KINDS
from .models import (
    CancellationPause,
    Discrepancy,
    Invoice,
    InvoiceDocument,
    Order,
    OrderEvent,
    OrderVersion,
    Reconciliation,
    Shipment,
    Stage,
)

ENDED = (Stage.INVOICED, Stage.CANCELLED, Stage.CLOSED)
CHUNK = 500
# Shorter texts would be found in half of all comments.
SHORTEST_NEEDLE = 4
# Where texts of all orders are searched, a value must be long enough to mean this person.
SHORTEST_ANYWHERE = 6
NAMES = frozenset({"name", "firstname", "lastname", "attention"})
# Texts that belong to no single order, or to none that can be told. Searched on request only: it takes its time.
ANYWHERE: tuple[tuple[type[models.Model], tuple[str, ...]], ...] = (
    (ApiCall, ("path", "request_excerpt", "response_excerpt")),
    (ApiRequest, ("answer",)),
    (Attempt, ("message",)),
    (FlowRun, ("error", "notes")),
    (Cause, ("message", "note")),
    (Alert, ("subject", "facts")),
    (BulkRun, ("parameters", "origin")),
    (BulkRow, ("message",)),
    (ShadowCall, ("body", "problem")),
    (Discrepancy, ("ours", "theirs", "result")),
    (Reconciliation, ("error",)),
    (LogEntry, ("object_repr", "change_message")),
)


class StillOpen(Exception):
    """An order is not at its end: its consumer's data are still needed. ``args``: the DSCO order ids."""


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


def names_in(document: Any, inside: bool = False) -> Iterator[str]:
    """Yield the single words of the names of a payload: a person is seldom written about with his full name."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield from names_in(value, str(key).lower() in NAMES)
    elif isinstance(document, list):
        for value in document:
            yield from names_in(value, inside)
    elif inside and isinstance(document, str) and document != MASK:
        yield from document.split()


def open_among(orders: Iterable[Order]) -> list[str]:
    """Return the DSCO ids of those that still need their data: not at their end, or with a delivery under way."""
    found = list(orders)
    busy: set[int] = set()
    for kind in KINDS:
        rows = kind._default_manager.filter(order__in=[order.pk for order in found], status__in=sorted(IN_FLIGHT))
        busy |= set(rows.values_list("order_id", flat=True))
    return [order.dsco_order_id for order in found if order.stage not in ENDED or order.pk in busy]


def mask_orders(orders: Sequence[Order], now: datetime) -> dict[int, set[str]]:
    """Mask these orders (locked) and everything that is known to be about them; they keep a mark that this was done.

    Returns the personal texts that they had, by primary key.
    """
    ids = [order.pk for order in orders]
    versions = list(OrderVersion.objects.filter(order__in=ids))
    known: dict[int, set[str]] = {order.pk: _texts_of(order.payload) for order in orders}
    for version in versions:
        known[version.order_id] |= _texts_of(version.payload)
    for order in orders:
        mask = _masker(known[order.pk])
        order.payload, order.personal_removed_at = mask_personal(order.payload), now
        order.hold_reason, order.problem = mask(order.hold_reason), with_words(order.problem, mask)
    Order.objects.bulk_update(orders, ["payload", "personal_removed_at", "hold_reason", "problem"], batch_size=CHUNK)
    for version in versions:
        version.payload = mask_personal(version.payload)
    OrderVersion.objects.bulk_update(versions, ["payload"], batch_size=CHUNK)
    _mask_bodies(Shipment, ids)
    _mask_bodies(Invoice, ids)
    _mask_documents(Shipment, ids, ("draft",), known)
    _mask_documents(Discrepancy, ids, ("ours", "theirs", "result"), known)
    _mask_documents(OrderEvent, ids, ("text",), known)
    _mask_documents(CancellationPause, ids, ("reason", "result"), known)
    papers = InvoiceDocument.objects.filter(invoice__order__in=ids)
    _mask_rows(papers, ("name", "url"), set().union(*known.values()) if known else set())
    for kind in KINDS:
        _mask_documents(kind, ids, ("last_error",), known)
        _mask_history(kind, ids, known)
    _mask_calls(ApiCall.objects.filter(order_events__order__in=ids), known)
    _mask_bulk_rows("order", {pk: pk for pk in ids}, known)
    return known


def mask_anywhere(texts: Collection[str]) -> int:
    """Mask these texts in everything that is kept about no single order, and empty exports with names in them.

    Returns how many rows were changed. Reads whole tables.
    """
    needles = [text for text in texts if len(text) >= SHORTEST_ANYWHERE and not text.isdecimal()]
    if not needles:
        return 0
    number = 0
    for model, columns in ANYWHERE:
        number += _mask_rows(_mentioning(model, columns, needles), columns, needles)
    files = Export.objects.filter(content__isnull=False, filters__personal=True)
    text = _("The file was removed, because one of its consumers asked for his data to be deleted. Export again.")
    return number + files.update(content=None, error=text)


# --- Where it stands ----------------------------------------------------------------------------------


def _texts_of(payload: Any) -> set[str]:
    return {text for text in (*personal_values(payload), *names_in(payload)) if len(text) >= SHORTEST_NEEDLE}


def _masker(texts: Iterable[str]) -> Callable[[str], str]:
    """Return the function that masks these texts in others, as whole words and whatever their case."""
    wanted = sorted(set(texts), key=len, reverse=True)
    if not wanted:
        return lambda words: words
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, wanted))})(?!\w)", re.IGNORECASE)
    return lambda words: pattern.sub(MASK, words)


def _masked(value: Any, mask: Callable[[str], str]) -> Any:
    """Return a text, a sentence or a document with its words masked."""
    if isinstance(value, dict):
        return {key: _masked(item, mask) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, mask) for item in value]
    return with_words(value, mask) if isinstance(value, str) else value


def _mask_documents(
    model: type[models.Model], ids: Sequence[int], columns: Sequence[str], known: Mapping[int, set[str]]
) -> None:
    changed = []
    for row in model._default_manager.filter(order__in=ids).only("pk", "order_id", *columns):
        texts = known[row.order_id]  # type: ignore[attr-defined]
        if _mask_columns(row, columns, texts):
            changed.append(row)
    model._default_manager.bulk_update(changed, columns, batch_size=CHUNK)


def _mask_bodies(model: Any, ids: Sequence[int]) -> None:
    rows = list(model._default_manager.filter(order__in=ids).only("pk", "body"))
    for row in rows:
        row.body = mask_personal(row.body)
    model._default_manager.bulk_update(rows, ["body"], batch_size=CHUNK)


def _mask_history(kind: Any, ids: Sequence[int], known: Mapping[int, set[str]]) -> None:
    """Attempts, their calls, what shadow mode kept, and what bulk runs said about the deliveries of one kind."""
    orders = dict(kind._default_manager.filter(order__in=ids).values_list("pk", "order_id"))
    kept: tuple[tuple[Any, tuple[str, ...]], ...] = ((Attempt, ("message",)), (ShadowCall, ("body", "problem")))
    for model, columns in kept:
        changed = [
            row
            for row in model._default_manager.filter(kind=kind.KIND, delivery_id__in=list(orders))
            if _mask_columns(row, columns, known[orders[row.delivery_id]])
        ]
        model._default_manager.bulk_update(changed, columns, batch_size=CHUNK)
    attempts = Attempt.objects.filter(kind=kind.KIND, delivery_id__in=list(orders))
    _mask_calls(ApiCall.objects.filter(Q(attempts__in=attempts) | Q(earlier_attempts__in=attempts)), known)
    _mask_bulk_rows(kind.KIND, orders, known)


def _mask_calls(calls: models.QuerySet[ApiCall], known: Mapping[int, set[str]]) -> None:
    """A call of a batch is about several orders: it is searched for the texts of all of them."""
    texts = set().union(*known.values()) if known else set()
    _mask_rows(calls, ("path", "request_excerpt", "response_excerpt"), texts)


def _mask_bulk_rows(subject: str, orders: Mapping[int, int], known: Mapping[int, set[str]]) -> None:
    rows = BulkRow.objects.filter(run__subject=subject, object_id__in=list(orders)).exclude(message="")
    changed = [row for row in rows if _mask_columns(row, ("message",), known[orders[row.object_id]])]
    BulkRow.objects.bulk_update(changed, ["message"], batch_size=CHUNK)


def _mask_columns(row: models.Model, columns: Sequence[str], texts: Iterable[str]) -> bool:
    """Mask columns of a row in memory; return whether anything changed."""
    changed, mask = False, _masker(texts)
    for name in columns:
        before = getattr(row, name)
        after = _masked(before, mask)
        if after != before:
            setattr(row, name, after)
            changed = True
    return changed


def _mask_rows(rows: models.QuerySet[Any], columns: Sequence[str], texts: Collection[str]) -> int:
    ids = list(rows.order_by().values_list("pk", flat=True).distinct())
    number = 0
    for start in range(0, len(ids), CHUNK):
        chunk = rows.model._default_manager.filter(pk__in=ids[start : start + CHUNK]).only("pk", *columns)
        changed = [row for row in chunk if _mask_columns(row, columns, texts)]
        rows.model._default_manager.bulk_update(changed, columns, batch_size=CHUNK)
        number += len(changed)
    return number


def _mentioning(model: type[models.Model], columns: Sequence[str], needles: Iterable[str]) -> models.QuerySet[Any, Any]:
    """Return the rows of which a column, as text, holds one of the needles whatever its case."""
    rows: models.QuerySet[Any, Any] = model._default_manager.annotate(
        **{f"{name}_text": Cast(name, TextField()) for name in columns}
    )
    found = Q()
    for needle in needles:
        for spelling in {needle, json.dumps(needle)[1:-1]}:  # SQLite keeps JSON in ASCII
            for name in columns:
                found |= Q(**{f"{name}_text__icontains": spelling})
    return rows.filter(found)
