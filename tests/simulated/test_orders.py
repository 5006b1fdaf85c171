"""The REST door: what the network accepts, what it refuses and in which words, and how calls are looked up."""

import asyncio

import aiohttp
import pytest

from tests.simulated.conftest import SetStage
from tests.simulated.our_side import CALLER, TO_AGREES, TO_BUSY, TO_INVALID


async def test_an_accepted_call_is_created_and_queued(stage: SetStage) -> None:
    at = await stage(calls_per_second=0.001)
    await at.api.call(TO_BUSY)  # takes the only start for a long while
    status, call = await at.api.order(TO_AGREES)
    assert (status, call["status"], call["to"], call["from"]) == (201, "queued", TO_AGREES, CALLER)
    assert call["sid"].startswith("CA")
    assert call["start_time"] is None
    assert call["uri"].endswith(f"/Calls/{call['sid']}.json")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"To": ""}, 21201),
        ({"From": ""}, 21213),
        ({"To": "12125550010"}, 21211),
        ({"To": "+1212"}, 21211),
        ({"To": TO_INVALID}, 21211),
        ({"From": "five"}, 21212),
        ({"From": "+15005550007"}, 21210),
        ({"Url": "not a url"}, 21205),
        ({"Url": "", "Twiml": "<Response>" + " " * 4000 + "</Response>"}, 21623),
        ({"StatusCallback": "ftp://here"}, 21609),
        ({"StatusCallbackEvent": "exploded"}, 21626),
        ({"Timeout": "soon"}, 20001),
    ],
)
async def test_a_bad_order_is_refused_with_the_carriers_code(stage: SetStage, fields: dict[str, str], code: int) -> None:
    at = await stage(caller_numbers=(CALLER,))
    status, body = await at.api.order(**{"to": TO_AGREES, **fields})
    assert (status, body["code"], body["status"]) == (400, code, 400)
    assert str(code) in body["more_info"]
    assert not at.exchange.journals()


async def test_wrong_credentials_are_refused(stage: SetStage) -> None:
    at = await stage()
    assert (await at.api.request("GET", "/Calls.json", token="wrong"))[1]["code"] == 20003
    async with at.api.http.get(f"{at.api.base_url}/simulated/calls.json", headers={"Authorization": "Basic !!"}) as response:
        assert response.status == 401


async def test_what_does_not_exist_is_not_found(stage: SetStage) -> None:
    at = await stage()
    for method, path in (("GET", "/Calls/CA1.json"), ("POST", "/Calls/CA1.json"), ("GET", "/Messages.json")):
        status, body = await at.api.request(method, path)
        assert (status, body["code"]) == (404, 20404)
    other = f"{at.api.base_url}/2010-04-01/Accounts/AC{'1' * 32}/Calls.json"
    async with at.api.http.get(other, headers=at.api.credentials(at.api.settings.auth_token)) as response:
        assert (await response.json())["code"] == 20404


async def test_too_many_requests_at_once_are_refused_and_place_nothing(stage: SetStage) -> None:
    at = await stage(requests_at_once=2, api_latency_ms=400, calls_per_second=0.001)
    answers = await asyncio.gather(*(at.api.order(TO_AGREES) for _ in range(12)))
    refused = [body for status, body in answers if status == 429]
    assert {body["code"] for body in refused} == {20429}
    assert len(at.exchange.journals()) == 12 - len(refused)


async def test_calls_are_found_by_their_numbers_newest_first_page_by_page(stage: SetStage) -> None:
    at = await stage(calls_per_second=0.001)
    sids = [await at.api.call(TO_AGREES) for _ in range(5)]
    await at.api.call(TO_BUSY)
    _, first = await at.api.request("GET", "/Calls.json", params={"To": TO_AGREES, "From": CALLER, "PageSize": "2"})
    found = [call["sid"] for call in first["calls"]]
    page = first
    while page["next_page_uri"]:
        path = page["next_page_uri"].split(at.api.settings.account_sid, 1)[1]
        _, page = await at.api.request("GET", path)
        found += [call["sid"] for call in page["calls"]]
    assert found == sids[::-1]
    assert (await at.api.request("GET", "/Calls.json", params={"From": "+15005550001"}))[1]["calls"] == []


async def test_a_queued_call_has_no_start_time_to_be_found_by(stage: SetStage) -> None:
    at = await stage(calls_per_second=0.001)
    started = await at.api.call(TO_BUSY)
    queued = await at.api.call(TO_AGREES)
    await at.ours.until(lambda ours: "busy" in ours.events())
    day = (await at.api.show(started))["date_created"]
    assert day.endswith("+0000")
    _, found = await at.api.request("GET", "/Calls.json", params={"StartTime>": "2000-01-01"})
    assert [call["sid"] for call in found["calls"]] == [started]
    _, queue = await at.api.request("GET", "/Calls.json", params={"Status": "queued"})
    assert [call["sid"] for call in queue["calls"]] == [queued]
    assert (await at.api.request("GET", "/Calls.json", params={"StartTime": "yesterday"}))[1]["code"] == 20001


async def test_a_call_may_be_placed_although_the_answer_is_lost(stage: SetStage) -> None:
    at = await stage(lost_response_share=1.0, calls_per_second=0.001)
    with pytest.raises(aiohttp.ClientError):
        await at.api.order(TO_AGREES)
    _, found = await at.api.request("GET", "/Calls.json", params={"To": TO_AGREES})
    assert len(found["calls"]) == 1


async def test_an_ended_call_can_not_be_hung_up_and_only_the_status_can_be_changed(stage: SetStage) -> None:
    at = await stage()
    sid = await at.api.call(TO_BUSY)
    assert (await at.api.request("POST", f"/Calls/{sid}.json", data={"Url": "http://elsewhere"}))[1]["code"] == 20001
    await at.curtain()
    status, body = await at.api.hang_up(sid)
    assert (status, body["code"]) == (400, 21220)
