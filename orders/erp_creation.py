"""The calls that create orders in LingXing, and the look-ups that tell what really happened.

LingXing has no idempotency key. So every number is looked up before it is created, and again after a refusal:
found is done, whoever created it. Everything here but ``record_erp_orders`` runs in HTTP threads.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime

from django.conf import settings

from integrations import batch_sizes, clock
from integrations.calls import CallRecord, collect_calls, note_call
from integrations.deliveries import outcomes
from integrations.deliveries.outcomes import Outcome
from integrations.deliveries.states import State
from integrations.errors import Rejected, VendorError
from integrations.lingxing import LingXingClient
from integrations.lingxing.gateway import CAPACITIES, CREATE_ORDERS, read_timeout
from integrations.lingxing.schemas import ErpOrderRow
from integrations.sentences import gettext as _
from integrations.sentences import joined

from .erp_reading import store_erp_orders
from .models import ErpOrder, ErpPush, ErpStatus, OrderErpLink
from .new_erp_orders import NewOrder
from .shared_numbers import number_taken

# Under this name it is remembered how many orders LingXing takes in one call.
CREATING = "lingxing:create_orders"
INTERNAL_ERROR = "500"
REFUSALS_BELIEVED = 4
MAYBE_DUPLICATE = "refused_maybe_duplicate"


LookUp = Callable[[Sequence[ErpPush]], dict[int, Outcome]]


def create(
    client: LingXingClient, group: Sequence[NewOrder], doubtful: Collection[int], look_up_together: LookUp
) -> dict[int, Outcome]:
    """Create the orders of one store that LingXing does not have yet; return an outcome for each push.

    doubtful: pushes of which an earlier attempt may have reached LingXing; look_up_together: ``SharedLookUp``. Raises
    VendorError when the whole call failed and nothing is known of any order.
    """
    found = look_up_together([order.push for order in group])
    result = {pk: outcome for pk, outcome in found.items() if outcome.state != State.DUE}
    for pk, outcome in found.items():
        if outcome.state == State.UNCERTAIN:
            result[pk] = outcomes.retry("incomplete_look_up", outcome.message)
    rest = [order for order in group if order.push.pk not in result]
    if not rest:
        return result
    while rest:
        size = batch_sizes.largest(CREATING, settings.PUSH_BATCH_SIZE)
        part, rest = rest[:size], rest[size:]
        began = clock.monotonic()
        try:
            result |= _create_absent(client, part, doubtful)
        except VendorError as error:
            if isinstance(error, Rejected) or (error.code == "timeout" and len(part) > 1):
                batch_sizes.refused(CREATING, len(part))
            if not result and not rest:
                raise
            # What is known of others stays; these share the fate of their call.
            result |= {order.push.pk: _share(error) for order in part}
        else:
            if len(part) == size < settings.PUSH_BATCH_SIZE and clock.monotonic() - began < _time_for_more():
                batch_sizes.taken(CREATING, size)
    return result


def _time_for_more() -> float:
    """Return within how many seconds a call must have been carried out so that a larger one is in time, too."""
    return read_timeout(CAPACITIES[CREATE_ORDERS]) / batch_sizes.LARGEST_STEP


class SharedLookUp:
    """One question to LingXing for the pushes of several calls: the first that comes asks it, the others wait for it.

    The list takes ten times as many numbers as a call creates orders. Thread-safe.
    """

    def __init__(self, client: LingXingClient, pushes: Sequence[ErpPush], ambiguous: Collection[int] = ()) -> None:
        """``ambiguous``: pushes (primary keys) that never went out and whose number may have been given to another."""
        self._client = client
        self._pushes = pushes
        self._ambiguous = ambiguous
        self._lock = threading.Lock()
        self._found: dict[int, Outcome] | None = None
        self._calls: list[CallRecord] = []
        self._error: VendorError | None = None

    def __call__(self, pushes: Sequence[ErpPush]) -> dict[int, Outcome]:
        """Return the verdicts on these; raises the VendorError of the one question."""
        with self._lock:
            asked_before = self._found is not None or self._error is not None
            if not asked_before:
                with collect_calls() as self._calls:
                    self._ask()
            for call in self._calls:  # it is a part of the history of all
                note_call(call)
        if isinstance(self._error, Rejected) and len(pushes) < len(self._pushes):
            return self._look_up(pushes)  # one number spoilt it: the others shall not suffer
        if self._error is not None:
            raise self._error
        found = self._found or {}
        return {push.pk: found[push.pk] for push in pushes}

    def _ask(self) -> None:
        try:
            self._found = self._look_up(self._pushes)
        except VendorError as error:
            self._error = error

    def _look_up(self, pushes: Sequence[ErpPush]) -> dict[int, Outcome]:
        found = look_up(self._client, pushes)
        for push in pushes:
            if push.pk in self._ambiguous and found[push.pk].state == State.SUCCEEDED:
                found[push.pk] = number_taken(push.platform_order_no)
        return found


def look_up(client: LingXingClient, pushes: Sequence[ErpPush]) -> dict[int, Outcome]:
    """Ask LingXing for the pushes' numbers: succeeded, needs attention, absent, or still pending when it can't tell."""
    rows = client.orders_by_platform_numbers([push.platform_order_no for push in pushes], include_deleted=True)
    by_number: dict[str, list[ErpOrderRow]] = defaultdict(list)
    for row in rows:
        for number in row.platform_order_nos:
            by_number[number].append(row)
    unreadable = {number for row in rows.unreadable for number in row.platform_order_nos or ("",)}
    return {push.pk: _verdict(push, by_number[push.platform_order_no], unreadable) for push in pushes}


def _verdict(push: ErpPush, rows: Iterable[ErpOrderRow], unreadable: set[str]) -> Outcome:
    ours = [row for row in rows if _is_ours(push, row)]
    live = [row for row in ours if not row.is_deleted and row.status != ErpStatus.CANCELLED]
    # The order itself, not what was sent again for it.
    first = [row for row in live if not row.original_global_order_nos] or live
    if first:
        return outcomes.succeeded(",".join(row.global_order_no for row in first), rows=ours)
    if ours:
        return _exists_cancelled(push, ours)
    if unreadable & {push.platform_order_no, ""}:
        return outcomes.still_pending(_("LingXing's order list holds a row that cannot be read."))
    if push.last_error_code == INTERNAL_ERROR and push.failures >= REFUSALS_BELIEVED:
        # The vendor gives business refusals this code too, with the reason in words; often enough is for good.
        return outcomes.rejected(INTERNAL_ERROR, push.last_error)
    return outcomes.absent()


def _is_ours(push: ErpPush, row: ErpOrderRow) -> bool:
    """A DSCO order id is nobody else's number in any store; a PO number may be, in another store."""
    if push.platform_order_no == push.order.dsco_order_id or not push.store_id or not row.store_id:
        return True
    return row.store_id == push.store_id


def _exists_cancelled(push: ErpPush, rows: Sequence[ErpOrderRow]) -> Outcome:
    return outcomes.needs_attention(
        "exists_cancelled",
        _(
            "LingXing has order %(order)s already, but cancelled or deleted (%(numbers)s). It is not created a second"
            " time. Restore it in LingXing and retry, or skip the push."
        )
        % {"order": push.platform_order_no, "numbers": ", ".join(row.global_order_no for row in rows)},
        rows=rows,
    )


def _create_absent(client: LingXingClient, orders: Sequence[NewOrder], doubtful: Collection[int]) -> dict[int, Outcome]:
    refused: dict[str, str]
    created: dict[str, str] = {}
    try:
        answer = client.create_orders(orders[0].store_id, [order.body for order in orders])
        refused, created = answer.refused, answer.created
    except Rejected as error:
        if len(orders) > 1:
            raise  # the engine sends each alone
        batch_sizes.refused(CREATING, 1)
        refused = {orders[0].body.platform_order_no: joined([error.message, f"({error.code})"])}
    result = {}
    to_check = []
    for order in orders:
        number = order.body.platform_order_no
        if number in created:
            result[order.push.pk] = outcomes.succeeded(created[number], created_in=order.store_id)
        elif number in refused:
            to_check.append((order, refused[number]))
        else:
            result[order.push.pk] = outcomes.unknown(
                "not_in_reply", _("LingXing's reply did not say what became of the order; it is being verified.")
            )
    return result | _check_refused(client, to_check, doubtful)


def _check_refused(
    client: LingXingClient, refused: Sequence[tuple[NewOrder, str]], doubtful: Collection[int]
) -> dict[int, Outcome]:
    """A refusal may mean "exists already", in words that nobody documents: look before believing it."""
    if not refused:
        return {}
    try:
        found = look_up(client, [order.push for order, _words in refused])
    except VendorError:
        found = {}  # refused for certain; whether it exists is found out by verification
    result = {}
    for order, words in refused:
        push = order.push
        verdict = found.get(push.pk, outcomes.still_pending())
        message = _("LingXing refused the order: %(words)s") % {"words": words}
        if verdict.state in (State.SUCCEEDED, State.NEEDS_ATTENTION):
            result[push.pk] = verdict
        elif verdict.state == State.UNCERTAIN or (push.pk in doubtful and push.last_error_code != MAYBE_DUPLICATE):
            # An earlier attempt may just not be visible yet; refused again after a verification is refused.
            result[push.pk] = outcomes.unknown(MAYBE_DUPLICATE, message)
        else:
            result[push.pk] = outcomes.rejected("refused", message)
    return result


def _share(error: VendorError) -> Outcome:
    if isinstance(error, Rejected):
        return outcomes.retry(error.code, error.message, solo=True, retry_after=0)
    return outcomes.from_error(error)


def record_erp_orders(pairs: Sequence[tuple[ErpPush, Outcome]], now: datetime) -> None:
    """Store and link the ERP orders that the outcomes name, in bulk."""
    store_created(pairs, now)
    seen = {push.order_id: outcome.data["rows"] for push, outcome in pairs if outcome.data.get("rows")}
    if seen:
        store_erp_orders(seen)
        _adopt_stores(pairs)


def _adopt_stores(pairs: Sequence[tuple[ErpPush, Outcome]]) -> None:
    """An order that a person created may stand in another store; later reads look for it there."""
    for push, outcome in pairs:
        stores = [row.store_id for row in outcome.data.get("rows", ()) if row.global_order_no in outcome.reference]
        if push.status == State.SUCCEEDED and stores and stores[0] and push.store_id not in stores:
            push.store_id = stores[0]
            ErpPush.objects.filter(pk=push.pk).update(store_id=stores[0])


def store_created(pairs: Sequence[tuple[ErpPush, Outcome]], now: datetime) -> None:
    """Store ERP orders of which only the number is known yet; one that is known better stays as it is."""
    made = {outcome.reference: (push, outcome) for push, outcome in pairs if outcome.data.get("created_in")}
    if not made:
        return
    ErpOrder.objects.bulk_create(
        [
            ErpOrder(global_order_no=number, store_id=outcome.data["created_in"], read_at=now)
            for number, (_push, outcome) in sorted(made.items())
        ],
        ignore_conflicts=True,
    )
    ids = dict(ErpOrder.objects.filter(global_order_no__in=made).values_list("global_order_no", "pk"))
    OrderErpLink.objects.bulk_create(
        [OrderErpLink(order_id=push.order_id, erp_order_id=ids[number]) for number, (push, _outcome) in made.items()],
        ignore_conflicts=True,
    )
