"""The page of codes without a mapping: what waits for each, what it probably means, and mapping several at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.contrib.admin.sites import site
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integrations.admin import words
from integrations.admin.mapping_forms import CONFIRMATION
from integrations.admin.mappings import lists_summary, mappings_changed
from integrations.admin.records import link_to
from integrations.findings import Weight, fingerprint, of_weight
from integrations.models import ListName

from ..mapping_answers import MODELS, check_answers, save_answers
from ..mapping_files import BadMappingFile
from ..mapping_proposals import Proposal, propose
from ..models import Order
from ..unmapped import (
    KINDS,
    SHIPPING,
    SKU,
    STOCK,
    STORE,
    WAREHOUSE,
    UnmappedRow,
    UnmappedRows,
    example_orders,
    lines_without_sku,
    still_unmapped,
    unmapped_codes,
)

PER_PAGE = 50
REASON = "unmapped codes"
LISTS = {
    SKU: ListName.PAIRS, WAREHOUSE: ListName.WAREHOUSES, STORE: ListName.STORES, SHIPPING: ListName.LOGISTICS_TYPES,
}  # fmt: skip


class Answered:
    """What a person sent: the targets by code, and what came of checking them."""

    def __init__(self) -> None:
        self.targets: dict[str, str] = {}
        self.errors: dict[str, list[str]] = {}
        self.warnings: dict[str, list[str]] = {}
        self.problems: list[str] = []
        self.confirmation = ""


def unmapped_page(request: HttpRequest) -> HttpResponse:
    """Show the codes of one kind (``?kind=``); a POST maps those that were filled in, or all proposals."""
    if not request.user.has_perm("orders.view_erppush"):
        raise PermissionDenied
    kind = request.GET.get("kind", "")
    found = unmapped_codes()
    if kind not in KINDS:
        kind = next((name for name in KINDS if found[name].number), SKU)
    answered = Answered()
    if request.method == "POST":
        if not _may_map(request, kind):
            raise PermissionDenied
        done = _map(request, kind, found[kind].rows, answered)
        if done:
            return HttpResponseRedirect(f"{reverse('unmapped-codes')}?kind={kind}")
    return TemplateResponse(request, "admin/mappings/unmapped.html", _context(request, kind, found, answered))


def _may_map(request: HttpRequest, kind: str) -> bool:
    label, name = MODELS[kind]._meta.app_label, MODELS[kind]._meta.model_name
    return request.user.has_perms([f"{label}.add_{name}", f"{label}.change_{name}"])


# --- Mapping -------------------------------------------------------------------------------------------


def _map(request: HttpRequest, kind: str, rows: Sequence[UnmappedRow], answered: Answered) -> bool:
    """Check and save what was sent; return whether it was saved. What a colleague mapped meanwhile is left alone."""
    everything = "accept_all" in request.POST
    answered.targets = _proposed(kind, rows) if everything else _sent(request)
    open_codes = still_unmapped(kind, answered.targets)
    mapped = [code for code in answered.targets if code not in open_codes]
    for code in mapped:
        del answered.targets[code]
    if mapped:
        messages.info(request, _("Mapped already, left as it is: %(codes)s.") % {"codes": ", ".join(mapped[:10])})
    if not answered.targets:
        messages.warning(request, _("Nothing was filled in, so nothing was saved."))
        return bool(mapped)
    try:
        findings = check_answers(kind, answered.targets)
    except BadMappingFile as bad:
        answered.problems = bad.problems
        return False
    if everything:  # proposals that somebody should look at stay on the page
        doubtful = [code for code, own in findings.items() if any(item.weight is not Weight.NOTE for item in own)]
        for code in doubtful:
            del answered.targets[code]
        if doubtful:
            text = ngettext(
                "%(n)d proposal has a warning and was left: map it by itself.",
                "%(n)d proposals have a warning and were left: map them one by one.", len(doubtful),
            )  # fmt: skip
            messages.warning(request, text % {"n": len(doubtful)})
        if not answered.targets:
            return True
    elif _stopped(request, findings, answered):
        return False
    notes = {item.message for own in findings.values() for item in of_weight(own, Weight.NOTE)}
    _save(request, kind, answered, sorted(notes))
    return True


def _sent(request: HttpRequest) -> dict[str, str]:
    """Return the filled in targets by code: of one row when its own button was pressed."""
    only = request.POST.get("only")
    sent = zip(request.POST.getlist("code"), request.POST.getlist("target"), strict=False)
    return {code: target.strip() for code, target in sent if target.strip() and only in (None, code)}


def _proposed(kind: str, rows: Sequence[UnmappedRow]) -> dict[str, str]:
    return {code: proposal.target for code, proposal in propose(kind, rows).items() if proposal.target}


def _stopped(request: HttpRequest, findings: dict[str, Any], answered: Answered) -> bool:
    """Keep errors and warnings for the page; return whether they stop the saving."""
    for code, own in findings.items():
        answered.errors[code] = [item.message for item in of_weight(own, Weight.REFUSE)]
        answered.warnings[code] = [item.message for item in of_weight(own, Weight.CONFIRM)]
    doubts = [item for own in findings.values() for item in of_weight(own, Weight.CONFIRM)]
    answered.confirmation = fingerprint(doubts) if doubts else ""
    if any(answered.errors.values()):
        return True
    return bool(doubts) and request.POST.get(CONFIRMATION) != answered.confirmation


def _save(request: HttpRequest, kind: str, answered: Answered, notes: Sequence[str]) -> None:
    number = save_answers(kind, answered.targets, REASON)
    text = ngettext("%(n)d mapping saved.", "%(n)d mappings saved.", number)
    messages.success(request, text % {"n": number})
    for note in notes[:5]:
        messages.warning(request, note)
    replies = mappings_changed.send(sender=MODELS[kind], request=request)
    if kind != STOCK and not any(reply for _receiver, reply in replies):
        text = _("No waiting order is complete yet: the orders lack other codes too.")
        messages.info(request, text)


# --- Showing -------------------------------------------------------------------------------------------


def _context(request: HttpRequest, kind: str, found: dict[str, UnmappedRows], answered: Answered) -> dict[str, Any]:
    page = Paginator(found[kind].rows, PER_PAGE).get_page(request.GET.get("p"))
    proposals = propose(kind, found[kind].rows)
    shown: list[UnmappedRow] = list(page.object_list)
    orders = example_orders(shown)
    address = reverse("unmapped-codes")
    waiting = {name for name in KINDS if name != STOCK and found[name].number}
    return {
        **site.each_context(request),
        "title": _("Codes without a mapping"),
        "kind": kind,
        "tabs": [(_tab(name), f"{address}?kind={name}", f"{found[name].number:,}", name == kind) for name in KINDS],
        "nothing_waits": not waiting,
        "page": page,
        "listed": len(found[kind].rows),
        "in_all": found[kind].number,
        "rows": [_row(row, proposals.get(row.code), orders, answered) for row in shown],
        "sure": sum(1 for proposal in proposals.values() if proposal.target),
        "answered": answered,
        "may_map": _may_map(request, kind),
        "of_stock": kind == STOCK,
        "target_title": _target_title(kind),
        "suggest": f"{reverse('lingxing-suggestions')}?list={LISTS[kind]}" if kind in LISTS else "",
        "without_sku": lines_without_sku() if kind == SKU else 0,
        "lingxing_lists": lists_summary(),
    }


def _row(row: UnmappedRow, proposal: Proposal | None, orders: dict[int, Any], answered: Answered) -> dict[str, Any]:
    sent = answered.targets.get(row.code)
    code, _bar, level = row.code.partition("|") if row.kind == SHIPPING else (row.code, "", "")
    return {
        "record": row, "code": code, "level": level, "target": sent or (proposal.target if proposal else ""),
        "why": proposal.why if proposal else "", "proposed": bool(proposal and proposal.target),
        "example": _example(orders.get(row.example or 0)),
        "first": words.ago(row.first_seen), "last": words.ago(row.last_seen), "deadline": words.deadline(row.deadline),
        "others": row.retailers - 1, "errors": answered.errors.get(row.code, ()),
        "warnings": answered.warnings.get(row.code, ()),
    }  # fmt: skip


def _example(order: Order | None) -> SafeString | str:
    return link_to(order, order.dsco_order_id) if order else words.EMPTY


def _tab(kind: str) -> str:
    return {
        SKU: _("SKUs"), WAREHOUSE: _("Warehouses"), STORE: _("Retailers without store"),
        SHIPPING: _("Shipping methods"), STOCK: _("In stock, not on DSCO"),
    }[kind]  # fmt: skip


def _target_title(kind: str) -> str:
    return {
        SKU: _("ERP SKU"), WAREHOUSE: _("LingXing warehouse id"), STORE: _("LingXing store id"),
        SHIPPING: _("shipping method id"), STOCK: _("DSCO SKU"),
    }[kind]  # fmt: skip


def unmapped_link(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the page's link in the sidebar."""
    if not request.user.has_perm("orders.view_erppush"):
        return []
    address = reverse("unmapped-codes")
    active = request.path == address
    return [{"title": _("Codes without a mapping"), "icon": "link_off", "link": address, "active": active}]
