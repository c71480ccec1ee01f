"""What a check of staff's input found: refused, to be confirmed, or only to be known."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum


class Weight(Enum):
    """REFUSE: cannot be saved. CONFIRM: saved when a person says so. NOTE: saved, and said."""

    REFUSE = "refuse"
    CONFIRM = "confirm"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found, for one column of a row, in a sentence that says what to do."""

    weight: Weight
    column: str
    message: str


# Rows of plain texts by column (``pk`` of the row that they replace, where there is one) → the findings of each row.
Check = Callable[[Sequence[Mapping[str, str]]], list[list[Finding]]]


@dataclass(frozen=True, slots=True)
class Rules:
    """The check of one kind of row, and the columns that it looks at: only when these change is it asked.

    stored: the same columns as the table names them, where that differs.
    """

    check: Check
    columns: tuple[str, ...]
    stored: tuple[str, ...] = ()


def of_weight(findings: Iterable[Finding], weight: Weight) -> list[Finding]:
    """Return the findings of one weight."""
    return [finding for finding in findings if finding.weight is weight]


def fingerprint(findings: Iterable[Finding]) -> str:
    """Return what a person confirms by ticking: other warnings have another one."""
    return hashlib.sha256("\n".join(finding.message for finding in findings).encode()).hexdigest()[:16]
