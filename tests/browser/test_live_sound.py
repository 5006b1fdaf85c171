"""The sound of the live pages, computed in a real browser: G.711, interpolation without hiss, and a network that does what it likes."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from playwright.async_api import Page

from mediaserver.switch import mulaw
from tests.browser.live_ears import Sound
from tests.browser.live_edge import LiveEdge

# A tone as both sides, in pieces of 40 ms, each followed by as much playing; `arrivals` changes what comes: piece -> pieces that come then.
PLAYED = """async ([hertz, rate, pieces, arrivals]) => {
    const { JitterBuffer } = await import("/live-assets/dsp.js");
    const buffer = new JitterBuffer(rate);
    const left = [], lags = [];
    for (let piece = 0; piece < pieces; piece++) {
        for (const at of arrivals[piece] ?? [piece]) {
            const from = 320 * at;
            const samples = Float32Array.from({ length: 320 }, (_, i) => 0.5 * Math.sin(2 * Math.PI * hertz * (from + i) / 8000));
            buffer.put(from, samples, samples.slice().fill(0));
        }
        const [callee, agent] = [new Float32Array(rate / 25), new Float32Array(rate / 25)];
        buffer.pull(callee, agent);
        if (agent.some((sample) => sample !== 0)) throw new Error("the sides are mixed up");
        left.push(...callee);
        lags.push(buffer.lag / 8);
    }
    const bytes = new Uint8Array(new Float32Array(left).buffer);
    const text = Array.from({ length: bytes.length / 64 }, (_, i) => String.fromCharCode(...bytes.subarray(64 * i, 64 * i + 64)));
    return [btoa(text.join("")), lags, buffer.skips, buffer.underruns];
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
    const before = play(180);
    const cleared = queue.clear();
    return { before, cleared, after: play(100).slice(1) };
}"""


@dataclass(frozen=True)
class Played:
    """`sound`: at the browser's rate; `lags`: in ms, after each 40 ms."""

    sound: Sound
    lags: list[float]
    skips: int
    underruns: int


@pytest.fixture
async def page(page: Page, edge: LiveEdge) -> Page:
    """The live page."""
    await page.goto(f"{edge.url}/live/17")
    return page


async def played(
    page: Page, *, hertz: float = 1000, rate: int = 48000, pieces: int = 40, arrivals: Mapping[int, Sequence[int]] | None = None
) -> Played:
    text, lags, skips, underruns = await page.evaluate(
        PLAYED, [hertz, rate, pieces, {str(at): each for at, each in (arrivals or {}).items()}]
    )
    return Played(np.frombuffer(base64.b64decode(text), "<f4").astype(np.float64), lags, skips, underruns)


async def test_mulaw_is_that_of_the_switch_and_a_tone_is_played_without_its_images(page: Page) -> None:
    samples = np.arange(-32768, 32768, 31, dtype=np.int16)
    codes, decoded = await page.evaluate(CODED, samples.tolist())
    assert bytes(codes) == mulaw.encode(samples.tobytes())
    assert decoded == mulaw.decode(bytes(range(256))).tolist()
    for rate, hertz in ((48000, 3000), (44100, 3400)):
        found = await played(page, hertz=hertz, rate=rate)
        heard = found.sound[rate // 2 : rate // 2 + rate]
        spectrum = np.abs(np.fft.rfft(heard * np.blackman(len(heard))))
        near = np.abs(np.arange(len(spectrum)) - hertz) < 10
        assert spectrum[~near].max() < spectrum[near].max() / 1000, f"{hertz} Hz has an image at {rate} Hz"
        assert (found.skips, found.underruns) == (0, 0)
        assert 80 <= max(found.lags) <= 120


async def test_lost_late_and_early_pieces_are_silence_a_skip_and_never_a_click(page: Page) -> None:
    lost = await played(page, arrivals={12: []})
    quiet = np.abs(lost.sound[20000:]) < 1e-2
    edges = np.flatnonzero(np.diff(np.concatenate(([False], quiet, [False]))))
    assert 1800 <= np.diff(edges)[::2].max() <= 1930  # 40 ms at 48 kHz
    assert (lost.skips, lost.underruns) == (0, 0)

    held_back: dict[int, Sequence[int]] = {**{piece: [] for piece in range(20, 29)}, 29: range(20, 30)}
    late = await played(page, arrivals={at: list(each) for at, each in held_back.items()})
    assert (late.underruns, late.skips) == (1, 1)
    assert max(late.lags) <= 220
    assert late.lags[-1] <= 130
    assert np.abs(np.diff(late.sound)).max() < 0.08  # 1 kHz at half of full scale moves by 0.065 in a sample at 48 kHz
    assert np.abs(late.sound[-4800:]).max() > 0.49

    early = await played(page, pieces=60, arrivals={9: [9, 10, 11], **{piece: [piece + 2] for piece in range(10, 60)}})
    assert early.lags[12] > 160  # all comes 80 ms earlier than before: it need not be kept so long
    assert early.skips == 1
    assert early.lags[-1] <= 130


async def test_a_mark_is_reached_when_all_before_it_was_played_and_clear_returns_the_rest(page: Page) -> None:
    found = await page.evaluate(QUEUED)
    assert [marks for _, *marks in found["before"] if marks] == [["first"]]
    assert [loud for loud, *_ in found["before"]].index(True) == 6  # 60 ms for what comes late
    assert [marks for _, *marks in found["before"]].index(["first"]) in (15, 16)  # and 100 ms of sound
    assert found["cleared"] == ["second"]
    assert found["after"] == [[False]] * 9
