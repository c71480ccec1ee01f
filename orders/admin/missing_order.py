"""The page "Why is my order not here?": it walks from our database to DSCO, says where it stopped, and pulls."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.admin.sites import site
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from integrations.admin import words
from integrations.errors import VendorError
from integrations.jobs import start_released

from ..missing_orders import ask_dsco, look_here, pull_now

LONGEST = 120
MAY_ASK = "orders.retry_delivery"


def missing_order_urls() -> list[URLPattern]:
    """Return the page's address."""
    return [path("missing/", site.admin_view(missing_order), name="orders_order_missing")]


def missing_order(request: HttpRequest) -> HttpResponse:
    """Show where the number was found and where not; with a POST ask DSCO, or pull the order."""
    if not request.user.has_perm("orders.view_order"):
        raise PermissionDenied
    data = request.POST if request.method == "POST" else request.GET
    look = look_here(data.get("number", "")[:LONGEST])
    if request.method == "POST":
        if not request.user.has_perm(MAY_ASK):
            raise PermissionDenied
        try:
            if wanted := data.get("pull", "")[:LONGEST].strip():
                return _pull(request, wanted)
            if look.number:
                ask_dsco(look)
        except VendorError as error:
            text = _("DSCO could not be asked: {error}. Try again in some minutes.")
            messages.error(request, text.format(error=str(error).rstrip(".")))
    context = {
        **site.each_context(request), "title": _("Why is my order not here?"), "look": look,
        "complete_at": words.moment(look.pull.complete_at), "read_until": words.moment(look.pull.read_until),
        "at_dsco": [(one, words.moment(one.created_at), words.moment(one.updated_at)) for one in look.at_dsco or ()],
        "asked": look.at_dsco is not None, "may_ask": request.user.has_perm(MAY_ASK),
    }  # fmt: skip
    return TemplateResponse(request, "admin/orders/missing_order.html", context)


def _pull(request: HttpRequest, dsco_order_id: str) -> HttpResponse:
    order, released = pull_now(dsco_order_id, request.user.get_username())
    if order is None:
        messages.warning(request, _("DSCO does not know this order."))
        return redirect("admin:orders_order_missing")
    for name in sorted(released):
        start_released(name)
    messages.success(request, _("The order was pulled. Its next steps go by themselves."))
    return redirect("admin:orders_order_change", order.pk)
