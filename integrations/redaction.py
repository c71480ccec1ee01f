"""What may be kept of a vendor call: secrets and personal data never reach logs or database text."""

from __future__ import annotations

import json
import re
from typing import Any

MASK = "***"
EXCERPT_CHARACTERS = 4000
# So much of a body is looked at for its excerpt: masks make a text shorter, and a page of orders has megabytes.
LOOKED_AT = 4 * EXCERPT_CHARACTERS

SECRET_KEYS = frozenset(
    [
        "access_token",
        "refresh_token",
        "refreshtoken",
        "client_secret",
        "appsecret",
        "app_secret",
        "client_id",
        "appid",
        "app_key",
        "sign",
        "signature",
        "authorization",
        "password",
        "token",
        "secret",
        "api_key",
        "cookie",
        "set-cookie",
    ]
)
# Who the parcel goes to. Kept in the order's own row, not in every copy of every call.
PERSONAL_KEYS = frozenset(
    [
        "name",
        "firstname",
        "lastname",
        "attention",
        "company",
        "address",
        "address1",
        "address2",
        "address3",
        "address_line1",
        "address_line2",
        "address_line3",
        "phone",
        "email",
        "postal",
        "receiver_name",
        "receiver_mobile",
        "receiver_tel",
        "receiver_company_name",
        "postal_code",
        "doorplate_no",
        "buyer_name",
        "buyer_email",
        "buyer_note",
        "consignee",
        "consignee_phone",
        "consignee_postcode",
        "consignee_address",
        "consignee_full_address",
        "giftmessage",
        "gift_to_name",
        "gifttoname",
        "giftfromname",
        "giftwrapmessage",
        "nightphone",
        "shipnightphone",
        "gift_from_name",
    ]
)
_JSON_MARK = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],"]', re.DOTALL)
_PLAIN_TEXT_SECRET = re.compile(
    r"(?i)\b(access_token|refresh_token|refreshtoken|client_secret|appsecret|app_key|client_id|appid|sign|bearer)"
    r"(\"?\s*[=:]\s*\"?|\s+)[^\s&\"',;}]+"
)


def redact(value: Any, *, personal: bool = True) -> Any:
    """Return a copy of JSON-like ``value`` with secrets (and, by default, personal data) masked."""
    if isinstance(value, dict):
        return {
            key: MASK if _is_hidden(str(key), item, personal) else redact(item, personal=personal)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact(item, personal=personal) for item in value]
    return value


def mask_personal(value: Any) -> Any:
    """Return a copy of a document (JSON-like, or JSON as text) with names, addresses, phones and mails masked.

    For showing it to people who may not see personal data. Text that is not JSON comes back as it is: what
    is stored of calls was redacted before (see ``excerpt``).
    """
    if isinstance(value, str):
        try:
            return json.dumps(mask_personal(json.loads(value)), ensure_ascii=False) if value[:1] in "{[" else value
        except ValueError:
            return value
    if isinstance(value, dict):
        return {
            key: MASK if str(key).lower() in PERSONAL_KEYS and item not in (None, "", []) else mask_personal(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [mask_personal(item) for item in value]
    return value


def redact_text(text: str) -> str:
    """Mask secrets in text that is not JSON: URLs, HTML error pages, exception messages."""
    return _PLAIN_TEXT_SECRET.sub(lambda match: f"{match.group(1)}{match.group(2)}{MASK}", text)


def excerpt(body: bytes | str | None) -> str:
    """Return the start of a request or reply body, redacted, at most EXCERPT_CHARACTERS long."""
    if not body or len(body) <= LOOKED_AT:
        text = redacted(body)
        return text if len(text) <= EXCERPT_CHARACTERS else text[: EXCERPT_CHARACTERS - 1] + "…"
    start = body[:LOOKED_AT]
    text = start.decode("utf-8", "ignore") if isinstance(start, bytes) else start
    return redacted(closed(text) if text.lstrip()[:1] in ("{", "[") else text)[: EXCERPT_CHARACTERS - 1] + "…"


def closed(text: str, *, entries: bool = False) -> str:
    """Return the beginning of a JSON object or list, cut off anywhere, as JSON: what is not whole is left out.

    entries: up to the last whole object or list; a part of one might not say any more what it is about.
    """
    ends: list[str] = []
    whole, left_open = 0, list[str]()
    for found in _JSON_MARK.finditer(text):
        mark = found.group()
        if mark == '"':  # a text that is cut off: nothing after it is what it seems
            break
        if mark in "{[":
            ends.append("}" if mark == "{" else "]")
        elif mark in "}]" and ends:
            ends.pop()
        elif mark != ",":
            continue
        if mark in "}]" or not entries:
            whole, left_open = found.start() if mark == "," else found.end(), ends.copy()
    return text[:whole] + "".join(reversed(left_open))


def redacted(body: bytes | str | None) -> str:
    """Return a request or reply body in full, redacted."""
    if not body:
        return ""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    try:
        # The vendor may quote a URL inside a JSON text.
        text = redact_text(json.dumps(redact(json.loads(text)), ensure_ascii=False))
    except ValueError:
        text = redact_text(text)
    # PostgreSQL text cannot hold NUL.
    return text.replace("\x00", "")


def _is_hidden(key: str, value: Any, personal: bool) -> bool:
    lowered = key.lower()
    if lowered in SECRET_KEYS:
        return True
    return personal and lowered in PERSONAL_KEYS and value not in (None, "", [])
