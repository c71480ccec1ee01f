"""Running flows for certain orders only: a bulk action, so with preview, progress and a result for each order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from integrations import clock
from integrations.bulk import Obstacle, RowResult, register_bulk_action
from integrations.deliveries.models import Delivery
from integrations.deliveries.states import State
from integrations.flows import FlowResult, flow_definitions, run_flow
from integrations.flows.registry import FlowDefinition
from integrations.models import BulkResult, RunStatus
from integrations.sentences import from_label, joined
from integrations.sentences import gettext as _

from .bulk_actions import OrderAction
from .holds import KINDS
from .models import Cancellation, CancellationAction, Order

# A flow never runs twice at once: how long a scheduled run is waited for, and how often it is asked.
PATIENCE_SECONDS = 60.0
LOOK_EVERY_SECONDS = 1.0
# What one flow may take for one chunk of orders; the run's lease is longer than all of them together.
BUDGET_SECONDS = 20.0
Steps = dict[tuple[type[Delivery], str], str]


def flows_by_order() -> list[FlowDefinition]:
    """Return the flows that can be limited to certain orders, in the order of one whole pass."""
    return [definition for definition in flow_definitions() if definition.by_order]


class RunFlows(OrderAction):
    """Parameters: ``flows``, the names of the flows in the order in which they run."""

    name = "run_flows"
    label = gettext_lazy("Run flows for orders")
    advice = gettext_lazy(
        "The chosen flows run for these orders only, one after the other. All conditions count as always: what waits"
        " for something else goes on waiting, and nothing is sent twice."
    )
    permission = "integrations.run_flow"
    asks = ("flows",)
    atomic = False
    chunk = 50

    def obstacles(self, subject: str) -> Sequence[Obstacle]:
        """Any order may be looked at."""
        return []

    def perform(self, subject: str, ids: Sequence[int], parameters: dict[str, Any], actor: str) -> dict[int, RowResult]:
        """Run the flows for these orders, then tell of each what became of its steps."""
        numbers = dict(Order.objects.filter(pk__in=ids).values_list("pk", "dsco_order_id"))
        before, versions = _steps(list(numbers)), _versions(list(numbers))
        troubles = []
        for definition in flows_by_order():
            if definition.name in parameters["flows"]:
                result = _run(definition.name, list(numbers.values()), actor)
                if result.status != RunStatus.SUCCEEDED:
                    troubles.append(_said(definition.label, _trouble(result)))
        after, read = _steps(list(numbers)), _versions(list(numbers))
        return {
            pk: _result(before[pk], after[pk], troubles, changed_at_dsco=versions[pk] != read[pk]) for pk in numbers
        }


def _run(name: str, order_ids: list[str], actor: str) -> FlowResult:
    """Run the flow; while it runs for all orders, wait for that to end."""
    give_up_at = clock.monotonic() + PATIENCE_SECONDS
    while True:
        result = run_flow(name, trigger=actor, budget_seconds=BUDGET_SECONDS, order_ids=order_ids)
        if result.status != RunStatus.ALREADY_RUNNING or clock.monotonic() > give_up_at:
            return result
        clock.sleep(LOOK_EVERY_SECONDS)


def _trouble(result: FlowResult) -> str:
    if result.status == RunStatus.ALREADY_RUNNING:
        return _("it was running for all orders all the time; try again when that run has ended.")
    return result.error or from_label(RunStatus(result.status).label)


def _result(before: Steps, after: Steps, troubles: list[str], *, changed_at_dsco: bool) -> RowResult:
    """What changed is told first; without any change, where the order stands."""
    news = [_words(step, state) for step, state in after.items() if before.get(step) != state]
    if changed_at_dsco:
        news.insert(0, _("read again from DSCO: it had changed"))
    if troubles:
        return RowResult(BulkResult.FAILED, joined([*troubles, *news], "; "))
    if news:
        return RowResult(BulkResult.CHANGED, joined(news, "; "))
    closed = (State.SUCCEEDED, State.SKIPPED, State.CANCELLED)
    stands = next((_words(step, state) for step, state in after.items() if state not in closed), "")
    text = _("nothing changed. %(step)s") % {"step": stands} if stands else _("nothing to do now")
    return RowResult(BulkResult.LEFT_OUT, text)


def _words(step: tuple[type[Delivery], str], state: str) -> str:
    model, action = step
    name = from_label(model._meta.verbose_name or "")
    if action:
        name = joined([name, from_label(CancellationAction(action).label)], ", ")
    return _said(name, from_label(State(state).label))


def _said(subject: str | Promise, words: str) -> str:
    return _("%(state)s: %(words)s") % {"state": subject, "words": words}


def _steps(ids: list[int]) -> dict[int, Steps]:
    """Return the state of every delivery of these orders: one query for each kind."""
    found: dict[int, Steps] = {pk: {} for pk in ids}
    for model in KINDS:
        for row in model._default_manager.filter(order__in=ids).only("order_id", "status", *_own(model)):
            found[row.order_id][model, row.action if isinstance(row, Cancellation) else ""] = row.status
    return found


def _own(model: type[Any]) -> tuple[str, ...]:
    return ("action",) if model is Cancellation else ()


def _versions(ids: list[int]) -> dict[int, str]:
    return dict(Order.objects.filter(pk__in=ids).values_list("pk", "payload_hash"))


register_bulk_action(RunFlows())
