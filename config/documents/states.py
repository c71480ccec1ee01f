"""The table of a delivery's states and of the ways between them."""

from __future__ import annotations

from integrations.deliveries.states import TRANSITIONS, State

MEANINGS = {
    State.WAITING: "a condition is not met yet",
    State.DUE: "goes with the next pass, or when its next attempt is due",
    State.IN_PROGRESS: "claimed under a lease; the call may be under way",
    State.ACCEPTED: "the vendor took it and will say later",
    State.UNCERTAIN: "it may have happened: verified by reading, never repeated blindly",
    State.SUCCEEDED: "the vendor has it",
    State.FAILED: "refused for good, or given up",
    State.NEEDS_ATTENTION: "a person decides; the message says what to do",
    State.SKIPPED: "not applicable, or a person said so",
    State.CANCELLED: "no longer owed",
}


def transitions_table() -> str:
    """Return the Markdown table, rows in the order of the states."""
    rows = ["| from | meaning | to |", "|---|---|---|"]
    for state, ways in TRANSITIONS.items():
        rows.append(f"| {state} | {MEANINGS[state]} | {', '.join(sorted(ways)) or '–'} |")
    return "\n".join(rows) + "\n"
