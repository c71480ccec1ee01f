"""What became of one delivery in one call: the only thing a kind of delivery tells the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..errors import (
    AuthenticationExpired,
    ConfigurationError,
    RateLimited,
    Rejected,
    Stopping,
    TransientError,
    Uncertain,
    VendorError,
    VendorOut,
    VendorStopped,
)
from ..sentences import gettext as _
from .states import State


@dataclass(frozen=True, slots=True)
class Outcome:
    """The state to go to, and why.

    code/message: for staff; error_kind: see ``errors.ErrorKind``; reference: the vendor's id of what
    was made; request_id: the id to ask an asynchronous vendor with; retry_after: seconds;
    counted: whether this was a failure of the delivery (else it only waits); working: the vendor says that it has
    not come to it yet; data: for the kind's ``recorded`` hook.
    """

    state: State
    code: str = ""
    message: str = ""
    error_kind: str = ""
    reference: str = ""
    request_id: str = ""
    retry_after: float | None = None
    counted: bool = True
    solo: bool = False
    working: bool = False
    data: dict[str, Any] = field(default_factory=dict)


def succeeded(reference: str = "", **data: Any) -> Outcome:
    """The vendor has it."""
    return Outcome(State.SUCCEEDED, reference=reference, data=data)


def accepted(request_id: str, **data: Any) -> Outcome:
    """The vendor took it and will say later; ask with ``request_id``."""
    return Outcome(State.ACCEPTED, request_id=request_id, data=data)


def still_pending(message: str = "") -> Outcome:
    """An accepted or uncertain delivery about which nothing more is known yet."""
    return Outcome(State.UNCERTAIN, message=message, counted=False)


def still_working() -> Outcome:
    """The vendor has it in its queue and says so: it is asked again, and nothing is sent a second time."""
    return Outcome(State.UNCERTAIN, counted=False, working=True)


def retry(code: str, message: str, *, solo: bool = False, retry_after: float | None = None) -> Outcome:
    """It certainly did not happen; try again later (``solo``: alone, not in a batch)."""
    return Outcome(State.DUE, code, message, "transient", solo=solo, retry_after=retry_after)


def absent() -> Outcome:
    """Verification found that it did not happen: it may be sent again."""
    return Outcome(State.DUE, counted=False, retry_after=0)


def says_absent(outcome: Outcome) -> bool:
    """Return whether a verification found that it did not happen (see ``absent``)."""
    return outcome.state == State.DUE and not outcome.error_kind


def rejected(code: str, message: str) -> Outcome:
    """The vendor refused it for good, with its words."""
    return Outcome(State.FAILED, code, message, "rejected")


def unknown(code: str, message: str) -> Outcome:
    """It may or may not have happened."""
    return Outcome(State.UNCERTAIN, code, message, "uncertain")


def not_in_log() -> Outcome:
    """The vendor's finished change log does not mention an accepted delivery: look at the vendor's truth."""
    return unknown("not_in_log", _("The vendor's change log does not mention this delivery; it is being verified."))


def needs_attention(code: str, message: str, **data: Any) -> Outcome:
    """A person must decide; the message says what to do."""
    return Outcome(State.NEEDS_ATTENTION, code, message, counted=False, data=data)


def waiting(code: str, message: str = "") -> Outcome:
    """A condition is not met (any more); a flow will release the row when it is."""
    return Outcome(State.WAITING, code, message, counted=False)


def skipped(code: str, message: str = "") -> Outcome:
    """Not applicable."""
    return Outcome(State.SKIPPED, code, message, counted=False)


def cancelled(code: str, message: str = "") -> Outcome:
    """No longer owed."""
    return Outcome(State.CANCELLED, code, message, counted=False)


def from_error(error: VendorError) -> Outcome:
    """Sort a vendor error into the outcome of the deliveries that were in the call."""
    facts: dict[str, Any] = {"code": error.code, "message": error.message, "error_kind": error.kind.value}
    match error:
        case VendorStopped():
            return waiting(error.code, error.message)
        case VendorOut() | Stopping():
            return Outcome(State.DUE, counted=False, retry_after=0, **facts)
        case Uncertain():
            return Outcome(State.UNCERTAIN, request_id="", **facts)
        case Rejected():
            return Outcome(State.FAILED, **facts)
        case ConfigurationError() | AuthenticationExpired():
            return Outcome(State.DUE, counted=False, retry_after=0, **facts)
        case RateLimited():
            return Outcome(State.DUE, counted=False, retry_after=error.retry_after or 10, **facts)
        case TransientError():
            never_reached = error.code == "connect_failed"
            return Outcome(State.DUE, counted=not never_reached, retry_after=0 if never_reached else None, **facts)
    return Outcome(State.UNCERTAIN, **facts)
