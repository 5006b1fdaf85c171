"""Whatever a viewer opens, no phone number of a callee is on it."""

import re

import asyncpg
import pytest

from tests.dashboard.conftest import Dashboard, kept, shown
from tests.dashboard.seed import House, say_a_number

CALLEES = re.compile(r"1415555[02]\d{3}(?<!0100)")


def pages(house: House) -> list[tuple[str, dict[str, str]]]:
    """Views with their query parameters."""
    running = str(house.campaigns["in_progress"])
    return [
        ("campaigns", {}),
        ("live", {}),
        *(("campaign", {"id": running, "tab": tab}) for tab in ("Overview", "Contacts", "Settings", "Call Log")),
        ("call", {"id": str(house.talked)}),
        ("call", {"id": str(house.running)}),
        ("do_not_call", {}),
        ("phone_numbers", {}),
        ("settings", {}),
    ]


async def numbers_on(dashboard: Dashboard, view: str, query: dict[str, str]) -> list[str]:
    page = await dashboard.open(view, **query)
    labels = [element.label for element in (*page.button, *page.checkbox, *page.expander)]
    tables = [str(table.value) for table in (*page.dataframe, *page.table)]
    components = [each.proto.json for each in page.get("bidi_component")]
    return CALLEES.findall("\n".join([shown(page), repr(page), *labels, *tables, *components]).replace("\\", ""))


@pytest.fixture
async def suppressed(dashboard: Dashboard, house: House) -> House:
    """One of the callees is on the do-not-call list, one contact has no name, and in two calls a number is said."""
    database = await asyncpg.connect(dashboard.database_url)
    for call in (house.talked, house.running):
        await say_a_number(database, call, "+14155552008")
    await database.close()
    entry = (
        "insert into suppressions (number, rehearsal, reason, source, added_by) "
        "values ('+14155550203', true, 'asked by 14155552009', 'operator', 'maria') returning id"
    )
    await kept(dashboard, entry)
    await kept(dashboard, "update contacts set name = '' where id = $1 returning id", house.contacts[1])
    return house


@pytest.mark.usefixtures("as_viewer")
async def test_no_page_shows_a_viewer_a_number(dashboard: Dashboard, suppressed: House) -> None:
    for view, query in pages(suppressed):
        assert await numbers_on(dashboard, view, query) == [], f"{view} {query}"


async def test_an_operator_sees_them(dashboard: Dashboard, suppressed: House) -> None:
    assert await numbers_on(dashboard, "campaign", {"id": str(suppressed.campaigns["in_progress"]), "tab": "Contacts"})
    assert await numbers_on(dashboard, "call", {"id": str(suppressed.talked)})
    assert await numbers_on(dashboard, "live", {})
