"""How states, times, codes and documents look on the pages: one place, used by every list and record."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator, capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ..call_words import purpose
from ..deliveries.models import Delivery
from ..deliveries.states import State
from ..sentences import told

EMPTY = "–"
TONES = {
    State.FAILED: "danger",
    State.NEEDS_ATTENTION: "danger",
    State.UNCERTAIN: "warning",
    State.ACCEPTED: "info",
    State.IN_PROGRESS: "info",
    State.DUE: "info",
    State.WAITING: "plain",
    State.SUCCEEDED: "success",
    State.SKIPPED: "muted",
    State.CANCELLED: "muted",
}
# Reason codes that the engine itself gives. Packages add theirs with ``explain_reasons``.
_reasons: dict[str, str | Promise] = {
    "gave_up": gettext_lazy("gave up after a day of retries"),
    "outcome_unknown": gettext_lazy("nobody can tell whether it happened"),
    "staff": gettext_lazy("decided by staff"),
    "lease_expired": gettext_lazy("the worker stopped in the middle"),
    "timeout": gettext_lazy("no answer in time"),
    "connect_failed": gettext_lazy("the vendor could not be reached"),
    "connection_lost": gettext_lazy("connection lost"),
    "vendor_stopped": gettext_lazy("emergency stop: nothing is written to the vendor"),
    "vendor_out": gettext_lazy("the vendor does not answer; it goes by itself when it does"),
}


def explain_reasons(words: dict[str, str | Promise]) -> None:
    """Add plain words for reason codes."""
    _reasons.update(words)


def known_reasons() -> dict[str, str | Promise]:
    """Return every reason code that has plain words."""
    return dict(_reasons)


def named(code: str, name: str = "") -> SafeString | str:
    """Return an id of LingXing's with the name that people know it by, where there is one."""
    if not name or name == code:
        return code or EMPTY
    return format_html('{} <span class="ob-quiet">{}</span>', name, code)


def reason(code: str) -> str:
    """Return a reason code in plain words; an unknown one is shown as it is."""
    return str(_reasons.get(code, code))


def label(text: Any, tone: str = "plain", title: str = "") -> SafeString:
    """Return a coloured label; the colour never says anything that the words don't."""
    return format_html('<span class="ob-label ob-{}" title="{}">{}</span>', tone, title, text)


def operation(vendor: str, name: str) -> SafeString:
    """Return what a vendor's operation is for, in words, with its own name in the tooltip."""
    return format_html('<span title="{}">{}</span>', name, purpose_text(vendor, name))


def measured(number: Any, unit: str) -> SafeString:
    """Return a number with its unit, never torn apart at the end of a line."""
    return format_html('<span class="ob-nowrap">{} {}</span>', number, unit)


def purpose_text(vendor: str, name: str) -> str:
    """Return what a vendor's operation is for, in the reader's language."""
    return str(capfirst(told(purpose(vendor, name))))


def state_label(state: str) -> SafeString:
    """Return the label of a delivery's state."""
    known = State(state)
    return label(known.label, TONES[known])


def error_text(delivery: Delivery, length: int = 90) -> SafeString | str:
    """Return a delivery's last error, shortened, with the whole in the tooltip."""
    text = delivery.last_error or reason(delivery.last_error_code)
    if not text:
        return EMPTY
    return format_html('<span class="ob-error" title="{}">{}</span>', text, Truncator(told(text)).chars(length))


def shortened(text: str, length: int) -> str:
    """Return the start of a text that may be a sentence of ours, told."""
    return Truncator(told(text)).chars(length) if text else EMPTY


def reason_text(delivery: Delivery) -> str:
    """Return why a delivery is where it is: its reason, else its error code."""
    code = delivery.reason_code or delivery.last_error_code
    return reason(code) if code else EMPTY


def moment(value: datetime | None) -> SafeString | str:
    """Return a time in the office's time zone, to the second."""
    if value is None:
        return EMPTY
    local = timezone.localtime(value)
    return format_html(
        '<time datetime="{}" title="{}" class="ob-nowrap">{}</time>',
        value.isoformat(), date_format(local, "DATETIME_FORMAT"), local.strftime("%Y-%m-%d %H:%M:%S"),
    )  # fmt: skip


def ago(value: datetime | None) -> SafeString | str:
    """Return how long ago a time was, in one unit, with the time in the tooltip."""
    if value is None:
        return EMPTY
    text = _("{} ago").format(span(timezone.now() - value))
    return format_html('<span class="ob-nowrap" title="{}">{}</span>', clock(value), text)


def upcoming(value: datetime | None) -> SafeString | str:
    """Return when something will happen: in how long, or "now"."""
    if value is None:
        return EMPTY
    left = value - timezone.now()
    text = _("now") if left <= timedelta(seconds=1) else _("in {}").format(span(left))
    return format_html('<span class="ob-nowrap" title="{}">{}</span>', clock(value), text)


def deadline(value: datetime | None, done: bool = False) -> SafeString | str:
    """Return a deadline with the time left; late and soon are said in words and colour."""
    if value is None:
        return EMPTY
    left = value - timezone.now()
    when = timezone.localtime(value).strftime("%m-%d %H:%M")
    if done:
        return format_html('<span class="ob-nowrap ob-quiet" title="{}">{}</span>', clock(value), when)
    if left < timedelta(0):
        note = label(_("{} late").format(span(-left)), "danger", clock(value))
    else:
        note = label(_("{} left").format(span(left)), "warning" if left < timedelta(hours=4) else "plain", clock(value))
    return format_html('<span class="ob-nowrap">{} {}</span>', when, note)


def clock(value: datetime) -> str:
    """Return a time as plain text for tooltips."""
    return timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S")


def span(length: timedelta) -> str:
    """Return a length of time in its largest unit."""
    seconds = max(int(length.total_seconds()), 0)
    if seconds < 60:
        return ngettext("%(count)d second", "%(count)d seconds", seconds) % {"count": seconds}
    if seconds < 3600:
        return ngettext("%(count)d minute", "%(count)d minutes", seconds // 60) % {"count": seconds // 60}
    if seconds < 172_800:
        return ngettext("%(count)d hour", "%(count)d hours", seconds // 3600) % {"count": seconds // 3600}
    return ngettext("%(count)d day", "%(count)d days", seconds // 86_400) % {"count": seconds // 86_400}


def document(value: Any) -> SafeString | str:
    """Return JSON (or text that may be JSON) set out over lines; anything else as it is."""
    if value in (None, "", {}, []):
        return EMPTY
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return format_html('<pre class="ob-document">{}</pre>', value)
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    return format_html('<pre class="ob-document">{}</pre>', text)


def amount(value: Decimal | None) -> str:
    """Return an amount of money with its cents, and with more places only where it has them."""
    if value is None:
        return EMPTY
    text = f"{value.normalize():f}"
    whole, _point, places = text.partition(".")
    return f"{whole}.{places:0<2}"


def counts(values: dict[str, Any]) -> str:
    """Return a run's counts on one line."""
    return " · ".join(f"{reason(name)} {number}" for name, number in values.items()) or EMPTY
