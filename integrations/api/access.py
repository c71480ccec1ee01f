"""Who may: the token of a request, its scope, the permission of its user, and how often."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from ..models import ApiScope, ApiToken, RateLimit
from .problems import Problem
from .tokens import find_token, note_use

if TYPE_CHECKING:  # REST framework's settings name the classes of this module: its views are not there yet
    from rest_framework.views import APIView

    from .views import ApiView

MINUTE = 60.0


class TokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer ob_…``: the request acts for the token's user."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return user and token; None without the header. Raises AuthenticationFailed with a code."""
        scheme, _blank, secret = request.headers.get("Authorization", "").strip().partition(" ")
        if not scheme:
            return None
        secret = secret.strip()
        if scheme.lower() != "bearer" or not secret.isascii():
            raise AuthenticationFailed("Send the header “Authorization: Bearer TOKEN”.", "malformed_header")
        token, now = find_token(secret), timezone.now()
        if token is None:
            raise AuthenticationFailed("There is no such token.", "unknown_token")
        if token.revoked_at is not None:
            raise AuthenticationFailed(f"The token {token.start}… was revoked.", "revoked_token")
        if not token.is_valid(now):
            raise AuthenticationFailed(f"The token {token.start}… has expired. Make a new one.", "expired_token")
        if not (token.user.is_active and token.user.is_staff):
            raise AuthenticationFailed("The user of this token is no active staff member.", "inactive_user")
        note_use(token, now)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """Return what the answer 401 asks for."""
        return 'Bearer realm="OrderBridge"'


class Allowed(BasePermission):
    """The token has the scope of the view, and its user the permission that the admin asks for, too."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return True, False without a token; raises Problem naming what is missing."""
        if not isinstance(request.auth, ApiToken):
            return False
        permission, scope = needed(request, view)  # type: ignore[arg-type]
        if scope not in request.auth.scopes:
            text = f"The token lacks the scope {scope}; it has {', '.join(request.auth.scopes)}."
            raise Problem("forbidden", text, code="missing_scope")
        if permission and not request.user.has_perm(permission):
            text = f"The user {request.user.get_username()} lacks the permission {permission}."
            raise Problem("forbidden", text, code="missing_permission")
        return True


def needed(request: Any, view: ApiView) -> tuple[str, str]:
    """Return the permission and the scope that a request needs."""
    if request.method in SAFE_METHODS:
        return view.to_read, ApiScope.READ
    return view.to_write, view.scope


class TokenThrottle(BaseThrottle):
    """So many calls of a token in a minute, reads and writes counted apart, over all processes.

    One row holds the time until which the token's turns are taken; a call moves it on by its share of a minute, up to
    a minute ahead. A call that is refused moves nothing.
    """

    def __init__(self) -> None:
        self._wait: float | None = None

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Take a turn; return False when there is none."""
        if not isinstance(request.auth, ApiToken):
            return True
        reads = request.method in SAFE_METHODS
        per_minute = settings.API_READS_PER_MINUTE if reads else settings.API_WRITES_PER_MINUTE
        self._wait = take_turn(f"api:{request.auth.pk}:{'read' if reads else 'write'}", float(per_minute))
        return self._wait is None

    def wait(self) -> float | None:
        """Return after how many seconds there will be a turn."""
        return self._wait


def take_turn(name: str, per_minute: float) -> float | None:
    """Take a turn of ``name``; return None, or the seconds until there is one."""
    now, share = time.time(), MINUTE / per_minute
    with connection.cursor() as cursor:
        for _attempt in range(2):  # the first calls of a token may come at once: only one of them makes the row
            cursor.execute(
                "UPDATE integrations_ratelimit SET reserved_until ="
                " (CASE WHEN reserved_until > %s THEN reserved_until ELSE %s END) + %s"
                " WHERE name = %s AND reserved_until <= %s",
                [now, now, share, name, now + MINUTE - share],
            )
            if cursor.rowcount:
                return None
            cursor.execute(
                "INSERT INTO integrations_ratelimit (name, reserved_until) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                [name, now + share],
            )
            if cursor.rowcount:
                return None
    taken_until = RateLimit.objects.values_list("reserved_until", flat=True).get(name=name)
    return max(taken_until + share - MINUTE - now, share)
