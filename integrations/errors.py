"""The error taxonomy: what went wrong at a vendor, sorted by what to do about it.

Each vendor maps its own codes to these classes in one place (``dsco/errors.py``,
``lingxing/errors.py``); everything else in OrderBridge decides by class only.

    VendorError
    ├── TransientError          certain failure that time heals: try again later
    │   ├── RateLimited         the vendor asked us to slow down (``retry_after`` seconds)
    │   └── NothingSent         refused at our own door, the call never left
    │       ├── VendorStopped   an emergency stop is open: nothing is written until it ends
    │       ├── VendorOut       the vendor does not answer: nothing is asked until it does
    │       └── Stopping        this process was asked to stop: others do it
    ├── AuthenticationExpired   token refused: renew once, repeat once
    ├── ConfigurationError      credentials, IP list, permission: stop the flow, blame no order
    ├── Rejected                the vendor understood and refused: permanent, with its words
    └── Uncertain               a write that may or may not have happened: verify, never repeat blindly
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy

from .call_words import purpose, vendor_words
from .sentences import gettext as _
from .sentences import joined


class ErrorKind(models.TextChoices):
    """The taxonomy as stored on attempts and shown to staff."""

    TRANSIENT = "transient", gettext_lazy("Temporary failure")
    RATE_LIMITED = "rate_limited", gettext_lazy("Rate limited")
    AUTHENTICATION = "authentication", gettext_lazy("Authentication expired")
    CONFIGURATION = "configuration", gettext_lazy("Configuration problem")
    REJECTED = "rejected", gettext_lazy("Rejected by the vendor")
    UNCERTAIN = "uncertain", gettext_lazy("Outcome unknown")


class VendorError(Exception):
    """A vendor call that did not do what it should.

    vendor: ``dsco`` or ``lingxing``; operation: the client method's name; code: the vendor's
    code or ours (``timeout``, ``connection_lost``, ``http_503`` …); message: the vendor's words,
    free of secrets; request_id: the vendor's id for support requests.
    """

    kind: ClassVar[ErrorKind]

    def __init__(
        self,
        message: str,
        *,
        vendor: str,
        operation: str,
        code: str,
        http_status: int | None = None,
        request_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.vendor = vendor
        self.operation = operation
        self.code = code
        self.http_status = http_status
        self.request_id = request_id
        self.retry_after = retry_after

    def __str__(self) -> str:
        """Return for staff who it was, at what, and what was said; codes, for the vendor's support, stand last."""
        head = _("%(vendor)s, %(purpose)s:") % {
            "vendor": vendor_words(self.vendor), "purpose": purpose(self.vendor, self.operation),
        }  # fmt: skip
        numbers = _("request %(id)s") % {"id": self.request_id} if self.request_id else ""
        return joined([head, self.message, _("(code %(codes)s)") % {"codes": joined([self.code, numbers], ", ")}])


class TransientError(VendorError):
    """It certainly did not happen, and trying again later is sensible."""

    kind = ErrorKind.TRANSIENT


class RateLimited(TransientError):
    """The vendor's limit was hit; nothing happened. ``retry_after`` is in seconds, or None."""

    kind = ErrorKind.RATE_LIMITED


class NothingSent(TransientError):
    """Our own door refused the call: it certainly did not leave, and says nothing about the vendor or the order."""


class VendorStopped(NothingSent):
    """Staff have stopped all writes to the vendor."""


class VendorOut(NothingSent):
    """The vendor does not answer; somebody asks it from time to time, and until then nobody else does."""


class Stopping(NothingSent):
    """This process was asked to stop."""


class AuthenticationExpired(VendorError):
    """The token was refused. Clients renew and repeat once; if it persists it is configuration."""

    kind = ErrorKind.AUTHENTICATION


class ConfigurationError(VendorError):
    """Nothing of this kind can work until a person changes a setting or a permission."""

    kind = ErrorKind.CONFIGURATION


class Rejected(VendorError):
    """The vendor refused this request for what it says; repeating it unchanged is useless."""

    kind = ErrorKind.REJECTED


class Uncertain(VendorError):
    """A write whose effect is unknown: time-out or connection lost after sending, 5xx, unreadable reply."""

    kind = ErrorKind.UNCERTAIN
