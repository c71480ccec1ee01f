"""What a staff member prefers."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class StaffPreference(models.Model):
    """Language and time zone of one user; empty takes the system's."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="preference", verbose_name=_("user")
    )
    language = models.CharField(_("language"), max_length=10, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=60, blank=True)

    class Meta:
        verbose_name = _("staff preference")
        verbose_name_plural = _("staff preferences")
        permissions: ClassVar = [("view_personal_data", _("Can see names and addresses of consumers"))]

    def __str__(self) -> str:
        return str(self.user)
