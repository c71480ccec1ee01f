"""The base of every view of the API."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

from django.contrib.auth.models import User
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .access import Allowed, TokenAuthentication, TokenThrottle
from .parsing import StrictJson
from .problems import KINDS, Fault, Problem, faults_in

S = TypeVar("S", bound=serializers.Serializer)  # type: ignore[type-arg]


class ApiView(APIView):
    """JSON for a token. ``to_read``, ``to_write``: the permission as in the admin; ``scope``: that of the writes."""

    authentication_classes = (TokenAuthentication,)
    permission_classes = (Allowed,)
    throttle_classes = (TokenThrottle,)
    renderer_classes = (JSONRenderer,)
    parser_classes = (StrictJson,)
    to_read: ClassVar[str] = ""
    to_write: ClassVar[str] = ""
    scope: ClassVar[str] = ""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """A method that the address does not have is told before rights are asked for."""
        if not hasattr(self, str(request.method).lower()):
            self.http_method_not_allowed(request)
        super().initial(request, *args, **kwargs)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Nothing of the API is kept by caches on the way."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer

    @property
    def actor(self) -> str:
        """Whom the audit trail names: the user that the token acts for."""
        return str(self.request.user.get_username())

    @property
    def user(self) -> User:
        """The user that the token acts for."""
        assert isinstance(self.request.user, User)  # noqa: S101 - ``Allowed`` has seen to it
        return self.request.user


class Strict(serializers.Serializer[Any]):
    """A body or a query without members that nobody knows: a misspelt one would be left out in silence."""

    def to_internal_value(self, data: Any) -> Any:
        """Check the members, then each of them."""
        unknown = sorted(set(data) - set(self.fields)) if hasattr(data, "keys") else []
        if unknown:
            known = ", ".join(self.fields)
            text = f"There is no such member; known are: {known or '(none)'}."
            raise serializers.ValidationError({name: [text] for name in unknown}, "unknown")
        return super().to_internal_value(data)


def many(form: type[serializers.Serializer[Any]], **limits: Any) -> Any:
    """Return a member that is a list of these; limits: ``max_length``, ``allow_empty``, ``required`` …"""
    return form(many=True, **limits)


class Nothing(Strict):
    """No content."""


def checked_body(request: Request, form: type[Strict]) -> dict[str, Any]:
    """Return the checked content of a write; an empty body is an empty object. Raises Problem."""
    return _checked(form(data=request.data or {}), "")


def checked_query(request: Request, form: type[Strict]) -> dict[str, Any]:
    """Return the checked parameters of an address. Raises Problem."""
    return _checked(form(data={name: request.query_params[name] for name in request.query_params}), "query:")


def _checked(form: Strict, where: str) -> dict[str, Any]:
    if form.is_valid():
        return dict(form.validated_data)
    faults = [Fault(where + fault.where, fault.detail, fault.code) for fault in faults_in(form.errors)]
    raise Problem("invalid_request", faults=faults)


class ProblemKinds(APIView):
    """What the addresses in ``type`` explain: one kind of problem, or all of them. Needs no token."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    renderer_classes = (JSONRenderer,)
    schema = None

    def get(self, request: Request, kind: str = "") -> Response:
        """Return status, title and advice."""
        told = {
            name: {"code": name, "status": one.status, "title": one.title, "advice": one.advice}
            for name, one in KINDS.items()
        }
        if not kind:
            return Response({"results": list(told.values())})
        if kind not in told:
            raise Problem("not_found")
        return Response(told[kind])


class NoSuchAddress(APIView):
    """Any other address below ``/api/``: told as a problem, too."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    renderer_classes = (JSONRenderer,)
    parser_classes = ()
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Whatever the method."""
        slash = "" if request.path.endswith("/") else " Addresses end with a slash."
        raise Problem(
            "not_found", f"There is nothing at {request.path}.{slash} See /api/docs/.", code="no_such_address"
        )
