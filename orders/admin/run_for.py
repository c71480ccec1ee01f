"""Flows for pasted numbers: paste, see what was found, run in the background with a result for each order."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from integrations.admin import words
from integrations.admin.base import CheckboxesWidget, TextareaWidget
from integrations.admin.records import address_of, link_to
from integrations.admin.search import MOST_NUMBERS, split_numbers
from integrations.bulk import bulk_action, may_run, prepare, start
from integrations.models import Flow

from ..finding import Found, find
from ..flow_runs import flows_by_order
from ..models import Order
from .waiting import open_deliveries, waits_for

MOST_SHOWN = 100
ACTION = "run_flows"


class RunForm(forms.Form):
    """Numbers and flows."""

    numbers = forms.CharField(
        label=gettext_lazy("Numbers"),
        widget=TextareaWidget(attrs={"rows": 6, "autofocus": True}),
        help_text=gettext_lazy("Order, PO, ERP, outbound, tracking or invoice numbers, separated in any way."),
    )
    flows = forms.MultipleChoiceField(label=gettext_lazy("Flows"), widget=CheckboxesWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(definition.name, str(definition.label)) for definition in flows_by_order()]
        self.fields["flows"].choices = choices  # type: ignore[attr-defined]

    def clean_numbers(self) -> list[str]:
        """Take the numbers apart; at most MOST_NUMBERS of them."""
        numbers = list(dict.fromkeys(split_numbers(self.cleaned_data["numbers"])))
        if len(numbers) > MOST_NUMBERS:
            text = ngettext(
                "%(n)d number is too many: at most %(most)d at once.",
                "%(n)d numbers are too many: at most %(most)d at once.",
                len(numbers),
            )
            raise forms.ValidationError(text % {"n": len(numbers), "most": MOST_NUMBERS})
        return numbers


def run_for_view(request: HttpRequest) -> HttpResponse:
    """Ask, show what was found, then hand the run to the workers and go to its page."""
    action = bulk_action(ACTION)
    if not may_run(request.user, action):
        raise PermissionDenied
    form = RunForm(request.POST or None, initial={"flows": request.GET.getlist("flow")})
    found: Found | None = None
    if form.is_valid():
        found = find(form.cleaned_data["numbers"])
        if "confirmed" in request.POST and request.POST.get("previewed") == str(len(found.ids)) and found.ids:
            return _started(request, form, found)
    context = {
        **admin.site.each_context(request), "title": _("Run flows for certain orders"), "form": form, "found": found,
        "advice": action.advice, "opts": Order._meta, "most": MOST_NUMBERS,
        "back": reverse(f"admin:{Flow._meta.app_label}_{Flow._meta.model_name}_changelist"),
        "rows": _rows(found) if found else [], "more": max(len(found.ids) - MOST_SHOWN, 0) if found else 0,
        "media": form.media,
    }  # fmt: skip
    return TemplateResponse(request, "admin/orders/run_for.html", context)


def _started(request: HttpRequest, form: RunForm, found: Found) -> HttpResponse:
    flows = form.cleaned_data["flows"]
    origin = ngettext("%(n)d pasted number", "%(n)d pasted numbers", len(form.cleaned_data["numbers"])) % {
        "n": len(form.cleaned_data["numbers"])
    }
    parameters = {"flows": flows, "back": request.path}
    run = prepare(ACTION, "order", Order.objects.filter(pk__in=found.ids), parameters, request.user, origin)
    start(run)
    return HttpResponseRedirect(address_of(run))


def _rows(found: Found) -> list[list[Any]]:
    """Return the first orders that were found, with what each waits for."""
    orders = Order.objects.filter(pk__in=found.ids[:MOST_SHOWN]).defer("payload", "reported_tracking_numbers")
    rows = list(orders.order_by("-pk"))
    steps = open_deliveries([order.pk for order in rows])
    return [
        [link_to(order, order.dsco_order_id), order.po_number, order.retailer_name or order.retailer_id,
         words.label(order.get_stage_display()), waits_for(steps[order.pk])]
        for order in rows
    ]  # fmt: skip
