"""What staff may do with many deliveries at once: retry, skip, mark as done elsewhere."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy

from ..causes import refresh_causes
from ..deliveries import staff
from ..deliveries.kinds import delivery_kinds
from ..deliveries.staff import StaffResult
from ..deliveries.states import FINISHED, State
from ..flows.registry import flow_definitions
from ..jobs import start_released
from ..models import BulkResult
from ..sentences import gettext as _
from .actions import BulkAction, Obstacle, RowResult, register_bulk_action

IN_PROGRESS = gettext_lazy("in progress")
FINISHED_ALREADY = gettext_lazy("finished: nothing is left to do")
NOT_IN_THIS_STATE = gettext_lazy("not possible in this state")
REPLACED = gettext_lazy("replaced by a newer one")


class DeliveryAction(BulkAction):
    """An action of ``integrations.deliveries.staff`` on rows of one kind of delivery."""

    allowed: ClassVar[frozenset[State]]

    def handles(self, subject: str) -> bool:
        """Any kind of delivery."""
        return subject in delivery_kinds()

    def rows(self, subject: str) -> QuerySet[Any]:
        """The kind's table."""
        return delivery_kinds()[subject].model._default_manager.all()

    def label_column(self, subject: str) -> str:
        """Deliveries are known by their key."""
        return "key"

    def group_columns(self, subject: str) -> tuple[str, str]:
        """State and reason."""
        return "status", "reason_code"

    def obstacles(self, subject: str) -> Sequence[Obstacle]:
        """In progress, finished, not in a state that allows it."""
        finished = FINISHED - self.allowed
        found = [
            Obstacle(Q(status=State.IN_PROGRESS) | ~Q(lease_token=""), IN_PROGRESS),
            Obstacle(Q(status__in=sorted(finished)), FINISHED_ALREADY),
            Obstacle(Q(status__in=sorted(frozenset(State) - self.allowed - finished)), NOT_IN_THIS_STATE),
        ]
        if delivery_kinds()[subject].skip_is_final:
            found.append(Obstacle(Q(status=State.SKIPPED), REPLACED))
        return found

    def perform(self, subject: str, ids: Sequence[int], parameters: dict[str, Any], actor: str) -> dict[int, RowResult]:
        """Act on those rows whose state still allows it."""
        keys = dict(self.rows(subject).filter(pk__in=ids).values_list("pk", "key"))
        done = self.act(subject, list(keys), str(parameters.get("reason", "")), actor)
        return {
            pk: RowResult(BulkResult.LEFT_OUT, done.refused[key]) if key in done.refused
            else RowResult(BulkResult.CHANGED)
            for pk, key in keys.items()
        }  # fmt: skip

    def finished(self, subject: str) -> None:
        """The causes that were solved by it close."""
        refresh_causes(timezone.now())

    @abstractmethod
    def act(self, subject: str, ids: Sequence[int], reason: str, actor: str) -> StaffResult:
        """Call the function that does it."""


class Retry(DeliveryAction):
    name = "retry"
    label = gettext_lazy("Retry now")
    advice = gettext_lazy("These become due now. What may have happened already is verified first, never sent twice.")
    permission = "orders.retry_delivery"
    allowed = staff.RETRYABLE

    def act(self, subject: str, ids: Sequence[int], reason: str, actor: str) -> StaffResult:
        """Make them due."""
        return staff.retry(subject, ids, actor)

    def finished(self, subject: str) -> None:
        """The flow that carries them out need not wait for its timer."""
        super().finished(subject)
        start_flow_of(subject)


class Skip(DeliveryAction):
    name = "skip"
    label = gettext_lazy("Skip …")
    advice = gettext_lazy("Nothing is sent for these any more. A skipped one can be retried later.")
    permission = "orders.skip_delivery"
    asks = ("reason",)
    allowed = staff.SKIPPABLE

    def act(self, subject: str, ids: Sequence[int], reason: str, actor: str) -> StaffResult:
        """Give them up."""
        return staff.skip(subject, ids, actor, reason)


class MarkDone(DeliveryAction):
    name = "mark_done"
    label = gettext_lazy("Mark as done elsewhere …")
    advice = gettext_lazy("Only when you did it by hand in the vendor's own screens: the next steps then follow.")
    permission = "orders.skip_delivery"
    asks = ("reason",)
    allowed = staff.SKIPPABLE | {State.SKIPPED}

    def act(self, subject: str, ids: Sequence[int], reason: str, actor: str) -> StaffResult:
        """Record that a person did them."""
        return staff.mark_done(subject, ids, actor, reason)


def start_flow_of(kind: str) -> None:
    """Let the workers run the flow that carries out this kind of delivery."""
    for definition in flow_definitions():
        if definition.delivers == kind:
            start_released(definition.name)


def gone() -> str:
    """Return what is told of a row that is not there any more."""
    return _("no longer there")


for _action in (Retry, Skip, MarkDone):
    register_bulk_action(_action())
