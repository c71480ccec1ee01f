"""What an empty list says: why it is empty, and what to do."""

from __future__ import annotations

from typing import Any, Final

from django.utils.functional import Promise
from django.utils.html import strip_tags
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from integrations.admin.flow_states import flow_label
from integrations.admin.words import ago
from integrations.deliveries.models import Delivery
from integrations.deliveries.states import State
from integrations.flows import flow_definitions

from .health_strip import machine

FILTERED: Final = _("Nothing matches. Take filters away, or look for another number; numbers must be complete.")
DELIVERIES: Final = _("Nothing is owed here yet. Steps appear by themselves when orders are pulled.")
NO_ORDER: Final = _("No order yet. The flow “Pull orders from DSCO” brings them: see under Flows when it runs.")
OTHERWISE: Final = _("There is nothing yet.")
# By label of the model.
ADVICE: Final[dict[str, str | Promise]] = {
    "orders.Order": NO_ORDER,
    "orders.OrderLine": NO_ORDER,
    "orders.ErpOrder": _("No order is in LingXing yet. Orders get there by the flow “Push orders to LingXing”."),
    "orders.Package": _("No package yet. They are read from LingXing's outbound orders when the warehouse ships."),
    "orders.Cancellation": _("No order was cancelled. Nothing to do."),
    "orders.Store": _("No store yet. Add the LingXing stores that orders go to; then map each retailer to one."),
    "orders.StoreMapping": _("No retailer has a store yet. Add one for each retailer, else its orders wait."),
    "orders.ShippingMapping": _(
        "No shipping method is mapped yet: LingXing's own rules choose it. With the first mapping every warehouse and"
        " service level needs one."
    ),
    "orders.RetailerPolicy": _("No policy yet: every retailer gets the defaults. Add one where that is wrong."),
    "inventory.SkuMapping": _("No SKU is mapped yet: orders cannot be pushed. Add mappings, or import a file."),
    "inventory.WarehouseMapping": _("No warehouse is mapped yet: orders that name one wait. Map each DSCO code."),
    "inventory.StockItem": _("No item yet. Map SKUs and warehouses; the stock flow then fills this."),
    "inventory.StockLevel": _("No stock was read yet. Map warehouses; the stock flow then reads them."),
    "inventory.StockUpdate": _("DSCO was never told a quantity. The stock flow does it when figures differ."),
    "orders.Discrepancy": _("No difference is known. What was compared last, and when, stands above."),
    "orders.Reconciliation": _("Nothing was compared yet. The flow “Compare with the vendors” does it every night."),
    "integrations.Flow": _("No flow has run yet. Start the workers: manage.py qcluster."),
    "integrations.FlowRun": _("No flow has run yet. Start the workers: manage.py qcluster."),
    "integrations.ApiCall": _("No vendor was called yet. Calls appear when a flow runs."),
    "integrations.Attempt": _("Nothing was attempted yet. Attempts appear when a flow delivers."),
    "integrations.Heartbeat": _("No worker was ever seen. Start one: manage.py qcluster."),
    "integrations.BulkRun": _("No bulk action yet. Select rows in a list and choose an action."),
    "integrations.Export": _("No export yet. Open a list, filter it, and choose Export."),
    "integrations.Alert": _("Nothing was worth an alert yet."),
    "integrations.AlertRule": _("Nobody is told of anything yet. Add a rule: who, about what, by which channel."),
    "integrations.ShadowCall": _("Nothing waits in shadow mode. It is set step by step in a retailer's policy."),
    "integrations.LingXingEntry": _("LingXing's lists were not read yet. Press “Read LingXing's lists now”."),
    "integrations.VendorOutage": _("Both vendors have answered so far: no outage was noticed."),
    "integrations.ApiToken": _(
        "No other system has access. A token is made on the server: manage.py apitoken create NAME --user USER."
    ),
    "integrations.VendorToken": _("No access token yet: the first call to a vendor fetches one."),
    "integrations.RateLimit": _("No vendor was called yet, so no turn is taken."),
    "integrations.BatchSize": _("No order was created in LingXing yet: the first calls find out how many one takes."),
    "integrations.Slot": _("No call to LingXing was made yet."),
    "config.FailedLogin": _("Nobody failed to log in lately, and nobody is locked."),
    "django_q.Schedule": _("Nothing is scheduled. The workers write this when they start: manage.py qcluster."),
    "django_q.Success": _("No job has ended yet. Start the workers: manage.py qcluster."),
    "django_q.Failure": _("No job broke."),
    "django_q.OrmQ": _("No job waits for a worker."),
    "integrations.VendorStop": _("No emergency stop. Both vendors are written to."),
}  # fmt: skip


# Lists that are empty on a good day, by the name of the daily question.
GOOD_NEWS: Final[dict[str, str | Promise]] = {
    "to_push": _("No order waits for LingXing: all that can go there are there."),
    "to_acknowledge": _("No order waits for its acknowledgement."),
    "ship_today": _("Nothing has to leave today, and nothing is late."),
    "several_packages": _("No order waits for a decision about its packages."),
    "at_risk": _("No deadline is missed or less than four hours away."),
    "failed": _("No step was refused."),
    "cancel_requests": _("No retailer waits for a cancellation."),
    "gave_up": _("No step was given up."),
}
# Which flow fills what is no delivery, by label of the model; the others come with the orders.
FILLED_BY: Final = {"orders.Discrepancy": "reconcile"}
PROBLEMS_ONLY: Final = {State.NEEDS_ATTENTION, State.FAILED, State.UNCERTAIN}
NO_PROBLEM: Final = _("Nothing here needs a person.")


def empty_advice(change_list: Any) -> str:
    """Return what the empty list of a change list should say."""
    if good := good_news(change_list):
        return f"{good} {last_success(change_list.model)}".strip()
    if change_list.query or change_list.has_active_filters:
        return str(FILTERED)
    model = change_list.model
    if model._meta.label in ADVICE:
        return str(ADVICE[model._meta.label])
    return str(DELIVERIES if issubclass(model, Delivery) else OTHERWISE)


def good_news(change_list: Any) -> str:
    """Return what it means that a list of what people must do is empty; "" for any other list."""
    asked = change_list.filter_params
    if set(asked) == {"worklist"}:
        return str(GOOD_NEWS.get(asked["worklist"][0], ""))
    if set(asked) == {"status__in"} and issubclass(change_list.model, Delivery):
        states = {state for value in asked["status__in"] for state in value.split(",")}
        return str(NO_PROBLEM) if states <= PROBLEMS_ONLY else ""
    if change_list.model._meta.label == "orders.Discrepancy" and asked == {"state": ["open"]}:
        return str(ADVICE["orders.Discrepancy"])
    return ""


def last_success(model: Any) -> str:
    """Return when the flow behind a list last ended well: an empty list reassures only while the machine runs."""
    kind = model.KIND if issubclass(model, Delivery) else ""
    delivering = next((each.name for each in flow_definitions() if kind and each.delivers == kind), "pull_orders")
    name = FILLED_BY.get(model._meta.label, delivering)
    flow = next((each for each in machine().flows if each.name == name), None)
    if flow is None or flow.last_success_at is None:
        return gettext("But “%(flow)s” has not run yet: see under Flows.") % {"flow": flow_label(name)}
    words = {"flow": flow_label(name), "time": strip_tags(ago(flow.last_success_at))}
    return gettext("Last success of “%(flow)s”: %(time)s.") % words
