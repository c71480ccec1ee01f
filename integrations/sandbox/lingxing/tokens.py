"""Access and refresh tokens as LingXing hands them out: one valid pair per application, refresh tokens usable once."""

from __future__ import annotations

import random
from dataclasses import dataclass

REFRESH_SECONDS = 7200


@dataclass
class TokenPair:
    """What one token call gave. Times are epoch seconds."""

    access: str
    refresh: str
    access_until: float
    refresh_until: float


class Tokens:
    """The tokens of the one application that the stand-in knows."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._current: TokenPair | None = None
        self._replaced: dict[str, float] = {}
        self._used_refresh: set[str] = set()

    def _name(self) -> str:
        digits = f"{self._chance.getrandbits(128):032x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    @property
    def current(self) -> TokenPair | None:
        """The pair that was given out last."""
        return self._current

    def issue(self, now: float, lifetime: float, old_lives: float) -> TokenPair:
        """A new pair. The pair before it stays valid for another `old_lives` seconds."""
        if self._current:
            self._replaced[self._current.access] = min(self._current.access_until, now + old_lives)
            self._used_refresh.add(self._current.refresh)
        self._current = TokenPair(self._name(), self._name(), now + lifetime, now + REFRESH_SECONDS)
        return self._current

    def refuse_refresh(self, refresh: str, now: float) -> str | None:
        """The vendor's code when this refresh token gives nothing, else None."""
        if not self._current or refresh != self._current.refresh or refresh in self._used_refresh:
            return "2001009"
        return "2001008" if now >= self._current.refresh_until else None

    def refuse_access(self, access: str, now: float) -> str | None:
        """The vendor's code when a call with this access token is refused, else None."""
        if self._current and access == self._current.access:
            return "2001003" if now >= self._current.access_until else None
        if access in self._replaced:
            return None if now < self._replaced[access] else "2001005"
        return "2001003"

    def expire_access(self) -> None:
        """The current access token is over from now on (2001003)."""
        if self._current:
            self._current.access_until = 0

    def expire_refresh(self) -> None:
        """The current refresh token is over from now on (2001008)."""
        if self._current:
            self._current.refresh_until = 0
