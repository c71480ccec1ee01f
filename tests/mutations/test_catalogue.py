"""The mutations still fit the product; ``make mutations`` applies them."""

from __future__ import annotations

import pytest

from .__main__ import ROOT, fits, proofs
from .catalogue import MUTATIONS


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mutation_applies_and_names_a_test_that_exists(mutation):
    assert fits(mutation, (ROOT / mutation.path).read_text())
    assert mutation.before != mutation.after
    for command in proofs(mutation.noticed_by):
        assert all((ROOT / target).exists() for target in command if target.startswith("tests/"))
