"""The sound of the live pages, computed in a real browser: what G.711 says, no hiss from interpolation, and a network that does what it likes."""

from typing import Any

import numpy as np
from playwright.async_api import Browser, Page

from mediaserver.switch import mulaw
from tests.browser.live_edge import LiveEdge

# A tone as both sides, in pieces of 40 ms, each followed by as much playing; `arrivals` changes what comes: piece -> pieces that come then.
PLAYED = """async ([hertz, rate, pieces, arrivals, shifts]) => {
    const { JitterBuffer } = await import("/live-assets/dsp.js");
    const buffer = new JitterBuffer(rate);
    const left = [], lags = [];
    for (let piece = 0; piece < pieces; piece++) {
        for (const at of arrivals[piece] ?? [piece]) {
            const from = 320 * at + (shifts[at] ?? 0);
            const samples = Float32Array.from({ length: 320 }, (_, i) => 0.5 * Math.sin(2 * Math.PI * hertz * (from + i) / 8000));
            buffer.put(from, samples, samples.slice().fill(0));
        }
        const [callee, agent] = [new Float32Array(rate / 25), new Float32Array(rate / 25)];
        buffer.pull(callee, agent);
        if (agent.some((sample) => sample !== 0)) throw new Error("the sides are mixed up");
        left.push(...callee);
        lags.push(buffer.lag / 8);
    }
    return { left, lags, skips: buffer.skips, underruns: buffer.underruns };
}"""
CODED = """async (samples) => {
    const { decode, encode } = await import("/live-assets/dsp.js");
    const codes = encode(Float32Array.from(samples, (sample) => sample / 32768));
    return [[...codes], [...decode(Uint8Array.from({ length: 256 }, (_, code) => code))].map((sample) => sample * 32768)];
}"""
QUEUED = """async () => {
    const { PlayQueue } = await import("/live-assets/dsp.js");
    const queue = new PlayQueue(48000);
    const told = [];
    const play = (ms) => {
        for (let at = 0; at < ms; at += 10) {
            const out = new Float32Array(480);
            const marks = queue.pull(out);
            told.push([out.some((sample) => Math.abs(sample) > 0.1), ...marks]);
        }
        return told.splice(0);
    };
    queue.put(new Float32Array(800).fill(0.5));
    queue.mark("first");
    queue.put(new Float32Array(800).fill(0.5));
    queue.mark("second");
    const before = play(150);
    const cleared = queue.clear();
    return { before, cleared, after: play(100).slice(1) };
}"""


async def opened(browser: Browser, edge: LiveEdge) -> Page:
    page = await browser.new_page()
    await page.goto(f"{edge.url}/live/17")
    return page


async def played(page: Page, *, hertz: float = 1000, rate: int = 48000, pieces: int = 50, **network: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = await page.evaluate(PLAYED, [hertz, rate, pieces, network.get("arrivals", {}), network.get("shifts", {})])
    return found


async def test_mulaw_is_that_of_the_switch(browser: Browser, edge: LiveEdge) -> None:
    page = await opened(browser, edge)
    samples = np.arange(-32768, 32768, 7, dtype=np.int16)
    codes, decoded = await page.evaluate(CODED, samples.tolist())
    assert bytes(codes) == mulaw.encode(samples.tobytes())
    assert decoded == mulaw.decode(bytes(range(256))).tolist()


async def test_a_tone_is_played_at_the_browsers_rate_without_its_images(browser: Browser, edge: LiveEdge) -> None:
    page = await opened(browser, edge)
    for rate, hertz in ((48000, 3000), (44100, 1000), (44100, 3400)):
        found = await played(page, hertz=hertz, rate=rate)
        heard = np.array(found["left"])[rate // 2 : rate // 2 + rate]
        spectrum = np.abs(np.fft.rfft(heard * np.blackman(len(heard))))
        near = np.abs(np.arange(len(spectrum)) - hertz) < 10
        assert spectrum[~near].max() < spectrum[near].max() / 1000, f"{hertz} Hz has an image at {rate} Hz"
        assert (found["skips"], found["underruns"]) == (0, 0)
        assert 80 <= max(found["lags"]) <= 120


async def test_a_gap_in_positions_is_silence_of_that_length(browser: Browser, edge: LiveEdge) -> None:
    page = await opened(browser, edge)
    found = await played(page, shifts={"12": 160})  # the first half of piece 12 never came, and its end is overwritten by piece 13
    quiet = np.abs(np.array(found["left"])) < 1e-3
    runs = np.diff(np.flatnonzero(np.diff(np.concatenate(([0], quiet[24000:], [0])))))[::2]
    assert 900 <= runs.max() <= 1000  # 20 ms at 48 kHz


async def test_what_runs_behind_skips_forward_and_what_runs_dry_goes_on(browser: Browser, edge: LiveEdge) -> None:
    page = await opened(browser, edge)
    held_back = {str(piece): [] for piece in range(20, 29)} | {"29": list(range(20, 30))}  # 360 ms of nothing, then all at once
    found = await played(page, arrivals=held_back)
    assert (found["underruns"], found["skips"]) == (1, 1)
    assert max(found["lags"]) <= 220
    assert found["lags"][-1] <= 130
    heard = np.array(found["left"])
    assert np.abs(np.diff(heard)).max() < 0.08  # 1 kHz at half of full scale goes 0.065 in a sample at 48 kHz: nowhere a click
    assert np.abs(heard[-4800:]).max() > 0.49


async def test_a_delay_that_is_not_needed_any_more_is_given_up(browser: Browser, edge: LiveEdge) -> None:
    page = await opened(browser, edge)
    late = {str(piece): [piece + 2] for piece in range(10, 80)} | {"9": [9, 10, 11]}  # from now on all comes 80 ms earlier
    found = await played(page, pieces=80, arrivals=late)
    assert found["skips"] == 1
    assert found["lags"][12] > 160
    assert found["lags"][-1] <= 130


async def test_a_mark_is_reached_when_all_before_it_was_played_and_clear_returns_the_rest(browser: Browser, edge: LiveEdge) -> None:
    page = await opened(browser, edge)
    found = await page.evaluate(QUEUED)
    assert [marks for _, *marks in found["before"] if marks] == [["first"]]
    assert found["before"].index([True, "first"]) == 15 or found["before"][-1] == [True, "first"] or found["before"].count([True, "first"]) == 1
    assert found["cleared"] == ["second"]
    assert found["after"] == [[False]] * 9
