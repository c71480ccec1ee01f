"""Whether every flow does its work: paused, overdue, fruitless, or held by an emergency stop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from integrations.flows import flow_definitions
from integrations.flows.overdue import fruitless_flows, overdue_flows
from integrations.models import Flow, FlowRun, VendorOutage
from integrations.outages import outage_text
from integrations.sentences import told
from integrations.stops import open_stops, stop_text

from .findings import Finding, ok, stops

if TYPE_CHECKING:
    from .examination import Examination


def look(examination: Examination) -> Iterator[Finding]:
    """Look at stops, pauses and how the flows ended lately."""
    well = True
    for finding in (*_stops(), *_outages(), *_paused(), *_late()):
        well = False
        yield finding
    if well and Flow.objects.exists():
        yield ok(_("Every flow starts in time and ends well."))


def _stops() -> Iterator[Finding]:
    for stop in open_stops().values():
        yield stops(
            told(stop_text(stop)),
            _(
                "When the reason is gone, end it on the page of emergency stops, or with"
                " manage.py vendorstop %(vendor)s --end --reason …"
            )
            % {"vendor": stop.vendor},
        )


def _outages() -> Iterator[Finding]:
    for outage in VendorOutage.objects.filter(opened_at__isnull=False, ended_at__isnull=True):
        yield stops(
            told(outage_text(outage)),
            _("Nothing is to be done here: the vendor is asked now and then, and the work goes on when it answers."),
        )


def _paused() -> Iterator[Finding]:
    for row in Flow.objects.filter(paused=True):
        yield stops(
            _("The flow %(flow)s is paused. Reason: %(reason)s")
            % {"flow": label(row.name), "reason": row.pause_reason or "–"},
            _("Resume it on its page when the reason is gone."),
        )


def _late() -> Iterator[Finding]:
    for row in overdue_flows():
        if row.last_started_at is None:
            what = _("The flow %(flow)s has never run.") % {"flow": label(row.name)}
        else:
            what = _("The flow %(flow)s has not started for three of its intervals.") % {"flow": label(row.name)}
        yield stops(what, _("See that workers live; run it once with manage.py runflow %(name)s.") % {"name": row.name})
    for row in fruitless_flows():
        last = FlowRun.objects.filter(flow=row.name).exclude(error="").first()
        words = told(last.error) if last else "–"
        yield stops(
            _("The flow %(flow)s starts, but has not ended well for long. Its last error: %(words)s")
            % {"flow": label(row.name), "words": words},
            _("Do what the error says; docs/runbook.md has a section for each cause."),
        )


def label(name: str) -> str:
    """Return a flow's name as staff know it, with its code."""
    found = next((item for item in flow_definitions() if item.name == name), None)
    return f"{found.label} ({name})" if found else name
