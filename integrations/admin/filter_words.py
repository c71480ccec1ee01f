"""The filters of a list in words: what a bulk run was asked to act on, as its record tells it later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import FieldDoesNotExist
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from ..sentences import Sentence, gettext
from .base import Admin

Words = Mapping[Any, str | Promise]


def filters_in_words(model_admin: Admin, request: HttpRequest) -> list[Sentence]:
    """Return each filter that the list's address names, with what was chosen, as sentences that can be kept.

    What orders the list or turns its pages is no filter.
    """
    return [
        gettext("%(filter)s: %(chosen)s") % {"filter": title, "chosen": [labels.get(value, value) for value in values]}
        for parameter, values in _asked(request).items()
        for title, labels in _meaning(model_admin, request, parameter, values)
    ]


def _asked(request: HttpRequest) -> dict[str, list[str]]:
    return {
        name: [part for value in values for part in (value.split(",") if name.endswith("__in") else [value]) if part]
        for name, values in request.GET.lists() if any(values)
    }  # fmt: skip


def _meaning(
    model_admin: Admin, request: HttpRequest, parameter: str, values: list[str]
) -> list[tuple[str | Promise, Words]]:
    """Return a parameter's title and the words of its values; nothing for one that limits nothing."""
    if parameter == SEARCH_VAR:
        return [(gettext_lazy("search"), {})]
    for each in model_admin.get_list_filter(request):
        if isinstance(each, type) and issubclass(each, admin.SimpleListFilter) and each.parameter_name == parameter:
            chosen: Any = each(request, {parameter: values}, model_admin.model, model_admin)
            return [(chosen.title, dict(chosen.lookup_choices))]
    try:
        field: Any = model_admin.opts.get_field(parameter.partition("__")[0])
    except FieldDoesNotExist:
        return []
    return [(field.verbose_name, {str(value): label for value, label in field.flatchoices})]
