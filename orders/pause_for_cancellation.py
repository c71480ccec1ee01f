"""Pausing an order because somebody wants to cancel it, and the answer whether he can.

Not in LingXing yet: it is held and can be cancelled. In LingXing: LingXing is asked to stop it, by the same deliveries
as a cancellation by staff (each with its own key: LingXing first, then DSCO), and its answer decides. Shipped: it can
only come back. A refusal, and a question that is taken back, let the order go on by themselves.

Whatever is asked is a row; ``settle`` (part of the flow ``apply_cancellations``) carries every open one on, so that a
crash at any point loses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db import models, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy

from integrations.deliveries import staff
from integrations.deliveries.states import IN_FLIGHT, State
from integrations.sentences import gettext as _
from integrations.sentences import joined

from .conditions import is_cancelled
from .events import record_events
from .holds import hold, release_hold
from .models import (
    OPEN_STAGES,
    Cancellation,
    CancellationAction,
    CancellationPause,
    ErpOrder,
    ErpPush,
    ErpStatus,
    EventKind,
    Order,
    PauseOutcome,
    Stage,
)
from .policies import policies_for
from .staff_cancellations import CannotCancel, cancel_lines, check_code

# Reasons with which LingXing's part of a cancellation stops for good.
REFUSALS: Final = ("erp_refused", "cancelled_after_shipment", "merged_erp_order", "partly_cancelled")
SHIPPED_MEANWHILE: Final = "cancelled_after_shipment"


class Answer(models.TextChoices):
    """Whether the order can be cancelled."""

    MAY_CANCEL = "may_cancel", gettext_lazy("It is held and not in LingXing: it can be cancelled")
    BEING_PUSHED = "being_pushed", gettext_lazy("It is being created in LingXing at this moment: asked right after")
    ASKED = "asked", gettext_lazy("LingXing has it and is asked to stop it")
    STOPPED = "stopped", gettext_lazy("Nothing of it will be shipped: the retailer is told")
    REFUSED = "refused", gettext_lazy("LingXing did not stop it: the order goes on")
    ALREADY_CANCELLED = "already_cancelled", gettext_lazy("It is cancelled already")
    RETURN_ONLY = "return_only", gettext_lazy("It has left the warehouse: it can only be returned")
    NOT_ASKED = "not_asked", gettext_lazy("Nobody has asked")


STOPPED_EVERYWHERE: Final = (Answer.STOPPED, Answer.ALREADY_CANCELLED)
GIVEN_UP: Final = (State.SKIPPED, State.CANCELLED)


@dataclass(slots=True)
class Answered:
    """The answer for an order and, where LingXing split it, for each of its parts; ``pause`` is the last question."""

    answer: Answer
    pause: CancellationPause | None = None
    parts: list[tuple[ErpOrder, Answer]] = field(default_factory=list)


def pause(order_id: int, reason: str, code: str, actor: str) -> Answered:
    """Hold an order (primary key), or ask LingXing to stop it, and answer whether it can be cancelled.

    code: DSCO's cancel code, "" for the retailer's usual one. Asking again while a question is open changes nothing.
    Raises CannotCancel (a cancellation that somebody else began, a step that was skipped, an unknown code).
    """
    now = timezone.now()
    with transaction.atomic():
        order = Order.objects.select_for_update(no_key=True).get(pk=order_id)
        present = answer_of(order)
        if present.answer in (Answer.STOPPED, Answer.ALREADY_CANCELLED, Answer.RETURN_ONLY) or _is_open(present.pause):
            return present
        push = ErpPush.objects.select_for_update().get(order=order)
        if push.status == State.SKIPPED:
            raise CannotCancel("push_skipped", _("The ERP push was skipped: the order is handled elsewhere."))
        code = code or policies_for([order.retailer_id])[order.retailer_id].cancel_code
        check_code(order, code)
        question = CancellationPause(order=order, code=code, reason=reason, actor=actor[:150], asked_at=now)
        if _is_in_erp(push):
            _ask_erp(question)
        else:
            hold([order.pk], reason, actor)
        question.save()
    return answer_of(order)


def answer_of(order: Order) -> Answered:
    """Return the present answer for an order; nothing is changed."""
    question = order.pauses.order_by("-pk").first()
    links = order.erp_links.filter(ended_at=None).select_related("erp_order").order_by("pk")
    rows = [link.erp_order for link in links if not link.erp_order.resend_of]
    parts = [(row, _of_part(row)) for row in rows]
    answer = _answer(order, question, [one for _row, one in parts])
    if answer in STOPPED_EVERYWHERE and _has_stopped(_stop_of(order)):  # LingXing's own status is read later
        parts = [(row, one if one == Answer.RETURN_ONLY else answer) for row, one in parts]
    return Answered(answer, question, parts)


def set_cancelled(order_id: int, code: str, reason: str, actor: str) -> Answered:
    """Cancel everything that is open of an order (primary key), held for it or not. Done already: changes nothing.

    Raises CannotCancel; nothing has changed then.
    """
    with transaction.atomic():
        order = Order.objects.select_for_update(no_key=True).get(pk=order_id)
        present = answer_of(order)
        asked = present.answer == Answer.ASKED and _is_open(present.pause)
        if present.answer in STOPPED_EVERYWHERE or asked:
            return present
        question = present.pause if _is_open(present.pause) else None
        if question is not None:
            release_hold([order.pk], actor)
        code = code or (question.code if question else policies_for([order.retailer_id])[order.retailer_id].cancel_code)
        _cancel_all(order, code, reason, actor)
        if question is not None:
            _end(question, PauseOutcome.CANCELLED, _("Set to cancelled."), actor)
    return answer_of(order)


def resume_order(order_id: int, reason: str, actor: str) -> Answered:
    """Take the question back: the order goes on. Raises CannotCancel when LingXing has been told already."""
    with transaction.atomic():
        order = Order.objects.select_for_update(no_key=True).get(pk=order_id)
        question = CancellationPause.objects.select_for_update().filter(order=order, outcome=PauseOutcome.OPEN).first()
        if question is None:
            raise CannotCancel("not_paused", _("The order is not paused for a cancellation."))
        if question.erp_asked:
            row = _stop_of(order)
            result = staff.skip(Cancellation.KIND, [row.pk], actor, reason) if row and not row.maybe_sent else None
            if result is None or not result.changed:
                text = _("LingXing has been asked to stop the order. Its answer comes first.")
                raise CannotCancel("asked", text)
        _end(question, PauseOutcome.RESUMED, reason, actor)
    return answer_of(order)


def settle(orders: QuerySet[Order] | None = None) -> int:
    """Carry open questions (of these orders) on as far as the facts allow; return how many have ended."""
    questions = CancellationPause.objects.filter(outcome=PauseOutcome.OPEN)
    if orders is not None:
        questions = questions.filter(order__in=orders)
    ended = 0
    for pk, order_id in list(questions.order_by("pk").values_list("pk", "order_id")):
        with transaction.atomic():
            order = Order.objects.select_for_update(no_key=True).get(pk=order_id)
            question = CancellationPause.objects.select_for_update().get(pk=pk)
            if _is_open(question):
                _settle_one(order, question)
                ended += not _is_open(question)
    return ended


def _settle_one(order: Order, question: CancellationPause) -> None:
    if order.stage == Stage.CANCELLED or is_cancelled(order, order.lines.all()):
        _end(question, PauseOutcome.CANCELLED, _("The order is cancelled."), "")
    elif question.erp_asked:
        _settle_asked(order, question)
    elif not order.held:
        _end(question, PauseOutcome.RESUMED, _("The order was released."), "")
    else:
        push = ErpPush.objects.select_for_update().get(order=order)
        if _is_in_erp(push) and push.status not in IN_FLIGHT:
            _ask_after_push(order, question)


def _settle_asked(order: Order, question: CancellationPause) -> None:
    row = _stop_of(order)
    if row is None or row.status == State.CANCELLED:
        _end(question, PauseOutcome.RESUMED, _("The cancellation is not owed any more."), "")
    elif row.status == State.SKIPPED:
        _end(question, PauseOutcome.REFUSED, joined([_("The cancellation was given up:"), row.last_error]), "")
    elif row.status == State.FAILED or (row.status == State.NEEDS_ATTENTION and row.reason_code in REFUSALS):
        why = row.last_error
        if staff.skip(Cancellation.KIND, [row.pk], "", why).changed:
            _end(question, PauseOutcome.REFUSED, joined([_("LingXing did not stop the order; it goes on."), why]), "")


def _ask_after_push(order: Order, question: CancellationPause) -> None:
    """The push that was under way has ended: the order is in LingXing, so LingXing is asked."""
    release_hold([order.pk], question.actor)
    try:
        with transaction.atomic():
            _ask_erp(question)
    except CannotCancel as error:
        _end(question, PauseOutcome.REFUSED, str(error), "")
        return
    question.save(update_fields=["erp_asked"])


def _ask_erp(question: CancellationPause) -> None:
    question.erp_asked = True
    _cancel_all(question.order, question.code, question.reason, question.actor)


def _cancel_all(order: Order, code: str, reason: str, actor: str) -> None:
    everything = {line.position: line.open_quantity for line in order.lines.all()}
    cancel_lines(order.pk, everything, code, reason, actor)


def _end(question: CancellationPause, outcome: PauseOutcome, result: str, actor: str) -> None:
    """Close the question; an order that was held for it goes on. Kept in the order's timeline."""
    now = timezone.now()
    question.outcome, question.ended_at, question.result = outcome, now, result
    question.save(update_fields=["outcome", "ended_at", "result"])
    order = Order.objects.get(pk=question.order_id)
    if outcome != PauseOutcome.CANCELLED and order.held and _is_our_hold(order, question):
        release_hold([order.pk], actor, result)
    kind = EventKind.STAFF if actor else EventKind.REMOTE
    text = _("Pause for cancellation: %(outcome)s. %(result)s")
    values = {"outcome": PauseOutcome(outcome).label, "result": result}
    record_events([question.order_id], kind, text % values, actor, now)


def _is_our_hold(order: Order, question: CancellationPause) -> bool:
    began: datetime | None = order.held_at
    return began is not None and began >= question.asked_at


def _answer(order: Order, question: CancellationPause | None, parts: list[Answer]) -> Answer:
    if order.stage == Stage.CANCELLED or is_cancelled(order, order.lines.all()):
        return Answer.ALREADY_CANCELLED
    if Answer.RETURN_ONLY in parts or order.stage not in OPEN_STAGES:
        return Answer.RETURN_ONLY
    if _is_set_to_cancelled(order):
        stop = _stop_of(order)
        return Answer.STOPPED if stop is None or _has_stopped(stop) else Answer.ASKED
    if question is None or question.outcome == PauseOutcome.RESUMED:
        return Answer.NOT_ASKED
    if question.outcome == PauseOutcome.REFUSED:
        return Answer.REFUSED
    push = order.erp_push
    return Answer.BEING_PUSHED if push.status in IN_FLIGHT or push.maybe_sent else Answer.MAY_CANCEL


def _is_set_to_cancelled(order: Order) -> bool:
    """Whether staff or a question have decided to cancel every unit that is open, and DSCO is still to be told."""
    row = Cancellation.objects.filter(order=order, action=CancellationAction.DSCO).exclude(status__in=GIVEN_UP).first()
    until = {item["position"]: item["until"] for item in row.lines if "until" in item} if row else {}
    return bool(until) and all(until.get(line.position, 0) >= line.quantity for line in order.lines.all())


def _has_stopped(stop: Cancellation | None) -> bool:
    return stop is not None and stop.status == State.SUCCEEDED


def _of_part(row: ErpOrder) -> Answer:
    if row.dead:
        return Answer.ALREADY_CANCELLED
    return Answer.RETURN_ONLY if row.status == ErpStatus.SHIPPED else Answer.ASKED


def _is_open(question: CancellationPause | None) -> bool:
    return question is not None and question.outcome == PauseOutcome.OPEN


def _is_in_erp(push: ErpPush) -> bool:
    return push.status == State.SUCCEEDED or bool(push.remote_reference)


def _stop_of(order: Order) -> Cancellation | None:
    return Cancellation.objects.filter(order=order, action=CancellationAction.ERP).first()
