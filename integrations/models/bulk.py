"""Bulk runs: one staff action on many rows, carried out in the background, with a result for each row."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from ..sentences import SentenceField


class BulkStatus(models.TextChoices):
    PREPARED = "prepared", _("Prepared")
    RUNNING = "running", _("Running")
    STOPPING = "stopping", _("Stopping")
    STOPPED = "stopped", _("Stopped")
    FINISHED = "finished", _("Finished")


class BulkRun(models.Model):
    """One action on a frozen set of rows. ``subject`` names the table (``order`` or a kind of delivery);
    ``parameters`` holds the reason, the cancel code …; ``origin`` says in words which selection or filter it was.
    """

    action = models.CharField(_("action"), max_length=40)
    subject = models.CharField(_("rows of"), max_length=30)
    parameters = models.JSONField(_("parameters"), default=dict, blank=True)
    origin = SentenceField(_("selection"), blank=True)
    status = models.CharField(_("status"), max_length=20, choices=BulkStatus.choices, default=BulkStatus.PREPARED)
    total = models.PositiveIntegerField(_("rows"), default=0)
    done = models.PositiveIntegerField(_("done"), default=0)
    changed = models.PositiveIntegerField(_("changed"), default=0)
    left_out = models.PositiveIntegerField(_("left out"), default=0)
    failed = models.PositiveIntegerField(_("failed"), default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("bulk run")
        verbose_name_plural = _("bulk runs")
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.action} × {self.total}"


class BulkResult(models.TextChoices):
    OPEN = "open", _("Not yet")
    CHANGED = "changed", _("Changed")
    LEFT_OUT = "left_out", _("Left out")
    FAILED = "failed", _("Failed")


class BulkRow(models.Model):
    """One row of a bulk run and what became of it."""

    run = models.ForeignKey(BulkRun, on_delete=models.CASCADE, related_name="rows")
    object_id = models.BigIntegerField()
    label = models.CharField(_("row"), max_length=200)
    result = models.CharField(_("result"), max_length=20, choices=BulkResult.choices, default=BulkResult.OPEN)
    message = SentenceField(_("message"), blank=True)

    class Meta:
        verbose_name = _("bulk row")
        verbose_name_plural = _("bulk rows")
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "object_id"], name="one_bulk_row_per_object")]
        indexes: ClassVar = [models.Index(fields=["run", "result", "id"], name="bulkrow_open")]

    def __str__(self) -> str:
        return self.label


class Export(models.Model):
    """A list as a file, made in the background. The file is kept until ``expires_at``."""

    subject = models.CharField(_("list"), max_length=40)
    format = models.CharField(_("format"), max_length=10, choices=[("csv", "CSV"), ("xlsx", "XLSX")])
    filters = models.JSONField(_("filters"), default=dict, blank=True)
    row_count = models.PositiveIntegerField(_("rows"), default=0)
    content = models.BinaryField(null=True)
    error = SentenceField(_("error"), blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    expires_at = models.DateTimeField(_("kept until"), null=True, blank=True)

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.subject}.{self.format}"
