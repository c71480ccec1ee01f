"""Deadlines at risk: within four hours or past, while the step that meets them is not done. Source of alerts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import F
from django.urls import reverse
from django.utils.translation import gettext as _

from integrations.alerts.book import AlertSource, Finding, register_alerts
from integrations.alerts.words import clock
from integrations.models import AlertKind

from . import deadlines

_LABELS = {deadline.column: deadline.label for deadline in deadlines.DEADLINES}


def at_risk(now: datetime) -> Iterator[Finding]:
    """Find every order's deadlines that are near or past and not met: one query for each deadline."""
    address = reverse("admin:orders_order_change", args=[0])
    for deadline in deadlines.DEADLINES:
        column = deadline.column
        rows = deadlines.at_risk(deadline, now + deadlines.SOON).filter(test_order=False).order_by(column)
        for pk, number, po_number, at in rows.values_list("pk", "dsco_order_id", "po_number", F(column)):
            facts = {"deadline": column, "order": number, "po_number": po_number, "at": at.isoformat()}
            yield Finding(f"{pk}:{column}", facts, address.replace("/0/", f"/{pk}/"))


def describe(facts: dict[str, Any]) -> str:
    """Return a deadline at risk as one line."""
    names = {"order": facts["order"], "deadline": _LABELS[facts["deadline"]], "time": clock(facts["at"])}
    if facts["po_number"]:
        return _("order %(order)s (%(po)s): %(deadline)s %(time)s") % {**names, "po": facts["po_number"]}
    return _("order %(order)s: %(deadline)s %(time)s") % names


register_alerts(AlertKind.DEADLINE, AlertSource(at_risk, describe))
