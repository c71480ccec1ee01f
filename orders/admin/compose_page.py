"""What the page of an order's packages by hand shows: the draft beside the present facts, and who edits it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.admin import words

from ..compose_drafts import (
    Content,
    being_edited,
    content_of,
    editor_of,
    has_content,
    prefilled,
    version_of,
    with_notes,
)
from ..compose_facts import changes, closed_because, facts_for, may_mark_done, snapshot
from ..compose_preview import Preview, stored_packages
from ..composed_packages import ComposeFacts, Problem
from ..further_shipments import may_report_rest
from ..mappings import MappingBook
from ..models import Shipment, ShippingMapping
from .compose_form import grid


@dataclass(slots=True)
class Shown:
    """What one answer of the page is made of."""

    content: Content
    problems: list[Problem] = field(default_factory=list)
    version: int = 0
    preview: Preview | None = None
    notes: list[str] = field(default_factory=list)
    reason: str = ""


def stored(row: Shipment) -> Shown:
    """Return the draft, else LingXing's packages."""
    if has_content(row):
        return Shown(content_of(row), version=version_of(row))
    facts = facts_for(row, [])
    packages = list(row.order.packages.all())
    names = MappingBook.load([row.order])
    return Shown(prefilled(facts, packages, names, timezone.now()), version=version_of(row))


def page_context(row: Shipment, shown: Shown, actor: str, *, may: bool, settled: bool) -> dict[str, Any]:
    """Return what the page is made of, on top of the present facts.

    may: the actor may compose; settled: somebody has confirmed, and the form is only shown to who asks for it.
    """
    facts = facts_for(row, [])
    seen, now = snapshot(row, facts), timezone.now()
    closed, editor = closed_because(row), editor_of(row, now)
    other = editor if editor is not None and editor.name != actor else None
    editable = may and closed is None and other is None
    return {
        "title": _("Packages of order %(order)s") % {"order": row.order},
        "order": row.order,
        "row": row,
        "state": words.state_label(row.status),
        "why": words.reason_text(row),
        "ship_by": words.deadline(row.order.ship_by),
        "closed": closed,
        "may_report_rest": may and may_report_rest(row.order),
        "reports": [one for one in row.order.shipments.all() if one.sequence < row.sequence],
        "settled": closed is None and settled,
        "other": being_edited(other) if other and closed is None else "",
        "may_take_over": may and closed is None and other is not None,
        "may_mark_done": may and may_mark_done(row) and other is None,
        "editable": editable,
        "grid": grid(facts, with_notes(shown.content, facts, row.order.packages.all()), shown.problems),
        "changed": [] if shown.problems else changes(row.draft.get("seen", {}), seen, facts.lines),
        "draft": row.draft if has_content(row) else {},
        "policy": facts.policy,
        "zone": timezone.get_current_timezone_name(),
        "ignored": [(one, words.reason(one.ignored)) for one in row.order.packages.all() if one.ignored],
        "suggestions": _suggestions(facts) if editable else {},
        "stored": stored_packages(row.body),
        "sent": json.dumps(row.body, ensure_ascii=False, indent=2) if row.body else "",
        "seen": json.dumps(seen),
        "shown": shown,
        "now": now,
    }  # fmt: skip


def _suggestions(facts: ComposeFacts) -> dict[str, list[str]]:
    rows = ShippingMapping.objects.values_list(
        "report_carrier", "report_method", "report_service_level", "service_level"
    )
    order = facts.order
    columns: list[set[str]] = [
        {order.ship_carrier},
        {order.ship_method},
        {order.service_level},
        set(facts.warehouse_codes),
    ]
    for carrier, method, level, mapped in rows:
        columns[0].add(carrier)
        columns[1].add(method)
        columns[2] |= {level, mapped}
    columns[3].add(order.warehouse_code)
    names = ("carriers", "methods", "levels", "codes")
    return {name: sorted(values - {"", "*"}) for name, values in zip(names, columns, strict=True)}
