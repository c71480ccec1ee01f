"""DSCO's paged answers: a search, then one page after the other by ``scrollId``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from ..errors import ConfigurationError, RateLimited, Rejected, TransientError
from ..sentences import gettext as _
from .errors import VENDOR, ScrollExpired
from .operations import Operation
from .pages import Objects
from .transport import Answer, DscoTransport, Parameters

# DSCO forgets a search whose next page is not fetched within this time.
SCROLL_LIFE = timedelta(minutes=5)


def scroll(transport: DscoTransport, operation: Operation, params: Parameters, key: str) -> Iterator[Answer]:
    """Yield the pages of a search, up to and with the one that is empty or names no further page.

    key: the member that lists the page's objects. Do no slow work between the pages: one fetched
    later than five minutes after its forerunner raises ScrollExpired, and the search starts again.
    """
    answer = transport.read(operation, params)
    while True:
        fetched_at = timezone.now()
        scroll_id = answer.object().get("scrollId")
        is_last = not answer.items(key) or not scroll_id
        digest = hash(answer.reply.content)
        answer.reply.content = b""  # parsed; a page has megabytes
        yield answer
        if is_last:
            return
        if timezone.now() - fetched_at > SCROLL_LIFE:
            raise ScrollExpired(operation.name)
        following = _next_page(transport, operation, str(scroll_id))
        if hash(following.reply.content) == digest:
            raise TransientError(
                _("DSCO gave the same page twice; the search starts again."),
                vendor=VENDOR,
                operation=operation.name,
                code="scroll_stuck",
            )
        answer = following


def page_lists(
    transport: DscoTransport, operation: Operation, params: Parameters, key: str
) -> Iterator[Sequence[dict[str, Any]]]:
    """Yield the lists of objects of ``scroll``, without the empty one at the end."""
    for answer in scroll(transport, operation, params, key):
        found = answer.items(key)
        if found:
            yield found


def large_pages(transport: DscoTransport, operation: Operation, params: Parameters) -> Iterator[Objects]:
    """Yield the pages of an operation with ``large`` objects, without the empty one at the end."""
    for page in page_lists(transport, operation, params, operation.large):
        assert isinstance(page, Objects)  # noqa: S101 - ``read_page`` made it
        yield page


def _next_page(transport: DscoTransport, operation: Operation, scroll_id: str) -> Answer:
    """Fetch the next page. One whose reply got lost may be gone: only a new search is sure to miss nothing."""
    try:
        return transport.read_once(operation, {"scrollId": scroll_id})
    except (Rejected, ConfigurationError) as error:
        if error.http_status == 404:
            raise ScrollExpired(operation.name, 404) from None
        raise
    except TransientError as error:
        if isinstance(error, RateLimited) or error.code == "connect_failed":
            raise
        raise ScrollExpired(operation.name, error.http_status) from error
