"""What comes in by the door of live pages and what goes out, for how long, and the pages themselves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import numpy as np
import pytest

from db.database import Database
from mediaserver.identity import Role
from mediaserver.supervision import door, standing
from mediaserver.supervision.door import is_ours
from mediaserver.supervision.protocol import HeldTold, ListenersTold, OverTold, RefusedTold, Welcome
from mediaserver.switch import mulaw
from mediaserver.switch.voice import SpeechModel
from tests.media.cable import Cable
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


async def test_who_only_reads_along_is_no_listener_at_any_moment(here: Station) -> None:
    """Else the callee would hear the listening tone as soon as somebody reads."""
    ada = await here.someone()
    async with here.call() as (call_id, _):
        grant = await ada.grant(call_id)
        call = here.desk.find(call_id)
        assert call is not None
        begun: list[bool] = []
        call._tell_heard = lambda _call: begun.append(True)
        async with ada.page(call_id) as page:
            await page.say(type="grant", grant=grant, listen=False)
            await page.told(Welcome)
            await page.taken_in()
            assert (call.reading, call.heard, begun) == (True, False, [])


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
        assert await bobs.told(HeldTold) == HeldTold(None, None)  # the agent goes on at once
        assert here.conversations[call_id].given_back.is_set()
        assert await take_over(bob, call_id, connection) == 409


async def test_a_supervisor_who_is_none_any_more_does_not_have_the_call(here: Station) -> None:
    ada, bob = await here.someone(name="Ada"), await here.someone("admin", "Bob")
    async with here.call() as (call_id, _), ada.on(call_id) as page, bob.on(call_id) as bobs:
        connection, his = await connected(page), await connected(bobs)
        assert await take_over(ada, call_id, connection) == 204
        assert await bobs.told(HeldTold) == HeldTold("Ada", connection)
        await here.db.pool.execute("update users set role = 'operator' where id = $1", ada.user_id)
        assert await bobs.told(HeldTold) == HeldTold(None, None)
        assert await page.told(RefusedTold) == RefusedTold(door.NO_LONGER)
        assert await take_over(bob, call_id, his) == 204
    assert here.conversations[call_id].taken_by == ["Ada", "Bob"]


async def test_of_two_who_take_over_at_once_one_has_the_call(here: Station) -> None:
    ada, bob = await here.someone(name="Ada"), await here.someone("admin", "Bob")
    async with here.call() as (call_id, _), ada.on(call_id) as adas, bob.on(call_id) as bobs:
        mine, his = await connected(adas), await connected(bobs)
        both = await asyncio.gather(take_over(ada, call_id, mine), take_over(bob, call_id, his))
        assert sorted(both) == [204, 409]
    winner = "Ada" if both[0] == 204 else "Bob"
    assert here.conversations[call_id].taken_by == [winner]
    assert [entry["actor"] for entry in await here.audited("live.take_over")] == [winner]


async def test_a_call_that_one_has_taken_over_is_ended_by_another(here: Station) -> None:
    ada, bob = await here.someone(name="Ada"), await here.someone("admin", "Bob")
    async with here.call() as (call_id, _), ada.on(call_id) as adas:
        assert await take_over(ada, call_id, await connected(adas)) == 204
        assert (await bob.ask("POST", f"/live/{call_id}/hangup"))[0] == 204
        assert here.conversations[call_id].hung_up_by == ["Bob"]


async def test_a_takeover_that_meets_the_end_of_the_call_leaves_nothing_behind(here: Station) -> None:
    ada = await here.someone(name="Ada")
    for _ in range(5):
        async with here.call() as (call_id, caller), ada.on(call_id) as page:
            connection = await connected(page)
            status, _ = await asyncio.gather(take_over(ada, call_id, connection), caller.send(caller.frames.stop()))
            assert status in (204, 404, 409)
            await page.told(OverTold)
        assert here.media.switch.counters.legs == 0
    taken = sum(len(each.taken_by) for each in here.conversations.values())
    assert len(await here.audited("live.take_over")) == taken


async def test_a_page_that_says_more_than_a_microphone_can_is_closed_and_nobody_else(here: Station) -> None:
    ada, mallory = await here.someone(), await here.someone("admin", "Mallory")
    async with here.call() as (call_id, caller), ada.on(call_id) as page, mallory.on(call_id) as flood:
        await connected(page), await connected(flood)
        for number in range(4000):
            try:
                await flood.socket.send_bytes(b"" if number % 2 else bytes(1600))
            except ConnectionError:  # closed already
                break
        assert await flood.told(RefusedTold) == RefusedTold(door.TOO_MUCH)
        await caller.speak(5)
        await page.audio()


async def test_who_listens_goes_on_while_the_database_is_away(here: Station, cable: Cable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "LOOK_EVERY_S", 0.05)
    ada = await here.someone(name="Ada")
    async with here.call() as (call_id, caller), ada.on(call_id) as page:
        await connected(page)
        await cable.cut()
        status, _ = await ada.ask("POST", f"/live/{call_id}/whisper", json={"text": "be brief"})
        assert status == 503  # it could not be kept, so it is not done
        assert here.conversations[call_id].whispered == []
        async with ada.page(call_id, "whatever") as late:
            assert await late.told(RefusedTold) == RefusedTold(door.DATABASE_AWAY, again=True)
        await caller.speak(5)
        await page.audio()
        await cable.mend()
        assert (await ada.ask("POST", f"/live/{call_id}/whisper", json={"text": "be brief"}))[0] == 200
        await here.db.pool.execute("update sessions set ended_at = callwright_now()")
        assert await page.told(RefusedTold) == RefusedTold(door.NO_LONGER)


async def test_a_duty_that_fails_is_tried_again(here: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were it to end, whoever is signed out would listen on."""
    monkeypatch.setattr(standing, "LOOK_EVERY_S", 0.05)
    failed = asyncio.Event()

    def fails(_value: str) -> Role:
        failed.set()
        raise ValueError("a role that nobody knows")

    ada = await here.someone(name="Ada")
    async with here.call() as (call_id, _), ada.on(call_id) as page:
        await connected(page)
        with monkeypatch.context() as broken:
            broken.setattr(standing, "Role", fails)
            await failed.wait()
        await here.db.pool.execute("update sessions set ended_at = callwright_now()")
        assert await page.told(RefusedTold) == RefusedTold(door.NO_LONGER)


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
