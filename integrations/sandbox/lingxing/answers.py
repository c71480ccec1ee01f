"""How LingXing words its answers: envelopes, gateway errors, and values whose JSON type changes from call to call."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from ..http import Answer
from ..options import SandboxOptions

VENDOR_ZONE = timezone(timedelta(hours=8))

GATEWAY_TEXTS = {
    "2001001": "app not exist",
    "2001002": "app secret not correct",
    "2001003": "access token is missing or expire",
    "2001004": "the api not authorized",
    "2001005": " access token not match",
    "2001006": "api sign not correct",
    "2001007": "api sign has expired",
    "2001008": "refresh token expired",
    "2001009": "refresh token is invalid",
    "3001001": "missing query param(access_token,sign,timestamp,app_key)",
    "3001002": "ip not permit",
    "3001008": "requests too frequently. please request later.",
}


def moment_text(epoch: float) -> str:
    """Date and time as LingXing writes them: UTC+8, no zone mark."""
    return datetime.fromtimestamp(epoch, VENDOR_ZONE).strftime("%Y-%m-%d %H:%M:%S")


def epoch_of(text: str, form: str = "%Y-%m-%d %H:%M:%S") -> float:
    """The epoch seconds of a UTC+8 text. ValueError when the text has another form."""
    return datetime.strptime(text, form).replace(tzinfo=VENDOR_ZONE).astimezone(UTC).timestamp()


def gateway_error(code: str, now: float, text: str | None = None) -> Answer:
    """A refusal by the gateway: HTTP 200, code as text, `msg` in place of `message`."""
    body: dict[str, Any] = {"code": code, "msg": text or GATEWAY_TEXTS.get(code, "error")}
    if code == "3001008":
        body["data"] = {
            "throwable": body["msg"],
            "throwTime": moment_text(now),
            "message": None,
            "stackTrace": None,
            "metadata": {},
        }
    elif code != "2001005":
        body["data"] = None
    return Answer(status=200, body=body)


class LooseTypes:
    """Changes the JSON type of values from row to row, in a fixed rhythm, as the vendor's services do."""

    def __init__(self, chance: random.Random, options: SandboxOptions) -> None:
        self._chance = chance
        self._options = options
        self._row = 0
        self._turn = 0

    def next_row(self) -> None:
        """Starts a row; the rhythm is shifted by one against the row before."""
        self._row += 1
        self._turn = self._row

    def _flip(self) -> bool:
        self._turn += 1
        return self._turn % 2 == 0

    def number(self, value: int) -> int | str:
        """A whole number, as number or as text."""
        return str(value) if self._flip() else value

    def identifier(self, value: str) -> int | str:
        """An id, as text or (when nothing would be lost) as number."""
        return int(value) if self._flip() and value.isdigit() and str(int(value)) == value else value

    def text(self, value: str) -> str | None:
        """A text; an absent one is "" or null."""
        return None if value == "" and self._flip() else value

    def epoch(self, value: int) -> int | str | None:
        """Epoch seconds as number or text; 0 ("has not happened") also as "" and null."""
        if value:
            return self.number(value)
        self._turn += 1
        return (0, "0", "", None)[self._turn % 4]

    def moment(self, value: str) -> str | None:
        """A date text; an absent one as "", as zeros or null."""
        if value:
            return value
        self._turn += 1
        return ("", "0000-00-00 00:00:00", None)[self._turn % 3]

    def surprise(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row, now and then with a member that no document mentions."""
        if self._options.extra_attributes and self._chance.random() < 0.1:
            row["newAttribute"] = {"since": "2026"}
        return row


class Envelopes:
    """Wraps data of the business services into their envelope."""

    def __init__(self, loose: LooseTypes, chance: random.Random) -> None:
        self._loose = loose
        self._chance = chance
        self._count = 0

    def _common(self, now: float, code: int, message: str) -> dict[str, Any]:
        self._count += 1
        digits = f"{self._chance.getrandbits(128):032x}"
        request_id = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        return {
            # Every seventh answer has its code as text: clients must compare texts.
            "code": str(code) if self._count % 7 == 0 else code,
            "message": message,
            "request_id": f"{request_id}.{int(now * 1000)}",
            "response_time": moment_text(now),
        }

    def multi_platform(self, now: float, data: object, code: int = 0, message: str = "操作成功") -> Answer:
        """An answer of the order services (/pb/mp): totals are inside data."""
        return Answer(status=200, body={**self._common(now, code, message), "data": data})

    def page(self, now: float, rows: Sequence[Mapping[str, Any]], total: int) -> Answer:
        """A list of the order services; a list without rows is `[]` in place of an object."""
        self._loose.next_row()
        data = {"total": self._loose.number(total), "list": list(rows)} if rows else []
        return self.multi_platform(now, data)

    def warehouse(self, now: float, data: object, total: int | None = None) -> Answer:
        """An answer of the warehouse services (/erp/sc, /basicOpen): the total is beside data."""
        body = {**self._common(now, 0, "success"), "data": data, "error_details": []}
        if total is not None:
            self._loose.next_row()
            body["total"] = self._loose.number(total)
        return Answer(status=200, body=body)

    def invalid(self, now: float, text: str) -> Answer:
        """Code 102: the body breaks the contract."""
        return Answer(status=200, body={**self._common(now, 102, text), "code": 102, "data": None})
