"""How many things go in one call, where the vendor does not say how many it takes."""

from __future__ import annotations

import pytest

from integrations.batch_sizes import largest, refused, taken

pytestmark = pytest.mark.django_db


def test_it_starts_small_and_never_exceeds_what_is_allowed() -> None:
    assert largest("create", 200) == 5
    assert largest("create", 3) == 3


def test_it_grows_step_by_step_while_calls_are_taken() -> None:
    sizes = []
    for _call in range(5):
        sizes.append(largest("create", 200))
        taken("create", sizes[-1])
    assert sizes == [5, 20, 50, 100, 200]
    assert largest("create", 200) == 200
    assert largest("other", 200) == 5


def test_a_smaller_call_that_is_taken_late_takes_nothing_back_and_proves_nothing_new() -> None:
    taken("create", 5)
    taken("create", 20)
    taken("create", 5)
    assert largest("create", 200) == 50


def test_what_was_refused_is_not_tried_again_for_a_day(clock) -> None:
    taken("create", 5)
    taken("create", 20)
    refused("create", 50)
    assert largest("create", 200) == 20
    taken("create", 20)
    assert largest("create", 200) == 20
    clock.advance(25 * 3600)
    taken("create", 20)
    assert largest("create", 200) == 50


def test_refused_again_and_again_it_goes_down_to_one() -> None:
    for number in (20, 5):
        refused("create", number)
    assert largest("create", 200) == 1


def test_one_thing_that_is_refused_alone_was_to_blame_and_not_the_size() -> None:
    taken("create", 5)
    refused("create", 20)
    assert largest("create", 200) == 5
    refused("create", 1)
    assert largest("create", 200) == 20
    refused("create", 1)
    assert largest("create", 200) == 20
