"""The page about one order: what happened to it and why, and the buttons that mend. Actions: ``order_actions.py``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from integrations.admin import words
from integrations.admin.kinds import PROBLEMS
from integrations.admin.personal import as_allowed, sees_personal_data
from integrations.admin.records import address_of, link_to
from integrations.admin.shadow import shadow_calls, shown_body
from integrations.admin.vendor_screens import dsco_order_address, lingxing_order_address
from integrations.deliveries.models import Delivery
from integrations.deliveries.states import FINISHED, State
from integrations.models import ApiCall, ShadowCall
from integrations.redaction import MASK, mask_personal
from inventory.models import SkuMapping, WarehouseMapping

from ..call_parts import Part, part_for
from ..explanations import Explanation, explain
from ..mappings import UnmappedCode, service_level_of
from ..models import OPEN_STAGES, Order, OrderLine, OrderVersion, Package, Shipment, ShippingMapping, StoreMapping
from ..order_story import BODIES, MOST_ATTEMPTS, Story, load_story
from ..payload_words import path_in_words
from ..personal import consignee_of, is_personal_path
from ..quantities import LineQuantities
from ..status_dictionary import DSCO_LIFECYCLES, DSCO_STATUSES
from ..timeline import Entry, Group, step_name, timeline_of
from ..versions import MISSING, differences
from .composing import compose_button
from .differences import title_of
from .erp import with_places
from .order_actions import Button, buttons_of_order, buttons_of_step, why_no_cancelling

MOST_CHANGES = 40


@dataclass(slots=True)
class Fact:
    """A name and a value of the header; ``copy``: a button copies it; ``link``, ``vendor``: the vendor's own screen."""

    name: str
    value: Any
    copy: bool = False
    link: str = ""
    vendor: str = ""


@dataclass(slots=True)
class LineRow:
    """A line with its mapping and quantities; ``map_address`` leads to the form that adds a missing mapping."""

    line: OrderLine
    erp_sku: str
    map_address: str
    quantities: LineQuantities
    number: int

    @property
    def to_deliver(self) -> int:
        """Return the units that LingXing should hold."""
        return self.line.open_quantity


@dataclass(slots=True)
class StepRow:
    """A delivery in words, with what a person may do about it."""

    delivery: Delivery
    name: str
    state: SafeString
    reason: str
    finished: bool
    address: str
    next_try: SafeString | str
    advice: Explanation | None
    body: SafeString | str = ""
    unsent: SafeString | str = ""
    buttons: list[Button] = field(default_factory=list)
    links: list[SafeString] = field(default_factory=list)


@dataclass(slots=True)
class VersionRow:
    """A payload version and what changed in it: (path, what that is in words, before, after)."""

    version: OrderVersion
    changes: list[tuple[str, str, str, str]]
    more: int = 0


def context_of(request: HttpRequest, order: Order) -> dict[str, Any]:
    """Return what the template shows; about twenty queries, however long the order's story is."""
    story = load_story(order)
    unsent = shadow_calls(story.deliveries)
    may_see = sees_personal_data(request)
    entries = timeline_of(story)
    chosen = request.GET.get("show", "")
    return {
        "order": order,
        "ids": _ids(story),
        "about": _about(story, may_see),
        "dates": _dates(order),
        "notes": _notes(story),
        "differences": _differences(order),
        "lines": [_line(story, line) for line in story.lines],
        "steps": [_step(request, story, delivery, unsent) for delivery in story.deliveries],
        "only_in_erp": sorted(story.in_erp.unmatched.items()) if story.in_erp else [],
        "erp_read_at": words.moment(min(erp.read_at for erp in story.erp_orders)) if story.in_erp else "",
        "missing": [(code.message, _mapping_address(request, order, code)) for code in story.missing],
        "erp_links": with_places(story.links),
        "packages": [_package(package, story.lines) for package in story.packages],
        "entries": [_entry(request, story, entry) for entry in entries],
        "chips": _chips(entries, chosen),
        "chosen": chosen if chosen in Group.values else "",
        "cut": len(story.attempts) >= MOST_ATTEMPTS,
        "payload": words.document(as_allowed(request, order.payload)),
        "versions": _versions(story.versions, may_see),
        "may_see_personal": may_see,
        "may_comment": request.user.has_perm("orders.comment_order"),
        "order_buttons": buttons_of_order(request, story),
        "no_cancelling": why_no_cancelling(request, story),
        "comment_address": reverse("admin:orders_order_act", args=[order.pk, "comment"]),
        "compare_address": reverse("admin:orders_order_compare", args=[order.pk]),
    }


# --- Header -------------------------------------------------------------------------------------------


def _ids(story: Story) -> list[Fact]:
    order = story.order
    numbers = [erp.global_order_no for erp in story.erp_orders]
    tracking = [package.tracking_number for package in story.packages if not package.ignored]
    invoice = (order.invoice.invoice_id or "") if hasattr(order, "invoice") else ""
    outbound = [package.wo_number for package in story.packages if package.ignored in ("", "reshipment")]
    push = order.erp_push
    platform = push.platform_order_no if push.platform_order_no != order.dsco_order_id else ""
    facts: list[tuple[str, list[str]]] = [
        (_("DSCO order id"), [order.dsco_order_id]), (_("PO number"), [order.po_number]),
        (_("consumer order number"), [order.consumer_order_number]), (_("platform order number"), [platform]),
        (_("ERP order number"), numbers), (_("outbound order"), outbound),
        (_("our number at DSCO"), [order.supplier_order_number]), (_("tracking number"), tracking),
        (_("invoice number"), [invoice]),
    ]  # fmt: skip
    shown = [Fact(capfirst(name), value, copy=True) for name, values in facts for value in values if value]
    for fact in shown:
        if fact.value == order.dsco_order_id:
            fact.link, fact.vendor = dsco_order_address(fact.value), "DSCO"
        elif fact.value in numbers:
            fact.link, fact.vendor = lingxing_order_address(fact.value), _("LingXing")
    return shown


def _about(story: Story, may_see: bool) -> list[Fact]:
    order = story.order
    retailer = f"{order.retailer_name} ({order.retailer_id})" if order.retailer_name else order.retailer_id
    status = (_vendors_word(DSCO_STATUSES, order.dsco_status), _vendors_word(DSCO_LIFECYCLES, order.dsco_lifecycle))
    facts = [
        (_("retailer"), retailer), (_("DSCO status"), SafeString(" · ".join(filter(None, status)))),
        (_("warehouse code"), order.warehouse_code), (_("shipping"), service_level_of(order)),
        (_("ship to"), _consignee(order, may_see)), (_("test order"), _("yes") if order.test_order else ""),
    ]  # fmt: skip
    return [Fact(capfirst(name), value) for name, value in facts if value]


def _vendors_word(known: Mapping[str, tuple[Any, Any]], word: str) -> SafeString | str:
    """Return a word of DSCO's in the reader's language, with the word itself, which DSCO's portal shows."""
    if word not in known:
        return escape(word)
    return format_html('{} <code class="ob-quiet">{}</code>', known[word][0], word)


def _consignee(order: Order, may_see: bool) -> str:
    address = consignee_of(order.payload)
    hidden = [address.full_name, address.company, *address.address_lines, address.phone, address.email]
    shown = [address.city, address.region_or_state, address.postal if may_see else "", address.country]
    parts = hidden if may_see else [MASK] if any(hidden) else []
    return ", ".join(part for part in [*parts, *shown] if part)


def _dates(order: Order) -> list[Fact]:
    done = order.stage not in OPEN_STAGES
    facts = [
        (_("acknowledge by"), words.deadline(order.acknowledge_by, done or order.stage == "acknowledged")),
        (_("ship by"), words.deadline(order.ship_by, done)),
        (_("invoice by"), words.deadline(order.invoice_by, order.stage in ("invoiced", "cancelled", "closed"))),
        (_("cancel after"), words.deadline(order.cancel_after, done)),
        (_("created at DSCO"), words.moment(order.dsco_created_at)),
        (_("first seen"), words.moment(order.first_seen_at)), (_("last changed at DSCO"), words.moment(order.read_at)),
    ]  # fmt: skip
    return [Fact(capfirst(name), value) for name, value in facts if value != words.EMPTY]


def _notes(story: Story) -> list[tuple[str, str]]:
    """What a person must know first, with its tone."""
    order = story.order
    notes = []
    if order.held:
        text = _("Held by {who} since {when}: {why}. Nothing is sent for this order.")
        when = words.clock(order.held_at) if order.held_at else words.EMPTY
        notes.append(("warning", text.format(who=order.held_by or _("system"), when=when, why=order.hold_reason)))
    if order.cancel_requested or any(line.cancel_requested for line in story.lines):
        text = _("The retailer asks to cancel ({code}).")
        notes.append(("warning", text.format(code=order.cancel_requested_code or _("no code given"))))
    if order.problem:
        notes.append(("danger", order.problem))
    return notes


def _differences(order: Order) -> list[tuple[str, str, str]]:
    """What differs from a vendor now: (title, with what, address)."""
    rows = order.discrepancies.filter(closed_at=None)
    return [(title_of(row), str(row.get_source_display()), address_of(row)) for row in rows]


# --- Lines, steps, packages ---------------------------------------------------------------------------


def _line(story: Story, line: OrderLine) -> LineRow:
    erp_sku = story.erp_skus[line.position]
    address = ""
    if not erp_sku:
        address = f"{reverse('admin:inventory_skumapping_add')}?{urlencode({'dsco_sku': line.sku})}"
    number = line.position + 1 if line.line_number is None else line.line_number
    return LineRow(line, erp_sku, address, story.quantities[line.position], number)


def _mapping_address(request: HttpRequest, order: Order, code: UnmappedCode) -> str:
    """Return the form that adds what is missing, filled in; "" for people who may not add mappings."""
    models: dict[str, tuple[Any, dict[str, str]]] = {
        "unmapped_sku": (SkuMapping, {"dsco_sku": code.value}),
        "unmapped_store": (StoreMapping, {"retailer_id": code.value}),
        "unmapped_warehouse": (WarehouseMapping, {"dsco_code": code.value}),
        "unmapped_shipping": (
            ShippingMapping, {"warehouse_code": order.warehouse_code, "service_level": service_level_of(order)},
        ),
    }  # fmt: skip
    model, values = models[code.code]
    label, name = model._meta.app_label, model._meta.model_name
    if not request.user.has_perm(f"{label}.add_{name}"):
        return ""
    return f"{reverse(f'admin:{label}_{name}_add')}?{urlencode(values)}"


def _step(request: HttpRequest, story: Story, delivery: Delivery, unsent: dict[tuple[str, int], ShadowCall]) -> StepRow:
    reason = words.reason_text(delivery)
    return StepRow(
        delivery=delivery, name=step_name(delivery), state=words.state_label(delivery.status),
        reason="" if reason == words.EMPTY else reason, finished=delivery.status in FINISHED,
        address=address_of(delivery), next_try=words.upcoming(delivery.next_attempt_at), advice=_advice(delivery),
        body=words.document(as_allowed(request, getattr(delivery, "body", None))),
        unsent=shown_body(request, unsent.get((delivery.KIND, delivery.pk))),
        buttons=buttons_of_step(request, story.order, delivery),
        links=compose_button(request, delivery) if isinstance(delivery, Shipment) else [],
    )  # fmt: skip


def _advice(delivery: Delivery) -> Explanation | None:
    """Return what a problem means and what to do about it."""
    if delivery.status not in PROBLEMS:
        return None
    code = delivery.reason_code or delivery.last_error_code
    return explain(delivery.KIND, code, verifying=delivery.status == State.UNCERTAIN)


def _package(package: Package, lines: Iterable[OrderLine]) -> tuple[Package, SafeString | str, str, list[Any]]:
    by_id = {line.pk: line for line in lines}
    contents = []
    for row in package.lines.all():
        line = by_id.get(row.order_line_id or 0)
        mark = "" if line else words.label(_("not in the order"), "warning")
        contents.append((row.erp_sku or (line.sku if line else ""), row.quantity, mark))
    carrier = " ".join(part for part in (package.carrier_name, package.logistics_name) if part)
    return package, link_to(package, package.wo_number), carrier, contents


# --- Timeline, versions -------------------------------------------------------------------------------


def _chips(entries: list[Entry], chosen: str) -> list[tuple[str, str, int, bool]]:
    numbers = {group: sum(entry.group == group for entry in entries) for group in Group}
    chips = [("", _("All"), len(entries), chosen not in Group.values)]
    return chips + [(str(group), str(group.label), numbers[group], group == chosen) for group in Group]


def _entry(request: HttpRequest, story: Story, entry: Entry) -> tuple[Entry, SafeString | str, list[dict[str, Any]]]:
    state = words.state_label(entry.outcome) if entry.outcome else ""
    return entry, state, [_call(request, story, call) for call in entry.calls]


def _call(request: HttpRequest, story: Story, call: ApiCall) -> dict[str, Any]:
    """Return a call for the page, of a batch only this order's part; older calls' bodies stand on their own page."""
    whole = not set(BODIES) & call.get_deferred_fields()
    sent = part_for(as_allowed(request, call.request_excerpt), story.numbers) if whole else Part("")
    came = part_for(as_allowed(request, call.response_excerpt), story.numbers) if whole else Part("")
    return {
        "call": call, "link": link_to(call, pgettext("a link to follow", "open")), "whole": whole,
        "answer": words.label(call.status, "success" if call.status < 400 and not call.error else "warning")
        if call.status else words.label(_("no answer"), "danger"),
        "parts": [(_("Request"), sent, words.document(sent.text)), (_("Response"), came, words.document(came.text))],
    }  # fmt: skip


def _versions(versions: list[OrderVersion], may_see: bool) -> list[VersionRow]:
    """Return each version with its changes; the oldest one that was read only names its paths."""
    rows = []
    for version, before in zip(versions, [*versions[1:], None], strict=False):
        if before is None:
            found = [(str(path), path_in_words(str(path)), "", "") for path in version.changed]
        else:
            found = [
                (path, path_in_words(path), _shown(path, old, may_see), _shown(path, new, may_see))
                for path, old, new in differences(before.payload, version.payload)
            ]
        rows.append(VersionRow(version, found[:MOST_CHANGES], max(len(found) - MOST_CHANGES, 0)))
    return rows


def _shown(path: str, value: Any, may_see: bool) -> str:
    if value is MISSING:
        return _("(not there)")
    if not may_see:
        value = MASK if value and is_personal_path(path) else mask_personal(value)
    return _("(empty)") if value in (None, "", [], {}) else str(value)
