"""What mends a difference: through the same functions that the flows and staff use, never a second effect.

Every action looks at the vendor's truth itself before it writes anything, so that it may be carried out twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Exists, OuterRef

from integrations.causes import refresh_causes
from integrations.deliveries import outcomes
from integrations.deliveries.outcomes import Outcome
from integrations.deliveries.staff import record_found
from integrations.deliveries.states import State
from integrations.dsco import DscoClient
from integrations.lingxing import LingXingClient
from integrations.sentences import from_label
from integrations.sentences import gettext as _
from inventory.due_updates import tell_again

from ..erp_creation import look_up
from ..events import record_events
from ..intake import store_page
from ..invoices import Coverage, shipped_at_dsco
from ..issued_invoices import certainly_for, shared_po_numbers, take_number
from ..mappings import fill_erp_skus
from ..models import Acknowledgement, Discrepancy, ErpPush, EventKind, Invoice, Order, Shipment
from ..new_pushes import CannotPushAgain, push_again
from ..reading import Reads
from ..remaining_goods import goods_in_lingxing
from ..reported import told_body
from ..shared_numbers import made_by_hand, under_anothers_number
from ..shipped_elsewhere import keep_packages
from .findings import close, note_mended
from .words import SITUATIONS

NUMBERS_PER_CALL = 100
NOTHING_CHANGED = _("Nothing was changed: it is in progress, or has changed since.")


@dataclass(slots=True)
class Mended:
    """How many differences were mended, what could not be (by primary key, with the reason), and flows to start."""

    number: int = 0
    refused: dict[int, str] = field(default_factory=dict)
    released: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Work:
    """One action for some rows: who wants it, and what comes of it."""

    reads: Reads
    rows: Sequence[Discrepancy]
    actor: str
    now: datetime
    results: dict[int, str] = field(default_factory=dict)
    equal: set[int] = field(default_factory=set)
    refused: dict[int, str] = field(default_factory=dict)
    released: set[str] = field(default_factory=set)

    @property
    def orders(self) -> dict[int, Discrepancy]:
        """The rows by the primary key of their order."""
        return {row.order_id: row for row in self.rows if row.order_id is not None}


def mend(reads: Reads, rows: Iterable[Discrepancy], actor: str, now: datetime) -> Mended:
    """Carry out the action of each row (``actor`` "" is the system). Raises VendorError; what was done stays done."""
    by_action: dict[str, list[Discrepancy]] = defaultdict(list)
    mended = Mended()
    for row in rows:
        by_action[SITUATIONS[row.code].mend].append(row)
    mended.refused = {row.pk: _("This can only be settled at the vendor.") for row in by_action.pop("", [])}
    for action, group in by_action.items():
        work = _Work(reads, group, actor, now)
        ACTIONS[action](work)
        _record(work, mended)
    if mended.number:
        refresh_causes(now)
    return mended


def _record(work: _Work, mended: Mended) -> None:
    done: dict[str, list[Discrepancy]] = defaultdict(list)
    for row in work.rows:
        if row.pk in work.results:
            done[work.results[row.pk]].append(row)
        else:
            mended.refused[row.pk] = work.refused.get(row.pk) or NOTHING_CHANGED
    for result, group in done.items():
        note_mended(group, work.actor, result, work.now)
        names = {"what": from_label(SITUATIONS[group[0].code].title), "result": result}
        mended.number += len(group)
        record_events(
            [row.order_id for row in group if row.order_id], EventKind.REMOTE if not work.actor else EventKind.STAFF,
            _("%(what)s: %(result)s") % names, work.actor, work.now,
        )  # fmt: skip
    close(Discrepancy.objects.filter(pk__in=work.equal), work.now)
    mended.released |= work.released


# --- The actions --------------------------------------------------------------------------------------


def _fetch(work: _Work) -> None:
    """The comparison has stored it already; by hand it is read once more."""
    if work.actor:
        client = DscoClient.from_settings()
        raws = work.reads.in_parallel(client.get_order, [row.subject for row in work.rows])
        work.released |= store_page([raw for raw in raws if raw], work.now).released
    for row in work.rows:
        work.results[row.pk] = _("stored as DSCO shows it")
        work.equal.add(row.pk)


def _take_over(work: _Work) -> None:
    """Link the ERP order that exists; nothing is created."""
    pushes = _pushes(work.orders)
    found = {pk: outcome for pk, outcome in _looked_up(work.reads, pushes).items() if outcome.state == State.SUCCEEDED}
    refused = record_found("erp_push", found, _("created by hand in LingXing; taken over"), work.actor).refused
    taken = [push for push in pushes if push.pk in found and push.key not in refused]
    fill_erp_skus([push.order for push in taken])
    for push in taken:
        row = work.orders[push.order_id]
        work.results[row.pk] = _("taken over: %(numbers)s") % {"numbers": found[push.pk].reference}
        work.equal.add(row.pk)
    if taken:
        work.released.add("acknowledge_orders")


def _push_again(work: _Work) -> None:
    """LingXing is asked once more; what it does not have gets a new push, which looks again before it creates."""
    pushes = [push for push in _pushes(work.orders) if push.status == State.SUCCEEDED]
    found = _looked_up(work.reads, pushes)
    absent = [push for push in pushes if outcomes.says_absent(found[push.pk])]
    left = goods_in_lingxing(work.reads, LingXingClient.from_settings(), absent, work.now)
    for push in pushes:
        row, outcome = work.orders[push.order_id], found[push.pk]
        if outcome.state == State.SUCCEEDED:
            work.results[row.pk] = _("LingXing shows it again: %(numbers)s") % {"numbers": outcome.reference}
            work.equal.add(row.pk)
        elif push not in absent or push.pk in left:
            work.refused[row.pk] = left.get(push.pk, outcome.message) or NOTHING_CHANGED
        else:
            _make_new_push(work, row, push)


def _make_new_push(work: _Work, row: Discrepancy, push: ErpPush) -> None:
    try:
        if push_again(push, work.actor, work.now):
            work.results[row.pk] = _("a new push was made")
            work.released.add("push_orders")
    except CannotPushAgain as reason:
        work.refused[row.pk] = str(reason)


def _adopt_acknowledgement(work: _Work) -> None:
    """DSCO shows the order as acknowledged: ours, which staff gave up in doubt, is done."""
    doubtful = Acknowledgement.objects.filter(order__in=work.orders, maybe_sent=True).select_related("order")
    rows = list(doubtful.defer("order__payload").order_by("pk"))
    found = {row.pk: outcomes.succeeded(row.order.supplier_order_number) for row in rows}
    refused = record_found("acknowledgement", found, _("it had arrived; nothing is sent"), work.actor).refused
    for row in rows:
        if row.key not in refused:
            difference = work.orders[row.order_id]
            work.results[difference.pk] = _("the acknowledgement counts as done")
            work.equal.add(difference.pk)


def _adopt_shipment(work: _Work) -> None:
    """DSCO shows everything as shipped: the shipment is done, and its packages are ours too."""
    orders = Order.objects.filter(pk__in=work.orders).prefetch_related("lines", "packages", "shipments")
    found: dict[int, Outcome] = {}
    shown = {}
    for order in orders:
        shipped = shipped_at_dsco(order.payload, list(order.lines.all()))
        if shipped.coverage == Coverage.FULL:
            told = {one["trackingNumber"] for one in told_body(order.shipments.all()) if "trackingNumber" in one}
            numbers = [package.tracking_number for package in shipped.packages if package.tracking_number]
            left = next((row for row in order.shipments.all() if row.status != State.SUCCEEDED), order.shipment)
            found[left.pk] = outcomes.succeeded(
                ",".join(number for number in numbers if number not in told), confirmed=True
            )
            shown[left.pk] = (left.key, order, shipped)
    refused = record_found("shipment", found, _("reported elsewhere; its packages are taken over"), work.actor).refused
    for pk, (key, order, shipped) in shown.items():
        if key in refused:
            continue
        keep_packages(order, shipped, work.now)
        row = work.orders[order.pk]
        work.results[row.pk] = _("taken over: %(numbers)s") % {"numbers": found[pk].reference or "–"}
        work.equal.add(row.pk)
    if work.equal:
        work.released |= {"acknowledge_orders", "report_invoices"}


def _adopt_invoice(work: _Work) -> None:
    """DSCO has an invoice for the order: ours is done under its number, once the shipment is settled."""
    client = DscoClient.from_settings()
    unsettled = Shipment.objects.filter(order=OuterRef("order")).exclude(status__in=[State.SUCCEEDED, State.SKIPPED])
    invoices = list(
        Invoice.objects.filter(~Exists(unsettled), order__in=work.orders)
        .select_related("order").defer("order__payload")
    )  # fmt: skip
    answers = work.reads.in_parallel(
        lambda row: client.get_invoices_by_order(row.order.dsco_order_id, row.order.po_number), invoices
    )
    shared = shared_po_numbers(row.order.po_number for row in invoices)
    answers = [certainly_for(raws, row.order, shared) for row, raws in zip(invoices, answers, strict=True)]
    found: dict[int, Outcome] = {}
    for invoice, raws in zip(invoices, answers, strict=True):
        if raws:
            found[invoice.pk] = outcomes.succeeded(str(raws[0].get("dscoInvoiceId") or raws[0].get("invoiceId") or ""))
    refused = record_found("invoice", found, _("invoiced elsewhere; nothing is sent"), work.actor).refused
    for invoice, raws in zip(invoices, answers, strict=True):
        if invoice.pk not in found or invoice.key in refused:
            continue
        take_number(invoice, str(raws[0].get("invoiceId") or ""))
        row = work.orders[invoice.order_id]
        work.results[row.pk] = _("taken over: %(numbers)s") % {"numbers": raws[0].get("invoiceId")}
        work.equal.add(row.pk)


def _send_stock(work: _Work) -> None:
    """The right figure is sent again; absolute figures may be repeated."""
    tell_again(row.subject for row in work.rows)
    work.results = {row.pk: _("the figure is sent again") for row in work.rows}
    work.released.add("sync_inventory")


def _stop(work: _Work) -> None:
    work.results = {row.pk: _("the flow of cancellations was started") for row in work.rows}
    work.released.add("apply_cancellations")


ACTIONS: dict[str, Callable[[_Work], None]] = {
    "fetch": _fetch,
    "take_over": _take_over,
    "push_again": _push_again,
    "adopt_acknowledgement": _adopt_acknowledgement,
    "adopt_shipment": _adopt_shipment,
    "adopt_invoice": _adopt_invoice,
    "send_stock": _send_stock,
    "stop": _stop,
}


# --- Pushes and invoices --------------------------------------------------------------------------------


def _pushes(order_ids: Iterable[int]) -> list[ErpPush]:
    rows = ErpPush.objects.filter(order__in=list(order_ids)).select_related("order").order_by("pk")
    return list(rows.defer("order__payload").prefetch_related("order__lines"))


def _looked_up(reads: Reads, pushes: Sequence[ErpPush]) -> dict[int, Outcome]:
    """Ask LingXing as the flow does before it creates: found, cancelled there, absent, or nobody can tell."""
    client = LingXingClient.from_settings()
    anothers = under_anothers_number(pushes)
    asked = [push for push in pushes if push.pk not in anothers]
    chunks = [asked[start : start + NUMBERS_PER_CALL] for start in range(0, len(asked), NUMBERS_PER_CALL)]
    found = {push.pk: made_by_hand(push.platform_order_no) for push in pushes if push.pk in anothers}
    return found | {
        pk: outcome
        for answer in reads.in_parallel(lambda chunk: look_up(client, chunk), chunks)
        for pk, outcome in answer.items()
    }
