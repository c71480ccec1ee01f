"""What staff see instead of a page: in their language, with what happened and where to go on."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import csrf, defaults


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that a right is missing, and who can give it (Django's handler403)."""
    if not _is_staff(request):
        return defaults.permission_denied(request, exception)
    text = _(
        "You are logged in as %(name)s, who may not see this page or do this. An administrator can give the right."
    )
    return _page(request, 403, _("Not allowed"), text % {"name": request.user.get_username()})


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that there is nothing at an address (Django's handler404)."""
    if not _is_staff(request):
        return defaults.page_not_found(request, exception)
    text = _("There is no page at this address. What it showed may have been deleted, or the address is incomplete.")
    return _page(request, 404, _("Nothing here"), text)


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say that a form was sent that does not belong to the session (settings.CSRF_FAILURE_VIEW)."""
    if not _is_staff(request):
        return csrf.csrf_failure(request, reason=reason)
    text = _("Nothing was changed: the page was opened before you logged in, or cookies are off. Open it again and"
             " repeat what you wanted to do.")  # fmt: skip
    return _page(request, 403, _("This page is too old"), text)


def _is_staff(request: HttpRequest) -> bool:
    """Whoever has not logged in learns nothing, and no program is answered with a page."""
    user = getattr(request, "user", None)
    return request.path.startswith(reverse("admin:index")) and bool(user and user.is_active and user.is_staff)


def _page(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": title, "text": text, "address": request.path}
    return TemplateResponse(request, "admin/error.html", context, status=status).render()
