"""Retailer policies, in plain words: what happens, what that means, and who changed it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, cast
from urllib.parse import urlencode

import tablib
from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst, format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from import_export import fields, widgets

from integrations.admin import words
from integrations.admin.base import CheckboxesWidget, SelectWidget, display
from integrations.admin.history_words import value_in_words
from integrations.admin.mapping_forms import CheckedForm
from integrations.admin.mapping_imports import MappingResource, resource_meta
from integrations.admin.mappings import MappingAdmin, change_author, change_reason
from integrations.admin.records import address_of, list_address
from integrations.findings import Finding

from ..models import ErpStatus, RetailerPolicy, StoreMapping
from ..payload_words import said_of
from ..policies import policies_for
from ..policy_checks import check_policy, known_to_all
from ..policy_words import in_words, status_names
from ..retailers import known_retailers
from ..staff_cancellations import CANCEL_CODES
from .policy_help import HELP

MODES = ("push_mode", "acknowledge_mode", "shipment_mode", "invoice_mode", "cancellation_mode")
CHANGES_SHOWN = 10


class StatusesWidget(widgets.Widget):  # type: ignore[misc]
    """The statuses in one cell, as people write them: 5, 6."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> list[int]:
        """Return the numbers; raises ValueError for anything else."""
        parts = re.split(r"[\s,;，、]+", str(value if value is not None else "").strip("[] "))
        numbers = [part for part in parts if part]
        if not all(number.isdigit() for number in numbers):
            raise ValueError(
                _("“%(value)s” is no list of statuses: write their numbers, as in 5, 6.") % {"value": value}
            )
        return [int(number) for number in numbers]

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        """Return the numbers with commas."""
        return ", ".join(map(str, value or []))


class RetailerPolicyResource(MappingResource):
    meanings: ClassVar = {"invoice_timing": gettext_lazy("when to invoice")}
    values: ClassVar = {
        "acknowledge_statuses": gettext_lazy("numbers of LingXing's statuses, as in 5, 6; empty: the default"),
        "cancel_code": ", ".join(CANCEL_CODES),
    }
    acknowledge_statuses = fields.Field(
        column_name="acknowledge_statuses", attribute="acknowledge_statuses", widget=StatusesWidget()
    )
    Meta = resource_meta(
        RetailerPolicy,
        ["retailer_id"],
        [field.name for field in RetailerPolicy._meta.concrete_fields if field.name != "id"],
    )

    def before_import(self, dataset: tablib.Dataset, **kwargs: Any) -> None:
        """Read at once what all policies of the file are checked against."""
        super().before_import(dataset, **kwargs)
        self._known = known_to_all()

    def findings_of(self, instance: Any) -> Sequence[Finding]:
        """Return what speaks against the policy as a whole."""
        return check_policy(instance, self._known)


class RetailerPolicyForm(CheckedForm):
    """The statuses are ticked, not written as JSON; every field says what it does and what its default is."""

    acknowledge_statuses = forms.TypedMultipleChoiceField(
        label=gettext_lazy("acknowledge at ERP status"), coerce=int, required=False,
        choices=[(status.value, format_lazy("{} {}", status.value, status.label)) for status in ErpStatus],
        widget=CheckboxesWidget,
    )  # fmt: skip

    class Meta:
        model = RetailerPolicy
        labels: ClassVar = {"invoice_timing": gettext_lazy("when to invoice")}
        fields = "__all__"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.label = capfirst(field.label)
        for name, text in HELP.items():
            if name in self.fields:
                self.fields[name].help_text = text()
        if "cancel_code" in self.fields:
            own = self.instance.cancel_code
            known = {code: f"{code} – {text}" for code, text in CANCEL_CODES.items()}
            choices = list((known if own in known else {own: own, **known}).items())
            self.fields["cancel_code"].widget = SelectWidget(choices=choices)

    def findings(self) -> list[Finding]:
        """Return what speaks against the policy as it would be."""
        return check_policy(RetailerPolicy(pk=self.instance.pk, **self.cleaned_data))


def _in_a_word(name: str) -> Callable[[RetailerPolicyAdmin, RetailerPolicy], str]:
    """Return a column of the list: the mode's name without what it means, which would be five lines high there."""
    field: Any = RetailerPolicy._meta.get_field(name)

    @display(description=field.verbose_name, ordering=name)
    def column(_admin: RetailerPolicyAdmin, policy: RetailerPolicy) -> str:
        return re.split("[:：]", str(getattr(policy, f"get_{name}_display")()))[0]

    return column


@admin.register(RetailerPolicy)
class RetailerPolicyAdmin(MappingAdmin):
    """What one retailer wants; a retailer without a policy gets the defaults."""

    form = RetailerPolicyForm
    resource_classes = (RetailerPolicyResource,)
    change_form_outer_before_template = "admin/policies/in_words.html"
    meanings = RetailerPolicyResource.meanings
    list_before_template = "admin/policies/list_top.html"
    list_display = (
        "retailer_id", "name", *(f"{mode}_in_a_word" for mode in MODES), "automatic_packages", "accept_cancel_requests",
    )  # fmt: skip
    search_fields = ("retailer_id", "name")
    fieldsets = (
        (None, {"fields": ("retailer_id", "name")}),
        (gettext_lazy("Orders into LingXing"), {"fields": ("push_mode", "price_field", "push_test_orders")}),
        (gettext_lazy("Acknowledging"), {"fields": ("acknowledge_mode", "acknowledge_statuses")}),
        (gettext_lazy("Shipping"), {
            "fields": ("shipment_mode", "automatic_packages", "require_carrier", "require_warehouse_code"),
        }),
        (gettext_lazy("Invoicing"), {"fields": ("invoice_mode", "invoice_timing")}),
        (gettext_lazy("Cancelling"), {"fields": ("cancellation_mode", "accept_cancel_requests", "cancel_code")}),
    )  # fmt: skip

    push_mode_in_a_word = _in_a_word("push_mode")
    acknowledge_mode_in_a_word = _in_a_word("acknowledge_mode")
    shipment_mode_in_a_word = _in_a_word("shipment_mode")
    invoice_mode_in_a_word = _in_a_word("invoice_mode")
    cancellation_mode_in_a_word = _in_a_word("cancellation_mode")

    def get_urls(self) -> list[URLPattern]:
        """Add the page of a retailer, with or without a policy of its own."""
        view = self.admin_site.admin_view(self.retailer_page)
        own = path("of/<path:retailer_id>/", view, name="orders_retailerpolicy_retailer")
        return [own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show above the list the retailers that go by the defaults."""
        own = set(RetailerPolicy.objects.values_list("retailer_id", flat=True))
        without = [
            (name, reverse("admin:orders_retailerpolicy_retailer", args=[retailer_id]))
            for retailer_id, name in _retailers().items()
            if retailer_id not in own
        ]
        return super().changelist_view(request, {**(extra_context or {}), "by_the_defaults": without})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Add the policy in sentences, as it stands now, and its latest changes."""
        record: RetailerPolicy | None = kwargs.get("obj") or context.get("original")
        # What is saved: a form with errors has put its own values into the record.
        saved = RetailerPolicy.objects.filter(pk=record.pk).first() if record else None
        context["chapters"] = in_words(saved or RetailerPolicy())
        context["policy"] = record
        context["changes"] = changes_of(record) if record else []
        return super().render_change_form(request, context, *args, **kwargs)

    def value_in_words(self, field: Any, value: Any) -> str:
        """Return a setting as the history shows it, LingXing's statuses by name."""
        return _shown(field, value)

    def retailer_page(self, request: HttpRequest, retailer_id: str) -> HttpResponse:
        """Show how orders of a retailer are handled; one with a policy of its own has that policy's page."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        policy = policies_for([retailer_id])[retailer_id]
        if policy.pk:
            return HttpResponseRedirect(address_of(policy))
        name = _retailers().get(retailer_id, retailer_id)
        filled = {"retailer_id": retailer_id, "name": "" if name == retailer_id else name}
        context = {
            **self.admin_site.each_context(request),
            "title": name, "retailer_id": retailer_id, "chapters": in_words(policy), "policy": None,
            "add_address": f"{list_address(RetailerPolicy)}add/?{urlencode(filled)}",
            "list_address": list_address(RetailerPolicy), "may_add": self.has_add_permission(request),
        }  # fmt: skip
        return TemplateResponse(request, "admin/policies/retailer.html", context)


def _retailers() -> dict[str, str]:
    """Return every retailer that has an order, a policy or a store, with its name."""
    mapped = dict.fromkeys(StoreMapping.objects.values_list("retailer_id", flat=True))
    known = known_retailers()
    return known | {retailer_id: retailer_id for retailer_id in mapped if retailer_id not in known}


def changes_of(policy: RetailerPolicy) -> list[dict[str, Any]]:
    """Return who changed what of a policy, newest first: one query."""
    history: Any = cast(Any, policy).history
    records = list(history.select_related("history_user").order_by("-history_date", "-history_id")[: CHANGES_SHOWN + 1])
    labels: Mapping[str, Any] = {field.name: field for field in RetailerPolicy._meta.concrete_fields}
    found = []
    for index, record in enumerate(records[:CHANGES_SHOWN]):
        older = records[index + 1] if index + 1 < len(records) else None
        what = [
            said_of(
                str(RetailerPolicyResource.meanings.get(change.field, labels[change.field].verbose_name)),
                f"{_shown(labels[change.field], change.old)} → {_shown(labels[change.field], change.new)}",
            )
            for change in (record.diff_against(older).changes if older else [])
        ]
        if record.history_type == "+":
            what = [_("The policy was made.")]
        found.append({
            "at": words.moment(record.history_date), "who": change_author(record), "what": what,
            "reason": change_reason(record),
        })  # fmt: skip
    return found


def _shown(field: Any, value: Any) -> str:
    if field.name == "acknowledge_statuses" and value:
        return status_names(value)
    return value_in_words(field, value)
