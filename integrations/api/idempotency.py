"""Idempotency keys: a write is carried out once per key, and every repetition gets the first answer.

Key, effect and answer are one transaction. So a crash leaves all of them or none, and of two equal requests at once
the second waits at the key's unique index until the first has committed, then gets its answer. Nothing that a write
does calls a vendor: it makes deliveries due, which the workers carry out.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.db import transaction
from django.utils import timezone
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from ..models import ApiRequest, ApiToken
from .problems import MEDIA_TYPE, Fault, Problem
from .views import ApiView

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
SHAPE = re.compile(r"[!-~]{1,200}")
# Refusals of a domain function: the request was understood, and answered.
KEPT_STATUSES = (409,)
P = ParamSpec("P")
V = TypeVar("V", bound=ApiView)
Handler = Callable[Concatenate[V, Request, P], Response]


def once(handler: Handler[V, P]) -> Handler[V, P]:
    """Carry out a view's write once per idempotency key.

    An answer of success and a refusal (409) are kept; what was not valid, not allowed or broke has changed nothing
    and leaves no trace, so that the same key may be used again.
    """

    @functools.wraps(handler)
    def answer(view: V, request: Request, *args: P.args, **kwargs: P.kwargs) -> Response:
        key, print_ = _key_of(request), fingerprint(request)
        assert isinstance(request.auth, ApiToken)  # noqa: S101 - ``Allowed`` has seen to it
        with transaction.atomic():
            row, is_first = ApiRequest.objects.get_or_create(
                user=view.user, key=key,
                defaults={
                    "token": request.auth, "fingerprint": print_, "method": str(request.method),
                    "path": request.path[:500], "made_at": timezone.now(),
                },
            )  # fmt: skip
            if not is_first:
                return _first_answer(row, print_)
            response = _carried_out(lambda: handler(view, request, *args, **kwargs))
            row.status, row.answer = response.status_code, JSONRenderer().render(response.data).decode()
            row.save(update_fields=["status", "answer"])
        return response

    return answer  # type: ignore[return-value] # its names of parameters are known, too


def fingerprint(request: Request) -> str:
    """Return a hash of method, address and content; the order of the content's members does not matter."""
    content = json.dumps(request.data, sort_keys=True, default=str)
    text = "\n".join((str(request.method), request.get_full_path(), content))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _carried_out(write: Callable[[], Response]) -> Response:
    try:
        with transaction.atomic():
            return write()
    except Problem as problem:
        if problem.status_code not in KEPT_STATUSES:
            raise
        return Response(problem.document(), problem.status_code, content_type=MEDIA_TYPE)


def _key_of(request: Request) -> str:
    key = request.headers.get(HEADER, "").strip()
    if not SHAPE.fullmatch(key):
        text = f"Every write needs the header {HEADER}: 1 to 200 visible characters, a new one for each intent."
        fault = Fault(f"header:{HEADER}", text, "missing" if not key else "malformed")
        raise Problem("invalid_request", text, code="idempotency_key_missing", faults=[fault])
    return key


def _first_answer(row: ApiRequest, print_: str) -> Response:
    if row.fingerprint != print_:
        text = f"This key was used at {row.made_at:%Y-%m-%d %H:%M:%S} UTC for {row.method} {row.path}"
        same = " with other content" if row.path else ""
        raise Problem("key_reused", f"{text}{same}. Nothing was changed.")
    data: Any = json.loads(row.answer)
    content_type = MEDIA_TYPE if row.status in KEPT_STATUSES else None
    return Response(data, row.status, headers={REPLAYED: "true"}, content_type=content_type)
