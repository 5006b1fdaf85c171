"""What a page's AudioContext really gives to its destination, and the voices of the tests."""

import base64
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from playwright.async_api import Page

from mediaserver.switch import mulaw

Sound = NDArray[np.float64]
RATE = 8000
SPEECH = Path(__file__).parents[1] / "data" / "caller_8k.wav"
WINDOW = RATE // 4  # samples that are compared at once
MOST_WINDOWS = 25
MOST = 0.6  # of what is heard; a busy machine pauses sound where it should not, and a window with such a seam is like nothing
NONE = 0.2

_WIRETAP = """(() => {
    const connect = AudioNode.prototype.connect;
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = ({ audio }) => {
        window.microphoneAsked = audio; // what the browser makes of a voice would hide what the page makes of it
        return ask({ audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
    };
    window.ears = { left: [], right: [], length: 0, rate: 0, told: new EventTarget() };
    AudioNode.prototype.connect = function (to, ...rest) {
        if (to instanceof AudioDestinationNode) listen(this);
        return connect.call(this, to, ...rest);
    };
    async function listen(node) {
        const stream = new MediaStreamAudioDestinationNode(node.context, { channelCount: 2, channelCountMode: "explicit" });
        connect.call(node, stream);
        const track = stream.stream.getAudioTracks()[0];
        const reader = new MediaStreamTrackProcessor({ track, maxBufferSize: 1000 }).readable.getReader();
        for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
            for (const [plane, side] of [[0, ears.left], [Math.min(1, value.numberOfChannels - 1), ears.right]]) {
                const piece = new Float32Array(value.numberOfFrames);
                value.copyTo(piece, { planeIndex: plane, format: "f32-planar" });
                side.push(piece);
            }
            ears.rate = value.sampleRate;
            ears.length += value.numberOfFrames;
            value.close();
            ears.told.dispatchEvent(new Event("more"));
        }
    }
})()"""
_HEARD = """async (seconds) => {
    while (!(ears.length / ears.rate >= seconds)) await new Promise((more) => ears.told.addEventListener("more", more, { once: true }));
    const sides = [ears.left, ears.right].map((side) => new Uint8Array(new Float32Array(side.flatMap((piece) => [...piece])).buffer));
    const text = (bytes) => btoa(Array.from({ length: Math.ceil(bytes.length / 8192) }, (_, i) =>
        String.fromCharCode(...bytes.subarray(8192 * i, 8192 * (i + 1)))).join(""));
    return [ears.rate, ...sides.map(text)];
}"""
_FORGET = "Object.assign(ears, { left: [], right: [], length: 0 })"


class Ears:
    """Records what a page plays. Make them before the page is opened."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def attach(self) -> None:
        await self._page.add_init_script(_WIRETAP)

    async def forget(self) -> None:
        """What was heard until now."""
        await self._page.evaluate(_FORGET)

    async def heard(self, seconds: float) -> tuple[Sound, Sound]:
        """What left and right played since then, at 8 kHz, once it is so long at least."""
        rate, *sides = await self._page.evaluate(_HEARD, seconds)
        left, right = (_at_line_rate(np.frombuffer(base64.b64decode(side), "<f4").astype(np.float64), rate) for side in sides)
        return left, right


def speech(seconds: float, start: float = 0.0) -> bytes:
    """A real caller's voice as mu-law."""
    with wave.open(str(SPEECH)) as file:
        file.setpos(int(start * RATE))
        return mulaw.encode(file.readframes(int(seconds * RATE)))


def chirps(seconds: float, line: int = 0) -> bytes:
    """A voice that is never twice the same: tones that glide up and down, in another way for each `line`, as mu-law."""
    at = np.arange(round(seconds * RATE)) / RATE
    pitch = 500 + 300 * np.sin(2 * np.pi * (1.3 + 0.21 * line) * at) + 150 * np.sin(2 * np.pi * 0.37 * at)
    wave_ = 9000 * np.sin(2 * np.pi * np.cumsum(pitch) / RATE) * (0.6 + 0.4 * np.sin(2 * np.pi * 0.9 * at))
    return mulaw.encode(wave_.astype("<i2").tobytes())


def sound(codes: bytes | bytearray) -> Sound:
    return mulaw.decode(bytes(codes)).astype(np.float64) / 32768


def share_found(heard: Sound, spoken: Sound) -> float:
    """How much of what was heard is found in what was spoken, with a correlation of 0.95 or more, wherever it lies: of windows that are
    not silent, the share."""
    starts = [at for at in range(0, len(heard) - WINDOW, WINDOW) if loudness(heard[at : at + WINDOW]) > 0.01]
    assert starts, "nothing but silence was heard"
    starts = starts[:: 1 + len(starts) // MOST_WINDOWS]
    whole = _finely(np.pad(spoken, WINDOW))  # it begins and ends in silence
    length = 1 << (len(whole) + 2 * WINDOW).bit_length()
    spectrum = np.fft.rfft(whole, length)
    sums = np.cumsum(np.concatenate(([0.0], whole**2)))

    def best_correlation(at: int) -> float:
        piece = _finely(heard[at : at + WINDOW])
        products = np.fft.irfft(spectrum * np.conj(np.fft.rfft(piece, length)), length)[: len(whole) - len(piece) + 1]
        power = sums[len(piece) :] - sums[: -len(piece)]
        return float(np.max(products / np.sqrt(np.maximum(power, 1e-6) * np.sum(piece**2))))

    return sum(best_correlation(at) >= 0.95 for at in starts) / len(starts)


def loudness(piece: Sound) -> float:
    return float(np.sqrt(np.mean(piece**2)))


def microphone() -> Sound:
    """What a fake microphone hears, twice."""
    return sound(chirps(8, line=7) * 2)


def write_voice(path: Path) -> Path:
    """What a fake microphone hears over and over, as its file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(mulaw.decode(chirps(8, line=7)).astype("<i2").tobytes())
    return path


def _finely(side: Sound) -> Sound:
    """Twice as many samples, by the spectrum: what is alike need not lie on the same samples."""
    return np.fft.irfft(np.fft.rfft(side), 2 * len(side)) * 2


def _at_line_rate(side: Sound, rate: float) -> Sound:
    """Resampled by its spectrum."""
    if len(side) == 0:
        return side
    wanted = round(len(side) * RATE / rate)
    return np.fft.irfft(np.fft.rfft(side)[: wanted // 2 + 1], wanted) * wanted / len(side)
