"""The catalogue of explanations has an entry for every code that the product itself can park a delivery with."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from integrations.admin import words
from orders.admin import reason_words  # noqa: F401 - announces the words
from orders.explanations import CATALOGUE, explain

ROOT = Path(__file__).parents[3]
GIVING = {"needs_attention", "unknown", "retry", "CannotInvoice", "CannotCompose", "_cannot", "_missing"}
# Given to rows that are repeated alone at once and never parked with it, or words of the vendors.
NEVER_PARKED: set[str] = set()


def codes_in_the_source() -> set[str]:
    found = set()
    for package in ("orders", "inventory", "integrations"):
        for file in (ROOT / package).rglob("*.py"):
            if "sandbox" in file.parts or "admin" in file.parts:
                continue
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    found |= _code(node)
    return found - NEVER_PARKED


def _code(call: ast.Call) -> set[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    first = call.args[0] if call.args else None
    if name in GIVING and isinstance(first, ast.Constant) and isinstance(first.value, str) and " " not in first.value:
        return {first.value}
    if name in ("park", "_park") and len(call.args) > 2:
        state, code = call.args[1], call.args[2]
        parked = isinstance(state, ast.Attribute) and state.attr == "NEEDS_ATTENTION"
        return {code.value} if parked and isinstance(code, ast.Constant) else set()
    return set()


def test_every_code_of_the_product_is_explained() -> None:
    explained = {key.rpartition(":")[2] for key in CATALOGUE}
    codes = codes_in_the_source()
    assert len(codes) > 30
    assert codes - explained == set()


@pytest.mark.parametrize("key", sorted(CATALOGUE))
def test_every_explanation_says_what_to_do_and_has_a_short_title(key: str) -> None:
    entry = CATALOGUE[key]
    assert str(entry.meaning).endswith((".", "below."))
    assert entry.steps
    assert words.reason(key.rpartition(":")[2]) != key.rpartition(":")[2], "no short words for the code"


def test_a_code_means_what_it_means_for_the_step() -> None:
    assert explain("shipment", "quantities_differ") != explain("invoice", "quantities_differ")
    assert explain("erp_push", "refused") != explain("acknowledgement", "refused")


def test_a_vendors_own_code_gets_the_general_text() -> None:
    assert "refused" in str(explain("invoice", "E-4711").meaning)
    assert "may or may not" in str(explain("invoice", "E-4711", verifying=True).meaning)
