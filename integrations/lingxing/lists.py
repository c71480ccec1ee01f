"""LingXing's own lists, kept as last read, so that a page can check an id without calling LingXing.

``read_lists`` reads them (a worker does, once a day and when a person asks); the rest answers from the database.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from ..errors import ConfigurationError, VendorError
from ..models import LingXingEntry, LingXingList, ListName
from .client import LingXingClient

log = structlog.get_logger(__name__)

# Read daily: after some days without success "it is not in the list" is no longer certain.
CERTAIN_FOR = timedelta(days=3)
WAREHOUSE_TYPES = (1, 3, 4, 6)
STORES_PER_CALL = 20
CHUNK = 500
SUGGESTIONS = 20
_COLUMNS = ("name", "kind", "sid", "third_party_code", "usable", "read_at")


@dataclass(frozen=True, slots=True)
class ListState:
    """How far one list can be trusted. ``read_at`` is None when it was never read."""

    name: ListName
    read_at: datetime | None = None
    complete: bool = True
    error: str = ""

    @property
    def certain(self) -> bool:
        """Return whether an id that is not in the list does not exist."""
        return self.complete and self.read_at is not None and timezone.now() - self.read_at <= CERTAIN_FOR


def list_states() -> dict[ListName, ListState]:
    """Return the state of every list, the never read ones too: one query."""
    found = {row.name: row for row in LingXingList.objects.all()}
    return {
        name: ListState(name, row.read_at, row.complete, row.error) if (row := found.get(name)) else ListState(name)
        for name in ListName
    }


def entries_of(name: ListName, codes: Collection[str]) -> dict[str, list[LingXingEntry]]:
    """Return the entries with these ids, by id. An id that is not in the list is not in the answer."""
    found: dict[str, list[LingXingEntry]] = {}
    wanted = list(codes)
    for start in range(0, len(wanted), CHUNK):
        chunk = LingXingEntry.objects.filter(list=name, code__in=wanted[start : start + CHUNK]).order_by("id")
        for entry in chunk:
            found.setdefault(entry.code, []).append(entry)
    return found


def names_of(codes: Mapping[ListName, Collection[str]]) -> dict[tuple[ListName, str], str]:
    """Return what LingXing calls stores, warehouses or methods, by their list and id: one query.

    codes: the ids of each list. What the lists do not hold, or hold without a name, is not in the answer.
    """
    wanted = Q()
    for name, some in codes.items():
        wanted |= Q(list=name, code__in={code for code in some if code})
    rows = LingXingEntry.objects.filter(wanted).exclude(name="").values_list("list", "code", "name")
    return {(ListName(found), code): text for found, code, text in rows} if wanted else {}


def pairs_with(skus: Collection[str]) -> dict[str, list[LingXingEntry]]:
    """Return the pairs by their local SKU."""
    found: dict[str, list[LingXingEntry]] = {}
    wanted = list(skus)
    for start in range(0, len(wanted), CHUNK):
        chunk = LingXingEntry.objects.filter(list=ListName.PAIRS, sku__in=wanted[start : start + CHUNK])
        for entry in chunk.order_by("id"):
            found.setdefault(entry.sku, []).append(entry)
    return found


def suggestions(name: ListName, text: str) -> QuerySet[LingXingEntry]:
    """Return some entries whose id or name holds a text; of the pairs: whose local SKU, MSKU or name does."""
    wanted = Q(code__icontains=text) | Q(name__icontains=text) | Q(sku__icontains=text) if text else Q()
    found = LingXingEntry.objects.filter(wanted, list=name, usable=True)
    if name == ListName.STORES:
        found = found.filter(kind=settings.LINGXING_PLATFORM_CODE)
    return found.order_by("sku", "code")[:SUGGESTIONS]


# --- Reading -------------------------------------------------------------------------------------------


def read_lists() -> dict[str, str]:
    """Read all lists from LingXing; return what became of each: "read", or the error.

    Each list is taken whole or not at all; a failure of one leaves its old entries and the other lists alone.
    Never raises for the vendor's side.
    """
    try:
        client = LingXingClient.from_settings()
    except ConfigurationError as error:
        return {name: _failed(name, error) for name in ListName}
    done: dict[str, str] = {}
    for name, read in _READERS.items():
        try:
            entries, unreadable = read(client)
        except VendorError as error:
            done[name] = _failed(name, error)
        else:
            done[name] = _keep(name, entries, unreadable)
    return done


def _failed(name: ListName, error: VendorError) -> str:
    log.warning("lingxing_list_not_read", list=name, error=str(error))
    LingXingList.objects.update_or_create(name=name, defaults={"tried_at": timezone.now(), "error": str(error)})
    return str(error)


@transaction.atomic
def _keep(name: ListName, entries: Iterable[LingXingEntry], unreadable: int) -> str:
    """Replace the list. Where rows could not be read nothing is removed: they may be among those."""
    now = timezone.now()
    unique = {(entry.code, entry.owner, entry.sku): entry for entry in entries}
    for entry in unique.values():
        entry.list, entry.read_at = name, now
    LingXingEntry.objects.bulk_create(
        list(unique.values()), batch_size=CHUNK, update_conflicts=True,
        unique_fields=["list", "code", "owner", "sku"], update_fields=_COLUMNS,
    )  # fmt: skip
    if not unreadable:
        LingXingEntry.objects.filter(list=name, read_at__lt=now).delete()
    state = {"read_at": now, "tried_at": now, "complete": not unreadable, "error": ""}
    LingXingList.objects.update_or_create(name=name, defaults=state)
    return "read"


def _stores(client: LingXingClient) -> tuple[list[LingXingEntry], int]:
    rows = client.stores()
    entries = [
        LingXingEntry(
            code=row.store_id[:200], name=row.store_name[:300], kind=row.platform_code, sid=row.sid[:40],
            usable=row.status in (None, 1),
        )
        for row in rows
    ]  # fmt: skip
    return entries, len(rows.unreadable)


def _warehouses(client: LingXingClient) -> tuple[list[LingXingEntry], int]:
    rows = client.warehouses(WAREHOUSE_TYPES)
    entries = [
        LingXingEntry(
            code=row.wid[:200], name=(row.name or row.t_warehouse_name)[:300], kind=row.type,
            third_party_code=row.t_warehouse_code[:120], usable=not row.is_deleted,
        )
        for row in rows
    ]  # fmt: skip
    return entries, len(rows.unreadable)


def _logistics_types(client: LingXingClient) -> tuple[list[LingXingEntry], int]:
    rows = client.logistics_types()
    entries = [
        LingXingEntry(
            code=row.type_id[:200], kind=row.type, owner=row.wid[:40],
            name=" · ".join(part for part in (row.name, row.logistics_provider_name) if part)[:300],
        )
        for row in rows
    ]  # fmt: skip
    return entries, len(rows.unreadable)


def _pairs(client: LingXingClient) -> tuple[list[LingXingEntry], int]:
    """Read the pairs of the stores that orders can be created in: those of the configured platform."""
    stores = LingXingEntry.objects.filter(list=ListName.STORES, kind=settings.LINGXING_PLATFORM_CODE)
    ids = list(stores.order_by("code").values_list("code", flat=True))
    entries: list[LingXingEntry] = []
    unreadable = 0
    for start in range(0, len(ids), STORES_PER_CALL):
        rows = client.pairs(ids[start : start + STORES_PER_CALL])
        unreadable += len(rows.unreadable)
        entries += [
            LingXingEntry(code=row.msku[:200], sku=row.sku[:200], name=row.local_name[:300], owner=row.store_id[:40])
            for row in rows if row.msku and row.sku
        ]  # fmt: skip
    return entries, unreadable


_READERS: dict[ListName, Callable[[LingXingClient], tuple[list[LingXingEntry], int]]] = {
    ListName.STORES: _stores,
    ListName.WAREHOUSES: _warehouses,
    ListName.LOGISTICS_TYPES: _logistics_types,
    ListName.PAIRS: _pairs,
}
