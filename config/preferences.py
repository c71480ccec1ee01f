"""Language and time zone of each staff member: the preferences page, and the middleware that applies them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import ObjectDoesNotExist
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods
from django.views.i18n import set_language as djangos_set_language

from integrations.admin.base import SelectWidget
from integrations.models import StaffPreference

from .second_factor import OFF, with_second_factor


class StaffBackend(ModelBackend):
    """Django's own log-in; the user comes with preference and second factor, so that applying them costs no query."""

    def get_user(self, user_id: Any) -> Any:
        """Return the active user of that id, or None."""
        users = get_user_model()._default_manager.select_related("preference").filter(pk=user_id)
        user = with_second_factor(users).first()
        return user if user is not None and self.user_can_authenticate(user) else None


def preference_of(user: Any) -> StaffPreference | None:
    """Return a user's preference, or None for who has none (or has not logged in)."""
    try:
        found: StaffPreference | None = getattr(user, "preference", None)
    except ObjectDoesNotExist:
        return None
    return found


class PreferenceMiddleware:
    """Shows texts and times as the user prefers. Stands after authentication.

    Without a preference the language is the one that Django's LocaleMiddleware found (cookie, browser), and
    times are in settings.TIME_ZONE.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Apply the preference for this request."""
        preference = preference_of(request.user)
        if preference is not None and preference.language in dict(settings.LANGUAGES):
            translation.activate(preference.language)
            request.LANGUAGE_CODE = preference.language
        try:
            if preference is not None and preference.time_zone in known_time_zones():
                timezone.activate(ZoneInfo(preference.time_zone))
            return self.get_response(request)
        finally:
            timezone.deactivate()


@lru_cache(maxsize=1)
def known_time_zones() -> tuple[str, ...]:
    """Return the names of all places' time zones, and UTC."""
    areas = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
    return ("UTC", *sorted(name for name in available_timezones() if name.partition("/")[0] in areas))


def time_zone_choices(now: datetime) -> list[tuple[str, str]]:
    """Return the time zones with what they differ from UTC by now."""
    return [(name, f"{name} (UTC{_offset(name, now)})") for name in known_time_zones()]


def _offset(name: str, now: datetime) -> str:
    text = now.astimezone(ZoneInfo(name)).strftime("%z")
    return f"{text[:3]}:{text[3:5]}"


class PreferenceForm(forms.Form):
    """Language and time zone; empty takes the browser's and the system's."""

    language = forms.ChoiceField(
        label=gettext_lazy("Language"), required=False, widget=SelectWidget,
        help_text=gettext_lazy("The language switch of the user menu changes it too."),
    )  # fmt: skip
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"), required=False, widget=SelectWidget,
        help_text=gettext_lazy("All times are shown in it, and times that you enter are read in it."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        languages = [(code, translation.get_language_info(code)["name_local"]) for code, _name in settings.LANGUAGES]
        system = _("The system's: %(zone)s") % {"zone": settings.TIME_ZONE}
        zones = time_zone_choices(timezone.now())
        self.fields["language"].choices = [("", _("The browser's")), *languages]  # type: ignore[attr-defined]
        self.fields["time_zone"].choices = [("", system), *zones]  # type: ignore[attr-defined]


@require_http_methods(["GET", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """Show and save the user's own preference; nobody else's can be reached."""
    row = preference_of(request.user) or StaffPreference()
    form = PreferenceForm(request.POST or None, initial={"language": row.language, "time_zone": row.time_zone})
    if form.is_bound and form.is_valid():
        language = form.cleaned_data["language"]
        remember(request.user, language=language, time_zone=form.cleaned_data["time_zone"])
        if language:
            translation.activate(language)
        messages.success(request, _("Your preferences were saved."))
        response = redirect("preferences")
        if not language:  # else a switch used long ago would still win over the browser
            response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
        return response
    context = {**admin.site.each_context(request), "title": _("Preferences"), "form": form, "now": timezone.now()}
    return TemplateResponse(request, "admin/preferences.html", context)


def set_language(request: HttpRequest) -> HttpResponse:
    """Django's language switch, which also becomes the user's preference."""
    response = djangos_set_language(request)
    language = request.POST.get("language", "")
    if request.method == "POST" and request.user.is_authenticated and language in dict(settings.LANGUAGES):
        remember(request.user, language=language)
    return response


def remember(user: Any, **values: str) -> None:
    """Write a user's preference; what is not named stays."""
    StaffPreference.objects.update_or_create(user_id=user.pk, defaults=values)


def account_links(request: HttpRequest) -> list[dict[str, str]]:
    """Return the links of the user menu."""
    if not request.user.is_authenticated:
        return []
    links = [{"title": _("Preferences"), "link": reverse("preferences")}]
    if settings.SECOND_FACTOR != OFF:
        links.append({"title": _("Second factor"), "link": reverse("second-factor")})
    if request.user.has_usable_password():
        links.append({"title": _("Change password"), "link": reverse("admin:password_change")})
    return links
