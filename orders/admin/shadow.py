"""What waits in shadow mode: every call that would have been made, by retailer and step, and the way to go live."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.admin import words
from integrations.admin.base import display
from integrations.admin.calls import KindFilter, delivery_link, with_subjects
from integrations.admin.kinds import delivery_models, kind_label
from integrations.admin.records import RecordAdmin, Section, address_of, facts, link_to, list_address
from integrations.admin.search import numbers_in
from integrations.admin.shadow import sections_of
from integrations.deliveries.models import subject_of
from integrations.models import ShadowCall

from ..holds import KINDS
from ..models import Order, RetailerPolicy
from ..retailers import known_retailers
from ..shadow import in_shadow
from .filters import RetailerFilter
from .search import order_ids_for


class ShadowRetailerFilter(RetailerFilter):
    """Calls for orders of one retailer."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Limit the list to a retailer."""
        return queryset.filter(_for_orders(order__retailer_id=self.value())) if self.value() else queryset


def _for_orders(**conditions: Any) -> Q:
    wanted = Q(pk__in=[])
    for model in KINDS:
        rows = model._default_manager.filter(**conditions).values("pk")
        wanted |= Q(kind=model.KIND, delivery_id__in=rows)
    return wanted


@admin.register(ShadowCall)
class ShadowCallAdmin(RecordAdmin):
    """What would have been sent."""

    list_before_template = "admin/orders/in_shadow.html"
    list_display = ("order", "step", "retailer", "call", "why_not", "computed")
    list_display_links = ("call",)
    list_filter: ClassVar[Any] = (KindFilter, ShadowRetailerFilter)
    search_fields = ("key__exact",)
    search_help_text = gettext_lazy("Order, PO, ERP, tracking or invoice numbers; several at once")
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave the bodies out of the list."""
        rows = super().get_queryset(request)
        one = request.resolver_match is not None and "object_id" in request.resolver_match.kwargs
        return rows if one else rows.defer("body")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find the orders by index, then their calls."""
        if not numbers_in(search_term):
            return queryset, False
        return queryset.filter(_for_orders(order__in=order_ids_for(search_term))), False

    def prepare_page(self, request: HttpRequest, rows: list[Any]) -> None:
        """Read the orders of the page at once: one query for each kind on it."""
        orders: dict[tuple[str, int], Order] = {}
        for kind, model in delivery_models().items():
            ids = [row.delivery_id for row in rows if row.kind == kind]
            if ids and model in KINDS:
                found: Any = model._default_manager.filter(pk__in=ids).select_related("order")
                orders |= {(kind, row.pk): row.order for row in found.defer("order__payload")}
        for row in rows:
            row.its_order = orders.get((row.kind, row.delivery_id))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Add how much waits in shadow mode, by retailer and step, and where it is switched live."""
        names, policies = known_retailers(), {row.retailer_id: row for row in RetailerPolicy.objects.all()}
        may_change = request.user.has_perm("orders.change_retailerpolicy")
        waiting = [
            {
                "retailer": names.get(row.retailer_id, row.retailer_id), "step": kind_label(row.kind),
                "number": row.number, "address": list_address(ShadowCall, kind=row.kind, retailer=row.retailer_id),
                "policy": f"{address_of(policies[row.retailer_id])}?next={list_address(ShadowCall)}"
                if may_change and row.retailer_id in policies else "",
            }
            for row in in_shadow()
        ]  # fmt: skip
        return super().changelist_view(request, {"waiting": waiting, **(extra_context or {})})

    def called(self, row: ShadowCall) -> str:
        """Return the step, and what it is for."""
        return f"{kind_label(row.kind)} {subject_of(row.key)}"

    @display(description=gettext_lazy("order"))
    def order(self, call: Any) -> SafeString | str:
        """The order, with its PO number."""
        if call.its_order is None:
            return subject_of(call.key)
        link = link_to(call.its_order, call.its_order.dsco_order_id)
        return format_html('{} <span class="ob-quiet ob-nowrap">{}</span>', link, call.its_order.po_number)

    @display(description=gettext_lazy("step"))
    def step(self, call: ShadowCall) -> str:
        """Which step."""
        return kind_label(call.kind)

    @display(description=gettext_lazy("retailer"))
    def retailer(self, call: Any) -> str:
        """Whose policy is in shadow mode."""
        order = call.its_order
        return (order.retailer_name or order.retailer_id) if order else words.EMPTY

    @display(description=gettext_lazy("what would have been sent"))
    def call(self, call: ShadowCall) -> SafeString | str:
        """Vendor, and what the call is for."""
        if not call.operation:
            return str(call.get_vendor_display())
        return format_html("{} · {}", call.get_vendor_display(), words.operation(call.vendor, call.operation))

    @display(description=gettext_lazy("why it would not have been sent"))
    def why_not(self, call: ShadowCall) -> SafeString | str:
        """What would have kept it back."""
        text = format_html('<span title="{}">{}</span>', call.problem, Truncator(call.problem).chars(80))
        return text if call.problem else words.EMPTY

    @display(description=gettext_lazy("computed"))
    def computed(self, call: ShadowCall) -> SafeString | str:
        """When."""
        return words.ago(call.made_at)

    def sections(self, request: HttpRequest, record: ShadowCall) -> list[Section]:
        """Return the delivery and the call."""
        self.prepare_page(request, with_subjects([record]))
        return [
            facts(_("For"), [
                (_("order"), self.order(record)), (_("retailer"), self.retailer(record)),
                (_("step"), kind_label(record.kind)), (_("delivery"), delivery_link(record)),
            ], wide=True),
            *sections_of(request, record, _("What would have been sent")),
        ]  # fmt: skip
