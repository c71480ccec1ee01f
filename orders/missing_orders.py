""" "Why is my order not here?": where an order that nobody finds has stopped, from DSCO to our database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from integrations.dsco import DscoClient
from integrations.dsco.schemas import DscoOrder, UnreadableOrder
from integrations.models import ApiCall, Flow, FlowRun, RunStatus
from integrations.sentences import gettext as _

from .events import record_event
from .finding import find
from .intake import store_page
from .models import EventKind, Order
from .rereading import calls_kept

PULL = "pull_orders"


@dataclass(slots=True)
class PullState:
    """How far the pull has come; ``problem`` says what keeps it, "" when nothing does."""

    complete_at: datetime | None = None
    read_until: datetime | None = None
    problem: str = ""


@dataclass(slots=True)
class AtDsco:
    """An order as DSCO shows it, and why it is not here."""

    dsco_order_id: str
    po_number: str = ""
    retailer: str = ""
    status: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    why: str = ""


@dataclass(slots=True)
class Look:
    """What was found: our orders with the number, the pull, and DSCO's answer (None: not asked)."""

    number: str
    orders: Sequence[Order] = ()
    pull: PullState = field(default_factory=PullState)
    at_dsco: Sequence[AtDsco] | None = None


def look_here(number: str) -> Look:
    """Look for the number in our own database, and at the state of the pull."""
    number = number.strip()
    ids = find([number]).ids if number else []
    orders = Order.objects.filter(pk__in=ids).defer("payload", "reported_tracking_numbers").order_by("-pk")
    return Look(number, list(orders), _pull_state())


def ask_dsco(look: Look) -> Look:
    """Ask DSCO for an order with this id or PO number. Raises VendorError."""
    with calls_kept():
        client = DscoClient.from_settings()
        by_id = client.get_order(look.number)
        raws = [by_id] if by_id else client.get_orders_by_po_number(look.number)
    look.at_dsco = [_as_shown(raw, look.pull) for raw in raws]
    return look


def pull_now(dsco_order_id: str, actor: str) -> tuple[Order | None, set[str]]:
    """Read one order at DSCO and store it; return it (None: DSCO does not know it) and the flows that have work now.

    Raises VendorError.
    """
    calls: list[ApiCall]
    with calls_kept() as calls:
        raw = DscoClient.from_settings().get_order(dsco_order_id)
    if raw is None:
        return None, set()
    released = store_page([raw], timezone.now()).released
    order = Order.objects.filter(dsco_order_id=str(raw.get("dscoOrderId", dsco_order_id)).strip()).first()
    if order is not None:
        record_event(order.pk, EventKind.STAFF, _("Pulled from DSCO by hand."), actor, calls)
    return order, set(released)


def _pull_state() -> PullState:
    flow = Flow.objects.filter(name=PULL).first()
    if flow is None or not flow.last_started_at:
        return PullState(
            problem=_("Orders were never pulled yet. Start the flow, and look whether workers are running.")
        )
    state = PullState(_moment(flow.cursor.get("last_complete_at")), _moment(flow.cursor.get("updated_until")))
    last = FlowRun.objects.filter(flow=PULL).exclude(status=RunStatus.RUNNING).first()
    if flow.paused:
        why = flow.pause_reason or "–"
        state.problem = _("The pull is paused (%(why)s). Resume it under Flows.") % {"why": why}
    elif last is not None and last.status != RunStatus.SUCCEEDED:
        words = last.error or last.error_code or last.get_status_display()
        state.problem = _("The last pull did not end well: %(words)s") % {"words": words}
    elif state.complete_at is None:
        state.problem = _("The first pull is not complete yet: it works through the days behind us.")
    return state


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def _as_shown(raw: dict[str, Any], pull: PullState) -> AtDsco:
    try:
        order = DscoOrder.parse(raw)
    except UnreadableOrder as error:
        why = _("It cannot be read in full: %(why)s") % {"why": error}
        return AtDsco(str(raw.get("dscoOrderId", "")), str(raw.get("poNumber") or ""), why=why)
    shown = AtDsco(
        str(raw.get("dscoOrderId", "")), order.po_number or "", order.dsco_trading_partner_name or "",
        " · ".join(filter(None, (order.dsco_status, order.dsco_lifecycle))), order.dsco_create_date,
        order.dsco_last_update,
    )  # fmt: skip
    shown.why = _why(shown, pull)
    return shown


def _why(shown: AtDsco, pull: PullState) -> str:
    if Order.objects.filter(dsco_order_id=shown.dsco_order_id).exists():
        return _("It is here under this id.")
    if pull.problem:
        return pull.problem
    if shown.updated_at and pull.read_until and shown.updated_at >= pull.read_until:
        return _("It changed at DSCO after the last complete pull: it comes with the next one.")
    return _("It last changed before the time from which orders are pulled, or DSCO listed it late. Pull it now.")
