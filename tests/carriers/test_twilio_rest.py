"""Twilio's REST API: what is asked, once; and what each answer, or the lack of one, is taken to mean."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from dialer.carrier import CarrierRefused, CarrierThrottled, DialOutcomeUnknown, NothingSent, Order
from dialer.lifecycle import CallState
from mediaserver.carriers.twilio.rest import TwilioCarrier
from tests.carriers.twilio_double import ACCOUNT, TOKEN, Handler, TwilioDouble, problem

CALLER, CALLEE = "+15005550006", "+12025550123"
ORDER = Order(7, CALLEE, CALLER, "https://calls.example.com/answer/7", "https://calls.example.com/status/7", 30)
Ask = Callable[[TwilioCarrier], Awaitable[object]]
ASKS: list[Ask] = [
    lambda carrier: carrier.place(ORDER),
    lambda carrier: carrier.hang_up("CA1"),
    lambda carrier: carrier.look_up(CALLEE, CALLER, datetime.now(UTC)),
    lambda carrier: carrier.look_up_call("CA1"),
]


def answering(status: int, code: int = 0, message: str = "no", **headers: str) -> Handler:
    async def answer(_request: web.Request) -> web.Response:
        response = problem(status, code, message)
        response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
        return response

    return answer


async def test_an_order_becomes_one_post_with_both_doors_and_four_events(carrier: TwilioCarrier, network: TwilioDouble) -> None:
    call = await carrier.place(ORDER)
    [(method, path, form)] = network.asked
    assert (method, path) == ("POST", f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json")
    assert list(network.calls) == [call]
    assert form.popall("StatusCallbackEvent") == ["initiated", "ringing", "answered", "completed"]
    assert dict(form) == {
        "To": CALLEE,
        "From": CALLER,
        "Url": ORDER.answer_url,
        "Method": "POST",
        "StatusCallback": ORDER.status_url,
        "StatusCallbackMethod": "POST",
        "Timeout": "30",
    }


async def test_machine_detection_is_asked_for_only_where_wanted(
    server: TestServer, session: aiohttp.ClientSession, network: TwilioDouble
) -> None:
    url = str(server.make_url("")).rstrip("/")
    await TwilioCarrier(session, api_url=url, account_sid=ACCOUNT, auth_token=TOKEN, detect_machines=True).place(ORDER)
    form = network.asked[0][2]
    assert (form["AsyncAmd"], form["AsyncAmdStatusCallback"], form["MachineDetection"]) == ("true", ORDER.status_url, "DetectMessageEnd")


@pytest.mark.parametrize("code", [21211, 21214, 21217, 13224, 21215, 21216, 21202])
async def test_a_number_that_can_not_be_called_is_the_callee_s_fault(carrier: TwilioCarrier, network: TwilioDouble, code: int) -> None:
    network.instead = answering(400, code)
    with pytest.raises(CarrierRefused) as refusal:
        await carrier.place(ORDER)
    assert (refusal.value.fault, refusal.value.code) == ("callee", str(code))


@pytest.mark.parametrize(
    ("status", "code"), [(401, 20003), (403, 20005), (404, 20404), (400, 21210), (400, 21212), (400, 21219), (400, 10002), (400, 21205)]
)
async def test_all_other_refusals_are_ours(carrier: TwilioCarrier, network: TwilioDouble, status: int, code: int) -> None:
    network.instead = answering(status, code)
    with pytest.raises(CarrierRefused) as refusal:
        await carrier.place(ORDER)
    assert (refusal.value.fault, refusal.value.code) == ("ours", str(code))


async def test_a_refusal_without_a_code_has_the_http_status(carrier: TwilioCarrier, network: TwilioDouble) -> None:
    async def page(_request: web.Request) -> web.Response:
        return web.Response(status=403, text="<h1>Forbidden</h1>", content_type="text/html")

    network.instead = page
    with pytest.raises(CarrierRefused, match=r"HTTP 403 \(carrier code 403\)"):
        await carrier.place(ORDER)


async def test_an_answer_that_points_elsewhere_is_not_followed(carrier: TwilioCarrier, network: TwilioDouble) -> None:
    async def elsewhere(_request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": "/other"})

    network.instead = elsewhere
    with pytest.raises(CarrierRefused) as refusal:
        await carrier.place(ORDER)
    assert refusal.value.fault == "ours"
    assert len(network.asked) == 1


async def test_a_refusal_does_not_carry_the_callee_s_number(carrier: TwilioCarrier) -> None:
    with pytest.raises(CarrierRefused) as refusal:
        await carrier.place(Order(7, "+44123456789", CALLER, "https://a/", "https://s/", 30))
    assert "44123" not in str(refusal.value)
    assert "…89, is not valid" in str(refusal.value)


@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize(("headers", "after"), [({}, None), ({"Retry_After": "3"}, 3.0), ({"Retry_After": "soon"}, None)])
async def test_too_many_requests_is_throttling(
    carrier: TwilioCarrier, network: TwilioDouble, ask: Ask, headers: dict[str, str], after: float | None
) -> None:
    network.instead = answering(429, 20429, "Too Many Requests", **headers)
    with pytest.raises(CarrierThrottled) as throttled:
        await ask(carrier)
    assert throttled.value.retry_after_s == after
    assert len(network.asked) == 1


@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
async def test_a_failing_carrier_may_have_acted_and_is_not_asked_again(
    carrier: TwilioCarrier, network: TwilioDouble, ask: Ask, status: int
) -> None:
    network.instead = answering(status)
    with pytest.raises(DialOutcomeUnknown, match=f"HTTP {status}"):
        await ask(carrier)
    assert len(network.asked) == 1


@pytest.mark.parametrize("ask", [ASKS[0], ASKS[1]])
async def test_a_connection_lost_after_sending_leaves_the_outcome_unknown(carrier: TwilioCarrier, network: TwilioDouble, ask: Ask) -> None:
    async def hang(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    network.instead = hang
    with pytest.raises(DialOutcomeUnknown, match="lost after sending"):
        await ask(carrier)
    assert len(network.asked) == 1


async def test_an_answer_cut_off_in_its_middle_leaves_the_outcome_unknown(carrier: TwilioCarrier, network: TwilioDouble) -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=201, headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b'{"sid":"CA')
        assert request.transport is not None
        request.transport.close()
        return response

    network.instead = half
    with pytest.raises(DialOutcomeUnknown):
        await carrier.place(ORDER)


@pytest.mark.parametrize("body", ["", "{}", "<html>", '{"sid":7}', "[" * 20_000])
async def test_a_success_that_can_not_be_read_leaves_the_outcome_unknown(carrier: TwilioCarrier, network: TwilioDouble, body: str) -> None:
    async def strange(_request: web.Request) -> web.Response:
        return web.Response(status=201, text=body)

    network.instead = strange
    with pytest.raises(DialOutcomeUnknown, match="can't be read"):
        await carrier.place(ORDER)


@pytest.mark.parametrize("ask", ASKS)
async def test_silence_leaves_the_outcome_unknown(
    server: TestServer, session: aiohttp.ClientSession, network: TwilioDouble, ask: Ask
) -> None:
    released = asyncio.Event()

    async def silent(_request: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    network.instead = silent
    url = str(server.make_url("")).rstrip("/")
    with pytest.raises(DialOutcomeUnknown, match="did not answer"):
        await ask(TwilioCarrier(session, api_url=url, account_sid=ACCOUNT, auth_token=TOKEN, post_limit_s=0.1))
    released.set()


@pytest.mark.parametrize("ask", ASKS)
async def test_a_refused_connection_sent_nothing(session: aiohttp.ClientSession, ask: Ask) -> None:
    with socket.socket() as taken:  # bound and not listening: every connection is refused, and nobody else can listen there
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(NothingSent, match="no connection"):
            await ask(TwilioCarrier(session, api_url=url, account_sid=ACCOUNT, auth_token=TOKEN))


async def test_a_name_that_does_not_exist_sent_nothing(session: aiohttp.ClientSession) -> None:
    carrier = TwilioCarrier(session, api_url="https://carrier.invalid", account_sid=ACCOUNT, auth_token=TOKEN)
    with pytest.raises(NothingSent, match="no connection"):
        await carrier.place(ORDER)


async def test_a_failed_tls_handshake_sent_nothing(server: TestServer, session: aiohttp.ClientSession, network: TwilioDouble) -> None:
    url = f"https://127.0.0.1:{server.port}"
    with pytest.raises(NothingSent, match="no connection"):
        await TwilioCarrier(session, api_url=url, account_sid=ACCOUNT, auth_token=TOKEN).place(ORDER)
    assert network.asked == []


async def test_hanging_up_asks_for_completed(carrier: TwilioCarrier, network: TwilioDouble) -> None:
    call = network.add(CALLEE, CALLER, "in-progress")
    await carrier.hang_up(call)
    method, path, form = network.asked[0]
    assert (method, path, dict(form)) == ("POST", f"/2010-04-01/Accounts/{ACCOUNT}/Calls/{call}.json", {"Status": "completed"})


@pytest.mark.parametrize("ask", ASKS[1:])
async def test_a_refusal_where_nothing_was_to_be_placed_leaves_things_unknown(
    server: TestServer, session: aiohttp.ClientSession, ask: Ask
) -> None:
    url = str(server.make_url("")).rstrip("/")
    with pytest.raises(DialOutcomeUnknown, match="20003"):
        await ask(TwilioCarrier(session, api_url=url, account_sid=ACCOUNT, auth_token="wrong"))


async def test_looking_up_reads_page_after_page_and_leaves_out_what_is_older(carrier: TwilioCarrier, network: TwilioDouble) -> None:
    now = datetime.now(UTC)
    minutes_ago = [90, 61, 40, 30, 20, 10, 1]
    ids = {ago: network.add(CALLEE, CALLER, "queued", now - timedelta(minutes=ago)) for ago in minutes_ago}
    network.add("+12025550199", CALLER)
    network.add(CALLEE, "+15005550001")
    found = await carrier.look_up(CALLEE, CALLER, now - timedelta(minutes=60))
    assert [call.carrier_call_id for call in found] == [ids[ago] for ago in (1, 10, 20, 30, 40)]
    assert all(call.queued and call.state is CallState.REQUESTED for call in found)
    assert len(network.asked) == 3  # the page that reaches what is older is the last


async def test_a_call_created_in_the_same_second_is_found(carrier: TwilioCarrier, network: TwilioDouble) -> None:
    dialed = datetime.now(UTC).replace(microsecond=900_000)
    call = network.add(CALLEE, CALLER, "ringing", dialed)
    assert [found.carrier_call_id for found in await carrier.look_up(CALLEE, CALLER, dialed)] == [call]


async def test_a_call_that_is_not_dated_yet_is_found(carrier: TwilioCarrier, network: TwilioDouble) -> None:
    call = network.add(CALLEE, CALLER)
    network.calls[call]["date_created"] = None
    found = await carrier.look_up(CALLEE, CALLER, datetime.now(UTC) - timedelta(minutes=1))
    assert [each.carrier_call_id for each in found] == [call]


@pytest.mark.parametrize(
    ("status", "state", "outcome"),
    [
        ("queued", CallState.REQUESTED, None),
        ("ringing", CallState.RINGING, None),
        ("in-progress", CallState.ANSWERED, None),
        ("completed", CallState.ENDED, "answered"),
        ("busy", CallState.ENDED, "busy"),
        ("no-answer", CallState.ENDED, "no_answer"),
        ("failed", CallState.ENDED, "failed"),
        ("canceled", CallState.ENDED, "canceled"),
    ],
)
async def test_a_call_is_told_in_our_words(
    carrier: TwilioCarrier, network: TwilioDouble, status: str, state: CallState, outcome: str | None
) -> None:
    call = network.add(CALLEE, CALLER, status)
    network.calls[call]["duration"] = "12"
    told = await carrier.look_up_call(call)
    assert told is not None
    assert (told.state, told.outcome, told.queued, told.duration_s) == (state, outcome, status == "queued", 12)


async def test_a_status_that_we_do_not_know_is_not_guessed(carrier: TwilioCarrier, network: TwilioDouble) -> None:
    with pytest.raises(DialOutcomeUnknown, match="'parked'"):
        await carrier.look_up_call(network.add(CALLEE, CALLER, "parked"))
