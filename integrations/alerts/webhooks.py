"""Posting to a webhook: only to public addresses, without redirects, and without a word about its secrets."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import quote_plus, urlsplit

import requests
from django.conf import settings

from ..redaction import MASK
from ..sentences import gettext as _
from .public_connections import NotPublic, PublicAdapter, addresses_of, is_public

TIMEOUT_SECONDS = 10.0
MOST_BYTES_READ = 65_536
LONGEST_REASON = 200
SHORTEST_KEY = 8


class TargetFailed(Exception):
    """A message did not get through; the text says why, for staff, free of secrets."""


def post(url: str, body: dict[str, Any], *, secret: str = "") -> None:
    """Post a message as JSON. secret: DingTalk's signing secret.

    Raises TargetFailed when the address is refused or the receiver does not take the message.
    """
    check_address(url)
    address = signed(url, secret, time.time()) if secret else url
    with requests.Session() as session:
        session.trust_env = False
        if not settings.ALERT_WEBHOOK_PRIVATE:
            session.mount("https://", PublicAdapter())
        try:
            with session.post(
                address,
                data=json.dumps(body, ensure_ascii=False).encode(),
                timeout=TIMEOUT_SECONDS,
                headers={"Content-Type": "application/json; charset=utf-8"},
                allow_redirects=False,
                stream=True,
            ) as reply:
                text = reply.raw.read(MOST_BYTES_READ, decode_content=True).decode("utf-8", "replace")
                status = reply.status_code
        except NotPublic:  # the name has changed its answer since it was checked
            raise TargetFailed(_private_words(urlsplit(url).hostname or "")) from None
        except (requests.RequestException, OSError) as error:
            raise TargetFailed(_transport_words(error)) from None  # the original carries the address
    for hidden in _secrets_of(address):
        text = text.replace(hidden, MASK)
    _check_reply(status, text)


def signed(url: str, secret: str, now: float) -> str:
    """Return DingTalk's address with its time stamp (milliseconds) and signature."""
    stamp = str(round(now * 1000))
    digest = hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256).digest()
    mark = "&" if "?" in url else "?"
    return f"{url}{mark}timestamp={stamp}&sign={quote_plus(base64.b64encode(digest))}"


def check_form(url: str) -> str:
    """Return the host of a webhook's address. Raises TargetFailed for what is no usable address."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise TargetFailed(_("This is not a usable address.")) from None
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.password:
        raise TargetFailed(_("This is not a usable address."))
    if parts.scheme == "http" and not settings.ALERT_WEBHOOK_PRIVATE:
        raise TargetFailed(_("The address must begin with https://"))
    return host


def check_address(url: str) -> None:
    """Resolve the host; raises TargetFailed unless every address of it is public (or private ones are allowed)."""
    host = check_form(url)
    try:
        found = addresses_of(host)
    except (OSError, UnicodeError):
        raise TargetFailed(_("The host %(host)s is not known.") % {"host": host}) from None
    if settings.ALERT_WEBHOOK_PRIVATE:
        return
    if not found or not all(is_public(address) for address in found):
        raise TargetFailed(_private_words(host))


def masked(url: str) -> str:
    """Return an address as it may be shown: where it goes, not the key in it."""
    parts = urlsplit(url)
    first = parts.path.strip("/").partition("/")[0]
    secret = parts.query or parts.path
    tail = secret[-4:] if len(secret) > 20 else ""
    return f"{parts.scheme}://{parts.hostname or ''}/{first}/{MASK}{tail}" if secret.strip("/") else url


def _secrets_of(url: str) -> list[str]:
    """Return the parts of an address that may be keys: a receiver may quote them in its answer."""
    parts = urlsplit(url)
    pieces = [*parts.path.split("/"), *(pair.partition("=")[2] for pair in parts.query.split("&"))]
    return sorted((piece for piece in pieces if len(piece) >= SHORTEST_KEY), key=len, reverse=True)


def _private_words(host: str) -> str:
    text = _("%(host)s is a private address, which webhooks may not reach (ALERT_WEBHOOK_PRIVATE allows it).")
    return text % {"host": host}


def _transport_words(error: Exception) -> str:
    if isinstance(error, requests.Timeout):
        return _("The receiver did not answer within %(n)d seconds.") % {"n": TIMEOUT_SECONDS}
    if isinstance(error, requests.exceptions.SSLError):
        return _("The receiver's certificate was not accepted.")
    return _("No connection to the receiver.")


def _check_reply(status: int, text: str) -> None:
    """WeCom and DingTalk answer 200 with an ``errcode``; Slack says it by the status."""
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    code = answer.get("errcode", 0) if isinstance(answer, dict) else 0
    if 300 <= status < 400:
        raise TargetFailed(_("The receiver sends us to another address (HTTP %(n)d); enter that one.") % {"n": status})
    if status >= 300 or code not in (0, "0"):
        said = str(answer.get("errmsg", "")) if isinstance(answer, dict) else text
        said = " ".join(said.split())[:LONGEST_REASON]
        number = code if status < 300 else f"HTTP {status}"
        raise TargetFailed(_("The receiver refused the message: %(code)s %(said)s") % {"code": number, "said": said})
