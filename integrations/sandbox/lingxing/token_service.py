"""The two token operations: multipart forms in, unsigned, success code "200"."""

from __future__ import annotations

import random
from collections.abc import Callable

from ..http import Answer, Request
from .answers import gateway_error
from .tokens import TokenPair, Tokens


class TokenService:
    """Hands out tokens for one application. Each new pair replaces the one before it."""

    def __init__(
        self,
        app_id: str,
        app_secret: str,
        chance: random.Random,
        violation: Callable[[str], None],
        lifetime: Callable[[], float],
    ) -> None:
        self.tokens = Tokens(chance)
        self.old_token_lives = 0.0
        self._app_id = app_id
        self._app_secret = app_secret
        self._violation = violation
        self._lifetime = lifetime
        self._calls = 0

    def issue(self, now: float) -> TokenPair:
        """A new pair for whoever asks with the right secret."""
        return self.tokens.issue(now, self._lifetime(), self.old_token_lives)

    def answer(self, operation: str, request: Request, now: float) -> Answer:
        """Carries out access_token or refresh_token."""
        if request.content_type != "multipart/form-data":
            self._violation(f"lingxing {operation}: the form must be multipart/form-data")
            return gateway_error("102", now, "参数不合法: multipart/form-data expected")
        form = request.form()
        wanted = {"appId", "appSecret" if operation == "access_token" else "refreshToken"}
        if set(form) != wanted or request.query:
            self._violation(f"lingxing {operation}: the form must have exactly {', '.join(sorted(wanted))}")
            return gateway_error("102", now, "参数不合法")
        code = self._refusal(operation, form, now)
        return gateway_error(code, now) if code else self._granted(now)

    def _refusal(self, operation: str, form: dict[str, str], now: float) -> str | None:
        if form["appId"] != self._app_id:
            return "2001001"
        if operation == "access_token":
            return None if form["appSecret"] == self._app_secret else "2001002"
        return self.tokens.refuse_refresh(form["refreshToken"], now)

    def _granted(self, now: float) -> Answer:
        pair = self.issue(now)
        self._calls += 1
        seconds = int(self._lifetime())
        data = {
            "access_token": pair.access,
            "refresh_token": pair.refresh,
            # The table says text, the examples say number.
            "expires_in": str(seconds) if self._calls % 2 == 0 else seconds,
        }
        return Answer(status=200, body={"code": "200", "msg": "OK", "data": data})
