"""The order list and its actions. An order's page stands in ``order_views.py``."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from integrations.admin.base import action, chunks
from integrations.admin.bulk_step import bulk_step, from_a_page
from integrations.admin.flow_states import flow_label
from integrations.admin.flows import tell_started
from integrations.admin.reasons import ask, choice_form, come_back
from integrations.admin.records import Section, action_button
from integrations.flows import flow_definitions
from integrations.jobs import start_for_orders

from ..holds import KINDS, hold, release_hold
from ..models import Order
from . import reason_words
from .order_list import OrderListAdmin
from .order_views import OrderPage

# More orders than this are the whole flow's work.
MOST_ORDERS_IN_A_RUN = 500

__all__ = ["OrderAdmin", "reason_words"]


def flow_choices() -> list[tuple[str, Any]]:
    """Return the flows that deliver something for orders."""
    kinds = {kind.KIND for kind in KINDS}
    return [(flow.name, flow.label) for flow in flow_definitions() if flow.delivers in kinds]


@admin.register(Order)
class OrderAdmin(OrderPage, OrderListAdmin):
    """Orders: found by any number, filtered by stage, problem and deadline; held, released, run by hand."""

    actions = ("hold", "release", "reread", "cancel", "run_flow", "export_csv", "export_xlsx")

    # --- Actions ----------------------------------------------------------------------------------

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user may run flows for chosen orders."""
        return bool(request.user.has_perm("integrations.run_flow"))

    @action(description=gettext_lazy("Hold …"), permissions=["hold"])
    def hold(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Hold the selected orders, with a reason."""
        if not from_a_page(request):
            return bulk_step(self, request, queryset, "hold", "order")
        answer = ask(
            self, request, queryset, "hold", title=_("Hold orders"), button=_("Hold"),
            advice=_("Nothing is sent for a held order, to LingXing or to the retailer. What is under way ends."),
        )  # fmt: skip
        if isinstance(answer, TemplateResponse):
            return answer
        actor = request.user.get_username()
        number = sum(hold(ids, answer["reason"], actor) for ids in chunks(queryset))
        text = ngettext("%(n)d order is held now.", "%(n)d orders are held now.", number) % {"n": number}
        self.message_user(request, text, messages.SUCCESS if number else messages.INFO)
        return come_back(request)

    @action(description=gettext_lazy("Release"), permissions=["hold"])
    def release(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """End the hold of the selected orders."""
        if not from_a_page(request):
            return bulk_step(self, request, queryset, "release", "order")
        actor = request.user.get_username()
        number = sum(release_hold(ids, actor) for ids in chunks(queryset))
        text = ngettext(
            "%(n)d order was released; what waited is due now.", "%(n)d orders were released; what waited is due now.",
            number,
        )  # fmt: skip
        self.message_user(request, text % {"n": number}, messages.SUCCESS if number else messages.INFO)
        return come_back(request)

    @action(description=gettext_lazy("Run a flow for these orders …"), permissions=["operate"])
    def run_flow(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Run one flow for the selected orders only."""
        answer = ask(
            self, request, queryset, "run_flow", title=_("Run a flow for these orders"), button=_("Run"),
            advice=_("The flow runs once for these orders, by itself, beside its schedule."),
            form_class=choice_form("flow", _("Flow"), flow_choices()),
        )  # fmt: skip
        if isinstance(answer, TemplateResponse):
            return answer
        numbers = list(queryset.order_by("pk").values_list("dsco_order_id", flat=True)[: MOST_ORDERS_IN_A_RUN + 1])
        if len(numbers) > MOST_ORDERS_IN_A_RUN:
            text = _("That are more than %(n)d orders: run the whole flow under Flows instead.")
            self.message_user(request, text % {"n": MOST_ORDERS_IN_A_RUN}, messages.ERROR)
            return come_back(request)
        actor = request.user.get_username()
        name = answer["flow"]
        start_for_orders(name, actor, numbers)
        tell_started(self, request, [flow_label(name)])
        return come_back(request)

    # --- The order's page ---------------------------------------------------------------------------

    def buttons(self, request: HttpRequest, record: Order) -> list[SafeString]:
        """Return running a flow; what is done to the order itself stands in ``order_actions.py``."""
        return [action_button(request, record, "run_flow", _("Run a flow …"))]

    def sections(self, request: HttpRequest, record: Order) -> list[Section]:
        """The order has a page of its own."""
        return []
