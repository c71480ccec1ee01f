"""The search on top of every page: any number of an order leads to the order, or to the list of those found."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from integrations.admin.records import list_address
from integrations.admin.search import split_numbers

from ..models import Order
from .search import order_ids_for

# What fits into the address that it leads to; more numbers are pasted into the order list.
LONGEST = 1500


@require_safe
def find_order(request: HttpRequest) -> HttpResponse:
    """Lead to the one order that carries the number, else to the order list with what was asked for."""
    if not request.user.has_perm("orders.view_order"):
        raise PermissionDenied
    text = request.GET.get("number", "").strip()[:LONGEST]
    if not text:
        return redirect(list_address(Order))
    found = order_ids_for(text)
    if len(found) == 1 and len(split_numbers(text)) <= 5:
        return redirect("admin:orders_order_change", found[0])
    return redirect(list_address(Order, q=text))
