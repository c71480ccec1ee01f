"""The page between an action and its effect: what will happen, to how many, and why (for the record)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from .base import Admin, SelectWidget, TextareaWidget

MOST_SHOWN = 20


class ReasonForm(forms.Form):
    """Why something is done."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        widget=TextareaWidget(attrs={"rows": 3, "autofocus": True}),
        help_text=_("Kept with your name in the record."),
    )


def choice_form(name: str, text: Any, choices: list[tuple[str, Any]]) -> type[forms.Form]:
    """Return a form with one choice."""
    field = forms.ChoiceField(label=text, choices=choices, widget=SelectWidget)
    return type("ChoiceForm", (forms.Form,), {name: field})


def ask(
    admin: Admin,
    request: HttpRequest,
    queryset: QuerySet[Any],
    action_name: str,
    *,
    title: str,
    advice: str,
    button: str,
    form_class: type[forms.Form] = ReasonForm,
) -> TemplateResponse | dict[str, Any]:
    """Return the form's answers when the page was filled in, else the page itself.

    The page repeats the selection as it came (ticked rows, or everything that matches the filters).
    """
    form = form_class(request.POST if "confirmed" in request.POST else None)
    if form.is_bound and form.is_valid():
        return dict(form.cleaned_data)
    across = request.POST.get("select_across") == "1"
    context = {
        **admin.admin_site.each_context(request),
        "title": title,
        "advice": advice,
        "button": button,
        "opts": admin.opts,
        "form": form,
        "shown": list(queryset[:MOST_SHOWN]),
        "total": queryset.count(),
        "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME),
        "select_across": "1" if across else "0",
        "action": action_name,
        "next": request.POST.get("next", ""),
        "back": safe_next(request) or request.get_full_path(),
        "media": admin.media + form.media,
    }
    return TemplateResponse(request, "admin/reason.html", context)


def safe_next(request: HttpRequest) -> str:
    """Return the address to come back to, when the request names one of ours."""
    address = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if ours else ""


def come_back(request: HttpRequest) -> HttpResponse | None:
    """Return to the page that the action was started from; None means the list itself."""
    address = safe_next(request)
    return HttpResponseRedirect(address) if address else None
