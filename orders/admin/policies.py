"""Retailer policies, in plain words."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from integrations.admin.base import CheckboxesWidget
from integrations.admin.mappings import MappingAdmin, MappingResource, resource_meta

from ..models import ErpStatus, RetailerPolicy

MODES = ("push_mode", "acknowledge_mode", "shipment_mode", "invoice_mode", "cancellation_mode")


class RetailerPolicyResource(MappingResource):
    Meta = resource_meta(
        RetailerPolicy,
        ["retailer_id"],
        [field.name for field in RetailerPolicy._meta.concrete_fields if field.name != "id"],
    )


class RetailerPolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    """The statuses are ticked, not written as JSON."""

    acknowledge_statuses = forms.TypedMultipleChoiceField(
        label=_("acknowledge at ERP status"), coerce=int, choices=ErpStatus.choices, required=False,
        widget=CheckboxesWidget, help_text=_("None ticked: the settings' ACK_ORDER_STATUSES."),
    )  # fmt: skip

    class Meta:
        model = RetailerPolicy
        fields = "__all__"  # noqa: DJ007 (the fieldsets of the admin name them)


@admin.register(RetailerPolicy)
class RetailerPolicyAdmin(MappingAdmin):
    """What one retailer wants; a retailer without a policy gets the defaults."""

    form = RetailerPolicyForm
    resource_classes = (RetailerPolicyResource,)
    list_display = ("retailer_id", "name", *MODES, "automatic_packages", "accept_cancel_requests")
    search_fields = ("retailer_id", "name")
    fieldsets = (
        (None, {"fields": ("retailer_id", "name")}),
        (_("What is sent"), {
            "description": _(
                "Live: sent. Shadow: computed and shown, nothing is sent. Off: nothing happens until it is switched on."
            ),
            "fields": MODES,
        }),
        (_("Orders into LingXing"), {"fields": ("price_field", "push_test_orders")}),
        (_("Acknowledging"), {"fields": ("acknowledge_statuses",)}),
        (_("Shipping"), {"fields": ("automatic_packages", "require_carrier", "require_warehouse_code")}),
        (_("Invoicing"), {"fields": ("invoice_timing",)}),
        (_("Cancelling"), {"fields": ("accept_cancel_requests", "cancel_code")}),
    )  # fmt: skip
