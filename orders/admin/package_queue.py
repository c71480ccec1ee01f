"""The page "Packages to decide" and its link in the sidebar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.admin.sites import site
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from integrations.admin import words
from integrations.admin.kinds import KEPT_SECONDS, MANY, PROBLEMS, tallies
from integrations.recent import recent

from ..compose_drafts import editor_of, has_content
from ..models import Package, Shipment
from ..package_decisions import REFUSED, counts_by_reason, undecided
from ..packages import tracking_numbers

PER_PAGE = 50
_REQUEST_CACHE = "_undecided_packages"


@dataclass(slots=True)
class QueueRow:
    """One order of the queue."""

    shipment: Shipment
    reason: str
    ship_by: SafeString | str
    numbers: list[str]
    packed: int
    ordered: int
    editor: str
    drafted_by: str


def queue_urls() -> list[URLPattern]:
    """Return the queue's address."""
    return [path("by-hand/", site.admin_view(queue), name="orders_shipment_queue")]


def sidebar_link(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the link to the queue with the number of orders in it, for who may look at shipments."""
    if not _may_see(request):
        return []
    address = reverse("admin:orders_shipment_queue")
    active = request.path.startswith(address)
    item = {"title": _("Packages to decide"), "icon": "call_split", "link": address, "active": active}
    number = sum(_counts(request).values())
    return [item | {"badge": str(number), "badge_variant": "warning"}] if number else [item]


def _may_see(request: HttpRequest) -> bool:
    return request.user.has_perm("orders.view_shipment") or request.user.has_perm("orders.compose_shipment")


def _counts(request: HttpRequest) -> dict[str, int]:
    """Count once a request, and only when a shipment needs a person at all; very many now and then."""
    known: dict[str, int] | None = getattr(request, _REQUEST_CACHE, None)
    if known is None:
        tally = tallies(request).get(Shipment.KIND)
        wanted = tally is not None and any(tally.numbers.get(state) for state in PROBLEMS)
        known = recent("undecided_packages", KEPT_SECONDS, counts_by_reason, dear=_are_many) if wanted else {}
        setattr(request, _REQUEST_CACHE, known)
    return known


def _are_many(found: dict[str, int]) -> bool:
    return sum(found.values()) > MANY


def queue(request: HttpRequest) -> HttpResponse:
    """Show the orders whose packages wait for a decision, the most urgent first, with a tab for each reason."""
    if not _may_see(request):
        raise PermissionDenied
    counts = _counts(request)
    reason = request.GET.get("reason", "")
    reason = reason if reason in counts else ""
    rows = undecided(reason).select_related("order").defer("order__payload", "body")
    packages = Package.objects.filter(ignored="").prefetch_related("lines")
    rows = rows.prefetch_related("order__lines", Prefetch("order__packages", packages))
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    address = reverse("admin:orders_shipment_queue")
    tabs = [(_("All"), address, sum(counts.values()), not reason)]
    tabs += [(_words(code), f"{address}?reason={code}", number, code == reason) for code, number in counts.items()]
    context = {
        **site.each_context(request),
        "title": _("Packages to decide"),
        "rows": [_row(request, shipment) for shipment in page],
        "page": page,
        "tabs": tabs,
        "reason": reason,
        "may_compose": request.user.has_perm("orders.compose_shipment"),
    }
    return TemplateResponse(request, "admin/orders/package_queue.html", context)


def _words(code: str) -> str:
    return _("refused by DSCO") if code == REFUSED else words.reason(code)


def _row(request: HttpRequest, shipment: Shipment) -> QueueRow:
    order = shipment.order
    packages = list(order.packages.all())
    numbers = [number for package in packages for number in tracking_numbers(package)]
    editor = editor_of(shipment, timezone.now())
    mine = editor is not None and editor.name == request.user.get_username()
    return QueueRow(
        shipment=shipment,
        reason=words.reason(shipment.reason_code or REFUSED),
        ship_by=words.deadline(order.ship_by),
        numbers=list(dict.fromkeys(numbers)),
        packed=sum(line.quantity for package in packages for line in package.lines.all()),
        ordered=sum(line.open_quantity for line in order.lines.all()),
        editor=editor.name if editor is not None and not mine else "",
        drafted_by=str(shipment.draft.get("saved_by", "")) if has_content(shipment) else "",
    )
