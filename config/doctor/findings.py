"""What the doctor finds: one sentence that says what is the matter, one that says what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from django.utils.translation import gettext as _

from integrations.findings import Finding as InputFinding
from integrations.findings import Weight

# Of findings that are all alike so many are told one by one; the rest is counted.
NAMED = 10


class Level(Enum):
    """OK: as it should be. NOTE: to know. WARNING: works, but should be mended. STOPS: keeps orders from going."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    STOPS = "stops"


class Subject(Enum):
    """What is looked at, in this order."""

    SETTINGS = "settings"
    DATABASE = "database"
    MACHINE = "machine"
    WORKERS = "workers"
    FLOWS = "flows"
    DSCO = "dsco"
    LINGXING = "lingxing"
    CLOCK = "clock"
    MAPPINGS = "mappings"
    POLICIES = "policies"
    ASSUMPTIONS = "assumptions"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found, in the active language. ``do`` is empty where nothing is to be done."""

    level: Level
    what: str
    do: str = ""


def ok(what: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(Level.OK, what)


def note(what: str, do: str = "") -> Finding:
    """Return a finding that somebody should know."""
    return Finding(Level.NOTE, what, do)


def warning(what: str, do: str) -> Finding:
    """Return a finding that should be mended."""
    return Finding(Level.WARNING, what, do)


def stops(what: str, do: str) -> Finding:
    """Return a finding that keeps orders from going."""
    return Finding(Level.STOPS, what, do)


def only_some(found: Iterable[Finding]) -> Iterator[Finding]:
    """Yield the first NAMED findings, and one that counts the rest, as heavy as the heaviest of them."""
    every = list(found)
    yield from every[:NAMED]
    rest = every[NAMED:]
    if rest:
        heaviest = max(rest, key=lambda finding: list(Level).index(finding.level)).level
        do = _("Mend those above and run the doctor again, or see the same checks on the pages under Mappings.")
        yield Finding(heaviest, _("… and %(number)d more of the same kind.") % {"number": len(rest)}, do)


_LEVELS = {Weight.REFUSE: Level.STOPS, Weight.CONFIRM: Level.WARNING, Weight.NOTE: Level.NOTE}


def from_input(name: str, found: Iterable[InputFinding]) -> Iterator[Finding]:
    """Yield what a check of staff's input found for a stored row; its sentences say what to do themselves."""
    for item in found:
        yield Finding(_LEVELS[item.weight], f"{name}: {item.message}")
