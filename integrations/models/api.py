"""Who may use the REST API, and the answers that were given to its writes."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class ApiScope(models.TextChoices):
    """What a token may be used for. What its user may not do, no scope allows."""

    READ = "read", _("Read")
    ORDERS = "orders:write", _("Act on orders")
    FLOWS = "flows:write", _("Run and pause flows")
    MAPPINGS = "mappings:write", _("Change mappings")
    STOCK = "stock:write", _("Synchronise stock")


class ApiToken(models.Model):
    """A key to the API. It acts for ``user``, with that user's permissions and within ``scopes``.

    Only the hash of the secret is stored; ``start`` is what people tell tokens apart by.
    """

    name = models.CharField(_("name"), max_length=100, unique=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens", verbose_name=_("acts for")
    )
    start = models.CharField(_("begins with"), max_length=12)
    secret_hash = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(_("scopes"), default=list)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return self.name

    def is_valid(self, now: datetime) -> bool:
        """Return whether it is neither revoked nor expired."""
        return self.revoked_at is None and now < self.expires_at


class ApiRequest(models.Model):
    """A write that was carried out once under an idempotency key, and the answer that was given.

    The row is written in the transaction of the write itself: either both are there, or neither is.
    ``fingerprint`` is a hash of method, address and content. Keys belong to the user, so that a renewed token goes on
    with them.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_requests")
    token = models.ForeignKey(ApiToken, null=True, on_delete=models.SET_NULL, related_name="requests")
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=500)
    status = models.PositiveSmallIntegerField(default=0)
    answer = models.TextField(blank=True, default="")
    made_at = models.DateTimeField()

    class Meta:
        verbose_name = _("API write")
        verbose_name_plural = _("API writes")
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "key"], name="one_answer_per_api_key")]
        indexes: ClassVar = [models.Index(fields=["made_at"], name="apirequest_made")]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"
