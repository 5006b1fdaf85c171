"""Seeded worlds with faults: every promise is kept, and a seed is a story that can be told again."""

import pytest

from tests.simulation.postgres import Postgres
from tests.simulation.runner import judged, told

SEEDS = 200
_AT_ONCE = 10


@pytest.mark.parametrize("first", range(0, SEEDS, _AT_ONCE))
def test_every_promise_is_kept_in_worlds_with_faults(database_of_worlds: Postgres, first: int) -> None:
    for seed in range(first, first + _AT_ONCE):
        history, violations = judged(seed, database_of_worlds)
        assert not violations, told(history, violations)


@pytest.mark.parametrize("seed", [3, 6, 1039])  # the last: two statements are released at once, and run for one lock
def test_the_same_seed_has_the_same_story(database_of_worlds: Postgres, seed: int) -> None:
    first, second = (judged(seed, database_of_worlds)[0].story().splitlines() for _ in range(2))
    assert first == second
    assert len(first) > 50
