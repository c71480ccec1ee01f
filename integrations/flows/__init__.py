"""Flows: scheduled passes that discover what is owed and deliver it."""

from .context import FlowContext
from .registry import FlowDefinition, flow, flow_definitions, get_flow
from .runner import FlowResult, run_flow

__all__ = ["FlowContext", "FlowDefinition", "FlowResult", "flow", "flow_definitions", "get_flow", "run_flow"]
