"""Bulk runs: one staff action on many rows, previewed, frozen, carried out in the background, a result per row.

``preview`` says what would happen, ``prepare`` freezes the rows, ``start`` hands the run to the workers, which call
``carry_out``; ``ask_to_stop`` ends it between two chunks.
"""

from . import delivery_actions
from .actions import (
    BULK_PERMISSION,
    BulkAction,
    Obstacle,
    RowResult,
    bulk_action,
    bulk_actions_for,
    may_run,
    register_bulk_action,
)
from .preparing import Preview, prepare, preview
from .running import BUDGET_SECONDS, ask_to_stop, carry_out, resume_abandoned, start

__all__ = [
    "BUDGET_SECONDS",
    "BULK_PERMISSION",
    "BulkAction",
    "Obstacle",
    "Preview",
    "RowResult",
    "ask_to_stop",
    "bulk_action",
    "bulk_actions_for",
    "carry_out",
    "delivery_actions",
    "may_run",
    "prepare",
    "preview",
    "register_bulk_action",
    "resume_abandoned",
    "start",
]
