"""What DSCO's answers mean in our taxonomy: one table by HTTP status, one function that applies it.

DSCO publishes no list of codes, so the status decides the class and the messages give code and words.
The retriable statuses are 408, 429 and 5xx; on a write only 429 proves that nothing happened.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

from django.utils import timezone

from ..errors import (
    AuthenticationExpired,
    ConfigurationError,
    RateLimited,
    Rejected,
    TransientError,
    Uncertain,
    VendorError,
)
from ..http import Reply
from ..redaction import redact_text
from ..sentences import gettext as _
from ..sentences import joined
from .messages import first_code, messages_of, says_failure, text_of

VENDOR: Final = "dsco"
MAX_RETRY_AFTER_SECONDS = 2 * 60 * 60.0  # DSCO's own advice: back off for at most two hours
_MAX_WORDS = 1000

# HTTP status → (class when reading, class when writing). Statuses that are not listed go by _family().
STATUS_TABLE: Final[Mapping[int, tuple[type[VendorError], type[VendorError]]]] = {
    401: (AuthenticationExpired, AuthenticationExpired),
    # An unknown path answers 403 as well, so it says nothing against the order that was sent.
    403: (ConfigurationError, ConfigurationError),
    405: (ConfigurationError, ConfigurationError),
    408: (TransientError, Uncertain),
    429: (RateLimited, RateLimited),
}

_OUR_WORDS: Final[Mapping[type[VendorError], str]] = {
    AuthenticationExpired: _("DSCO refused the access token."),
    ConfigurationError: _("DSCO did not serve this address: check DSCO_BASE_URL and the account's permissions."),
    RateLimited: _("DSCO asked to slow down."),
    TransientError: _("DSCO is not available at the moment."),
    Uncertain: _("DSCO did not say whether it took this."),
    Rejected: _("DSCO refused this without giving a reason."),
}


class ScrollExpired(TransientError):
    """A page was fetched later than five minutes after the one before it: start the search again."""

    def __init__(self, operation: str, http_status: int | None = None) -> None:
        super().__init__(
            _("The pages of this search have expired at DSCO; it starts again from its first page."),
            vendor=VENDOR,
            operation=operation,
            code="scroll_expired",
            http_status=http_status,
        )


def failure_of(reply: Reply, body: Any, operation: str, *, writes: bool) -> VendorError | None:
    """Return what is wrong with ``reply``, or None when it is a success whose body may be used.

    body: the parsed JSON of the reply, None when it is not JSON.
    """
    if 200 <= reply.status < 300:
        return _failure_in_success(reply, body, operation, writes)
    kind = _kind(reply, body, writes)
    messages = messages_of(body)
    words = redact_text(text_of(messages) or _other_words(body))[:_MAX_WORDS]
    if kind is ConfigurationError or not words:
        words = joined([_OUR_WORDS[kind], words])
    return kind(
        words,
        vendor=VENDOR,
        operation=operation,
        code=(first_code(messages) or f"http_{reply.status}")[:100],
        http_status=reply.status,
        request_id=request_id_of(body),
        retry_after=retry_after_of(reply) if kind is RateLimited else None,
    )


def unreadable(reply: Reply, body: Any, operation: str, *, writes: bool) -> VendorError:
    """Return the error for a success status whose body does not say what it must say."""
    kind = Uncertain if writes else TransientError
    return kind(
        _("DSCO answered %(status)d, but not with what belongs to this call.") % {"status": reply.status},
        vendor=VENDOR,
        operation=operation,
        code="unreadable_reply",
        http_status=reply.status,
        request_id=request_id_of(body),
    )


def request_id_of(body: Any) -> str:
    """Return DSCO's id of the request, or "" when the reply has none."""
    value = body.get("requestId") if isinstance(body, Mapping) else None
    return str(value)[:120] if isinstance(value, str | int) else ""


def retry_after_of(reply: Reply) -> float | None:
    """Return the Retry-After header in seconds (it can be a number or an HTTP date), or None."""
    value = str(reply.headers.get("Retry-After", "")).strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - timezone.now()).total_seconds()
        except (TypeError, ValueError):
            return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS) if math.isfinite(seconds) else None


def _failure_in_success(reply: Reply, body: Any, operation: str, writes: bool) -> VendorError | None:
    messages = messages_of(body)
    if says_failure(body):
        kind: type[VendorError] = Rejected
    elif not isinstance(body, dict | list) or (writes and not isinstance(body, dict)):
        return unreadable(reply, body, operation, writes=writes)
    elif writes and reply.status != 202 and any(message.severity == "error" for message in messages):
        kind = Uncertain  # "created" and "prevented processing" in one reply: the read-back decides
    else:
        return None
    return kind(
        redact_text(text_of(messages))[:_MAX_WORDS] or _OUR_WORDS[kind],
        vendor=VENDOR,
        operation=operation,
        code=(first_code(messages) or "failure")[:100],
        http_status=reply.status,
        request_id=request_id_of(body),
    )


def _kind(reply: Reply, body: Any, writes: bool) -> type[VendorError]:
    # A page of HTML instead of JSON is not DSCO speaking: "not found" of a wrong address proves nothing.
    if reply.status == 404 and reply.content.strip() and not isinstance(body, dict | list):
        return ConfigurationError
    reading, writing = STATUS_TABLE.get(reply.status) or _family(reply.status)
    return writing if writes else reading


def _family(status: int) -> tuple[type[VendorError], type[VendorError]]:
    if 300 <= status < 400:
        return ConfigurationError, ConfigurationError
    if 400 <= status < 500:
        return Rejected, Rejected
    return TransientError, Uncertain


def _other_words(body: Any) -> str:
    """Return the text of a gateway's own error body, which has ``message`` in place of ``messages``."""
    value = body.get("message") or body.get("error_description") if isinstance(body, Mapping) else None
    return value if isinstance(value, str) else ""
