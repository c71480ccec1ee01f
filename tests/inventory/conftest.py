"""What the tests of the stock synchronisation share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from integrations.flows import FlowResult, run_flow
from integrations.sandbox.sandbox import Sandbox
from inventory import reservations

EFFECT = "inventory"


@pytest.fixture(autouse=True)
def _no_other_reservations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test announces its own providers."""
    monkeypatch.setattr(reservations, "_providers", [])


@pytest.fixture
def synchronise(world: Sandbox) -> Iterator[Callable[[], FlowResult]]:
    """Run the flow once. At the end no request may have broken a rule of the vendors."""
    yield lambda: run_flow("sync_inventory")
    assert world.violations == []


def shown(box: Sandbox, sku: str) -> dict[str, int]:
    """What DSCO holds of an item, by warehouse code."""
    return {place["code"]: place["quantity"] for place in box.dsco.items[sku]["warehouses"]}


def told(box: Sandbox) -> list[str]:
    """The SKUs that DSCO was told about, in order, with repetitions."""
    return [effect.key for effect in box.dsco.effects if effect.kind == EFFECT]


def sell_out(box: Sandbox, *skus: str) -> None:
    """Empty both warehouses of these DSCO SKUs in LingXing."""
    for sku in skus:
        for wid in ("50", "51"):
            box.lingxing.set_stock(wid, f"LX-{sku}", 0)
