"""DSCO's access token: kept in memory and in the database, renewed in time, shared by all processes.

DSCO lets several tokens of one client be valid at once, so processes need no lock between them. The
threads of one process share one, so that they do not all ask for a token at the same moment.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from ..errors import ConfigurationError, RateLimited, TransientError, VendorError
from ..http import HttpDoor, Reply
from ..limits import push_back, wait_turn
from ..models import VendorToken, token_account
from ..redaction import MASK, redact_text
from ..sentences import gettext as _
from ..sentences import joined
from .errors import VENDOR, retry_after_of
from .messages import read_json
from .operations import TOKEN

RENEW_BEFORE = timedelta(seconds=60)
# Taken when DSCO does not say how long its token lives; it says an hour today.
ASSUMED_LIFE_SECONDS = 600.0


@dataclass(frozen=True, slots=True, repr=False)
class _Token:
    value: str
    renew_at: datetime


class TokenKeeper:
    """Gives the access token of one account. Thread-safe."""

    def __init__(self, door: HttpDoor, client_id: str, client_secret: str) -> None:
        self._door = door
        self._client_id = client_id
        self._client_secret = client_secret
        self._account = token_account(door.base_url, client_id, client_secret)
        self._lock = threading.Lock()
        self._token: _Token | None = None

    def current(self) -> str:
        """Return a token that is good for a minute or more: from memory, the database or DSCO, in this order.

        Raises ConfigurationError when DSCO does not accept the credentials, else TransientError.
        """
        token = self._token
        if token is None or token.renew_at <= timezone.now():
            with self._lock:
                token = self._in_memory() or self._in_database() or self._from_dsco()
                self._token = token
        return token.value

    def renewed(self, refused: str) -> str:
        """Return another token than ``refused``, which DSCO answered with 401. Raises as ``current`` does."""
        with self._lock:
            token = self._in_memory()
            if token is None or token.value == refused:  # else another thread has renewed it already
                token = self._from_dsco()
                self._token = token
        return token.value

    def without_secrets(self, text: str) -> str:
        """Return ``text`` with this account's secrets masked, wherever a reply may have repeated them."""
        token = self._token
        for secret in (self._client_secret, self._client_id, token.value if token else ""):
            text = text.replace(secret, MASK) if secret else text
        return text

    def _in_memory(self) -> _Token | None:
        token = self._token
        return token if token and token.renew_at > timezone.now() else None

    def _in_database(self) -> _Token | None:
        row = (
            VendorToken.objects.filter(vendor=VENDOR, account=self._account)
            .exclude(access_token="")
            .filter(expires_at__gt=timezone.now() + RENEW_BEFORE)
            .first()
        )
        return _Token(row.access_token, row.expires_at - RENEW_BEFORE) if row and row.expires_at else None

    def _from_dsco(self) -> _Token:
        asked_at = timezone.now()
        try:
            reply = self._ask()
        except TransientError as error:
            if error.code != "connection_lost":  # a stale keep-alive, most likely: tokens are asked for once an hour
                raise
            reply = self._ask()
        reply.record.response_excerpt = self.without_secrets(reply.record.response_excerpt)
        value, life = self._read(reply)
        self._store(value, asked_at + timedelta(seconds=life))
        # A token that lives shorter than the margin is still used for half of its life.
        return _Token(value, asked_at + timedelta(seconds=max(life - RENEW_BEFORE.total_seconds(), life / 2)))

    def _ask(self) -> Reply:
        wait_turn(f"{VENDOR}:{TOKEN.name}", TOKEN.rate, vendor=VENDOR, operation=TOKEN.name)
        return self._door.send(
            TOKEN.name,
            TOKEN.method,
            TOKEN.path,
            writes=False,  # a token too many does no harm
            form={
                "grant_type": "client_credentials",
                "client_id": self._client_id,
                "client_secret": self._client_secret,
            },
            headers={"Accept": "application/json"},
        )

    def _read(self, reply: Reply) -> tuple[str, float]:
        body = _object(reply)
        value = body.get("access_token")
        if reply.status == 200 and isinstance(value, str) and value:
            return value, _life(body.get("expires_in"))
        raise self._refusal(reply, body)

    def _refusal(self, reply: Reply, body: dict[str, Any]) -> VendorError:
        code = str(body.get("error") or f"http_{reply.status}")[:100]
        names: dict[str, Any] = {"vendor": VENDOR, "operation": TOKEN.name, "http_status": reply.status}
        if reply.status == 429:
            retry_after = retry_after_of(reply)
            push_back(f"{VENDOR}:{TOKEN.name}", retry_after or 1.0)
            return RateLimited(_("DSCO asked to slow down."), code=code, retry_after=retry_after, **names)
        if reply.status in (400, 401):
            words = self.without_secrets(redact_text(str(body.get("error_description") or "")))[:300]
            return ConfigurationError(
                joined(
                    [_("DSCO does not accept the credentials: check DSCO_CLIENT_ID and DSCO_CLIENT_SECRET."), words]
                ),
                code=code,
                **names,
            )
        if 300 <= reply.status < 500 and reply.status != 408:
            return ConfigurationError(
                _(
                    "DSCO gives no token at this address (HTTP %(status)d): check DSCO_BASE_URL, DSCO_CLIENT_ID and"
                    " DSCO_CLIENT_SECRET."
                )
                % {"status": reply.status},
                code=code,
                **names,
            )
        code = "unreadable_reply" if reply.status < 300 else code
        return TransientError(_("DSCO gave no access token at the moment."), code=code, **names)

    def _store(self, value: str, expires_at: datetime) -> None:
        rows = VendorToken.objects.filter(vendor=VENDOR, account=self._account)
        facts = {"access_token": value, "expires_at": expires_at}
        if not rows.update(generation=F("generation") + 1, **facts):
            first = VendorToken(vendor=VENDOR, account=self._account, generation=1, **facts)
            # Another process may have been first: its token is as good, and ours stays in memory.
            VendorToken.objects.bulk_create([first], ignore_conflicts=True)


def _object(reply: Reply) -> dict[str, Any]:
    try:
        body = read_json(reply.content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _life(value: Any) -> float:
    """Return the seconds that a token lives; DSCO's number, or a cautious one when it gives none."""
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return ASSUMED_LIFE_SECONDS
    return seconds if 0 < seconds < 10 * 365 * 86400 else ASSUMED_LIFE_SECONDS
