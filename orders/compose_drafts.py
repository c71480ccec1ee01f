"""The draft of a shipment by hand: filled from LingXing's packages, kept as typed, and edited by one person at a time.

A draft is JSON: ``packages`` (texts as typed), ``partial``, ``reason``; beside it ``version`` (counts every change),
``saved_by``, ``saved_at``, ``since`` (when the editor came), ``zone`` (in which the times were typed) and ``seen``
(what the person saw; see ``compose_facts.snapshot``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from .compose_facts import closed_because
from .composed_packages import ComposeFacts, NotConfirmed, Problem
from .models import Order, Package, Shipment
from .packages import Packed, tracking_numbers
from .shipment_bodies import CannotCompose, ShippingNames, service_of, warehouse_of

EDITING_FOR = timedelta(minutes=5)
FIELDS = ("tracking_number", "carrier", "method", "service_level", "warehouse_code", "ship_date")
Content = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Editor:
    """Who has the packages of an order open, since when, and when his page was last heard of."""

    name: str
    since: datetime
    seen_at: datetime


def editor_of(row: Shipment, now: datetime) -> Editor | None:
    """Return who edits the shipment now, or None."""
    if not row.edited_by or row.edited_at is None or now - row.edited_at >= EDITING_FOR:
        return None
    since = datetime.fromisoformat(row.draft["since"]) if row.draft.get("since") else row.edited_at
    return Editor(row.edited_by, since, row.edited_at)


def start_editing(pk: int, actor: str, now: datetime, *, take_over: bool = False) -> Editor | None:
    """Note that ``actor`` edits the shipment; return the other person who does so already, else None.

    take_over: it becomes the actor's all the same, and what the other one had open is out of date.
    """
    with transaction.atomic():
        row = _locked(pk)
        editor = editor_of(row, now)
        if editor is not None and editor.name != actor and not take_over:
            return editor
        draft = dict(row.draft)
        if editor is None or editor.name != actor:
            draft["since"] = now.isoformat()
        if editor is not None and editor.name != actor:
            draft["version"] = version_of(row) + 1
        Shipment.objects.filter(pk=pk).update(edited_by=actor[:150], edited_at=now, draft=draft)
    return None


def save_draft(pk: int, actor: str, content: Content, version: int, seen: Mapping[str, Any], now: datetime) -> int:
    """Keep what was typed and return the draft's new version; the same content only renews the editor's mark.

    version: of the draft that the actor changed. Raises NotConfirmed when somebody else edits, when the draft was
    changed meanwhile, or when the shipment may not be composed any more.
    """
    with transaction.atomic():
        row = _locked(pk)
        require_ours(row, actor, version, now)
        draft = row.draft | {"since": row.draft.get("since") or now.isoformat()}
        if content != content_of(row) or not has_content(row):
            draft |= content | {
                "version": version + 1, "saved_by": actor, "saved_at": now.isoformat(), "seen": dict(seen),
                "zone": timezone.get_current_timezone_name(),
            }  # fmt: skip
        Shipment.objects.filter(pk=pk).update(edited_by=actor[:150], edited_at=now, draft=draft)
    return int(draft.get("version", 0))


def keep_editing(pk: int, actor: str, version: int, now: datetime) -> None:
    """Renew the editor's mark without storing anything. Raises NotConfirmed like ``save_draft``."""
    with transaction.atomic():
        require_ours(_locked(pk), actor, version, now)
        Shipment.objects.filter(pk=pk).update(edited_by=actor[:150], edited_at=now)


def discard_draft(pk: int, actor: str, version: int, now: datetime) -> None:
    """Forget what was typed, so that the packages are filled from LingXing again. Raises NotConfirmed."""
    with transaction.atomic():
        row = _locked(pk)
        require_ours(row, actor, version, now)
        draft = {"version": version + 1, "since": row.draft.get("since") or now.isoformat()}
        Shipment.objects.filter(pk=pk).update(edited_by=actor[:150], edited_at=now, draft=draft)


def require_ours(row: Shipment, actor: str, version: int | None, now: datetime) -> None:
    """Raise NotConfirmed unless the (locked) shipment may be composed, by this person, from this draft.

    version: None when the actor has not worked from a draft.
    """
    closed = closed_because(row)
    if closed is not None:
        raise NotConfirmed([Problem(*closed)])
    editor = editor_of(row, now)
    if editor is not None and editor.name != actor:
        raise NotConfirmed([Problem("being_edited", being_edited(editor))])
    if version is not None and version != version_of(row):
        text = _("The draft was changed by %(who)s at %(when)s, in another window. Nothing of it was overwritten.")
        saved_at = row.draft.get("saved_at")
        when = timezone.localtime(datetime.fromisoformat(saved_at)).strftime("%H:%M:%S") if saved_at else "–"
        raise NotConfirmed([Problem("draft_changed", text % {"who": row.draft.get("saved_by") or "–", "when": when})])


def being_edited(editor: Editor) -> str:
    """Return the sentence that tells a second person who is at it."""
    text = _("%(who)s has been editing these packages since %(since)s (last seen %(seen)s).")
    since, seen = (timezone.localtime(moment).strftime("%H:%M") for moment in (editor.since, editor.seen_at))
    return text % {"who": editor.name, "since": since, "seen": seen}


def version_of(row: Shipment) -> int:
    """Return the draft's version; 0 before there is one."""
    return int(row.draft.get("version", 0))


def has_content(row: Shipment) -> bool:
    """Return whether somebody has typed something."""
    return "packages" in row.draft


def content_of(row: Shipment) -> Content:
    """Return the draft as typed, its times in the present time zone."""
    packages = [dict(package) for package in row.draft.get("packages", [])]
    zone = row.draft.get("zone", "")
    if zone and zone != timezone.get_current_timezone_name():
        for package in packages:
            package["ship_date"] = _moved(str(package.get("ship_date", "")), zone)
    return {
        "packages": packages, "partial": bool(row.draft.get("partial")), "reason": str(row.draft.get("reason", "")),
    }  # fmt: skip


def _moved(text: str, zone: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return typed_time(moment.replace(tzinfo=ZoneInfo(zone)))


def typed_time(moment: datetime | None) -> str:
    """Return a time as a form shows it, in the present time zone, to the second."""
    return timezone.localtime(moment).strftime("%Y-%m-%dT%H:%M:%S") if moment else ""


def differences(mine: Content, theirs: Content) -> list[str]:
    """Return in words in what two contents differ, package by package."""
    ours, others = mine["packages"], theirs["packages"]
    found = []
    if len(ours) != len(others):
        text = _("You have %(mine)d packages, the stored draft has %(theirs)d.")
        found.append(text % {"mine": len(ours), "theirs": len(others)})
    for index, (one, other) in enumerate(zip(ours, others, strict=False)):
        if one != other:
            text = _("Package %(n)d (%(mine)s) differs from the stored one (%(theirs)s).")
            found.append(text % {"n": index + 1, "mine": _short(one), "theirs": _short(other)})
    return found


def _short(package: Mapping[str, Any]) -> str:
    units = sum(int(text) for text in package.get("quantities", {}).values() if str(text).isdecimal())
    number = package.get("tracking_number") or "–"
    return f"{number} × {units}" if package.get("include") else f"({number})"


# --- Filled from LingXing -----------------------------------------------------------------------------


def prefilled(facts: ComposeFacts, packages: Iterable[Package], names: ShippingNames, now: datetime) -> Content:
    """Return the packages as LingXing's outbound orders have them: one for each tracking number.

    What is not shipped yet, or at DSCO already, is there but left out. Which of several numbers in one field holds
    what is unknown, so that their quantities stay empty.
    """
    filled = [_filled(facts, number, group, names, now) for number, group in _grouped(packages)]
    return {"packages": filled or [empty_package(facts.order, names, facts)], "partial": False, "reason": ""}


def with_notes(content: Content, facts: ComposeFacts, packages: Iterable[Package]) -> Content:
    """Return a content with what its reader should know of each package, as LingXing has it now."""
    notes = {(_source(group), number): _notes(facts, number, group) for number, group in _grouped(packages)}
    by_source = {source: note for (source, _number), note in notes.items()}

    def note_of(package: Mapping[str, Any]) -> str:
        source = str(package.get("source", ""))
        return notes.get((source, str(package.get("tracking_number", ""))), by_source.get(source, ""))

    return content | {"packages": [package | {"note": note_of(package)} for package in content["packages"]]}


def _grouped(packages: Iterable[Package]) -> list[tuple[str, list[Packed]]]:
    """Return LingXing's packages by tracking number."""
    groups: dict[str, list[Packed]] = {}
    for package in packages:
        if package.ignored:
            continue
        for number in tracking_numbers(package) or [""]:
            # Outbound orders without a number are not one package.
            groups.setdefault(number or f" {package.wo_number}", []).append(Packed(package, list(package.lines.all())))
    return [("" if key[0] == " " else key, group) for key, group in groups.items()]


def _source(group: Sequence[Packed]) -> str:
    return ", ".join(one.package.wo_number for one in group)


def empty_package(order: Order, names: ShippingNames, facts: ComposeFacts) -> dict[str, Any]:
    """Return a package for a person to fill, with what the order itself says."""
    return _codes(facts, [], names) | {
        "source": "", "include": True, "tracking_number": "", "ship_date": "", "quantities": {},
    }  # fmt: skip


def _filled(
    facts: ComposeFacts, number: str, group: Sequence[Packed], names: ShippingNames, now: datetime
) -> dict[str, Any]:
    rows = [one.package for one in group]
    shipped_at = min((row.shipped_at for row in rows if row.shipped_at), default=None)
    shipped = all(row.shipped for row in rows)
    several = any(len(tracking_numbers(row)) > 1 for row in rows)
    units: Counter[str] = Counter()
    for line in (line for one in group for line in one.lines):
        if not several and line.order_line_id is not None:
            units[str(line.order_line_id)] += line.quantity
    reported = number.casefold() in facts.numbers_at_dsco
    return _codes(facts, rows, names) | {
        "source": _source(group),
        "include": shipped and not reported,
        "tracking_number": number,
        "ship_date": typed_time(min(shipped_at, now) if shipped_at else None),
        "quantities": {pk: str(count) for pk, count in units.items()},
    }


def _notes(facts: ComposeFacts, number: str, group: Sequence[Packed]) -> str:
    several = any(len(tracking_numbers(one.package)) > 1 for one in group)
    notes = []
    if several:
        notes.append(_("several numbers in one field: enter what is in which"))
    else:
        notes += [
            _("%(units)d × %(sku)s: on no line") % {"units": line.quantity, "sku": line.erp_sku or "–"}
            for one in group for line in one.lines if line.order_line_id is None
        ]  # fmt: skip
    if not all(one.package.shipped for one in group):
        notes.append(_("not shipped in LingXing yet"))
    if number.casefold() in facts.numbers_at_dsco:
        notes.append(_("at DSCO already"))
    return "; ".join(notes)


def _codes(facts: ComposeFacts, rows: Sequence[Package], names: ShippingNames) -> dict[str, str]:
    """Return carrier, method, service level and warehouse code as they would be reported automatically, if they can."""
    order = facts.order
    codes = {"carrier": order.ship_carrier, "method": order.ship_method, "service_level": order.service_level}
    stand_in = rows or [Package(order=order)]
    try:
        found = service_of(order, stand_in, facts.policy, names)
        codes = {
            "carrier": found["ship_carrier"] or "", "method": found["ship_method"] or "",
            "service_level": found["shipping_service_level_code"] or "",
        }  # fmt: skip
    except CannotCompose:
        pass  # the page shows what is missing
    try:
        codes["warehouse_code"] = warehouse_of(order, stand_in, facts.policy, names) or ""
    except CannotCompose:
        codes["warehouse_code"] = ""
    return codes


def _locked(pk: int) -> Shipment:
    rows = Shipment.objects.select_related("order__erp_push").select_for_update(of=("self",))
    rows = rows.prefetch_related("order__shipments")
    return rows.get(pk=pk)
