"""One attempt to deliver a message: a POST that follows no redirect, waits ten seconds at most, and reads the beginning of the answer."""

import contextlib
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from urllib.parse import urlsplit

import aiohttp

from mediaserver.outgoing.addresses import AddressRefused, GuardedResolver, allows, literal_address, refusal

WITHIN_S = 10.0
KEPT_OF_ANSWER = 500  # bytes

_HEADERS = {"Content-Type": "application/json", "User-Agent": f"Callwright/{version('callwright')}", "Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one. `error`: empty where the endpoint took it, else what went wrong, for people; `response`: its beginning."""

    status_code: int | None
    error: str
    response: str
    duration_ms: int

    @property
    def gone(self) -> bool:
        """Whether the endpoint says that it wants nothing any more."""
        return self.status_code == 410


class Poster:
    """The connections of this process to endpoints. Make it on the event loop that it runs on; close it there."""

    def __init__(self, *, private_allowed: bool = False, within_s: float = WITHIN_S) -> None:
        self._within_s = within_s
        self._allows = {scheme: allows(scheme, private_allowed) for scheme in ("https", "http")}
        self._resolvers = {scheme: GuardedResolver(scheme, allowed) for scheme, allowed in self._allows.items()}
        self._sessions = {scheme: self._session(resolver) for scheme, resolver in self._resolvers.items()}

    async def close(self) -> None:
        """Close all connections."""
        for session in self._sessions.values():
            await session.close()
        for resolver in self._resolvers.values():
            await resolver.close()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Attempt:
        """Send `body` once. Never raises what an endpoint can cause."""
        began = time.monotonic()
        status, response, error = None, b"", ""
        try:
            status, response = await self._post(url, body, headers)
            error = _said_by(status)
        except TimeoutError:
            error = f"no answer within {self._within_s:.0f} s"
        except (aiohttp.ClientError, OSError, ValueError) as fault:  # ValueError: an address that aiohttp can't read
            error = _in_words(fault)
        took_ms = round((time.monotonic() - began) * 1000)
        return Attempt(status, error, response.decode("utf-8", "replace").replace("\0", ""), took_ms)

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        parts = urlsplit(url)
        literal = literal_address(parts.hostname or "")  # a resolver is not asked about these
        if literal is not None and not self._allows[parts.scheme](literal):
            raise AddressRefused(refusal(parts.scheme, literal))
        async with self._sessions[parts.scheme].post(url, data=body, headers={**_HEADERS, **headers}, allow_redirects=False) as answer:
            return answer.status, await _beginning(answer)

    def _session(self, resolver: GuardedResolver) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, resolver=resolver),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._within_s),
            auto_decompress=False,
        )


async def _beginning(answer: aiohttp.ClientResponse) -> bytes:
    """The first bytes of the answer. That it was taken is known by then: what goes wrong here changes nothing."""
    read = b""
    with contextlib.suppress(TimeoutError, aiohttp.ClientError):
        while len(read) < KEPT_OF_ANSWER and (more := await answer.content.read(KEPT_OF_ANSWER - len(read))):
            read += more
    return read


def _said_by(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"answered {status}, a redirect: enter the address that it leads to"
    return f"answered {status}"


def _in_words(fault: Exception) -> str:
    cause = fault.os_error if isinstance(fault, aiohttp.ClientConnectorError) else fault
    if isinstance(cause, AddressRefused):
        return str(cause)
    if isinstance(fault, aiohttp.ClientConnectorDNSError):
        return "its name can't be looked up: check the address"
    if isinstance(fault, aiohttp.ClientConnectorCertificateError):
        return f"its certificate is not valid: {getattr(fault.certificate_error, 'verify_message', fault.certificate_error)}"
    if isinstance(cause, ssl.SSLError):
        return f"it does not speak https as it should: {cause.reason or cause}"
    if isinstance(fault, aiohttp.ClientConnectorError):
        return f"can't be reached: {fault.strerror or cause}"
    if isinstance(fault, ValueError):
        return "this address can't be used: enter it again"
    return f"the connection broke off: {fault or type(fault).__name__}"
