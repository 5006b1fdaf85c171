"""A campaign's contacts are found by any part of their name or number, in their order, a page at a time; and only they."""

from collections.abc import Iterable

import pytest

from db.database import Database
from dialer import contacts
from dialer.contacts import NewContact
from tests.dialer.world import World

PEOPLE = {
    "+14155550123": "Ada Lovelace",
    "+14155550124": "Grace Hopper",
    "+493012345678": "Jürgen Öztürk",
    "+81312345678": "山田 太郎",
    "+33612345678": "100 % d'accord_\\o/",
    "+34612345678": "ΕΛΕΝΗ",
    "+39340123456": "",
}


@pytest.fixture
async def campaign(world: World) -> int:
    """A draft with PEOPLE, and another one with somebody of the same name."""
    made = (await world.campaign(0, start=False)).id
    await add(world.db, made, PEOPLE.items())
    await add(world.db, (await world.campaign(0, start=False)).id, [("+14155550199", "Ada Lovelace")])
    return made


async def add(db: Database, campaign_id: int, people: Iterable[tuple[str, str]]) -> None:
    await contacts.add(db, campaign_id, [NewContact(number=number, name=name) for number, name in people], actor="maria")


async def add_many(db: Database, campaign_id: int, count: int) -> None:
    """Contacts called Frequent, each 5000th Rare."""
    await db.pool.execute(
        """insert into contacts (campaign_id, number, name)
           select $1, '+1999' || (1000000 + g), case when g % 5000 = 0 then 'Rare' else 'Frequent' end
           from generate_series(1, $2::int) g""",
        campaign_id,
        count,
    )


async def found(db: Database, campaign_id: int, search: str, *, masked: bool = False, status: str | None = None) -> list[str]:
    """The numbers of those who are found."""
    return [each.number for each in await contacts.page(db, campaign_id, search=search, masked=masked, status=status)]


async def test_a_part_of_a_name_or_of_a_number_finds_those_who_have_it(world: World, campaign: int) -> None:
    cases = {
        "": list(PEOPLE),
        "  ": list(PEOPLE),
        "lovelace": ["+14155550123"],
        " ADA L": ["+14155550123"],
        "a": ["+14155550123", "+14155550124", "+33612345678"],
        "e": ["+14155550123", "+14155550124", "+493012345678"],
        "ÜRGEN ö": ["+493012345678"],
        "田": ["+81312345678"],
        "ελενη": ["+34612345678"],
        "%": ["+33612345678"],
        "_": ["+33612345678"],
        "\\": ["+33612345678"],
        "'": ["+33612345678"],
        "a%e": [],
        "1415": ["+14155550123", "+14155550124"],
        "+1 (415) 555-0123": ["+14155550123"],
        "415 555": ["+14155550123", "+14155550124"],
        "12 34 56 78": ["+493012345678", "+81312345678", "+33612345678", "+34612345678"],
        "415 x": [],
        "-": [],
        "Grace Hopper\nJ": [],
        "Xylophone": [],
    }
    assert {search: await found(world.db, campaign, search) for search in cases} == cases


async def test_of_a_masked_number_only_what_it_shows_is_searched(world: World, campaign: int) -> None:
    cases = {"23": ["+14155550123"], "4": ["+14155550124"], "555": [], "1415": [], "ada": ["+14155550123"]}
    assert {search: await found(world.db, campaign, search, masked=True) for search in cases} == cases


async def test_who_is_renamed_added_or_removed_is_found_as_they_are_now(world: World, campaign: int) -> None:
    await world.db.pool.execute("update contacts set name = 'Countess', number = '+14155550177' where number = '+14155550123'")
    await add(world.db, campaign, [("+14155550188", "Ada Yonath")])
    assert await found(world.db, campaign, "ada") == ["+14155550188"]
    assert await found(world.db, campaign, "50123") == []
    assert await found(world.db, campaign, "countess") == await found(world.db, campaign, "0177") == ["+14155550177"]
    removed = await world.db.pool.fetchval("select id from contacts where name = 'Grace Hopper'")
    await contacts.remove(world.db, removed, actor="maria")
    assert await found(world.db, campaign, "grace") == []
    assert "grace" not in await world.db.pool.fetchval("select string_agg(names, ' ') from contact_blocks")  # nothing is left of her


async def test_a_search_within_a_status_finds_only_those(world: World, campaign: int) -> None:
    await world.db.pool.execute("update contacts set status = 'skipped' where name = 'Ada Lovelace'")
    assert await found(world.db, campaign, "a", status="skipped") == ["+14155550123"]
    assert await found(world.db, campaign, "a", status="pending") == ["+14155550124", "+33612345678"]
    assert await found(world.db, campaign, "grace", status="skipped") == []


async def test_pages_go_on_where_the_last_one_ended_and_large_campaigns_find_the_few_who_fit(world: World, campaign: int) -> None:
    """More contacts of one status than are walked through: blocks are asked."""
    await add_many(world.db, campaign, 25_000)
    rare = [f"+1999{1_000_000 + row}" for row in (5000, 10000, 15000, 20000, 25000)]
    for status in (None, "pending"):
        assert await found(world.db, campaign, "rare", status=status) == rare
        assert await found(world.db, campaign, "19991005", status=status) == [f"+1999{1_005_000 + row}" for row in range(100)]
        pages, after = [], None
        while page := await contacts.page(world.db, campaign, search="rare", status=status, after_id=after, page_size=2):
            pages.append([each.number for each in page])
            after = page[-1].id
        assert pages == [rare[:2], rare[2:4], rare[4:]]


async def test_a_page_that_is_full_ends_the_search(world: World, campaign: int) -> None:
    await add_many(world.db, campaign, 10_000)
    await world.db.pool.execute("analyze")
    read = "select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relname = 'contact_blocks'"
    async with world.db.transaction() as connection:
        for search in ("", "frequent", "1999"):
            before = await connection.fetchval(read)
            assert len(await connection.fetch("select contacts_found($1, null, $2, false, null, 26)", campaign, search)) == 26
            assert await connection.fetchval(read) - before <= 60, search  # of 157; a cursor reads some ahead
