"""The live page in a real browser, against a double of the server's edge: what a supervisor hears, reads and does."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace
from playwright.async_api import Browser, Locator, Page, expect

from mediaserver.supervision.protocol import CaptionTold, HeldTold, ListenersTold, NextTold, NoteTold, OverTold, RefusedTold, StateTold
from tests.browser.conftest import ARTEFACTS
from tests.browser.live_ears import MOST, NONE, Ears, chirps, loudness, microphone, share_found, sound, speech
from tests.browser.live_edge import FACTS, LiveEdge, caption_lines
from tests.browser.test_axe import grave_faults
from tests.browser.test_pages_look import LOOKS, foreign, overflow

SAID = [
    ("agent", "Hello Ada, this is Ann of the Riverside Dental Clinic.", 900),
    ("callee", "Hello, yes?", 5200),
    ("agent", "You have an appointment on Monday, March the third, at noon. Does that still suit you?", 6400),
]


async def opened(page: Page, edge: LiveEdge) -> Ears:
    """The live page of the call, connected, and what it plays."""
    ears = Ears(page)
    await ears.attach()
    await page.goto(f"{edge.url}/live/17")
    await expect(page.locator("#connection")).to_have_text("Live")
    return ears


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


async def test_both_sides_are_heard_each_in_its_own_ear_until_muted(page: Page, edge: LiveEdge) -> None:
    ears = await opened(page, edge)
    await edge.until(lambda edge: not edge.listening)  # a page that only reads along asks for no sound
    await button(page, "Start listening").click()
    await edge.until(lambda edge: edge.listening)
    callee, agent = speech(2), chirps(2)
    await edge.play(callee, agent, at=8 * edge.now_ms)
    left, right = await ears.heard(2.2)
    assert share_found(left, sound(callee)) >= MOST
    assert share_found(right, sound(agent)) >= MOST
    assert share_found(left, sound(agent)) <= NONE
    await button(page, "Mute sound").click()
    await ears.forget()
    await edge.play(callee[:8000], agent[:8000], at=8 * (edge.now_ms + 2000))
    left, right = await ears.heard(1)
    assert max(loudness(left[4000:]), loudness(right[4000:])) < 1e-3
    await button(page, "Unmute sound").click()
    await expect(button(page, "Mute sound")).to_be_visible()


async def test_the_call_is_read_as_it_is_spoken(page: Page, edge: LiveEdge) -> None:
    edge.captions = caption_lines(SAID)
    await opened(page, edge)
    lines = page.locator("#captions > li")
    await expect(lines).to_have_text([re.compile(text[:20]) for _, text, _ in SAID])
    await expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    await expect(page.locator("#about")).to_have_text("+12125550123 · March reminders · agent Ann · rehearsal")
    await expect(page.locator("#facts")).to_contain_text("the Riverside Dental Clinic")
    await expect(page.locator("#next li").first).to_have_text("if they say yes then book")

    await edge.tell(CaptionTold(3, "callee", "Well, no", 11_000, False), StateTold("thinking"))
    await expect(lines.last).to_have_class("line callee partial")
    await expect(lines.last.locator(".text")).to_have_text("Well, no\u00a0…")
    await expect(page.locator("#state")).to_contain_text("Thinking")
    await expect(page.locator("#aloud")).to_have_text("")  # a screen reader hears no partial words, and nothing of what was before
    await edge.tell(CaptionTold(3, "callee", "Well, now that you ask, Tuesday is better.", 11_000, True))
    await expect(lines).to_have_count(4)
    await expect(lines.last.locator(".text")).to_have_text("Well, now that you ask, Tuesday is better.")
    await expect(page.locator("#aloud")).to_have_text("Ada Lovelace: Well, now that you ask, Tuesday is better.")

    await edge.tell(
        CaptionTold(4, "agent", "Then", 14_000, False),
        CaptionTold(4, "agent", "", 14_000, True),  # taken back: nobody heard it
        CaptionTold(2, "agent", "You have an appointment on", 6_400, True, cut_off=True),
        NoteTold("mark", "Ben", 6_000, "asks for another day"),
        NextTold("offer", "Is Tuesday at ten better?", []),
        ListenersTold(["Anna", "Ben", "Maria"]),
        HeldTold("Anna", "hers"),
    )
    await expect(page.locator("#held")).to_have_text("Anna has the call")
    await expect(page.locator("#state")).to_contain_text("Away: Anna has the call")
    await expect(page.locator("#listeners")).to_have_text("Here: you, Anna and Ben")
    await expect(page.locator("#next")).to_contain_text("Is Tuesday at ten better?")
    await expect(lines).to_have_count(5)
    await expect(lines.nth(3).locator(".text")).to_have_text("You have an appointment on cut off here")
    await expect(lines.nth(2)).to_contain_text("Ben marked this moment: “asks for another day”")

    await edge.tell(*(CaptionTold(turn, "agent", f"And line {turn}.", 1000 * turn + 10_000, True) for turn in range(5, 20)))
    await expect(lines.last).to_be_in_viewport()
    await page.locator("#captions").evaluate("(list) => new Promise((done) => { list.onscroll = done; list.scrollTop = 0; })")
    await edge.tell(CaptionTold(20, "callee", "Not in sight.", 40_000, True))
    await expect(lines).to_have_count(21)
    await expect(lines.last).not_to_be_in_viewport()
    await button(page, "Newest").click()
    await expect(lines.last).to_be_in_viewport()
    await expect(page.locator("#newest")).to_be_hidden()


async def test_a_supervisor_whispers_marks_and_ends_the_call_by_keyboard_alone(page: Page, edge: LiveEdge) -> None:
    await opened(page, edge)
    await page.keyboard.press("w")
    await page.keyboard.type("offer Tuesday")
    await page.keyboard.press("Enter")
    await expect(page.locator("#whisper-told")).to_have_text("In its next turn Ann says it.")
    await expect(page.get_by_label("Whisper to the agent")).to_have_value("")
    edge.refusals["whisper"] = (409, "the script has no step that this could mean")
    await page.keyboard.type("sing")
    await page.keyboard.press("Enter")
    await expect(page.locator("#whisper-told")).to_have_text("The script has no step that this could mean")
    await expect(page.get_by_label("Whisper to the agent")).to_have_value("sing")  # nothing that was typed is lost

    await page.keyboard.press("Escape")
    await page.keyboard.press("m")
    await expect(page.locator("#mark-at")).to_have_text(re.compile(r"at 1:\d\d"))
    await page.keyboard.type("polite")
    await page.keyboard.press("Enter")
    await edge.until(lambda edge: bool(edge.asked("marks")))
    assert edge.asked("whisper") == [{"text": "offer Tuesday"}, {"text": "sing"}]
    assert edge.asked("marks")[0]["note"] == "polite"
    assert edge.asked("marks")[0]["at_ms"] >= edge.now_ms

    await button(page, "Hang up …").press("Enter")
    await expect(button(page, "Keep the call")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(button(page, "Hang up …")).to_be_focused()
    await page.keyboard.press("Enter")
    await button(page, "Hang up now").press("Enter")
    await edge.until(lambda edge: bool(edge.asked("hangup")))
    await edge.tell(OverTold("supervisor"))
    await expect(page.locator("#ended")).to_contain_text("The call is over")
    await expect(page.locator("#ended")).to_contain_text("A supervisor ended it.")
    await expect(page.get_by_role("link", name="Transcript, recording and result")).to_have_attribute(
        "href", f"{edge.dashboard}/call?id=17"
    )
    await expect(page.locator("#control")).to_be_hidden()
    assert len(edge.redeemed) == 1


async def test_a_supervisor_takes_the_call_over_keeps_it_over_a_lost_connection_and_gives_it_back(page: Page, edge: LiveEdge) -> None:
    ears = await opened(page, edge)
    await button(page, "Take over").click()
    await edge.until(lambda edge: bool(edge.asked("takeover")))
    assert edge.asked("takeover") == [{"connection": "connection 1"}]
    asked = await page.evaluate("microphoneAsked")
    assert asked["echoCancellation"]
    assert asked["noiseSuppression"]
    assert not edge.microphone  # not before the server says so
    await edge.hold("Maria", "connection 1")
    await expect(page.locator("#held")).to_have_text("You have the call")
    await edge.until(lambda edge: len(edge.microphone) > 10_000)
    assert share_found(sound(edge.microphone), microphone()) >= MOST

    await ears.forget()
    await edge.play(speech(1), chirps(1), at=8 * edge.now_ms)
    left, right = await ears.heard(1)
    assert loudness(left) > 0.01  # the callee
    assert loudness(right) < 1e-3  # one's own voice is not played back

    await page.locator("h1").click()
    await page.keyboard.press("Space")
    await expect(button(page, "Microphone is muted")).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("Space")
    await expect(button(page, "Mute microphone")).to_have_attribute("aria-pressed", "false")

    edge.held = HeldTold("Maria", None)
    await edge.drop()
    await edge.until(lambda edge: len(edge.asked("takeover")) == 2)
    assert edge.asked("takeover")[1] == {"connection": "connection 2"}
    edge.microphone.clear()
    await edge.until(lambda edge: len(edge.microphone) > 1600)
    await button(page, "Give back").click()
    await edge.until(lambda edge: bool(edge.asked("give-back")))
    await edge.hold(None, None)
    await expect(button(page, "Take over")).to_be_visible()
    await expect(page.locator("#held")).to_be_hidden()


async def test_a_lost_connection_comes_back_with_a_new_grant_and_nothing_that_was_read_is_lost(page: Page, edge: LiveEdge) -> None:
    edge.captions = caption_lines(SAID[:2])
    await opened(page, edge)
    await edge.tell(CaptionTold(7, "callee", "Only this page knows it.", 8000, True))
    await expect(page.locator("#captions > li")).to_have_count(3)
    edge.refusals["grant"] = (503, "the database does not answer")
    await edge.drop()
    await expect(page.locator("#connection")).to_have_text("Reconnecting …")
    await edge.until(lambda edge: len(edge.asked("grant")) >= 2)
    edge.refusals.clear()
    edge.captions = caption_lines(SAID)
    await edge.connected(2)
    await expect(page.locator("#connection")).to_have_text("Live")
    await expect(page.locator("#captions > li")).to_have_text(
        [re.compile(text[:20]) for text in [*(each[1] for each in SAID), "Only this"]]
    )
    assert len(set(edge.redeemed)) == 2

    edge.refusals["grant"] = (401, "sign in first")
    await edge.tell(RefusedTold("this grant is too old", again=True))
    await edge.drop()
    await expect(page.locator("#ended")).to_contain_text("You are signed out")
    await expect(page.get_by_role("link", name="Sign in, and come back")).to_have_attribute("href", "/sign-in?next=%2Flive%2F17")


async def test_without_a_microphone_the_page_says_what_to_do_and_the_agent_keeps_the_call(page: Page, edge: LiveEdge) -> None:
    await opened(page, edge)
    for fault, said in (("NotAllowedError", "Allow it for this page"), ("NotFoundError", "Connect one")):
        await page.evaluate("(name) => { navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', name); }; }", fault)
        await button(page, "Take over").click()
        await expect(page.locator("#control-told")).to_contain_text(said)
    assert edge.asked("takeover") == []


async def test_who_may_only_listen_is_offered_nothing_else(page: Page, edge: LiveEdge) -> None:
    edge.may, edge.dashboard = ["listen"], ""
    await opened(page, edge)
    await expect(button(page, "Start listening")).to_be_visible()
    await expect(page.locator("form:visible, #control:visible")).to_have_count(0)
    edge.refusals["me"] = (401, "sign in first")
    await edge.tell(RefusedTold("you are signed out, or may not supervise calls any more"))
    await expect(page.locator("#ended")).to_contain_text("You are signed out")


@pytest.mark.parametrize("look", LOOKS)
async def test_the_page_looks_well_and_can_be_used_by_everybody(browser_with_microphone: Browser, edge: LiveEdge, look: str) -> None:
    edge.captions = [*caption_lines(SAID), CaptionTold(3, "callee", "Well, now that you ask", 11_000, False)]
    edge.notes = [
        NoteTold("mark", "Ben", 6_100, "friendly"),
        NoteTold("whisper", "Maria", 10_000, "offer Tuesday", "In its next turn Ann asks whether Tuesday at ten is better."),
    ]
    edge.listeners = ["Ben", "Maria"]
    async with looked_at(browser_with_microphone, look) as page:
        await page.goto(f"{edge.url}/live/17")
        await edge.connected()
        await page.get_by_text("Keyboard", exact=True).click()
        await keep(page, f"live-{look}")
        await button(page, "Take over").click()
        await edge.until(lambda edge: bool(edge.asked("takeover")))
        await edge.hold("Maria", edge.connection)
        await button(page, "Hang up …").click()
        await expect(button(page, "Keep the call")).to_be_focused()
        assert await grave_faults(page) == []
        await keep(page, f"live-held-{look}")
        await edge.tell(OverTold("hung_up"))
        await expect(page.locator("#ended")).to_be_visible()
        await keep(page, f"live-over-{look}")


LONG = "Maximiliane-Wilhelmine von Hohenzollern-Sigmaringen-Oberschleissheim"
WORD = "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft"


@pytest.mark.parametrize("look", LOOKS)
async def test_long_names_and_a_long_conversation_fit_the_page(browser_with_microphone: Browser, edge: LiveEdge, look: str) -> None:
    variables = {"a_very_long_variable_name_that_nobody_would_choose": f"https://example.com/{WORD}", "notes": ""}
    edge.facts = replace(FACTS, contact_name=LONG, campaign_name=f"{LONG} and others", agent_name=LONG, variables=variables)
    edge.captions = caption_lines([("agent" if turn % 2 else "callee", f"{WORD} {turn}", 4000 * turn) for turn in range(60)])
    edge.listeners, edge.held = [LONG, "Maria"], HeldTold(LONG, "hers")
    async with looked_at(browser_with_microphone, look) as page:
        await page.goto(f"{edge.url}/live/17")
        await expect(page.locator("#captions > li")).to_have_count(60)
        assert await page.locator("#captions").evaluate("(list) => list.scrollHeight - list.scrollTop - list.clientHeight < 24")
        await button(page, "Start listening").click()
        await expect(page.locator("#left-name")).to_be_visible()
        box = await page.locator("#facts dd").first.bounding_box()
        assert box is not None
        assert box["width"] > 100  # a long name of a variable leaves the values their room
        await keep(page, f"live-long-{look}")


async def test_a_page_that_is_refused_shows_why_and_nothing_that_it_does_not_know(page: Page, edge: LiveEdge) -> None:
    edge.refusals["grant"] = (403, "this needs the role supervisor, and yours is operator: ask an admin")
    await page.goto(f"{edge.url}/live/17")
    await expect(page.locator("#ended")).to_contain_text("This needs the role supervisor, and yours is operator: ask an admin")
    await expect(page.locator(".columns")).to_be_hidden()
    edge.refusals.clear()
    await opened(page, edge)
    edge.refusals["grant"] = (503, "the process that holds this call does not answer: look again in a moment")
    await edge.drop()
    await expect(page.locator("#trouble")).to_contain_text("The process that holds this call does not answer")
    edge.refusals.clear()
    await expect(page.locator("#connection")).to_have_text("Live")
    await expect(page.locator("#trouble")).to_have_text("")
    await edge.tell(RefusedTold("you are signed out, or may not supervise calls any more: sign in again"))
    await expect(page.locator("#ended")).to_contain_text("You are signed out, or may not supervise")
    await expect(page.locator("#state")).to_be_hidden()  # the call itself may go on


@asynccontextmanager
async def looked_at(browser: Browser, look: str) -> AsyncIterator[Page]:
    """A page that is as wide and as dark as that; no script of it may fail, nothing may break its policy or ask another machine."""
    width, dark = LOOKS[look]
    context = await browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", reduced_motion="reduce"
    )
    page = await context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on("request", lambda request: faults.append(request.url) if foreign(request.url) else None)
    yield page
    await context.close()
    assert faults == []


async def keep(page: Page, name: str) -> None:
    """A picture of the page, which fits its window."""
    assert await overflow(page) <= 0, f"{name} is wider than its window"
    ARTEFACTS.mkdir(exist_ok=True)
    await page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)
