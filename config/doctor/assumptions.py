"""What no vendor documents and a setting decides: what is assumed, what our own rows say about it, how to find out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Count, F
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.lingxing.gateway import SINGLE_FILE_TIMEOUT_SECONDS
from inventory.models import StockSource, WarehouseMapping
from orders.models import ErpOrder, Order, Package

from .findings import Finding, note, ok, warning

if TYPE_CHECKING:
    from .examination import Examination

LOOKED_AT = 500
FUTURE = timedelta(minutes=10)
EARLY = timedelta(hours=1)
SHORT_DELAY = 60


@dataclass(frozen=True, slots=True)
class Assumption:
    """One open question. ``setting``: what decides it; ``evidence``: what our rows and settings say, or None."""

    setting: str
    question: str | Promise
    find_out: str | Promise
    evidence: Callable[[], Finding | None] = lambda: None


def look(examination: Examination) -> Iterator[Finding]:
    """Tell of each assumption what speaks for or against it, else what is assumed and how to find out."""
    for assumption in ASSUMPTIONS:
        yield assumption.evidence() or _open(assumption)


def _open(assumption: Assumption) -> Finding:
    value = getattr(settings, assumption.setting, None)
    now = "" if value is None else f" ({assumption.setting}={_shown(value)})"
    return note(f"{assumption.question}{now}", str(assumption.find_out))


def _shown(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _zone_of_outbound_times() -> Finding | None:
    """A wrong zone shifts every shipment by hours: into the future, or before the order was even there."""
    newest = Package.objects.filter(shipped=True, shipped_at__isnull=False).order_by("-id")[:LOOKED_AT]
    ids = list(newest.values_list("id", flat=True))
    if not ids:
        return None
    rows = Package.objects.filter(id__in=ids)
    zone = settings.LINGXING_TIME_ZONE
    late = rows.filter(shipped_at__gt=F("read_at") + FUTURE).count()
    early = rows.filter(shipped_at__lt=F("order__first_seen_at") - EARLY, order__erp_push__status="succeeded").count()
    named = {"zone": zone, "number": late or early, "all": len(ids)}
    do = _("Compare one shipment's time with LingXing's screen and correct LINGXING_TIME_ZONE.")
    if late:
        text = _("%(number)d of %(all)d packages left in the future, when LingXing's times are read as %(zone)s.")
        return warning(text % named, do)
    if early:
        text = _("%(number)d of %(all)d packages left before we had the order, with times read as %(zone)s.")
        return warning(text % named, do)
    return ok(_("The times of %(all)d packages make sense when they are read as %(zone)s.") % named)


def _granted_address_fields() -> Finding | None:
    rows = list(ErpOrder.objects.order_by("-id").values_list("dropped_fields", flat=True)[:LOOKED_AT])
    if not rows:
        return None
    dropped = sorted({name for fields in rows for name in fields})
    if dropped:
        return warning(
            _("LingXing drops address fields that are sent to it: %(fields)s.") % {"fields": ", ".join(dropped)},
            _("Ask LingXing to grant these fields of the create interface to your application."),
        )
    return ok(_("LingXing kept every address field of the last %(number)d orders.") % {"number": len(rows)})


def _unique_numbers() -> Finding | None:
    if settings.LINGXING_ORDER_NUMBER_FIELD != "po_number":
        return ok(_("LingXing's platform order number is DSCO's order id, which is unique."))
    doubled = Order.objects.exclude(po_number="").values("po_number").annotate(n=Count("id")).filter(n__gt=1).count()
    return warning(
        _("LingXing's platform order number is the PO number; %(number)d PO numbers belong to several orders.")
        % {"number": doubled},
        _("Use LINGXING_ORDER_NUMBER_FIELD=dsco_order_id unless every retailer has a store of its own in LingXing."),
    )


def _read_timeout() -> Finding | None:
    seconds = settings.HTTP_TIMEOUT_SECONDS
    if not seconds:
        return ok(_("Calls wait as long as LingXing may hold a slot (%(n)d s).") % {"n": SINGLE_FILE_TIMEOUT_SECONDS})
    if seconds >= SINGLE_FILE_TIMEOUT_SECONDS:
        return None
    return warning(
        _("HTTP_TIMEOUT_SECONDS=%(n)g: a call that is given up early can block a list of LingXing for two minutes.")
        % {"n": seconds},
        _("Leave HTTP_TIMEOUT_SECONDS out."),
    )


def _verify_delay() -> Finding | None:
    seconds = float(settings.VERIFY_DELAY_SECONDS)
    if seconds >= SHORT_DELAY:
        return None
    return warning(
        _("VERIFY_DELAY_SECONDS=%(n)g: what a vendor does not show yet would be taken as absent and sent again.")
        % {"n": seconds},
        _("Leave it at 120: DSCO speaks of seconds, rarely minutes; LingXing says nothing."),
    )


def _stock_source() -> Finding | None:
    if not WarehouseMapping.objects.filter(stock_source=StockSource.THIRD_PARTY).exists():
        return None
    return note(
        _(
            "Some warehouses take the third party's sellable quantity; which of LingXing's two figures is fresher is"
            " not said."
        ),
        _("Compare both with the third party's own screen, and choose per warehouse mapping."),
    )


ASSUMPTIONS: tuple[Assumption, ...] = (
    Assumption(
        "LINGXING_TIME_ZONE",
        gettext_lazy("LingXing does not say in which zone the times of outbound orders are."),
        gettext_lazy("Compare the first real shipment's time with LingXing's screen."),
        _zone_of_outbound_times,
    ),
    Assumption(
        "LINGXING_ADDRESS_FIELDS",
        gettext_lazy("LingXing may drop state, postal code and phone until it has granted these fields."),
        gettext_lazy("Create one order and run the doctor again: it compares what LingXing kept."),
        _granted_address_fields,
    ),
    Assumption(
        "LINGXING_ORDER_NUMBER_FIELD",
        gettext_lazy("LingXing does not say how it refuses a number that it has already."),
        gettext_lazy("Nothing to do: numbers are looked up before every repeat."),
        _unique_numbers,
    ),
    Assumption(
        "PUSH_BATCH_SIZE",
        gettext_lazy("LingXing does not say how many orders one create call takes."),
        gettext_lazy(
            "When it refuses whole calls, smaller ones follow by themselves (Technical, batch sizes); PUSH_BATCH_SIZE"
            " is the most that is tried, 1 makes every refusal one order's."
        ),
    ),
    Assumption(
        "VERIFY_DELAY_SECONDS",
        gettext_lazy("LingXing does not say after how long a created order is listed."),
        gettext_lazy("When orders turn up twice in the log as absent and then as there, raise VERIFY_DELAY_SECONDS."),
        _verify_delay,
    ),
    Assumption(
        "HTTP_TIMEOUT_SECONDS",
        gettext_lazy("LingXing gives a slot back when a call ends or after two minutes, and does not say which."),
        gettext_lazy("Leave HTTP_TIMEOUT_SECONDS out."),
        _read_timeout,
    ),
    Assumption(
        "ACK_ORDER_STATUSES",
        gettext_lazy(
            "Whether a status of LingXing is early enough for the retailer's acknowledgement is the seller's choice."
        ),
        gettext_lazy("Agree it with each retailer; a retailer's policy can differ from the setting."),
    ),
    Assumption(
        "BATCH_FROM",
        gettext_lazy("DSCO does not say how many objects a batch takes, only that its body is 5 MB at most."),
        gettext_lazy("When batches are refused whole, raise BATCH_FROM: single calls have documented limits."),
    ),
    Assumption(
        "SETTLE_SECONDS",
        gettext_lazy("DSCO does not say how long its queued calls take."),
        gettext_lazy("Nothing to do: outcomes that come later are asked for in the next runs."),
    ),
    Assumption(
        "RATE_LIMIT_SCALE",
        gettext_lazy("DSCO states no limit for its batches and logs; 10 a second and 600 a minute are assumed."),
        gettext_lazy("When the page of API calls shows 429 for such a call, tell an engineer."),
    ),
    Assumption(
        "ORDER_BACKFILL_DAYS",
        gettext_lazy("DSCO does not say how far back orders can be listed by their last change."),
        gettext_lazy("After the first pull compare the number of orders with DSCO's portal."),
    ),
    Assumption(
        "STOCK_INCLUDE_ZERO",
        gettext_lazy("LingXing does not say whether an item without a stock row has none, or is not kept there."),
        gettext_lazy("Set STOCK_INCLUDE_ZERO=false if items that other systems keep would be set to zero."),
    ),
    Assumption(
        "STOCK_SOURCE",
        gettext_lazy("Which of LingXing's two figures of a third-party warehouse is fresher is not said."),
        gettext_lazy("It only matters for overseas warehouses: choose the figure in their warehouse mapping."),
        _stock_source,
    ),
)
