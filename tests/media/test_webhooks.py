"""The answer door and the status door: signed, told once, answered at once."""

import hashlib
import itertools
import json

import asyncpg
import pytest
from aiohttp import web
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped] # ships no types
from yarl import URL

from dialer.dialing import TrialCall
from dialer.loop import DialerLoop, Process
from dialer.settling import record_report
from mediaserver import webhooks
from mediaserver.carriers.simulated.documents import Connect, Hangup, Redirect, read
from tests.carriers.twilio_double import ACCOUNT, TOKEN
from tests.media.caller import stream
from tests.media.conftest import MediaServer

SIGN = RequestValidator(TOKEN).compute_signature
_sequence = itertools.count()


async def post(server: MediaServer, path: str, fields: dict[str, str], signature: str | None = None) -> tuple[int, str]:
    """Status and body that the carrier gets for a signed form."""
    url = f"{server.url}/carriers/twilio/{path}"
    headers = {"X-Twilio-Signature": SIGN(url, fields) if signature is None else signature}
    async with server.http.post(url, data=fields, headers=headers) as response:
        return response.status, await response.text()


def fields(carrier_id: str, status: str, **more: str) -> dict[str, str]:
    return {"CallSid": carrier_id, "AccountSid": ACCOUNT, "CallStatus": status, **more}


def told(carrier_id: str, status: str, sequence: int | None = None, **more: str) -> dict[str, str]:
    number = next(_sequence) if sequence is None else sequence
    return fields(carrier_id, status, CallbackSource="call-progress-events", SequenceNumber=str(number), **more)


async def test_an_answered_call_gets_a_stream_with_a_token_that_opens_it(server: MediaServer) -> None:
    call, carrier_id = await server.call()
    status, text = await post(server, f"answer/{call}", fields(carrier_id, "in-progress"))
    assert status == 200
    [connect, redirect] = read(text, server.url)
    assert redirect == Redirect(f"{server.url}/carriers/twilio/answer/{call}", "POST")
    assert isinstance(connect, Connect)
    assert connect.url == server.stream_url
    async with stream(connect.url, carrier_id) as caller:
        await caller.start(**connect.parameters)
        await caller.speak()
        await caller.send(caller.frames.stop())
        await caller.until_closed()
    assert (await server.ended(call))["end_reason"] == "hung_up"


async def test_asking_for_the_document_proves_the_answer(server: MediaServer) -> None:
    call, carrier_id = await server.call("unknown")
    await server.db.pool.execute("update calls set carrier_call_id = null where id = $1", call)
    await post(server, f"answer/{call}", fields(carrier_id, "in-progress"))
    row = await server.row(call)
    assert (row["state"], row["carrier_call_id"]) == ("answered", carrier_id)
    assert row["answered_at"] is not None


async def test_the_redirect_after_a_stream_gets_a_new_token_while_the_call_goes_on(server: MediaServer) -> None:
    call, carrier_id = await server.call()
    tokens = set()
    for _ in range(2):
        [connect, _redirect] = read((await post(server, f"answer/{call}", fields(carrier_id, "in-progress")))[1], server.url)
        assert isinstance(connect, Connect)
        tokens.add(connect.parameters["token"])
    assert len(tokens) == 2


@pytest.mark.parametrize(
    "ending", ["state = 'ended', ended_at = callwright_now()", "cancel_wanted = true", "conversation_ended_at = callwright_now()"]
)
async def test_a_callee_of_an_attempt_that_is_over_is_hung_up(server: MediaServer, ending: str) -> None:
    call, carrier_id = await server.call()
    await server.db.pool.execute(f"update calls set {ending} where id = $1", call)
    status, text = await post(server, f"answer/{call}", fields(carrier_id, "in-progress"))
    assert (status, read(text, server.url)) == (200, [Hangup()])


async def test_a_process_that_stops_leads_nobody_to_a_stream_that_it_would_not_take(server: MediaServer) -> None:
    (call, carrier_id), (over, over_id) = await server.call(), await server.call()
    await server.db.pool.execute("update calls set conversation_ended_at = callwright_now() where id = $1", over)
    server.live.draining = True
    assert (await post(server, f"answer/{call}", fields(carrier_id, "in-progress")))[0] == 503
    assert (await server.row(call))["state"] == "answered"  # what the carrier said is kept
    status, text = await post(server, f"answer/{over}", fields(over_id, "in-progress"))
    assert (status, read(text, server.url)) == (200, [Hangup()])
    assert (await post(server, f"status/{call}", told(carrier_id, "completed")))[0] == 204


async def test_a_second_call_of_one_attempt_is_hung_up(server: MediaServer) -> None:
    call, _ = await server.call()
    status, text = await post(server, f"answer/{call}", fields("CA" + "f" * 32, "in-progress"))
    assert (status, read(text, server.url)) == (200, [Hangup()])


async def test_an_attempt_that_nobody_knows_is_hung_up_as_not_found(server: MediaServer) -> None:
    status, text = await post(server, "answer/999999", fields("CA1", "in-progress"))
    assert (status, read(text, server.url)) == (404, [Hangup()])
    assert (await post(server, "status/999999", told("CA1", "ringing")))[0] == 404


@pytest.mark.parametrize("door", ["answer", "status"])
@pytest.mark.parametrize("signature", ["", "wrong", "é"])
async def test_what_is_not_signed_by_the_carrier_changes_nothing(
    server: MediaServer, caplog: pytest.LogCaptureFixture, door: str, signature: str
) -> None:
    call, carrier_id = await server.call()
    before = dict(await server.row(call))
    status, text = await post(server, f"{door}/{call}", told(carrier_id, "completed"), signature)
    assert (status, text) == (403, "signature refused\n")
    assert dict(await server.row(call)) == before
    assert "is refused" in caplog.text


async def test_the_signature_is_over_the_query_too(server: MediaServer) -> None:
    call, carrier_id = await server.call()
    url = f"{server.url}/carriers/twilio/status/{call}?a=1&b=%20"
    data = told(carrier_id, "ringing")
    for signed, expected in ((url, 204), (url.partition("?")[0], 403)):
        headers = {"X-Twilio-Signature": SIGN(signed, data)}
        async with server.http.post(URL(url, encoded=True), data=data, headers=headers) as response:
            assert response.status == expected


@pytest.mark.parametrize("data", [{}, {"CallSid": "CA1"}, {"CallSid": "CA1", "CallStatus": "parked"}, {"CallStatus": "ringing"}])
async def test_a_report_that_says_nothing_is_refused(server: MediaServer, data: dict[str, str]) -> None:
    call, _ = await server.call()
    assert (await post(server, f"status/{call}", data))[0] == 400


@pytest.mark.parametrize("path", ["status/x", "status/-1", "status/" + "9" * 30, "status/", "stream/1"])
async def test_there_is_no_door_without_a_number(server: MediaServer, path: str) -> None:
    assert (await post(server, path, told("CA1", "ringing")))[0] == 404


async def test_reports_move_a_call_whatever_their_order(server: MediaServer) -> None:
    call, carrier_id = await server.call("requested")
    for sequence, status in ((1, "ringing"), (0, "initiated"), (3, "no-answer"), (1, "ringing"), (2, "ringing")):
        assert (await post(server, f"status/{call}", told(carrier_id, status, sequence)))[0] == 204
    row = await server.row(call)
    assert (row["state"], row["outcome"]) == ("ended", "no_answer")
    kept = await server.db.pool.fetchval("select count(*) from call_events where call_id = $1 and source = 'carrier'", call)
    assert kept == 4  # the doubled one once


async def test_a_verdict_on_who_picked_up_is_kept(server: MediaServer) -> None:
    call, carrier_id = await server.call()
    assert (await post(server, f"status/{call}", {"CallSid": carrier_id, "AnsweredBy": "machine_end_beep"}))[0] == 204
    detail = await server.db.pool.fetchval("select detail from call_events where call_id = $1", call)
    assert detail["answered_by"] == "machine_end_beep"


async def test_a_call_that_must_not_go_on_is_hung_up_when_it_is_reported(server: MediaServer) -> None:
    call, carrier_id = await server.call("ringing")
    await server.db.pool.execute("update calls set cancel_wanted = true where id = $1", call)
    await post(server, f"status/{call}", told(carrier_id, "ringing"))
    await server.webhooks.close()
    assert server.network.calls[carrier_id]["status"] == "completed"


async def test_a_json_report_is_read_where_its_hash_is_signed(server: MediaServer) -> None:
    call, carrier_id = await server.call("requested")
    body = json.dumps(told(carrier_id, "ringing")).encode()
    url = f"{server.url}/carriers/twilio/status/{call}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    headers = {"X-Twilio-Signature": SIGN(url, {}), "Content-Type": "application/json"}
    for sent, expected in ((body, 204), (body + b" ", 403)):
        async with server.http.post(url, data=sent, headers=headers) as response:
            assert response.status == expected
    assert (await server.row(call))["state"] == "ringing"


@pytest.mark.parametrize(
    ("said", "answered_with", "state"),
    [("ringing", 201, "ringing"), ("busy", 201, "ended"), ("ringing", 500, "ringing"), ("no-answer", 500, "ended")],
)
async def test_a_callback_that_comes_before_the_answer_of_the_request_wins(
    server: MediaServer, said: str, answered_with: int, state: str
) -> None:
    """Also where that answer says that something failed: the call is there, and is not asked for again."""
    other, _ = await server.call("ended")
    known = await server.row(other)
    loop = DialerLoop(server.db, server.carriers, Process("p1", "host", server.stream_url, 10), webhooks.CarrierUrls(server.url))
    await loop.start_process()
    made: list[str] = []

    async def told_first(request: web.Request) -> web.Response:
        form = await request.post()
        made.append(server.network.add(str(form["To"]), str(form["From"]), said))
        door = str(form["StatusCallback"]).rpartition("/twilio/")[2]
        assert (await post(server, door, told(made[-1], said)))[0] == 204
        return web.json_response(server.network.calls[made[-1]], status=answered_with)

    server.network.instead = told_first
    wanted = TrialCall(
        agent_id=known["agent_id"], phone_number_id=known["phone_number_id"], number="+12025550155", contact_name="", variables={}
    )
    call = await loop.place_test_call(wanted)
    await loop.placed()
    row = await server.row(call)
    assert (row["state"], row["carrier_call_id"]) == (state, made[0])
    assert len(made) == 1


async def test_a_callback_that_is_replayed_changes_nothing_not_even_after_the_end(server: MediaServer) -> None:
    call, carrier_id = await server.call("requested")
    story = [told(carrier_id, status, turn) for turn, status in enumerate(("ringing", "in-progress", "completed"))]
    for each in story:
        assert (await post(server, f"status/{call}", each))[0] == 204
    before = dict(await server.row(call))
    assert (before["state"], before["outcome"]) == ("ended", "dropped")
    for each in [*story, *reversed(story)]:
        assert (await post(server, f"status/{call}", each))[0] == 204
    assert dict(await server.row(call)) == before
    assert await server.db.pool.fetchval("select count(*) from call_events where call_id = $1", call) == len(story)


async def test_an_answer_after_the_callback_that_ended_the_call_is_hung_up(server: MediaServer) -> None:
    call, carrier_id = await server.call("ringing")
    assert (await post(server, f"status/{call}", told(carrier_id, "no-answer")))[0] == 204
    status, text = await post(server, f"answer/{call}", fields(carrier_id, "in-progress"))
    assert (status, read(text, server.url)) == (200, [Hangup()])
    row = await server.row(call)
    assert (row["state"], row["outcome"], row["stream_token_hash"]) == ("ended", "no_answer", None)
    kept = await server.db.pool.fetch("select kind from call_events where call_id = $1 order by id", call)
    assert [event["kind"] for event in kept] == ["ended", "answered"]  # nothing of it is lost


async def test_a_callback_signed_for_another_attempt_is_refused(server: MediaServer) -> None:
    one, one_id = await server.call()
    other, _ = await server.call()
    data = told(one_id, "completed")
    signature = SIGN(f"{server.url}/carriers/twilio/status/{one}", data)
    assert (await post(server, f"status/{other}", data, signature))[0] == 403
    assert (await server.row(other))["state"] == "ringing"


@pytest.mark.parametrize("door", ["answer", "status"])
async def test_a_carrier_waits_for_a_database_that_comes_back(server: MediaServer, monkeypatch: pytest.MonkeyPatch, door: str) -> None:
    call, carrier_id = await server.call()
    real, away = record_report, iter([asyncpg.CannotConnectNowError("starting up"), OSError("no route")])

    async def not_at_first(*given: object) -> object:
        for error in away:
            raise error
        return await real(*given)  # type: ignore[arg-type] # handed through as they came

    monkeypatch.setattr(webhooks, "PATIENCE_S", (0.0, 0.0))
    monkeypatch.setattr(webhooks, "record_report", not_at_first)
    assert (await post(server, f"{door}/{call}", told(carrier_id, "in-progress")))[0] in (200, 204)
    assert (await server.row(call))["state"] == "answered"


async def test_a_database_that_stays_away_is_said_so(server: MediaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    call, carrier_id = await server.call()

    async def away(*_given: object) -> object:
        raise ConnectionRefusedError("nobody there")

    monkeypatch.setattr(webhooks, "PATIENCE_S", (0.0,))
    monkeypatch.setattr(webhooks, "record_report", away)
    status, text = await post(server, f"status/{call}", told(carrier_id, "ringing"))
    assert (status, text) == (503, "the database is away\n")


def test_the_stream_s_address_is_the_public_one_or_that_of_this_process() -> None:
    assert webhooks.CarrierUrls("https://calls.example.com").stream() == "wss://calls.example.com/carriers/twilio/stream"
    assert webhooks.CarrierUrls("http://127.0.0.1:80").stream() == "ws://127.0.0.1:80/carriers/twilio/stream"
    assert webhooks.CarrierUrls("https://a", "wss://b/own").stream() == "wss://b/own"
