"""Pausing and resuming flows in a person's name; the admin and the REST API do it by these functions."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import transaction

from ..models import Flow
from ..recent import look_at_the_machine_again
from ..sentences import gettext as _
from ..sentences import joined, packed


def pause(flows: Iterable[Flow], reason: str, user: User) -> None:
    """Stop the scheduled runs, with a reason; a run that is under way ends as usual. Kept in the audit trail."""
    text = f"{reason} ({user.get_username()})"[:200]
    _change(flows, user, joined([_("Paused."), reason]), paused=True, pause_reason=text)


def resume(flows: Iterable[Flow], user: User) -> None:
    """Let the schedule run the flows again. Kept in the audit trail."""
    _change(flows, user, _("Resumed."), paused=False, pause_reason="")


def _change(flows: Iterable[Flow], user: User, message: str, **columns: object) -> None:
    rows = list(flows)
    with transaction.atomic():
        Flow.objects.filter(pk__in=[flow.pk for flow in rows]).update(**columns)
        for flow in rows:
            LogEntry.objects.log_actions(user.pk, [flow], CHANGE, packed(message), single_object=True)
        transaction.on_commit(look_at_the_machine_again)
