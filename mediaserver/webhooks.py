"""The doors for what a carrier says about a call: the answer door, which tells it what to do with the callee, and the status door.

The signature comes first, over the public URL. Then what was said is kept, once, and the carrier has its answer; what else follows from it
does not keep the carrier waiting.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from db.database import LOST, UNDONE, Database, DatabaseUnavailable
from dialer.carrier import Carrier, CarrierReport
from dialer.dialing import hang_up
from dialer.ending import UnknownCall
from dialer.settling import record_report
from dialer.streams import CallIsOver, issue_stream_token
from mediaserver.carriers.twilio import documents
from mediaserver.carriers.twilio.reports import NotUnderstood, read_report
from mediaserver.carriers.twilio.signature import SIGNATURE, BadSignature, Signatures

log = logging.getLogger(__name__)

Result = TypeVar("Result")

_AWAY = (*LOST, *UNDONE, DatabaseUnavailable)

# While the database is away a carrier is asked to wait so long; it waits 15 s for an answer.
PATIENCE_S = (0.1, 0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class CarrierUrls:
    """Where the carrier finds us. `public_url`: without a slash at its end. `stream_url`: of this process, where it has one of its own."""

    public_url: str
    stream_url: str = ""

    def answer(self, call_id: int) -> str:
        """The answer door of an attempt."""
        return f"{self.public_url}/carriers/twilio/answer/{call_id}"

    def status(self, call_id: int) -> str:
        """The status door of an attempt."""
        return f"{self.public_url}/carriers/twilio/status/{call_id}"

    def stream(self) -> str:
        """The door for media streams: wss, or ws where the public URL is http."""
        return self.stream_url or f"ws{self.public_url.removeprefix('http')}/carriers/twilio/stream"


class Webhooks:
    """Both doors of one carrier account."""

    def __init__(self, db: Database, carrier: Carrier, urls: CarrierUrls, signatures: Signatures) -> None:
        self._db, self._carrier, self._urls, self._signatures = db, carrier, urls, signatures
        self._hanging_up: set[asyncio.Task[bool]] = set()
        self.takes_streams: Callable[[], bool] = lambda: True  # not while this process stops

    async def answer(self, request: web.Request) -> web.Response:
        """What is to be done with an answered call: connect its stream, or hang up."""
        call_id = int(request.match_info["attempt"])
        report = await self._read(request)
        try:
            reported = await _patiently(lambda: record_report(self._db, call_id, report))
            if reported.hang_up is not None:
                return _document(documents.hang_up())
            token = await _patiently(lambda: issue_stream_token(self._db, call_id))
        except CallIsOver as over:
            log.info("%s", over)
            return _document(documents.hang_up())
        except UnknownCall:
            log.warning("the carrier asks what to do with call %d, which is none of ours", call_id)
            return _document(documents.hang_up(), HTTPStatus.NOT_FOUND)
        if not self.takes_streams():
            raise web.HTTPServiceUnavailable(text="this media server stops\n", headers={"Retry-After": "5"})
        return _document(documents.connect(self._urls.stream(), token, self._urls.answer(call_id)))

    async def status(self, request: web.Request) -> web.Response:
        """Keep what the carrier says about a call."""
        call_id = int(request.match_info["attempt"])
        report = await self._read(request)
        try:
            reported = await _patiently(lambda: record_report(self._db, call_id, report))
        except UnknownCall:
            log.warning("the carrier tells of call %d, which is none of ours", call_id)
            return web.Response(status=HTTPStatus.NOT_FOUND)
        if reported.hang_up is not None:
            task = asyncio.create_task(hang_up(self._carrier, call_id, reported.hang_up), name=f"hang-up of call {call_id}")
            self._hanging_up.add(task)
            task.add_done_callback(self._hanging_up.discard)
        return web.Response(status=HTTPStatus.NO_CONTENT)

    def check_handshake(self, request: web.BaseRequest) -> str | None:
        """Why a stream's handshake is refused: its signature does not fit. One without a signature is let in: its token decides."""
        if SIGNATURE not in request.headers:
            return None
        parts = urlsplit(self._urls.stream())
        try:
            self._signatures.check(f"{parts.scheme}://{parts.netloc}{request.raw_path}", request.headers)
        except BadSignature as error:
            return str(error)
        return None

    async def close(self) -> None:
        """Wait for what is still to be done."""
        await asyncio.gather(*self._hanging_up, return_exceptions=True)

    async def _read(self, request: web.Request) -> CarrierReport:
        """What a request of the carrier says, once its signature is found good.

        Raises:
            HTTPForbidden: the signature does not fit. HTTPBadRequest: it says nothing that we understand.
        """
        try:
            fields = await self._proved_fields(request)
            return read_report(dict(fields))
        except BadSignature as error:
            log.warning("a request to %s is refused: %s", request.path, error)
            raise web.HTTPForbidden(text="signature refused\n") from error
        except (NotUnderstood, msgspec.DecodeError, LookupError, UnicodeDecodeError) as error:
            log.warning("a request to %s is not understood: %s", request.path, error)
            raise web.HTTPBadRequest(text="not understood\n") from error

    async def _proved_fields(self, request: web.Request) -> list[tuple[str, str]]:
        url = f"{self._urls.public_url}{request.raw_path}"
        if request.content_type == "application/json":
            body = await request.read()
            self._signatures.check(url, request.headers, body=body)
            return list(msgspec.json.decode(body, type=dict[str, str]).items())
        fields = [(name, value) for name, value in (await request.post()).items() if isinstance(value, str)]
        self._signatures.check(url, request.headers, fields=fields)
        return fields


async def _patiently(work: Callable[[], Awaitable[Result]]) -> Result:
    """Do `work`, and again while the database is away. What it does twice must be the same as once.

    Raises:
        HTTPServiceUnavailable: the database stays away; a carrier that asks again later is served then, and settling asks it.
    """
    for pause in PATIENCE_S:
        try:
            return await work()
        except _AWAY as error:
            log.warning("the database is away (%s): the carrier waits %.1f s", type(error).__name__, pause)
        await asyncio.sleep(pause)
    try:
        return await work()
    except _AWAY as error:
        log.error("the database stays away (%s): the carrier is sent off", type(error).__name__)
        raise web.HTTPServiceUnavailable(text="the database is away\n", headers={"Retry-After": "5"}) from error


def _document(text: str, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/xml")
