"""Status callbacks: each signed, each on its own way, so that they arrive in any order, sometimes late, sometimes twice, and
again after a failure.

Source: https://www.twilio.com/docs/voice/api/call-resource#statuscallback
"""

import asyncio
import logging
import random
from dataclasses import dataclass

import aiohttp
from yarl import URL

from mediaserver.carriers.simulated import signing
from mediaserver.carriers.simulated.calls import Call, Ending, now, rfc2822
from mediaserver.carriers.simulated.settings import NetworkSettings

log = logging.getLogger(__name__)

SOURCE = "call-progress-events"
_PROMPT_SHARE = 0.5  # callbacks that leave at once


@dataclass(frozen=True, slots=True)
class Way:
    """How one callback travels: delays in ms before it is sent, and before it is sent again (None: once only)."""

    delay_ms: int
    again_after_ms: int | None


def draw_way(chance: random.Random, settings: NetworkSettings) -> Way:
    """The way of the next callback of a call."""
    if chance.random() < settings.late_callback_share:
        delay = chance.randint(0, settings.late_callback_ms)
    else:
        delay = 0 if chance.random() < _PROMPT_SHARE else chance.randint(0, settings.callback_delay_ms)
    doubled = chance.random() < settings.doubled_callback_share
    return Way(delay, chance.randint(0, settings.late_callback_ms) if doubled else None)


class Callbacks:
    """All callbacks under way."""

    def __init__(self, http: aiohttp.ClientSession, settings: NetworkSettings) -> None:
        self._http, self._settings = http, settings
        self._under_way: set[asyncio.Task[None]] = set()

    def report(self, call: Call, event: str, way: Way, ending: Ending | None = None) -> None:
        """Tell that `event` (initiated, ringing, answered, completed) has happened now, if the order asked for it. Returns at
        once."""
        sequence, call.sequence = call.sequence, call.sequence + 1
        if not call.order.status_url or event not in call.order.events:
            return
        fields = {
            **call.fields(),
            "SequenceNumber": str(sequence),
            "CallbackSource": SOURCE,
            "Timestamp": rfc2822(now()) or "",
        }
        if ending is not None:
            fields |= {"CallDuration": str(call.duration_s), "Duration": str(-(-call.duration_s // 60)), "SipResponseCode": ending.sip_code}
        self._send_later(call, fields, way.delay_ms)
        if way.again_after_ms is not None:
            self._send_later(call, fields, way.delay_ms + way.again_after_ms)

    async def drain(self) -> None:
        """Return when none is under way."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def close(self) -> None:
        """Drop what is under way."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _send_later(self, call: Call, fields: dict[str, str], delay_ms: int) -> None:
        task = asyncio.create_task(self._deliver(call, fields, delay_ms), name="status callback")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _deliver(self, call: Call, fields: dict[str, str], delay_ms: int) -> None:
        await asyncio.sleep(delay_ms / 1000)
        pause_s = self._settings.callback_retry_ms / 1000
        for attempt in range(self._settings.callback_tries):
            if attempt:
                await asyncio.sleep(pause_s * 2 ** (attempt - 1))
            problem = await self._try(call, fields)
            if not problem:
                return
        log.warning("a callback of call %s was given up after %d tries: %s", call.sid, self._settings.callback_tries, problem)

    async def _try(self, call: Call, fields: dict[str, str]) -> str:
        """One delivery; what went wrong, or nothing."""
        try:
            async with request(self._http, self._settings, call.order.status_url, call.order.status_method, fields) as response:
                return "" if response.status < 500 else f"status {response.status}"
        except (aiohttp.ClientError, TimeoutError) as error:
            return type(error).__name__


def request(
    http: aiohttp.ClientSession, settings: NetworkSettings, url: str, method: str, fields: dict[str, str]
) -> "aiohttp.client._RequestContextManager":
    """A signed request of the network: fields in a form, or in the query for GET."""
    timeout = aiohttp.ClientTimeout(total=settings.request_timeout_s)
    if method == "GET":
        whole = str(URL(url).update_query(fields))
        headers = {signing.HEADER: signing.signature(settings.auth_token, whole)}
        return http.get(whole, headers=headers, timeout=timeout)
    headers = {signing.HEADER: signing.signature(settings.auth_token, url, fields)}
    return http.post(url, data=fields, headers=headers, timeout=timeout)
