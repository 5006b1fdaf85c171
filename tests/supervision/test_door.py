"""What comes in by the door of live pages and what goes out, for how long, and the pages themselves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import numpy as np
import pytest

from db.database import Database
from mediaserver.supervision import door, standing
from mediaserver.supervision.door import is_ours
from mediaserver.supervision.protocol import HeldTold, ListenersTold, OverTold, RefusedTold, Welcome
from mediaserver.switch import mulaw
from mediaserver.switch.voice import SpeechModel
from tests.media.caller import Caller
from tests.supervision.stations import Page, Someone, Station, eventually, station

WORD = mulaw.encode((np.sin(np.arange(1600) / 8000 * 2 * np.pi * 440) * 8000).astype("<i2").tobytes())


@pytest.fixture
async def here(database: Database, model: SpeechModel, tmp_path: Path) -> AsyncIterator[Station]:
    async with station(database, model, tmp_path) as made:
        yield made


async def heard(caller: Caller) -> bool:
    """Whether the callee hears something before the server closes the stream."""
    while (frame := await caller.received()) is not None:
        if frame["event"] == "media":
            return True
    return False


async def connected(page: Page) -> str:
    return (await page.told(Welcome)).connection


async def take_over(person: Someone, call_id: int, connection: str) -> int:
    return (await person.ask("POST", f"/live/{call_id}/takeover", json={"connection": connection}))[0]


async def test_a_supervisor_hears_the_call_until_it_is_over_and_the_audit_log_says_for_how_long(here: Station) -> None:
    ada = await here.someone(name="Ada")
    async with here.call() as (call_id, caller), ada.on(call_id) as page:
        assert (await page.told(Welcome)).call.id == str(call_id)
        await caller.speak(5)
        assert len(await page.audio()) > 8
        await caller.send(caller.frames.stop())
        await page.told(OverTold)
    left = await eventually(here.db, "select * from audit_log where action = 'live.left'")
    assert (left["actor"], left["subject"], list(left["detail"])) == ("Ada", f"call {call_id}", ["seconds"])


async def test_a_page_turns_its_audio_off_and_on(here: Station) -> None:
    ada = await here.someone()
    async with here.call() as (call_id, caller), ada.on(call_id) as page, ada.on(call_id) as other:
        call = here.desk.find(call_id)
        for each in (page, other):
            await each.told(Welcome)
            await each.say(type="listen", on=False)
            await each.taken_in()
        assert call is not None
        assert not call.heard
        await page.say(type="listen", on=True)
        await caller.speak(5)
        await page.audio()


async def test_only_the_microphone_of_whoever_has_taken_over_is_heard(here: Station) -> None:
    ada, bob = await here.someone(name="Ada"), await here.someone("admin", "Bob")
    async with here.call() as (call_id, caller), ada.on(call_id) as adas, bob.on(call_id) as bobs:
        mine, his = await connected(adas), await connected(bobs)
        assert await take_over(bob, call_id, mine) == 409  # it would be Ada's microphone that is opened
        assert await take_over(ada, call_id, mine) == 204
        assert await take_over(bob, call_id, his) == 409
        assert (await bobs.told(HeldTold)) == HeldTold("Ada", mine)
        conversation = here.conversations[call_id]
        await bobs.socket.send_bytes(bytes(1600))
        await bobs.taken_in()
        await adas.socket.send_bytes(WORD)
        assert await heard(caller)
        assert conversation.leg.queued_up_to() == len(WORD)  # and not a sample of Bob's
        assert conversation.taken_by == ["Ada"]
    assert [(entry["actor"], entry["detail"]) for entry in await here.audited("live.take_over")] == [("Ada", {})]


async def test_a_page_that_says_what_is_no_message_is_closed_and_nobody_else(here: Station) -> None:
    ada = await here.someone()
    async with here.call() as (call_id, caller), ada.on(call_id) as page, ada.on(call_id) as other:
        await page.told(Welcome)
        await page.socket.send_str("garbage")
        with pytest.raises(AssertionError, match="closed"):
            await page.told(OverTold)
        await caller.speak(5)
        await other.audio()


async def test_a_page_may_not_send_what_is_too_long(here: Station) -> None:
    ada = await here.someone()
    async with here.call() as (call_id, _), ada.on(call_id) as page:
        await page.told(Welcome)
        await page.socket.send_bytes(bytes(5000))
        with pytest.raises(AssertionError, match="1009"):
            await page.told(OverTold)


ENDS = [
    "update sessions set ended_at = callwright_now() where user_id = $1",
    "update sessions set expires_at = callwright_now() where user_id = $1",
    "update users set disabled_at = callwright_now() where id = $1",
    "update users set role = 'operator' where id = $1",
]


async def test_a_connection_ends_with_the_right_to_it(here: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "LOOK_EVERY_S", 0.05)
    bob = await here.someone("admin", "Bob")
    async with here.call() as (call_id, caller), bob.on(call_id) as bobs, AsyncExitStack() as stack:
        for number, ends in enumerate(ENDS):
            person = await here.someone(name=f"Ada {number}")
            page = await stack.enter_async_context(person.on(call_id))
            await page.told(Welcome)
            await here.db.pool.execute(ends, person.user_id)
            assert await page.told(RefusedTold) == RefusedTold(door.NO_LONGER), ends
        while await bobs.told(ListenersTold) != ListenersTold(["Bob"]):
            pass
        await caller.speak(5)
        await bobs.audio()


async def test_who_signs_out_does_not_have_the_call_any_more(here: Station) -> None:
    ada, bob = await here.someone(name="Ada"), await here.someone("admin", "Bob")
    async with here.call() as (call_id, _), ada.on(call_id) as page, bob.on(call_id) as bobs:
        connection, _ = await connected(page), await connected(bobs)
        assert await take_over(ada, call_id, connection) == 204
        assert await bobs.told(HeldTold) == HeldTold("Ada", connection)
        assert (await ada.ask("POST", "/sign-out"))[0] == 204
        assert await bobs.told(HeldTold) == HeldTold("Ada", None)  # and soon the agent goes on
        assert await take_over(bob, call_id, connection) == 409


async def test_a_page_of_another_site_is_refused(here: Station) -> None:
    ada = await here.someone()
    async with here.call() as (call_id, _):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            async with ada.page(call_id, origin="https://elsewhere.example"):
                pass
    assert refusal.value.status == 403


@pytest.mark.parametrize(
    ("origin", "ours"),
    [
        ("https://calls.example.com", True),
        ("http://10.0.0.5:8080", True),  # as it was asked for
        ("https://10.0.0.5:8080", True),  # TLS ends in front of us
        (None, True),  # a program
        ("http://calls.example.com", False),
        ("https://calls.example.com.evil.example", False),
        ("http://10.0.0.5", False),
        ("null", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_where_a_page_may_come_from(origin: str | None, ours: bool) -> None:
    assert is_ours(origin, "https://calls.example.com", "10.0.0.5:8080") is ours


async def test_pages_follow_a_call_to_its_end_when_the_process_stops(here: Station) -> None:
    ada = await here.someone()
    async with here.call() as (call_id, _), ada.on(call_id) as page:
        await page.told(Welcome)
        stopping = asyncio.create_task(here.media.app.shutdown())
        await page.told(OverTold)
        await stopping


async def test_a_page_is_for_whoever_is_signed_in_and_may(here: Station) -> None:
    viewer = await here.someone("viewer")
    for path, needed in [("live", "supervisor"), ("talk", "operator")]:
        await _only_for(here, await here.someone(needed), viewer, path, needed)


async def _only_for(here: Station, someone: Someone, viewer: Someone, path: str, needed: str) -> None:
    address = f"{here.url}/{path}/17"
    async with here.media.http.get(address, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, f"/sign-in?next=/{path}/17")
    async with here.media.http.get(address, headers=viewer.headers) as answer:
        assert (answer.status, answer.content_type) == (403, "text/html")
        assert f"needs the role {needed}, and yours is viewer" in await answer.text()
    async with here.media.http.get(address, headers=someone.headers) as answer:
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert f"/live-assets/{path}.js" in await answer.text()


async def test_what_a_page_loads_is_sent_once(here: Station) -> None:
    async with here.media.http.get(f"{here.url}/live-assets/live.js") as answer:
        assert (answer.status, answer.content_type) == (200, "text/javascript")
        tag = answer.headers["ETag"]
    async with here.media.http.get(f"{here.url}/live-assets/live.js", headers={"If-None-Match": tag}) as answer:
        assert (answer.status, await answer.read()) == (304, b"")


async def test_nothing_else_is_sent(here: Station) -> None:
    for name in ["live.html", "../protocol.py", "..%2fprotocol.py", "nothing.js", ""]:
        async with here.media.http.get(f"{here.url}/live-assets/{name}") as answer:
            assert answer.status == 404, name
