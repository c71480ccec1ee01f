"""The forms of DSCO's answers: times, error bodies and the receipts of writes."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ..http import Answer

Json = dict[str, Any]


class Refused(Exception):
    """The stand-in refuses a request, or one object of a batch.

    ``violation`` says that the client broke a documented rule, as opposed to: the world was not as it hoped.
    """

    def __init__(self, status: int, code: str, *texts: str, violation: bool = False) -> None:
        super().__init__(f"{status} {code}: {'; '.join(texts)}")
        self.status = status
        self.code = code
        self.texts = list(texts)
        self.violation = violation

    def messages(self) -> list[Json]:
        """The reasons as DSCO's messages; a description is a list, or the plain text when there is one reason only."""
        description = self.texts if len(self.texts) != 1 or self.status == 400 else self.texts[0]
        return [{"code": self.code, "severity": "error", "description": description}]


def invalid(*texts: str) -> Refused:
    """A refusal because the client sent something that the contract does not allow."""
    return Refused(400, "VALIDATION_FAILED", *texts, violation=True)


def not_found(text: str) -> Refused:
    """A refusal because nothing has the identifier that was asked for."""
    return Refused(404, "notFound", text)


def when(epoch: float) -> str:
    """Sandbox time as DSCO writes it: ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(epoch * 1000) % 1000:03d}Z"


def moment(text: str, name: str) -> float:
    """An ISO 8601 time with zone as seconds since 1970. Raises Refused when it is not one."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(f"{name} must be an ISO 8601 time, not {text!r}") from None
    if parsed.tzinfo is None:
        raise invalid(f"{name} must carry a time zone")
    return parsed.timestamp()


def receipt(status: str, now: float, request_id: str = "", messages: list[Json] | None = None) -> Json:
    """The body that answers updates: what became of them and the id under which the log knows them."""
    return {
        "status": status,
        "requestId": request_id or str(uuid.uuid4()),
        "eventDate": when(now),
        "messages": messages or [],
    }


def refusal(problem: Refused, now: float) -> Answer:
    """The answer to a refused request."""
    return Answer(problem.status, receipt("failure", now, messages=problem.messages()))


def created() -> Answer:
    """The answer to a synchronous create."""
    return Answer(201, {"success": True})


def plain(value: Any) -> Any:
    """A copy of a parsed body in which decimals are JSON numbers again."""
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    return float(value)
