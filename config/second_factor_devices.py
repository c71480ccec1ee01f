"""The second factor's devices (django-otp): an authenticator app, and codes on paper for when the app is lost."""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, urlencode

from django.db import models
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device, ThrottlingMixin
from django_otp.oath import TOTP

from integrations.sealing import SealedField

ISSUER = "OrderBridge"
KEY_BYTES = 20
STEP_SECONDS = 30
# A code of the step before or after counts, too: clocks differ.
TOLERANCE = 1
NUMBER_OF_CODES = 10
CODE_BYTES = 10

if TYPE_CHECKING:

    class _Device(models.Model):
        """What django-otp's Device with throttling is to the type checker."""

        user: Any
        name: Any
        confirmed: Any
        objects: Any

        class Meta:
            abstract = True

        def verify_is_allowed(self) -> tuple[bool, dict[str, Any] | None]: ...

        def throttle_increment(self) -> None: ...

        def throttle_reset(self) -> None: ...

else:

    class _Device(ThrottlingMixin, Device):
        """A device that answers more and more slowly when codes are guessed: after 1, 2, 4, 8 … seconds."""

        class Meta:
            abstract = True


class Authenticator(_Device):
    """An authenticator app (TOTP, RFC 6238). ``key`` is sealed; ``last_step`` lets no code be used twice."""

    key = SealedField()
    last_step = models.BigIntegerField(default=-1)

    class Meta:
        verbose_name = _("authenticator app")
        verbose_name_plural = _("authenticator apps")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user"], condition=models.Q(confirmed=True), name="one_authenticator")
        ]

    def get_throttle_factor(self) -> float:
        """Return the seconds to wait after the first wrong code."""
        return 1.0

    def verify_token(self, token: str) -> bool:
        """Return whether this is the app's code of now, used for the first time."""
        if not _looks_like_app(token) or not self.verify_is_allowed()[0]:
            return False
        step = self._step_of(token)
        if step is None:
            self.throttle_increment()
            return False
        # Two requests with the same code: the row lets one of them through.
        fresh = Authenticator._default_manager.filter(pk=self.pk, last_step__lt=step).update(last_step=step)
        if fresh:
            self.last_step = step
            self.throttle_reset()
        return bool(fresh)

    def address(self) -> str:
        """Return the otpauth:// address that apps read from the picture."""
        label = quote(f"{ISSUER}:{self.user.get_username()}")
        return f"otpauth://totp/{label}?{urlencode({'secret': self.key, 'issuer': ISSUER})}"

    def _step_of(self, token: str) -> int | None:
        """Return the time step that a code belongs to."""
        try:
            key = base64.b32decode(self.key)
        except binascii.Error:
            return None
        totp = TOTP(key, STEP_SECONDS)
        totp.time = timezone.now().timestamp()
        right = bool(key) and totp.verify(int(_plain(token)), TOLERANCE, self.last_step + 1)
        return int(totp.t()) if right else None


class RecoveryCodes(_Device):
    """One-time codes for when the app is lost; only their digests are kept, keyed by DJANGO_SECRET_KEY."""

    digests = models.JSONField(default=list)

    class Meta:
        verbose_name = _("recovery codes")
        verbose_name_plural = _("recovery codes")
        constraints: ClassVar = [models.UniqueConstraint(fields=["user"], name="one_set_of_recovery_codes")]

    def get_throttle_factor(self) -> float:
        """Return the seconds to wait after the first wrong code."""
        return 1.0

    def verify_token(self, token: str) -> bool:
        """Return whether this is one of the codes; it is used up by that. Called with the row locked."""
        if _looks_like_app(token) or not self.verify_is_allowed()[0]:
            return False
        digest = _digest(token)
        left = [one for one in self.digests if not constant_time_compare(one, digest)]
        if len(left) == len(self.digests):
            self.throttle_increment()
            return False
        self.digests = left
        self.throttle_reset()  # saves
        return True


def new_authenticator(user: Any) -> Authenticator:
    """Return the app that this user is about to enrol, not confirmed yet: the one begun before, or a new one."""
    begun = Authenticator._default_manager.filter(user=user, confirmed=False).exclude(key="").first()
    if begun is not None:
        return begun
    key = base64.b32encode(secrets.token_bytes(KEY_BYTES)).decode()
    return Authenticator._default_manager.create(user=user, name="app", key=key, confirmed=False)


def new_recovery_codes(user: Any) -> list[str]:
    """Replace the user's recovery codes; returns the new ones, which nobody can read again."""
    codes = [base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode().lower() for _each in range(NUMBER_OF_CODES)]
    facts = {"name": "codes", "digests": [_digest(code) for code in codes], "confirmed": True}
    fresh = {"throttling_failure_count": 0, "throttling_failure_timestamp": None}
    RecoveryCodes._default_manager.update_or_create(user=user, defaults={**facts, **fresh})
    return ["-".join(code[start : start + 4] for start in range(0, len(code), 4)) for code in codes]


def _digest(code: str) -> str:
    return salted_hmac("orderbridge.recovery_code", _plain(code), algorithm="sha256").hexdigest()


def _plain(code: str) -> str:
    return "".join(letter for letter in code.lower() if letter.isalnum())


def _looks_like_app(code: str) -> bool:
    """Return whether it is six digits: a wrong code of one device must not slow down the other."""
    plain = _plain(code)
    return len(plain) == 6 and plain.isascii() and plain.isdigit()
