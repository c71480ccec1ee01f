"""What a write's reply says about each number that was submitted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import Uncertain
from ..sentences import gettext as _
from .errors import VENDOR, Answer
from .schemas import CancelResult, CreateResult
from .schemas.fields import identifier, optional_number, rows_of, text

SUCCESSES = "success_details"
ERRORS = "error_details"
NO_REASON = _("LingXing gave no reason.")


def create_result(numbers: Sequence[str], answer: Answer) -> CreateResult:
    """Sort the submitted numbers. One that is in neither list, or in both, is unknown."""
    created: dict[str, str] = {}
    refused: dict[str, str] = {}
    for list_name, entry in _create_entries(answer):
        number = _text(entry.get("platform_order_no"))
        global_order_no = _id(entry.get("global_order_no"))
        words = _text(entry.get("error_message") or entry.get("message") or entry.get("msg"))
        if list_name != ERRORS and global_order_no and not words:
            created[number] = global_order_no
        if list_name == ERRORS or (words and not global_order_no):
            refused[number] = words or NO_REASON
    result = CreateResult()
    for number in numbers:
        if number in created and number not in refused:
            result.created[number] = created[number]
        elif number in refused and number not in created:
            result.refused[number] = refused[number]
        else:
            result.unknown.append(number)
    return result


def _create_entries(answer: Answer) -> Iterator[tuple[str, dict[str, Any]]]:
    """Entries with the name of their list; ``data`` may be the object that holds the lists, or an array of
    such objects or of bare entries (whose list is "")."""
    for part in rows_of(answer.data) + rows_of(answer.envelope.get("error_details")):
        if not isinstance(part, dict):
            continue
        lists = [(name, rows_of(part[name])) for name in (SUCCESSES, ERRORS) if name in part] or [("", [part])]
        for name, entries in lists:
            yield from ((name, entry) for entry in entries if isinstance(entry, dict))


def cancel_result(
    numbers: Sequence[str],
    answer: Answer,
    operation: str,
    *,
    counts: tuple[str, str],
    failures: tuple[str, str],
    silence_is_consent: bool = False,
) -> CancelResult:
    """Sort the submitted numbers by the failures that the reply names.

    counts: the members with the numbers of successes and failures; failures: the list and the number inside it.
    silence_is_consent: a success without counts means that all were taken, as in the vendor's own example.
    Raises Uncertain when the counts show failures that are not named (unless everything failed), or say nothing.
    """
    data = answer.data if isinstance(answer.data, dict) else {}
    succeeded, failed = (optional_number(data.get(name)) for name in counts)
    list_name, number_name = failures
    named = {
        _id(entry.get(number_name)): _text(entry.get("message")) or NO_REASON
        for entry in rows_of(data.get(list_name))
        if isinstance(entry, dict)
    }
    result = CancelResult(failed={number: named[number] for number in numbers if number in named})
    rest = [number for number in numbers if number not in named]
    if failed and not succeeded and failed >= len(numbers):
        result.failed.update(dict.fromkeys(rest, NO_REASON))
    elif rest and succeeded != len(rest) and not (silence_is_consent and (succeeded, failed) == (None, None)):
        raise Uncertain(
            _("LingXing did not say which of the orders were taken."),
            vendor=VENDOR,
            operation=operation,
            code="unclear_outcome",
            request_id=answer.request_id,
        )
    else:
        result.submitted.extend(rest)
    return result


def _text(value: Any) -> str:
    try:
        return text(value)
    except ValueError:
        return ""


def _id(value: Any) -> str:
    try:
        return identifier(value)
    except ValueError:
        return ""
