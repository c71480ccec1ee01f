"""The page of the audit trail: filtered by person and day, newest first, read-only."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from integrations.admin.base import SelectWidget

from .audit import Wanted, entries

PERMISSION = "admin.view_logentry"
PAGE_SIZE = 100
LAST_PAGE = 50  # further back one goes by day


class AuditFilter(forms.Form):
    """Person and day; both may be left open."""

    person = forms.ChoiceField(label=gettext_lazy("Person"), required=False, widget=SelectWidget)
    day = forms.DateField(
        label=gettext_lazy("Day"), required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "class": "ob-input"}),
        input_formats=["%Y-%m-%d"],
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = User.objects.filter(is_staff=True).order_by("username").values_list("username", flat=True)
        self.fields["person"].choices = [("", _("Everybody")), *((name, name) for name in names)]  # type: ignore[attr-defined]


@require_safe
def audit_trail(request: HttpRequest) -> HttpResponse:
    """Show what people did."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    form = AuditFilter(request.GET)
    chosen = form.cleaned_data if form.is_valid() else {}
    since, until = _day(chosen.get("day"))
    page = _page(request)
    start = PAGE_SIZE * (page - 1)
    found = entries(Wanted(chosen.get("person", ""), since, until, start + PAGE_SIZE + 1))[start:]
    context = {
        **admin.site.each_context(request),
        "title": _("Audit trail"),
        "form": form,
        "entries": found[:PAGE_SIZE],
        "filtered": any(chosen.values()) or page > 1,
        "older": _address(request, page + 1) if len(found) > PAGE_SIZE and page < LAST_PAGE else "",
        "newer": _address(request, page - 1) if page > 1 else "",
    }
    return TemplateResponse(request, "admin/audit.html", context)


def _day(day: Any) -> tuple[datetime | None, datetime | None]:
    """Return when a day begins and ends in the reader's time zone."""
    if day is None:
        return None, None
    start = datetime(day.year, day.month, day.day, tzinfo=timezone.get_current_timezone())
    after = day + timedelta(days=1)  # by the calendar: a day need not have 24 hours
    return start, datetime(after.year, after.month, after.day, tzinfo=timezone.get_current_timezone())


def _page(request: HttpRequest) -> int:
    text = request.GET.get("page", "1")
    return min(max(int(text), 1), LAST_PAGE) if text.isdecimal() and len(text) < 6 else 1


def _address(request: HttpRequest, page: int) -> str:
    kept = {name: request.GET[name] for name in ("person", "day") if request.GET.get(name)}
    return "?" + urlencode(kept | {"page": str(page)})
