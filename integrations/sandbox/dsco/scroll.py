"""Paging by scrollId: a search is frozen at its first page and forgotten five minutes after the last fetch."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..http import Answer, Clock
from .answers import Json, not_found

EXPIRY_SECONDS = 300.0


@dataclass
class Search:
    """What is left of a search."""

    rest: list[Any]
    size: int
    expires_at: float


class Scrolls:
    """The open searches of one kind. The caller holds the account's lock.

    The id stays the same between pages, so a page whose reply was lost is lost for this search: the next fetch gives
    the next page.
    """

    def __init__(self, clock: Clock, member: str) -> None:
        self._clock = clock
        self._member = member
        self._searches: dict[str, Search] = {}

    def first(self, results: Sequence[Any], size: int) -> Answer:
        """The first page; it has a scrollId when there is more."""
        if len(results) <= size:
            return self._page(list(results), None)
        scroll_id = f"scroll-{uuid.uuid4().hex}"
        self._searches[scroll_id] = Search(list(results[size:]), size, self._clock.now() + EXPIRY_SECONDS)
        return self._page(list(results[:size]), scroll_id)

    def next(self, scroll_id: str) -> Answer:
        """The next page; the one after the last is empty. Raises Refused (404) for an unknown or expired search."""
        search = self._searches.get(scroll_id)
        if search is None or search.expires_at < self._clock.now():
            self._searches.pop(scroll_id, None)
            raise not_found(f"No page for scrollId {scroll_id}: it may have expired")
        page, search.rest = search.rest[: search.size], search.rest[search.size :]
        search.expires_at = self._clock.now() + EXPIRY_SECONDS
        return self._page(page, scroll_id if page else None)

    def _page(self, results: list[Any], scroll_id: str | None) -> Answer:
        body: Json = {self._member: results}
        return Answer(200, body if scroll_id is None else {"scrollId": scroll_id, **body})
