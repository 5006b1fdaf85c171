"""The door for live pages: a websocket to a call in progress, for whoever has a session and a grant.

A browser comes in at any process; where another one holds the call, the socket is passed on to it (`mediaserver.supervision.peers`).
Whoever is refused learns nothing but that; the log says why, and the audit log where it is known who it was.
"""

import asyncio
import logging
from urllib.parse import urlsplit

import asyncpg
import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from db.audit import audit
from db.database import LOST, DatabaseUnavailable
from mediaserver.api.access import SESSION_COOKIE
from mediaserver.identity import Person, who_by_session
from mediaserver.supervision.desk import Desk
from mediaserver.supervision.grants import NEEDED, Admitted, GrantRefused, Kind, NotInProgress, WhyNot, redeem
from mediaserver.supervision.listener import CLOSE_WITHIN_S, Listener, page_socket
from mediaserver.supervision.live_call import LiveCall
from mediaserver.supervision.pace import Pace
from mediaserver.supervision.peers import HolderAway
from mediaserver.supervision.protocol import Grant, Listen, OverTold, RefusedTold, Told, read_asked, told

log = logging.getLogger(__name__)

GRANT_WITHIN_S = 5.0

REFUSED = "this page can't be connected: open the call again from the dashboard"
NO_LONGER = "you are signed out, or may not supervise calls any more: sign in again"
BEGINS_OR_ENDS = "this call has just begun, or ends in this moment: wait a moment"
DATABASE_AWAY = "the database does not answer: wait a moment"
TOO_MUCH = "this page said more than a microphone can: open the call again from the dashboard"
STOPPING = "this media server stops: wait a moment"

_AWAY = (*LOST, DatabaseUnavailable, asyncpg.PostgresError)  # or it is full, or refuses us


class _Gone(Exception):
    """The page is closed."""


class LiveDoor:
    """`public_url`: how browsers reach us, without a slash at its end."""

    def __init__(self, desk: Desk, public_url: str) -> None:
        self._desk, self._public_url = desk, public_url
        self._pages: set[web.WebSocketResponse] = set()
        self._noting: set[asyncio.Task[None]] = set()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """One page's connection, from its handshake to its end."""
        if not is_ours(request.headers.get("Origin"), self._public_url, request.host):
            log.warning("a live page is refused: it comes from another site")
            return web.Response(status=403, text="open the live page from its own address\n")
        page = page_socket()
        await page.prepare(request)
        self._pages.add(page)
        try:
            await _farewell(page, await self._serve(request, page))
        finally:
            self._pages.discard(page)
        return page

    async def close(self) -> None:
        """End all connections: pages come in again, at another process."""
        await asyncio.gather(*(_farewell(page, RefusedTold(STOPPING, again=True)) for page in list(self._pages)))

    async def _serve(self, request: web.Request, page: web.WebSocketResponse) -> Told | None:
        """Everything until the page is gone. What is to be told to it last."""
        call_id = int(request.match_info["call_id"])
        try:
            await self._connect(request, page, call_id)
        except _Gone:
            log.info("a live page of call %d went away", call_id)
        except GrantRefused as refused:
            return RefusedTold(REFUSED, again=refused.why in (WhyNot.NO_GRANT, WhyNot.USED, WhyNot.EXPIRED))
        except NotInProgress:
            return OverTold()
        except HolderAway as away:
            return RefusedTold(str(away), again=True)
        except _AWAY as error:
            log.warning("a live page can't be let in: the database does not answer (%s)", type(error).__name__)
            return RefusedTold(DATABASE_AWAY, again=True)
        return None

    async def _connect(self, request: web.Request, page: web.WebSocketResponse, call_id: int) -> None:
        session = request.cookies.get(SESSION_COOKIE)
        person = await who_by_session(self._desk.database, session) if session else None
        try:
            if person is None or session is None:
                raise GrantRefused(WhyNot.NOT_SIGNED_IN)
            if not any(person.role.covers(needed) for needed in NEEDED.values()):
                raise GrantRefused(WhyNot.ROLE)
            holder = await self._desk.elsewhere(request, call_id)
            if holder is not None:
                await self._desk.peers.relay(request, page, holder)
                return
            first = await _first(page)
            admitted = await redeem(self._desk.database, call_id, first.grant, session)
        except GrantRefused as refused:
            await self._note_refusal(call_id, person, refused.why)
            raise
        if request.transport is None:
            raise _Gone
        call = self._desk.find(call_id)
        if call is None:
            raise HolderAway(BEGINS_OR_ENDS)
        listens = first.listen and admitted.kind is Kind.SUPERVISE
        await self._stay(page, Listener(page, request.transport, name=admitted.name, audio=listens), call, admitted)

    async def _stay(self, page: web.WebSocketResponse, listener: Listener, call: LiveCall, admitted: Admitted) -> None:
        loop = asyncio.get_running_loop()
        since = loop.time()
        writing = asyncio.create_task(listener.write(), name="live page writer")
        try:
            self._desk.standing.enter(listener.connection, admitted, lambda: _turn_out(call, listener))
            listener.tell(call.welcome(listener.connection, admitted.name, admitted.may))
            call.join(listener)
            await _read(page, call, listener, admitted)
        finally:
            self._desk.standing.leave(listener.connection)
            call.leave(listener)
            listener.close()
            left = self._note(admitted.name, "live.left", call.call_id, {"seconds": round(loop.time() - since)})
            noting = asyncio.create_task(left)  # a web server may cancel whoever serves a connection that is lost
            self._noting.add(noting)
            noting.add_done_callback(self._noting.discard)
            await writing
            await asyncio.shield(noting)

    async def _note_refusal(self, call_id: int, person: Person | None, why: WhyNot) -> None:
        log.warning("a live page of call %d is refused: %s", call_id, why)
        if person is not None:
            await self._note(person.actor, "live.refused", call_id, {"why": why})

    async def _note(self, actor: str, action: str, call_id: int, detail: dict[str, str | int]) -> None:
        try:
            async with self._desk.database.transaction() as connection:
                await audit(connection, actor, action, f"call {call_id}", detail)
        except _AWAY as error:
            log.error("%s of call %d is not in the audit log: the database did not answer (%s)", action, call_id, type(error).__name__)


def _turn_out(call: LiveCall, listener: Listener) -> None:
    listener.close(RefusedTold(NO_LONGER))
    call.dismiss(listener)


def is_ours(origin: str | None, public_url: str, host: str) -> bool:
    """Whether a handshake comes from a page of ours, or from a program: browsers always say where a page is from. `host`: that was asked
    for; only its name counts, since TLS may end in front of us."""
    if origin is None or origin == public_url:
        return True
    try:
        return urlsplit(origin).netloc == host
    except ValueError:
        return False


async def _first(page: web.WebSocketResponse) -> Grant:
    """The grant, which is to come soon and first.

    Raises:
        GrantRefused
    """
    try:
        message = await page.receive(timeout=GRANT_WITHIN_S)
        if page.closed:
            raise _Gone
        asked = read_asked(message.data) if message.type is WSMsgType.TEXT else None
    except (TimeoutError, msgspec.DecodeError):
        asked = None
    except ConnectionError as error:
        raise _Gone from error
    if not isinstance(asked, Grant):
        raise GrantRefused(WhyNot.NO_GRANT)
    return asked


async def _read(page: web.WebSocketResponse, call: LiveCall, listener: Listener, admitted: Admitted) -> None:
    """What the page says, until it is closed by either side."""
    clock = asyncio.get_running_loop().time
    pace = Pace(clock())
    try:
        async for message in page:
            if listener.closed:
                return
            if not pace.allows(clock()):
                log.warning("a live page of call %d is closed: it says more than a microphone can", call.call_id)
                listener.close(RefusedTold(TOO_MUCH))
                return
            if message.type is WSMsgType.BINARY:
                call.microphone(listener.connection, message.data)
            elif (
                message.type is WSMsgType.TEXT and isinstance(asked := read_asked(message.data), Listen) and admitted.kind is Kind.SUPERVISE
            ):
                call.listen(listener, asked.on)
            await asyncio.sleep(0)  # what comes in a burst is read in turns with all else
    except msgspec.DecodeError:
        log.warning("a live page of call %d is closed: it said something that is no message", call.call_id)
    except ConnectionError:
        log.info("a live page of call %d was lost", call.call_id)


async def _farewell(page: web.WebSocketResponse, last: Told | None) -> None:
    """Close the socket, after a last message; a page that does not take it is cut off when its connection ends."""
    try:
        async with asyncio.timeout(CLOSE_WITHIN_S):
            if last is not None and not page.closed:
                await page.send_str(told(last))
            await page.close(code=WSCloseCode.OK if last is None else WSCloseCode.POLICY_VIOLATION)
    except (TimeoutError, ConnectionError):
        log.info("a live page was gone before it could be told so")
