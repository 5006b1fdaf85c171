"""A supervisor's voice on its way to the callee, while he has taken the call over."""

import numpy as np

from agent_runtime.supervision import Supervised
from mediaserver.switch import mulaw
from mediaserver.switch.leg import SwitchLeg
from mediaserver.switch.playout import SAMPLES_PER_MS
from mediaserver.switch.switch import Switch
from mediaserver.wire import Event

MOST_AHEAD = 400 * SAMPLES_PER_MS
USUAL_AHEAD = 120 * SAMPLES_PER_MS  # more than uneven frames need
QUIET = 200  # the loudest sample of a frame that holds no speech: -44 dBFS


class Backlog:
    """How much of what was said still waits for the callee's ear. Positions and times in samples."""

    def __init__(self) -> None:
        self._heard_at = 0  # when all that was let through will have been heard

    def admits(self, samples: int, now: int, *, quiet: bool) -> bool:
        """Whether so much more may follow. What comes in a burst after a stall is left out where it would wait for longer than 400 ms, and
        so is what is `quiet` until no more waits than usual: else the callee would hear all that follows so much later."""
        ends_at = max(self._heard_at, now) + samples
        if ends_at - now > (USUAL_AHEAD if quiet else MOST_AHEAD):
            return False
        self._heard_at = ends_at
        return True


class _NoPeer:
    """The codec of a leg that nobody hears."""

    def receive(self, _text: str) -> Event | None:
        return None

    def media(self, _mulaw: bytes) -> str:
        return ""

    def mark(self, _name: str) -> str:
        return ""

    def clear(self) -> str:
        return ""


def _discard(_text: str) -> None:
    """There is nobody to send to."""


class Microphone:
    """Takes `conversation` over for `by`, and speaks to the callee by way of it; and to its listener as a leg of the switch does, so that
    what is said is recognised. Raises NotPossible."""

    def __init__(self, switch: Switch, conversation: Supervised, by: str) -> None:
        self._conversation = conversation
        self._backlog = Backlog()
        self._ear: SwitchLeg = switch.add(_NoPeer(), _discard)  # first: without it nobody takes over, and the agent goes on
        try:
            self._ear.listen(conversation.take_over(by))
        except BaseException:  # whatever refuses the takeover: the leg for its microphone goes with it
            self._ear.close()
            raise

    @property
    def speaking(self) -> bool:
        """Whether there is a voice just now."""
        return self._ear.voice.speaking

    def hear(self, audio: bytes) -> None:
        """The next mu-law from the page."""
        pcm = mulaw.decode(audio)
        quiet = not np.any(np.abs(pcm) > QUIET)
        if self._backlog.admits(len(audio), self._ear.now_ms() * SAMPLES_PER_MS, quiet=quiet):
            self._conversation.speak(pcm.tobytes())
            self._ear.audio_received(audio)

    def close(self) -> None:
        """No more is heard. May be called twice."""
        self._ear.close()
