"""What the page of one cause shows: meaning, advice, the links that mend it, and its deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from integrations.admin import words
from integrations.admin.kinds import kind_label
from integrations.admin.records import address_of, link_to, list_address
from integrations.causes import deliveries_of
from integrations.deliveries.kinds import delivery_kinds
from integrations.flows import flow_definitions
from integrations.models import Cause, Flow
from integrations.sentences import told

from ..explanations import Explanation, Remedy, explain
from ..missing_codes import TABLES, MissingCode, add_address, missing_codes
from ..models import RetailerPolicy

ROWS_PER_PAGE = 50


def title_of(cause: Cause) -> str:
    """Return a cause in a few words: the code's meaning, or the code itself where only the vendor knows it."""
    text = words.reason(cause.code) or _("outcome unknown")
    return text if text == cause.code else text[:1].upper() + text[1:]


def message_of(cause: Cause) -> str:
    """Return the cause's message in the reader's language; a code that the title names is not named again."""
    text = told(cause.message)
    return text.removeprefix(f"{cause.code}: ") if title_of(cause) == cause.code else text


def cause_context(request: HttpRequest, cause: Cause, now: datetime) -> dict[str, Any]:
    """Return what the page's template needs."""
    verifying = cause.verifying_count >= cause.open_count > 0
    explanation = explain(cause.kind, cause.code, verifying=verifying)
    rows = _with_subject(deliveries_of(cause, now))
    page = Paginator(rows, ROWS_PER_PAGE).get_page(request.GET.get("p"))
    return {
        "cause": cause, "kind": kind_label(cause.kind), "vendor": cause.get_vendor_display(),
        "explanation": explanation, "codes": _codes(request, cause, now), "links": _links(request, cause, explanation),
        "page": page, "rows": [_row(row, explanation) for row in page.object_list], "facts": _facts(cause),
    }  # fmt: skip


def _facts(cause: Cause) -> list[tuple[str, Any]]:
    found = [
        (_("step"), kind_label(cause.kind)), (_("vendor"), cause.get_vendor_display()), (_("code"), cause.code),
        (_("message"), message_of(cause)), (pgettext("trouble", "first seen"), words.moment(cause.first_seen_at)),
        (_("open since"), words.moment(cause.opened_at) if cause.opened_at > cause.first_seen_at else ""),
        (pgettext("trouble", "last seen"), words.moment(cause.last_seen_at)),
        (_("oldest deadline"), words.deadline(cause.oldest_deadline)),
        (_("being verified"), cause.verifying_count or ""),
        (_("closed at"), words.moment(cause.closed_at) if cause.closed_at else ""),
    ]  # fmt: skip
    return [(name, value) for name, value in found if value not in ("", words.EMPTY)]


def _with_subject(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Read with each delivery what it is for."""
    names = {column.name for column in rows.model._meta.get_fields()}
    if "order" in names:
        return rows.select_related("order").defer("order__payload", "order__reported_tracking_numbers")
    return rows.select_related("item") if "item" in names else rows


def _row(row: Any, explanation: Explanation) -> dict[str, Any]:
    order = getattr(row, "order", None)
    subject = link_to(order, order.dsco_order_id) if order else link_to(getattr(row, "item", row))
    return {
        "pk": row.pk, "subject": subject, "po_number": order.po_number if order else "",
        "retailer": (order.retailer_name or order.retailer_id if order else "") or words.EMPTY,
        "deadline": words.deadline(row.deadline), "since": words.ago(row.changed_at),
        "state": words.state_label(row.status), "error": words.error_text(row, 160),
        "record": address_of(row), "compose": _compose_address(row, explanation),
    }  # fmt: skip


def _compose_address(row: Any, explanation: Explanation) -> str:
    """Return the page that composes a shipment by hand, where there is one."""
    if Remedy.COMPOSE not in explanation.remedies:
        return ""
    try:
        return reverse("admin:orders_shipment_compose", args=[row.order_id])
    except NoReverseMatch:
        return ""


# --- Links that mend ------------------------------------------------------------------------------------


def _codes(request: HttpRequest, cause: Cause, now: datetime) -> list[dict[str, Any]]:
    """Return the codes that the orders lack a mapping for, each with the page that adds it."""
    if not cause.code.startswith("unmapped_") or cause.kind != "erp_push" or cause.closed_at is not None:
        return []
    found: Sequence[MissingCode] = missing_codes(deliveries_of(cause, now))
    back = f"{address_of(cause)}?mapped=1"
    return [
        {
            "value": item.value or _("(empty)"), "orders": item.orders, "what": item.model._meta.verbose_name,
            "address": item.add_address(back) if _may_add(request, item.model) else "",
        }
        for item in found
    ]  # fmt: skip


def _links(request: HttpRequest, cause: Cause, explanation: Explanation) -> list[tuple[str, str]]:
    """Return the pages on which the cause is mended, as (text, address)."""
    links: list[tuple[str, str]] = []
    for remedy in explanation.remedies:
        if remedy == Remedy.MAPPING and cause.code in TABLES:
            links += _mapping_links(request, cause)
        elif remedy == Remedy.POLICY and request.user.has_perm("orders.view_retailerpolicy"):
            links.append((_("Retailer policies"), list_address(RetailerPolicy)))
        elif remedy == Remedy.FLOW:
            links += _flow_links(request, cause)
    model = delivery_kinds()[cause.kind].model
    links.append((_("List of this step"), list_address(model, status__in="needs_attention,failed,uncertain")))
    return links


def _mapping_links(request: HttpRequest, cause: Cause) -> list[tuple[str, str]]:
    model = TABLES[cause.code][0]
    links = [(_("All of: %(name)s") % {"name": model._meta.verbose_name_plural}, list_address(model))]
    if cause.code.startswith("unmapped_"):
        kind = cause.code.removeprefix("unmapped_")
        links.insert(0, (_("Codes without a mapping"), f"{reverse('unmapped-codes')}?kind={kind}"))
    if _may_add(request, model):
        text = _("Add: %(name)s") % {"name": model._meta.verbose_name}
        links.insert(0, (text, add_address(cause.code, "", f"{address_of(cause)}?mapped=1")))
    return links


def _flow_links(request: HttpRequest, cause: Cause) -> list[tuple[str, str]]:
    names = [definition.name for definition in flow_definitions() if definition.delivers == cause.kind]
    if not request.user.has_perm("integrations.view_flow"):
        return []
    return [(_("Open the flow"), address_of(flow)) for flow in Flow.objects.filter(name__in=names)]


def _may_add(request: HttpRequest, model: Any) -> bool:
    return bool(request.user.has_perm(f"{model._meta.app_label}.add_{model._meta.model_name}"))
