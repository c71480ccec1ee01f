"""The slim line on top of every admin page: vendors, flows, workers, emergency stops. Red only when one must act."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integrations.admin.flow_states import flow_label
from integrations.admin.records import list_address
from integrations.admin.stops import end_address, may_stop
from integrations.admin.words import ago, clock
from integrations.machine import FlowHealth, Machine, Reach, VendorHealth, look
from integrations.models import ApiCall, Flow, Vendor, VendorStop
from integrations.recent import MACHINE, recent
from integrations.sentences import listed

SECONDS = 10.0


@dataclass(slots=True)
class Chip:
    """A few words on the line. ``tone``: success, plain, warning, danger."""

    text: str
    tone: str = "plain"
    title: str | SafeString = ""
    address: str = ""


@dataclass(slots=True)
class Strip:
    """The line's chips, and the banners of emergency stops beneath it."""

    chips: list[Chip] = field(default_factory=list)
    stops: list[dict[str, Any]] = field(default_factory=list)

    @property
    def tone(self) -> str:
        """Return the worst tone."""
        tones = {chip.tone for chip in self.chips}
        return next((tone for tone in ("danger", "warning") if tone in tones), "plain")


def machine() -> Machine:
    """Return how everything stands, at most SECONDS old."""
    return recent(MACHINE, SECONDS, look)


def health(request: HttpRequest) -> dict[str, Any]:
    """Context processor: the line is worked out only where a template shows it."""
    return {"health_strip": SimpleLazyObject(lambda: _strip(request))}


def _strip(request: HttpRequest) -> Strip | None:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or not user.is_staff:
        return None
    state = machine()
    chips = [_vendor_chip(request, vendor, state) for vendor in state.vendors]
    chips.append(_flows_chip(request, state))
    if not state.workers_alive:
        chips.append(Chip(_("No worker is running"), "danger", _last_seen(state)))
    stops = [_stop(request, vendor) for vendor in state.vendors if vendor.stopped_at]
    return Strip(chips, stops)


def vendor_name(vendor: str) -> str:
    """Return a vendor's name for staff."""
    return str(Vendor(vendor).label)


def _vendor_chip(request: HttpRequest, vendor: VendorHealth, state: Machine) -> Chip:
    words = {
        Reach.UP: _("up"), Reach.DOWN: _("down"), Reach.REFUSED: _("access refused"),
        Reach.UNKNOWN: _("not called yet"),
    }  # fmt: skip
    tone = "success" if vendor.reach == Reach.UP else "plain"
    if vendor.needs_action(state.looked_at):
        tone = "danger"
    elif vendor.reach == Reach.DOWN:
        tone = "warning"
    last = vendor.last_success_at
    title = _("Last successful call: %(when)s") % {"when": clock(last)} if last else ""
    word = words[vendor.reach]
    if vendor.stuck_flow and vendor.reach == Reach.UP:
        word, title = _("up, but a flow gets no further"), flow_label(vendor.stuck_flow)
    if vendor.out_since:
        title = _("No answer since %(when)s; it is asked from time to time, and the work goes on by itself.") % {
            "when": clock(vendor.out_since)
        }
    seen = request.user.has_perm("integrations.view_apicall")
    address = list_address(ApiCall, vendor__exact=vendor.vendor) if seen else ""
    names = {"vendor": vendor_name(vendor.vendor), "state": word}
    return Chip(_("%(vendor)s %(state)s") % names, tone, title, address)


def _flows_chip(request: HttpRequest, state: Machine) -> Chip:
    """Return one chip for all flows: the worst that there is to say."""
    address = list_address(Flow) if request.user.has_perm("integrations.view_flow") else ""
    if not state.flows:
        return Chip(_("No flow has run yet"), "plain", "", address)
    for flows, tone, sentence in _worst_first(state):
        if flows:
            return Chip(sentence(len(flows)), tone, _names(flows), address)
    last = state.last_success
    return Chip(_("Flows OK"), "success", _names([last]) if last else "", address)


def _worst_first(state: Machine) -> list[tuple[list[FlowHealth], str, Callable[[int], str]]]:
    active = [flow for flow in state.flows if not flow.paused]
    stopped = [flow for flow in active if flow.stopped]
    stuck = [flow for flow in stopped if flow.stuck(state.looked_at)]
    return [
        ([flow for flow in active if flow.overdue], "danger",
         lambda n: ngettext("%(n)d flow overdue", "%(n)d flows overdue", n) % {"n": n}),
        ([flow for flow in active if flow.broken], "danger",
         lambda n: ngettext("%(n)d flow failed", "%(n)d flows failed", n) % {"n": n}),
        (stopped, "danger" if stuck else "warning",
         lambda n: ngettext("%(n)d flow stopped early", "%(n)d flows stopped early", n) % {"n": n}),
        ([flow for flow in state.flows if flow.paused], "plain",
         lambda n: ngettext("%(n)d flow paused", "%(n)d flows paused", n) % {"n": n}),
    ]  # fmt: skip


def _names(flows: list[FlowHealth]) -> str:
    return listed(flow_label(flow.name) for flow in flows)


def _last_seen(state: Machine) -> str:
    return clock(state.workers_seen_at) if state.workers_seen_at else ""


def _stop(request: HttpRequest, vendor: VendorHealth) -> dict[str, Any]:
    """Return the banner of one emergency stop."""
    return {
        "vendor": vendor_name(vendor.vendor), "reason": vendor.stop_reason, "by": vendor.stopped_by,
        "since": ago(vendor.stopped_at), "address": stop_address(request), "held_back": vendor.held_back,
        "end_address": end_address(vendor.stop_id) if vendor.stop_id and may_stop(request) else "",
    }  # fmt: skip


def stop_address(request: HttpRequest) -> str:
    """Return where emergency stops are listed, "" for who may not see that page."""
    return list_address(VendorStop) if request.user.has_perm("integrations.view_vendorstop") else ""
