"""The other processes of this installation: what is asked here about a call that another one holds is passed on to it.

The holder decides. It is given the person's own cookie or token, and checks it and the grant itself. What was passed on is never passed on
again. The relay of a websocket is dumb: it reads the next message when the one before has gone out. A page that does not read makes the
holder wait, once what aiohttp reads ahead is full (512 KB), and the holder's listener skips forward as for a page of its own.
"""

import asyncio
import logging
from collections.abc import Mapping
from socket import SO_RCVBUF, SO_SNDBUF, SOL_SOCKET

import aiohttp
from aiohttp import WSMsgType, web

from db.rows import CallHolder
from mediaserver.supervision.listener import CLOSE_WITHIN_S, HEARTBEAT_S, MOST_UNSENT, SEND_BUFFER
from mediaserver.supervision.pace import Pace

log = logging.getLogger(__name__)

PASSED_ON = "X-Callwright-Passed-On"  # its value: the process that did
ANSWERS_WITHIN_S = 10.0
LONGEST_MESSAGE = 1024 * 1024  # bytes; a welcome to a call of an hour has some 100 KB

AWAY = "the process that holds this call does not answer: look again in a moment"

_AS_ASKED = ("Authorization", "Cookie", "X-Callwright", "Content-Type")


class HolderAway(Exception):
    """The process that holds the call can't be reached in this moment; the message says so, for people."""


class Peers:
    """`process_id`: our own."""

    def __init__(self, session: aiohttp.ClientSession, process_id: str) -> None:
        self._session, self._process_id = session, process_id

    def elsewhere(self, request: web.BaseRequest, holder: CallHolder) -> bool:
        """Whether `request` is to be passed on to `holder`.

        Raises:
            HolderAway: the holder can't be asked, or this was passed on to us by mistake: the call went elsewhere meanwhile.
        """
        if holder.process_id == self._process_id:
            return False
        if not holder.alive or not holder.address or PASSED_ON in request.headers:
            raise HolderAway(AWAY)
        return True

    async def ask(self, request: web.BaseRequest, holder: CallHolder, body: str | None) -> web.Response:
        """The holder's answer to a command.

        Raises:
            HolderAway
        """
        try:
            async with (
                asyncio.timeout(ANSWERS_WITHIN_S),
                self._session.request(
                    request.method, holder.address + request.raw_path, data=body, headers=self._headers(request), allow_redirects=False
                ) as answer,
            ):
                content = await answer.read()
                return web.Response(body=content or None, status=answer.status, headers=_content_type(answer.headers))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._away(holder, error) from error

    async def relay(self, request: web.Request, page: web.WebSocketResponse, holder: CallHolder) -> None:
        """Pass on what `page` and the holder say to each other until one of them ends it.

        Raises:
            HolderAway
        """
        _keep_little(request.transport)
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                upstream = await self._session.ws_connect(
                    holder.address + request.raw_path,
                    headers=self._headers(request),
                    origin=holder.address,
                    heartbeat=HEARTBEAT_S,
                    max_msg_size=LONGEST_MESSAGE,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_WITHIN_S),
                )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._away(holder, error) from error
        upstream.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_RCVBUF, SEND_BUFFER)
        pace = Pace(asyncio.get_running_loop().time())
        ways = [asyncio.create_task(_pass_on(page, upstream, pace)), asyncio.create_task(_pass_on(upstream, page))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            await upstream.close()

    def _away(self, holder: CallHolder, error: Exception) -> HolderAway:
        log.warning("process %s, which holds call %d, does not answer: %s", holder.process_id, holder.call_id, type(error).__name__)
        return HolderAway(AWAY)

    def _headers(self, request: web.BaseRequest) -> Mapping[str, str]:
        return {PASSED_ON: self._process_id} | {name: request.headers[name] for name in _AS_ASKED if name in request.headers}


Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


async def _pass_on(source: Socket, sink: Socket, pace: Pace | None = None) -> None:
    """One message after the other, each read only when the one before has gone out. Ends where `source` says more than `pace` allows."""
    clock = asyncio.get_running_loop().time
    while True:
        message = await source.receive()
        if pace is not None and not pace.allows(clock()):
            log.warning("a live page is closed: it says more than a microphone can")
            return
        try:
            if message.type is WSMsgType.TEXT:
                await sink.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await sink.send_bytes(message.data)
            else:
                return
        except ConnectionError:
            return
        await asyncio.sleep(0)  # what comes in a burst is passed on in turns with all else


def _keep_little(transport: asyncio.Transport | None) -> None:
    """Old audio must not wait on our side: it could not be skipped any more."""
    if transport is not None:
        transport.set_write_buffer_limits(high=MOST_UNSENT)
        transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_SNDBUF, SEND_BUFFER)


def _content_type(headers: Mapping[str, str]) -> Mapping[str, str]:
    return {"Content-Type": headers["Content-Type"]} if "Content-Type" in headers else {}
