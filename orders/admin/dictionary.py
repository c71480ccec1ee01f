"""The page of words and states: what each means, and what both vendors call it."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ..status_dictionary import chapters


@require_safe
def status_dictionary(request: HttpRequest) -> HttpResponse:
    """Show the dictionary; every member of staff may read it."""
    context = {**admin.site.each_context(request), "title": _("Words and states"), "chapters": chapters()}
    return TemplateResponse(request, "admin/dictionary.html", context)
