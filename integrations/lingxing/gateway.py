"""One business call: place, token, signature, reply; repeated only where certainly nothing happened."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from .. import clock
from ..errors import AuthenticationExpired, ConfigurationError, RateLimited, TransientError, VendorError
from ..http import HttpDoor
from ..limits import slot
from ..sentences import gettext as _
from ..sentences import joined
from .auth import Token, TokenStore
from .errors import GAVE_UP_WAITING, SIGNATURE_EXPIRED, TOKEN_REPLACED, VENDOR, Answer, read_answer
from .signing import APP_ID_LENGTHS, canonical, compact_json, sign

CREATE_ORDERS = "/pb/mp/order/v2/create"
LIST_ORDERS = "/pb/mp/order/v2/list"
CANCEL_ORDERS = "/pb/mp/order/v2/cancelOrder"
INTERCEPT_OUTBOUND = "/basicOpen/wmsOrder/cancel"
OUTBOUND_ORDERS = "/erp/sc/routing/wms/order/wmsOrderList"
INVENTORY = "/erp/sc/routing/data/local_inventory/inventoryDetails"
WAREHOUSES = "/erp/sc/data/local_inventory/warehouse"
STORES = "/pb/mp/shop/v2/getSellerList"
PAIRS = "/pb/mp/listing/v2/getPairList"
LOGISTICS_TYPES = "/erp/sc/routing/wms/WmsLogistics/listUsedLogisticsType"

# How many calls LingXing lets an application have in flight per path (令牌桶容量). Others: one.
CAPACITIES = {CREATE_ORDERS: 10, LIST_ORDERS: 10, CANCEL_ORDERS: 10, STORES: 10, PAIRS: 10}
# Where one call blocks the path, giving up early blocks it for the rest of the vendor's two minutes.
SINGLE_FILE_TIMEOUT_SECONDS = 125.0
TIMEOUT_SECONDS = 30.0
# A token that was read so long ago, before the slot was waited for, is read once more.
FRESH_SECONDS = 0.5
# Waits before repeating a call that a limiter refused; 20 s in total.
PAUSES_SECONDS = (0.5, 1.0, 2.0, 3.5, 5.0, 8.0)


@dataclass(slots=True)
class _Call:
    """What one business call carries through its repetitions."""

    operation: str
    path: str
    body: dict[str, Any]
    writes: bool
    token: Token
    token_read_at: float | None
    pauses: Iterator[float] = field(default_factory=lambda: iter(PAUSES_SECONDS))
    signed_again: bool = False
    tokens_adopted: int = 0
    token_fetched: bool = False


class Gateway:
    """Carries out business calls. Thread-safe."""

    def __init__(self, door: HttpDoor, app_id: str, tokens: TokenStore) -> None:
        self._door = door
        self._app_id = app_id
        self._tokens = tokens

    def call(self, operation: str, path: str, body: Mapping[str, Any], *, writes: bool = False) -> Answer:
        """Send one call and return its successful answer.

        A limiter's refusal is waited out for up to 20 s, a refused token replaced once, an outdated
        signature renewed once: in all these cases nothing happened. Everything else is raised.
        """
        if len(self._app_id.encode()) not in APP_ID_LENGTHS:
            raise ConfigurationError(
                _("LINGXING_APP_ID must have 16, 24 or 32 characters: it is the key of the signature."),
                vendor=VENDOR,
                operation=operation,
                code="bad_app_id",
            )
        call = _Call(operation, path, canonical(body), writes, self._tokens.current(), clock.monotonic())
        while True:
            try:
                return self._attempt(call)
            except VendorError as error:
                self._prepare_repetition(call, error)

    def _attempt(self, call: _Call) -> Answer:
        capacity = CAPACITIES.get(call.path, 1)
        with slot(f"{VENDOR}:{call.path}", capacity, vendor=VENDOR, operation=call.operation) as held:
            if call.token_read_at is None or clock.monotonic() - call.token_read_at > FRESH_SECONDS:
                call.token = self._tokens.latest()  # it may have been replaced while we waited for the slot
            call.token_read_at = None
            common = {
                "access_token": call.token.value,
                "app_key": self._app_id,
                "timestamp": str(int(time.time())),
            }
            try:
                reply = self._door.send(
                    call.operation,
                    "POST",
                    call.path,
                    writes=call.writes,
                    params=common | {"sign": sign(call.body | common, self._app_id)},
                    body=compact_json(call.body).encode(),
                    headers={"Content-Type": "application/json"},
                    read_timeout=read_timeout(capacity),
                )
            except VendorError as error:
                if error.code in GAVE_UP_WAITING:
                    held.abandon()
                raise
        return read_answer(reply, call.operation, writes=call.writes)

    def _prepare_repetition(self, call: _Call, error: VendorError) -> None:
        """Make the call ready to be repeated, or raise ``error`` when repeating it is not for us."""
        if isinstance(error, AuthenticationExpired):
            self._heal_token(call, error)
        elif isinstance(error, RateLimited) and error.code != "local_queue":
            pause = next(call.pauses, None)
            if pause is None:
                raise error
            clock.sleep(pause / float(settings.RATE_LIMIT_SCALE))
        elif error.code == SIGNATURE_EXPIRED and not call.signed_again:
            call.signed_again = True
        else:
            raise error

    def _heal_token(self, call: _Call, error: AuthenticationExpired) -> None:
        """Get another token: the shared one when another process has changed it meanwhile, else fetch one, once."""
        if self._tokens.latest().value != call.token.value and call.tokens_adopted < 2:
            call.tokens_adopted += 1
        elif not call.token_fetched:
            call.token_fetched = True
            self._tokens.replace(call.token, with_secret=error.code == TOKEN_REPLACED)
        else:
            raise _token_trouble(error)


def read_timeout(capacity: int) -> float:
    """Return for how many seconds a reply is waited for at an address that takes so many calls at once."""
    own = SINGLE_FILE_TIMEOUT_SECONDS if capacity == 1 else TIMEOUT_SECONDS
    return float(settings.HTTP_TIMEOUT_SECONDS or own)


def _token_trouble(error: AuthenticationExpired) -> TransientError:
    cause = (
        _(
            "Another program keeps fetching LingXing tokens for the same AppID, so ours is replaced again and again:"
            " find it and stop it, or let it use an AppID of its own."
        )
        if error.code == TOKEN_REPLACED
        else _("LingXing refuses a token that it has just given.")
    )
    return TransientError(
        joined([error.message, cause]),
        vendor=VENDOR,
        operation=error.operation,
        code=error.code,
        http_status=error.http_status,
        request_id=error.request_id,
    )
