"""What the inbox shows of each cause, and of the flows when there is none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from integrations import inbox
from integrations.admin import words
from integrations.admin.flow_states import facts_of, flow_label, flow_state
from integrations.admin.kinds import kind_label
from integrations.admin.records import address_of
from integrations.causes import Group
from integrations.flows import flow_definitions
from integrations.models import Cause, Flow

from .cause_page import message_of, title_of

NEW_FOR = timedelta(hours=1)


def listed(cause: Cause, tab: str, counts: Mapping[str, Group] | None) -> dict[str, Any]:
    """Return a line of the inbox. counts: the figures of one retailer, by the cause's key, instead of all."""
    group = counts.get(cause.key) if counts is not None else None
    number, verifying = (group.open, group.verifying) if group else (cause.open_count, cause.verifying_count)
    return {
        "cause": cause, "address": address_of(cause), "title": title_of(cause), "message": message_of(cause),
        "mark": mark_of(cause), "kind": kind_label(cause.kind), "vendor": cause.get_vendor_display(),
        "number": verifying if tab == inbox.VERIFYING else number - verifying,
        "first_seen": words.ago(cause.first_seen_at), "last_seen": words.ago(cause.last_seen_at),
        "deadline": words.deadline(group.deadline if group else cause.oldest_deadline),
        "closed": words.ago(cause.closed_at),
    }  # fmt: skip


def mark_of(cause: Cause) -> SafeString | str:
    """Return the label of a cause that is new or came back, with the time in its tooltip."""
    if cause.closed_at is not None:
        return ""
    if cause.opened_at > cause.first_seen_at:
        return words.label(_("came back"), "warning", words.clock(cause.opened_at))
    is_new = timezone.now() - cause.opened_at < NEW_FOR
    return words.label(_("new"), "info", words.clock(cause.opened_at)) if is_new else ""


def flow_facts() -> list[dict[str, Any]]:
    """Return when each flow succeeded last and runs next: what an empty inbox says."""
    rows = {flow.name: flow for flow in Flow.objects.all()}
    known = [rows[definition.name] for definition in flow_definitions() if definition.name in rows]
    found = facts_of(known)
    result = []
    for flow in known:
        schedule = found[flow.name].schedule
        result.append({
            "title": flow_label(flow.name), "address": address_of(flow),
            "state": words.label(*flow_state(flow, found[flow.name].last_run)),
            "last_success": words.ago(flow.last_success_at),
            "next_run": words.EMPTY if flow.paused or schedule is None else words.upcoming(schedule.next_run),
        })  # fmt: skip
    return result
