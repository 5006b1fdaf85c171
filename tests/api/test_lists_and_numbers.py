"""Do-not-call lists that are imported, and why a number can't be deleted, through the API."""

import csv
import io
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from mediaserver.identity import Role
from tests.api.conftest import Api

Make = Callable[..., Awaitable[dict[str, Any]]]
LIST = "phone_number,reason\n+1 202 555 0101,moved\n+12025550102,\n12,\n+12025550101,\n"


def form(text: str, **fields: str) -> aiohttp.FormData:
    made = aiohttp.FormData(fields)
    made.add_field("file", text.encode(), filename="list.csv", content_type="text/csv")
    return made


async def test_a_list_is_looked_at_and_then_imported(api: Api) -> None:
    path = "/suppressions/import"
    would = await api.done("POST", f"{path}?dry_run=true", data=form(LIST))
    assert (await api.done("GET", "/suppressions"))["items"] == []
    did = await api.done("POST", path, data=form(LIST, reason="by letter"))
    assert would | {"dry_run": False} == did
    assert {name: did[name] for name in ("rows", "added", "standing", "duplicates", "refused")} == {
        "rows": 4, "added": 2, "standing": 0, "duplicates": 1, "refused": 1,
    }  # fmt: skip
    assert [problem["line"] for problem in did["problems"]] == [4]
    assert all(problem["what_to_do"] for problem in did["problems"])
    entries = (await api.done("GET", "/suppressions"))["items"]
    assert [(entry["number"], entry["reason"], entry["source"]) for entry in entries] == [
        ("+12025550102", "by letter", "import"),
        ("+12025550101", "moved", "import"),
    ]
    again = await api.done("POST", path, data=form(LIST))
    assert (again["added"], again["standing"]) == (0, 2)


async def test_all_problems_of_a_list_can_be_downloaded_and_nothing_is_added(api: Api) -> None:
    rows = "phone,reason\n" + "rubbish,\n" * 1500 + "+12025550101,moved\n+12025550101,twice\n"
    path = "/suppressions/import/problems.csv"
    headers = {"Authorization": f"Bearer {api.tokens[Role.OPERATOR]}"}
    async with api.client.post(f"/api/v1{path}", data=form(rows), headers=headers) as answer:
        assert (answer.status, answer.content_type) == (200, "text/csv")
        assert "do-not-call-problems.csv" in answer.headers["Content-Disposition"]
        header, *lines = csv.reader(io.StringIO(await answer.text()))
    assert header == ["line", "column", "problem", "what_to_do"]
    assert [line[:2] for line in lines] == [[str(line), "phone"] for line in range(2, 1502)]
    assert (await api.done("GET", "/suppressions"))["items"] == []
    await api.refused(403, "POST", path, Role.VIEWER, data=form(rows))
    assert "empty" in (await api.refused(422, "POST", path, data=form("\n")))["detail"]


async def test_a_list_that_can_not_be_imported_is_refused_in_words(api: Api) -> None:
    path = "/suppressions/import"
    await api.refused(403, "POST", path, Role.VIEWER, data=form(LIST))
    assert "no column is called phone_number" in (await api.refused(422, "POST", path, data=form("a,b\nc,d\n")))["detail"]
    assert "empty" in (await api.refused(422, "POST", path, data=form("\n")))["detail"]
    assert "reason" in (await api.refused(422, "POST", path, data=form(LIST, reason="")))["problems"]
    assert (await api.done("GET", "/suppressions"))["items"] == []


async def test_the_campaigns_that_keep_a_number_are_named(api: Api, settings: dict[str, Any], make_campaign: Make) -> None:
    for name in ("May", "June", "July", "August"):
        await make_campaign(name=name)
    said = await api.refused(409, "DELETE", f"/phone-numbers/{settings['phone_number_id']}")
    assert "“May”, “June”, “July” and 1 more" in said["detail"]
