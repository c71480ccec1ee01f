"""A sandbox per test, and a caller for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integrations.sandbox.options import SandboxOptions
from integrations.sandbox.sandbox import Sandbox

from .callers import DscoCaller


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(SandboxOptions(async_seconds=60)) as running:
        yield running


@pytest.fixture
def dsco(sandbox: Sandbox) -> Iterator[DscoCaller]:
    caller = DscoCaller(sandbox)
    yield caller
    caller.session.close()
