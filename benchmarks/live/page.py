"""What a supervisor's page in a real browser plays, and when: held against the call's recording, and against the clock of its leg.

Both run on one machine, so that they have one wall clock. Of each piece that is heard, its place in the recording says when it was heard
at the leg, and the browser's clock says when it leaves the speaker.
"""

import asyncio
import json
import statistics
import urllib.request
import wave
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.async_api import Error as BrowserFailed

from benchmarks.dashboard.browser import NoBrowser, chromium
from benchmarks.live.house import House
from benchmarks.switch import Server, Unmeasured
from mediaserver.figure import Figure

BEHIND = ("live.behind_ms", "ms", "<= 300")
ALIKE = ("live.correlation", "", ">= 0.95")
CALL = 1
CALL_S = 26
LISTENS_S = 16
RATE = 8000
WINDOW = RATE // 2  # samples of voice that are looked for at once
LOUD = 0.01  # root mean square, of full scale: quieter windows hold nothing to look for
AROUND_S = 3  # of the recording, before the end of a window
FINE = 20  # steps within one sample

Sound = NDArray[np.float64]

_WIRETAP = """(() => {
    const recorder = `registerProcessor("recorder", class extends AudioWorkletProcessor {
        process([[left, right]]) {
            if (left) this.port.postMessage([currentFrame, left.slice(), (right ?? left).slice()]);
            return true;
        }
    })`;
    const connect = AudioNode.prototype.connect;
    window.heard = { blocks: [], clock: [], rate: 0 };
    AudioNode.prototype.connect = function (to, ...rest) {
        if (to instanceof AudioDestinationNode) listen(this);
        return connect.call(this, to, ...rest);
    };
    async function listen(node) {
        await node.context.audioWorklet.addModule(URL.createObjectURL(new Blob([recorder], { type: "text/javascript" })));
        const ears = new AudioWorkletNode(node.context, "recorder", {
            numberOfOutputs: 0, channelCount: 2, channelCountMode: "explicit" });
        heard.rate = node.context.sampleRate;
        ears.port.onmessage = ({ data }) => {
            heard.blocks.push(data);
            const { contextTime, performanceTime } = node.context.getOutputTimestamp();
            heard.clock.push([contextTime, performance.timeOrigin + performanceTime]);
        };
        connect.call(node, ears);
    }
})()"""
_HEARD = """() => {
    const { blocks, clock, rate } = heard;
    const first = blocks[0][0];
    const length = blocks.at(-1)[0] + 128 - first;
    const sides = new Float32Array(2 * length);
    for (const [at, left, right] of blocks) {
        sides.set(left, at - first);
        sides.set(right, length + at - first);
    }
    const bytes = new Uint8Array(sides.buffer);
    let text = "";
    for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    return { rate, first, clock, sides: btoa(text) };
}"""


@dataclass(frozen=True, slots=True)
class Played:
    """What a page played at 8 kHz, -1 to 1, and the wall clock's time of each window's first sample, in seconds."""

    callee: Sound
    agent: Sound
    starts: list[float]


@dataclass(frozen=True, slots=True)
class Found:
    """One window of a side. `alike`: its correlation with the part of the recording that is most like it. `behind_ms`: how much later
    than that part was heard at the leg it left the speaker."""

    alike: float
    behind_ms: float


def figures(house: House, runs: int) -> Iterable[Figure]:
    """A run is one call that a page listens to."""
    callee: list[list[Found]] = []
    agent: list[list[Found]] = []
    try:
        for _ in range(runs):
            found = _measure(house)
            callee.append(found[0])
            agent.append(found[1])
    except (NoBrowser, Unmeasured, BrowserFailed) as error:
        yield from (Figure.not_measured(name, unit, goal, str(error).splitlines()[0]) for name, unit, goal in (BEHIND, ALIKE))
        return
    behind = [statistics.median(window.behind_ms for window in run) for run in callee]
    worst = max(window.behind_ms for run in callee for window in run)
    detail = f"the callee's voice, medians of windows of {WINDOW / RATE:g} s, from the leg to the speaker; the latest {worst:.0f} ms"
    yield Figure.measured(BEHIND[0], behind, BEHIND[1], BEHIND[2], detail)
    alike = [min(statistics.median(window.alike for window in side) for side in run) for run in zip(callee, agent, strict=True)]
    shares = f"{_share(callee)} of the callee's and {_share(agent)} of the agent's windows reach 0.95"
    detail = f"with the recording, medians of windows, the lower of the two sides; {shares}"
    yield Figure.measured(ALIKE[0], alike, ALIKE[1], ALIKE[2], detail)


def _share(runs: list[list[Found]]) -> str:
    windows = [window.alike >= 0.95 for run in runs for window in run]
    return f"{sum(windows)} of {len(windows)}"


def _measure(house: House) -> tuple[list[Found], list[Found]]:
    """The windows of both sides that one page played."""
    with house.server("--record") as running:
        played = asyncio.run(_listen(house, running))
        running.inside()  # waits until the call is over, and its recording complete
        began = _begun(running)
    callee, agent = _recording(house.folder / f"{CALL}.wav")
    found = _find(played.callee, callee, played.starts, began), _find(played.agent, agent, played.starts, began)
    if not all(found):
        raise Unmeasured("the page played nothing but silence")
    return found


async def _listen(house: House, running: Server) -> Played:
    url = f"http://127.0.0.1:{running.port}"
    calling = asyncio.create_task(asyncio.to_thread(running.load, 1, seconds=CALL_S, repeats=1))
    async with chromium() as browser:
        context = await browser.new_context(bypass_csp=True)  # for the recorder's own script
        await context.add_cookies([{"name": "callwright_session", "value": house.session, "url": url}])
        page = await context.new_page()
        await page.add_init_script(_WIRETAP)
        await page.goto(f"{url}/live/{CALL}")
        await page.get_by_role("button", name="Start listening").click()
        await asyncio.sleep(LISTENS_S)
        heard = await page.evaluate(_HEARD)
    await calling
    return _played(heard)


def _played(heard: dict[str, Any]) -> Played:
    rate = heard["rate"]
    callee, agent = (_at_line_rate(side, rate) for side in np.frombuffer(b64decode(heard["sides"]), "<f4").reshape(2, -1))
    context_s, wall_ms = np.array(heard["clock"]).T
    offset_s = wall_ms / 1000 - context_s
    begins_s = np.arange(0, len(callee), WINDOW) / RATE + heard["first"] / rate
    return Played(callee, agent, (begins_s + np.interp(begins_s, context_s, offset_s)).tolist())


def _at_line_rate(side: NDArray[np.float32], rate: float) -> Sound:
    """Resampled by its spectrum."""
    wanted = round(len(side) * RATE / rate)
    found: Sound = np.fft.irfft(np.fft.rfft(side.astype(np.float64))[: wanted // 2 + 1], wanted) * wanted / len(side)
    return found


def _begun(running: Server) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{running.port}/begun", timeout=10) as answer:
        begun: dict[str, float] = json.load(answer)
        return begun[str(CALL)]


def _recording(path: Path) -> tuple[Sound, Sound]:
    with wave.open(str(path)) as file:
        both = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2).astype(np.float64) / 32768
    return both[:, 0], both[:, 1]


def _find(played: Sound, recorded: Sound, starts: list[float], began: float) -> list[Found]:
    """Each window that is not silent, in the last seconds of the recording before it left the speaker."""
    found = []
    for number, starts_s in enumerate(starts):
        window = played[number * WINDOW : (number + 1) * WINDOW]
        if len(window) < WINDOW or np.sqrt(np.mean(window**2)) < LOUD:
            continue
        end = round((starts_s - began) * RATE) + WINDOW
        first = max(0, end - AROUND_S * RATE)
        around = recorded[first:end]
        if len(around) <= WINDOW:
            continue
        at, alike = most_like(window, around)
        found.append(Found(alike, (starts_s - began - (first + at) / RATE) * 1000))
    return found


def most_like(window: Sound, around: Sound) -> tuple[float, float]:
    """Where in `around` the part begins that is most like `window`, to a `FINE`th of a sample, and their correlation.

    A page plays between the samples of the line, by any fraction of one: half a sample turns a voice's highest tones by 76 degrees, so that
    at whole samples the same voice is 0.9 alike and no more.
    """
    spectrum, turn = np.fft.rfft(around), 2j * np.pi * np.fft.rfftfreq(len(around))
    at = int(_alike(window, around).argmax())
    best = (0.0, 0.0)
    for fraction in np.arange(-FINE // 2, FINE // 2 + 1) / FINE:
        between = np.fft.irfft(spectrum * np.exp(turn * fraction), len(around))
        part = between[at : at + len(window)]
        best = max(best, (float(_alike(window, part)[0]), float(at + fraction)))
    return best[1], best[0]


def _alike(window: Sound, around: Sound) -> Sound:
    """The correlation of `window` with each part of `around` that is as long."""
    products = np.correlate(around, window, "valid")
    power = np.convolve(around**2, np.ones(len(window)), "valid")
    found: Sound = products / np.sqrt(np.maximum(power, 1e-6) * np.sum(window**2))
    return found
