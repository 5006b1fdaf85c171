"""A live page needs a grant of its own for its call and its session; whoever has none is refused, and it is known afterwards."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from db.browser_line import number_of
from db.database import Database
from mediaserver.identity import Role, create_token
from mediaserver.supervision import door
from mediaserver.supervision.protocol import RefusedTold, Welcome
from mediaserver.switch.voice import SpeechModel
from tests.supervision.stations import Someone, Station, station


@pytest.fixture
async def here(database: Database, model: SpeechModel, tmp_path: Path) -> AsyncIterator[Station]:
    async with station(database, model, tmp_path) as made:
        yield made


async def refused(person: Someone, call_id: int, grant: str | None, **options: Any) -> RefusedTold:
    async with person.page(call_id, grant, **options) as page:
        return await page.told(RefusedTold)


async def test_a_grant_lets_its_supervisor_in_and_the_audit_log_has_it(here: Station) -> None:
    ada = await here.someone(name="Ada")
    async with here.call() as (call_id, _):
        async with ada.on(call_id) as page:
            welcome = await page.told(Welcome)
            [listened] = await here.audited("live.listen")
        assert (welcome.name, welcome.may) == ("Ada", ["listen", "whisper", "take_over", "hang_up", "mark"])
        assert (listened["actor"], listened["subject"], listened["detail"]) == ("Ada", f"call {call_id}", {"kind": "supervise"})


async def test_a_grant_is_kept_as_a_hash_only(here: Station) -> None:
    ada = await here.someone()
    async with here.call() as (call_id, _):
        grant = await ada.grant(call_id)
        kept: Any = await here.db.pool.fetchrow("select *, expires_at - created_at as lasts from live_grants")
    assert grant not in str(dict(kept))
    assert kept["lasts"].total_seconds() == pytest.approx(30, abs=0.1)


async def test_who_is_not_signed_in_is_refused(here: Station, caplog: pytest.LogCaptureFixture) -> None:
    ada = await here.someone()
    async with here.call() as (call_id, _):
        said = await refused(ada, call_id, await ada.grant(call_id), headers={})
    assert said == RefusedTold(door.REFUSED)
    assert "not_signed_in" in caplog.text
    assert await here.audited("live.refused") == []


async def test_a_viewer_is_refused_whatever_he_sends(here: Station, caplog: pytest.LogCaptureFixture) -> None:
    vera, ada = await here.someone("viewer", "Vera"), await here.someone()
    async with here.call() as (call_id, _):
        assert await refused(vera, call_id, await ada.grant(call_id)) == RefusedTold(door.REFUSED)
        status, _ = await vera.ask("POST", f"/live/{call_id}/grant")
    assert status == 403
    assert "role" in caplog.text
    [entry] = await here.audited("live.refused")
    assert (entry["actor"], entry["subject"], entry["detail"]) == ("Vera", f"call {call_id}", {"why": "role"})


async def _unknown(_here: Station, ada: Someone, call_id: int) -> tuple[Someone, str]:
    await ada.grant(call_id)
    return ada, "made-up"


async def _old(here: Station, ada: Someone, call_id: int) -> tuple[Someone, str]:
    grant = await ada.grant(call_id)
    await here.db.pool.execute("update live_grants set expires_at = callwright_now()")
    return ada, grant


async def _replayed(_here: Station, ada: Someone, call_id: int) -> tuple[Someone, str]:
    grant = await ada.grant(call_id)
    async with ada.page(call_id, grant) as page:
        await page.told(Welcome)
    return ada, grant


async def _of_another_session(here: Station, ada: Someone, call_id: int) -> tuple[Someone, str]:
    grant = await ada.grant(call_id)
    return await here.someone("admin", "Mallory"), grant


async def _of_a_role_that_was_taken_away(here: Station, ada: Someone, call_id: int) -> tuple[Someone, str]:
    grant = await ada.grant(call_id)
    await here.db.pool.execute("update users set role = 'operator' where id = $1", ada.user_id)
    return ada, grant


async def test_who_signs_out_between_the_connection_and_the_grant_is_refused(here: Station) -> None:
    ada = await here.someone(name="Ada")
    async with here.call() as (call_id, _):
        grant = await ada.grant(call_id)
        async with ada.page(call_id) as page:
            await page.taken_in()  # it waits for the grant: who comes was looked at before
            async with here.media.http.post(f"{here.url}/sign-out", headers=ada.headers, allow_redirects=False) as answer:
                assert answer.status == 303
            await page.say(type="grant", grant=grant)
            assert await page.told(RefusedTold) == RefusedTold(door.REFUSED)
        assert (await ada.ask("POST", f"/live/{call_id}/whisper", json={"text": "hurry"}))[0] == 401
    assert [entry["detail"] for entry in await here.audited("live.refused")] == [{"why": "no_longer"}]
    assert await here.audited("live.listen") == []


async def test_old_grants_do_not_pile_up(here: Station) -> None:
    ada = await here.someone()
    async with here.call() as (call_id, _):
        for _ in range(5):
            await ada.grant(call_id)
        await here.db.pool.execute("update live_grants set expires_at = callwright_now() - interval '2 hours'")
        await asyncio.gather(*(ada.grant(call_id) for _ in range(3)))
        assert await here.db.pool.fetchval("select count(*) from live_grants") == 3


@pytest.mark.parametrize(
    ("make", "why", "again"),
    [
        (_unknown, "unknown", False),
        (_old, "expired", True),
        (_replayed, "used", True),
        (_of_another_session, "other_session", False),
        (_of_a_role_that_was_taken_away, "no_longer", False),
    ],
)
async def test_a_grant_that_does_not_fit_is_refused(
    here: Station, caplog: pytest.LogCaptureFixture, make: Any, why: str, again: bool
) -> None:
    ada = await here.someone(name="Ada")
    async with here.call() as (call_id, _):
        person, grant = await make(here, ada, call_id)
        assert await refused(person, call_id, grant) == RefusedTold(door.REFUSED, again)
    [entry] = await here.audited("live.refused")
    assert entry["detail"] == {"why": why}
    assert f"call {call_id} is refused: {why}" in caplog.text
    assert all(secret not in caplog.text for secret in (grant, "Ada", "Mallory", person.secret))


async def test_a_grant_is_for_one_call(here: Station) -> None:
    ada = await here.someone()
    async with here.call() as (one, _), here.call() as (other, _):
        grant = await ada.grant(one)
        assert await refused(ada, other, grant) == RefusedTold(door.REFUSED)
        async with ada.page(one, grant) as page:  # it was not used up by that
            await page.told(Welcome)
    [entry] = await here.audited("live.refused")
    assert (entry["subject"], entry["detail"]) == (f"call {other}", {"why": "other_call"})


async def test_the_grant_comes_first(here: Station) -> None:
    ada = await here.someone()
    async with here.call() as (call_id, _):
        for first in ["garbage", '{"type":"listen","on":true}', '{"type":"grant"}']:
            async with ada.page(call_id) as page:
                await page.socket.send_str(first)
                await page.told(RefusedTold)
    assert [entry["detail"] for entry in await here.audited("live.refused")] == [{"why": "no_grant"}] * 3


async def test_the_grant_comes_soon(here: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "GRANT_WITHIN_S", 0.05)
    ada = await here.someone()
    async with here.call() as (call_id, _):
        assert await refused(ada, call_id, None) == RefusedTold(door.REFUSED, again=True)


async def test_of_two_pages_with_one_grant_one_comes_in(here: Station) -> None:
    ada = await here.someone()
    async with here.call() as (call_id, _):
        grant = await ada.grant(call_id)

        async def come() -> bool:
            async with ada.page(call_id, grant) as page:
                return isinstance(await page.told(object), Welcome)

        assert sorted(await asyncio.gather(*(come() for _ in range(5)))) == [False] * 4 + [True]


async def test_a_token_gets_no_grant(here: Station) -> None:
    _, secret = await create_token(here.db, "program", Role.ADMIN, actor="test")
    ada = await here.someone()
    async with here.call() as (call_id, _):
        status, said = await ada.ask("POST", f"/live/{call_id}/grant", headers={"Authorization": f"Bearer {secret}"})
    assert (status, "signed in" in said["detail"]) == (403, True)


async def test_there_is_no_grant_for_a_call_that_is_not_in_progress(here: Station) -> None:
    ada = await here.someone()
    waiting, _ = await here.media.call()
    async with here.call() as (ended, _):
        pass
    assert [(await ada.ask("POST", f"/live/{call_id}/grant"))[0] for call_id in (waiting, ended, 99999)] == [404, 404, 404]


async def test_an_operator_reads_along_on_a_call_of_his_own_in_the_browser_and_no_more(here: Station) -> None:
    olaf, other = await here.someone("operator", "Olaf"), await here.someone("operator", "Otto")
    async with here.call(number_of(olaf.user_id)) as (call_id, _):
        assert (await other.ask("POST", f"/live/{call_id}/grant"))[0] == 403
        async with olaf.on(call_id) as page:
            welcome = await page.told(Welcome)
            await page.say(type="listen", on=True)
            await page.taken_in()
            call = here.desk.find(call_id)
            assert call is not None
            assert (welcome.may, call.heard) == ([], False)
        assert (await olaf.ask("POST", f"/live/{call_id}/hangup"))[0] == 403
    assert here.conversations[call_id].hung_up_by == []
