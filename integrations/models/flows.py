"""Flows and their runs."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..sentences import SentenceField, SentencesField


def _label(flow: str) -> str:
    from ..flows.registry import flow_label  # noqa: PLC0415 - its package needs the models

    return flow_label(flow)


class Flow(models.Model):
    """One scheduled pass: whether it is paused, who runs it now, how far it has read.

    ``cursor`` is the flow's own bookmark (for ``pull_orders`` the end of the last complete window).
    ``lease_token`` and ``lease_until`` make sure that a flow never runs twice at once.
    """

    name = models.CharField(_("flow"), max_length=40, unique=True)
    paused = models.BooleanField(_("paused"), default=False)
    pause_reason = models.CharField(_("reason"), max_length=200, blank=True)
    interval_seconds = models.PositiveIntegerField(_("interval (seconds)"), default=300)
    cursor = models.JSONField(_("bookmark"), default=dict, blank=True)
    lease_token = models.CharField(max_length=32, blank=True, default="")
    lease_holder = models.CharField(_("running in"), max_length=120, blank=True, default="")
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True)
    last_started_at = models.DateTimeField(_("last start"), null=True, blank=True)
    last_success_at = models.DateTimeField(_("last success"), null=True, blank=True)
    next_run_at = models.DateTimeField(_("next run"), null=True, blank=True)

    class Meta:
        verbose_name = _("flow")
        verbose_name_plural = _("flows")
        permissions: ClassVar = [("run_flow", _("Can run, pause and resume flows"))]
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.name

    def is_running(self) -> bool:
        """Return whether some process holds the lease."""
        return bool(self.lease_token and self.lease_until and self.lease_until > timezone.now())

    @property
    def page_title(self) -> str:
        """The flow's name in the reader's language."""
        return _label(self.name)


class RunStatus(models.TextChoices):
    RUNNING = "running", _("Running")
    SUCCEEDED = "succeeded", _("Succeeded")
    STOPPED = "stopped", _("Stopped early")
    FAILED = "failed", _("Failed")
    INTERRUPTED = "interrupted", _("Interrupted")
    # The two below are answers of the runner, never stored.
    PAUSED = "paused", _("Paused")
    ALREADY_RUNNING = "already_running", _("Already running")


class FlowRun(models.Model):
    """One execution of a flow. ``counts`` maps what was counted (``pulled``, ``succeeded`` …) to numbers.

    ``orders_asked``: for how many named orders it ran, NULL for all.
    """

    flow = models.CharField(_("flow"), max_length=40)
    status = models.CharField(_("status"), max_length=20, choices=RunStatus.choices, default=RunStatus.RUNNING)
    trigger = models.CharField(_("started by"), max_length=150, blank=True)
    orders_asked = models.PositiveIntegerField(_("only for orders"), null=True, blank=True)
    holder = models.CharField(_("ran in"), max_length=120, blank=True)
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    counts = models.JSONField(_("counts"), default=dict, blank=True)
    error_code = models.CharField(_("error code"), max_length=120, blank=True)
    error = SentenceField(_("error"), blank=True)
    notes = SentencesField(_("notes"), default=list, blank=True)

    class Meta:
        verbose_name = _("flow run")
        verbose_name_plural = _("flow runs")
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["flow", "-id"], name="flowrun_flow"),
            # Runs that a person started; the audit trail reads them.
            models.Index(
                fields=["-started_at", "-id"],
                name="flowrun_staff",
                condition=~models.Q(trigger__in=["", "schedule", "released", "command"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.flow} {self.started_at:%Y-%m-%d %H:%M:%S}"

    @property
    def page_title(self) -> str:
        """Which flow ran when, in the reader's language and time zone."""
        return f"{_label(self.flow)} {timezone.localtime(self.started_at):%Y-%m-%d %H:%M:%S}"


class Heartbeat(models.Model):
    """When a worker process last said that it is alive."""

    worker = models.CharField(_("worker"), max_length=120, unique=True)
    seen_at = models.DateTimeField(_("last seen"))

    class Meta:
        verbose_name = _("worker heartbeat")
        verbose_name_plural = _("worker heartbeats")

    def __str__(self) -> str:
        return self.worker
