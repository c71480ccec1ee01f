"""Imports every module that registers pages."""

from . import alerts, api_tokens, bulk, calls, exports, flow_runs, flows, lingxing_lists, outages, stops, technical

__all__ = [
    "alerts",
    "api_tokens",
    "bulk",
    "calls",
    "exports",
    "flow_runs",
    "flows",
    "lingxing_lists",
    "outages",
    "stops",
    "technical",
]
