"""The admin of the infrastructure, and the pieces that the other packages' admins are built of."""

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
