"""The stream's door: who may come in, and what a peer may do wrong without harm to others."""

import asyncio
import base64
import json
import struct
from collections.abc import Awaitable, Callable
from socket import SHUT_RDWR, SO_LINGER, SOL_SOCKET
from typing import Any

import aiohttp
import pytest
from aiohttp import WSCloseCode
from streamdouble.protocol import build_start  # type: ignore[import-untyped] # ships no types

from mediaserver import media
from mediaserver.carriers.twilio.signature import SIGNATURE, sign
from tests.carriers.twilio_double import TOKEN
from tests.media.caller import Caller, stream
from tests.media.conftest import MediaServer
from tests.media.conversations import Ears, keep_listening, outcome, say_a_tone


async def refused(server: MediaServer, **parameters: str) -> bool:
    """Whether a stream with these parameters is turned away."""
    async with stream(server.stream_url) as caller:
        await caller.start(**parameters)
        return await caller.until_closed() == WSCloseCode.POLICY_VIOLATION


async def test_a_call_goes_from_its_token_to_its_kept_result(server: MediaServer) -> None:
    server.converse = say_a_tone
    call, carrier_id = await server.call()
    async with stream(server.stream_url, carrier_id) as caller:
        await caller.start(token=await server.token(call))
        assert await caller.until_closed() == WSCloseCode.OK
    row = await server.ended(call)
    assert (row["state"], row["outcome"], row["end_reason"], row["summary"]) == ("ended", "person", "goodbye", "it went well")
    assert row["process_id"] == "p1"
    assert await server.db.pool.fetchval("select text from transcript_turns where call_id = $1", call) == "a tone"


async def test_a_wanted_end_is_a_hang_up_over_rest_before_the_socket_closes(server: MediaServer) -> None:
    server.converse = say_a_tone
    call, carrier_id = await server.call()
    async with stream(server.stream_url, carrier_id) as caller:
        await caller.start(token=await server.token(call))
        await caller.until_closed()
        assert server.network.calls[carrier_id]["status"] == "completed"


async def test_a_call_that_the_carrier_ended_is_not_hung_up_again(server: MediaServer) -> None:
    call, carrier_id = await server.call()
    async with stream(server.stream_url, carrier_id) as caller:
        await caller.start(token=await server.token(call))
        await caller.speak()
        await caller.send(caller.frames.stop())
        assert await caller.until_closed() == WSCloseCode.OK
    row = await server.ended(call)
    assert (row["end_reason"], row["conversation_ended_at"] is None) == ("hung_up", False)
    assert server.network.asked == []


@pytest.mark.parametrize("parameters", [{}, {"token": ""}, {"token": "7.unknown"}, {"token": "garbage"}, {"other": "x"}])
async def test_a_stream_without_a_token_of_ours_is_refused(
    server: MediaServer, caplog: pytest.LogCaptureFixture, parameters: dict[str, str]
) -> None:
    assert await refused(server, **parameters)
    await server.settled()
    assert ("unknown" if parameters.get("token") else "no token") in caplog.text


async def test_a_token_opens_one_stream_only(server: MediaServer, caplog: pytest.LogCaptureFixture) -> None:
    call, carrier_id = await server.call()
    token = await server.token(call)
    async with stream(server.stream_url, carrier_id) as caller:
        await caller.start(token=token)
        await caller.speak()
        assert await refused(server, token=token)
        assert "used" in caplog.text
        assert len(server.live) == 1


async def test_a_token_that_is_too_old_is_refused(server: MediaServer, caplog: pytest.LogCaptureFixture) -> None:
    call, _ = await server.call()
    token = await server.token(call)
    await server.db.pool.execute("update calls set stream_token_expires_at = callwright_now() where id = $1", call)
    assert await refused(server, token=token)
    assert "expired" in caplog.text


async def test_a_newer_token_voids_the_older(server: MediaServer) -> None:
    call, _ = await server.call()
    old, _new = await server.token(call), await server.token(call)
    assert await refused(server, token=old)


async def test_a_call_that_has_ended_takes_no_stream(server: MediaServer, caplog: pytest.LogCaptureFixture) -> None:
    call, _ = await server.call()
    token = await server.token(call)
    await server.db.pool.execute("update calls set state = 'ended', ended_at = callwright_now() where id = $1", call)
    assert await refused(server, token=token)
    assert "call_ended" in caplog.text


async def test_a_token_is_never_in_the_log(server: MediaServer, caplog: pytest.LogCaptureFixture) -> None:
    call, _ = await server.call()
    token = await server.token(call)
    await server.token(call)
    caplog.set_level("DEBUG")
    assert await refused(server, token=token)
    assert token not in caplog.text


async def test_a_stream_must_start_soon(server: MediaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "START_WITHIN_S", 0.05)
    async with stream(server.stream_url) as caller:
        await caller.send(caller.frames.connected())
        assert await caller.until_closed() == WSCloseCode.POLICY_VIOLATION


async def test_a_peer_that_leaves_before_the_start_leaves_nothing_behind(server: MediaServer) -> None:
    async with stream(server.stream_url):
        pass
    assert len(server.live) == 0
    assert server.switch.counters.legs == 0


@pytest.mark.parametrize("url", ["", "?x=1"])
async def test_a_signed_handshake_is_checked(server: MediaServer, url: str) -> None:
    address = server.stream_url + url
    async with stream(address, headers={SIGNATURE: sign(TOKEN, address).decode()}) as caller:
        await caller.start()
        assert await caller.until_closed() == WSCloseCode.POLICY_VIOLATION  # let in, and then the token is missing


async def test_a_wrongly_signed_handshake_is_turned_away(server: MediaServer, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        async with stream(server.stream_url, headers={SIGNATURE: sign("other", server.stream_url).decode()}):
            pass
    assert "must be over ws://127.0.0.1" in caplog.text


def media_frame(caller: Caller, **media: str) -> dict[str, Any]:
    return {"event": "media", "streamSid": caller.frames.identity.stream_sid, "media": media}


BAD: dict[str, Callable[[Caller], Awaitable[None]]] = {
    "not JSON": lambda caller: caller.socket.send_str("hello"),
    "binary": lambda caller: caller.socket.send_bytes(b"\x00" * 160),
    "no base64": lambda caller: caller.send(media_frame(caller, timestamp="1", payload="%")),
    "too large": lambda caller: caller.socket.send_str(json.dumps({"event": "weather", "text": "x" * media.LONGEST_FRAME})),
    "no UTF-8": lambda caller: caller.socket.send_frame(b"\xff\xfe\xff", aiohttp.WSMsgType.TEXT),
    "a second start": lambda caller: caller.send(build_start(caller.frames.identity, 9)),
}


@pytest.mark.parametrize("what", BAD)
async def test_a_frame_that_is_not_allowed_ends_its_stream_and_no_other(server: MediaServer, what: str) -> None:
    (bad, bad_id), (good, good_id) = await server.call(), await server.call()
    async with stream(server.stream_url, bad_id) as offender, stream(server.stream_url, good_id) as bystander:
        await offender.start(token=await server.token(bad))
        await bystander.start(token=await server.token(good))
        await offender.speak()
        await BAD[what](offender)
        assert await offender.until_closed() in (WSCloseCode.PROTOCOL_ERROR, WSCloseCode.MESSAGE_TOO_BIG, WSCloseCode.INVALID_TEXT)
        await server.settled(down_to=1)
        await bystander.speak()
        row = await server.row(bad)
        assert (row["state"], row["end_reason"], row["outcome"]) == ("ended", "line_lost", "dropped")
        assert server.network.calls[bad_id]["status"] == "completed"
        assert server.network.calls[good_id]["status"] == "in-progress"


async def test_what_comes_after_the_stop_harms_nobody(server: MediaServer) -> None:
    call, carrier_id = await server.call()
    async with stream(server.stream_url, carrier_id) as caller:
        await caller.start(token=await server.token(call))
        await caller.send(caller.frames.stop())
        await caller.send(media_frame(caller, timestamp="1", payload=""))
        await caller.until_closed()
    assert (await server.ended(call))["end_reason"] == "hung_up"


def close_frame(caller: Caller) -> Awaitable[object]:
    return caller.socket.close()


async def broken_off(caller: Caller) -> None:
    caller.socket.get_extra_info("socket").shutdown(SHUT_RDWR)


async def reset(caller: Caller) -> None:
    caller.socket.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    await caller.socket.close()


@pytest.mark.parametrize("leave", [close_frame, broken_off, reset])
@pytest.mark.parametrize(
    ("status", "reason", "ended_by"), [("completed", "hung_up", "callee"), ("in-progress", "line_lost", "fault")], ids=["over", "goes on"]
)
async def test_a_stream_that_ends_without_a_stop_is_what_the_carrier_says_of_its_call(
    server: MediaServer, leave: Callable[[Caller], Awaitable[object]], status: str, reason: str, ended_by: str
) -> None:
    call, carrier_id = await server.call()
    async with stream(server.stream_url, carrier_id) as caller:
        await caller.start(token=await server.token(call))
        await server.begun.wait()
        server.network.calls[carrier_id]["status"] = status
        await leave(caller)
        row = await server.ended(call)
    assert (row["state"], row["end_reason"], row["ended_by"]) == ("ended", reason, ended_by)
    assert server.network.calls[carrier_id]["status"] == "completed"
    assert server.switch.counters.legs == 0


async def test_what_the_callee_says_and_presses_reaches_the_conversation(server: MediaServer) -> None:
    heard: asyncio.Queue[tuple[str, int]] = asyncio.Queue()

    async def note_digits(leg: Any, _brief: Any, _actions: Any) -> Any:
        ears = Ears(leg)
        heard.put_nowait((await ears.digits.get(), leg.last_audio(1).size))
        return outcome()

    server.converse = note_digits
    call, carrier_id = await server.call()
    async with stream(server.stream_url, carrier_id) as caller:
        await caller.start(token=await server.token(call))
        await caller.speak(3)
        await caller.send(caller.frames.dtmf("7"))
        await caller.until_closed()
    assert heard.get_nowait() == ("7", 480)


async def test_what_the_agent_says_reaches_the_callee_as_it_was(server: MediaServer) -> None:
    server.converse = say_a_tone
    call, carrier_id = await server.call()
    audio, marks = b"", 0
    async with stream(server.stream_url, carrier_id) as caller:
        await caller.start(token=await server.token(call))
        while (frame := await caller.received()) is not None:
            if frame["event"] == "media":
                audio += base64.b64decode(frame["media"]["payload"])
            elif frame["event"] == "mark":
                marks += 1
                await caller.send(caller.frames.mark(frame["mark"]["name"]))
    assert len(audio) == 8000
    assert marks > 1


async def test_a_peer_that_does_not_read_is_dropped_and_no_other(server: MediaServer, caplog: pytest.LogCaptureFixture) -> None:
    (deaf, deaf_id), (good, good_id) = await server.call(), await server.call()
    talking: asyncio.Queue[str] = asyncio.Queue()

    async def tell_and_listen(leg: Any, brief: Any, actions: Any) -> Any:
        talking.put_nowait(brief.call_id)
        return await keep_listening(leg, brief, actions)

    server.converse = tell_and_listen
    async with stream(server.stream_url, deaf_id) as silent, stream(server.stream_url, good_id) as bystander:
        await silent.start(token=await server.token(deaf))
        assert await talking.get() == str(deaf)
        await bystander.start(token=await server.token(good))
        assert await talking.get() == str(good)
        to_silent, to_bystander = server.live.running.values()
        frame = json.dumps({"event": "media", "media": {"payload": "/" * 8000}})
        while "does not read" not in caplog.text:
            to_silent.send(frame)
            to_bystander.send(frame)
            assert await bystander.received() == json.loads(frame)
        await server.settled(down_to=1)
        assert ((await server.row(deaf))["state"], (await server.row(good))["state"]) == ("ended", "answered")
