import asyncio
import itertools
from collections.abc import Iterator

import pytest

from tests.simulation.postgres import Postgres
from tests.simulation.runner import copy_database, opened, sibling

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def database_of_worlds(postgres: str) -> Iterator[Postgres]:
    """One database for all worlds of a module: each finds it empty."""
    name = f"worlds_{next(_numbers)}"
    asyncio.run(copy_database(postgres, "migrated", name))
    with opened(sibling(postgres, name)) as database:
        yield database
