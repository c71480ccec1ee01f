"""Between an action of a list and its bulk run: the preview, the questions, the confirmation."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import sentences
from ..bulk import BulkAction, Preview, bulk_action, carry_out, may_run, prepare, preview, start
from ..deliveries.states import State
from ..models import BulkRun, BulkStatus
from . import words
from .base import Admin, SelectWidget
from .filter_words import filters_in_words
from .reasons import ReasonForm
from .records import address_of

# So few rows are done while the page loads; more are handed to the workers.
DONE_AT_ONCE = 200
# What an action may ask for beside the reason: the choices are announced by the package that knows them.
_choices: dict[str, tuple[str | Promise, list[tuple[str, str | Promise]]]] = {}


def announce_choices(name: str, label: str | Promise, choices: list[tuple[str, str | Promise]]) -> None:
    """Say what may be answered when an action asks for ``name``."""
    _choices[name] = (label, choices)


def form_for(action: BulkAction) -> type[forms.Form]:
    """Return the form with what the action asks."""
    fields: dict[str, forms.Field] = {}
    for name in action.asks:
        if name == "reason":
            fields[name] = ReasonForm.base_fields["reason"]
        else:
            label, choices = _choices[name]
            shown = [(value, f"{value} – {text}") for value, text in choices]
            fields[name] = forms.ChoiceField(label=str(label), choices=shown, widget=SelectWidget)
    return type("BulkForm", (forms.Form,), fields)


def may_see(request: HttpRequest, name: str) -> bool:
    """Return whether the user is offered the action for selections."""
    return may_run(request.user, bulk_action(name))


def from_a_page(request: HttpRequest) -> bool:
    """Return whether the action comes from the button of one record's page, not from a list."""
    one = len(request.POST.getlist(ACTION_CHECKBOX_NAME)) == 1 and request.POST.get("select_across") != "1"
    return bool(request.POST.get("next")) and one


def may_use(request: HttpRequest, name: str) -> bool:
    """Return whether the user may use an action: for one record its own right, for many the right to bulk, too."""
    if request.method == "POST" and from_a_page(request):
        return bool(request.user.has_perm(bulk_action(name).permission))
    return may_see(request, name)


def bulk_step(
    model_admin: Admin, request: HttpRequest, queryset: QuerySet[Any], name: str, subject: str, action_name: str = ""
) -> HttpResponse:
    """Return the preview page, or make the run when it was confirmed, and go to the run's page.

    name: the bulk action; action_name: the list's action, where it has another name. When the rows have become more
    or fewer since the preview, the preview is shown again: nobody confirms what he has not seen.
    """
    action = bulk_action(name)
    if not may_run(request.user, action):
        raise PermissionDenied
    queryset = action.rows(subject).filter(pk__in=queryset.order_by().select_related(None).values("pk"))
    form = form_for(action)(request.POST if "confirmed" in request.POST else None)
    seen = preview(action, subject, queryset, request.user)
    if form.is_bound and form.is_valid():
        if request.POST.get("previewed") == str(seen.number):
            return _made(model_admin, request, action, subject, queryset, form.cleaned_data)
        messages.warning(request, _("The rows have changed since the preview. Look at it again, then confirm."))
    return _page(model_admin, request, action, form, seen, action_name or name)


def _made(
    model_admin: Admin, request: HttpRequest, action: BulkAction, subject: str, queryset: QuerySet[Any],
    answers: dict[str, Any],
) -> HttpResponse:  # fmt: skip
    parameters = {**answers, "back": request.get_full_path()}
    run = prepare(action, subject, queryset, parameters, request.user, origin_of(model_admin, request))
    start_or_do(run, action)
    return HttpResponseRedirect(address_of(run))


def start_or_do(run: BulkRun, action: BulkAction) -> None:
    """Carry a small run out at once; hand a large one, or one that talks to a vendor, to the workers."""
    if action.atomic and run.total - run.left_out <= DONE_AT_ONCE:
        carry_out(run.pk)
    else:
        start(run)


def origin_of(model_admin: Admin, request: HttpRequest) -> str:
    """Return in words which rows were chosen: the ticked ones, or all that match the list's filters."""
    if request.POST.get("select_across") == "1":
        filters = filters_in_words(model_admin, request)
        all_rows = sentences.gettext("all rows of the list")
        return (
            sentences.gettext("all rows that match: %(filters)s") % {"filters": sentences.joined(filters, "; ")}
            if filters
            else all_rows
        )
    number = len(request.POST.getlist(ACTION_CHECKBOX_NAME))
    return sentences.ngettext("%(n)d ticked row", "%(n)d ticked rows", number) % {"n": number}


def _page(
    model_admin: Admin, request: HttpRequest, action: BulkAction, form: forms.Form, seen: Preview, action_name: str
) -> TemplateResponse:
    label = str(action.label).removesuffix("…").strip()
    context = {
        **model_admin.admin_site.each_context(request),
        "title": label,
        "advice": action.advice,
        "button": format_html("{} × {}", label, f"{seen.number:,}"),
        "opts": model_admin.opts,
        "form": form,
        "preview": seen,
        "groups": [(_group_text(each.state), words.reason(each.code), each.number) for each in seen.acted_on],
        "left_out": [
            (each.obstacle, _group_text(each.state), words.reason(each.code), each.number) for each in seen.left_out
        ],
        "with_reasons": any(each.code for each in (*seen.acted_on, *seen.left_out)),
        "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME),
        "select_across": "1" if request.POST.get("select_across") == "1" else "0",
        "action": action_name,
        "origin": origin_of(model_admin, request),
        "back": request.get_full_path(),
        "media": model_admin.media + form.media,
        "statuses": BulkStatus,
    }
    return TemplateResponse(request, "admin/bulk/preview.html", context)


_state_words: dict[str, str | Promise] = {state.value: state.label for state in State}


def explain_states(states: dict[str, str | Promise]) -> None:
    """Add words for the states of other rows than deliveries."""
    _state_words.update(states)


def _group_text(state: str) -> str:
    return str(_state_words.get(state, state)) or str(_OTHERS)


_OTHERS = gettext_lazy("others")
