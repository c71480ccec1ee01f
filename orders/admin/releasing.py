"""A mapping was saved in the admin: orders that waited for it go at once."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integrations.admin.flows import start_flow
from integrations.admin.mappings import mappings_changed
from integrations.inbox import is_running_by_schedule

from ..flows.push_orders import release_mapped
from ..models import RetailerPolicy
from ..shadow import release_live
from ..unmapped import number_parked

# More than this are released by the flow itself, in a worker: nobody should wait for a page that long.
MOST_AT_ONCE = 3000


@receiver(mappings_changed, sender=RetailerPolicy)
def release_what_is_live(sender: type[Any], request: HttpRequest, **_arguments: Any) -> None:
    """A policy was saved: what waited in shadow mode goes where the mode is live now."""
    number = sum(release_live(RetailerPolicy.objects.all(), timezone.now()).values())
    if number:
        text = ngettext(
            "%(n)d delivery that waited in shadow mode is live now and goes at once.",
            "%(n)d deliveries that waited in shadow mode are live now and go at once.",
            number,
        )
        messages.success(request, text % {"n": number})


@receiver(mappings_changed)
def release_what_waited(sender: type[Any], request: HttpRequest, **_arguments: Any) -> int:
    """Make the pushes due whose mappings are complete now, and start their flow. Returns how many (may) go."""
    waiting = number_parked()
    if waiting > MOST_AT_ONCE:
        return _leave_to_the_flow(request, waiting)
    number = release_mapped(timezone.now())
    if not number:
        return 0
    _start(request)
    text = ngettext(
        "%(n)d order that waited for a mapping goes to LingXing now.",
        "%(n)d orders that waited for a mapping go to LingXing now.",
        number,
    )
    messages.success(request, text % {"n": number})
    return number


def _leave_to_the_flow(request: HttpRequest, waiting: int) -> int:
    text = _(
        "%(n)d orders wait for mappings. A worker goes through them now; those that are complete go to LingXing in the"
        " next minutes."
    )
    messages.success(request, text % {"n": waiting})
    _start(request)
    return waiting


def _start(request: HttpRequest) -> None:
    if is_running_by_schedule("push_orders"):
        start_flow("push_orders", request.user.get_username())
