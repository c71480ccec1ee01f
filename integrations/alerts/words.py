"""How facts of alerts are said."""

from __future__ import annotations

import re

from django.utils import timezone
from django.utils.dateparse import parse_datetime

_HAN = "\u4e00-\u9fff"
_TOUCHING = re.compile(f"(?<=[{_HAN}])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9%])(?=[{_HAN}])")


def clock(text: str) -> str:
    """Return a stored time in the active time zone, to the minute."""
    moment = parse_datetime(text) if text else None
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M") if moment else ""


def spaced(text: str) -> str:
    """Return a text with a blank between Chinese characters and Latin letters or figures.

    On pages the style sheet makes this room, also around what is filled into a sentence; mails and messengers do not.
    """
    return _TOUCHING.sub(" ", text)
