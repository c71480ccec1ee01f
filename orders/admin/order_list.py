"""The order list: tabs with counts, search and pasted numbers, columns with the time left, bulk actions, exports."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from integrations.admin import words
from integrations.admin.base import ChoicesCheckboxFilter, action, display
from integrations.admin.bulk_step import announce_choices, bulk_step, explain_states, may_see, may_use
from integrations.admin.exports import export_list_view, export_step, may_export
from integrations.admin.records import RecordAdmin, list_address
from integrations.admin.search import MOST_NUMBERS

from ..deadlines import DEADLINES, NOT_OURS
from ..models import DEADLINE_STAGES, OPEN_STAGES, Order, Stage
from ..staff_cancellations import CANCEL_CODES
from .deadline_filter import DueFilter
from .filters import AttentionFilter, FirstSeenFilter, ProblemFilter, RetailerFilter
from .missing_order import missing_order_urls
from .run_for import run_for_view
from .search import numbers_not_found, order_ids_for, remember_pasted
from .waiting import open_deliveries, waits_for
from .worklist_tabs import BY_DEADLINE, PASTED, WORKLIST, PastedFilter, WorklistFilter, deadline_pages, tabs

STAGE_TONES = {Stage.CANCELLED: "muted", Stage.CLOSED: "muted", Stage.INVOICED: "success", Stage.SHIPPED: "success"}
MOST_MISSING_SHOWN = 50

explain_states(dict(Stage.choices))
announce_choices("cancel_code", gettext_lazy("Cancel code"), list(CANCEL_CODES.items()))


class OrderListAdmin(RecordAdmin):
    """What the list of orders shows and does; the page of one order stands in its subclass."""

    list_display: Any = ("number", "retailer", "stage_label", "waits", "next_deadline", "first_seen")
    list_display_links = ("number",)
    list_filter: ClassVar[Any] = (
        WorklistFilter, PastedFilter, ProblemFilter, DueFilter, ("stage", ChoicesCheckboxFilter),
        RetailerFilter, AttentionFilter, FirstSeenFilter,
    )  # fmt: skip
    list_before_template = "admin/orders/before_list.html"
    search_fields = ("dsco_order_id__exact",)
    search_help_text = gettext_lazy("Order, PO, ERP, tracking or invoice numbers; several at once")
    sortable_by = ()

    def get_urls(self) -> list[URLPattern]:
        """Add pasting and exporting."""
        view = self.admin_site.admin_view
        return [
            path("run-flows/", view(run_for_view), name="orders_order_run_flows"),
            path("paste/", view(self.paste_view), name="orders_order_paste"),
            path("export/", view(self.export_view), name="orders_order_export"),
            *missing_order_urls(),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave the payload out of the list."""
        rows = super().get_queryset(request)
        one = request.resolver_match is not None and "object_id" in request.resolver_match.kwargs
        return rows if one else rows.defer("payload", "reported_tracking_numbers")

    def get_ordering(self, request: HttpRequest) -> Any:
        """The tabs about deadlines begin with what is due first."""
        column = BY_DEADLINE.get(request.GET.get(WORKLIST, ""))
        return (column, "id") if column else super().get_ordering(request)

    def get_paginator(self, request: HttpRequest, queryset: QuerySet[Any], per_page: int, *args: Any, **kw: Any) -> Any:
        """The tabs about deadlines read their pages by the deadlines' indexes."""
        pages = deadline_pages(request, self.get_queryset(request), per_page)
        return pages or super().get_paginator(request, queryset, per_page, *args, **kw)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Ask each index by itself; several numbers may be pasted at once."""
        if not search_term:
            return queryset, False
        return queryset.filter(pk__in=order_ids_for(search_term, request)), False

    def prepare_page(self, request: HttpRequest, rows: list[Any]) -> None:
        """Read the open deliveries of the page's orders at once."""
        found = open_deliveries([row.pk for row in rows])
        for row in rows:
            row.open_deliveries = found[row.pk]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Add the tabs, and what was not found."""
        extra: dict[str, Any] = dict(extra_context or {})
        if self.has_view_permission(request) and request.method == "GET":
            extra |= {
                "tabs": tabs(request), "may_export": may_export(request, "order"), "not_found": NotFound(request),
                "query_string": request.GET.urlencode(), "most_numbers": MOST_NUMBERS,
            }  # fmt: skip
        return super().changelist_view(request, extra)

    def paste_view(self, request: HttpRequest) -> HttpResponse:
        """Take up to 500 numbers (too many for an address) and show the list of their orders."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        text = request.POST.get("numbers", "").strip()
        if request.method != "POST" or not text:
            return HttpResponseRedirect(list_address(Order))
        name, too_many = remember_pasted(request, text)
        if too_many:
            sentence = ngettext(
                "%(n)d number was left out: at most %(most)d at once.",
                "%(n)d numbers were left out: at most %(most)d at once.",
                too_many,
            )
            messages.warning(request, sentence % {"n": too_many, "most": MOST_NUMBERS})
        return HttpResponseRedirect(list_address(Order, **{PASTED: name}))

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """Make a file of the filtered list."""
        return export_list_view(request, "order")

    # --- Columns ----------------------------------------------------------------------------------

    @display(description=gettext_lazy("order id, PO number"))
    def number(self, order: Order) -> SafeString:
        """The key and the PO number, with marks: test order, cancellation requested, held."""
        marks = [words.label(_("test"), "muted")] if order.test_order else []
        if order.cancel_requested and order.stage in OPEN_STAGES:
            marks.append(words.label(_("cancellation requested"), "warning"))
        if order.held:
            marks.append(words.label(_("held"), "warning", f"{order.held_by}: {order.hold_reason}"))
        return format_html(
            '{} <span class="ob-quiet ob-code">{}</span> {}', order.dsco_order_id, order.po_number,
            format_html_join(" ", "{}", ((mark,) for mark in marks)),
        )  # fmt: skip

    @display(description=gettext_lazy("retailer"))
    def retailer(self, order: Order) -> str:
        """The retailer's name."""
        return order.retailer_name or order.retailer_id or words.EMPTY

    @display(description=gettext_lazy("stage"))
    def stage_label(self, order: Order) -> SafeString:
        """How far it has come."""
        return words.label(order.get_stage_display(), STAGE_TONES.get(Stage(order.stage), "plain"))

    @display(description=gettext_lazy("waits for"))
    def waits(self, order: Any) -> SafeString | str:
        """The worst open delivery with its reason, else the next step."""
        return waits_for(order.open_deliveries)

    @display(description=gettext_lazy("next deadline"))
    def next_deadline(self, order: Any) -> SafeString | str:
        """The first deadline whose step is still to be done, with the time left."""
        open_steps = {type(row) for row in order.open_deliveries if row.reason_code not in NOT_OURS}
        still = [
            (when, str(deadline.label)) for deadline in DEADLINES
            if (when := getattr(order, deadline.column)) and order.stage in DEADLINE_STAGES[deadline.column]
            and deadline.step in open_steps
        ]  # fmt: skip
        if not still:
            return words.EMPTY
        when, label = min(still)
        return format_html('<span class="ob-quiet ob-nowrap">{}</span><br>{}', label, words.deadline(when))

    @display(description=gettext_lazy("first seen"), ordering="-first_seen_at")
    def first_seen(self, order: Order) -> SafeString | str:
        """When we saw it first."""
        return words.ago(order.first_seen_at)

    # --- Actions ----------------------------------------------------------------------------------

    def has_hold_permission(self, request: HttpRequest) -> bool:
        """Hold and release: for one order its own right, for many the right to bulk actions, too."""
        return may_use(request, "hold")

    def has_reread_permission(self, request: HttpRequest) -> bool:
        """Read many orders again."""
        return may_see(request, "reread")

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """Cancel many orders."""
        return may_see(request, "cancel")

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Export the list."""
        return may_export(request, "order")

    @action(description=gettext_lazy("Read again from DSCO"), permissions=["reread"])
    def reread(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        """Read the selected orders from DSCO."""
        return bulk_step(self, request, queryset, "reread", "order")

    @action(description=gettext_lazy("Cancel …"), permissions=["cancel"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        """Cancel the selected orders, with a code."""
        return bulk_step(self, request, queryset, "cancel", "order")

    @action(description=gettext_lazy("Export as CSV"), permissions=["export"])
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        """Make a CSV file of the selected orders."""
        return export_step(request, "order", "csv")

    @action(description=gettext_lazy("Export as XLSX"), permissions=["export"])
    def export_xlsx(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        """Make a workbook of the selected orders."""
        return export_step(request, "order", "xlsx")


class NotFound:
    """The numbers that were searched and not found; asked by the template when the list has been read."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @property
    def numbers(self) -> list[str]:
        """Return the first of them."""
        return numbers_not_found(self._request)[:MOST_MISSING_SHOWN]

    @property
    def total(self) -> int:
        """Return how many there are."""
        return len(numbers_not_found(self._request))

    @property
    def more(self) -> int:
        """Return how many are not shown."""
        return self.total - len(self.numbers)
