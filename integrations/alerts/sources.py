"""What the infrastructure itself finds worth telling: new causes, overdue flows, vendors that are down, deliveries
that were given up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from ..admin import words
from ..admin.flow_states import flow_label
from ..admin.kinds import delivery_models, kind_label
from ..admin.records import address_of, list_address
from ..deliveries.states import State
from ..flows.overdue import overdue_flows
from ..machine import Reach, look
from ..models import AlertKind, ApiCall, Cause, FlowRun, Vendor, VendorStop
from ..sentences import packed, told, unpacked
from .book import AlertSource, Finding, register_alerts
from .words import clock

LONGEST_MESSAGE = 160
GAVE_UP = "gave_up"


# --- New causes -----------------------------------------------------------------------------------


def new_causes(_now: datetime) -> Iterator[Finding]:
    """Find the causes that are open; one that comes back after it was closed is told again."""
    for cause in Cause.objects.filter(closed_at__isnull=True):
        facts = {"step": cause.kind, "code": cause.code, "message": packed(cause.message)}
        yield Finding(cause.key, facts, address_of(cause))


def _describe_cause(facts: dict[str, Any]) -> str:
    return _with_message(f"{kind_label(facts['step'])}: {words.reason(facts['code'])}", facts)


def _with_message(text: str, facts: dict[str, Any]) -> str:
    """Add what went wrong, as it was written or, where it is a sentence of ours, in the active language."""
    message = Truncator(told(unpacked(facts.get("message", "")))).chars(LONGEST_MESSAGE)
    return f"{text} – {message}" if message else text


# --- Overdue flows --------------------------------------------------------------------------------


def late_flows(now: datetime) -> Iterator[Finding]:
    """Find the flows that should have started long ago; the same rule as the health check's."""
    for flow in overdue_flows(now):
        since = flow.last_started_at.isoformat() if flow.last_started_at else ""
        yield Finding(flow.name, {"flow": flow.name, "since": since}, address_of(flow))


def _describe_flow(facts: dict[str, Any]) -> str:
    names = {"flow": flow_label(facts["flow"]), "time": clock(facts["since"])}
    if not facts["since"]:
        return _("%(flow)s has never run") % names
    return _("%(flow)s has not started since %(time)s") % names


# --- Vendors that are down ------------------------------------------------------------------------


def down_vendors(now: datetime) -> Iterator[Finding]:
    """Find the vendors about which a person should do something; the same rule as the strip's on every page."""
    for health in look(now).vendors:
        if not health.needs_action(now):
            continue
        facts = {"vendor": health.vendor, "reach": health.reach.value}
        if health.last_success_at:
            facts["since"] = health.last_success_at.isoformat()
        if health.stuck_flow:
            facts |= {"flow": health.stuck_flow, "code": health.stuck_code}
            yield Finding(health.vendor, facts, list_address(FlowRun, flow=health.stuck_flow))
        else:
            yield Finding(health.vendor, facts, list_address(ApiCall, vendor__exact=health.vendor))


def _describe_vendor(facts: dict[str, Any]) -> str:
    names = {"vendor": Vendor(facts["vendor"]).label, "time": clock(facts.get("since", ""))}
    if facts.get("reach") == Reach.REFUSED:
        return _("%(vendor)s refuses access: check the credentials, and at LingXing the IP white list") % names
    if "flow" not in facts and not names["time"]:
        return _("%(vendor)s: no call has got through yet") % names
    if "flow" not in facts:
        return _("%(vendor)s: no call has got through since %(time)s") % names
    names |= {"flow": flow_label(facts["flow"]), "reason": words.reason(facts["code"])}
    return _("%(vendor)s keeps %(flow)s from working: %(reason)s") % names


# --- Emergency stops ------------------------------------------------------------------------------


def emergency_stops(_now: datetime) -> Iterator[Finding]:
    """Find the emergency stops that are open; the alert is over when the stop is ended."""
    for stop in VendorStop.objects.filter(ended_at__isnull=True):
        facts = {"vendor": stop.vendor, "who": stop.started_by, "reason": stop.reason[:LONGEST_MESSAGE]}
        yield Finding(str(stop.pk), facts, address_of(stop))


def _describe_stop(facts: dict[str, Any]) -> str:
    names = {**facts, "vendor": Vendor(facts["vendor"]).label}
    return _("%(who)s stopped all writes to %(vendor)s: %(reason)s") % names


# --- Given up -------------------------------------------------------------------------------------


def given_up(_now: datetime) -> Iterator[Finding]:
    """Find the deliveries that failed for so long that the machine has stopped trying."""
    for kind, model in delivery_models().items():
        rows = model._default_manager.filter(status=State.FAILED, reason_code=GAVE_UP)
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[0])
        for pk, key, error in rows.order_by("pk").values_list("pk", "key", "last_error"):
            facts = {"step": kind, "key": key, "message": packed(error)}
            yield Finding(f"{kind}:{pk}", facts, address.replace("/0/", f"/{pk}/"))


def _describe_given_up(facts: dict[str, Any]) -> str:
    return _with_message(f"{kind_label(facts['step'])} {facts['key'].partition(':')[2] or facts['key']}", facts)


def _announce() -> None:
    sources: Iterable[tuple[AlertKind, AlertSource]] = (
        (AlertKind.VENDOR_STOP, AlertSource(emergency_stops, _describe_stop)),
        (AlertKind.VENDOR_DOWN, AlertSource(down_vendors, _describe_vendor)),
        (AlertKind.FLOW_OVERDUE, AlertSource(late_flows, _describe_flow)),
        (AlertKind.GAVE_UP, AlertSource(given_up, _describe_given_up)),
        (AlertKind.NEW_CAUSE, AlertSource(new_causes, _describe_cause)),
    )
    for kind, source in sources:
        register_alerts(kind, source)


_announce()
