"""What all tests share: a real PostgreSQL, started once per test process, and a fresh database for each test that asks for one."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from db.database import Database
from db.embedded import EmbeddedPostgres
from db.migrate import migrate

pytest_plugins = ["tests.fixtures_engines"]

# Files that take longest begin first, so that two processes end together.
_LONGEST_FIRST = (
    "tests/browser/test_campaign_story.py",
    "tests/system/",
    "tests/browser/",
    "tests/media/",
    "tests/dialer/",
    "tests/simulated/",
)

_TEMPLATE = "migrated"
_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        return next((place for place, start in enumerate(_LONGEST_FIRST) if item.nodeid.startswith(start)), len(_LONGEST_FIRST))

    items.sort(key=rank)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the server's maintenance database. Without fsync: nothing of it outlives the run."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), {"fsync": "off", "full_page_writes": "off"})
    with asyncio.Runner() as runner:
        url = runner.run(server.start())
        runner.run(_make_template(url))
    yield url
    with asyncio.Runner() as runner:
        runner.run(server.destroy())


@pytest.fixture
async def empty_database_url(postgres: str) -> AsyncIterator[str]:
    """A fresh database without any table."""
    async for url in _fresh(postgres, "template1"):
        yield url


@pytest.fixture
async def database_url(postgres: str) -> AsyncIterator[str]:
    """A fresh database with the newest schema, dropped after the test, whoever is still connected."""
    async for url in _fresh(postgres, _TEMPLATE):
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A pool on a fresh database with the newest schema."""
    pool = await Database.connect(database_url)
    yield pool
    await pool.close()


async def _make_template(url: str) -> None:
    await _execute(url, f"create database {_TEMPLATE}")
    await migrate(_sibling(url, _TEMPLATE))


async def _fresh(url: str, template: str) -> AsyncIterator[str]:
    name = f"test_{next(_numbers)}"
    await _execute(url, f"create database {name} template {template}")
    yield _sibling(url, name)
    await _execute(url, f"drop database {name} with (force)")


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _sibling(url: str, name: str) -> str:
    return f"{url.rpartition('/')[0]}/{name}"
