"""The one table from LingXing's codes to the error taxonomy, and the reading of a reply's envelope."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

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

VENDOR = "lingxing"
SUCCESS = frozenset({"0"})
TOKEN_SUCCESS = frozenset({"200", "0"})

# The door's codes for a call that was sent, or tried, without an answer.
GAVE_UP_WAITING = frozenset({"timeout", "connection_lost"})
NO_REPLY = GAVE_UP_WAITING | {"connect_failed"}

TOKEN_EXPIRED = "2001003"  # noqa: S105 - a code
TOKEN_REPLACED = "2001005"  # noqa: S105 - a code
SIGNATURE_EXPIRED = "2001007"

logger = logging.getLogger(__name__)


class Meaning(Enum):
    """What a code says about the call."""

    SLOW_DOWN = auto()  # nothing happened; wait
    RENEW_TOKEN = auto()  # nothing happened; new token
    AGAIN = auto()  # nothing happened; time heals it
    CONFIGURATION = auto()  # nothing happened; a person must act
    OUR_REQUEST = auto()  # nothing happened; on a read nothing works, on a write this one request is at fault
    REFUSED = auto()  # nothing happened; this request will never do
    FAULT = auto()  # the server failed: a write may have happened


MEANINGS: dict[str, Meaning] = {
    "3001008": Meaning.SLOW_DOWN,
    "103": Meaning.SLOW_DOWN,
    TOKEN_EXPIRED: Meaning.RENEW_TOKEN,
    TOKEN_REPLACED: Meaning.RENEW_TOKEN,
    "2001008": Meaning.RENEW_TOKEN,
    "2001009": Meaning.RENEW_TOKEN,
    SIGNATURE_EXPIRED: Meaning.AGAIN,
    "2001001": Meaning.CONFIGURATION,
    "2001002": Meaning.CONFIGURATION,
    "2001004": Meaning.CONFIGURATION,
    "3001002": Meaning.CONFIGURATION,
    "0001001": Meaning.CONFIGURATION,
    "400": Meaning.CONFIGURATION,
    "401": Meaning.CONFIGURATION,
    "403": Meaning.CONFIGURATION,
    "2001006": Meaning.OUR_REQUEST,
    "3001001": Meaning.OUR_REQUEST,
    "102": Meaning.REFUSED,
    "500": Meaning.FAULT,
    "1": Meaning.FAULT,
    "100": Meaning.FAULT,
    "104": Meaning.FAULT,
    "3001004": Meaning.FAULT,
}

ADVICE: dict[str, str] = {
    "2001001": _("Check LINGXING_APP_ID."),
    "2001002": _("Check LINGXING_APP_SECRET; it changes when it is reset in the ERP."),
    "2001004": _("Ask LingXing to grant this interface to the application."),
    "2001006": _("The signature was refused: check LINGXING_APP_ID."),
    "2001007": _("Check that this server's clock is right."),
    "3001002": _("Add this server's public IP address to the white list of the ERP account."),
    "0001001": _("LINGXING_APP_SECRET was altered on its way; check it for special characters."),
    "400": _("Check LINGXING_BASE_URL: this address has no such service."),
    "401": _("The application is disabled: the ERP's super administrator can enable it."),
    "403": _("The application has expired or lacks this permission: the ERP's super administrator can renew it."),
}

# Seconds after which another try makes sense: the bucket gives a place back after two minutes at the latest.
RETRY_AFTER_SECONDS = {"3001008": 120.0, "103": 60.0}
DEFAULT_RETRY_AFTER_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful reply: ``data`` as sent (object, list or None), the whole envelope, the vendor's request id."""

    data: Any
    envelope: dict[str, Any]
    request_id: str


def read_answer(reply: Reply, operation: str, *, writes: bool, success: frozenset[str] = SUCCESS) -> Answer:
    """Return the answer, or raise the taxonomy's error for what the reply says.

    writes: whether the call may have changed something, which makes server faults and unreadable replies Uncertain.
    """
    envelope = _parse(reply.content)
    if envelope is None or envelope.get("code") in (None, ""):
        raise _noted(_by_status(reply, operation, writes), reply)
    code = str(envelope["code"]).strip()
    request_id = str(envelope.get("request_id") or envelope.get("requestId") or "")[:120]
    reply.record.vendor_request_id = request_id
    if code in success and reply.status < 400:
        return Answer(envelope.get("data"), envelope, request_id)
    if code in success:
        raise _noted(_by_status(reply, operation, writes), reply)
    raise _noted(_by_code(code, envelope, reply.status, operation, writes, request_id), reply)


def _parse(content: bytes) -> dict[str, Any] | None:
    """Return the JSON object, or None. Numbers with a fraction stay text, so no id or amount passes a float."""
    try:
        value = json.loads(content.decode("utf-8-sig"), parse_float=str, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    if b"\\u0000" in content:
        value = _without_nul(value)
    return value if isinstance(value, dict) else None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _without_nul(value: Any) -> Any:
    """PostgreSQL can store no NUL, neither in text nor in JSON."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, dict):
        return {key: _without_nul(item) for key, item in value.items()}
    return [_without_nul(item) for item in value] if isinstance(value, list) else value


def _by_code(
    code: str, envelope: dict[str, Any], status: int, operation: str, writes: bool, request_id: str
) -> VendorError:
    words = _words(envelope)
    meaning = MEANINGS.get(code)
    if meaning is None:
        logger.error("LingXing answered %s with the unknown code %s: %s", operation, code, words)
        meaning = Meaning.FAULT if status >= 500 else Meaning.REFUSED
    if code == "500" and "404 NOT_FOUND" in words.upper():
        code, meaning = "400", Meaning.CONFIGURATION
    advice = ADVICE.get(code, "")
    return _error_class(meaning, writes)(
        joined([words, advice]),
        vendor=VENDOR,
        operation=operation,
        code=code[:60],
        http_status=status,
        request_id=request_id,
        retry_after=RETRY_AFTER_SECONDS.get(code) if meaning is Meaning.SLOW_DOWN else None,
    )


def _by_status(reply: Reply, operation: str, writes: bool) -> VendorError:
    status = reply.status
    retry_after: float | None = None
    text: str
    if status == 429:
        meaning, text, retry_after = Meaning.SLOW_DOWN, _("Too many requests."), DEFAULT_RETRY_AFTER_SECONDS
    elif status in (401, 403, 407, 451):
        meaning = Meaning.CONFIGURATION
        text = _("Access was refused before LingXing's own checks: ask the administrator.")
    elif 300 <= status < 400 or status in (400, 404, 405, 410, 421):
        meaning, text = Meaning.CONFIGURATION, ADVICE["400"]
    elif status >= 500:
        meaning, text = Meaning.FAULT, _("LingXing is not available at the moment.")
    else:
        meaning, text = Meaning.FAULT, _("The reply is not a LingXing answer.")
    return _error_class(meaning, writes)(
        joined([f"HTTP {status}:", text]),
        vendor=VENDOR,
        operation=operation,
        code=f"http_{status}" if status >= 300 else "unreadable_reply",
        http_status=status,
        retry_after=retry_after,
    )


def _error_class(meaning: Meaning, writes: bool) -> type[VendorError]:
    if meaning is Meaning.FAULT:
        return Uncertain if writes else TransientError
    if meaning is Meaning.OUR_REQUEST:
        return Rejected if writes else ConfigurationError
    classes: dict[Meaning, type[VendorError]] = {
        Meaning.SLOW_DOWN: RateLimited,
        Meaning.RENEW_TOKEN: AuthenticationExpired,
        Meaning.AGAIN: TransientError,
        Meaning.CONFIGURATION: ConfigurationError,
        Meaning.REFUSED: Rejected,
    }
    return classes[meaning]


def _words(envelope: dict[str, Any]) -> str:
    """The vendor's message and details as one line, free of secrets."""
    parts = [str(envelope.get("message") or envelope.get("msg") or "").strip()]
    details = envelope.get("error_details")
    for detail in details if isinstance(details, list) else [details]:
        if detail:
            parts.append(detail if isinstance(detail, str) else json.dumps(detail, ensure_ascii=False))
    unique = list(dict.fromkeys(part for part in parts if part))
    return redact_text("; ".join(unique))[:2000] or _("LingXing gave no reason.")


def _noted(error: VendorError, reply: Reply) -> VendorError:
    reply.record.error = error.code[:60]
    return error
