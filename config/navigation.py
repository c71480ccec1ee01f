"""The sidebar: what staff do most stands on top, the machine's own tables at the bottom."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django_q.models import Failure, OrmQ, Schedule, Success

from integrations.admin.kinds import delivery_models, kind_label, tallies
from integrations.admin.records import list_address
from integrations.inbox import number_of_open_causes
from integrations.models import (
    Alert,
    AlertRule,
    ApiCall,
    ApiToken,
    Attempt,
    BatchSize,
    BulkRun,
    Cause,
    Export,
    Flow,
    FlowRun,
    Heartbeat,
    LingXingEntry,
    RateLimit,
    ShadowCall,
    Slot,
    VendorOutage,
    VendorStop,
    VendorToken,
)
from integrations.recent import recent
from inventory.models import SkuMapping, StockItem, StockLevel, StockUpdate, WarehouseMapping
from orders.admin.package_queue import sidebar_link
from orders.admin.unmapped import unmapped_link
from orders.models import (
    Acknowledgement,
    Cancellation,
    Discrepancy,
    ErpOrder,
    ErpPush,
    Invoice,
    Order,
    OrderLine,
    Package,
    Reconciliation,
    RetailerPolicy,
    Shipment,
    ShippingMapping,
    Store,
    StoreMapping,
)
from orders.reconciling.figures import open_differences

from .dashboard import FRESH
from .models import FailedLogin

# Title, collapsible, and the models of each group with their icons.
GROUPS: tuple[tuple[str | Promise, bool, tuple[tuple[type[Model], str], ...]], ...] = (
    (_("Orders"), False, (
        (Order, "shopping_cart"), (ErpOrder, "receipt_long"), (OrderLine, "list"),
        (BulkRun, "checklist"), (Export, "download"),
    )),
    (_("Exceptions"), False, ()),
    (_("Steps of an order"), True, (
        (ErpPush, "upload"), (Acknowledgement, "task_alt"), (Shipment, "local_shipping"), (Invoice, "request_quote"),
        (Cancellation, "cancel"), (Package, "package_2"),
    )),
    (_("Inventory"), True, (
        (StockUpdate, "sync"), (StockItem, "inventory_2"), (StockLevel, "warehouse"),
    )),
    (_("Mappings and policies"), True, (
        (SkuMapping, "barcode"), (WarehouseMapping, "home_storage"), (StoreMapping, "storefront"), (Store, "store"),
        (ShippingMapping, "alt_route"), (LingXingEntry, "fact_check"), (RetailerPolicy, "policy"),
    )),
    (_("Flows"), False, (
        (Flow, "autorenew"), (FlowRun, "history"), (Reconciliation, "compare_arrows"), (ShadowCall, "visibility_off"),
        (VendorStop, "front_hand"), (VendorOutage, "cloud_off"),
    )),
    (_("Technical"), True, (
        (ApiCall, "http"), (Attempt, "replay"), (Heartbeat, "monitor_heart"), (VendorToken, "key"),
        (RateLimit, "speed"), (Slot, "hourglass"), (BatchSize, "stacks"), (Schedule, "schedule"),
        (OrmQ, "pending_actions"),
        (Success, "check_circle"), (Failure, "error"),
    )),
    (_("Alerts"), True, ((Alert, "notifications"), (AlertRule, "notification_settings"))),
    (_("Users"), True, ((User, "person"), (Group, "group"), (ApiToken, "vpn_key"), (FailedLogin, "lock"))),
)  # fmt: skip


def audit_link(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the link to the audit trail for whoever may read it."""
    address = reverse("audit-trail")
    link = {"title": _("Audit trail"), "icon": "history_edu", "link": address, "active": request.path == address}
    return [link] if request.user.has_perm("admin.view_logentry") else []


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar for this user: only what he may see, with the number of open problems."""
    groups: list[dict[str, Any]] = [{"title": "", "items": [_start(request), _dictionary(request)]}]
    for title, collapsible, models in GROUPS:
        items = [_item(request, model, icon) for model, icon in models if _may_see(request, model)]
        if not models:
            items = _exceptions(request)
        elif models[0][0] is Order:
            items += sidebar_link(request)
        elif models[0][0] is SkuMapping:
            items = unmapped_link(request) + items
        elif models[0][0] is User:
            items += audit_link(request)
        if items:
            groups.append({"title": title, "collapsible": collapsible, "items": items})
    return groups


def _start(request: HttpRequest) -> dict[str, Any]:
    home = reverse("admin:index")
    return {"title": _("Overview"), "icon": "home", "link": home, "active": request.path == home}


def _dictionary(request: HttpRequest) -> dict[str, Any]:
    address = reverse("status-dictionary")
    return {"title": _("Words and states"), "icon": "menu_book", "link": address, "active": request.path == address}


def _item(request: HttpRequest, model: type[Model], icon: str) -> dict[str, Any]:
    address = list_address(model)
    active = request.path.startswith(address) and not _shows_problems(request) and "/by-hand/" not in request.path
    title = str(model._meta.verbose_name_plural)
    return {"title": title[:1].upper() + title[1:], "icon": icon, "link": address, "active": active}


def _exceptions(request: HttpRequest) -> list[dict[str, Any]]:
    """Return a link to each kind's open problems, with their number."""
    items = _inbox(request) + _differences(request)
    seen = {kind for kind, model in delivery_models().items() if _may_see(request, model)}
    for kind, tally in tallies(request).items() if seen else ():  # counted for those who may see a number
        if kind not in seen:
            continue
        title = kind_label(kind)
        item: dict[str, Any] = {
            "title": title[:1].upper() + title[1:], "icon": "warning" if tally.problems else "check",
            "link": tally.address,
            "active": request.path == list_address(tally.model) and _shows_problems(request),
        }  # fmt: skip
        if tally.problems:
            item |= {"badge": str(tally.problems), "badge_variant": "danger"}
        items.append(item)
    return items


def _inbox(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the link to the exceptions inbox, with the number of causes that need a person."""
    if not _may_see(request, Cause):
        return []
    item = _item(request, Cause, "inbox") | {"title": _("Exceptions inbox")}
    number = number_of_open_causes()
    return [item | {"badge": str(number), "badge_variant": "danger"}] if number else [item]


def _differences(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the link to what differs from the vendors, with the number that is open."""
    if not _may_see(request, Discrepancy):
        return []
    address = list_address(Discrepancy)
    item = _item(request, Discrepancy, "difference") | {
        "title": _("Differences with the vendors"), "link": f"{address}?state=open",
    }  # fmt: skip
    number = recent("open_differences", FRESH, open_differences)
    return [item | {"badge": str(number), "badge_variant": "warning"}] if number else [item]


def _shows_problems(request: HttpRequest) -> bool:
    return "status__in" in request.GET


def _may_see(request: HttpRequest, model: type[Model]) -> bool:
    label, name = model._meta.app_label, model._meta.model_name
    return request.user.has_perm(f"{label}.view_{name}") or request.user.has_perm(f"{label}.change_{name}")
