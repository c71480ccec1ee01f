"""The pages that staff use every day, with something on each of them."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from integrations.bulk import carry_out, prepare
from integrations.flows.schedules import ensure_schedules
from integrations.models import Cause
from orders.models import ErpPush, Shipment
from tests.admin.seed import seed


def furnish(user: Any, number: int = 12) -> dict[str, str]:
    """Fill the database; return the address of every main page by its name."""
    orders = seed(number)
    ensure_schedules()
    run = prepare("retry", "erp_push", ErpPush.objects.exclude(status="failed"), {}, user)
    carry_out(run.pk)
    to_decide = Shipment.objects.filter(reason_code="several_packages").order_by("pk")[0]
    return {
        "start": reverse("admin:index"),
        "inbox": reverse("admin:integrations_cause_changelist"),
        "cause": reverse("admin:integrations_cause_change", args=[Cause.objects.order_by("pk")[0].pk]),
        "order list": reverse("admin:orders_order_changelist"),
        "order": reverse("admin:orders_order_change", args=[orders[1].pk]),
        "packages to decide": "/admin/orders/shipment/by-hand/",
        "compose": f"/admin/orders/shipment/by-hand/{to_decide.order_id}/",
        "deliveries": reverse("admin:orders_erppush_changelist"),
        "codes without a mapping": reverse("unmapped-codes"),
        "flows": reverse("admin:integrations_flow_changelist"),
        "bulk run": reverse("admin:integrations_bulkrun_change", args=[run.pk]),
        "mappings": reverse("admin:inventory_skumapping_changelist"),
        "a mapping": reverse("admin:inventory_skumapping_add"),
        "words": reverse("status-dictionary"),
        "a person": reverse("admin:auth_user_change", args=[user.pk]),
        "an alert rule": reverse("admin:integrations_alertrule_add"),
        "the clock": reverse("admin:django_q_schedule_changelist"),
        "preferences": reverse("preferences"),
    }


def choose_all(page: Any, action: str, everywhere: bool = False) -> None:
    """Tick all rows that the list shows, or all that match, and ask for an action: its page opens."""
    page.check("#action-toggle")
    if everywhere:
        page.click(".question a")
    page.select_option("select[name=action]", action)
    page.click("button[name=index]")
    page.wait_for_selector("input[name=confirmed]", state="attached")
