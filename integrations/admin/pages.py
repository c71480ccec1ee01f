"""Imports every module that registers pages."""

from . import alerts, bulk, calls, exports, flow_runs, flows, lingxing_lists, outages, stops, technical

__all__ = [
    "alerts",
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
