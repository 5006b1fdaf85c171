"""The local engines for tests, as a pytest plugin: real models in real workers, started once for a whole run."""

from collections.abc import AsyncIterator

import pytest

from agent_runtime.engines import Engines
from agent_runtime.local.engines import LocalEngines


@pytest.fixture(scope="session")
async def engines() -> AsyncIterator[Engines]:
    local = LocalEngines()
    yield await local.start()
    await local.stop()
