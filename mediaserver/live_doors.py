"""The doors of live calls of one process, wired into its application: the pages, their websocket, and what is done in the background."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import asyncpg
from aiohttp import web

from db.database import LOST, Database
from mediaserver.supervision.board import Board
from mediaserver.supervision.desk import Desk
from mediaserver.supervision.door import LiveDoor
from mediaserver.supervision.floor import Floor
from mediaserver.supervision.pages import setup_pages
from mediaserver.supervision.peers import Peers


def setup_live_doors(
    app: web.Application,
    *,
    database: Database,
    floor: Floor,
    peers: Peers,
    process_id: str,
    public_url: str,
    dashboard_url: str = "",
) -> Desk:
    """Add the doors to `app`. Add them behind those of the carriers: pages stay open while calls in progress finish. Returns the desk,
    for the API.
    """
    desk = Desk(database, floor, peers)
    door = LiveDoor(desk, public_url)
    board = Board(database, process_id, floor.statuses)
    app.router.add_get(r"/live/{call_id:\d{1,18}}/stream", door.stream)
    setup_pages(app, database, dashboard_url)

    async def duties(_app: web.Application) -> AsyncIterator[None]:
        running = [asyncio.create_task(duty) for duty in (floor.run(), board.run(), desk.standing.run())]
        yield
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        with suppress(*LOST, asyncpg.PostgresError):  # what stays on the board is told from what is in progress by the calls themselves
            await board.run_once()

    async def close(_app: web.Application) -> None:
        await door.close()

    app.cleanup_ctx.append(duties)
    app.on_shutdown.append(close)
    return desk
