"""Errors of the API as problem details (RFC 9457): what happened, and what to do about it.

``type`` names one of the kinds below and is an address that explains it; ``code`` is finer where a domain function
gave a reason of its own (``already_shipped`` …).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from ..refusals import CannotDo
from ..sentences import told

# So many faults are told in ``detail``; ``errors`` has all of them.
FAULTS_IN_DETAIL: Final = 3
MEDIA_TYPE: Final = "application/problem+json"
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """A kind of problem: its status, its title, and what a client should do."""

    status: int
    title: str
    advice: str


KINDS: Final[dict[str, ProblemKind]] = {
    "invalid_request": ProblemKind(
        400, "The request is not valid", "Correct what `errors` names and send it again. Nothing was changed."
    ),
    "unauthenticated": ProblemKind(
        401, "No valid token",
        "Send `Authorization: Bearer TOKEN` with a token that is neither expired nor revoked"
        " (`manage.py apitoken list`, `manage.py apitoken create`).",
    ),
    "forbidden": ProblemKind(
        403, "Not allowed",
        "Use a token with the scope that `detail` names, acting for a user with the permission that it names.",
    ),
    "not_found": ProblemKind(
        404, "Not found",
        "Check number and address. `GET /api/v1/order-status/` finds an order by any number; /api/docs/ lists all"
        " addresses.",
    ),
    "method_not_allowed": ProblemKind(405, "Method not allowed", "Use one of the methods that `Allow` lists."),
    "not_acceptable": ProblemKind(406, "Not acceptable", "The API answers JSON: send `Accept: application/json`."),
    "not_possible": ProblemKind(
        409, "Not possible now",
        "`code` and `detail` say what stands against it. Nothing was changed. Mend that, then repeat with a new"
        " idempotency key: the old one keeps this answer.",
    ),
    "already_running": ProblemKind(
        409, "It is running already", "Wait until it has ended, then repeat with a new idempotency key."
    ),
    "too_large": ProblemKind(413, "Too much at once", "Send less in one request: at most 2.5 MB."),
    "unsupported_media_type": ProblemKind(415, "Not JSON", "Send JSON with `Content-Type: application/json`."),
    "key_reused": ProblemKind(
        422, "The idempotency key was used for something else",
        "Take a new key for each new intent; repeat the very same request with the old one.",
    ),
    "too_many_requests": ProblemKind(429, "Too many requests", "Wait as many seconds as `Retry-After` says."),
    "internal_error": ProblemKind(
        500, "Something broke in OrderBridge",
        "Repeat it with the same idempotency key. If it stays, tell the administrator: the log has the details.",
    ),
}  # fmt: skip
RUNNING: Final = "already_running"
BY_STATUS: Final = {kind.status: name for name, kind in reversed(KINDS.items())}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in a request: where (a JSON pointer, or the name of a parameter), and why."""

    where: str
    detail: str
    code: str = "invalid"


class Problem(exceptions.APIException):
    """Ends a request with problem details. kind: one of ``KINDS``; detail: a sentence, also one of ours."""

    def __init__(
        self, kind: str, detail: str = "", *, code: str = "", faults: Sequence[Fault] = (), **members: Any
    ) -> None:
        self.kind = kind
        self.status_code = KINDS[kind].status
        self.problem_code = code or kind
        self.faults = list(faults)
        self.members = members
        super().__init__(detail or KINDS[kind].advice, self.problem_code)
        self.words = detail or ("" if self.faults else KINDS[kind].advice)

    def document(self) -> dict[str, Any]:
        """Return the body."""
        return document(self.kind, self.words, self.problem_code, self.faults, self.members)


@contextmanager
def not_possible() -> Iterator[None]:
    """Answer ``not_possible`` where a domain function refuses, with its ``code`` and sentence.

    What is refused because it is running is a kind of problem of its own: the client is to wait.
    """
    try:
        yield
    except CannotDo as refusal:
        kind = RUNNING if refusal.code == RUNNING else "not_possible"
        raise Problem(kind, str(refusal), code=refusal.code) from None


def document(
    kind: str, detail: str, code: str = "", faults: Sequence[Fault] = (), members: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return problem details as JSON-like data; sentences of ours are told in the reader's language."""
    found: dict[str, Any] = {
        "type": f"/api/problems/{kind}/", "title": KINDS[kind].title, "status": KINDS[kind].status,
        "code": code or kind, "detail": told(detail) or _in_a_sentence(faults), "advice": KINDS[kind].advice,
    }  # fmt: skip
    if faults:
        found["errors"] = [{"where": one.where, "code": one.code, "detail": told(one.detail)} for one in faults]
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if request_id:
        found["request_id"] = str(request_id)
    return found | dict(members or {})


def _in_a_sentence(faults: Sequence[Fault]) -> str:
    told_here = [
        f"{one.where}: {told(one.detail)}" if one.where else told(one.detail) for one in faults[:FAULTS_IN_DETAIL]
    ]
    return " ".join([*told_here, "…"] if len(faults) > FAULTS_IN_DETAIL else told_here)


def answer_problem(error: Exception, context: Mapping[str, Any]) -> Response:
    """Return the answer to an exception in a view; what nobody expected is logged and told as an internal error."""
    problem = _problem_of(error)
    headers: dict[str, str] = {}
    if problem is None:
        log.error("api_broke", exc_info=error)
        problem = Problem("internal_error")
    if asks := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = str(asks)
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(math.ceil(wait))
    return Response(problem.document(), problem.status_code, headers=headers, content_type=MEDIA_TYPE)


def _problem_of(error: Exception) -> Problem | None:
    if isinstance(error, Problem):
        return error
    if isinstance(error, Http404):
        return Problem("not_found", str(error) if error.args and isinstance(error.args[0], str) else "")
    if isinstance(error, RequestDataTooBig):
        return Problem("too_large")
    if isinstance(error, PermissionDenied):
        return Problem("forbidden", str(error))
    if isinstance(error, exceptions.ValidationError):
        return Problem("invalid_request", faults=list(faults_in(error.detail)))
    if not isinstance(error, exceptions.APIException):
        return None
    status = error.status_code
    kind = BY_STATUS.get(status, "invalid_request" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "internal_error")
    code = str(error.get_codes()) if isinstance(error.detail, str) else ""
    return Problem(kind, str(error.detail), code=code if status == HTTPStatus.UNAUTHORIZED else "")


def faults_in(detail: Any, where: str = "") -> Iterator[Fault]:
    """Yield what DRF's validation found, each with a JSON pointer."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            own = name == "non_field_errors"
            escaped = str(name).replace("~", "~0").replace("/", "~1")
            yield from faults_in(inner, where if own else f"{where}/{escaped}")
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            # A list of messages stands for one value; a list of objects has an entry for each of its items.
            yield from faults_in(inner, f"{where}/{index}" if isinstance(inner, dict | list) else where)
    else:
        yield Fault(where, str(detail), str(getattr(detail, "code", "") or "invalid"))
