"""Calls in shadow mode on other pages: a delivery's own, an order's."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from ..deliveries.models import Delivery
from ..deliveries.rehearsal import SHADOW
from ..models import ShadowCall
from . import words
from .personal import as_allowed
from .records import Section, facts, raw


def shadow_calls(deliveries: Iterable[Delivery]) -> dict[tuple[str, int], ShadowCall]:
    """Return what those in shadow mode would have sent, by kind and primary key: one query, none without any."""
    wanted = Q()
    for delivery in deliveries:
        if delivery.reason_code == SHADOW:
            wanted |= Q(kind=delivery.KIND, delivery_id=delivery.pk)
    rows = ShadowCall.objects.filter(wanted) if wanted else ShadowCall.objects.none()
    return {(row.kind, row.delivery_id): row for row in rows}


def shown_body(request: HttpRequest, call: ShadowCall | None) -> SafeString | str:
    """Return the call as a document, or why there would have been none; "" while it is not computed."""
    if call is None:
        return ""
    if call.problem:
        return format_html('<p class="ob-banner ob-banner-warning">{}</p>', call.problem)
    return format_html(
        '<p class="ob-quiet">{} {}</p>{}', call.method, call.path, words.document(as_allowed(request, call.body))
    )


def shadow_sections(request: HttpRequest, delivery: Delivery) -> list[Section]:
    """Return the section of a delivery's page; nothing where it is not in shadow mode."""
    if delivery.reason_code != SHADOW:
        return []
    call = shadow_calls([delivery]).get((delivery.KIND, delivery.pk))
    title = _("Shadow mode: what would have been sent")
    if call is None:
        section = facts(title, [(_("computed"), _("not yet: the next run of its flow does it"))], wide=True)
        return [section]
    return sections_of(request, call, title)


def sections_of(request: HttpRequest, call: ShadowCall, title: str) -> list[Section]:
    """Return the call with its facts."""
    operation = words.operation(call.vendor, call.operation) if call.operation else ""
    return [
        facts(title, [
            (_("vendor"), call.get_vendor_display()), (_("operation"), operation),
            (_("request"), f"{call.method} {call.path}".strip()), (_("computed"), words.moment(call.made_at)),
            (_("why it would not have been sent"), call.problem),
        ], wide=True),
        *([raw(_("Request"), as_allowed(request, call.body), collapsed=False)] if call.body else []),
    ]  # fmt: skip
