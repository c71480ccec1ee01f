"""The entries of DSCO's list of packages: a tracking number may have several, when people reported under it again."""

from __future__ import annotations

from collections.abc import Sequence

from integrations.dsco.schemas import DscoPackage


def one_for_each_number(packages: Sequence[DscoPackage], *, copies_count: bool = False) -> list[DscoPackage]:
    """Return the packages with several entries under one tracking number made one that holds the lines of all.

    copies_count: an entry that says the same as another is one more, not the same one listed twice.
    """
    whole: dict[str, list[DscoPackage]] = {}
    for place, package in enumerate(packages):
        number = (package.tracking_number or "").strip().casefold()
        entries = whole.setdefault(number or f"\0{place}", [])
        if copies_count or package not in entries:
            entries.append(package)
    return [entries[0] if len(entries) == 1 else _joined(entries) for entries in whole.values()]


def _joined(entries: Sequence[DscoPackage]) -> DscoPackage:
    items = [item for entry in entries for item in entry.line_items]
    dates = [entry.ship_date for entry in entries if entry.ship_date]
    return entries[0].model_copy(update={"line_items": items, "ship_date": max(dates, default=None)})
