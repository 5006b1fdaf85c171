"""A whole machine with the simulated network, and campaigns on it, for benchmarks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from db.embedded import EmbeddedPostgres
from mediaserver.administration import make_token
from mediaserver.api_client import Api
from mediaserver.settings import Settings
from mediaserver.up import Machine

LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Bench:
    """What runs, a token's view of it, and the address of its database."""

    machine: Machine
    api: Api
    database: str

    async def until_over(self, campaign: str) -> None:
        """Return when the campaign does not call any more."""
        while True:
            if (await self.api.get(f"/campaigns/{campaign}"))["status"] not in ("pending", "in_progress"):
                return
            await asyncio.sleep(LOOK_EVERY_S)


@asynccontextmanager
async def bench(folder: Path, *phones: str, calls_per_second: float) -> AsyncIterator[Bench]:
    """Database, phone network and media server on `folder`, without the dashboard. `phones`: more arguments of the network."""
    settings = Settings(data_dir=folder / "data", port=0, drain_s=1.0, calls_per_second=calls_per_second)
    machine = Machine(settings, phones=("--calls-per-second", f"{calls_per_second:g}", *phones), dashboard=False)
    try:
        addresses = await machine.start()
        async with Api(addresses.web, await make_token(addresses.database, "benchmark", "operator")) as api:
            yield Bench(machine, api, addresses.database)
    finally:
        await machine.stop()
        await EmbeddedPostgres(settings.data_dir).destroy()
