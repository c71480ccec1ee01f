"""The form of packages by hand: from what was posted to a draft, from a draft to packages, and to what is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..compose_drafts import FIELDS, Content
from ..composed_packages import ComposedPackage, ComposeFacts, Problem
from ..models import OrderLine

MOST_PACKAGES = 100
MOST_DIGITS = 6
LABELS: dict[str, str | Promise] = {
    "tracking_number": gettext_lazy("tracking number"),
    "carrier": gettext_lazy("carrier"),
    "method": gettext_lazy("shipping method"),
    "service_level": gettext_lazy("service level"),
    "warehouse_code": gettext_lazy("warehouse code"),
    "ship_date": gettext_lazy("shipped at"),
}
LISTS = {"carrier": "ob-carriers", "method": "ob-methods", "service_level": "ob-levels", "warehouse_code": "ob-codes"}


def posted(data: Mapping[str, Any], lines: Sequence[OrderLine]) -> Content:
    """Return what was typed, as it was typed."""
    count = _number(data.get("count", "0"))
    packages = [_package(data, f"p{index}", lines) for index in range(min(count, MOST_PACKAGES))]
    return {"packages": packages, "partial": "partial" in data, "reason": str(data.get("reason", ""))[:1000]}


def _package(data: Mapping[str, Any], prefix: str, lines: Sequence[OrderLine]) -> dict[str, Any]:
    typed: dict[str, Any] = {name: str(data.get(f"{prefix}-{name}", ""))[:300] for name in (*FIELDS, "source")}
    quantities = {str(line.pk): str(data.get(f"{prefix}-q{line.pk}", "")).strip()[:20] for line in lines}
    typed["quantities"] = {pk: text for pk, text in quantities.items() if text}
    return typed | {"include": f"{prefix}-include" in data}


def _number(text: Any) -> int:
    text = str(text).strip()
    return int(text) if text.isdecimal() and len(text) <= MOST_DIGITS else 0


@dataclass(slots=True)
class Understood:
    """The packages that are to be reported, each with its place in the draft, and what could not be read."""

    packages: list[ComposedPackage] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def placed(self, problems: Sequence[Problem]) -> list[Problem]:
        """Return problems of the chosen packages with the draft's places instead."""
        return [one if one.package is None else replace(one, package=self.places[one.package]) for one in problems]


def understood(content: Content) -> Understood:
    """Return the ticked packages of a draft; a number or time that cannot be read is a problem."""
    result = Understood()
    for place, typed in enumerate(content["packages"]):
        if not typed.get("include"):
            continue
        result.places.append(place)
        result.packages.append(
            ComposedPackage(
                tracking_number=typed["tracking_number"],
                quantities=_quantities(typed["quantities"], place, result.problems),
                carrier=typed["carrier"], method=typed["method"], service_level=typed["service_level"],
                warehouse_code=typed["warehouse_code"],
                ship_date=_ship_date(typed["ship_date"], place, result.problems), place=place + 1,
            )
        )  # fmt: skip
    return result


def _quantities(typed: Mapping[str, str], place: int, problems: list[Problem]) -> dict[int, int]:
    units = {}
    for pk, text in typed.items():
        if text.isdecimal() and len(text) <= MOST_DIGITS:
            units[int(pk)] = int(text)
        else:
            message = _("Package %(n)d: “%(text)s” is no quantity.") % {"n": place + 1, "text": text}
            problems.append(Problem("bad_quantity", message, place, "quantity", int(pk)))
    return units


def _ship_date(text: str, place: int, problems: list[Problem]) -> datetime | None:
    if not text.strip():
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
    except (ValueError, OverflowError):
        message = _("Package %(n)d: “%(text)s” is no date and time. Write 2026-01-31 14:30.")
        problems.append(Problem("bad_date", message % {"n": place + 1, "text": text}, place, "ship_date"))
    return None


# --- What is shown ------------------------------------------------------------------------------------


@dataclass(slots=True)
class Cell:
    """One input: what it is called, what stands in it, what is wrong with it."""

    name: str
    value: str
    label: str
    problems: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Row:
    """A row of inputs, one for each package: a field of the packages, or a line of the order."""

    label: str
    cells: list[Cell]
    name: str = ""
    datalist: str = ""
    required: bool = False
    line: OrderLine | None = None
    open: int = 0
    reported: int = 0
    left: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def over(self) -> int:
        """How many units too many are packed."""
        return max(-self.left, 0)


@dataclass(slots=True)
class Grid:
    """Order lines × packages; ``general`` are the problems that belong to no input."""

    packages: list[dict[str, Any]]
    fields: list[Row]
    lines: list[Row]
    general: list[str]
    partial: bool
    reason: str


def grid(facts: ComposeFacts, content: Content, problems: Sequence[Problem] = ()) -> Grid:
    """Return the form with its problems beside the inputs that they are about."""
    packages = [
        typed | {
            "index": index, "number": index + 1,
            "problems": [one.message for one in problems if one.package == index and not one.field],
        }
        for index, typed in enumerate(content["packages"])
    ]  # fmt: skip
    general = [one.message for one in problems if one.package is None and one.line is None]
    fields = [_field_row(facts, name, packages, problems) for name in FIELDS]
    lines = [_line_row(facts, line, packages, problems) for line in facts.lines]
    return Grid(packages, fields, lines, general, content["partial"], content["reason"])


def _field_row(facts: ComposeFacts, name: str, packages: Sequence[dict[str, Any]], problems: Sequence[Problem]) -> Row:
    label = str(LABELS[name])
    cells = [
        Cell(
            f"p{index}-{name}", typed[name], _("%(field)s of package %(n)d") % {"field": label, "n": index + 1},
            [one.message for one in problems if one.package == index and one.field == name],
        )
        for index, typed in enumerate(packages)
    ]  # fmt: skip
    pair_wanted = facts.policy.require_carrier and name in ("carrier", "method")
    code_wanted = facts.policy.require_warehouse_code and name == "warehouse_code"
    required = pair_wanted or code_wanted or name == "tracking_number"
    return Row(label, cells, name, LISTS.get(name, ""), required)


def _line_row(
    facts: ComposeFacts, line: OrderLine, packages: Sequence[dict[str, Any]], problems: Sequence[Problem]
) -> Row:
    number = line.line_number if line.line_number is not None else line.position + 1
    name = line.sku or line.partner_sku or line.erp_sku
    left = facts.remaining(line)
    cells = []
    for index, typed in enumerate(packages):
        text = typed["quantities"].get(str(line.pk), "")
        found = [one.message for one in problems if one.package == index and one.line == line.pk]
        label = _("units of %(sku)s in package %(n)d") % {"sku": name, "n": index + 1}
        cells.append(Cell(f"p{index}-q{line.pk}", text, label, found))
        if typed["include"] and text.isdecimal() and len(text) <= MOST_DIGITS:
            left -= int(text)
    whole = [one.message for one in problems if one.package is None and one.line == line.pk]
    return Row(
        f"#{number} {name}", cells, line=line, open=facts.remaining(line), left=left, problems=whole,
        reported=facts.reported.get(line.pk, 0),
    )  # fmt: skip
