"""The abstract delivery: one row for one thing that we owe to a remote system."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from ..errors import ErrorKind
from ..quick_prefetch import QuickQuerySet
from ..sentences import SentenceField
from .states import State


def subject_of(key: str) -> str:
    """Return what a delivery is for as its idempotency key says it: a DSCO order id or SKU, without the kind."""
    kind, _colon, rest = key.partition(":")
    return rest.partition(":")[0] or kind


class Delivery(models.Model):
    """What we owe to a vendor, with its state, idempotency key and retry schedule.

    ``due_at`` is the one clock of the engine: the next attempt of a due row, the next look at an
    accepted or uncertain row, the end of the lease of a row in progress; NULL means that nothing
    happens by itself. So one index finds new, repeated and abandoned work.

    ``maybe_sent`` remembers that an effect at the vendor is possible; it stays until a verification
    says otherwise, and a retry of such a row goes to verification first.
    """

    KIND: ClassVar[str]
    # The foreign key to what it belongs to; that is locked first (``owners.py``).
    OWNER: ClassVar[str] = ""

    key = models.CharField(_("idempotency key"), max_length=160, unique=True)
    status = models.CharField(_("status"), max_length=20, choices=State.choices, default=State.WAITING)
    due_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    lease_token = models.CharField(max_length=32, blank=True, default="")
    lease_holder = models.CharField(max_length=120, blank=True, default="")
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True)
    maybe_sent = models.BooleanField(default=False)
    solo = models.BooleanField(_("send alone"), default=False)
    reason_code = models.CharField(_("reason"), max_length=60, blank=True, default="")
    last_error_kind = models.CharField(
        _("error class"), max_length=20, choices=ErrorKind.choices, blank=True, default=""
    )
    last_error_code = models.CharField(_("error code"), max_length=120, blank=True, default="")
    last_error = SentenceField(_("last error"), blank=True, default="")
    # Which cause it is parked for (integrations.causes); empty while nobody is needed.
    cause = models.CharField(max_length=40, blank=True, default="")
    last_attempt_at = models.DateTimeField(_("last attempt"), null=True, blank=True)
    remote_request_id = models.CharField(_("vendor's request id"), max_length=120, blank=True, default="")
    remote_reference = models.CharField(_("vendor's reference"), max_length=200, blank=True, default="")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    changed_at = models.DateTimeField(_("changed"), auto_now=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    objects: ClassVar[models.Manager[Self]] = QuickQuerySet.as_manager()

    class Meta:
        abstract = True
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=["due_at", "id"], name="%(app_label)s_%(class)s_due", condition=models.Q(due_at__isnull=False)
            ),
            models.Index(fields=["status", "-id"], name="%(app_label)s_%(class)s_stat"),
            models.Index(
                fields=["-last_attempt_at"],
                name="%(app_label)s_%(class)s_tried",
                condition=models.Q(last_attempt_at__isnull=False),
            ),
            models.Index(
                fields=["-finished_at"], name="%(app_label)s_%(class)s_done", condition=models.Q(status="succeeded")
            ),
        ]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=models.Q(status__in=State.values), name="%(app_label)s_%(class)s_status_known"
            ),
            # A row that the engine must come back to always has a time for it: nothing gets stuck.
            models.CheckConstraint(
                condition=~models.Q(status__in=["due", "in_progress", "accepted", "uncertain"])
                | models.Q(due_at__isnull=False),
                name="%(app_label)s_%(class)s_has_next_time",
            ),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def page_title(self) -> str:
        """What staff call it: what it is for."""
        return subject_of(self.key)

    @property
    def next_attempt_at(self) -> Any:
        """When the engine will act on this row by itself (aware datetime), or None."""
        return self.due_at if self.status in (State.DUE, State.ACCEPTED, State.UNCERTAIN) else None
