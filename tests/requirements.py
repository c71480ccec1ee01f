"""Tests that need something of the machine: skipped with a word where it is missing, required in CI."""

from __future__ import annotations

import os

import pytest


def require(name: str, available: bool, why: str) -> None:
    """Skip the test when ``name`` is not available, or fail where ORDERBRIDGE_REQUIRE names it (in CI)."""
    if available:
        return
    if name in os.environ.get("ORDERBRIDGE_REQUIRE", "").split(","):
        pytest.fail(f"{name} is required here: {why}")
    pytest.skip(f"{name}: {why}")
