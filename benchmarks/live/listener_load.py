"""Supervisors' pages without a browser, of which some read nothing, and what came to the others.

Each asks for a grant, opens the websocket and says the grant, as the page does, again until its call is in progress. Runs in a process of
its own, until the calls are over; prints one JSON line, a `Heard`.
Usage: python -m benchmarks.live.listener_load URL SESSION --calls 50 --listeners 50 --deaf 10
"""

import argparse
import asyncio
import json
import socket
import struct
from collections import Counter
from dataclasses import asdict, dataclass, field

import aiohttp
import uvloop
import websockets

RATE = 8000
TRIES = 100
AGAIN_S = 0.2
SMALL = 4096  # bytes of a deaf page's receive buffer: what it does not read waits at the server
LOST = (OSError, websockets.WebSocketException, aiohttp.ClientError)


@dataclass(slots=True)
class Heard:
    """`joined`: pages that were let in. `seconds`: of audio that the reading ones got; `holes`: positions that did not follow each other;
    `skipped_ms`: what they were told that they missed."""

    joined: int = 0
    seconds: float = 0.0
    holes: int = 0
    skipped_ms: int = 0
    errors: Counter[str] = field(default_factory=Counter)


async def connect(url: str, session: str, call: int, *, deaf: bool) -> websockets.ClientConnection:
    """A page that was welcomed, on its call."""
    async with aiohttp.ClientSession(cookies={"callwright_session": session}) as http:
        for _ in range(TRIES):
            async with http.post(f"{url}/api/v1/live/{call}/grant", json={}, headers={"X-Callwright": "1"}) as answer:
                grant = (await answer.json())["grant"]
            page = await _open(url, session, call, deaf=deaf)
            await page.send(json.dumps({"type": "grant", "grant": grant}))
            if json.loads(await page.recv())["type"] == "welcome":
                return page
            await page.close()
            await asyncio.sleep(AGAIN_S)
    raise OSError(f"call {call} never began")


async def _open(url: str, session: str, call: int, *, deaf: bool) -> websockets.ClientConnection:
    peer = socket.socket()
    if deaf:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    peer.setblocking(False)
    host, _, port = url.removeprefix("http://").partition(":")
    await asyncio.get_running_loop().sock_connect(peer, (host, int(port)))
    cookie = {"Cookie": f"callwright_session={session}"}
    address = f"{url.replace('http', 'ws')}/live/{call}/stream"
    queue = 1 if deaf else None
    return await websockets.connect(address, sock=peer, additional_headers=cookie, compression=None, ping_interval=None, max_queue=queue)


async def listen(page: websockets.ClientConnection, heard: Heard) -> None:
    """Read until the call is over."""
    following: int | None = None
    async for message in page:
        if isinstance(message, bytes):
            at, samples = struct.unpack_from("<II", message)
            heard.holes += following is not None and at != following
            heard.seconds += samples / RATE
            following = at + samples
        elif (told := json.loads(message))["type"] == "skipped":
            heard.skipped_ms += told["ms"]


async def run(args: argparse.Namespace) -> Heard:
    heard = Heard()
    over = asyncio.Event()

    async def follow(number: int, *, deaf: bool) -> None:
        call = 0 if number < args.on_one else number % args.calls
        try:
            page = await connect(args.url, args.session, args.first + call, deaf=deaf)
            heard.joined += 1
            if deaf:
                await over.wait()
                page.transport.abort()
            else:
                await listen(page, heard)
        except LOST as error:
            heard.errors[type(error).__name__] += 1

    every = args.listeners // args.deaf
    reading = [asyncio.create_task(follow(number, deaf=False)) for number in range(args.listeners) if number % every]
    deaf = [asyncio.create_task(follow(number, deaf=True)) for number in range(0, args.listeners, every)]
    await asyncio.gather(*reading)
    over.set()
    await asyncio.gather(*deaf)
    return heard


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("session")
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--listeners", type=int, default=50)
    parser.add_argument("--on-one", type=int, default=0, help="so many of them on the first call, the others spread over all")
    parser.add_argument("--deaf", type=int, default=10, help="so many of them, each so many'th, read nothing")
    parser.add_argument("--first", type=int, default=1, help="the first call's id")
    print(json.dumps(asdict(uvloop.run(run(parser.parse_args())))))


if __name__ == "__main__":
    main()
