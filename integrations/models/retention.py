"""How far tidying has come."""

from __future__ import annotations

from django.db import models


class RetentionMark(models.Model):
    """Up to which row (its id) a chore has treated a table whose rows stay. See ``integrations/retention.py``."""

    name = models.CharField(max_length=60, unique=True)
    up_to = models.BigIntegerField(default=0)
    # Rows (ids) up to there whose turn has not come yet.
    passed_over = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.name}: {self.up_to}"
