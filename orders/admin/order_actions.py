"""What people may do on an order's page: each action has a permission, the states it is valid in, and its form.

Every action is a POST; asked for with GET it shows the page on which it is confirmed or explained.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.admin.reasons import ReasonForm
from integrations.deliveries import staff
from integrations.deliveries.kinds import delivery_kinds
from integrations.deliveries.models import Delivery
from integrations.deliveries.staff import StaffResult
from integrations.deliveries.states import State
from integrations.errors import VendorError
from integrations.jobs import start_released
from integrations.sentences import titled, told

from ..events import comment
from ..holds import FINISHED_STAGES, KINDS, hold, release_hold
from ..models import OPEN_STAGES, Order
from ..order_story import Story
from ..rereading import Reread, reread_from_dsco, reread_from_lingxing
from ..staff_cancellations import CannotCancel, cancel_lines, why_not
from ..starting import flow_of, start_for_order
from ..timeline import step_name
from .cancel_form import CancelForm


@dataclass(frozen=True, slots=True)
class Button:
    """A button of the page. ``direct``: it posts at once; else it leads to the page that asks. ``key``: its letter."""

    address: str
    text: str
    direct: bool
    look: str = "plain"
    key: str = ""


@dataclass(frozen=True, slots=True)
class OrderAction:
    """An action on the order itself. ``form`` None: nothing is asked."""

    name: str
    permission: str
    text: str | Promise
    advice: str | Promise
    valid: Callable[[Order], bool]
    run: Callable[[HttpRequest, Order, dict[str, Any]], None]
    form: type[forms.Form] | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class StepAction:
    """An action on one delivery of the order; ``run(kind, ids, actor, reason)`` is a domain function."""

    name: str
    permission: str
    text: str | Promise
    advice: str | Promise
    valid: Callable[[Delivery], bool]
    run: Callable[[str, list[int], str, str], StaffResult]
    done: str | Promise
    form: type[forms.Form] | None = None
    look: str = "plain"
    key: str = ""


# --- What can be done to an order ---------------------------------------------------------------------


def _hold(request: HttpRequest, order: Order, data: dict[str, Any]) -> None:
    hold([order.pk], data["reason"], _actor(request))
    messages.success(request, _("The order is held: nothing is sent for it until it is released."))


def _release(request: HttpRequest, order: Order, data: dict[str, Any]) -> None:
    release_hold([order.pk], _actor(request))
    messages.success(request, _("The order is released; what waited is due now."))


def _comment(request: HttpRequest, order: Order, data: dict[str, Any]) -> None:
    comment(order.pk, data["text"], _actor(request))
    messages.success(request, _("Your comment stands in the timeline."))


def _cancel(request: HttpRequest, order: Order, data: dict[str, Any]) -> None:
    try:
        cancel_lines(order.pk, data["quantities"], data["code"], data["reason"], _actor(request))
    except CannotCancel as reason:
        messages.error(request, told(str(reason)))
        return
    messages.success(request, _("The cancellation is under way. Its steps below show how far it has come."))
    _start(request, "apply_cancellations", order)


def _reread(read: Callable[[Order, str], Reread]) -> Callable[[HttpRequest, Order, dict[str, Any]], None]:
    def run(request: HttpRequest, order: Order, data: dict[str, Any]) -> None:
        try:
            result = read(order, _actor(request))
        except VendorError as error:
            text = _("Nothing was read: {error}. Nothing was changed; try again in some minutes.")
            messages.error(request, text.format(error=told(str(error)).rstrip(".。")))
            return
        for name in sorted(result.released):
            start_released(name)
        (messages.success if result.found else messages.warning)(request, told(result.text))

    return run


class CommentForm(forms.Form):
    """What a person has to say."""

    text = forms.CharField(label=gettext_lazy("Comment"), max_length=4000, widget=forms.Textarea(attrs={"rows": 3}))


ORDER_ACTIONS: dict[str, OrderAction] = {
    action.name: action
    for action in (
        OrderAction(
            "hold", "orders.hold_order", gettext_lazy("Hold …"),
            gettext_lazy("Nothing is sent for a held order, to LingXing or to the retailer. What is under way ends."),
            lambda order: not order.held and order.stage not in FINISHED_STAGES, _hold, ReasonForm, "h",
        ),
        OrderAction(
            "release", "orders.hold_order", gettext_lazy("Release"),
            gettext_lazy("The hold ends; what waited for it is due at once."),
            lambda order: order.held, _release, key="h",
        ),
        OrderAction(
            "cancel", "orders.cancel_order", gettext_lazy("Cancel lines …"),
            gettext_lazy(
                "For what you cannot deliver. Before it is in LingXing it never gets there; after that it is stopped"
                " there first. Then the retailer is told through DSCO. This cannot be taken back once DSCO has it."
            ),
            lambda order: order.stage in OPEN_STAGES, _cancel, CancelForm,
        ),
        OrderAction(
            "reread-dsco", "orders.retry_delivery", gettext_lazy("Read again from DSCO"),
            gettext_lazy("The order is read at DSCO now and stored; what changed there takes effect."),
            lambda order: True, _reread(reread_from_dsco),
        ),
        OrderAction(
            "reread-lingxing", "orders.retry_delivery", gettext_lazy("Read again from LingXing"),
            gettext_lazy("Its ERP orders, outbound orders and packages are read in LingXing now and stored."),
            lambda order: hasattr(order, "erp_push"), _reread(reread_from_lingxing),
        ),
        OrderAction(
            "comment", "orders.comment_order", gettext_lazy("Add a comment"), "",
            lambda order: True, _comment, CommentForm,
        ),
    )
}  # fmt: skip


def buttons_of_order(request: HttpRequest, story: Story) -> list[Button]:
    """Return the buttons that are valid in the order's state and allowed to this user."""
    buttons = []
    for action in ORDER_ACTIONS.values():
        if action.name == "comment" or not request.user.has_perm(action.permission) or not action.valid(story.order):
            continue
        if action.name == "cancel" and _cannot_cancel(story):
            continue
        address = reverse("admin:orders_order_act", args=[story.order.pk, action.name])
        buttons.append(Button(address, str(action.text), action.form is None, key=action.key))
    return buttons


def why_no_cancelling(request: HttpRequest, story: Story) -> str:
    """Return why the button that cancels lines is not there, to whoever may cancel and while the order is open."""
    action = ORDER_ACTIONS["cancel"]
    if not request.user.has_perm(action.permission) or not action.valid(story.order):
        return ""
    return _cannot_cancel(story)


def _cannot_cancel(story: Story) -> str:
    return why_not(story.order, story.lines, story.order.erp_push, story.cancellations, shipped=story.has_shipped)


# --- What can be done to a step -----------------------------------------------------------------------


def _free(delivery: Delivery) -> bool:
    """Nobody is carrying it out at this moment, and no earlier decision about it is final."""
    final = delivery_kinds()[delivery.KIND].skip_is_final and delivery.status == State.SKIPPED
    return not delivery.lease_token and not final


STEP_ACTIONS: dict[str, StepAction] = {
    action.name: action
    for action in (
        StepAction(
            "retry", "orders.retry_delivery", gettext_lazy("Retry now"),
            gettext_lazy("It becomes due now. What may have happened already is verified first."),
            lambda row: row.status in staff.RETRYABLE and _free(row),
            lambda kind, ids, actor, reason: staff.retry(kind, ids, actor),
            gettext_lazy("It is due now; what may have happened already is checked first."), look="primary", key="r",
        ),
        StepAction(
            "skip", "orders.skip_delivery", gettext_lazy("Skip …"),
            gettext_lazy("Nothing is sent for this step any more. A skipped one can be retried later."),
            lambda row: row.status in staff.SKIPPABLE and _free(row), staff.skip, gettext_lazy("The step was skipped."),
            ReasonForm,
        ),
        StepAction(
            "done", "orders.skip_delivery", gettext_lazy("Done elsewhere …"),
            gettext_lazy("Only when you did it by hand in the vendor's own screens: the next steps then follow."),
            lambda row: row.status in staff.SKIPPABLE | {State.SKIPPED} and _free(row), staff.mark_done,
            gettext_lazy("The step is marked as done."), ReasonForm,
        ),
    )
}  # fmt: skip


def buttons_of_step(request: HttpRequest, order: Order, delivery: Delivery) -> list[Button]:
    """Return the buttons that are valid in the delivery's state and allowed to this user."""
    return [
        Button(
            reverse("admin:orders_order_act_step", args=[order.pk, action.name, delivery.KIND, delivery.pk]),
            str(action.text), action.form is None, action.look, action.key,
        )
        for action in STEP_ACTIONS.values()
        if request.user.has_perm(action.permission) and action.valid(delivery)
    ]  # fmt: skip


# --- Views --------------------------------------------------------------------------------------------


def act_on_order(model_admin: Any, request: HttpRequest, order: Order, name: str) -> HttpResponse:
    """Carry out an action on the order, or show the page that asks for what it needs."""
    action = ORDER_ACTIONS.get(name)
    if action is None:
        raise Http404(name)
    if not request.user.has_perm(action.permission):
        raise PermissionDenied
    if not action.valid(order):
        return _too_late(request, order)
    form = _form(action.form, request, order)
    if request.method == "POST" and (form is None or form.is_valid()):
        action.run(request, order, form.cleaned_data if form else {})
        return _back(order)
    return _ask(model_admin, request, order, form, action.text, action.text, action.advice)


def act_on_step(
    model_admin: Any, request: HttpRequest, order: Order, name: str, kind: str, delivery_id: int
) -> HttpResponse:
    """Carry out an action on one of the order's deliveries, or show the page that asks for what it needs."""
    action = STEP_ACTIONS.get(name)
    model = next((model for model in KINDS if kind == model.KIND), None)
    delivery = model._default_manager.filter(pk=delivery_id, order=order).first() if model else None
    if action is None or delivery is None:
        raise Http404(name)
    if not request.user.has_perm(action.permission):
        raise PermissionDenied
    if not action.valid(delivery):
        return _too_late(request, order)
    form = _form(action.form, request, order)
    if request.method == "POST" and (form is None or form.is_valid()):
        reason = form.cleaned_data["reason"] if form else ""
        result = action.run(kind, [delivery.pk], _actor(request), reason)
        if not result.changed:
            return _too_late(request, order)
        messages.success(request, str(action.done))
        if name == "retry":
            _start(request, flow_of(kind), order)
        return _back(order)
    title = titled(step_name(delivery), action.text)
    return _ask(model_admin, request, order, form, title, action.text, action.advice)


def _form(form_class: type[forms.Form] | None, request: HttpRequest, order: Order) -> forms.Form | None:
    if form_class is None:
        return None
    data = request.POST if request.method == "POST" else None
    return CancelForm(order, data) if form_class is CancelForm else form_class(data)


def _ask(
    model_admin: Any,
    request: HttpRequest,
    order: Order,
    form: forms.Form | None,
    title: str | Promise,
    button: str | Promise,
    advice: str | Promise,
) -> TemplateResponse:
    context = {
        **model_admin.admin_site.each_context(request), "title": _without_dots(title), "advice": advice,
        "button": _without_dots(button), "form": form, "order": order, "original": order,
        "subtitle": str(order), "opts": model_admin.opts, "back": _address(order), "media": model_admin.media,
    }  # fmt: skip
    return TemplateResponse(request, "admin/order/action.html", context)


def _without_dots(text: str | Promise) -> str:
    """The dots of a button say that something is asked first; on the page that asks they are done with."""
    return str(text).rstrip(" …")


def _too_late(request: HttpRequest, order: Order) -> HttpResponse:
    messages.warning(request, _("That is not possible any more: somebody, or the system, was faster. See below."))
    return _back(order)


def _back(order: Order) -> HttpResponse:
    return HttpResponseRedirect(_address(order))


def _address(order: Order) -> str:
    return reverse("admin:orders_order_change", args=[order.pk])


def _actor(request: HttpRequest) -> str:
    return request.user.get_username()


def _start(request: HttpRequest, flow: str, order: Order) -> None:
    """Hand the flow to the workers for this order alone, unless people have paused it."""
    if not flow:
        return
    if not start_for_order(flow, order.dsco_order_id, _actor(request)):
        messages.warning(request, _("Its flow is paused: it goes on when the flow is resumed."))
