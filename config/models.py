"""What belongs to people and to no business: their second factor, and failed log-ins under a name that staff know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _

from .second_factor_devices import Authenticator, RecoveryCodes

if TYPE_CHECKING:

    class AccessAttempt(models.Model):
        """What django-axes' record is to the type checker."""

        username = models.CharField(null=True)
        ip_address = models.GenericIPAddressField(null=True)
        attempt_time = models.DateTimeField()
        failures_since_start = models.PositiveIntegerField()

        class Meta:
            abstract = True

else:
    from axes.models import AccessAttempt

__all__ = ["Authenticator", "FailedLogin", "RecoveryCodes"]


class FailedLogin(AccessAttempt):
    """django-axes' record of the failures of one account from one address and browser."""

    class Meta:
        proxy = True
        verbose_name = _("failed log-in")
        verbose_name_plural = _("failed log-ins")

    def __str__(self) -> str:
        return f"{self.username or '?'} ({self.ip_address})"
