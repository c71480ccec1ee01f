"""How facts of alerts are said."""

from __future__ import annotations

from django.utils import timezone
from django.utils.dateparse import parse_datetime


def clock(text: str) -> str:
    """Return a stored time in the active time zone, to the minute."""
    moment = parse_datetime(text) if text else None
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M") if moment else ""
