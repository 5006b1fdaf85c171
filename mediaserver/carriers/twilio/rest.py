"""Calls over Twilio's REST API, or any API that speaks the same: place, hang up, look up. Nothing is asked twice here.

What an answer means is decided in two places, `TwilioCarrier._ask` and `place`: whose fault it is, and whether the
carrier may have acted on the request. Source: https://www.twilio.com/docs/voice/api/call-resource.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TypeVar

import aiohttp
import msgspec

from dialer.carrier import CarrierCall, CarrierRefused, CarrierThrottled, DialOutcomeUnknown, NothingSent, Order
from mediaserver.carriers.twilio.reports import PROGRESS, read_time

# Codes that speak of the callee's number: invalid, unreachable, premium, or a place that this account may not call.
# All other refusals are ours.
CALLEE_CODES = frozenset({"13223", "13224", "13227", "21202", "21211", "21214", "21215", "21216", "21217"})
# "Call is not in progress" and "not found": for a hang-up, what was wanted.
ENDED_CODES = frozenset({"21220", "20404"})

_PAGE = 50
_LONG_NUMBER = re.compile(r"\+?\d{5,}(?=\d{2})")


class _Problem(msgspec.Struct):
    code: int | str = ""
    message: str = ""


class _Call(msgspec.Struct, rename={"caller": "from"}):
    sid: str
    status: str
    to: str = ""
    caller: str = ""
    date_created: str | None = None
    duration: str | None = None


class _Placed(msgspec.Struct):
    sid: str


class _Page(msgspec.Struct):
    calls: list[_Call]
    next_page_uri: str | None = None


_Body = TypeVar("_Body", _Placed, _Page, _Call)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes

    def problem(self) -> tuple[str, str]:
        """The carrier's code and message; the HTTP status where the body names none. Phone numbers in the message are masked."""
        try:
            found = msgspec.json.decode(self.body, type=_Problem)
        except (msgspec.DecodeError, RecursionError):
            found = _Problem()
        message = found.message or f"the carrier answered with HTTP {self.status}"
        return str(found.code or self.status), _LONG_NUMBER.sub("…", message)

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status < 300

    def refused(self) -> DialOutcomeUnknown:
        """Where nothing was to be placed, a refusal only says that we know no more than before."""
        code, message = self.problem()
        return DialOutcomeUnknown(f"the carrier refuses to say or do it: {message} (carrier code {code})")


class TwilioCarrier:
    """One account. Implements `dialer.carrier.Carrier`.

    `session` is shared and not closed here. `api_url` without a path (`https://api.twilio.com`). `post_limit_s`: the time limit of
    each request, in seconds. `detect_machines`: have the carrier tell, while the call goes on, who picked up (at its own charge).
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        api_url: str,
        account_sid: str,
        auth_token: str,
        post_limit_s: float = 5.0,
        detect_machines: bool = False,
    ) -> None:
        self._session = session
        self._api_url = api_url
        self._account = f"{api_url}/2010-04-01/Accounts/{account_sid}"
        self._headers = {"Authorization": aiohttp.encode_basic_auth(account_sid, auth_token), "Accept": "application/json"}
        self._detect_machines = detect_machines
        self.post_limit_s = post_limit_s

    async def place(self, order: Order) -> str:
        """Ask for the call, once; returns the carrier's id of it. Raises as `dialer.carrier.Carrier.place` says."""
        form = [
            ("To", order.to),
            ("From", order.caller),
            ("Url", order.answer_url),
            ("Method", "POST"),
            ("StatusCallback", order.status_url),
            ("StatusCallbackMethod", "POST"),
            *(("StatusCallbackEvent", event) for event in ("initiated", "ringing", "answered", "completed")),
            ("Timeout", str(order.ring_timeout_s)),
        ]
        if self._detect_machines:
            form += [
                ("MachineDetection", "DetectMessageEnd"),
                ("AsyncAmd", "true"),
                ("AsyncAmdStatusCallback", order.status_url),
                ("AsyncAmdStatusCallbackMethod", "POST"),
            ]
        answer = await self._ask("POST", f"{self._account}/Calls.json", form=form)
        if not answer.succeeded:
            code, message = answer.problem()
            raise CarrierRefused("callee" if code in CALLEE_CODES else "ours", code, message)
        return _read(answer, _Placed).sid

    async def hang_up(self, carrier_call_id: str) -> None:
        """End the call, whether queued, ringing or answered (`completed` does all three). One that has ended or is not known: success.

        Raises CarrierThrottled, DialOutcomeUnknown (also where it is refused), NothingSent.
        """
        answer = await self._ask("POST", self._call_url(carrier_call_id), form=[("Status", "completed")])
        if not answer.succeeded and answer.problem()[0] not in ENDED_CODES:
            raise answer.refused()

    async def look_up(self, to: str, caller: str, created_after: datetime) -> list[CarrierCall]:
        """Calls to `to` from `caller` that the carrier created since `created_after` (to the second: it tells no more), newest first.

        A queued call has no start time, and the carrier filters start times by day only: so we ask by numbers and compare the
        creation times. Raises CarrierThrottled, DialOutcomeUnknown (also where it is refused), NothingSent.
        """
        since = created_after.replace(microsecond=0)
        found: list[CarrierCall] = []
        url, query = f"{self._account}/Calls.json", {"To": to, "From": caller, "PageSize": str(_PAGE)}
        while url:
            answer = await self._ask("GET", url, query=query)
            if not answer.succeeded:
                raise answer.refused()
            page = _read(answer, _Page)
            calls = [_told(call) for call in page.calls]
            found += [call for call in calls if call.created_at >= since]
            more = page.next_page_uri or ""
            reached_older = not calls or calls[-1].created_at < since
            url, query = ("", {}) if reached_older or not more.startswith("/") else (f"{self._api_url}{more}", {})
        return sorted(found, key=lambda call: call.created_at, reverse=True)

    async def look_up_call(self, carrier_call_id: str) -> CarrierCall | None:
        """One call by the carrier's id; None where the carrier knows no such call. Raises as `look_up`."""
        answer = await self._ask("GET", self._call_url(carrier_call_id))
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        if not answer.succeeded:
            raise answer.refused()
        return _told(_read(answer, _Call))

    def _call_url(self, carrier_call_id: str) -> str:
        return f"{self._account}/Calls/{carrier_call_id}.json"

    async def _ask(
        self, method: str, url: str, *, form: list[tuple[str, str]] | None = None, query: dict[str, str] | None = None
    ) -> _Answer:
        """One request and its whole answer, where the carrier has decided something (2xx, 3xx, 4xx).

        Raises:
            NothingSent: no connection was made. CarrierThrottled: 429. DialOutcomeUnknown: it may have been acted on.
        """
        try:
            async with self._session.request(
                method,
                url,
                data=form,
                params=query,
                headers=self._headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=self.post_limit_s),
            ) as response:
                answer, retry_after = _Answer(response.status, await response.read()), response.headers.get("Retry-After", "")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NothingSent(f"no connection to {self._api_url}: {error}") from error
        except TimeoutError as error:
            raise DialOutcomeUnknown(f"{self._api_url} did not answer within {self.post_limit_s:g} s") from error
        except aiohttp.ClientError as error:
            raise DialOutcomeUnknown(f"the connection to {self._api_url} was lost after sending: {error!r}") from error
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise CarrierThrottled(answer.problem()[1], float(retry_after) if retry_after.isdecimal() else None)
        if answer.status >= 500 or answer.status == HTTPStatus.REQUEST_TIMEOUT:
            raise DialOutcomeUnknown(f"{self._api_url} answered with HTTP {answer.status}")
        return answer


def _read(answer: _Answer, kind: type[_Body]) -> _Body:
    """The body of an answer of success. What can't be read was acted on all the same: DialOutcomeUnknown."""
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise DialOutcomeUnknown(f"the carrier answered with HTTP {answer.status} and a body that can't be read: {error}") from error


def _told(call: _Call) -> CarrierCall:
    if call.status not in PROGRESS:
        raise DialOutcomeUnknown(f"the carrier tells of a call with the status {call.status!r}, which we do not know")
    state, outcome = PROGRESS[call.status]
    return CarrierCall(
        carrier_call_id=call.sid,
        to=call.to,
        caller=call.caller,
        state=state,
        created_at=read_time(call.date_created) or datetime.now(UTC),  # not dated yet: created just now
        queued=call.status == "queued",
        outcome=outcome,
        duration_s=int(call.duration) if call.duration and call.duration.isdecimal() else None,
    )
