"""REST: flows, their runs, run now, pause and resume."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from ..admin.flow_states import (
    FlowFacts,
    ensure_flow_rows,
    facts_of,
    interval_of,
    is_overdue,
    is_running,
    workers_alive,
)
from ..admin.flows import start_flow
from ..flows import flow_definitions, pausing
from ..flows.registry import FlowDefinition
from ..jobs import start_for_orders
from ..models import ApiScope, Flow, FlowRun, RunStatus
from .idempotency import once
from .paging import PageQuery, by_id
from .problems import Fault, Problem
from .schema import described, free_object, page_of
from .views import ApiView, Nothing, Strict, checked_body, checked_query

FLOW = {
    "name": "push_orders", "label": "Push orders to LingXing", "position": 2, "delivers": "erp_push", "by_order": True,
    "interval_seconds": 120, "paused": True, "pause_reason": "Stocktaking (mei)", "running": False, "overdue": False,
    "last_started_at": "2026-03-01T08:20:00Z", "last_success_at": "2026-03-01T08:20:04Z", "next_run_at": None,
    "last_run": None,
}  # fmt: skip
MOST_ORDERS = 200


class RunShape(s.Serializer[Any]):
    """One execution of a flow."""

    id = s.IntegerField()
    flow = s.CharField()
    status = s.ChoiceField([str(value) for value in RunStatus.values])
    trigger = s.CharField(allow_blank=True, help_text="`schedule`, `released`, `command`, or a user name.")
    orders_asked = s.IntegerField(allow_null=True, help_text="For how many named orders; null: for all.")
    started_at = s.DateTimeField()
    finished_at = s.DateTimeField(allow_null=True)
    counts = free_object("What was counted: numbers by name.")
    error_code = s.CharField(allow_blank=True)
    error = s.CharField(allow_blank=True)
    notes = s.ListField(child=s.CharField())


class FlowShape(s.Serializer[Any]):
    """A flow and how it stands."""

    name = s.CharField()
    label = s.CharField()  # type: ignore[assignment] # a member, which the metaclass takes off
    position = s.IntegerField(help_text="Its place in one whole pass.")
    delivers = s.CharField(allow_blank=True, help_text="The kind of delivery that it carries out.")
    by_order = s.BooleanField(help_text="Whether it can run for certain orders only.")
    interval_seconds = s.IntegerField()
    paused = s.BooleanField()
    pause_reason = s.CharField(allow_blank=True)
    running = s.BooleanField()
    overdue = s.BooleanField()
    last_started_at = s.DateTimeField(allow_null=True)
    last_success_at = s.DateTimeField(allow_null=True)
    next_run_at = s.DateTimeField(allow_null=True, help_text="By the schedule; null: paused, or not scheduled.")
    last_run = RunShape(allow_null=True)


class FlowsShape(s.Serializer[Any]):
    """All flows in the order of one whole pass."""

    workers_alive = s.BooleanField(help_text="false: nothing runs until `manage.py qcluster` is started.")
    results = FlowShape(many=True)


class StartedShape(s.Serializer[Any]):
    """What was handed to the workers."""

    flow = s.CharField()
    started = s.BooleanField()
    workers_alive = s.BooleanField()


class FlowView(ApiView):
    """An address below flows."""

    to_read: ClassVar[str] = "integrations.view_flow"
    to_write: ClassVar[str] = "integrations.run_flow"
    scope: ClassVar[str] = ApiScope.FLOWS

    def flow(self, name: str) -> tuple[Flow, FlowDefinition]:
        """Return the flow of the address. Raises Problem."""
        definition = next((one for one in flow_definitions() if one.name == name), None)
        if definition is None:
            names = ", ".join(one.name for one in flow_definitions())
            raise Problem("not_found", f"There is no flow {name}. Flows: {names}.", code="unknown_flow")
        ensure_flow_rows()
        return Flow.objects.get(name=name), definition

    def told(self, name: str) -> Response:
        """Return the flow as it stands now."""
        flow, definition = self.flow(name)
        return Response(_flow(flow, definition, facts_of([flow])[name]))


class Flows(FlowView):
    """All flows."""

    @described("List flows", FlowsShape)
    def get(self, request: Request) -> Response:
        """Every flow with its state and last run, in the order of one whole pass."""
        checked_query(request, Nothing)
        ensure_flow_rows()
        rows = {flow.name: flow for flow in Flow.objects.all()}
        definitions = [one for one in flow_definitions() if one.name in rows]
        facts = facts_of([rows[one.name] for one in definitions])
        results = [_flow(rows[one.name], one, facts[one.name]) for one in definitions]
        return Response({"workers_alive": workers_alive(), "results": results})


class OneFlow(FlowView):
    """One flow."""

    @described("One flow", FlowShape, problems=["not_found"])
    def get(self, request: Request, name: str) -> Response:
        """Its state and its last run."""
        checked_query(request, Nothing)
        return self.told(name)


class Runs(FlowView):
    """The runs of a flow."""

    @described("Runs of a flow", page_of(RunShape), query=PageQuery, problems=["not_found"])
    def get(self, request: Request, name: str) -> Response:
        """Newest first."""
        query = checked_query(request, PageQuery)
        self.flow(name)
        page, cursor = by_id(FlowRun.objects.filter(flow=name), query, newest=True)
        return Response({"results": [_run(run) for run in page], "next_cursor": cursor})


class RunBody(Strict):
    """For which orders."""

    order_ids = s.ListField(
        child=s.CharField(max_length=64), required=False, allow_empty=False, max_length=MOST_ORDERS,
        help_text="DSCO order ids; left out: for all.",
    )  # fmt: skip


class RunNow(FlowView):
    """Running a flow at once."""

    @described(
        "Run a flow now", StartedShape, example={"flow": "push_orders", "started": True, "workers_alive": True},
        body=RunBody, problems=["not_found", "already_running"], status=202,
        send={"order_ids": ["7000005"]},
    )  # fmt: skip
    @once
    def post(self, request: Request, name: str) -> Response:
        """Hands the flow to the workers, also when its schedule is paused. It never runs twice at once."""
        body = checked_body(request, RunBody)
        flow, definition = self.flow(name)
        if is_running(flow):
            raise Problem("already_running", f"The flow {name} is running in {flow.lease_holder}.")
        if "order_ids" not in body:
            start_flow(name, self.actor)
        elif definition.by_order:
            start_for_orders(name, self.actor, body["order_ids"])
        else:
            text = f"The flow {name} cannot be limited to certain orders."
            raise Problem("invalid_request", text, faults=[Fault("/order_ids", text, "not_by_order")])
        return Response({"flow": name, "started": True, "workers_alive": workers_alive()}, 202)


class PauseBody(Strict):
    """Why."""

    reason = s.CharField(max_length=150)


class Pause(FlowView):
    """Pausing a flow."""

    @described(
        "Pause a flow", FlowShape, example=FLOW, body=PauseBody, problems=["not_found"], refusals=["already_paused"],
        send={"reason": "The warehouse counts its stock"},
    )  # fmt: skip
    @once
    def post(self, request: Request, name: str) -> Response:
        """The schedule skips it until it is resumed. A run that is under way ends as usual."""
        reason = checked_body(request, PauseBody)["reason"]
        flow, _definition = self.flow(name)
        if flow.paused:
            raise Problem("not_possible", f"The flow {name} is paused: {flow.pause_reason}", code="already_paused")
        pausing.pause([flow], reason, self.user)
        return self.told(name)


class Resume(FlowView):
    """Resuming a flow."""

    @described(
        "Resume a flow", FlowShape, example=FLOW, body=Nothing, problems=["not_found"], refusals=["not_paused"],
        send={},
    )  # fmt: skip
    @once
    def post(self, request: Request, name: str) -> Response:
        """The next run comes by the schedule."""
        checked_body(request, Nothing)
        flow, _definition = self.flow(name)
        if not flow.paused:
            raise Problem("not_possible", f"The flow {name} is not paused.", code="not_paused")
        pausing.resume([flow], self.user)
        return self.told(name)


def _flow(flow: Flow, definition: FlowDefinition, facts: FlowFacts) -> dict[str, Any]:
    upcoming = None if flow.paused or facts.schedule is None else facts.schedule.next_run
    return {
        "name": flow.name, "label": str(definition.label), "position": definition.position,
        "delivers": definition.delivers, "by_order": definition.by_order,
        "interval_seconds": int(interval_of(flow).total_seconds()), "paused": flow.paused,
        "pause_reason": flow.pause_reason, "running": is_running(flow), "overdue": is_overdue(flow),
        "last_started_at": flow.last_started_at, "last_success_at": flow.last_success_at, "next_run_at": upcoming,
        "last_run": _run(facts.last_run) if facts.last_run else None,
    }  # fmt: skip


def _run(run: FlowRun) -> dict[str, Any]:
    names = (
        "id", "flow", "status", "trigger", "orders_asked", "started_at", "finished_at", "counts", "error_code", "error",
        "notes",
    )  # fmt: skip
    return {name: getattr(run, name) for name in names}
