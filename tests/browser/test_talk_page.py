"""The talk page in a real browser, against a double of the server's edge: an operator talks to an agent and reads along."""

import base64
from collections.abc import Iterator

import pytest
from playwright.async_api import Browser, Page, expect

from mediaserver.supervision.protocol import CaptionTold, OverTold, StateTold
from tests.browser.live_ears import MOST, Ears, chirps, loudness, microphone, share_found, sound
from tests.browser.live_edge import LiveEdge, caption_lines
from tests.browser.test_axe import grave_faults
from tests.browser.test_live_page import SAID, button, keep, looked_at
from tests.browser.test_pages_look import LOOKS

FRAME = 160


async def talking(page: Page, edge: LiveEdge) -> Ears:
    """The call has begun."""
    ears = Ears(page)
    await ears.attach()
    await page.goto(f"{edge.url}/talk/17")
    await expect(page.get_by_role("heading", name="Talk to Ann")).to_be_visible()
    await button(page, "Start talking").click()
    await edge.until(lambda edge: bool(edge.events("start")))
    await edge.connected(len(edge.redeemed) or 1)
    return ears


def media(mulaw: bytes) -> Iterator[dict[str, str]]:
    """Frames of the agent's voice."""
    for at in range(0, len(mulaw), FRAME):
        yield {"event": "media", "payload": base64.b64encode(mulaw[at : at + FRAME]).decode()}


async def test_an_operator_and_an_agent_hear_each_other(page: Page, edge: LiveEdge) -> None:
    edge.captions = caption_lines(SAID[:1])
    edge.refusals["browser-stream"] = (409, "the call is not placed yet: ask again")
    ears = Ears(page)
    await ears.attach()
    await page.goto(f"{edge.url}/talk/17")
    await button(page, "Start talking").click()
    await edge.until(lambda edge: len(edge.asked("browser-stream")) >= 2)
    await expect(page.locator("#start-told")).to_contain_text("The call is not placed yet")
    edge.refusals.clear()
    await edge.until(lambda edge: bool(edge.events("start")))
    assert edge.frames[0] == {"event": "start", "token": "t"}

    await edge.until(lambda edge: len(edge.events("media")) > 60)
    said = b"".join(base64.b64decode(frame["payload"]) for frame in edge.events("media"))
    assert share_found(sound(said), microphone()) >= MOST
    assert (await page.evaluate("microphoneAsked"))["echoCancellation"]

    greeting = chirps(1.5)
    await ears.forget()
    await edge.say(
        *media(greeting[:8000]), {"event": "mark", "name": "a second"}, *media(greeting[8000:]), {"event": "mark", "name": "all"}
    )
    heard_when_marked = await edge_marks(edge, page, "a second")
    assert heard_when_marked >= 1.0
    await edge_marks(edge, page, "all")
    both, _ = await ears.heard(1.5)
    assert share_found(both, sound(greeting)) >= MOST

    await edge.connected()
    await edge.tell(CaptionTold(1, "callee", "Hello An", 3000, False), StateTold("thinking"))
    await expect(page.locator("#captions > li")).to_have_count(2)
    await expect(page.locator("#captions > li").last).to_contain_text("You")
    await expect(page.locator("#state")).to_contain_text("Thinking")
    await edge.tell(StateTold("listening"))
    await expect(page.locator("#state")).to_contain_text("It is your turn.")


async def edge_marks(edge: LiveEdge, page: Page, name: str) -> float:
    """Waits for that mark; how many seconds had been played by then."""
    await edge.until(lambda edge: {"event": "mark", "name": name} in edge.frames)
    played: float = await page.evaluate("ears.length / ears.rate")
    return played


async def test_clear_silences_the_agent_and_answers_all_marks_and_hanging_up_ends_the_call(page: Page, edge: LiveEdge) -> None:
    ears = await talking(page, edge)
    await edge.say(*media(chirps(10)), {"event": "mark", "name": "never heard"})
    await ears.heard(0.5)
    assert not edge.events("mark")
    await edge.say({"event": "clear"})
    await edge.until(lambda edge: edge.events("mark") == [{"event": "mark", "name": "never heard"}])
    await ears.forget()
    left, _ = await ears.heard(0.5)
    assert loudness(left[-1600:]) < 1e-3

    await page.get_by_text("Keypad", exact=True).click()
    await button(page, "5").click()
    await button(page, "#").click()
    await edge.until(lambda edge: len(edge.events("dtmf")) == 2)
    assert [frame["digit"] for frame in edge.events("dtmf")] == ["5", "#"]
    await button(page, "Mute microphone").click()
    await expect(button(page, "Microphone is muted")).to_be_visible()
    await button(page, "Hang up").click()
    await edge.until(lambda edge: bool(edge.events("stop")))
    await expect(page.locator("#ended")).to_contain_text("You ended the call.")
    await expect(page.get_by_role("link", name="Transcript, recording and result")).to_have_attribute(
        "href", f"{edge.dashboard}/call?id=17"
    )


@pytest.mark.parametrize("look", LOOKS)
async def test_the_page_looks_well_and_can_be_used_by_everybody(browser_with_microphone: Browser, edge: LiveEdge, look: str) -> None:
    edge.captions = caption_lines(SAID)
    async with looked_at(browser_with_microphone, look) as page:
        await page.goto(f"{edge.url}/talk/17")
        await expect(page.get_by_role("heading", name="Talk to Ann")).to_be_visible()
        await keep(page, f"talk-{look}")
        await button(page, "Start talking").click()
        await edge.connected()
        await page.get_by_text("Keypad", exact=True).click()
        await expect(page.locator("#captions > li")).to_have_count(len(SAID))
        assert await grave_faults(page) == []
        await keep(page, f"talk-begun-{look}")
        await edge.tell(OverTold())
        await expect(page.locator("#ended")).to_contain_text("The callee declined.")
