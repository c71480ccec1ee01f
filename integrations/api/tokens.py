"""Making, checking and ending API tokens. The secret is shown once; only its hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from ..models import ApiScope, ApiToken

PREFIX = "ob_"
LONGEST_DAYS = 730
# ``last_used_at`` is for people: to the minute is enough, and spares a write for each call.
USE_IS_NOTED_EVERY = timedelta(minutes=1)


class BadToken(ValueError):
    """A token cannot be made like this; the message says why."""


def create_token(name: str, user: User, scopes: Collection[str], days: float) -> tuple[ApiToken, str]:
    """Make a token that acts for ``user``; return its row and the secret, which nobody can read again.

    days: until it expires, at most LONGEST_DAYS. Raises BadToken.
    """
    name = name.strip()
    unknown = sorted(set(scopes) - set(ApiScope.values))
    if unknown or not scopes:
        raise BadToken(f"Scopes: choose of {', '.join(ApiScope.values)}.")
    if not name or len(name) > 100 or ApiToken.objects.filter(name=name).exists():
        raise BadToken("The name must be new, and have 1 to 100 characters.")
    if not 0 < days <= LONGEST_DAYS:
        raise BadToken(f"A token lives at most {LONGEST_DAYS} days.")
    if not (user.is_active and user.is_staff):
        raise BadToken(f"{user.get_username()} is no active staff member.")
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        name=name, user=user, start=secret[: len(PREFIX) + 6], secret_hash=hash_of(secret),
        scopes=[scope for scope in ApiScope.values if scope in scopes],
        expires_at=timezone.now() + timedelta(days=days),
    )  # fmt: skip
    return token, secret


def find_token(secret: str) -> ApiToken | None:
    """Return the token of this secret, valid or not, with its user."""
    return ApiToken.objects.select_related("user").filter(secret_hash=hash_of(secret)).first()


def note_use(token: ApiToken, now: datetime) -> None:
    """Remember that the token was used."""
    if token.last_used_at is None or now - token.last_used_at >= USE_IS_NOTED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)


def revoke_token(token: ApiToken) -> bool:
    """End a token at once; False when it was revoked before."""
    return bool(ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()))


def hash_of(secret: str) -> str:
    """Return what is stored of a secret. It has 256 random bits: a slow hash would protect nothing more."""
    return hashlib.sha256(secret.encode()).hexdigest()
