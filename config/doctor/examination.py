"""Which subjects there are, and what one subject's look needs to know from the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from integrations.calls import CallRecord, collect_calls

from . import (
    assumptions,
    clocks,
    database,
    dsco_access,
    flow_state,
    lingxing_access,
    machine,
    mapping_rows,
    policies,
    settings_values,
    workers,
)
from .findings import Finding, Level, Subject


@dataclass(slots=True)
class Examination:
    """One visit of the doctor.

    offline: no vendor is called. sample: how many mapped SKUs are looked up at DSCO.
    usable: whether the database can be read, without which most subjects say nothing.
    calls: every exchange with a vendor so far, for the clock.
    """

    offline: bool = False
    sample: int = 20
    usable: bool = True
    calls: list[CallRecord] = field(default_factory=list)


Look = Callable[[Examination], Iterator[Finding]]

_LOOKS: dict[Subject, Look] = {
    Subject.SETTINGS: settings_values.look,
    Subject.DATABASE: database.look,
    Subject.MACHINE: machine.look,
    Subject.WORKERS: workers.look,
    Subject.FLOWS: flow_state.look,
    Subject.DSCO: dsco_access.look,
    Subject.LINGXING: lingxing_access.look,
    Subject.CLOCK: clocks.look,
    Subject.MAPPINGS: mapping_rows.look,
    Subject.POLICIES: policies.look,
    Subject.ASSUMPTIONS: assumptions.look,
}
_WITHOUT_DATABASE = frozenset({Subject.SETTINGS, Subject.DATABASE, Subject.MACHINE})
_AT_VENDORS = frozenset({Subject.DSCO, Subject.LINGXING, Subject.CLOCK})


def examine(examination: Examination) -> Iterator[tuple[Subject, list[Finding]]]:
    """Look at one subject after the other; subjects that cannot be looked at are left out.

    Nothing is written at a vendor. In our database only tokens, limits and the copies of LingXing's lists change.
    """
    for subject, look in _LOOKS.items():
        if examination.offline and subject in _AT_VENDORS:
            continue
        if not examination.usable and subject not in _WITHOUT_DATABASE:
            continue
        with collect_calls() as calls:
            found = list(look(examination))
            examination.calls += calls
        if subject is Subject.DATABASE:
            examination.usable = all(finding.level is not Level.STOPS for finding in found)
        yield subject, found
