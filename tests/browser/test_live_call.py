"""A real call, listened to, steered, taken over and ended from its live page in a real browser."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from db.database import Database
from mediaserver.switch.voice import SpeechModel
from tests.agent.test_supervision import AGENT, GREETING, OFFER, WHICH
from tests.browser.live_ears import MOST, NONE, Ears, Sound, microphone, share_found, sound, speech
from tests.browser.live_house import LiveHouse, live_house, talking_house
from tests.browser.test_live_page import button
from tests.supervision.stations import DASHBOARD, Station, station

ASKS = speech(0.9, start=1.7)  # a few words without a pause between them


@pytest.fixture
async def here(database: Database, tmp_path: Path) -> AsyncIterator[Station]:
    async with station(database, SpeechModel.load(), tmp_path) as made:
        yield made


async def test_a_call_is_heard_steered_taken_over_given_back_and_ended(page: Page, here: Station) -> None:
    maria = await here.someone(name="Maria")
    await page.context.add_cookies([{"name": "callwright_session", "value": maria.secret, "url": here.url}])
    ears = Ears(page)
    await ears.attach()
    async with live_house(here, AGENT, "Another day please.") as house:
        await page.goto(house.page)
        await button(page, "Start listening").click()
        lines = page.locator("#captions > li")
        await expect(lines.first).to_contain_text(GREETING)
        await expect(page.locator("#state")).to_contain_text("Listening")

        await page.get_by_label("Whisper to the agent").fill("Go to the offer.")
        await page.keyboard.press("Enter")
        await expect(page.locator("#whisper-told")).to_contain_text(OFFER)
        house.phone.speak(ASKS)
        await expect(page.locator(".line.agent.final").last).to_contain_text(OFFER)
        assert WHICH not in house.voice.spoken  # where the callee's words would have led
        assert not any("Go to" in line for line in house.voice.spoken)

        await taken_over(page, house)
        await button(page, "Give back").click()
        await expect(page.locator("#held")).to_be_hidden()
        await button(page, "Hang up …").click()
        await button(page, "Hang up now").click()
        row = await house.ended()
        assert (row["end_reason"], row["ended_by"]) == ("supervisor", "operator")
        await expect(page.locator("#ended")).to_contain_text("The call is over")
        await expect(page.locator("#ended")).to_contain_text("A supervisor ended it.")
        await expect(page.get_by_role("link", name="Transcript, recording")).to_have_attribute(
            "href", f"{DASHBOARD}/call?id={house.call_id}"
        )
        left, right = await ears.heard(0)
        callee, agent = await house.recording()
        assert share_found(left, callee) >= MOST
        assert share_found(right, agent) >= MOST
        assert share_found(left, agent) <= NONE


async def taken_over(page: Page, house: LiveHouse) -> None:
    """The supervisor's microphone is what the callee hears, and not the agent, whatever the callee says."""
    await button(page, "Take over").click()
    await expect(page.locator("#held")).to_have_text("You have the call")
    await expect(page.locator("#state")).to_contain_text("Away: you have the call")
    spoken = list(house.voice.spoken)
    before = len(house.phone.heard)
    house.phone.speak(ASKS)
    await house.phone.has_heard(before + 14_000)
    assert share_found(since(house, before), microphone()) >= MOST
    assert house.voice.spoken == spoken


def since(house: LiveHouse, samples: int) -> Sound:
    """What the phone has played since it had played so much."""
    return sound(house.phone.heard[samples:])


async def test_an_operator_talks_to_an_agent_in_the_browser(page: Page, here: Station) -> None:
    """The microphone is heard, the agent answers, both are read along; hanging up leaves a call with its result and its recording."""
    oscar = await here.someone("operator", "Oscar")
    await page.context.add_cookies([{"name": "callwright_session", "value": oscar.secret, "url": here.url}])
    ears = Ears(page)
    await ears.attach()
    house = await talking_house(here, AGENT, oscar.user_id)
    await page.goto(f"{here.url}/talk/{house.call_id}")
    await button(page, "Start talking").click()
    await expect(page.locator(".line.agent.final").first).to_contain_text(GREETING)
    await button(page, "Hang up").click()
    row = await here.media.ended(house.call_id)
    assert (row["outcome"], row["end_reason"], row["ended_by"]) == ("person", "hung_up", "callee")
    await expect(page.locator("#ended")).to_contain_text("You ended the call.")
    left, _ = await ears.heard(0)
    callee, agent = await house.recording()
    assert share_found(left, agent) >= MOST
    assert share_found(callee, microphone()) >= MOST
