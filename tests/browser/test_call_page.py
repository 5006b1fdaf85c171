"""A recorded call in a real browser: it is heard, the transcript follows it, and it goes on while the page is drawn anew."""

import re
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.conftest import ARTEFACTS, Served, signed_in
from tests.browser.pages import settled
from tests.browser.test_pages_look import LOOKS, content_height, overflow
from tests.dashboard.conftest import kept
from tests.dashboard.seed import TURNS

MUMBLED = "insert into transcript_turns (call_id, position, speaker, text, start_ms, end_ms) values ($1, 5, 'callee', 'Mm.', 16000, 16400)"
WATCH = """(audio) => {
    const list = audio.getRootNode().querySelector(".turns");
    audio.marked = [];
    audio.broken = [];
    new MutationObserver(() => {
        const turn = list.querySelector("[aria-current] .text");
        if (turn && turn.textContent !== audio.marked.at(-1)) audio.marked.push(turn.textContent);
    }).observe(list, { subtree: true, attributeFilter: ["aria-current"] });
    for (const name of ["loadstart", "pause", "ended"]) audio.addEventListener(name, () => audio.broken.push(name));
}"""
REACHES = """(audio, to) => new Promise((done) => {
    const look = () => audio.currentTime >= to && done();
    audio.addEventListener("timeupdate", look);
    look();
})"""


class Player:
    """The recording on the page of a call, and the turns below it."""

    def __init__(self, page: Page) -> None:
        self.audio = page.locator("audio")
        self.position = page.get_by_role("slider", name="Position in the recording")
        self.turns = page.get_by_label("Transcript").get_by_role("listitem")
        self.marked = page.locator(".turn[aria-current]")
        self._page = page

    def button(self, name: str) -> Locator:
        return self._page.get_by_role("button", name=name, exact=True)

    async def tells(self, question: str) -> Any:
        """What the browser's own player says, such as `audio.currentTime`."""
        return await self.audio.evaluate(f"(audio) => {question}")

    async def reaches(self, at_s: float) -> None:
        """Waits until it has been played up to there."""
        await self.audio.evaluate(REACHES, at_s)


async def test_a_call_is_heard_and_its_transcript_follows(browser: Browser, served: Served) -> None:
    context, page = await signed_in(browser, served)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    await page.goto(f"{served.url}/call?id={served.house.talked}")
    player = Player(page)
    await expect(player.turns).to_have_count(5)
    await expect(player.marked).to_have_count(0)
    await expect(player.position).to_have_attribute("aria-valuetext", "0:00 of 0:19")
    await two_lanes(page)
    await player.audio.evaluate(WATCH)
    await player.button("2x").click()
    await player.button("Play").click()
    await player.reaches(7)
    assert (await player.tells("audio.marked"))[:2] == [text for _, text, *_ in TURNS[:2]]
    assert await player.tells("audio.webkitAudioDecodedByteCount") > 0
    assert await player.tells("!audio.muted && audio.volume === 1 && audio.playbackRate === 2")
    await goes_on_while_the_page_is_drawn_anew(page, player, served)
    await player.button("Pause").click()
    await expect(player.button("Play")).to_be_visible()
    await player.tells("audio.currentTime = 17")
    await expect(player.marked).to_contain_text("Wonderful")
    await player.turns.filter(has_text="Monday is fine").click()
    await expect(player.position).to_have_attribute("aria-valuetext", "0:13 of 0:19")
    await expect(player.marked).to_contain_text("Monday is fine")
    await by_keyboard(page, player)
    await page.route("**/recording", lambda route: route.abort())
    await page.reload()
    await expect(page.get_by_text("The recording can't be played now. Load this page again")).to_be_visible()
    await expect(player.turns).to_have_count(6)
    assert faults == []
    await context.close()


async def goes_on_while_the_page_is_drawn_anew(page: Page, player: Player, served: Served) -> None:
    """The page is drawn anew with another summary and one turn more, and what plays is neither loaded again nor stopped."""
    await player.tells("audio.loop = true")
    await kept(served, "update calls set summary = 'Written later.' where id = $1", served.house.talked)
    await kept(served, MUMBLED, served.house.talked)
    await page.get_by_role("heading", name="Conversation").click()
    await page.keyboard.press("r")
    await expect(page.get_by_text("Written later.")).to_be_visible()
    await expect(player.turns).to_have_count(6)
    await settled(page)
    await player.tells("new Promise((done) => audio.addEventListener('timeupdate', done, { once: true }))")
    assert await player.tells("audio.broken") == []
    assert not await player.tells("audio.paused")


async def two_lanes(page: Page) -> None:
    """Agent and callee are drawn differently: each lane has its name, its colour and its own shape."""
    lanes = [page.locator(f"path.lane.{who}") for who in ("agent", "callee")]
    shapes = [await lane.get_attribute("d") for lane in lanes]
    colours = [await lane.evaluate("(lane) => getComputedStyle(lane).fill") for lane in lanes]
    assert len({re.sub(r"\b(50|150)\b", "", str(shape)) for shape in shapes}) == 2
    assert len(set(colours)) == 2
    await expect(page.locator(".lanes .name")).to_have_text(["Agent", "Ada Lovelace"])


async def by_keyboard(page: Page, player: Player) -> None:
    """Every place and the speed can be reached without a mouse."""
    await player.position.focus()
    await page.keyboard.press("Home")
    await expect(player.position).to_have_attribute("aria-valuetext", "0:00 of 0:19")
    await page.keyboard.press("ArrowRight")
    await expect(player.position).to_have_attribute("aria-valuetext", "0:05 of 0:19")
    await player.button("0:08 to 0:13: go there in the recording").focus()
    await page.keyboard.press("Enter")
    await expect(player.marked).to_contain_text("cut off here")
    await player.position.focus()
    await page.keyboard.press("Space")
    await expect(player.button("Pause")).to_be_visible()
    await page.keyboard.press("Space")
    await expect(player.button("Play")).to_be_visible()


async def test_calls_in_every_state_look_well_and_can_be_used_by_everybody(browser: Browser, served: Served) -> None:
    ARTEFACTS.mkdir(exist_ok=True)
    house = served.house
    others = {"in-progress": house.running, "not-answered": house.calls[3]}
    for look, (width, dark) in LOOKS.items():
        context, page = await signed_in(browser, served, width=width, dark=dark)
        for name, call in {"heard": house.talked, **(others if look == "light" else {})}.items():
            await page.goto(f"{served.url}/call?id={call}")
            await expect(page.get_by_text("Timeline")).to_be_visible()
            await settled(page)
            if call == house.talked:
                await page.get_by_role("button", name="0:08 to 0:13").click()
                await expect(page.locator(".turn[aria-current]")).to_have_count(1)
            assert await overflow(page) <= 0, (name, look)
            found = (await Axe().run(page, context=".stMain")).response["violations"]
            assert [each for each in found if each["impact"] in ("serious", "critical")] == [], (name, look)
            await page.set_viewport_size({"width": width, "height": await content_height(page)})
            await page.screenshot(path=ARTEFACTS / f"call-{name}-{look}.png")
            await page.set_viewport_size({"width": width, "height": 900})
        await context.close()
