"""The server of the switch's figures with a floor and the doors of live calls, on a database whose calls it holds.

Usage: python -m benchmarks.live.server PORT DATABASE_URL FOLDER [--record]. `GET /begun` tells when each leg began.
"""

import argparse
import asyncio
import time
from pathlib import Path

import aiohttp
import asyncpg
import uvloop
from aiohttp import web

from agent_runtime.calls import Brief
from agent_runtime.conversation import converse
from agent_runtime.null_services import TONE
from agent_runtime.pipeline import quiet_pipecat_logs
from benchmarks.switch_server import AGENT, SERVICES, Server
from db.database import Database
from mediaserver.api import setup_api
from mediaserver.live_doors import setup_live_doors
from mediaserver.settings import Settings
from mediaserver.supervision.floor import Floor
from mediaserver.supervision.peers import Peers
from mediaserver.supervision.protocol import CallFacts
from mediaserver.switch.leg import SwitchLeg

PROCESS = "live"


class LiveServer(Server):
    """`calls`: the ids that streams are given; a call that has ended leaves its id to a later one. `record_to`: a folder."""

    def __init__(self, calls: list[int], record_to: Path | None) -> None:
        super().__init__(floor=False)
        self.floor = Floor(self.switch)
        self._free, self._record_to = calls, record_to
        self._begun: dict[int, float] = {}

    def app(self) -> web.Application:
        app = super().app()
        app.router.add_get("/begun", self._tell_begun)
        return app

    def _recording(self) -> Path | None:
        return self._record_to / f"{self._free[0]}.wav" if self._record_to is not None else None

    async def _call(self, leg: SwitchLeg) -> None:
        call_id = self._free.pop(0)
        self._begun[call_id] = time.time() - leg.now_ms() / 1000
        try:
            with self.floor.opened(call_id, leg, _facts(call_id)) as watcher:
                await converse(leg, Brief(str(call_id), AGENT, {}, greeting=TONE), SERVICES, self.actions(), watcher)
            if leg.recorder is not None:
                await leg.recorder.finished()
        finally:
            self._free.insert(0, call_id)

    async def _tell_begun(self, _request: web.Request) -> web.Response:
        """By call: the wall clock's time at which its leg began, in seconds."""
        return web.json_response(self._begun)


def _facts(call_id: int) -> CallFacts:
    return CallFacts(str(call_id), "", f"Callee {call_id}", None, None, AGENT.name, "", True, {})


async def serve(port: int, database_url: str, record_to: Path | None) -> None:
    url = f"http://127.0.0.1:{port}"
    database = await Database.connect(database_url)
    calls = await asyncpg.connect(database_url)
    ids = [row["id"] for row in await calls.fetch("select id from calls order by id")]
    await calls.close()
    server = LiveServer(ids, record_to)
    app = server.app()
    async with aiohttp.ClientSession() as session:
        desk = setup_live_doors(
            app, database=database, floor=server.floor, peers=Peers(session, PROCESS), process_id=PROCESS, public_url=url
        )
        setup_api(app, database=database, settings=Settings(public_url=url), desk=desk)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("database_url")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--record", action="store_true")
    args = parser.parse_args()
    quiet_pipecat_logs()
    uvloop.run(serve(args.port, args.database_url, args.folder if args.record else None))
