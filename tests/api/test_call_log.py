"""GET /campaigns/{id}/calls: every filter, how many there are, and what is said to a filter that can't be used."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from db.database import Database
from mediaserver.seeding import Plan, fill
from tests.api.conftest import Api

Make = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
async def log(database: Database) -> str:
    """The path of the calls of a campaign with 120 of them."""
    made = await fill(database, Plan(contacts=40, calls=120, days=2))
    return f"/campaigns/{made.campaign_id}/calls"


async def test_filters_and_pages_agree_with_the_whole_log(api: Api, log: str) -> None:
    whole = await api.done("GET", log, params={"limit": "200"})
    assert (len(whole["items"]), whole["total"], whole["at_least"], whole["next_cursor"]) == (120, 120, False, None)
    one = whole["items"][50]
    for name, query in (
        ("outcome", {"outcome": one["outcome"]}),
        ("contact_id", {"contact_id": one["contact_id"]}),
        ("number", {"number": one["number"]}),
        ("sentiment_word", {"sentiment": "neutral"}),
    ):
        wanted = query.get("sentiment", one[name])
        expected = [call["id"] for call in whole["items"] if call[name] == wanted]
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await api.done("GET", log, params=query | {"limit": "9", "cursor": cursor})
            assert page["total"] == len(expected)
            found, cursor = found + [call["id"] for call in page["items"]], page["next_cursor"]
        assert found == expected


async def test_a_time_and_a_word_narrow_the_log(api: Api, log: str) -> None:
    whole = (await api.done("GET", log, params={"limit": "200"}))["items"]
    since, until = whole[80]["planned_at"], whole[20]["planned_at"]
    page = await api.done("GET", log, params={"since": since, "until": until, "limit": "200"})
    assert [call["id"] for call in page["items"]] == [call["id"] for call in whole[21:81]]
    said = await api.done("GET", log, params={"words": "thursday", "since": since})
    assert 0 < said["total"] == len(said["items"]) < 80
    talk = await api.done("GET", f"/calls/{said['items'][0]['id']}")
    assert any("Thursday" in turn["text"] for turn in talk["turns"])


@pytest.mark.parametrize(
    ("query", "field", "says"),
    [
        ({"outcome": "happy"}, "outcome", "'no_answer'"),
        ({"who": "cat"}, "who", "'voicemail'"),
        ({"goal": "won"}, "goal", "'met'"),
        ({"sentiment": "glad"}, "sentiment", "'positive'"),
        ({"since": "2030-05-15T09:00:00"}, "since", "timezone"),
        ({"since": "2030-05-16T09:00:00Z", "until": "2030-05-15T09:00:00Z"}, "body", "exchange"),
        ({"words": "!!"}, "words", "write one that was said"),
        ({"number": "12"}, "number", ""),
        ({"mood": "glad"}, "mood", ""),
    ],
)
async def test_a_filter_that_can_not_be_used_is_told(api: Api, make_campaign: Make, query: dict[str, str], field: str, says: str) -> None:
    campaign = await make_campaign()
    problem = await api.refused(422, "GET", f"/campaigns/{campaign['id']}/calls", params=query)
    assert says in problem["problems"][field]
