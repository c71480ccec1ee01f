"""The addresses below an order: its page, its actions, the live comparison. Mixed into the order's admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from integrations.admin.personal import sees_personal_data
from integrations.admin.records import RecordAdmin

from ..comparison import compare_live
from ..models import Order
from ..order_story import with_steps
from . import order_page
from .order_actions import act_on_order, act_on_step

if TYPE_CHECKING:
    Base = RecordAdmin
else:
    Base = object


class OrderPage(Base):
    """Shows an order by ``admin/order/page.html`` and serves its actions under ``…/<id>/act/``."""

    change_form_template = "admin/order/page.html"

    def get_urls(self) -> list[URLPattern]:
        """Add the actions and the comparison."""
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/act/<slug:name>/", view(self.act), name="orders_order_act"),
            path(
                "<int:pk>/act/<slug:name>/<slug:kind>/<int:delivery_id>/", view(self.act_on_step),
                name="orders_order_act_step",
            ),
            path("<int:pk>/compare/", view(require_POST(self.compare)), name="orders_order_compare"),
            *super().get_urls(),
        ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Read the steps with the order on its page."""
        rows = super().get_queryset(request)
        one = request.resolver_match is not None and "object_id" in request.resolver_match.kwargs
        return with_steps(rows) if one else rows

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Add what the page tells about the order."""
        order: Order = kwargs.get("obj") or context["original"]
        context |= order_page.context_of(request, order)
        return super().render_change_form(request, context, *args, **kwargs)

    def act(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        """Carry out an action on an order."""
        return act_on_order(self, request, self._order(request, pk), name)

    def act_on_step(self, request: HttpRequest, pk: int, name: str, kind: str, delivery_id: int) -> HttpResponse:
        """Carry out an action on a step of an order."""
        return act_on_step(self, request, self._order(request, pk), name, kind, delivery_id)

    def compare(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Read both vendors and show the three columns: a part for the page's script, else a page of its own."""
        order = self._order(request, pk)
        partly = request.headers.get("X-Requested-With") == "fetch"
        context = {
            "order": order, "comparison": compare_live(order),
            "may_see_personal": sees_personal_data(request),
        }  # fmt: skip
        if partly:
            return TemplateResponse(request, "admin/order/comparison.html", context)
        context |= self.admin_site.each_context(request)
        context |= {
            "title": _("Compared with both vendors"), "subtitle": str(order), "opts": self.opts, "original": order,
            "back": reverse("admin:orders_order_change", args=[order.pk]),
        }  # fmt: skip
        return TemplateResponse(request, "admin/order/comparison_page.html", context)

    def _order(self, request: HttpRequest, pk: int) -> Order:
        if not self.has_view_permission(request):
            raise PermissionDenied
        orders: QuerySet[Order] = with_steps(Order.objects.all())
        return get_object_or_404(orders, pk=pk)
