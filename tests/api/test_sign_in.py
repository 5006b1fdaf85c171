"""Signing in and out: a session that every port of the host sees, that ends everywhere, and that can't be guessed."""

import pytest

from db.database import Database
from mediaserver.api.routes import House
from mediaserver.api.sign_in import safe_next
from mediaserver.identity import (
    TRIES_PER_ACCOUNT_AND_ADDRESS,
    LastAdmin,
    NameTaken,
    Role,
    WeakPassword,
    change_user,
    create_user,
    ensure_first_user,
    set_password,
)
from tests.api.conftest import DASHBOARD, Client

PASSWORD = "correct horse battery"


@pytest.fixture
async def olive(database: Database) -> int:
    return (await create_user(database, "Olive", Role.OPERATOR, actor="test", password=PASSWORD))[0].id


async def _enter(client: Client, password: str = PASSWORD, **form: str) -> tuple[int, str, str]:
    async with client.post("/sign-in", data={"name": "olive", "password": password} | form, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location", ""), await answer.text()


async def test_the_page_is_a_form_with_labels(client: Client) -> None:
    async with client.get('/sign-in?next="><script>') as answer:
        text = await answer.text()
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert '<label for="name">' in text
    assert '<label for="password">' in text
    assert "<script>" not in text


async def test_a_person_signs_in_goes_to_the_dashboard_and_out_again(client: Client, olive: int) -> None:
    wanted = f"{DASHBOARD}/campaigns?id=7"
    status, location, _ = await _enter(client, next=wanted)
    assert (status, location) == (303, wanted)
    (cookie,) = client.session.cookie_jar
    assert (cookie["httponly"], cookie["samesite"], cookie["domain"] != "", cookie["path"]) == (True, "Lax", True, "/")
    async with client.get("/api/v1/me") as answer:
        assert await answer.json() == {"name": "Olive", "role": "operator", "user_id": str(olive)}
    elsewhere = {"Cookie": f"callwright_session={cookie.value}"}
    async with client.post("/sign-out", allow_redirects=False) as answer:
        assert answer.status == 303
    async with client.get("/api/v1/me", headers=elsewhere) as answer:
        assert answer.status == 401


async def test_the_dashboard_signs_out_for_everything(client: Client, olive: int) -> None:
    await _enter(client)
    (cookie,) = client.session.cookie_jar
    async with client.post("/api/v1/sign-out", headers={"X-Callwright": "1"}) as answer:
        assert answer.status == 204
    async with client.get("/api/v1/me", headers={"Cookie": f"callwright_session={cookie.value}"}) as answer:
        assert answer.status == 401


async def test_a_wrong_password_and_a_wrong_name_look_the_same(client: Client, olive: int) -> None:
    wrong = await _enter(client, "wrong")
    nobody = await _enter(client, "wrong", name="nobody")
    assert wrong[0] == nobody[0] == 401
    assert wrong[2].replace("olive", "?") == nobody[2].replace("nobody", "?")
    assert 'role="alert"' in wrong[2]


async def test_guessing_is_stopped_also_for_the_right_password(client: Client, olive: int, database: Database) -> None:
    for _ in range(TRIES_PER_ACCOUNT_AND_ADDRESS):
        assert (await _enter(client, "wrong"))[0] == 401
    assert (await _enter(client))[0] == 429
    await database.pool.execute("update sign_in_failures set at = at - interval '16 minutes'")
    assert (await _enter(client))[0] == 303


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", "{"),
        ("application/json", '{"name": 1, "password": "x"}'),
        ("application/json", "[]"),
        ("application/x-www-form-urlencoded", "name=only"),
        ("text/plain", "hello"),
    ],
)
async def test_what_is_no_sign_in_is_refused(client: Client, content_type: str, body: str) -> None:
    async with client.post("/sign-in", data=body, headers={"Content-Type": content_type}) as answer:
        assert answer.status == 400


async def test_a_sign_in_is_small_and_comes_from_our_own_page(client: Client, olive: int) -> None:
    assert (await _enter(client, "x" * 20_000))[0] == 413
    credentials = {"name": "olive", "password": PASSWORD}
    async with client.post("/sign-in", json=credentials, headers={"Sec-Fetch-Site": "cross-site"}) as answer:
        assert answer.status == 403


@pytest.mark.parametrize(
    ("wanted", "goes_to"),
    [
        ("", DASHBOARD),
        (f"{DASHBOARD}/campaign?id=1", f"{DASHBOARD}/campaign?id=1"),
        ("/live/3", "/live/3"),
        ("//evil.example", DASHBOARD),
        ("/\\evil.example", DASHBOARD),
        ("/\t/evil.example", DASHBOARD),
        ("https://evil.example/", DASHBOARD),
        ("http://127.0.0.1:8501@evil.example/", DASHBOARD),
        ("http://127.0.0.1:85010/", DASHBOARD),
        ("javascript:alert(1)", DASHBOARD),
        ("http://[", DASHBOARD),
    ],
)
def test_nobody_is_sent_to_a_foreign_site(tmp_path: object, wanted: str, goes_to: str) -> None:
    house = House(database=None, data_dir=None, dashboard_url=DASHBOARD)  # type: ignore[arg-type]  # neither is looked at
    assert safe_next(wanted, house) == goes_to


async def test_the_first_user_is_made_once(client: Client, database: Database) -> None:
    password = await ensure_first_user(database)
    assert password is not None
    assert await ensure_first_user(database) is None
    async with client.post("/sign-in", json={"name": "admin", "password": password}) as answer:
        assert await answer.json() == {"name": "admin", "role": "admin"}


async def test_a_new_password_ends_the_sessions(client: Client, olive: int, database: Database) -> None:
    await _enter(client)
    fresh = await set_password(database, "OLIVE", actor="test")
    async with client.get("/api/v1/me") as answer:
        assert answer.status == 401
    assert fresh is not None
    assert (await _enter(client, fresh))[0] == 303


async def test_a_disabled_account_is_out_at_once(client: Client, olive: int, database: Database) -> None:
    await _enter(client)
    await change_user(database, olive, role=None, disabled=True, actor="test")
    async with client.get("/api/v1/me") as answer:
        assert answer.status == 401
    assert (await _enter(client))[0] == 401
    await change_user(database, olive, role=None, disabled=False, actor="test")
    assert (await _enter(client))[0] == 303


async def test_a_session_runs_out(client: Client, olive: int, database: Database) -> None:
    await _enter(client)
    await database.pool.execute("update sessions set expires_at = callwright_now()")
    async with client.get("/api/v1/me") as answer:
        assert answer.status == 401


async def test_accounts_that_can_not_be(olive: int, database: Database) -> None:
    with pytest.raises(NameTaken):
        await create_user(database, "OLIVE", Role.VIEWER, actor="test")
    with pytest.raises(WeakPassword):
        await create_user(database, "Otto", Role.VIEWER, actor="test", password="short")
    assert await set_password(database, "nobody", actor="test") is None


async def test_the_last_admin_stays(database: Database) -> None:
    await ensure_first_user(database)
    admin = await database.pool.fetchval("select id from users")
    for change in ({"role": Role.VIEWER, "disabled": None}, {"role": None, "disabled": True}):
        with pytest.raises(LastAdmin):
            await change_user(database, admin, actor="test", **change)
    await create_user(database, "second", Role.ADMIN, actor="test")
    assert await change_user(database, admin, role=Role.VIEWER, disabled=None, actor="test") is not None


async def test_secrets_are_kept_as_hashes_only(client: Client, olive: int, database: Database) -> None:
    await _enter(client)
    (cookie,) = client.session.cookie_jar
    kept = [tuple(row) for table in ("users", "sessions") for row in await database.pool.fetch(f"select * from {table}")]
    assert cookie.value not in repr(kept)
    assert PASSWORD not in repr(kept)
    assert any("$argon2id$" in repr(row) for row in kept)
