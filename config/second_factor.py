"""The second factor: a code of an authenticator app after the password, for whoever set it up, or for all staff.

SECOND_FACTOR: ``optional`` (each person decides), ``required`` (nobody of the staff gets any further without) or
``off``. A session is let through when its user gave a code in it; API tokens are a matter of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qrcode
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from django_otp import login as remember_device
from django_otp import match_token
from qrcode.image.svg import SvgPathImage

from .second_factor_devices import Authenticator, RecoveryCodes, new_authenticator, new_recovery_codes

OFF, OPTIONAL, REQUIRED = "off", "optional", "required"
PAGE = "second-factor"
# What is needed to give the code, to leave, or to read the page in one's language.
OPEN_PAGES = (PAGE, "admin:login", "admin:logout", "admin:jsi18n", "set_language")


def with_second_factor(users: Any) -> Any:
    """Return a queryset of users that knows of each whether he has a second factor (no query more)."""
    mine = Authenticator._default_manager.filter(user=OuterRef("pk"), confirmed=True)
    return users.annotate(has_second_factor=Exists(mine))


def remove_second_factor(user: Any) -> bool:
    """Take a user's app and recovery codes; returns whether there was an app. He logs in with the password alone."""
    RecoveryCodes._default_manager.filter(user=user).delete()
    had = Authenticator._default_manager.filter(user=user, confirmed=True).exists()
    Authenticator._default_manager.filter(user=user).delete()
    return had


class SecondFactorMiddleware:
    """Lets a session in which a code is owed reach nothing but the page where it is given.

    Stands after django-otp's middleware, which says whether the session's user has given one.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with the way to the page, or go on."""
        if not is_owed(request) or request.path in {reverse(name) for name in OPEN_PAGES}:
            return self.get_response(request)
        if request.path.startswith("/api/"):
            return HttpResponseForbidden("A second factor is needed: log in at /admin/.\n", content_type="text/plain")
        following = urlencode({"next": request.get_full_path()}) if request.method == "GET" else ""
        return redirect(f"{reverse(PAGE)}?{following}" if following else reverse(PAGE))


def is_owed(request: HttpRequest) -> bool:
    """Return whether this session may do nothing until its user gave a code."""
    user: Any = request.user
    if settings.SECOND_FACTOR == OFF or not user.is_authenticated or user.is_verified():
        return False
    return bool(getattr(user, "has_second_factor", False) or settings.SECOND_FACTOR == REQUIRED)


class CodeForm(forms.Form):
    """One code: of the app, or one of the recovery codes."""

    code = forms.CharField(
        label=pgettext_lazy("one-time", "Code"), max_length=40,
        widget=forms.TextInput(
            attrs={"class": "ob-input", "autocomplete": "one-time-code", "inputmode": "text", "autofocus": True}
        ),
    )  # fmt: skip


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """Ask for the code, or set the second factor up, change and remove it: only ever one's own."""
    user: Any = request.user
    form = CodeForm(request.POST or None)
    enrolled = Authenticator._default_manager.filter(user=user, confirmed=True).exists()
    context: dict[str, Any] = {
        **admin.site.each_context(request), "form": form, "next": request.GET.get("next", ""),
        "required": settings.SECOND_FACTOR == REQUIRED,
    }  # fmt: skip
    if form.is_bound and form.is_valid():
        answer = _carry_out(request, form, enrolled, context)
        if answer is not None:
            return answer
    if enrolled and not user.is_verified():
        return TemplateResponse(request, "admin/second_factor/ask.html", context | {"title": _("Second factor")})
    if enrolled:
        codes = RecoveryCodes._default_manager.filter(user=user).first()
        context |= {"title": _("Second factor"), "codes_left": len(codes.digests) if codes else 0}
        return TemplateResponse(request, "admin/second_factor/state.html", context)
    app = new_authenticator(user)
    context |= {"title": _("Set up the second factor"), "picture": _picture(app.address()), "key": _in_fours(app.key)}
    return TemplateResponse(request, "admin/second_factor/enrol.html", context)


def _carry_out(request: HttpRequest, form: CodeForm, enrolled: bool, context: dict[str, Any]) -> HttpResponse | None:
    """Do what the code was given for; None: the code is wrong (said in the form)."""
    user, code = request.user, form.cleaned_data["code"]
    if not enrolled:
        app = _confirmed(user, code)
        if app is None:
            text = _(
                "Not the code that the app shows now. Check the clock of your phone; after several wrong codes wait."
            )
            form.add_error("code", text)
            return None
        return _show_new_codes(request, app, context)
    device = match_token(user, code)
    if device is None:
        form.add_error("code", _("Wrong code, or one that was used already. After several wrong codes wait a minute."))
        return None
    action = request.POST.get("action", "")
    if action == "new_codes":
        return _show_new_codes(request, device, context)
    if action == "remove":
        remove_second_factor(user)
        messages.success(request, _("The second factor was removed."))
        return redirect(PAGE if settings.SECOND_FACTOR == REQUIRED else "admin:index")
    remember_device(request, device)
    return redirect(_next(request))


@transaction.atomic
def _confirmed(user: Any, code: str) -> Authenticator | None:
    app = Authenticator._default_manager.select_for_update().filter(user=user, confirmed=False).first()
    if app is None or not app.verify_token(code):
        return None
    app.confirmed = True
    app.save(update_fields=["confirmed"])
    return app


def _show_new_codes(request: HttpRequest, device: Any, context: dict[str, Any]) -> HttpResponse:
    codes = new_recovery_codes(request.user)
    remember_device(request, device)
    context |= {"title": _("Recovery codes"), "codes": codes, "next": _next(request)}
    return TemplateResponse(request, "admin/second_factor/codes.html", context)


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else reverse("admin:index")


def _picture(address: str) -> SafeString:
    """Return the QR code as a drawing inside the page: nothing of it is stored or fetched."""
    drawing: Any = qrcode.make(address, image_factory=SvgPathImage, box_size=14, border=2)
    return mark_safe(str(drawing.to_string(encoding="unicode")))  # noqa: S308 - made of squares only


def _in_fours(key: str) -> str:
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))
