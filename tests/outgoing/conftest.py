"""A world to dial in, an endpoint that listens, and a courier that delivers when the test says so."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from db.database import Database
from db.rows import WebhookRow
from db.webhook_events import Event
from mediaserver.outgoing import endpoints
from mediaserver.outgoing.courier import Courier
from mediaserver.outgoing.post import Poster
from tests.dialer.world import World
from tests.outgoing.receiver import Receiver, receiving

Subscribe = Callable[..., Awaitable[tuple[WebhookRow, str]]]


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    """A world at noon."""
    built = await World.build(database)
    yield built
    for loop in built.loops:
        await loop.placed()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


@pytest.fixture
async def poster() -> AsyncIterator[Poster]:
    """A way out that may lead to this machine."""
    made = Poster(private_allowed=True)
    yield made
    await made.close()


@pytest.fixture
async def courier(world: World, poster: Poster) -> AsyncIterator[Courier]:
    made = Courier(world.db, poster, public_url="https://calls.example.com", chance=lambda: 0.5)
    yield made
    await made.stop()


@pytest.fixture
def subscribe(world: World) -> Subscribe:
    """An endpoint at that address, for these events, all unless said otherwise."""

    async def made(url: str, *events: Event) -> tuple[WebhookRow, str]:
        return await endpoints.create(world.db, url, events or list(Event), description="", actor="test", private_allowed=True)

    return made


async def deliver(courier: Courier) -> int:
    """One look, and all that it sent on its way has come back; how many."""
    taken = await courier.run_once()
    await courier.sent()
    return taken
