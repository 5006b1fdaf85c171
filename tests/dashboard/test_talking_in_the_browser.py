"""An operator talks to an agent in the browser: the call is begun with the sample contact, its page is opened, and it is followed."""

import json
from typing import Any

import pytest

from dialer.dialing import TrialCall
from tests.dashboard.conftest import Dashboard, kept, labels, shown
from tests.dashboard.seed import House

BEGIN = "Begin a call in the browser"


@pytest.fixture
async def asked(dashboard: Dashboard, house: House) -> list[TrialCall]:
    """The calls that were begun with the house's agent: each stands in the database, placed."""
    begun: list[TrialCall] = []
    definition = {"name": "Ann", "first_message": "Hello {{contact_name}}", "llm": "null", "stt": "null", "tts": "null"}
    await kept(dashboard, "update agent_versions set definition = $2 where agent_id = $1", house.agent, json.dumps(definition))

    async def place(wanted: TrialCall) -> int:
        begun.append(wanted)
        made: int = await kept(
            dashboard,
            """insert into calls (number, contact_name, phone_number_id, carrier_account_id, agent_id, agent_version, rehearsal, state,
                                  process_id, lease_until, requested_at)
               select $1, $2, n.id, n.carrier_account_id, $3, 1, true, 'requested', 'p1', callwright_now(), callwright_now()
               from phone_numbers n where n.id = $4 returning id""",
            wanted.number,
            wanted.contact_name,
            wanted.agent_id,
            wanted.phone_number_id,
        )
        return made

    dashboard.api.place_test_call = place
    return begun


async def test_a_call_is_begun_opened_in_a_new_tab_and_followed(dashboard: Dashboard, house: House, asked: list[TrialCall]) -> None:
    page = await dashboard.open("agent", id=str(house.agent))
    page.text_input(key=f"sample_{house.agent}_contact_name").input("Grace")
    page.button(key="talk_begin").click()
    await dashboard.draw(page)
    [wanted] = asked
    assert (wanted.agent_id, wanted.contact_name, wanted.number.startswith("browser:")) == (house.agent, "Grace", True)
    call = await kept(dashboard, "select max(id) from calls")
    assert _opens(page) == [f"/talk/{call}"]
    assert "Waits for you" in shown(page)
    await kept(dashboard, "update calls set state = 'answered', answered_at = callwright_now() where id = $1", call)
    await dashboard.draw(page)
    assert (_opens(page), "Talking" in shown(page)) == ([], True)
    await kept(
        dashboard,
        "update calls set state = 'ended', ended_at = callwright_now(), outcome = 'person', end_reason = 'hung_up' where id = $1",
        call,
    )
    await dashboard.draw(page)
    assert "Talked to a person" in shown(page)


async def test_a_refusal_says_why_and_leaves_the_call_before_in_sight(dashboard: Dashboard, house: House, asked: list[TrialCall]) -> None:
    page = await dashboard.open("agent", id=str(house.agent))
    page.button(key="talk_begin").click()
    await dashboard.draw(page)
    before = _opens(page)
    dashboard.api.place_test_call = None
    page.button(key="talk_begin").click()
    await dashboard.draw(page)
    assert "The call was not begun: the number is on the do-not-call list." in shown(page)
    assert _opens(page) == before != []


@pytest.mark.usefixtures("as_viewer")
async def test_a_viewer_is_not_offered_a_call(dashboard: Dashboard, house: House) -> None:
    assert BEGIN not in labels(await dashboard.open("agent", id=str(house.agent)))


async def test_the_record_of_a_call_in_the_browser_names_no_number(dashboard: Dashboard, house: House, asked: list[TrialCall]) -> None:
    page = await dashboard.open("agent", id=str(house.agent))
    assert BEGIN in labels(page)
    page.button(key="talk_begin").click()
    await dashboard.draw(page)
    call = await kept(dashboard, "select max(id) from calls")
    words = shown(await dashboard.open("call", id=str(call)))
    assert "In the browser" in words
    assert "browser:" not in words
    assert "Called from" not in words
    assert "simulated" not in words


async def test_no_page_offers_the_line_of_the_browser(dashboard: Dashboard, house: House) -> None:
    """Not as a number to look at, nor as an account that a number may belong to."""
    assert await kept(dashboard, "select count(*) from phone_numbers where e164 = 'browser'") == 1
    for view in ("phone_numbers", "analytics"):
        page = await dashboard.open(view)
        offered = [option for select in page.selectbox for option in select.options]
        offered += [option for select in page.multiselect for option in select.options]
        assert [option for option in offered if "browser" in option.lower()] == [], view
        assert "browser ·" not in shown(page), view


def _opens(page: Any) -> list[str]:
    """Where the page's buttons lead to, in a tab of their own."""
    return [button.proto.url for button in page.get("link_button")]
