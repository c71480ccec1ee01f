"""The one access token of an account, shared by all processes through its VendorToken row.

LingXing replaces the token whenever anybody fetches one, so only one process may fetch at a time:
it takes a lease on the row with a conditional UPDATE, the others wait for the row's generation to move on.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from .. import clock
from ..errors import TransientError, VendorError
from ..http import HttpDoor
from ..models import VendorToken, token_account
from ..processes import current_holder, is_dead
from ..sentences import gettext as _
from .errors import NO_REPLY, TOKEN_SUCCESS, VENDOR, read_answer
from .schemas import TokenData

ACCESS_TOKEN_PATH = "/api/auth-server/oauth/access-token"  # noqa: S105 - a path
REFRESH_PATH = "/api/auth-server/oauth/refresh"
RENEW_BEFORE = timedelta(minutes=5)
REFRESH_TOKEN_LIFE = timedelta(hours=2)
# Longer than one token call can take (5 s to connect, 20 s to read).
LEASE_SECONDS = 30.0
READ_TIMEOUT_SECONDS = 20.0
MAX_WAIT_SECONDS = 75.0
POLL_SECONDS = 0.05

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and the generation of the row that it came from."""

    value: str
    generation: int

    def __repr__(self) -> str:
        return f"Token(generation={self.generation})"


class TokenStore:
    """Gives the shared token and renews it, one process at a time. Thread-safe: all state is in the row."""

    def __init__(self, door: HttpDoor, app_id: str, app_secret: str) -> None:
        self._door = door
        self._app_id = app_id
        self._app_secret = app_secret
        self.account = token_account(door.base_url, app_id, app_secret)

    def current(self) -> Token:
        """Return a token with time left, renewing it first when it ends within five minutes."""
        row = self._row()
        return _token(row) if _is_fresh(row) else self._renew(row.generation, with_secret=False)

    def latest(self) -> Token:
        """Return the token that the row holds now, however old."""
        return _token(self._row())

    def replace(self, refused: Token, *, with_secret: bool) -> Token:
        """Return another token than the refused one: the row's when it has changed meanwhile, else a new one.

        with_secret: fetch with the AppSecret, because somebody else replaced the token and with it our refresh token.
        """
        row = self._row()
        if row.access_token and row.access_token != refused.value:
            return _token(row)
        return self._renew(row.generation, with_secret=with_secret)

    def _renew(self, generation: int, *, with_secret: bool) -> Token:
        deadline = clock.monotonic() + MAX_WAIT_SECONDS
        while clock.monotonic() < deadline:
            row = self._row()
            if row.generation != generation:
                return _token(row)
            lease = self._take_lease(row)
            if lease:
                try:
                    return self._fetch_and_store(row, lease, with_secret)
                finally:
                    self._rows(renewing_until=lease).update(renewing_until=0, renewing_by="")
            clock.sleep(POLL_SECONDS)
        raise TransientError(
            _("Another process is renewing the LingXing token and does not finish."),
            vendor=VENDOR,
            operation="renew_token",
            code="token_wait",
        )

    def _take_lease(self, row: VendorToken) -> float | None:
        """Become the one who renews; return the lease's end, or None when somebody else is at it.

        The single-use refresh token leaves the row in the same statement, so nobody can use it twice.
        """
        now = time.time()
        until = now + LEASE_SECONDS
        free = Q(renewing_until__lt=now)
        if row.renewing_by and is_dead(row.renewing_by):
            free |= Q(renewing_by=row.renewing_by)
        unchanged = self._rows(generation=row.generation)
        # The refresh token is sealed; within a generation it only ever changes once, from there to gone.
        unchanged = unchanged.exclude(refresh_token="") if row.refresh_token else unchanged.filter(refresh_token="")
        taken = unchanged.filter(free).update(renewing_until=until, renewing_by=current_holder(), refresh_token="")
        return until if taken else None

    def _fetch_and_store(self, row: VendorToken, lease: float, with_secret: bool) -> Token:
        data: TokenData | None = None
        if not with_secret and row.refresh_token and row.refresh_expires_at and row.refresh_expires_at > timezone.now():
            data = self._refresh(row.refresh_token)
        if data is None:
            data = self._request(
                "access_token", ACCESS_TOKEN_PATH, {"appId": self._app_id, "appSecret": self._app_secret}
            )
        now = timezone.now()
        stored = self._rows(generation=row.generation, renewing_until=lease).update(
            access_token=data.access_token,
            refresh_token=data.refresh_token,
            expires_at=now + timedelta(seconds=data.expires_in),
            refresh_expires_at=now + REFRESH_TOKEN_LIFE,
            generation=F("generation") + 1,
            renewing_until=0,
            renewing_by="",
        )
        # Not stored: our lease ran out and another process fetched a newer token, which made this one worthless.
        return Token(data.access_token, row.generation + 1) if stored else self.latest()

    def _refresh(self, refresh_token: str) -> TokenData | None:
        """Return the renewed token, or None when the refresh token is of no use: then the secret must do."""
        try:
            return self._request("refresh_token", REFRESH_PATH, {"appId": self._app_id, "refreshToken": refresh_token})
        except VendorError as error:
            if error.code in NO_REPLY:  # the next call would wait as long, beyond the lease
                raise
            logger.info("LingXing refused the refresh token (%s); fetching a token with the secret.", error.code)
            return None

    def _request(self, operation: str, path: str, fields: dict[str, str]) -> TokenData:
        reply = self._door.send(
            operation,
            "POST",
            path,
            writes=False,
            multipart=fields,
            read_timeout=min(float(settings.HTTP_TIMEOUT_SECONDS or READ_TIMEOUT_SECONDS), READ_TIMEOUT_SECONDS),
        )
        answer = read_answer(reply, operation, writes=False, success=TOKEN_SUCCESS)
        return TokenData.read(answer.data, operation)

    def _row(self) -> VendorToken:
        row, _created = VendorToken.objects.get_or_create(vendor=VENDOR, account=self.account)
        return row

    def _rows(self, **conditions: Any) -> QuerySet[VendorToken]:
        return VendorToken.objects.filter(vendor=VENDOR, account=self.account, **conditions)


def _token(row: VendorToken) -> Token:
    return Token(row.access_token, row.generation)


def _is_fresh(row: VendorToken) -> bool:
    """Whether the token has five minutes left, or a tenth of its life where that is shorter."""
    if not (row.access_token and row.expires_at and row.refresh_expires_at):
        return False
    life = row.expires_at - (row.refresh_expires_at - REFRESH_TOKEN_LIFE)
    return row.expires_at - timezone.now() > min(RENEW_BEFORE, life / 10)
