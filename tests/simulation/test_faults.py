"""The checker is worth something: it finds each fault that is planted in the dialer."""

import pytest

from tests.simulation.faults import FAULTS
from tests.simulation.postgres import Postgres
from tests.simulation.runner import judged

SEEDS = 200


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_caught(database_of_worlds: Postgres, name: str) -> None:
    fault = FAULTS[name]
    with fault.planted(database_of_worlds):
        caught = next((seed for seed in fault.seeds(SEEDS) if judged(seed, database_of_worlds)[1]), None)
    assert caught is not None, f"{SEEDS} seeds with this fault, and the checker found every promise kept: {fault.what}"
