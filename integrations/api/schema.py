"""How the API describes itself: OpenAPI 3.1 by drf-spectacular, with examples and every problem that can come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from .access import TokenAuthentication, needed
from .idempotency import HEADER, REPLAYED
from .problems import KINDS, MEDIA_TYPE, document

F = TypeVar("F", bound=Callable[..., Any])
Shape = Any  # a serializer class, or one with many=True
ALWAYS = ("invalid_request", "unauthenticated", "forbidden", "not_acceptable", "too_many_requests", "internal_error")
WITH_BODY = ("too_large", "unsupported_media_type", "key_reused")

DESCRIPTION = f"""The REST API of OrderBridge. Guide with examples: `docs/api.md`.

* **Token**: `Authorization: Bearer ob_…`, made with `manage.py apitoken create`. It acts for one user, with that
  user's permissions, within its scopes.
* **Writes** need `{HEADER}`. The same key with the same content returns the first answer (`{REPLAYED}: true`) and does
  nothing again; with other content it is an error (422).
* **Errors** are problem details (RFC 9457, `{MEDIA_TYPE}`): `detail` says what happened, `advice` what to do.
* **Lists** are paged by cursor: pass `next_cursor` of a page as `cursor` of the next one.
* Times are UTC. Names and addresses of consumers are never in an answer.

| kind of problem | status | what to do |
|---|---|---|
""" + "\n".join(f"| `{name}` | {kind.status} | {kind.advice} |" for name, kind in KINDS.items())


class FaultShape(serializers.Serializer[Any]):
    """One thing that is wrong in a request."""

    where = serializers.CharField(help_text="JSON pointer into the body; `query:/name`, `header:Name`.")
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemShape(serializers.Serializer[Any]):
    """Problem details (RFC 9457)."""

    type = serializers.CharField(help_text="Address that explains this kind of problem.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="The kind, or the finer reason of a refusal.")
    detail = serializers.CharField(help_text="What happened, in the language of `Accept-Language`.")
    advice = serializers.CharField(help_text="What to do.")
    errors = FaultShape(many=True, required=False)  # type: ignore[assignment] # a member of that name, as RFC 9457 has
    request_id = serializers.CharField(required=False, help_text="Tell it to who reads the log.")


class ApiSchema(AutoSchema):
    """Names operations by address and method; tells the scope and permission that each needs."""

    def get_description(self) -> str:  # type: ignore[override] # drf-spectacular takes no arguments
        """Return the text of the operation, and who may."""
        words = str(super().get_description() or "")
        permission, scope = needed(_Asked(self.method), self.view)  # type: ignore[arg-type]
        return f"{words}\n\nScope `{scope}`" + (f", permission `{permission}`." if permission else ".")

    def get_operation_id(self) -> str:
        """Return a name such as ``orders_hold_post``."""
        parts = [part for part in self.path.strip("/").split("/")[2:] if not part.startswith("{")]
        one = "one_" if self.path.rstrip("/").endswith("}") else ""
        return "_".join(part.replace("-", "_") for part in parts) + f"_{one}{self.method.lower()}"

    def get_tags(self) -> list[str]:
        """Return the group under which it is listed."""
        return [str(getattr(self.view, "group", "") or self.path.strip("/").split("/")[2])]


class _Asked:
    def __init__(self, method: str) -> None:
        self.method = method


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Bearer tokens."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Return the scheme."""
        return {"type": "http", "scheme": "bearer", "description": "`manage.py apitoken create NAME --user USER …`"}


def described(
    summary: str, answer: Shape, *, body: Shape = None, query: Shape = None, problems: Sequence[str] = (),
    example: Any = None, send: Any = None, status: int = 200, refusals: Sequence[str] = (),
) -> Callable[[F], F]:  # fmt: skip
    """Describe an operation: what it takes, what it answers, which problems beside the general ones can come.

    send, example: the content of an example request and of its answer; refusals: the codes with which ``not_possible``
    comes.
    """
    writes = body is not None
    kinds = [*ALWAYS, *problems, *(WITH_BODY if writes else ()), *(("not_possible",) if refusals else ())]
    responses: dict[Any, Any] = {status: OpenApiResponse(answer, description=summary)}
    for kind in dict.fromkeys(kinds):
        told = KINDS[kind]
        known = responses.get((told.status, MEDIA_TYPE))
        description = f"{known.description} / {told.title}" if known else told.title
        if kind == "not_possible":
            description += ". Codes: " + ", ".join(f"`{code}`" for code in refusals)
        examples = [*(known.examples if known else ()), _problem_example(kind, refusals)]
        responses[told.status, MEDIA_TYPE] = OpenApiResponse(ProblemShape, description, examples)
    examples = []
    if example is not None:
        examples.append(OpenApiExample("Answer", example, response_only=True, status_codes=[str(status)]))
    if send is not None:
        examples.append(OpenApiExample("Request", send, request_only=True))
    parameters: list[Any] = [query] if query is not None else []
    if writes:
        parameters.append(_key_header())
    return extend_schema(
        summary=summary, request=body, responses=responses, parameters=parameters, examples=examples,
    )  # fmt: skip


def _key_header() -> OpenApiParameter:
    return OpenApiParameter(
        HEADER, {"type": "string", "pattern": "^[!-~]{1,200}$"}, OpenApiParameter.HEADER, required=True,
        description="New for each intent; repeat it to be sure that the write is carried out once.",
        examples=[OpenApiExample("A UUID", "4b1e2c9a-6b4f-4f6e-9d0a-1c2d3e4f5a6b")],
    )  # fmt: skip


def _problem_example(kind: str, refusals: Sequence[str]) -> OpenApiExample:
    code = refusals[0] if kind == "not_possible" and refusals else kind
    return OpenApiExample(
        kind, document(kind, KINDS[kind].title, code), response_only=True, media_type=MEDIA_TYPE,
        status_codes=[str(KINDS[kind].status)],
    )  # fmt: skip


def page_of(shape: type[serializers.Serializer[Any]]) -> type[serializers.Serializer[Any]]:
    """Return the shape of a page of rows of this shape."""
    members = {
        "results": shape(many=True),
        "next_cursor": serializers.CharField(allow_null=True, help_text="`cursor` of the next page; null on the last."),
        "__doc__": "A page.",
    }
    return type(f"{shape.__name__.removesuffix('Shape')}Page", (serializers.Serializer,), members)


def free_object(help_text: str) -> serializers.DictField:
    """Return a member that holds an object with any members."""
    return serializers.DictField(child=serializers.JSONField(), help_text=help_text)


def finish(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Add the general text, and say of every request body that unknown members are refused."""
    result["info"]["description"] = DESCRIPTION
    schemas = result.get("components", {}).get("schemas", {})
    bodies = [schema for schema in _bodies(result) if "$ref" in schema]
    seen: set[str] = set()
    while bodies:
        name = bodies.pop()["$ref"].rsplit("/", 1)[-1]
        if name in seen:
            continue
        seen.add(name)
        if schemas[name].get("type") == "object":
            schemas[name].setdefault("additionalProperties", False)
        bodies += list(_references(schemas[name]))
    return result


def _bodies(result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for operations in result["paths"].values():
        for operation in operations.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                yield from _references(content["schema"])


def _references(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema
        for inner in schema.values():
            yield from _references(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _references(inner)
